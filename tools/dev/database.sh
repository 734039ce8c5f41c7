# database.sh - the private Postgres cluster, its roles, its migrations, and the secrets.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

# env_get FILE NAME
env_get()
{
	sed -n "s/^$2=//p" "$1" 2>/dev/null | tail -n 1
}

# env_set FILE NAME VALUE: only a value that differs is written; other lines are the user's.
env_set()
{
	[ "$(env_get "$1" "$2")" != "$3" ] || return 0
	sed -i "/^$2=/d" "$1"
	printf '%s=%s\n' "$2" "$3" >>"$1"
}

env_make()
{
	[ -e "$1" ] && return
	(umask 077 && printf '# %s\n' "$2" >"$1")
}

# Secrets are made once. The application's file is the processes' own; the owner's stays with us.
secrets_make()
{
	local app=$state/frontdesk.env admin=$state/admin.env app_pw owner_pw
	env_make "$app" "settings of this instance: yours to edit, ./dev up keeps what you add"
	env_make "$admin" "the database owner's way in: frontdeskctl and migrations, not the application"
	app_pw=$(env_get "$admin" APP_PASSWORD)
	owner_pw=$(env_get "$admin" OWNER_PASSWORD)
	env_set "$admin" APP_PASSWORD "${app_pw:=$(random_hex 24)}"
	env_set "$admin" OWNER_PASSWORD "${owner_pw:=$(random_hex 24)}"
	env_set "$admin" DATABASE_ADMIN_URL "postgresql://frontdesk_owner:$owner_pw@/frontdesk?host=$run_dir"
	env_set "$app" DATABASE_URL "postgresql://frontdesk_app:$app_pw@/frontdesk?host=$run_dir"
	env_set "$app" REDIS_URL "unix://$run_dir/redis.sock"
	env_set "$app" FCGI_SOCKET "$run_dir/fcgi.sock"
	[ -n "$(env_get "$app" JWT_SECRET)" ] || env_set "$app" JWT_SECRET "$(random_hex 32)"
	chmod 0600 "$app" "$admin"
	[ "$(stat -c %U "$app")" = "$run_user" ] || chown "$run_user" "$app"
}

database_init()
{
	local d=$state/pg
	[ ! -f "$d/data/PG_VERSION" ] || return 0
	as_run_user rm -rf "$d/new"
	as_run_user "$pg_bin/initdb" -D "$d/new" -U postgres -E UTF8 --locale=C.UTF-8 \
		--auth-local=peer --auth-host=reject --no-instructions >"$state/log/initdb.log" 2>&1 ||
		die "initdb failed: $(tail -n 3 "$state/log/initdb.log")"
	# the machine's user may be the superuser; everybody else shows a password
	as_run_user tee "$d/new/pg_hba.conf" >/dev/null <<-END
		local all postgres peer map=dev
		local all all scram-sha-256
	END
	echo "dev $run_user postgres" | as_run_user tee "$d/new/pg_ident.conf" >/dev/null
	as_run_user mv "$d/new" "$d/data"
}

# Lock files outlive a crash and a reboot, and Postgres cannot tell when their pid is another's now.
database_unlock()
{
	local lock pid
	for lock in "$state/pg/data/postmaster.pid" "$run_dir/.s.PGSQL.5432.lock"; do
		[ -f "$lock" ] || continue
		pid=$(head -n 1 "$lock")
		case $(readlink "/proc/$pid/exe" 2>/dev/null || true) in
		*/postgres*) die "a Postgres that ./dev does not know holds $lock, pid $pid: stop it first" ;;
		esac
		rm -f "$lock"
	done
}

database_start()
{
	local made
	database_init
	made=$(cat "$state/pg/data/PG_VERSION")
	[ "$made" = "$pg_version" ] ||
		die "var/pg is of Postgres $made, the server is $pg_version: pg_upgradecluster it, or remove var/pg"
	service_pid postgres >/dev/null || database_unlock
	service_start postgres "$("$pg_bin/postgres" --version)" \
		"$pg_bin/postgres" -D "$state/pg/data" -k "$run_dir" -c listen_addresses= \
		-c unix_socket_permissions=0700 -c "cluster_name=frontdesk"
	service_wait postgres pg_isready -q -h "$run_dir"
	database_roles
}

# psql as the superuser, by peer authentication: as the processes' user.
database_super()
{
	as_run_user "$pg_bin/psql" -h "$run_dir" -U postgres -X -q -v ON_ERROR_STOP=1 "$@"
}

database_roles()
{
	local key
	key=$(cat "$top/sql/roles.sql" "$state/admin.env" | sha256sum)
	done_before roles "$key" && return
	{
		printf "\\\\set owner_password '%s'\n" "$(env_get "$state/admin.env" OWNER_PASSWORD)"
		printf "\\\\set app_password '%s'\n" "$(env_get "$state/admin.env" APP_PASSWORD)"
		cat "$top/sql/roles.sql"
	} | (cd / && database_super -d postgres) >"$state/log/roles.log" 2>&1 ||
		die "the roles could not be made: $(tail -n 3 "$state/log/roles.log")"
	stamp roles "$key"
}

database_psql()
{
	service_pid postgres >/dev/null || die "Postgres is not running: ./dev up"
	pg_find
	cd /
	exec "${run_as[@]}" "$pg_bin/psql" -h "$run_dir" -U postgres -d frontdesk "$@"
}

database_migrate()
{
	ctl migrate up >"$state/log/migrate.log" 2>&1 ||
		die "the migrations failed: $(tail -n 5 "$state/log/migrate.log")"
}

# frontdeskctl with this instance's settings, whatever the shell has set, from where the user stands.
ctl()
(
	cd "$origin"
	unset DATABASE_URL REDIS_URL JWT_SECRET FCGI_SOCKET
	DATABASE_ADMIN_URL=$(env_get "$state/admin.env" DATABASE_ADMIN_URL)
	FRONTDESK_ENV=$state/frontdesk.env
	export DATABASE_ADMIN_URL FRONTDESK_ENV
	exec "$prefix/bin/frontdeskctl" "$@"
)
