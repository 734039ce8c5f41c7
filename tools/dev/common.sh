# common.sh - what every part of ./dev uses: progress, users, the state folder, processes.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

state=			# real path of var/, set by state_open
run_dir=		# sockets: short enough for sun_path, set by state_make
run_user=		# who owns the processes, set by run_user_choose
run_as=(env)		# what goes in front of a command that runs as that user
sudo=()			# what goes in front of a command that needs root
[ "$(id -u)" -eq 0 ] || sudo=(sudo)

say()
{
	printf '%s\n' "$*"
}

mid_line=no		# a step's title stands there without its time

die()
{
	[ $mid_line = no ] || printf 'FAILED\n'
	printf 'dev: %s\n' "$*" >&2
	exit 1
}

usage_error()
{
	printf 'dev: %s\n' "$*" >&2
	usage >&2
	exit 2
}

elapsed()
{
	printf '%dm%02ds' $((SECONDS / 60)) $((SECONDS % 60))
}

step_status=0		# of the last step_run

# step_run TITLE LOG COMMAND…: run it with its output in the log; show the time. Its status goes to
# step_status and is not returned: a function that is called in a condition loses its set -e.
# On a terminal a counter moves; elsewhere a long step gives a sign each half minute.
step_run()
{
	local title=$1 log=$2 start=$SECONDS next=30 pid
	step_status=0
	shift 2
	mkdir -p "${log%/*}"
	printf '  %-44s ' "$title"
	(trap - ERR && "$@") >"$log" 2>&1 </dev/null &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.1
		[ $((SECONDS - start)) -ge 2 ] || continue
		if [ -t 1 ]; then
			printf '\r  %-44s %4ds ' "$title" $((SECONDS - start))
		elif [ $((SECONDS - start)) -ge $next ]; then
			printf '%ds… ' $((SECONDS - start))
			next=$((next + 30))
		fi
	done
	wait "$pid" || step_status=$?
	[ ! -t 1 ] || printf '\r  %-44s ' "$title"
	if [ $step_status -ne 0 ]; then
		printf 'FAILED after %ds\n' $((SECONDS - start))
	else
		printf '%4ds\n' $((SECONDS - start))
	fi
}

# step TITLE COMMAND…: a step that must work; on failure the end of what it said.
step()
{
	local title=$1 log=$state/log/step.log
	shift
	step_run "$title" "$log" "$@"
	[ $step_status -ne 0 ] || return 0
	tail -n 40 "$log" | sed 's/^/    /' >&2
	die "$title: failed (whole output: $log)"
}

# step_here TITLE FUNCTION…: a short step in this shell, as it starts processes or sets variables.
step_here()
{
	local title=$1 start=${EPOCHREALTIME/./}
	shift
	printf '  %-44s ' "$title"
	mid_line=yes
	"$@"
	mid_line=no
	printf '%4d.%ds\n' $(((${EPOCHREALTIME/./} - start) / 1000000)) \
		$(((${EPOCHREALTIME/./} - start) / 100000 % 10))
}

# done_before STAMP KEY: true when the stamp holds this key already.
done_before()
{
	[ -f "$state/stamps/$1" ] && [ "$(cat "$state/stamps/$1")" = "$2" ]
}

stamp()
{
	mkdir -p "$state/stamps"
	printf '%s\n' "$2" >"$state/stamps/$1"
}

random_hex()
{
	head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

# The processes' user: oneself, or for root the one that Postgres's package brings.
run_user_choose()
{
	if [ "$(id -u)" -ne 0 ]; then
		run_user=$(id -un)
		return
	fi
	run_user=postgres
	getent passwd $run_user >/dev/null || die "there is no user \"postgres\": is postgresql installed?"
	run_as=(setpriv --reuid "$run_user" --regid "$(id -g $run_user)" --init-groups --
		env -u SUDO_USER "HOME=$state")
}

# as_run_user COMMAND…: as that user, with nothing of root's left.
as_run_user()
{
	"${run_as[@]}" "$@"
}

# Can anybody pass through every folder above this path?
path_is_open()
{
	local p=$1
	while [ "$p" != / ]; do
		case $(stat -c %A "$p") in
		*[xt]) ;;
		*) return 1 ;;
		esac
		p=$(dirname "$p")
	done
}

# var/ is a folder of the clone; where root's clone is closed to other users (/root is), it is a
# link to a folder of its own in /var/lib, as Postgres will not run as root.
state_open()
{
	if [ "$(id -u)" -eq 0 ] && [ -n "${SUDO_UID:-}" ] && [ "$SUDO_UID" -ne 0 ] &&
	    [ "$(stat -c %u "$top")" -eq "$SUDO_UID" ]; then
		die "run ./dev without sudo: it asks sudo for what needs root, and the rest stays yours"
	fi
	if [ ! -e "$top/var" ]; then
		if [ "$(id -u)" -eq 0 ] && ! path_is_open "$top"; then
			state=/var/lib/frontdesk-dev/$(path_key "$top")
			mkdir -p "$state"
			ln -sfn "$state" "$top/var"
		else
			mkdir "$top/var"
		fi
	fi
	state=$(readlink -f "$top/var")
	prefix=$state/prefix
	mkdir -p "$state/log" "$state/run"
}

path_key()
{
	printf '%s' "$1" | sha256sum | cut -c1-12
}

# The folders that the processes write in; sockets go to /tmp when var/ is too deep for sun_path,
# or has letters that a URL would have to escape.
state_make()
{
	local d
	run_dir=$state/run
	if [ ${#run_dir} -gt 70 ] || [[ $run_dir == *[!A-Za-z0-9/_.-]* ]]; then
		run_dir=/tmp/frontdesk-$(id -u)-$(path_key "$state")
		mkdir -m 0700 "$run_dir" 2>/dev/null || {
			[ -d "$run_dir" ] && [ ! -L "$run_dir" ] &&
			    [ "$(stat -c %U "$run_dir")" = "$run_user" ]
		} || die "$run_dir belongs to somebody else: remove it, or clone to a shorter path"
	fi
	for d in "$run_dir" "$state/log" "$state/pg" "$state/redis" "$state/blobs"; do
		mkdir -p "$d"
		[ "$(stat -c %U "$d")" = "$run_user" ] || chown "$run_user" "$d"
		chmod 0700 "$d"
	done
}

state_need()
{
	[ -f "$top/var/frontdesk.env" ] || die "nothing is set up here yet: run ./dev up"
	state_open
	run_user_choose
	state_make
}

# A process is known by its pid, its start time and the boot: a pid alone may be another's by now.
process_mark()
{
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	stat=${stat##*) }
	[ "${stat%% *}" != Z ] || return 1
	# shellcheck disable=SC2086
	set -- "$1" $stat
	printf '%s %s %s\n' "$1" "${21}" "$(cat /proc/sys/kernel/random/boot_id)"
}
