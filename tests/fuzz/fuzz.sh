#!/bin/bash
# fuzz.sh NAME [SECONDS] [libFuzzer options] - fuzz tests/fuzz/fuzz_NAME.c with libFuzzer, ASan and UBSan.
# What it finds new goes to build/fuzz/NAME; a crash file belongs into tests/fuzz/corpus/NAME once it is mended.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
name=${1:?usage: fuzz.sh NAME [SECONDS] [options]}
seconds=${2:-60}
shift $(($# < 2 ? $# : 2))
cd "$(dirname "$0")/../.."
out=build/fuzz/$name
mkdir -p "$out"
packages="jansson libpq hiredis libcurl libcrypto libjwt icu-uc icu-i18n poppler-glib libzip libxml-2.0 libseccomp libexttextcat"
# The whole library is compiled in, so that it is instrumented too; a target that includes one of its
# .c files gets that file twice otherwise, so its objects come first and the library as an archive.
# shellcheck disable=SC2044,SC2046,SC2086,SC2089,SC2090
{
	flags="-std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
		-I lib -I fcgi -I tests -I build $(pkg-config --cflags $packages) -DDESK_LIBEXECDIR=\"/nonexistent\" -DDESK_MODEL_FILE=\"models/all-minilm-l6-v2.int8.desk\""
	rm -f "$out/lib.a"
	for c in $(find lib fcgi -name '*.c' -not -path fcgi/main.c -not -path 'lib/ingestion/child/main.c' -not -path '*/sandbox.c' -not -name selftest.c); do
		o=$out/obj/${c//\//_}.o
		mkdir -p "$out/obj"
		[ "$o" -nt "$c" ] || clang $flags -c "$c" -o "$o" || echo "left out: $c" >&2
	done
	ar rcs "$out/lib.a" "$out"/obj/*.o
	clang $flags -fsanitize=fuzzer "tests/fuzz/fuzz_$name.c" "$out/lib.a" $(pkg-config --libs $packages) -lstemmer -lfcgi -lm \
		-o "$out/fuzz_$name"
}
mkdir -p "$out/corpus"
exec "$out/fuzz_$name" -max_total_time="$seconds" -artifact_prefix="$out/" "$@" "$out/corpus" "tests/fuzz/corpus/$name"
