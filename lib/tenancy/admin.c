/* lib/tenancy/admin.c - add, list, change and remove tenants, with the owner's connection. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "tenancy/tenancy_int.h"

/* How many locks one statement may take is the server's matter; how long it waits is ours. */
#define ADMIN_LOCK_TIMEOUT "10s"

static enum desk_status admin_begin(struct desk_ctx *cx)
{
	enum desk_status rc = desk_db_begin_platform(cx);

	if (rc == DESK_OK)
		rc = desk_db_exec(cx, "SELECT set_config('lock_timeout', $1::text, true)",
				  desk_p_text(ADMIN_LOCK_TIMEOUT));
	return rc;
}

static enum desk_status admin_end(struct desk_ctx *cx, enum desk_status rc)
{
	if (rc == DESK_OK)
		return desk_db_commit(cx);
	desk_db_rollback(cx);
	return rc;
}

/* What the database said, in words of what was asked for. */
static enum desk_status admin_explain(struct desk_ctx *cx, enum desk_status rc, const char *domain)
{
	struct desk_error was = cx->err;

	if (rc == DESK_OK)
		return rc;
	desk_error_clear(&cx->err);
	if (strcmp(was.sqlstate, "23505") == 0 || strcmp(was.sqlstate, "42P06") == 0)
		return desk_fail(cx, DESK_E_CONFLICT, "tenant \"%.80s\" exists already", domain);
	if (strcmp(was.sqlstate, "22023") == 0)
		return desk_fail(cx, DESK_E_INPUT,
				 "tenant domain \"%.80s\" is not a domain name:"
				 " use letters, digits, dots and dashes, like shop.example", domain);
	if (strcmp(was.sqlstate, "55P03") == 0)
		return desk_fail(cx, DESK_E_UNAVAILABLE, "tenant \"%.80s\" is busy: try again in a moment", domain);
	if (strcmp(was.sqlstate, "42883") == 0 || strcmp(was.sqlstate, "42P01") == 0 ||
	    strcmp(was.sqlstate, "3F000") == 0)
		return desk_fail(cx, DESK_E_UNAVAILABLE, "the database has no Frontdesk in it: run frontdeskctl migrate up");
	cx->err = was;
	return rc;
}

static void admin_row(const struct desk_rows *rows, size_t i, struct desk_tenant_row *out)
{
	*out = (struct desk_tenant_row){
		.id = desk_rows_text(rows, i, 0), .domain = desk_rows_text(rows, i, 1),
		.name = desk_rows_text(rows, i, 2), .status = desk_rows_text(rows, i, 3),
		.schema = desk_rows_text(rows, i, 4), .created_us = desk_rows_time_us(rows, i, 5),
		.tier = "BASIC",
	};
}

enum desk_status desk_tenant_add(struct desk_ctx *cx, const struct desk_tenant_spec *spec,
				 struct desk_tenant_row *out)
{
	const char *name = spec->name != NULL ? spec->name : spec->domain;
	json_t *settings = spec->settings != NULL ? json_deep_copy(spec->settings) : json_object();
	struct desk_rows *rows = NULL;
	enum desk_status rc;

	(void)desk_json_keep(cx->arena, settings);
	if (*spec->domain == '\0')
		return desk_fail(cx, DESK_E_INPUT, "a tenant needs a domain, like shop.example");
	if (*name == '\0' || desk_utf8_count(name, desk_str_of(name).n) > 255)
		return desk_fail(cx, DESK_E_INPUT, "a tenant's name has 1 to 255 characters");
	rc = admin_begin(cx);
	if (rc == DESK_OK)
		rc = desk_db_query(cx, &rows,
				   "SELECT id, domain, name, status, schema_name, created_at"
				   " FROM platform.tenant_add($1::text, $2::text, $3::jsonb)",
				   desk_p_text(spec->domain), desk_p_text(name), desk_p_json(cx->arena, settings));
	if (rc == DESK_OK)
		admin_row(rows, 0, out);
	return admin_explain(cx, admin_end(cx, rc), spec->domain);
}

enum desk_status desk_tenant_list(struct desk_ctx *cx, struct desk_tenant_list *out)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = admin_begin(cx);

	if (rc == DESK_OK)
		rc = desk_db_query(cx, &rows,
				   "SELECT id, domain, name, status, schema_name, created_at"
				   " FROM platform.tenants ORDER BY domain");
	rc = admin_explain(cx, admin_end(cx, rc), "");
	if (rc != DESK_OK)
		return rc;
	out->n = desk_rows_count(rows);
	out->at = desk_arena_array(cx->arena, out->n + 1, sizeof(*out->at));
	for (size_t i = 0; i < out->n; i++)
		admin_row(rows, i, &out->at[i]);
	return DESK_OK;
}

/* Its id, with the registry's row locked; the transaction is open. */
static enum desk_status admin_lock(struct desk_ctx *cx, const char *id_or_domain, const char **id,
				   const char **schema)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_query(
		cx, &rows,
		"SELECT id, schema_name FROM platform.tenants WHERE id::text = lower($1::text) OR domain = lower($1::text)"
		" FOR UPDATE", desk_p_text(id_or_domain));

	if (rc != DESK_OK)
		return rc;
	if (desk_rows_count(rows) == 0)
		return desk_fail(cx, DESK_E_NOT_FOUND, "tenant \"%.80s\" does not exist", id_or_domain);
	*id = desk_rows_text(rows, 0, 0);
	*schema = desk_rows_text(rows, 0, 1);
	return DESK_OK;
}

/* Nobody enters it any more: what runs comes to its end, and the schema can be locked. */
static enum desk_status admin_close(struct desk_ctx *cx, const char *id_or_domain)
{
	const char *id = NULL, *schema = NULL;
	enum desk_status rc = admin_begin(cx);

	if (rc == DESK_OK)
		rc = admin_lock(cx, id_or_domain, &id, &schema);
	if (rc == DESK_OK)
		rc = desk_db_exec(cx, "UPDATE platform.tenants SET status = 'REMOVING' WHERE id = $1::uuid", desk_p_text(id));
	return admin_end(cx, rc);
}

enum desk_status desk_tenant_remove(struct desk_ctx *cx, const char *id_or_domain)
{
	const char *id = NULL, *schema = NULL;
	enum desk_status rc = admin_close(cx, id_or_domain);

	if (rc == DESK_OK)
		rc = admin_begin(cx);
	if (rc == DESK_OK)
		rc = admin_lock(cx, id_or_domain, &id, &schema);
	if (rc == DESK_OK)
		rc = desk_db_exec(cx, "SELECT platform.tenant_remove($1::uuid)", desk_p_text(id));
	return admin_explain(cx, admin_end(cx, rc), id_or_domain);
}

enum desk_status desk_tenant_set(struct desk_ctx *cx, const char *id_or_domain, const json_t *patch)
{
	const char *id = NULL, *schema = NULL;
	enum desk_status rc = admin_begin(cx);

	if (rc == DESK_OK)
		rc = admin_lock(cx, id_or_domain, &id, &schema);
	/* Row security is forced on the owner as well: it enters like anybody else. */
	if (rc == DESK_OK)
		rc = desk_db_exec(cx,
				  "SELECT set_config('app.current_tenant_id', $1::text, true),"
				  "       set_config('search_path', quote_ident($2::text) || ', public', true)",
				  desk_p_text(id), desk_p_text(schema));
	if (rc == DESK_OK)
		rc = desk_db_exec(cx,
				  "UPDATE tenants SET updated_at = now(),"
				  " settings = (SELECT coalesce(jsonb_object_agg(key, value), '{}')"
				  "  FROM jsonb_each(coalesce(settings, '{}') || $1::jsonb) WHERE value <> 'null'::jsonb)",
				  desk_p_json(cx->arena, patch));
	return admin_explain(cx, admin_end(cx, rc), id_or_domain);
}
