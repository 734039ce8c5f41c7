"""The Check programs that need a database: each of build/tests/integration/test_* is run on one."""
# SPDX-License-Identifier: GPL-3.0-or-later
import glob
import os
import subprocess

import pytest

from stack import TOP, clean_env

BUILD = os.environ.get("FRONTDESK_BUILD", os.path.join(TOP, "build"))
# Without prepared statements, as behind PgBouncer, the same claims hold.
MODES = {"prepared": {}, "unprepared": {"DESK_TEST_UNPREPARED": "1"}}


def programs():
    found = glob.glob(os.path.join(TOP, "tests", "integration", "test_*.c"))
    return sorted(os.path.splitext(os.path.basename(p))[0] for p in found)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", programs())
def test_program(postgres, name, mode):
    database = "c_%s_%s" % (name, mode)
    postgres.make_database(database)
    done = subprocess.run(
        [os.path.join(BUILD, "tests", "integration", name)], capture_output=True, text=True, check=False,
        env=clean_env(DESK_TEST_DATABASE=postgres.url("frontdesk_owner", database), **MODES[mode]))
    assert done.returncode == 0, done.stdout + done.stderr
