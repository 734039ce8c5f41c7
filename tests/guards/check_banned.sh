#!/bin/bash
# check_banned.sh - calls that overflow, lie or cannot fail well; each has a house word instead.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck source=tests/guards/lib.sh
. "$(dirname "$0")/lib.sh"

# call: what to write instead
banned='strcpy strcat sprintf vsprintf strtok atoi atol atof gets system localtime gmtime ctime asctime rand alloca
strncpy tmpnam mktemp popen'
memory='malloc calloc realloc strdup strndup reallocarray asprintf vasprintf'

for f in $(sources lib fcgi jobs ctl admin-tui); do
	words=$banned
	case $f in lib/base/*) ;; *) words="$words $memory" ;; esac
	# shellcheck disable=SC2086
	pattern="(^|[^A-Za-z0-9_.>])($(echo $words | tr ' ' '|'))[[:space:]]*\\("
	while IFS=: read -r line text; do
		word=$(printf '%s' "$text" | grep -oE "$pattern" | head -n 1 | tr -d '( \t' | grep -oE '[a-z]+$')
		allowed tests/guards/banned.allow "$f:$word" || finding "$f:$line: $word is banned"
	done < <(code "$f" | grep -nE "$pattern")
done
verdict
