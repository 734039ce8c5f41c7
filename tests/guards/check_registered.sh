#!/bin/bash
# check_registered.sh - a test that is written is a test that runs.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck source=tests/guards/lib.sh
. "$(dirname "$0")/lib.sh"

for f in $(sources tests/unit tests/integration); do
	for name in $(code "$f" | sed -nE 's/^START_TEST\(([a-z_0-9A-Z]+)\).*/\1/p'); do
		code "$f" | tr '\n' ' ' | grep -qE "tcase_add[a-z_]*test[a-z_]*[[:space:]]*\([^;]*[^A-Za-z0-9_]${name}[^A-Za-z0-9_]" ||
			finding "$f:1: START_TEST($name) is in no tcase_add_test"
	done
done
for f in tests/unit/test_*.c tests/fuzz/fuzz_*.c tests/guards/check_*.sh; do
	[ -e "$f" ] || continue
	cat tests/Makefile.am tests/*.am | grep -F "${f#tests/}" >/dev/null || finding "$f:1: no Makefile.am of tests/ knows it"
done
for f in tests/fuzz/fuzz_*.c; do
	[ -e "$f" ] || continue
	name=$(basename "$f" .c)
	ls tests/fuzz/corpus/"${name#fuzz_}"/* >/dev/null 2>&1 || finding "$f:1: no corpus in tests/fuzz/corpus/${name#fuzz_}/"
done
while read -r f; do
	grep -qE '^[[:space:]]*def test_' "$f" || finding "$f:1: holds no test_ function"
	while IFS=: read -r name; do
		[ "$(grep -cE "^[[:space:]]*def $name\\(" "$f")" -eq 1 ] || finding "$f:1: two tests are called $name, only the last one runs"
	done < <(grep -oE '^def test_[A-Za-z0-9_]+' "$f" | sed 's/^def //' | sort | uniq -d)
done < <(find tests/http tests/integration tests/reference -name 'test_*.py' 2>/dev/null)
while read -r f; do
	finding "$f:1: pytest only looks into test_*.py"
done < <(grep -rlE '^def test_' --include='*.py' tests 2>/dev/null | grep -v '/test_[^/]*$')
verdict
