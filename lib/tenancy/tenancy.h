/* lib/tenancy/tenancy.h - tenants: who they are, their settings, and the door into their schema. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file        duty
 * ----------  ---------------------------------------------------------------
 * tenancy.c   find by id or domain, begin a tenant's transaction
 * cache.c     tenants that were asked for within the last second
 * settings.c  a tenant's settings out of its jsonb: typed, with defaults
 * admin.c     add, list, remove; with the owner's connection
 */
#ifndef DESK_TENANCY_H
#define DESK_TENANCY_H

#include "base/base.h"
#include "db/db.h"

#pragma GCC visibility push(default)

enum desk_fusion { DESK_FUSION_RRF, DESK_FUSION_CONVEX };

/* tenants.settings, typed. A member that is missing or out of its range has its default. */
struct desk_tenant_settings {
	bool             anonymous;	/* "anonymous": false; callers without a credential */
	enum desk_fusion fusion;	/* "fusion": "rrf" | "convex" */
	double           weight_lexical;	/* "weight_lexical": 0.3 */
	double           weight_dense;	/* "weight_dense": 0.7; convex: the weight on dense, .6 */
	int              rrf_constant;	/* "rrf_constant": 60 */
	int              top_k;	/* "top_k": 5 (1..50) */
	double           handoff_threshold;	/* "handoff_threshold": 0.5 */
	const char      *languages[8];	/* "languages": ["en"], ISO 639-1; NULL-terminated; empty: all */
	const char      *llm;	/* "llm": "auto" | "none" | "openai" | "azure"; NULL: the install's */
	const char      *embedding_model;	/* "embedding_model"; NULL: the install's */
	int              embedding_dim;	/* "embedding_dim": 384 */
};

struct desk_tenant {
	const char *id;	/* UUID */
	const char *domain, *name, *tier;
	const char *schema, *role;
	struct desk_tenant_settings settings;
};

/*
 * By UUID or domain (any case). Sets cx->tenant and cx->tenant_id; they live in cx->arena. Kept in
 * the process for at most a second, in `cache` (NULL: always asked). DESK_E_NOT_FOUND for none, and
 * for a suspended one.
 */
struct desk_tenant_cache;
struct desk_tenant_cache *desk_tenant_cache_new(void);	/* owned, thread-safe, bounded */
void desk_tenant_cache_free(struct desk_tenant_cache *c);
DESK_MUST_CHECK enum desk_status desk_tenant_enter(struct desk_ctx *cx, struct desk_tenant_cache *cache,
						   const char *id_or_domain);

/* desk_db_begin_as with cx->tenant's role, schema and id. */
DESK_MUST_CHECK enum desk_status desk_tenant_begin(struct desk_ctx *cx);

void desk_tenant_settings_parse(struct desk_arena *a, const json_t *settings,
				struct desk_tenant_settings *out);

/* ---- with the owner's connection ---------------------------------------- */

struct desk_tenant_row {
	const char *id, *domain, *name, *status, *tier, *schema;
	int64_t     created_us;
};
struct desk_tenant_list {
	struct desk_tenant_row *at;
	size_t                  n;
};
struct desk_tenant_spec {
	const char *domain;	/* letters, digits, dots, dashes; lower-cased; 1..253 */
	const char *name;	/* NULL: the domain */
	const json_t *settings;	/* NULL: {} */
};
/* DESK_E_CONFLICT when the domain is taken. */
DESK_MUST_CHECK enum desk_status desk_tenant_add(struct desk_ctx *cx, const struct desk_tenant_spec *spec,
						 struct desk_tenant_row *out);
DESK_MUST_CHECK enum desk_status desk_tenant_list(struct desk_ctx *cx, struct desk_tenant_list *out);
DESK_MUST_CHECK enum desk_status desk_tenant_remove(struct desk_ctx *cx, const char *id_or_domain);
/* Merge `patch` into the settings (a null member removes). */
DESK_MUST_CHECK enum desk_status desk_tenant_set(struct desk_ctx *cx, const char *id_or_domain,
						 const json_t *patch);

#pragma GCC visibility pop
#endif
