#!/bin/bash
# bare-root.sh - a bare Debian 12 to try a fresh clone in: what a used machine hides, it shows.
#   tools/bare-root.sh DIR               make DIR/root by debootstrap (minbase), clone this repo into it
#   tools/bare-root.sh DIR COMMAND…      the same, then run the command there as root, in the clone
#   tools/bare-root.sh --user DIR CMD…   as a user with sudo instead, in a clone of its own
#   tools/bare-root.sh --remove DIR      end what still runs in it, unmount, remove
# The machine's apt and pip configuration goes along; ../shared, where there is one, is laid beside
# the clone. Needs root and debootstrap.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd -P)

user=root
remove=no
case ${1:-} in
--user) user=guest; shift ;;
--remove) remove=yes; shift ;;
esac
[ $# -ge 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; }
dir=$1
shift
[ "$(id -u)" -eq 0 ] || { echo "bare-root.sh: needs root" >&2; exit 1; }
mkdir -p "$dir"
root=$(cd "$dir" && pwd -P)/root

root_unmount()
{
	local m
	for m in "$root"/home/guest/shared "$root"/root/shared "$root"/dev/shm "$root"/dev/pts "$root"/dev "$root"/proc; do
		! mountpoint -q "$m" || umount -l "$m"
	done
}

# pids whose root is this one
root_pids()
{
	local p
	for p in /proc/[0-9]*; do
		if [ "$(readlink "$p/root" 2>/dev/null)" = "$root" ]; then
			echo "${p#/proc/}"
		fi
	done
}

if [ $remove = yes ]; then
	pids=$(root_pids)
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill -KILL $pids
	root_unmount
	rm -rf --one-file-system "$root"
	exit 0
fi

if [ ! -e "$root/.made" ]; then
	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
		sed -n "s/^$release main //p" | head -n 1)
	debootstrap --variant=minbase bookworm "$root" "${mirror:?apt has no mirror of this release in its sources}"
	rm -rf "$root/etc/apt"
	cp -a /etc/apt "$root/etc/apt"
	for f in /etc/pip.conf /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
		[ ! -e "$f" ] || install -D "$(readlink -f "$f")" "$root$f"
	done
	# certificates of the machine's own: ca-certificates puts them into the bundle that pip reads
	if [ -d /usr/local/share/ca-certificates ]; then
		mkdir -p "$root/usr/local/share"
		cp -a /usr/local/share/ca-certificates "$root/usr/local/share/"
	fi
	touch "$root/.made"
fi
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
if ! mountpoint -q "$root/dev"; then
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	while read -r name minor; do
		mknod -m 666 "$root/dev/$name" c 1 "$minor"
	done <<<$'null 3\nzero 5\nfull 7\nrandom 8\nurandom 9'
	mknod -m 666 "$root/dev/tty" c 5 0
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s fd/0 "$root/dev/stdin"
	ln -s fd/1 "$root/dev/stdout"
	ln -s fd/2 "$root/dev/stderr"
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
fi

home=/root
if [ $user = guest ]; then
	home=/home/guest
	if [ ! -e "$root$home" ]; then
		chroot "$root" sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends sudo >/dev/null
			useradd -m -s /bin/bash guest; echo "guest ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/guest'
	fi
fi
clone=$home/frontdesk
if [ ! -e "$root$clone" ]; then
	git clone -q --no-hardlinks "$top" "$root$clone"
	rm -f "$root$clone/.git/hooks/"*
else
	in_clone=(git -c safe.directory='*' -C "$root$clone")
	if [ "$("${in_clone[@]}" rev-parse HEAD)" != "$(git -C "$top" rev-parse HEAD)" ]; then
		"${in_clone[@]}" fetch -q "$top" HEAD
		"${in_clone[@]}" reset -q --hard FETCH_HEAD
	fi
fi
if [ -d "$top/../shared" ] && ! mountpoint -q "$root$home/shared"; then
	mkdir -p "$root$home/shared"
	mount --bind -o ro "$top/../shared" "$root$home/shared"
fi
chroot "$root" chown -R $user: "$clone"

[ $# -gt 0 ] || { echo "made $root, the clone is in $clone"; exit 0; }
env=("HOME=$home" "USER=$user" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM:-dumb}")
while IFS='=' read -r name value; do
	case $name in
	PIP_* | *_proxy | *_PROXY) env+=("$name=$value") ;;
	esac
done < <(env)
exec chroot --userspec=$user "$root" env -i "${env[@]}" bash -c 'cd "$1" && shift && "$@"' bash "$clone" "$@"
