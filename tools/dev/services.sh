# services.sh - Postgres, Redis, frontdesk-fcgi, frontdesk-jobd and lighttpd: start, stop, status.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

services=(postgres redis fcgi jobd lighttpd)	# in the order they start
port=

# service_pid NAME: its pid when it runs. Its record may be from before a crash or a reboot.
service_pid()
{
	local mark
	read -r mark 2>/dev/null <"$state/run/$1.pid" || return 1
	[ "$(process_mark "${mark%% *}")" = "$mark" ] || return 1
	printf '%s\n' "${mark%% *}"
}

log_rotate()
{
	local size
	size=$(stat -c %s "$1" 2>/dev/null || echo 0)
	[ "$size" -lt 16000000 ] || mv "$1" "$1.1"
}

# service_start NAME KEY COMMAND…: KEY is what it runs from; when that has changed it is started anew.
service_start()
{
	local name=$1 key pid
	command -v "$3" >/dev/null || die "$3 is not there"
	key=$(printf '%s\n' "$2" "${@:3}" | sha256sum)
	shift 2
	if service_pid "$name" >/dev/null; then
		[ "$(cat "$state/run/$name.key" 2>/dev/null)" != "$key" ] || return 0
		service_stop "$name"
	fi
	log_rotate "$state/log/$name.log"
	# nothing of the caller's environment: it would go over the env file
	(cd / && exec setsid "${run_as[@]}" env -i "PATH=$PATH" "HOME=$state" LC_ALL=C.UTF-8 \
		"FRONTDESK_ENV=$state/frontdesk.env" bash -c 'exec "${@:2}" </dev/null >>"$1" 2>&1' \
		"$name" "$state/log/$name.log" "$@") &
	pid=$!
	disown
	process_mark "$pid" >"$state/run/$name.pid" || true
	printf '%s\n' "$key" >"$state/run/$name.key"
	started+=("$name")
}

# service_wait NAME COMMAND…: until the command says yes; a process that ends or 60 s end the wait.
service_wait()
{
	local name=$1 until=$((SECONDS + 60))
	shift
	while ! "$@" >/dev/null 2>&1; do
		if ! service_pid "$name" >/dev/null || [ $SECONDS -ge $until ]; then
			tail -n 15 "$state/log/$name.log" | sed 's/^/    /' >&2
			die "$name did not come up (its log: $state/log/$name.log)"
		fi
		sleep 0.05
	done
}

# SIGTERM drains; what is still there after half a minute is killed with its whole group.
service_stop()
{
	local name=$1 pid signal=TERM tries=0
	if pid=$(service_pid "$name"); then
		[ "$name" != postgres ] || signal=INT	# "fast": sessions are ended, data is flushed
		kill -$signal "$pid"
		while service_pid "$name" >/dev/null && [ $tries -lt 600 ]; do
			sleep 0.05
			tries=$((tries + 1))
		done
		kill -KILL -- "-$pid" 2>/dev/null || true
	fi
	rm -f "$state/run/$name.pid" "$state/run/$name.key"
}

services_stop()
{
	local i any=0
	for ((i = ${#services[@]} - 1; i >= 0; i--)); do
		if service_pid "${services[i]}" >/dev/null; then
			say "  stopping ${services[i]}"
			any=1
		fi
		service_stop "${services[i]}"
	done
	[ $any -eq 1 ] && say "stopped" || say "nothing was running"
}

services_status()
{
	local name pid
	for name in "${services[@]}"; do
		if pid=$(service_pid "$name"); then
			printf '  %-10s running, pid %s\n' "$name" "$pid"
		else
			printf '  %-10s stopped\n' "$name"
		fi
	done
	[ ! -f "$state/port" ] || say "  address    http://127.0.0.1:$(cat "$state/port")/"
	say "  state      $state"
}

services_logs()
{
	local name=${1:-}
	[ -z "$name" ] || [ -f "$state/log/$name.log" ] || die "no log of \"$name\": one of ${services[*]}"
	exec tail -n 50 -F "$state"/log/"${name:-*}".log
}

# The port: the one asked for, the one of last time, 8080. Refused at once when somebody has it.
port_choose()
{
	port=$1
	[ -n "$port" ] || port=$(cat "$state/port" 2>/dev/null || echo 8080)
	[[ $port =~ ^[0-9]+$ ]] && [ "$port" -ge 1 ] && [ "$port" -le 65535 ] ||
		die "\"$port\" is not a port: 1 to 65535"
	[ "$port" -ge 1024 ] || [ "$(id -u)" -eq 0 ] || die "port $port needs root: take one from 1024 on"
	if service_pid lighttpd >/dev/null && [ "$(cat "$state/port" 2>/dev/null)" = "$port" ]; then
		return
	fi
	if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
		die "port $port is taken by another program: try ./dev up --port $((port + 1))"
	fi
}

redis_start()
{
	cat >"$state/run/redis.conf" <<END
port 0
unixsocket $run_dir/redis.sock
unixsocketperm 700
daemonize no
dir $state/redis
save ""
appendonly no
maxmemory 64mb
maxmemory-policy allkeys-lru
END
	service_start redis "$(cat "$state/run/redis.conf")" redis-server "$state/run/redis.conf"
	service_wait redis redis-cli -s "$run_dir/redis.sock" ping
}

fcgi_start()
{
	rm_stale_socket fcgi "$run_dir/fcgi.sock"
	service_start fcgi "$(program_key frontdesk-fcgi)" \
		"$prefix/bin/frontdesk-fcgi"
	service_wait fcgi test -S "$run_dir/fcgi.sock"
}

rm_stale_socket()
{
	service_pid "$1" >/dev/null || rm -f "$2"
}

jobd_start()
{
	service_start jobd "$(program_key frontdesk-jobd)" "$prefix/bin/frontdesk-jobd"
	service_wait jobd jobd_said_so
}

jobd_said_so()
{
	grep -q "\"event\":\"jobd_started\".*\"pid\":$(service_pid jobd)," "$state/log/jobd.log"
}

# What a program runs from; a change starts it anew.
program_key()
{
	cat "$prefix/bin/$1" "$prefix/lib/libfrontdesk.so" "$state/frontdesk.env" 2>/dev/null | sha256sum
}

# The site that people put on their own lighttpd, on a server of our own.
lighttpd_start()
{
	cat >"$state/run/lighttpd.conf" <<END
server.bind = "127.0.0.1"
server.port = $port
server.document-root = "$state/run/empty"
server.errorlog = "/dev/stderr"
server.modules = ()
END
	sed "s|/run/frontdesk/fcgi.sock|$run_dir/fcgi.sock|" "$top/apache-conf/frontdesk-lighttpd.conf" \
		>>"$state/run/lighttpd.conf"
	mkdir -p "$state/run/empty"
	service_start lighttpd "$(cat "$state/run/lighttpd.conf")" lighttpd -D -f "$state/run/lighttpd.conf"
	service_wait lighttpd curl -fsS "http://127.0.0.1:$port/v1/health"
	printf '%s\n' "$port" >"$state/port"
}

services_start()
{
	started=()
	step_here "Postgres" database_start
	step_here "Redis" redis_start
	step_here "migrations" database_migrate
	step_here "frontdesk-fcgi" fcgi_start
	step_here "frontdesk-jobd" jobd_start
	step_here "lighttpd on 127.0.0.1:$port" lighttpd_start
}
