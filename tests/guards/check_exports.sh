#!/bin/bash
# check_exports.sh - the library exports desk_ names only, and keeps no mutable globals.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck source=tests/guards/lib.sh
. "$(dirname "$0")/lib.sh"

library=${GUARD_LIBRARY:-build/lib/.libs/libfrontdesk.so}
[ -e "$library" ] || { echo "$library is not built"; exit 77; }
while read -r name; do
	case $name in
	desk_* | _init | _fini | _end | _edata | __bss_start | __asan_* | __odr_asan* | __ubsan* | __sancov*) ;;
	*) finding "$library: exports $name" ;;
	esac
done < <(nm -D --defined-only --format=posix "$library" | cut -d' ' -f1 | sed 's/@.*//')

# Writable data that is not only relocated: every worker thread would share it.
while read -r section name; do
	case $name in
	completed.* | _DYNAMIC | __* | .*) ;;
	*) allowed tests/guards/globals.allow "${name%%.[0-9]*}" || finding "$library: $name in $section is a mutable global" ;;
	esac
done < <([ -n "${GUARD_SANITIZED:-}" ] || objdump -t "$library" | awk '$0 ~ / O \.(data|bss)[ \t]/ { print $(NF-2), $NF }')
verdict
