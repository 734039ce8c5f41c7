/* lib/db/migrate.c - migrations of the platform's and the tenants' schemas: up, down, status. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "db/migrate_int.h"

/* Held in each transaction, and by tenant_add: a tenant is cloned before or after, never amid. */
static const char lock_sql[] =
	"SELECT pg_advisory_xact_lock(7236828793),"
	"       set_config('statement_timeout', '0', true), set_config('lock_timeout', '60s', true)";

/* ---- the record --------------------------------------------------------- */

static enum desk_status migrate_begin(struct desk_ctx *cx)
{
	enum desk_status rc = desk_db_begin_platform(cx);

	if (rc == DESK_OK)
		rc = desk_db_exec(cx, lock_sql);
	return rc;
}

static enum desk_status migrate_end(struct desk_ctx *cx, enum desk_status rc)
{
	if (rc == DESK_OK)
		return desk_db_commit(cx);
	desk_db_rollback(cx);
	return rc;
}

static enum desk_status migrate_record_make(struct desk_ctx *cx)
{
	enum desk_status rc = migrate_begin(cx);

	if (rc == DESK_OK)
		rc = desk_db_exec(cx, "CREATE SCHEMA IF NOT EXISTS platform");
	if (rc == DESK_OK)
		rc = desk_db_exec(cx, "CREATE TABLE IF NOT EXISTS platform.schema_migrations ("
				      " scope text NOT NULL CHECK (scope IN ('platform', 'tenant')),"
				      " schema_name name NOT NULL, version int NOT NULL, name text NOT NULL,"
				      " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),"
				      " PRIMARY KEY (schema_name, scope, version))");
	return migrate_end(cx, rc);
}

/* *there: does the table exist? So that status and down change nothing on an empty database. */
static enum desk_status migrate_record_there(struct desk_ctx *cx, const char *table, bool *there)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_begin_platform(cx);

	if (rc == DESK_OK)
		rc = desk_db_query(cx, &rows, "SELECT to_regclass($1::text) IS NOT NULL", desk_p_text(table));
	if (rc == DESK_OK)
		*there = desk_rows_bool(rows, 0, 0);
	return migrate_end(cx, rc);
}

/* What was applied, newest version first: scope, schema, version, name, checksum. */
static enum desk_status migrate_record_load(struct desk_ctx *cx, struct desk_rows **rows)
{
	enum desk_status rc = desk_db_begin_platform(cx);

	if (rc == DESK_OK)
		rc = desk_db_query(cx, rows,
				   "SELECT scope, schema_name::text, version, name, checksum FROM platform.schema_migrations"
				   " ORDER BY scope DESC, version DESC, schema_name = 'tenant_template', schema_name");
	return migrate_end(cx, rc);
}

/* A file that was applied must be there, and be what it was. */
static enum desk_status migrate_record_check(struct desk_ctx *cx, const struct migrate_files *files)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = migrate_record_load(cx, &rows);

	for (size_t i = 0; rc == DESK_OK && i < desk_rows_count(rows); i++) {
		const char *scope = desk_rows_text(rows, i, 0), *name = desk_rows_text(rows, i, 3);
		const struct migrate_file *f = migrate_files_find(files, scope, desk_rows_int64(rows, i, 2));

		if (f == NULL)
			rc = desk_fail(cx, DESK_E_CONFLICT,
				       "the database has migration %s/%s, which this version of Frontdesk does not know:"
				       " install the newer version, or restore a backup", scope, name);
		else if (strcmp(f->checksum, desk_rows_text(rows, i, 4)) != 0)
			rc = desk_fail(cx, DESK_E_CONFLICT,
				       "migration %s/%s was changed after it had been applied to %s:"
				       " restore the file, and put the change into a new migration",
				       scope, name, desk_rows_text(rows, i, 1));
	}
	return rc;
}

/* ---- one file, one schema, one transaction ------------------------------ */

static enum desk_status migrate_is_applied(struct desk_ctx *cx, const struct migrate_file *f,
					   const char *schema, bool *applied)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_query(
		cx, &rows,
		"SELECT EXISTS (SELECT 1 FROM platform.schema_migrations"
		"               WHERE scope = $1::text AND schema_name = $2::name AND version = $3::int)",
		desk_p_text(f->scope), desk_p_text(schema), desk_p_int32((int32_t)f->version));

	if (rc == DESK_OK)
		*applied = desk_rows_bool(rows, 0, 0);
	return rc;
}

static enum desk_status migrate_script(struct desk_ctx *cx, const struct migrate_file *f,
				       const char *schema, bool up)
{
	bool platform = strcmp(f->scope, "platform") == 0;
	enum desk_status rc;

	rc = desk_db_exec(cx,
			  "SELECT set_config('search_path', CASE WHEN $2::bool THEN 'public'"
			  " ELSE quote_ident($1::text) || ', public' END, true)",
			  desk_p_text(schema), desk_p_bool(platform));
	if (rc != DESK_OK)
		return rc;
	rc = desk_db_script(cx, up ? f->up : f->down);
	if (rc != DESK_OK) {
		struct desk_error why = cx->err;

		desk_error_clear(&cx->err);
		(void)desk_fail(cx, why.code, "migration %s/%s.%s.sql on %s: %s", f->scope, f->name,
				up ? "up" : "down", schema, why.text);
		(void)desk_copy(cx->err.sqlstate, sizeof(cx->err.sqlstate), why.sqlstate);
		return rc;
	}
	return desk_db_exec(cx, "SELECT set_config('search_path', 'public', true)");
}

static enum desk_status migrate_run(struct desk_ctx *cx, const struct desk_migrate_options *o,
				    const struct migrate_file *f, const char *schema, bool up)
{
	bool applied = false;
	enum desk_status rc = migrate_begin(cx);

	if (rc == DESK_OK)
		rc = migrate_is_applied(cx, f, schema, &applied);
	if (rc != DESK_OK || applied == up)
		return migrate_end(cx, rc);	/* another runner was faster */
	rc = migrate_script(cx, f, schema, up);
	if (rc == DESK_OK && up)
		rc = desk_db_exec(cx,
				  "INSERT INTO platform.schema_migrations (scope, schema_name, version, name, checksum)"
				  " VALUES ($1::text, $2::name, $3::int, $4::text, $5::text)",
				  desk_p_text(f->scope), desk_p_text(schema), desk_p_int32((int32_t)f->version),
				  desk_p_text(f->name), desk_p_text(f->checksum));
	else if (rc == DESK_OK)
		rc = desk_db_exec(cx,
				  "DELETE FROM platform.schema_migrations"
				  " WHERE scope = $1::text AND schema_name = $2::name AND version = $3::int",
				  desk_p_text(f->scope), desk_p_text(schema), desk_p_int32((int32_t)f->version));
	rc = migrate_end(cx, rc);
	if (rc == DESK_OK && o->told != NULL)
		o->told(o->arg, schema, f->name);
	return rc;
}

/* ---- up ----------------------------------------------------------------- */

/* The next schema that lacks a tenant migration, the template first; NULL for none. */
static enum desk_status migrate_next_schema(struct desk_ctx *cx, int64_t version, const char **schema)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_begin_platform(cx);

	if (rc == DESK_OK)
		rc = desk_db_query(
			cx, &rows,
			"SELECT s.name FROM (SELECT 'tenant_template' AS name, 0 AS place UNION ALL"
			" SELECT schema_name::text, 1 FROM platform.tenants) s"
			" WHERE NOT EXISTS (SELECT 1 FROM platform.schema_migrations m WHERE m.scope = 'tenant'"
			"                   AND m.schema_name = s.name AND m.version = $1::int)"
			" ORDER BY s.place, s.name LIMIT 1",
			desk_p_int32((int32_t)version));
	if (rc == DESK_OK)
		*schema = desk_rows_count(rows) > 0 ? desk_rows_text(rows, 0, 0) : NULL;
	return migrate_end(cx, rc);
}

static enum desk_status migrate_up_tenants(struct desk_ctx *cx, const struct desk_migrate_options *o,
					   const struct migrate_file *f)
{
	for (;;) {
		const char *schema = NULL;
		enum desk_status rc = migrate_next_schema(cx, f->version, &schema);

		if (rc != DESK_OK || schema == NULL)
			return rc;
		rc = migrate_run(cx, o, f, schema, true);
		if (rc != DESK_OK)
			return rc;
	}
}

enum desk_status desk_migrate_up(struct desk_ctx *cx, const struct desk_migrate_options *o)
{
	struct migrate_files files;
	enum desk_status rc = migrate_files_load(cx->arena, o->dir, &files, &cx->err);

	if (rc == DESK_OK)
		rc = migrate_record_make(cx);
	if (rc == DESK_OK)
		rc = migrate_record_check(cx, &files);
	for (size_t i = 0; rc == DESK_OK && i < files.n; i++) {
		if (strcmp(files.at[i].scope, "platform") == 0)
			rc = migrate_run(cx, o, &files.at[i], "platform", true);
		else
			rc = migrate_up_tenants(cx, o, &files.at[i]);
	}
	return rc;
}

/* ---- down --------------------------------------------------------------- */

static enum desk_status migrate_tenant_count(struct desk_ctx *cx, int64_t *n)
{
	struct desk_rows *rows = NULL;
	bool there = false;
	enum desk_status rc = migrate_record_there(cx, "platform.tenants", &there);

	*n = 0;
	if (rc != DESK_OK || !there)
		return rc;
	rc = desk_db_begin_platform(cx);
	if (rc == DESK_OK)
		rc = desk_db_query(cx, &rows, "SELECT count(*) FROM platform.tenants");
	if (rc == DESK_OK)
		*n = desk_rows_int64(rows, 0, 0);
	return migrate_end(cx, rc);
}

/* Which version to stop at: what was asked for, or one before the newest. */
static int64_t migrate_floor(const struct desk_migrate_options *o, const struct desk_rows *rows)
{
	int64_t newest = 0;

	if (o->to >= 0)
		return o->to;
	for (size_t i = 0; i < desk_rows_count(rows); i++) {
		if (desk_rows_int64(rows, i, 2) > newest)
			newest = desk_rows_int64(rows, i, 2);
	}
	return newest - 1;
}

static enum desk_status migrate_down_allowed(struct desk_ctx *cx, const struct migrate_files *files,
					     const struct desk_rows *rows, int64_t floor)
{
	int64_t tenants = 0;
	enum desk_status rc = migrate_tenant_count(cx, &tenants);

	for (size_t i = 0; rc == DESK_OK && tenants > 0 && i < desk_rows_count(rows); i++) {
		const struct migrate_file *f =
			migrate_files_find(files, desk_rows_text(rows, i, 0), desk_rows_int64(rows, i, 2));

		if (f != NULL && f->version > floor && !f->keeps_data)
			rc = desk_fail(cx, DESK_E_CONFLICT,
				       "taking back %s/%s would delete data of %lld tenant%s:"
				       " make a backup, then say --lose-data", f->scope, f->name,
				       (long long)tenants, tenants == 1 ? "" : "s");
	}
	return rc;
}

enum desk_status desk_migrate_down(struct desk_ctx *cx, const struct desk_migrate_options *o)
{
	struct migrate_files files;
	struct desk_rows *rows = NULL;
	int64_t floor;
	bool there = false;
	enum desk_status rc = migrate_files_load(cx->arena, o->dir, &files, &cx->err);

	if (rc == DESK_OK)
		rc = migrate_record_there(cx, "platform.schema_migrations", &there);
	if (rc != DESK_OK || !there)
		return rc;
	rc = migrate_record_check(cx, &files);
	if (rc == DESK_OK)
		rc = migrate_record_load(cx, &rows);
	if (rc != DESK_OK)
		return rc;
	floor = migrate_floor(o, rows);
	if (!o->lose_data)
		rc = migrate_down_allowed(cx, &files, rows, floor);
	for (size_t i = 0; rc == DESK_OK && i < desk_rows_count(rows); i++) {
		const struct migrate_file *f =
			migrate_files_find(&files, desk_rows_text(rows, i, 0), desk_rows_int64(rows, i, 2));

		if (f != NULL && f->version > floor)
			rc = migrate_run(cx, o, f, desk_rows_text(rows, i, 1), false);
	}
	return rc;
}

/* ---- status ------------------------------------------------------------- */

static enum desk_status migrate_status_count(struct desk_ctx *cx, struct desk_migration *m)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_begin_platform(cx);

	if (rc == DESK_OK)
		rc = desk_db_query(
			cx, &rows,
			"SELECT EXISTS (SELECT 1 FROM platform.schema_migrations WHERE scope = $1::text AND version = $2::int"
			"               AND schema_name IN ('platform', 'tenant_template')),"
			" CASE WHEN $1::text = 'tenant' THEN (SELECT count(*) FROM platform.tenants t WHERE NOT EXISTS"
			"  (SELECT 1 FROM platform.schema_migrations m WHERE m.schema_name = t.schema_name"
			"   AND m.scope = 'tenant' AND m.version = $2::int)) ELSE 0 END",
			desk_p_text(m->scope), desk_p_int32((int32_t)m->version));
	if (rc == DESK_OK) {
		m->pending = (size_t)desk_rows_int64(rows, 0, 1);
		m->applied = desk_rows_bool(rows, 0, 0) && m->pending == 0;
	}
	return migrate_end(cx, rc);
}

enum desk_status desk_migrate_status(struct desk_ctx *cx, const char *dir, struct desk_migrations *out)
{
	struct migrate_files files;
	bool record = false, tenants = false;
	enum desk_status rc = migrate_files_load(cx->arena, dir, &files, &cx->err);

	if (rc == DESK_OK)
		rc = migrate_record_there(cx, "platform.schema_migrations", &record);
	if (rc == DESK_OK)
		rc = migrate_record_there(cx, "platform.tenants", &tenants);
	if (rc == DESK_OK && record)
		rc = migrate_record_check(cx, &files);
	if (rc != DESK_OK)
		return rc;
	out->n = files.n;
	out->at = desk_arena_array(cx->arena, files.n, sizeof(*out->at));
	for (size_t i = 0; rc == DESK_OK && i < files.n; i++) {
		out->at[i] = (struct desk_migration){ .scope = files.at[i].scope,
						      .version = files.at[i].version,
						      .name = files.at[i].name };
		if (record && tenants)
			rc = migrate_status_count(cx, &out->at[i]);
	}
	return rc;
}

enum desk_status desk_migrate_pending(struct desk_ctx *cx, const char *dir, size_t *pending)
{
	struct migrate_files files;
	struct desk_rows *rows = NULL;
	enum desk_status rc = migrate_files_load(cx->arena, dir, &files, &cx->err);

	if (rc == DESK_OK)
		rc = desk_db_begin_platform(cx);
	if (rc == DESK_OK)
		rc = desk_db_query(cx, &rows,
				   "SELECT platform_version, tenant_version, tenants_behind FROM platform.schema_version()");
	if (rc == DESK_OK) {
		*pending = (size_t)desk_rows_int64(rows, 0, 2);
		for (size_t i = 0; i < files.n; i++) {
			bool tenant = strcmp(files.at[i].scope, "tenant") == 0;

			*pending += files.at[i].version > desk_rows_int64(rows, 0, tenant ? 1 : 0);
		}
	}
	return migrate_end(cx, rc);
}
