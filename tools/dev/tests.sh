# tests.sh - ./dev test: every check there is, and one closing line that counts them.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

test_dir=
passed=0
failed=0
skipped=0
gcc_tried=no
test_steps=(gcc clang asan dist python up shell cppcheck tidy)

tests_list()
{
	cat <<'END'
gcc       build by gcc -Werror, make check, install
clang     build by clang -Werror
asan      build by gcc with AddressSanitizer and UBSan, make check
dist      make dist, and a build from the tarball
python    pytest: tests/integration, tests/http, tests/reference, on running stacks
up        a fresh clone: ./dev up, again, after a crash, down
shell     shellcheck on ./dev, tools/ and the guards
cppcheck  cppcheck, findings are errors
tidy      clang-tidy with .clang-tidy, findings are errors
END
}

tests_venv()
{
	local key
	key=$(cat "$top/tests/requirements.txt" "$top/tests/requirements-alone.txt" | sha256sum)
	! done_before venv "$key" || return 0
	[ -x "$state/venv/bin/pip" ] || /usr/bin/python3 -m venv "$state/venv"
	"$state/venv/bin/pip" install --quiet --disable-pip-version-check -r "$top/tests/requirements.txt"
	"$state/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$top/tests/requirements-alone.txt"
	stamp venv "$key"
}

tests_failure()
{
	grep -aE '^(FAIL|ERROR|XPASS)|error:|warning:|FAILED' "$test_dir/log/$1.log" | head -n 20 | sed 's/^/    /' || true
	say "    … the whole output: $test_dir/log/$1.log"
}

# one NAME TITLE COMMAND…: a step that is one check; step_status tells.
one()
{
	local name=$1
	step_run "$2" "$test_dir/log/$name.log" "${@:3}"
	if [ "$step_status" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		tests_failure "$name"
	fi
}

test_build()
{
	local name=$1
	shift
	build_configure "$test_dir/$name" --prefix="$test_dir/$name/prefix" --silent "$@"
	build_make "$test_dir/$name" all
	build_make "$test_dir/$name" check TESTS=
}

# make check: each program counts with the checks that libcheck says it ran, a script as one.
test_check()
{
	local name=$1 dir=$test_dir/$1/tests before=$failed rc trs result ran bad
	find "$dir" -name '*.trs' -delete
	step_run "$name: make check" "$test_dir/log/$name-check.log" make -C "$test_dir/$name" -k check
	rc=$step_status
	[ "$rc" -eq 0 ] || tests_failure "$name-check"
	while read -r trs; do
		result=$(sed -n 's/^:test-result: *//p' "$trs")
		read -r ran bad < <(sed -nE 's/^[0-9]+%: Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+).*/\1 \2+\3/p' \
			"${trs%.trs}.log" | tail -n 1) || { ran=1 && bad=0; }
		[[ $result == PASS* ]] || [ $((bad)) -gt 0 ] || bad=1
		case $result in
		SKIP*) skipped=$((skipped + 1)) ;;
		*) passed=$((passed + ran - (bad))); failed=$((failed + (bad))) ;;
		esac
	done < <(find "$dir" -name '*.trs')
	if [ "$rc" -ne 0 ] && [ "$failed" -eq "$before" ]; then
		failed=$((failed + 1))
	fi
}

test_gcc()
{
	gcc_tried=yes
	one gcc "gcc: build, -Werror" test_build gcc CC=gcc
	[ "$step_status" -eq 0 ] || return 0
	test_check gcc
	one gcc-install "gcc: install" build_make "$test_dir/gcc" install
}

test_clang()
{
	one clang "clang: build, -Werror" test_build clang CC=clang
}

test_asan()
{
	one asan "sanitizers: build" test_build asan CC=gcc --enable-sanitize
	[ "$step_status" -eq 0 ] || return 0
	test_check asan
	one asan-install "sanitizers: install" build_make "$test_dir/asan" install
	test_pytest asan "sanitizers: pytest, http" tests/http
}

dist_build()
{
	local d=$test_dir/dist
	rm -rf "$d"
	mkdir -p "$d"
	rm -f "$test_dir"/gcc/frontdesk-*.tar.xz
	make -C "$test_dir/gcc" -s dist-xz
	mkdir "$d/source"
	tar -C "$d/source" --strip-components=1 -xJf "$test_dir"/gcc/frontdesk-*.tar.xz
	(cd "$d" && mkdir build && cd build && ../source/configure --silent --prefix=/usr &&
		make -s -j"$(nproc)" && make -s install DESTDIR="$d/root")
	[ -x "$d/root/usr/bin/frontdeskctl" ]
	rm -rf "$d"
}

test_dist()
{
	tests_need_gcc
	one dist "make dist builds and installs" dist_build
}

tests_need_gcc()
{
	[ $gcc_tried = yes ] || test_gcc
}

# pytest_run BUILD ARGS…: the Python tests against a build's installed tree.
pytest_run()
{
	local d=$test_dir/$1
	shift
	FRONTDESK_PREFIX=$d/prefix FRONTDESK_BUILD=$d FRONTDESK_SPLIT_DRIVER=$d/tests/split_driver \
		"$state/venv/bin/pytest" -c tests/pytest.ini --rootdir=tests "$@"
}

# junit_count FILE NAME: an attribute of pytest's XML summary.
junit_count()
{
	grep -oE '<testsuite [^>]*' "$1" 2>/dev/null | grep -oE " $2=\"[0-9]+" | grep -oE '[0-9]+$' || echo 0
}

# test_pytest BUILD TITLE ARGS…
test_pytest()
{
	local name=$1-pytest xml=$test_dir/log/$1-pytest.xml bad
	rm -f "$xml"
	step_run "$2" "$test_dir/log/$name.log" pytest_run "$1" --junit-xml="$xml" "${@:3}"
	bad=$(($(junit_count "$xml" failures) + $(junit_count "$xml" errors)))
	skipped=$((skipped + $(junit_count "$xml" skipped)))
	passed=$((passed + $(junit_count "$xml" tests) - bad - $(junit_count "$xml" skipped)))
	if [ "$step_status" -ne 0 ]; then
		failed=$((failed + (bad > 0 ? bad : 1)))
		tests_failure "$name"
	fi
	grep -a '^SKIPPED' "$test_dir/log/$name.log" | sed 's/^/    /' || true
}

test_python()
{
	tests_need_gcc
	test_pytest gcc "pytest: integration, http, reference"
}

test_up()
{
	mkdir -p "$test_dir/up"
	one up "./dev up in a fresh clone, again, down" tests/dev/up_test.sh "$test_dir/up"
}

test_shell()
{
	one shell "shellcheck" shellcheck -x dev tools/*.sh tools/dev/*.sh tests/guards/*.sh tests/dev/*.sh
}

source_dirs()
{
	local d
	for d in lib fcgi jobs ctl admin-tui; do
		[ ! -d $d ] || echo $d
	done
}

# cppcheck 2.10 does not know __VA_OPT__, which is always a comma here.
cppcheck_run()
{
	# shellcheck disable=SC2046
	cppcheck -q -j"$(nproc)" --std=c11 --enable=warning,portability,performance --inline-suppr \
		--error-exitcode=1 --suppress=missingIncludeSystem --suppress=ctuuninitvar \
		--cppcheck-build-dir="$1" -D_GNU_SOURCE '-D__VA_OPT__(...)=,' -Ilib $(source_dirs)
}

test_cppcheck()
{
	mkdir -p "$test_dir/cppcheck"
	one cppcheck "cppcheck" cppcheck_run "$test_dir/cppcheck"
}

# Every file that a build would compile, with the flags it would have. Nothing is built, so make -n
# misses the library that programs are linked with, and goes on.
tidy_run()
{
	local d=$test_dir/tidy
	build_configure "$d" --silent CC=clang
	{ make -C "$d" -nwk V=1 all 2>/dev/null || true; } | "$top/tools/compile-commands.py" >"$d/compile_commands.json"
	jq -r '.[].file' "$d/compile_commands.json" | grep -vE '/(tests|bench)/' | sort -u |
		xargs -P "$(nproc)" -n 4 clang-tidy --quiet --warnings-as-errors='*' -p "$d"
}

test_tidy()
{
	one tidy "clang-tidy" tidy_run
}

tests_run()
{
	local name
	if [ "${1:-}" = --list ]; then
		tests_list
		return
	fi
	state_open
	test_dir=$state/test
	packages_install build run "test"
	run_user_choose
	pgvector_install
	step "Python packages" tests_venv
	[ $# -gt 0 ] || set -- "${test_steps[@]}"
	for name in "$@"; do
		[[ " ${test_steps[*]} " == *" $name "* ]] || usage_error "there is no test step \"$name\": ./dev test --list"
		"test_$name"
	done
	say "  in $(elapsed)"
	say "$passed passed, $failed failed, $skipped skipped"
	[ $failed -eq 0 ] || exit 1
}
