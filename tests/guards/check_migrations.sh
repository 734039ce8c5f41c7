#!/bin/bash
# check_migrations.sh - migrations are numbered without a gap, have a way back, and say what they do.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck source=tests/guards/lib.sh
. "$(dirname "$0")/lib.sh"

for kind in platform tenant; do
	next=1
	for up in sql/"$kind"/*.up.sql; do
		[ -e "$up" ] || continue
		name=$(basename "$up" .up.sql)
		[[ $name =~ ^[0-9]{4}_[a-z0-9_]+$ ]] || finding "$up:1: is not named NNNN_name.up.sql"
		[ "${name%%_*}" = "$(printf %04d $next)" ] || finding "$up:1: number $(printf %04d $next) should come here"
		next=$((next + 1))
		[ -e "sql/$kind/$name.down.sql" ] || finding "$up:1: has no $name.down.sql"
		head -n 1 "$up" | grep -q "^-- $name: " || finding "$up:1: does not open with \"-- $name: what it does\""
	done
	for down in sql/"$kind"/*.down.sql; do
		[ ! -e "$down" ] || [ -e "${down%.down.sql}.up.sql" ] || finding "$down:1: has no way up"
	done
done
while IFS=: read -r f line text; do
	finding "$f:$line: the runner holds the transaction, not the file: $text"
done < <(grep -nHE '^[[:space:]]*(BEGIN|COMMIT|ROLLBACK)[[:space:]]*;' sql/platform/*.sql sql/tenant/*.sql 2>/dev/null)
verdict
