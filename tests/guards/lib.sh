# lib.sh - what the guards share. A guard takes the tree to look at, prints each finding as
# "file:line: what is wrong", and fails when there is one. selftest.sh shows each a bad tree.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
set -uo pipefail
export LC_ALL=C

tree=${1:-${top_srcdir:-$(dirname "$0")/../..}}
cd "$tree" || exit 2
found=0

finding()
{
	printf '%s\n' "$*"
	found=$((found + 1))
}

# sources DIR…: the .c and .h files below those folders that exist.
sources()
{
	local d
	for d in "$@"; do
		[ ! -d "$d" ] || find "$d" -name '*.[ch]' -type f
	done | sort
}

# code FILE: the text without comments and without what is inside quotes, line for line.
code()
{
	awk '{
		line = $0; out = ""
		while (line != "") {
			if (inside) {
				i = index(line, "*/")
				if (i == 0) { line = ""; break }
				line = substr(line, i + 2); inside = 0; continue
			}
			if (match(line, /\/\*|\/\/|"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047/) == 0) { out = out line; break }
			out = out substr(line, 1, RSTART - 1)
			token = substr(line, RSTART, RLENGTH)
			line = substr(line, RSTART + RLENGTH)
			if (token == "/*") inside = 1
			else if (token == "//") line = ""
			else out = out (substr(token, 1, 1) == "\"" ? "\"\"" : "0")
		}
		print out
	}' "$1"
}

# allowed LIST KEY: is the key in the exceptions file, with a reason behind it?
allowed()
{
	grep -qE "^$(printf '%s' "$2" | sed 's/[][\.*^$()+?{|]/\\&/g')[[:space:]]+[^[:space:]]" "$1" 2>/dev/null
}

verdict()
{
	[ "$found" -eq 0 ] && exit 0
	printf '%s: %d finding(s)\n' "$(basename "$0")" "$found"
	exit 1
}
