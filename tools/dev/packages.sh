# packages.sh - the Debian packages of packages.txt, installed without starting anything.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

pg_version=		# the server's major version
pg_bin=

# The newest server that is here already, else the one that this Debian's "postgresql" stands for.
pg_find()
{
	local d
	pg_version=
	for d in /usr/lib/postgresql/*/bin/initdb; do
		[ -x "$d" ] || continue
		d=${d#/usr/lib/postgresql/}
		[ "${d%%/*}" -gt "${pg_version:-0}" ] && pg_version=${d%%/*}
	done
	if [ -z "$pg_version" ]; then
		pg_version=$(apt-cache show --no-all-versions postgresql 2>/dev/null |
			sed -n 's/^Version: *\([0-9]*\).*/\1/p')
	fi
	pg_version=${pg_version:-15}
	pg_bin=/usr/lib/postgresql/$pg_version/bin
}

# packages_list SECTION…: the names, one a line.
packages_list()
{
	local section
	for section in "$@"; do
		sed -n "/^\[$section\]/,/^\[/{/^[a-z]/p}" "$top/packages.txt"
	done | sed "s/postgresql\(-server-dev\)\?-15\$/postgresql\1-$pg_version/"
}

packages_missing()
{
	local installed
	installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
	packages_list "$@" | sort -u | grep -vxF -f <(printf '%s\n' "$installed") || true
}

# Packages that bring a service: installed for their programs only, so the service is neither
# started now nor at the next boot. One that was here before is not touched.
packages_services=(redis-server lighttpd pgbouncer)

# While apt runs, policy-rc.d says no to those services; a machine that has one keeps its own.
# And no "main" Postgres cluster is made: ours is under var/.
policy_file=/usr/sbin/policy-rc.d
cluster_conf=/etc/postgresql-common/createcluster.conf

policy_place()
{
	[ -e $policy_file ] && return
	"${sudo[@]}" tee $policy_file >/dev/null <<'END'
#!/bin/sh
# placed by Frontdesk's ./dev while it installs packages, and removed after
case $1 in
redis-server* | lighttpd* | pgbouncer* | postgresql*) exit 101 ;;
esac
exit 0
END
	"${sudo[@]}" chmod 755 $policy_file
}

policy_remove()
{
	if grep -qs "placed by Frontdesk's" $policy_file; then
		"${sudo[@]}" rm -f $policy_file
	fi
	if [ -e $cluster_conf.frontdesk ]; then
		"${sudo[@]}" mv $cluster_conf.frontdesk $cluster_conf
	fi
}

apt_get()
{
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_MODE=l \
		apt-get -o DPkg::Lock::Timeout=300 -o APT::Install-Recommends=false "$@"
}

apt_update()
{
	apt_get update -qq
}

apt_install()
{
	apt_get install -y --no-install-recommends "$@"
}

# createcluster.conf is there once postgresql-common is; it is put back after the server's own install.
apt_install_postgres()
{
	apt_install postgresql-common
	if [ ! -e $cluster_conf.frontdesk ]; then
		"${sudo[@]}" cp -p $cluster_conf $cluster_conf.frontdesk
		echo "create_main_cluster = off" | "${sudo[@]}" tee -a $cluster_conf >/dev/null
	fi
	apt_install "postgresql-$pg_version"
}

packages_install()
{
	local missing service fresh=()
	pg_find
	mapfile -t missing < <(packages_missing "$@")
	[ ${#missing[@]} -gt 0 ] || return 0

	if [ ${#sudo[@]} -gt 0 ]; then
		command -v sudo >/dev/null || die "these packages are missing and there is no sudo; as root: apt-get install ${missing[*]}"
		say "installing ${#missing[@]} packages needs root: sudo may ask for your password"
		sudo -v || die "sudo said no; somebody with root can run: apt-get install ${missing[*]}"
	fi
	step "package lists (apt-get update)" apt_update
	pg_find
	mapfile -t missing < <(packages_missing "$@")
	for service in "${packages_services[@]}"; do
		case " ${missing[*]} " in *" $service "*) fresh+=("$service") ;; esac
	done
	trap policy_remove EXIT
	policy_place
	case " ${missing[*]} " in
	*" postgresql-$pg_version "*) step "Postgres $pg_version (no cluster, no service)" apt_install_postgres ;;
	esac
	step "${#missing[@]} Debian packages" apt_install "${missing[@]}"
	for service in "${fresh[@]}"; do
		"${sudo[@]}" update-rc.d "$service" disable >/dev/null 2>&1 || true
		if [ -d /run/systemd/system ]; then
			"${sudo[@]}" systemctl --quiet stop "$service" || true
		fi
	done
	policy_remove
	trap - EXIT
}
