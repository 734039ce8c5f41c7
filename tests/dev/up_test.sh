#!/bin/bash
# up_test.sh DIR - ./dev up, again, after a crash, and down, in a fresh clone in DIR.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd -P)
dir=$1
clone=$dir/frontdesk

fail()
{
	echo "FAIL: $*"
	(cd "$clone" && ./dev down) || true
	exit 1
}

free_port()
{
	local p
	for ((p = 18100 + RANDOM % 1000; p < 19999; p++)); do
		(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo $p; return; }
	done
}

# What a second ./dev up must leave as it was: processes, rows, settings.
snapshot()
{
	./dev status | grep pid
	sha256sum var/frontdesk.env var/admin.env
	./dev psql -XAt -c "SELECT schemaname, relname, query_to_xml(format('SELECT count(*) AS n FROM %I.%I',
		schemaname, relname), false, true, '') FROM pg_stat_user_tables ORDER BY 1, 2"
}

# pids that were started from this clone; the grep, which has the name as well, is gone by then
ours()
{
	local p
	for p in $(grep -lazF "$(readlink -f var)" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3); do
		[ ! -e "/proc/$p" ] || echo "$p"
	done
}

if [ -e "$clone" ]; then
	(cd "$clone" && ./dev clean --yes) || true
	rm -rf "$clone"
fi
git clone -q "$top" "$clone"
cd "$clone"
port=$(free_port)

echo "--- up on port $port"
./dev up --port "$port" | tee "$dir/up1.txt"
grep -q "Answered: ." "$dir/up1.txt" || fail "no answer"
grep -q "\[1\] .*relevance" "$dir/up1.txt" || fail "the answer cites nothing"

echo "--- again"
snapshot >"$dir/before.txt"
SECONDS=0
./dev up >"$dir/up2.txt" || fail "the second up fails"
[ $SECONDS -le 10 ] || fail "the second up takes $SECONDS s"
snapshot >"$dir/after.txt"
diff "$dir/before.txt" "$dir/after.txt" || fail "the second up changes something"

echo "--- a port that is taken"
other=$(free_port)
exec {busy}< <(exec python3 -c "import socket, time
s = socket.create_server(('127.0.0.1', $other)); print('listening', flush=True); time.sleep(60)")
holder=$!
read -r -u "$busy" _
if ./dev up --port "$other" >"$dir/busy.txt" 2>&1; then fail "a taken port is not refused"; fi
kill $holder
grep -q "port $other is taken" "$dir/busy.txt" || fail "the refusal does not say why: $(cat "$dir/busy.txt")"
curl -fsS "http://127.0.0.1:$port/v1/health" >/dev/null || fail "the refusal stopped what ran"

echo "--- after a crash"
pids=$(ours)
[ -n "$pids" ] || fail "no process of this clone is found"
# shellcheck disable=SC2086
kill -KILL $pids
./dev up >"$dir/up3.txt" 2>&1 || { cat "$dir/up3.txt"; fail "up fails after a crash"; }
./dev ctl documents --tenant meridian.example list --json | jq -e 'length > 0' >/dev/null || fail "the documents are gone"

echo "--- down"
./dev down >"$dir/down.txt"
pids=$(ours)
[ -z "$pids" ] || fail "still running: $(for p in $pids; do tr '\0' ' ' <"/proc/$p/cmdline"; echo; done)"
./dev down | grep -q "nothing was running" || fail "a second down finds something"
state=$(readlink -f var)
./dev clean --yes
[ ! -e "$state" ] || fail "clean leaves $state"
cd "$dir"
rm -rf "$clone"
echo "ok"
