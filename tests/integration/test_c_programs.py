"""The Check programs that need a database: each of build/tests/integration/test_* is run on one."""
# SPDX-License-Identifier: GPL-3.0-or-later
import glob
import os
import shutil
import subprocess

import pytest

from stack import TOP, Process, can_connect, clean_env, private_dir, wait_until

BUILD = os.environ.get("FRONTDESK_BUILD", os.path.join(TOP, "build"))
# Without prepared statements and behind PgBouncer in transaction mode the same claims hold, save
# that nobody hears a NOTIFY through it.
MODES = {"prepared": {}, "unprepared": {"DESK_TEST_UNPREPARED": "1"},
         "pgbouncer": {"DESK_TEST_UNPREPARED": "1", "DESK_TEST_POOLER": "1"}}


def programs():
    found = glob.glob(os.path.join(TOP, "tests", "integration", "test_*.c"))
    return sorted(os.path.splitext(os.path.basename(p))[0] for p in found)


@pytest.fixture(scope="module")
def pgbouncer(postgres):
    """PgBouncer before the session's cluster; gives what comes behind host= in a URL."""
    folder = private_dir("frontdesk-test-bouncer-")
    with open(folder + "/users.txt", "w", encoding="ascii") as users:
        users.write('"frontdesk_owner" "%s"\n' % postgres.owner_password)
        users.write('"frontdesk_app" "%s"\n' % postgres.app_password)
    with open(folder + "/pgbouncer.ini", "w", encoding="ascii") as ini:
        ini.write("[databases]\n* = host=%s\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = %s\n"
                  "auth_type = scram-sha-256\nauth_file = %s/users.txt\npool_mode = transaction\n"
                  "default_pool_size = 4\n" % (postgres.dir, folder, folder))
    process = Process("pgbouncer", ["/usr/sbin/pgbouncer", folder + "/pgbouncer.ini"], folder)
    wait_until(lambda: can_connect(folder + "/.s.PGSQL.6432"), "pgbouncer", process=process)
    yield folder + "&port=6432"
    process.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", programs())
def test_program(request, postgres, name, mode):
    database = "c_%s_%s" % (name, mode)
    postgres.make_database(database)
    url = postgres.url("frontdesk_owner", database)
    app = postgres.url("frontdesk_app", database)
    if mode == "pgbouncer":
        url, app = (u.replace(postgres.dir, request.getfixturevalue("pgbouncer")) for u in (url, app))
    done = subprocess.run(
        [os.path.join(BUILD, "tests", "integration", name)], capture_output=True, text=True, check=False,
        env=clean_env(DESK_TEST_DATABASE=url, DESK_TEST_APP_DATABASE=app, **MODES[mode]))
    assert done.returncode == 0, done.stdout + done.stderr
