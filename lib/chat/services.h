/* lib/chat/services.h - all that a process answers with, opened by its settings in one go. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_SERVICES_H
#define DESK_SERVICES_H

#include "base/base.h"
#include "cache/cache.h"
#include "chat/chat.h"
#include "config/config.h"
#include "db/db.h"
#include "embed/embed.h"
#include "llm/llm.h"
#include "log/log.h"
#include "net/net.h"
#include "retrieval/retrieval.h"
#include "tenancy/tenancy.h"

#pragma GCC visibility push(default)

/* Any number of threads may use one; immutable after it was opened. */
struct desk_services {
	const struct desk_config *config;	/* borrowed */
	struct desk_log          *log;	/* borrowed, may be NULL */
	struct desk_db           *db;
	struct desk_tenant_cache *tenants;
	struct desk_cache        *cache;	/* NULL: no Redis is configured */
	struct desk_net          *net;
	struct desk_embedder     *embedder;
	struct desk_embed_cache  *vectors;
	struct desk_retrieval    *retrieval;
	struct desk_llm_set      *models;
	struct desk_chat          chat;	/* of the above */
};

/*
 * Open it after fork. Nothing connects here: Postgres and Redis are reached at their first use, the
 * built-in model is mapped. `program` is the name that Postgres shows. *out is owned.
 */
DESK_MUST_CHECK enum desk_status desk_services_open(const struct desk_config *config,
						    struct desk_log *log, const char *program,
						    struct desk_services **out, struct desk_error *err);
void desk_services_free(struct desk_services *s);	/* NULL is fine */

/* A fresh context for a request: clock, log, db, and the deadline REQUEST_TIMEOUT_MS. */
void desk_services_ctx(const struct desk_services *s, struct desk_arena *arena, struct desk_ctx *cx);

/*
 * Search cx->tenant for a text: its language, its vector where the model speaks that, both lists.
 * A model that fails costs the dense list and a line in the log, never the search.
 */
struct desk_search_ask {
	struct desk_str text;
	int             top_k;	/* 0: the tenant's */
	bool            internal;
	const struct desk_fusion_options *fusion;	/* NULL: the tenant's */
};
struct desk_search_told {
	struct desk_search_result result;
	char                      language[DESK_LANGUAGE_LEN + 1];
	int64_t                   embed_us;
	bool                      vector_cached;
};
DESK_MUST_CHECK enum desk_status desk_services_search(struct desk_ctx *cx, const struct desk_services *s,
						      const struct desk_search_ask *ask,
						      struct desk_search_told *out);

/* What an operator wants to know before he sends customers here. */
enum desk_part_state { DESK_PART_OK, DESK_PART_OFF, DESK_PART_DOWN, DESK_PART_PENDING };
struct desk_readiness {
	enum desk_part_state postgres, redis, model, migrations;
	size_t               pending;	/* migrations that are not applied everywhere */
	const char          *model_name;	/* borrowed */
	bool                 ready;	/* all that is needed is there; Redis is not */
};
/* Never fails; reasons go to the log. Takes at most a few seconds. */
void desk_services_readiness(struct desk_ctx *cx, const struct desk_services *s,
			     struct desk_readiness *out);
const char *desk_part_state_name(enum desk_part_state state);	/* "ok", "off", "down", "pending" */

#pragma GCC visibility pop
#endif
