#!/bin/bash
# settings-sample.sh - the sample env file out of the table of settings: tools/settings-sample.sh > doc/frontdesk.env
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
cat <<'END'
# frontdesk.env - settings of Frontdesk: NAME=value, as systemd's EnvironmentFile reads them.
# The environment goes over this file; names in any case. FRONTDESK_ENV names the file.
# What is commented out is the default. Made by tools/settings-sample.sh from lib/config/settings.h.
END
sed -nE 's/^[[:space:]]*X\(([A-Z]+), ([A-Z0-9_]+), "([^"]*)", [^"]*"(([^"\\]|\\.)*)"\).*/\1|\2|\3|\4/p' lib/config/settings.h |
	while IFS='|' read -r type name default doc; do
		[ "$type" != SECRET ] || doc="$doc (secret)"
		printf '\n# %s\n#%s=%s\n' "$doc" "$name" "$default"
	done
