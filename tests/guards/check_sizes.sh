#!/bin/bash
# check_sizes.sh - files, functions, parameters and branches stay small; sizes.allow has the exceptions.
# A function begins with its brace in the first column, as the house style has it.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck source=tests/guards/lib.sh
. "$(dirname "$0")/lib.sh"

file_max=600 function_max=80 branch_max=15 parameter_max=5
list=${SIZES_LIST:-no}	# yes: print every function's numbers as well

# Each function as "line name lines branches parameters".
functions()
{
	code "$1" | awk '
	/^\{/ && !inside {
		inside = 1; start = NR; branches = 1
		depth = 0; parameters = 0; name = head
		sub(/[[:space:]]*\(.*/, "", name); sub(/.*[^A-Za-z0-9_]/, "", name)
		list = head; sub(/^[^(]*\(/, "", list); sub(/\)[^)]*$/, "", list)
		sub(/,[[:space:]]*\.\.\./, "", list)
		if (list !~ /^[[:space:]]*(void)?[[:space:]]*$/) parameters = 1
		n = length(list)
		for (i = 1; i <= n; i++) {
			c = substr(list, i, 1)
			if (c == "(") depth++
			else if (c == ")") depth--
			else if (c == "," && depth == 0) parameters++
		}
	}
	inside {
		line = $0
		branches += gsub(/(^|[^A-Za-z0-9_])(if|for|while|case)([^A-Za-z0-9_]|$)/, "&", line)
		branches += gsub(/&&|\|\||\?/, "&", line)
	}
	/^\}/ && inside {
		if (head ~ /\(/ && head !~ /^(static )?(const )?(struct|enum|union) [a-z_0-9]+ *$/ && head !~ /=/)
			print start, name, NR - start + 1, branches, parameters
		inside = 0; head = ""
		next
	}
	!inside {
		if ($0 ~ /^[[:space:]]*$/ || $0 ~ /^#/ || $0 ~ /;[[:space:]]*$/) head = ""
		else head = head " " $0
	}'
}

for f in $(sources lib fcgi jobs ctl admin-tui); do
	lines=$(wc -l <"$f")
	if [ "$lines" -gt $file_max ] && ! allowed tests/guards/sizes.allow "$f"; then
		finding "$f:$lines: the file has $lines lines, $file_max at most"
	fi
	while read -r line name length branches parameters; do
		[ "$list" = no ] || printf '%s:%s: %s %s %s %s\n' "$f" "$line" "$name" "$length" "$branches" "$parameters"
		problem=
		[ "$length" -le $function_max ] || problem="has $length lines, $function_max at most"
		[ "$branches" -le $branch_max ] || problem="${problem:+$problem; }has complexity $branches, $branch_max at most"
		[ "$parameters" -le $parameter_max ] || problem="${problem:+$problem; }takes $parameters parameters, $parameter_max at most"
		[ -z "$problem" ] || allowed tests/guards/sizes.allow "$f:$name" || finding "$f:$line: $name $problem"
	done < <(functions "$f")
done
verdict
