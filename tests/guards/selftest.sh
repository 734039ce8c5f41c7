#!/bin/bash
# selftest.sh - each guard passes a small good tree and fails on the same tree made bad, for the reason meant.
# SPDX-License-Identifier: GPL-3.0-or-later
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
unset GUARD_SANITIZED GUARD_LIBRARY GUARD_CPPFLAGS

head_of()
{
	printf '/* %s - a sample. */\n/* SPDX-License-Identifier: GPL-3.0-or-later */\n' "$1"
}

good_tree()
{
	rm -rf "$work/t"
	mkdir -p "$work/t/lib/base" "$work/t/lib/log" "$work/t/lib/db" "$work/t/ctl" "$work/t/tests/unit" "$work/t/tests/guards" \
		"$work/t/tests/http" "$work/t/tests/fuzz/corpus/x" "$work/t/sql/platform" "$work/t/sql/tenant"
	cd "$work/t" || exit 2
	for room in base log db; do
		{ head_of "$room.h"; echo "int desk_${room}_get(int a);"; } >lib/$room/$room.h
	done
	{
		head_of log.c
		printf '#include "log/log.h"\n#include "base/base.h"\n\n'
		printf 'int\ndesk_log_get(int a)\n{\n\tif (a > 1 && a < 9)\n\t\treturn 1; /* no strcpy(here) */\n\treturn desk_base_get(a);\n}\n'
	} >lib/log/log.c
	{ head_of ctl.c; echo '#include "db/db.h"'; } >ctl/ctl.c
	{ head_of test_log.c; printf 'START_TEST(it_works)\n{\n}\nEND_TEST\nvoid s(void)\n{\n\ttcase_add_test(t, it_works);\n}\n'; } >tests/unit/test_log.c
	head_of fuzz_x.c >tests/fuzz/fuzz_x.c
	echo x >tests/fuzz/corpus/x/one
	printf 'unit/test_log.c fuzz/fuzz_x.c\n' >tests/Makefile.am
	printf 'def test_a():\n    pass\n' >tests/http/test_a.py
	mkdir -p lib/config tools doc
	{ head_of config.h; echo; } >lib/config/config.h
	{ head_of settings.h; printf '#define DESK_SETTINGS(X) \\\n\tX(INT, A, "16", 0, 0, "a number")\n'; } >lib/config/settings.h
	cp "$here/../../tools/settings-sample.sh" tools/
	bash tools/settings-sample.sh >doc/frontdesk.env
	mkdir -p doc/man
	printf '.It Ev A Pq default 16; 0 to 0\n' >doc/man/frontdesk.env.5
	for kind in platform tenant; do
		printf -- '-- 0001_first: a sample.\n' | tee sql/$kind/0001_first.up.sql >sql/$kind/0001_first.down.sql
	done
}

# passes GUARD
passes()
{
	good_tree
	said=$(bash "$here/$1" "$work/t" 2>&1) || { echo "FAIL: $1 refuses the good tree: $said"; failed=1; }
}

# refuses GUARD WORDS COMMAND…: after the command the guard must fail and say the words.
refuses()
{
	local guard=$1 words=$2
	shift 2
	good_tree
	"$@"
	said=$(bash "$here/$guard" "$work/t" 2>&1) && { echo "FAIL: $guard does not see: $words"; failed=1; return; }
	case $said in
	*"$words"*) ;;
	*) echo "FAIL: $guard says \"$said\" instead of \"$words\""; failed=1 ;;
	esac
}

add()
{
	printf '%b' "$2" >>"$1"
}

long_function()
{
	printf 'int\nbig(void)\n{\n%080d\n}\n' 0 | sed 's/0/\tx();\n/g' >>lib/log/log.c
}

passes check_layers.sh
refuses check_layers.sh "base may not include log" add lib/base/base.h '#include "log/log.h"\n'
refuses check_layers.sh "is not in the table" eval 'mkdir lib/new && head_of x >lib/new/new.h'
refuses check_layers.sh "is private to db" add lib/log/log.c '#include "db/db_int.h"\n'
refuses check_layers.sh "a program leaves this to lib/" add ctl/ctl.c '#include <libpq-fe.h>\n'
refuses check_layers.sh "a program leaves this to lib/" add ctl/ctl.c 'const char *q = "SELECT 1";\n'

passes check_banned.sh
refuses check_banned.sh "strcpy is banned" add lib/log/log.c 'void f(void)\n{\n\tstrcpy(a, b);\n}\n'
refuses check_banned.sh "malloc is banned" add ctl/ctl.c 'void *p(void)\n{\n\treturn malloc(3);\n}\n'

passes check_sizes.sh
refuses check_sizes.sh "big has 8" long_function
refuses check_sizes.sh "takes 6 parameters" add lib/log/log.c 'int\nwide(int a, int b, int c, int d, int (*e)(int, int), int f)\n{\n}\n'
refuses check_sizes.sh "has complexity 17" add lib/log/log.c 'int\nbranchy(int a)\n{\n\treturn a&&a&&a&&a&&a&&a&&a&&a||a||a||a||a||a||a||a||a||a;\n}\n'
refuses check_sizes.sh "600 at most" eval 'seq 1 700 >>lib/log/log.c'

passes check_headers.sh
refuses check_headers.sh "does not compile alone" add lib/log/log.h 'void f(size_t n);\n'
refuses check_headers.sh "no SPDX line" eval 'echo "/* x */" >lib/log/other.c'
refuses check_headers.sh "has no door" eval 'mkdir lib/cache'

passes check_registered.sh
refuses check_registered.sh "START_TEST(forgotten)" add tests/unit/test_log.c 'START_TEST(forgotten)\n{\n}\nEND_TEST\n'
refuses check_registered.sh "of tests/ knows it" eval 'head_of x >tests/unit/test_new.c'
refuses check_registered.sh "no corpus" eval 'rm tests/fuzz/corpus/x/one'
refuses check_registered.sh "only the last one runs" add tests/http/test_a.py 'def test_a():\n    pass\n'
refuses check_registered.sh "only looks into test_" eval 'cp tests/http/test_a.py tests/http/a.py'

passes check_settings.sh
refuses check_settings.sh "out of step" eval 'sed -i s/16/17/ lib/config/settings.h'
refuses check_settings.sh "has 1 settings" add lib/config/settings.h '\tX(STR, B, "", 0, 0, "b")\n'

passes check_man.sh
refuses check_man.sh "A Pq default 17; 0 to 0" eval 'sed -i s/16/17/ lib/config/settings.h'
refuses check_man.sh 'has no ".It Ic split"' add ctl/cmd_split.c '\t.name = "split",\n'
refuses check_man.sh 'has no "Fl -wait"' add ctl/cmd_split.c '\t{ "wait", NULL, "wait for it" },\n'
refuses check_man.sh "B is no setting" add doc/man/frontdesk.env.5 '.It Ev B Pq default empty\n'

passes check_migrations.sh
refuses check_migrations.sh "has no 0002_more.down.sql" eval 'echo "-- 0002_more: x" >sql/tenant/0002_more.up.sql'
refuses check_migrations.sh "number 0002 should come here" eval 'echo "-- 0003_x: x" | tee sql/tenant/0003_x.up.sql >sql/tenant/0003_x.down.sql'
refuses check_migrations.sh "does not open with" eval 'echo "select 1;" >sql/tenant/0001_first.up.sql'
refuses check_migrations.sh "the runner holds the transaction" add sql/tenant/0001_first.up.sql 'COMMIT;\n'

# check_exports.sh looks at a built library
good_tree
library()
{
	printf '%b' "$1" | ${CC:-cc} -shared -fPIC -x c - -o "$work/lib.so" || exit 2
	GUARD_LIBRARY=$work/lib.so bash "$here/check_exports.sh" "$work/t" 2>&1
}
said=$(library 'int desk_a(void) { return 1; }\n') || { echo "FAIL: check_exports.sh refuses a good library: $said"; failed=1; }
said=$(library 'int other(void) { return 1; }\n') && { echo "FAIL: check_exports.sh does not see a foreign name"; failed=1; }
said=$(library 'static int n; int desk_a(void) { return ++n; }\n') && { echo "FAIL: check_exports.sh does not see a mutable global"; failed=1; }

cd /
exit $failed
