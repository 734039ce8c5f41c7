/* lib/chat/services.c - all that a process answers with, opened by its settings in one go. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/services.h"

#include <stdlib.h>

#define SERVICES_VECTOR_BYTES (8u << 20)	/* some 5,000 questions of 384 numbers */

static enum desk_status services_open_db(struct desk_services *s, const char *program,
					 struct desk_error *err)
{
	const struct desk_db_options o = {
		.conninfo = s->config->DATABASE_URL.value,
		.program = program,
		.pool_size = (unsigned)s->config->DB_POOL_SIZE,
		.statement_timeout_ms = (unsigned)s->config->DB_STATEMENT_TIMEOUT_MS,
		.prepare = s->config->DB_PREPARED_STATEMENTS,
	};

	return desk_db_open(&o, &s->db, err);
}

enum desk_status desk_services_open(const struct desk_config *config, struct desk_log *log,
				    const char *program, struct desk_services **out,
				    struct desk_error *err)
{
	struct desk_services *s = desk_xcalloc(1, sizeof(*s));
	enum desk_status rc;

	s->config = config;
	s->log = log;
	s->tenants = desk_tenant_cache_new();
	rc = services_open_db(s, program, err);
	if (rc == DESK_OK)
		rc = desk_cache_open(config->REDIS_URL.value, &s->cache, err);
	if (rc == DESK_OK)
		rc = desk_net_open_config(config, &s->net, err);
	if (rc == DESK_OK)
		rc = desk_embedder_open_config(config, s->net, &s->embedder, err);
	if (rc == DESK_OK)
		rc = desk_retrieval_open(NULL, &s->retrieval, err);
	if (rc == DESK_OK)
		rc = desk_llm_set_open(config, s->net, &s->models, err);
	if (rc != DESK_OK) {
		desk_services_free(s);
		return rc;
	}
	s->vectors = desk_embed_cache_new(SERVICES_VECTOR_BYTES, s->cache);
	s->chat = (struct desk_chat){ .retrieval = s->retrieval, .embedder = s->embedder,
				      .vectors = s->vectors, .models = s->models };
	*out = s;
	return DESK_OK;
}

void desk_services_free(struct desk_services *s)
{
	if (s == NULL)
		return;
	desk_llm_set_free(s->models);
	desk_retrieval_free(s->retrieval);
	desk_embed_cache_free(s->vectors);
	desk_embedder_free(s->embedder);
	desk_net_free(s->net);
	desk_cache_free(s->cache);
	desk_tenant_cache_free(s->tenants);
	desk_db_free(s->db);
	free(s);
}

void desk_services_ctx(const struct desk_services *s, struct desk_arena *arena, struct desk_ctx *cx)
{
	desk_ctx_init(cx, arena, NULL);
	cx->log = s->log;
	cx->db = s->db;
	cx->deadline = desk_deadline_in_ms(cx->clock, s->config->REQUEST_TIMEOUT_MS);
}
