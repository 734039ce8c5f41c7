#!/bin/bash
# check_settings.sh - every setting is in the sample file, with its default and its line of doc.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck source=tests/guards/lib.sh
. "$(dirname "$0")/lib.sh"

[ -e lib/config/settings.h ] || verdict
rows=$(grep -cE '^[[:space:]]*X\(' lib/config/settings.h)
documented=$(grep -cE '^#?[A-Z0-9_]+=' doc/frontdesk.env)
[ "$rows" -eq "$documented" ] ||
	finding "doc/frontdesk.env:1: has $documented settings, lib/config/settings.h has $rows: tools/settings-sample.sh >doc/frontdesk.env"
while read -r line; do
	finding "doc/frontdesk.env:1: out of step: \"$line\": tools/settings-sample.sh >doc/frontdesk.env"
done < <(bash tools/settings-sample.sh | diff - doc/frontdesk.env | grep '^[<>]' | head -n 5)
verdict
