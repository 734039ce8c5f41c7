/* ctl/questions.c - many questions of a file, ranked one after the other. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "questions.h"

#define QUESTIONS_MAX_BYTES (256u << 20)
#define QUESTIONS_BATCH 64
#define QUESTIONS_DEPTH 400	/* chunks a list: enough documents behind them for a deep ranking */

static enum desk_status questions_line(struct ctl *c, struct desk_str line, size_t number,
				       struct ctl_question *out)
{
	const char *id, *text;
	json_t *v;

	if (desk_json_parse(c->arena, line.p, line.n, &v, NULL) != DESK_OK)
		return desk_fail(&c->cx, DESK_E_INPUT, "line %zu is not JSON", number);
	id = desk_json_string(v, "_id", NULL);
	text = desk_json_string(v, "text", NULL);
	if (id == NULL || text == NULL)
		return desk_fail(&c->cx, DESK_E_INPUT, "line %zu has no strings \"_id\" and \"text\"", number);
	*out = (struct ctl_question){ .id = id, .text = desk_str_of(text) };
	return DESK_OK;
}

enum desk_status ctl_questions_load(struct ctl *c, const char *path, struct ctl_questions *out)
{
	size_t lines = 1, number = 0;
	struct desk_str all;
	enum desk_status rc = ctl_read_file(c, path, QUESTIONS_MAX_BYTES, &all);

	if (rc != DESK_OK)
		return rc;
	for (size_t i = 0; i < all.n; i++)
		lines += all.p[i] == '\n';
	out->at = desk_arena_array(c->arena, lines, sizeof(*out->at));
	out->n = 0;
	while (all.n > 0 && rc == DESK_OK) {
		const char *nl = memchr(all.p, '\n', all.n);
		struct desk_str line = { all.p, nl != NULL ? (size_t)(nl - all.p) : all.n };
		size_t used = line.n + (nl != NULL);

		number++;
		if (strspn(line.p, " \t\r\n") < line.n)
			rc = questions_line(c, line, number, &out->at[out->n++]);
		all.p += used;
		all.n -= used;
	}
	return rc;
}

enum desk_status ctl_fusion(struct ctl *c, struct desk_fusion_options *room,
			    const struct desk_fusion_options **out)
{
	const struct desk_tenant_settings *t = &c->cx.tenant->settings;
	const char *name = ctl_option(c, "fusion"), *weight = ctl_option(c, "weight-dense");

	*out = NULL;
	if (name == NULL && weight == NULL)
		return DESK_OK;
	*room = (struct desk_fusion_options){ .kind = t->fusion, .weight_lexical = t->weight_lexical,
					      .weight_dense = t->weight_dense, .rrf_constant = t->rrf_constant };
	if (name != NULL && strcmp(name, "convex") == 0) {
		room->kind = DESK_FUSION_CONVEX;
		room->weight_dense = .6;
		room->weight_lexical = .4;
	} else if (name != NULL && strcmp(name, "rrf") == 0) {
		room->kind = DESK_FUSION_RRF;
	} else if (name != NULL) {
		return desk_fail(&c->cx, DESK_E_INPUT, "--fusion \"%s\" is neither rrf nor convex", name);
	}
	if (weight != NULL) {
		if (!desk_parse_double(weight, &room->weight_dense) || room->weight_dense < 0 || room->weight_dense > 1)
			return desk_fail(&c->cx, DESK_E_INPUT, "--weight-dense \"%s\" is not a number from 0 to 1", weight);
		room->weight_lexical = 1 - room->weight_dense;
	}
	*out = room;
	return DESK_OK;
}

/* Languages first: only what the model speaks is embedded. */
static enum desk_status questions_prepare(struct ctl *c, struct ctl_question *q, size_t n)
{
	struct desk_embedder *e = c->services->embedder;
	size_t dim = desk_embedder_dim(e), m = 0;
	struct desk_str texts[QUESTIONS_BATCH];
	size_t whose[QUESTIONS_BATCH];
	float *v = desk_arena_array(c->arena, n * dim, sizeof(*v));
	enum desk_status rc = DESK_OK;

	for (size_t i = 0; i < n && rc == DESK_OK; i++) {
		rc = desk_language_question(&c->cx, c->services->retrieval, q[i].text, q[i].language);
		if (rc == DESK_OK && desk_embedder_speaks(e, q[i].language)) {
			whose[m] = i;
			texts[m++] = q[i].text;
		}
	}
	if (rc == DESK_OK && m > 0)
		rc = desk_embed_texts(e, texts, m, v, c->cx.deadline, &c->cx.err);
	for (size_t i = 0; i < m; i++)
		q[whose[i]].vector = v + i * dim;
	return rc;
}

static enum desk_status questions_one(struct ctl *c, struct desk_ctx *cx, const struct ctl_question *q,
				      const struct ctl_rank_options *o)
{
	const struct desk_search_query query = {
		.text = q->text, .language = q->language, .vector = q->vector,
		.dim = q->vector != NULL ? desk_embedder_dim(c->services->embedder) : 0,
		.embedder = c->services->embedder, .internal = o->internal, .top_k = o->top_k,
		.depth = QUESTIONS_DEPTH, .fusion = o->fusion,
	};
	struct desk_ranked_documents docs;
	enum desk_status rc = desk_rank_documents(cx, c->services->retrieval, &query, &docs);

	if (rc == DESK_OK)
		return o->each(o->arg, q, &docs);
	c->cx.err = cx->err;
	return rc;
}

enum desk_status ctl_questions_rank(struct ctl *c, struct ctl_questions *qs, const struct ctl_rank_options *o)
{
	struct desk_arena *arena = desk_arena_new();
	enum desk_status rc = DESK_OK;
	struct ctl_progress bar;

	ctl_progress_begin(&bar, "questions");
	for (size_t i = 0; i < qs->n && rc == DESK_OK; i++) {
		struct desk_ctx cx = c->cx;

		if (i % QUESTIONS_BATCH == 0)
			rc = questions_prepare(c, qs->at + i, qs->n - i < QUESTIONS_BATCH ? qs->n - i : QUESTIONS_BATCH);
		cx.arena = arena;
		if (rc == DESK_OK)
			rc = questions_one(c, &cx, &qs->at[i], o);
		desk_arena_reset(arena);
		ctl_progress_show(&bar, (double)(i + 1), (double)qs->n, NULL);
	}
	ctl_progress_end(&bar);
	desk_arena_free(arena);
	return rc;
}
