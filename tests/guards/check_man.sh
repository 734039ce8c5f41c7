#!/bin/bash
# check_man.sh - the man pages name each setting (with default and range), command and option.
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

# Each command has a paragraph of its own; its options stand somewhere on the page.
commands()
{
	local f name
	for f in ctl/cmd_*.c; do
		[ -e "$f" ] || continue
		name=$(sed -nE 's/^[[:space:]]*\.name = "([a-z-]+)",.*/\1/p' "$f")
		grep -qE "^\.It Ic $name( |\$)" doc/man/frontdeskctl.1 || finding "$f:1: frontdeskctl.1 has no \".It Ic $name\""
		while read -r name; do
			grep -qE "Fl -$name( |\$)" doc/man/frontdeskctl.1 || finding "$f:1: frontdeskctl.1 has no \"Fl -$name\""
		done < <(sed -nE 's/^[[:space:]]*\{ "([a-z-]+)", ("[^"]*"|NULL), ".*/\1/p' "$f")
	done
}

daemon_options()
{
	local name
	while read -r name; do
		[ "$name" = help ] || grep -qE "Fl -$name( |\$)" "$2" || finding "$1:1: $2 has no \"Fl -$name\""
	done < <(sed -nE 's/^[[:space:]]*\{ "([a-z-]+)", (no|required)_argument, .*/\1/p' "$1")
}

commands
[ ! -e fcgi/main.c ] || daemon_options fcgi/main.c doc/man/frontdesk-fcgi.8
[ ! -e jobs/main.c ] || daemon_options jobs/main.c doc/man/frontdesk-jobd.8
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
