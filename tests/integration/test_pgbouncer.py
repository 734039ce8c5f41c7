"""Everything works through PgBouncer in transaction mode: no statement, setting or lock outlives
its transaction."""
# SPDX-License-Identifier: GPL-3.0-or-later
import concurrent.futures
import os
import pwd

import pytest

from stack import Process, can_connect, private_dir, wait_until

TEXTS = {"returns.md": "# Returns\n\nA tent can be returned within thirty days of the purchase.\n",
         "stove.md": "# Stove\n\nThe camping stove burns gas cartridges of type EN 417.\n"}


@pytest.fixture
def pgbouncer(postgres):
    path = private_dir("frontdesk-test-pgb-")
    with open(path + "/users.txt", "w", encoding="ascii") as users:
        users.write('"frontdesk_app" "%s"\n' % postgres.app_password)
    with open(path + "/pgbouncer.ini", "w", encoding="ascii") as ini:
        ini.write("[databases]\n* = host=%s\n[pgbouncer]\nunix_socket_dir = %s\nlisten_port = 6432\n"
                  "listen_addr =\nauth_type = scram-sha-256\nauth_file = %s/users.txt\npool_mode = transaction\n"
                  "default_pool_size = 3\nserver_reset_query =\n" % (postgres.dir, path, path))
    if os.getuid() == 0:
        for name in ("users.txt", "pgbouncer.ini"):
            os.chown(os.path.join(path, name), pwd.getpwnam("postgres").pw_uid, -1)
    process = Process("pgbouncer", ["pgbouncer", path + "/pgbouncer.ini"], path)
    wait_until(lambda: can_connect(path + "/.s.PGSQL.6432"), "pgbouncer", process=process)
    yield path
    process.stop()


def test_ingestion_and_questions_of_two_tenants_through_a_pool_of_three(make_instance, pgbouncer):
    instance = make_instance(redis=False)
    direct = instance.settings["DATABASE_URL"]
    instance.write_settings(DATABASE_URL=direct.split("?")[0] + "?host=%s&port=6432" % pgbouncer,
                            DB_PREPARED_STATEMENTS="off")
    for name in ("fcgi", "jobd"):
        instance.restart_one(name)
    one, two = instance.tenant(), instance.tenant()
    instance.ingest(one, {"returns.md": TEXTS["returns.md"]})
    instance.ingest(two, {"stove.md": TEXTS["stove.md"]})

    def ask(i):
        tenant, words = ((one, "How long can I return a tent?"), (two, "Which gas does the stove burn?"))[i % 2]
        reply = instance.query(tenant, words)
        return i % 2, reply.status, [c["source"] for c in reply.json().get("citations", [])]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for which, status, sources in pool.map(ask, range(40)):
            assert status == 200
            assert set(sources) <= {"returns.md" if which == 0 else "stove.md"}
    assert [d["status"] for d in instance.ctl_json("documents", "--tenant", one.domain)] == ["READY"]
