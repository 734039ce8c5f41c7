"""The three walls between tenants, for every table that the catalog has: what is added later is
tested without a line here. Tenant A's role, path and id are what its requests run with."""
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from catalog import Schema, quoted
from stack import Instance

LONG_A = "a" * 60 + "." + "long" * 20 + ".example"
LONG_B = "a" * 60 + "." + "long" * 20 + ".another"


@pytest.fixture(scope="module")
def database(postgres):
    """A migrated database without any process on it."""
    instance = Instance(postgres, redis=False, jobd=False, lighttpd=False)
    instance.write_settings()
    postgres.make_database(instance.database)
    instance.ctl("migrate", "up")
    yield instance
    instance.stop()


class Walls:
    """Tenants A and B, each with a row in every table."""

    def __init__(self, database):
        self.db = database
        self.a, self.b = database.tenant("walls-a.example"), database.tenant("walls-b.example")
        self.schema_a, self.schema_b = Schema(database, "tenant_walls-a.example"), Schema(database, "tenant_walls-b.example")
        self.schema_a.fill(self.a.id)
        self.schema_b.fill(self.b.id)
        self.tables = self.schema_a.tables

    def run(self, sql, role=True, path="tenant_walls-a.example", tenant=None, check=True):
        """One statement as the programs' login, after their preamble or a part of it."""
        steps = ["BEGIN"]
        if role:
            steps.append("SET LOCAL ROLE " + quoted("tenant_walls-a.example"))
        steps.append("SET LOCAL search_path = %s, public" % quoted(path))
        if tenant is not None:
            steps.append("SET LOCAL app.current_tenant_id = '%s'" % tenant)
        return self.db.sql(";\n".join(steps + [sql, "ROLLBACK"]) + ";", user="frontdesk_app", check=check)

    def refused(self, sql, **kwargs):
        done = self.run(sql, check=False, **kwargs)
        return done.returncode != 0 and ("permission denied" in done.stderr or "row-level security" in done.stderr)

    def count(self, relation, **kwargs):
        return int(self.run("SELECT count(*) FROM " + relation, **kwargs)[0][0])

    def touched(self, statement, **kwargs):
        return int(self.run("WITH t AS (%s RETURNING 1) SELECT count(*) FROM t" % statement, **kwargs)[0][0])


@pytest.fixture(scope="module")
def walls(database):
    return Walls(database)


def statements(schema, table, row):
    """One of each kind on this table, schema-qualified."""
    column = quoted(next(iter(row)))
    return ["SELECT * FROM " + schema.of(table), schema.insert(table, row),
            "UPDATE %s SET %s = %s" % (schema.of(table), column, column), "DELETE FROM " + schema.of(table)]


def test_there_are_tables_to_test(walls):
    assert {"tenants", "users", "conversations", "messages", "documents", "chunks"} <= set(walls.tables)
    assert walls.tables == walls.schema_b.tables == Schema(walls.db, "tenant_template").tables


def test_a_sees_its_own_row_in_each_table(walls):
    for table in walls.tables:
        assert walls.count(quoted(table), tenant=walls.a.id) == 1, table


def test_every_table_has_row_security_enabled_and_forced_and_a_policy(walls):
    for row in walls.schema_a.facts()["policies"]:
        assert row[1:3] == ("t", "t") and row[3], row


def test_a_is_refused_by_the_names_of_b(walls):
    before = walls.schema_b.content()
    for table in walls.tables:
        row = walls.schema_b.row(table, walls.b.id, "second") or {"id": "DEFAULT"}
        for tenant in (walls.a.id, walls.b.id):
            for sql in statements(walls.schema_b, table, row):
                assert walls.refused(sql, tenant=tenant), sql
    for sequence in walls.schema_b.sequences:
        assert walls.refused("SELECT nextval('%s')" % walls.schema_b.of(sequence), tenant=walls.a.id), sequence
    assert walls.schema_b.content() == before


def test_a_is_refused_with_its_own_id_in_the_path_of_b(walls):
    for table in walls.tables:
        assert walls.refused("SELECT * FROM " + quoted(table), path="tenant_walls-b.example", tenant=walls.a.id) or \
            "does not exist" in walls.run("SELECT * FROM " + quoted(table), path="tenant_walls-b.example",
                                          tenant=walls.a.id, check=False).stderr, table


def test_with_the_id_of_b_a_reads_and_writes_nothing(walls):
    before = walls.schema_a.content(), walls.schema_b.content()
    for table in walls.tables:
        column = walls.schema_a.plain_column(table)
        assert walls.count(quoted(table), tenant=walls.b.id) == 0, table
        assert walls.touched("UPDATE %s SET %s = %s" % (quoted(table), column, column), tenant=walls.b.id) == 0, table
        if table != "tenants":
            assert walls.touched("DELETE FROM " + quoted(table), tenant=walls.b.id) == 0, table
    assert (walls.schema_a.content(), walls.schema_b.content()) == before


def test_a_cannot_write_a_row_that_says_it_is_of_b(walls):
    for table in walls.tables:
        row = walls.schema_a.row(table, walls.b.id, "foreign")
        if "tenant_id" in row:
            assert walls.refused(walls.schema_a.insert(table, row), tenant=walls.a.id), table
            assert walls.refused("UPDATE %s SET tenant_id = '%s'" % (quoted(table), walls.b.id), tenant=walls.a.id), table


def test_without_a_tenant_id_nothing_is_seen_or_written(walls):
    for table in walls.tables:
        column = walls.schema_a.plain_column(table)
        for tenant in (None, "", "not a uuid"):
            assert walls.count(quoted(table), tenant=tenant) == 0, table
            assert walls.touched("UPDATE %s SET %s = %s" % (quoted(table), column, column), tenant=tenant) == 0, table
        row = walls.schema_a.row(table, walls.a.id, "nobody")
        if "tenant_id" in row:
            assert walls.refused(walls.schema_a.insert(table, row)), table


def test_the_login_role_alone_is_refused(walls):
    for schema in (walls.schema_a, walls.schema_b, Schema(walls.db, "tenant_template")):
        for table in schema.tables:
            for sql in statements(schema, table, {"id": "DEFAULT"}):
                assert walls.refused(sql, role=False, tenant=walls.a.id), sql


def test_the_login_role_has_no_way_into_the_registry_or_the_queue(walls):
    for table in ("tenants", "jobs", "schema_migrations"):
        assert walls.refused("SELECT * FROM platform." + table, role=False), table
        assert walls.refused("SELECT * FROM platform." + table, tenant=walls.a.id), table
    for call in ("platform.tenant_add('x.example', 'x', '{}')", "platform.tenant_remove('%s')" % walls.b.id,
                 "public.create_tenant_schema('x.example')"):
        assert walls.refused("SELECT " + call, role=False), call
        assert walls.refused("SELECT " + call, tenant=walls.a.id), call


def test_jobs_of_b_are_out_of_reach_in_a_transaction_of_a(walls):
    walls.db.sql("SET app.current_tenant_id = '%s'; SELECT platform.jobs_enqueue('test', ARRAY['x'], 0, false)" % walls.b.id)
    walls.db.sql("UPDATE platform.jobs SET state = 'RUNNING', worker = 'w' WHERE tenant_id = '%s'" % walls.b.id)
    ids = "(SELECT array_agg(n) FROM generate_series(1::bigint, 1000) n)"
    for call in ("jobs_guard", "jobs_settle"):
        assert walls.run("SELECT platform.%s(%s, 'w')" % (call, ids), tenant=walls.a.id) == [["0"]]
    assert walls.db.sql("DELETE FROM platform.jobs WHERE worker = 'w' RETURNING 1") == [["1"]]


def test_a_with_the_id_of_b_has_no_way_into_the_queue_of_b(walls):
    walls.db.sql("SET app.current_tenant_id = '%s'; SELECT platform.jobs_enqueue('test', ARRAY['y'], 0, false)" % walls.b.id)
    walls.db.sql("UPDATE platform.jobs SET state = 'RUNNING', worker = 'w2' WHERE tenant_id = '%s'" % walls.b.id)
    ids = "(SELECT array_agg(n) FROM generate_series(1::bigint, 1000) n)"
    for call in ("jobs_guard", "jobs_settle"):
        assert walls.run("SELECT platform.%s(%s, 'w2')" % (call, ids), tenant=walls.b.id) == [["0"]]
    assert walls.run("SELECT * FROM platform.jobs_count()", tenant=walls.b.id) == [["0", "0", "0"]]
    for tenant in (walls.b.id, None, "", "not a uuid"):
        assert walls.refused("SELECT platform.jobs_enqueue('test', ARRAY['z'], 0, false)", tenant=tenant)
    walls.run("SELECT platform.jobs_enqueue('test', ARRAY['z'], 0, false)", tenant=walls.a.id)
    assert walls.db.sql("DELETE FROM platform.jobs WHERE worker = 'w2' RETURNING 1") == [["1"]]


def test_nothing_that_runs_as_the_owner_looks_into_temporary_schemas_first(walls):
    paths = walls.db.sql("SELECT oid::regprocedure, array_to_string(proconfig, ';') FROM pg_proc"
                         " WHERE prosecdef OR oid = 'platform.tenant_entered'::regproc")
    assert len(paths) >= 11
    for function, config in paths:
        assert config == "search_path=pg_catalog, pg_temp", function


def test_a_tenant_s_catalog_is_the_template_s(walls):
    template = Schema(walls.db, "tenant_template").facts()
    for schema in (walls.schema_a, walls.schema_b):
        facts = schema.facts()
        for what, expected in template.items():
            assert facts[what] == expected, what


def test_long_domains_do_not_meet_in_one_schema(database):
    for domain in (LONG_A, LONG_B):
        database.tenant(domain)
    rows = database.sql("SELECT schema_name, role_name FROM platform.tenants WHERE domain IN ('%s', '%s')" % (LONG_A, LONG_B))
    assert len({row[0] for row in rows}) == 2
    for schema, role in rows:
        assert schema == role and len(schema.encode()) <= 63
        assert database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = '%s'" % schema) == [["1"]]
    assert Schema(database, rows[0][0]).facts() == Schema(database, "tenant_template").facts()


@pytest.mark.parametrize("domain", ["", "a b", "tenant/../x", 'a"b', "-a.example", "a." + "b" * 252, "schön.example", "template"])
def test_what_is_no_domain_is_refused(database, domain):
    done = database.ctl("tenant", "add", "--", domain, check=False)
    assert done.returncode == 65 and "domain" in done.stderr


def test_a_removed_tenant_leaves_nothing(database):
    tenant = database.tenant("gone.example")
    Schema(database, "tenant_gone.example").fill(tenant.id)
    database.ctl("tenant", "remove", tenant.domain)
    assert database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'tenant_gone.example'") == [["0"]]
    assert database.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'tenant_gone.example'") == [["0"]]
    assert database.ctl("documents", "--tenant", tenant.domain, check=False).returncode == 66
    database.tenant(tenant.domain)
