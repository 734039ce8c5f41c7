/* lib/chat/lookup.c - search a tenant for a text, as every program does it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/services.h"

#include <string.h>

/* The question's vector, or NULL where it would have no vote or there is none to be had. */
static const float *services_vector(struct desk_ctx *cx, const struct desk_services *s,
				    struct desk_str text, struct desk_search_told *out)
{
	int64_t began_us = desk_mono_us(cx->clock);
	struct desk_error err = { 0 };
	enum desk_status rc;
	float *v;

	if (!desk_embedder_speaks(s->embedder, out->language))
		return NULL;
	v = desk_arena_array(cx->arena, desk_embedder_dim(s->embedder), sizeof(*v));
	rc = desk_embed_query(s->embedder, s->vectors, text, v, &out->vector_cached, cx->deadline, &err);
	out->embed_us = desk_mono_us(cx->clock) - began_us;
	if (rc == DESK_OK)
		return v;
	desk_log_ctx(cx, DESK_LOG_WARN, "embedding_failed", DESK_L_STR("status", desk_status_name(rc)),
		     DESK_L_STR("reason", err.text));
	return NULL;
}

enum desk_status desk_services_search(struct desk_ctx *cx, const struct desk_services *s,
				      const struct desk_search_ask *ask, struct desk_search_told *out)
{
	struct desk_search_query q = {
		.text = ask->text, .internal = ask->internal, .top_k = ask->top_k, .fusion = ask->fusion,
		.embedder = s->embedder,
	};
	enum desk_status rc;

	memset(out, 0, sizeof(*out));
	rc = desk_language_question(cx, s->retrieval, ask->text, out->language);
	if (rc != DESK_OK)
		return rc;
	q.language = out->language;
	q.vector = services_vector(cx, s, ask->text, out);
	q.dim = q.vector != NULL ? desk_embedder_dim(s->embedder) : 0;
	return desk_search(cx, s->retrieval, &q, &out->result);
}
