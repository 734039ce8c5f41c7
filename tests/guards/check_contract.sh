#!/bin/bash
# check_contract.sh - each route of fcgi/ is in contracts/openapi.yaml, and the other way round.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck source=tests/guards/lib.sh
. "$(dirname "$0")/lib.sh"

contract=contracts/openapi.yaml
[ -e "$contract" ] || verdict

# "METHOD /path" of each route record that the table holds.
routes()
{
	local name
	for name in $(sed -nE 's/^\t&(route_[a-z_]+),$/\1/p' fcgi/routes.c); do
		cat fcgi/route_*.c | tr '\n\t' '  ' | grep -oE "struct fcgi_route $name = \{[^}]*\}" |
			sed -nE 's/.*\.method = "([A-Z]+)", +\.path = "([^"]+)".*/\1 \2/p'
	done | sort
}

# The same of the contract, which has paths two and methods four spaces in.
described()
{
	awk '/^paths:/ { inside = 1; next } /^[^ #]/ { inside = 0 }
		inside && /^  \// { path = $1; sub(/:$/, "", path) }
		inside && /^    (get|put|post|delete|patch|head|options):$/ { method = $1; sub(/:/, "", method); print toupper(method), path }' \
		"$contract" | sort
}

[ -n "$(routes)" ] || finding "fcgi/routes.c:1: no route was found: has its form changed?"
while read -r line; do
	finding "$contract:1: does not describe ${line#< }, which fcgi/ has"
done < <(diff <(routes) <(described) | grep '^<')
while read -r line; do
	finding "$contract:1: describes ${line#> }, which fcgi/ does not have"
done < <(diff <(routes) <(described) | grep '^>')
verdict
