"""What the database's catalogs say of a tenant's schema: its tables, and a row that fits each."""
# SPDX-License-Identifier: GPL-3.0-or-later
import uuid

# What a column must hold where its type alone does not say: by name.
VALUES = {
    "audience": "'PUBLIC'",
    "status": "DEFAULT",
    "sha256": "decode(repeat('00', 32), 'hex')",
    "domain": "DEFAULT",
}
BY_TYPE = {
    "uuid": "'%s'" % uuid.UUID(int=7), "text": "'x'", "character varying": "'x'", "integer": "1",
    "bigint": "1", "smallint": "1", "bytea": "'\\x00'", "jsonb": "'{}'", "boolean": "false",
    "timestamp with time zone": "now()", "double precision": "0", "bigint[]": "'{}'",
}


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Schema:
    """One tenant's schema."""

    def __init__(self, instance, name):
        self.instance, self.name = instance, name
        self.tables = [row[0] for row in instance.sql(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = '%s'::regnamespace"
            " ORDER BY relname" % quoted(name))]
        self.sequences = [row[0] for row in instance.sql(
            "SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = '%s'::regnamespace"
            " ORDER BY relname" % quoted(name))]

    def of(self, table):
        return quoted(self.name) + "." + quoted(table)

    def columns(self, table):
        """(name, type, needed) of the columns that a row must be given."""
        rows = self.instance.sql(
            "SELECT a.attname, format_type(a.atttypid, NULL), a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''"
            " FROM pg_attribute a WHERE a.attrelid = '%s'::regclass AND a.attnum > 0 AND NOT a.attisdropped"
            " ORDER BY a.attnum" % self.of(table))
        return [(name, kind, needed == "t") for name, kind, needed in rows]

    def plain_column(self, table):
        """One that an UPDATE may name, quoted."""
        return quoted(self.instance.sql(
            "SELECT attname FROM pg_attribute WHERE attrelid = '%s'::regclass AND attnum > 0 AND NOT attisdropped"
            " AND attidentity = '' AND attgenerated = '' ORDER BY attnum LIMIT 1" % self.of(table))[0][0])

    def parents(self, table):
        """{column: the table that it refers to}, for keys of one column."""
        return {row[0]: row[1] for row in self.instance.sql(
            "SELECT a.attname, p.relname FROM pg_constraint k JOIN pg_class p ON p.oid = k.confrelid"
            " JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]"
            " WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND k.conrelid = '%s'::regclass"
            % self.of(table))}

    def row(self, table, tenant_id, key):
        """{column: SQL} of a row of this tenant; key tells rows of one table apart."""
        parents, out = self.parents(table), {}
        for name, kind, needed in self.columns(table):
            if name == "tenant_id":
                out[name] = "'%s'" % tenant_id
            elif name in parents:
                out[name] = "(SELECT id FROM %s LIMIT 1)" % self.of(parents[name])
            elif name == "id" and kind == "uuid":
                out[name] = "'%s'" % uuid.uuid5(uuid.NAMESPACE_URL, self.name + table + key)
            elif needed:
                out[name] = VALUES.get(name, BY_TYPE.get(kind))
                assert out[name], "%s.%s: say in tests/support/catalog.py what a %s holds" % (table, name, kind)
        return out

    def insert(self, table, row, relation=None):
        return "INSERT INTO %s (%s) VALUES (%s)" % (
            relation or self.of(table), ", ".join(quoted(c) for c in row), ", ".join(row.values()))

    def fill(self, tenant_id):
        """A row in each table, as the superuser, parents first."""
        left = [t for t in self.tables if t != "tenants"]
        done = {"tenants"}
        while left:
            ready = [t for t in left if set(self.parents(t).values()) <= done | {t}]
            assert ready, "foreign keys in a circle: %s" % left
            for table in ready:
                self.instance.sql(self.insert(table, self.row(table, tenant_id, "first")))
                done.add(table)
                left.remove(table)

    def content(self):
        """All that is in it, to be compared."""
        return {t: self.instance.sql("SELECT t::text FROM %s t ORDER BY 1" % self.of(t)) for t in self.tables}

    def facts(self):
        """Its catalog in words that do not name it: columns, defaults, keys, indexes, policies, grants."""
        queries = {
            "columns": "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,"
                       " a.attgenerated, a.attstorage, pg_get_expr(d.adbin, d.adrelid), a.attacl::text"
                       " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
                       " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
                       " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = {s}::regnamespace",
            "constraints": "SELECT c.relname, k.conname, k.contype, k.condeferrable, k.convalidated,"
                           " pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
                           " WHERE k.connamespace = {s}::regnamespace",
            "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = {n}",
            "policies": "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, p.polname, p.polcmd, p.polpermissive,"
                        " pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), p.polroles::text"
                        " FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid"
                        " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = {s}::regnamespace",
            "grants": "SELECT c.relname, c.relkind, g.grantee::regrole, g.privilege_type, g.is_grantable FROM pg_class c,"
                      " aclexplode(c.relacl) g WHERE c.relnamespace = {s}::regnamespace"
                      " AND g.grantee <> c.relowner",
            "sequences": "SELECT c.relname, s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache"
                         " FROM pg_class c JOIN pg_sequence s ON s.seqrelid = c.oid"
                         " WHERE c.relnamespace = {s}::regnamespace",
            "options": "SELECT relname, reloptions::text, relpersistence FROM pg_class"
                       " WHERE relnamespace = {s}::regnamespace",
        }
        out = {}
        for what, query in queries.items():
            rows = self.instance.sql(query.format(s="'%s'" % quoted(self.name), n="'%s'" % self.name))
            out[what] = sorted(tuple(cell.replace(quoted(self.name), "SCHEMA").replace(self.name, "SCHEMA")
                                     .replace("frontdesk_template", "SCHEMA") for cell in row) for row in rows)
        return out
