#!/bin/bash
# check_headers.sh - every header compiles alone; every C file says what it is and under which licence.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck source=tests/guards/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2086
for f in $(sources lib fcgi jobs ctl admin-tui | grep '\.h$'); do
	said=$(printf '#include "%s"\n' "$f" | ${CC:-cc} ${GUARD_CPPFLAGS:-} -std=c11 -D_GNU_SOURCE -Wall -Wextra \
		-Werror -fsyntax-only -I. -Ilib -I"$(dirname "$f")" -x c - 2>&1) ||
		finding "$f:1: does not compile alone: $(printf '%s' "$said" | grep -m 1 error)"
done
for f in $(sources lib fcgi jobs ctl admin-tui tests); do
	head -n 5 "$f" | grep -q 'SPDX-License-Identifier: GPL-3.0-or-later' || finding "$f:1: no SPDX line in its head"
	head -n 1 "$f" | grep -q '^/\*' || finding "$f:1: does not open with a comment that says what it is"
	[ "${f##*.}" = c ] || ! grep -nE '#[[:space:]]*include[[:space:]]*[<"]config\.h' "$f" >/dev/null ||
		finding "$f:1: config.h is for .c files only"
done
for room in lib/*/; do
	room=$(basename "$room")
	[ ! -d "lib/$room" ] || [ -f "lib/$room/$room.h" ] || finding "lib/$room:1: the room has no door $room.h"
done
verdict
