# pgvector.sh - the vector extension: apt's package, or Debian 13's source built for this server.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

pgvector_suite=trixie

# The mirror that this machine uses for its own release, whatever the form of its sources.
pgvector_mirror()
{
	local release
	release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
		sed -n "s/^$release main //p" | head -n 1
}

# An apt of its own under var/: the machine's settings and proxy, but own lists, cache and sources.
pgvector_apt()
{
	local d=$state/pgvector
	apt-get -o Dir::Etc::SourceList="$d/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$d/lists" -o Dir::Cache="$d/cache" -o APT::Sandbox::User="$(id -un)" \
		-o APT::Get::List-Cleanup=false -o Debug::NoLocking=true "$@"
}

# Signed by Debian: its keyring file where there is one, else whatever the machine's apt trusts.
pgvector_sources()
{
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed=""
	[ ! -r $keyring ] || signed="[signed-by=$keyring] "
	printf 'deb-src %s%s %s main\n' "$signed" "$1" $pgvector_suite
}

pgvector_fetch()
{
	local d=$state/pgvector mirror
	mirror=$(pgvector_mirror)
	[ -n "$mirror" ] || die "pgvector: apt has no mirror of this release; add one to the machine's sources, or install the package of pgvector by hand"
	mkdir -p "$d/lists/partial" "$d/cache/archives/partial"
	pgvector_sources "$mirror" >"$d/sources.list"
	if ! pgvector_apt update -o APT::Update::Error-Mode=any; then
		# an older image's keyring may not know that release's key yet: the update brings it
		apt_get install -y --no-install-recommends debian-archive-keyring
		pgvector_apt update -o APT::Update::Error-Mode=any
	fi
	rm -rf "$d/src" "$d"/pgvector_*
	(cd "$d" && pgvector_apt source --only-source --download-only pgvector)
	dpkg-source --no-check -x "$d"/pgvector_*.dsc "$d/src"
}

# Portable code (no -march=native): pgvector picks AVX at run time, and var/ may move to another machine.
pgvector_build()
{
	make -C "$state/pgvector/src" -j"$(nproc)" with_llvm=no OPTFLAGS="" PG_CONFIG="$pg_bin/pg_config"
}

pgvector_copy()
{
	"${sudo[@]}" make -C "$state/pgvector/src" install with_llvm=no OPTFLAGS="" PG_CONFIG="$pg_bin/pg_config"
}

pgvector_install()
{
	local package=postgresql-$pg_version-pgvector
	[ ! -e "$("$pg_bin/pg_config" --sharedir)/extension/vector.control" ] || return 0
	if apt-cache show "$package" >/dev/null 2>&1; then
		step "pgvector (apt)" apt_install "$package"
		return
	fi
	if ! done_before pgvector "$pg_version"; then
		step "pgvector: Debian's source" pgvector_fetch
		step "pgvector: build for Postgres $pg_version" pgvector_build
		stamp pgvector "$pg_version"
	fi
	step "pgvector: install" pgvector_copy
}
