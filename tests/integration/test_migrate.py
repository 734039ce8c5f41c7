"""frontdeskctl migrate: up, down, status, on files of the test's own beside the real ones."""
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import shutil
import subprocess

import pytest

from stack import Instance, TOP, clean_env, program


@pytest.fixture
def database(postgres, tmp_path):
    """An empty database, and a copy of the migrations that may be changed."""
    instance = Instance(postgres, redis=False, jobd=False, lighttpd=False)
    shutil.copytree(os.path.join(TOP, "sql"), tmp_path / "sql")
    instance.write_settings(DATA_DIR=str(tmp_path))
    postgres.make_database(instance.database)
    instance.dir_sql = tmp_path / "sql"
    yield instance
    instance.stop()


def add(database, scope, words, up, down="SELECT 1;", head="", gap=0):
    """A migration behind the newest of its scope; its name."""
    newest = max(int(f.name[:4]) for f in (database.dir_sql / scope).glob("*.up.sql"))
    name = "%04d_%s" % (newest + 1 + gap, words)
    (database.dir_sql / scope / (name + ".up.sql")).write_text("-- %s: test\n%s\n" % (name, up))
    (database.dir_sql / scope / (name + ".down.sql")).write_text("-- %s: undo%s\n%s\n" % (name, head, down))
    return name


def states(database):
    return {m["name"]: (m["applied"], m["pending"]) for m in database.ctl_json("migrate", "status")}


def test_status_of_an_empty_database_changes_nothing(database):
    assert set(states(database).values()) == {(False, 0)} and "0001_platform" in states(database)
    assert database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'platform'") == [["0"]]


def test_up_twice_is_up_once(database):
    assert len(database.ctl_json("migrate", "up")) == len(states(database))
    assert database.ctl_json("migrate", "up") == []
    assert all(applied for applied, _ in states(database).values())


def test_a_tenant_migration_goes_through_every_schema_and_new_tenants_have_it(database):
    database.ctl("migrate", "up")
    for domain in ("one.example", "two.example"):
        database.tenant(domain)
    name = add(database, "tenant", "note", "CREATE TABLE notes (tenant_id uuid NOT NULL, note text);"
        " SELECT platform.wall('notes'), platform.grant_tenant('SELECT, INSERT', 'notes');", "DROP TABLE notes;")
    assert states(database)[name] == (False, 2)
    assert [done["schema"] for done in database.ctl_json("migrate", "up")] == [
        "tenant_template", "tenant_one.example", "tenant_two.example"]
    database.tenant("three.example")
    assert states(database)[name] == (True, 0)
    for domain in ("one", "two", "three"):
        assert database.sql("SELECT has_table_privilege('tenant_%s.example', '\"tenant_%s.example\".notes', 'INSERT')"
                            % (domain, domain)) == [["t"]]


def test_a_failing_migration_says_where_and_is_resumed(database):
    database.ctl("migrate", "up")
    for domain in ("one.example", "two.example"):
        database.tenant(domain)
    database.sql('CREATE TABLE "tenant_two.example".notes (x int)')
    name = add(database, "tenant", "note", "CREATE TABLE notes (tenant_id uuid NOT NULL);", "DROP TABLE notes;")
    done = database.ctl("migrate", "up", check=False)
    assert done.returncode != 0
    assert name in done.stderr and "tenant_two.example" in done.stderr and "already exists" in done.stderr
    assert states(database)[name] == (False, 1)
    database.sql('DROP TABLE "tenant_two.example".notes')
    assert [d["schema"] for d in database.ctl_json("migrate", "up")] == ["tenant_two.example"]


def test_a_file_that_was_applied_must_not_change(database):
    database.ctl("migrate", "up")
    with open(database.dir_sql / "platform" / "0001_platform.up.sql", "a", encoding="utf-8") as changed:
        changed.write("-- a harmless comment\n")
    for verb in ("up", "down", "status"):
        done = database.ctl("migrate", verb, check=False)
        assert done.returncode == 73 and "was changed" in done.stderr, verb


def test_a_database_of_a_newer_version_is_left_alone(database):
    name = add(database, "platform", "more", "CREATE TABLE platform.more (x int);", "DROP TABLE platform.more;")
    database.ctl("migrate", "up")
    for end in ("up", "down"):
        os.unlink(database.dir_sql / "platform" / ("%s.%s.sql" % (name, end)))
    done = database.ctl("migrate", "up", check=False)
    assert done.returncode == 73 and "does not know" in done.stderr


def test_a_gap_in_the_numbers_is_refused(database):
    add(database, "tenant", "later", "SELECT 1;", gap=1)
    done = database.ctl("migrate", "up", check=False)
    assert done.returncode == 78 and "gap" in done.stderr


def test_down_refuses_to_lose_data_unless_it_is_told(database):
    database.ctl("migrate", "up")
    database.tenant("one.example")
    done = database.ctl("migrate", "down", "--to", "0", check=False)
    assert done.returncode == 73 and "1 tenant" in done.stderr and "--lose-data" in done.stderr
    assert all(applied for applied, _ in states(database).values())
    database.ctl("migrate", "down", "--to", "0", "--lose-data")
    assert database.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tenant%'") == []
    database.ctl("migrate", "up")
    database.tenant("one.example")


def test_down_takes_one_step_and_keeps_what_loses_nothing(database):
    for i in range(8):
        add(database, "tenant", "filler_%d" % i, "SELECT 1;")
    name = add(database, "tenant", "index", "CREATE INDEX extra ON messages (sender_type);", "DROP INDEX extra;",
               " (keeps data)")
    database.ctl("migrate", "up")
    database.tenant("one.example")
    assert [d["migration"] for d in database.ctl_json("migrate", "down")] == [name] * 2
    assert states(database)["0001_tenant"] == (True, 0)


def test_two_runners_at_once_apply_each_file_once(database):
    env = clean_env(FRONTDESK_ENV=database.env_file, DATABASE_ADMIN_URL=database.admin_url)
    runs = [subprocess.Popen([program("frontdeskctl"), "migrate", "up", "--json"], env=env, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert run.returncode == 0, out + err
    rows = database.sql("SELECT count(*), count(DISTINCT (scope, version)) FROM platform.schema_migrations")
    assert rows == [[str(len(states(database)))] * 2]
