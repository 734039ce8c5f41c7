# build.sh - autotools, out of tree, installed under var/ and run from there.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

# build_configure DIR ARGS…: configure only when its inputs or arguments have changed.
build_configure()
{
	local dir=$1
	shift
	[ -x configure ] && [ configure -nt configure.ac ] || autoreconf -fi
	mkdir -p "$dir"
	# the second line is what configure itself remembers: somebody may have run it there by hand
	if [ -f "$dir/config.status" ] &&
	    [ "$(cat "$dir/.dev-args" 2>/dev/null)" != "$*"$'\n'"$("$dir/config.status" --config)" ]; then
		# what was linked there looks for its library under another prefix
		make -C "$dir" -s clean || true
		rm -f "$dir/config.status"
	fi
	if [ ! -f "$dir/config.status" ] || [ configure -nt "$dir/config.status" ]; then
		(cd "$dir" && "$top/configure" "$@")
		printf '%s\n%s\n' "$*" "$("$dir/config.status" --config)" >"$dir/.dev-args"
	fi
}

build_make()
{
	make -C "$1" -s -j"$(nproc)" "${@:2}"
}

# What the installed programs were made from: every source file's name, size and time (not those that
# the build itself writes).
build_key()
{
	find . \( -path ./.git -o -path ./var -o -path ./build -o -path ./tests -o -path ./autom4te.cache \
		-o -path ./samples -o -path ./doc -o -path ./bench \) -prune -o -type f \
		\( -name '*.[ch]' -o -name '*.am' -o -name '*.ac' -o -path './sql/*' -o -path './models/*' \
		-o -path './contracts/*' \) ! -name Makefile.in ! -name '*_json.h' -printf '%p %s %T@\n' | sort | sha256sum
}

build_run()
{
	local key
	key=$(build_key)
	done_before build "$key" && [ -x "$prefix/bin/frontdeskctl" ] && return
	step "configure" build_configure "$top/build" --prefix="$prefix" --silent
	step "build" build_make "$top/build"
	step "install under var/" build_make "$top/build" install
	stamp build "$key"
}
