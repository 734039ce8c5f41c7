/* lib/tenancy/tenancy.c - find a tenant by id or domain, and begin its transactions. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "tenancy/tenancy_int.h"

#define TENANT_KEY_MAX 255	/* a domain; more bytes are nobody's */

struct desk_tenant *tenancy_make(struct desk_arena *a, const struct tenancy_found *found)
{
	struct desk_tenant *t = desk_arena_alloc(a, sizeof(*t));
	json_t *settings = NULL;

	t->id = desk_arena_strdup(a, found->id);
	t->domain = desk_arena_strdup(a, found->domain);
	t->name = desk_arena_strdup(a, found->name);
	t->tier = desk_arena_strdup(a, found->tier);
	t->schema = desk_arena_strdup(a, found->schema);
	t->role = desk_arena_strdup(a, found->role);
	if (desk_json_parse(a, found->settings, desk_str_of(found->settings).n, &settings, NULL) != DESK_OK)
		settings = NULL;	/* not an object: all defaults */
	desk_tenant_settings_parse(a, settings, &t->settings);
	return t;
}

/* The key that a tenant is asked for and cached by: lower case, at most TENANT_KEY_MAX bytes. */
static const char *tenancy_key(struct desk_ctx *cx, const char *id_or_domain)
{
	size_t n = desk_str_of(id_or_domain).n;
	char *key;

	if (n == 0 || n > TENANT_KEY_MAX || !desk_utf8_valid(id_or_domain, n))
		return NULL;
	key = desk_arena_strdup(cx->arena, id_or_domain);
	for (size_t i = 0; i < n; i++) {
		if (key[i] >= 'A' && key[i] <= 'Z')
			key[i] = (char)(key[i] - 'A' + 'a');
	}
	return key;
}

static enum desk_status tenancy_ask(struct desk_ctx *cx, const char *key, struct tenancy_found *out)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_begin_platform(cx);

	if (rc == DESK_OK)
		rc = desk_db_query(cx, &rows,
				   "SELECT id, domain, name, coalesce(tier, ''), schema_name, role_name, status,"
				   "       coalesce(settings, '{}')::text FROM platform.tenant_find($1::text)",
				   desk_p_text(key));
	if (rc == DESK_OK)
		rc = desk_db_commit(cx);
	if (rc != DESK_OK) {
		desk_db_rollback(cx);
		return rc;
	}
	if (desk_rows_count(rows) == 0)
		return desk_fail(cx, DESK_E_NOT_FOUND, "tenant \"%.80s\" does not exist", key);
	if (strcmp(desk_rows_text(rows, 0, 6), "ACTIVE") != 0)
		return desk_fail(cx, DESK_E_NOT_FOUND, "tenant \"%.80s\" is %s", key, desk_rows_text(rows, 0, 6));
	*out = (struct tenancy_found){
		.id = desk_rows_text(rows, 0, 0), .domain = desk_rows_text(rows, 0, 1),
		.name = desk_rows_text(rows, 0, 2), .tier = desk_rows_text(rows, 0, 3),
		.schema = desk_rows_text(rows, 0, 4), .role = desk_rows_text(rows, 0, 5),
		.settings = desk_rows_text(rows, 0, 7),
	};
	return DESK_OK;
}

enum desk_status desk_tenant_enter(struct desk_ctx *cx, struct desk_tenant_cache *cache,
				   const char *id_or_domain)
{
	const char *key = tenancy_key(cx, id_or_domain);
	int64_t now_us = desk_mono_us(cx->clock);
	struct tenancy_found found;

	if (key == NULL)
		return desk_fail(cx, DESK_E_NOT_FOUND, "this tenant does not exist");
	if (cache == NULL || !tenancy_cache_get(cache, key, now_us, cx->arena, &found)) {
		enum desk_status rc = tenancy_ask(cx, key, &found);

		if (rc != DESK_OK)
			return rc;
		if (cache != NULL)
			tenancy_cache_put(cache, key, now_us, &found);
	}
	cx->tenant = tenancy_make(cx->arena, &found);
	cx->tenant_id = cx->tenant->id;
	return DESK_OK;
}

enum desk_status desk_tenant_begin(struct desk_ctx *cx)
{
	if (cx->tenant == NULL)
		return desk_fail(cx, DESK_E_BUG, "a tenant's transaction without a tenant");
	return desk_db_begin_as(cx, cx->tenant->role, cx->tenant->schema, cx->tenant->id);
}
