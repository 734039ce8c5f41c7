#!/bin/bash
# check_man.sh - frontdesk.env(5) names each setting of the table, with its default and range.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck source=tests/guards/lib.sh
. "$(dirname "$0")/lib.sh"

table=lib/config/settings.h
page=doc/man/frontdesk.env.5

# One line a setting, as the page should say it: "NAME Pq default 8; 1 to 200".
expected()
{
	sed -nE 's/^[[:space:]]*X\(([A-Z]+), ([A-Z0-9_]+), "([^"]*)", ([0-9]+), ([0-9]+), .*/\1 \2 \4 \5 \3/p' "$table" |
	while read -r type name min max value; do
		printf '%s Pq %sdefault %s%s\n' "$name" "$([ "$type" != SECRET ] || printf 'secret; ')" \
			"${value:-empty}" "$([ "$type" != INT ] || printf '; %s to %s' "$min" "$max")"
	done
}

[ -e "$table" ] || verdict
[ -e "$page" ] || { finding "$page:1: is missing"; verdict; }
wanted=$(expected)
while read -r line; do
	grep -qxF ".It Ev $line" "$page" || finding "$page:1: has no line \".It Ev $line\""
done <<<"$wanted"
while IFS=: read -r number line; do
	name=$(cut -d' ' -f3 <<<"$line")
	grep -qE "^$name " <<<"$wanted" || finding "$page:$number: $name is no setting of $table"
done < <(grep -nE '^\.It Ev .* Pq' "$page")
verdict
