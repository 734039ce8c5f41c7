/* lib/retrieval/search.c - a search from end to end; a ranking by document. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "retrieval/retrieval_int.h"

#include <stdlib.h>
#include <string.h>

#define SEARCH_TRIES 3	/* a merge between two trips makes a search begin again */
#define SEARCH_NOTE_US 10000000	/* how long a tenant's languages are believed */

struct search {
	struct desk_ctx                *cx;
	struct desk_retrieval          *r;
	const struct desk_search_query *q;
	struct desk_fusion_options      fusion;
	int                             depth, top_k;
	bool                            dense;	/* the list of vectors has a vote */
	struct words                    words;
	struct dense_list               nearest;
	struct fused                   *fused;	/* arena; best first */
	size_t                          n_fused;
	int64_t                         lists_us, rank_us;
	int64_t                         generation;	/* of the index, read before the lists; -1: not known */
	bool                            asked;	/* for the generation */
};

static void search_open(struct search *s)
{
	const struct desk_tenant *t = s->cx->tenant;

	s->fusion = (struct desk_fusion_options){ DESK_FUSION_RRF, 0.3, 0.7, 60 };
	s->top_k = 5;
	if (t != NULL) {
		s->fusion = (struct desk_fusion_options){ t->settings.fusion, t->settings.weight_lexical,
							  t->settings.weight_dense, t->settings.rrf_constant };
		s->top_k = t->settings.top_k;
	}
	if (s->q->fusion != NULL)
		s->fusion = *s->q->fusion;
	if (s->q->top_k > 0)
		s->top_k = s->q->top_k;
	if (s->fusion.kind == DESK_FUSION_CONVEX)
		s->fusion.weight_lexical = 1.0 - s->fusion.weight_dense;
	s->depth = s->q->depth > 0 ? s->q->depth : DESK_SEARCH_DEPTH;
	if (s->depth < s->top_k)
		s->depth = s->top_k;
	if (s->depth > DESK_SEARCH_DEPTH_MAX)
		s->depth = DESK_SEARCH_DEPTH_MAX;
	s->dense = s->q->vector != NULL;
}

/*
 * Read before the lists: should the index change in between, then the result is kept under a name that
 * is never asked for again. A transaction that has written sees what nobody else may: it gets none.
 */
static enum desk_status search_generation_send(struct search *s)
{
	static const char sql[] =
		"SELECT CASE WHEN pg_current_xact_id_if_assigned() IS NULL"
		" THEN (SELECT coalesce(sum(n), 0)::bigint FROM index_changes) END";

	s->asked = true;
	return desk_db_send(s->cx, sql);
}

static enum desk_status search_generation_receive(struct search *s)
{
	struct desk_rows *rows;
	enum desk_status rc = desk_db_next(s->cx, &rows);

	s->generation = rc != DESK_OK || desk_rows_null(rows, 0, 0) ? -1 : desk_rows_int64(rows, 0, 0);
	return rc;
}

/* Both lists, in one trip. */
static enum desk_status search_lists(struct search *s)
{
	enum desk_status rc;
	bool ask = !s->asked;

	s->words = (struct words){ .cx = s->cx, .r = s->r, .question = s->q->text, .language = s->q->language,
				   .internal = s->q->internal };
	words_open(&s->words);
	rc = ask ? search_generation_send(s) : DESK_OK;
	if (rc == DESK_OK)
		rc = words_send(&s->words);
	if (rc == DESK_OK && s->dense)
		rc = dense_send(s->cx, s->q, s->depth);
	if (rc == DESK_OK && ask)
		rc = search_generation_receive(s);
	if (rc == DESK_OK)
		rc = words_receive(&s->words);
	if (rc == DESK_OK && s->dense)
		rc = dense_receive(s->cx, s->q, s->depth, &s->nearest);
	return rc;
}

static enum desk_status search_rank(struct search *s)
{
	struct bm25_top top;
	struct fuse_lists lists = { &top, s->dense ? &s->nearest : NULL };
	enum desk_status rc;

	bm25_top_init(&top, s->cx->arena, (size_t)s->depth);
	rc = words_rank(&s->words, &top);
	if (rc == DESK_OK)
		s->n_fused = fuse(s->cx->arena, &s->fusion, &lists, &s->fused);
	return rc;
}

/* Lists and ranking, again when a merge came between. */
static enum desk_status search_find(struct search *s)
{
	enum desk_status rc = DESK_OK;

	for (int i = 0; i < SEARCH_TRIES; i++) {
		int64_t before = desk_mono_us(s->cx->clock), listed;

		rc = search_lists(s);
		listed = desk_mono_us(s->cx->clock);
		if (rc == DESK_OK)
			rc = search_rank(s);
		s->lists_us = listed - before;
		s->rank_us = desk_mono_us(s->cx->clock) - listed;
		if (rc != DESK_OK || !s->words.stale)
			return rc;
	}
	return desk_fail(s->cx, DESK_E_CONFLICT, "the index was merged under the search %d times", SEARCH_TRIES);
}

/* ---- the winners' rows ---------------------------------------------------------------- */

static struct desk_param search_audiences(const struct search *s)
{
	static const char *const seen[] = { "PUBLIC", "INTERNAL" };

	return desk_p_text_array(s->cx->arena, seen, s->q->internal ? 2 : 1);
}

static void search_hit(struct desk_hit *hit, const struct desk_rows *rows, size_t i)
{
	hit->document = desk_rows_text(rows, i, 1);
	hit->source = desk_rows_text(rows, i, 2);
	hit->title = desk_rows_text(rows, i, 3);
	hit->language = desk_rows_text(rows, i, 4);
	hit->chunk_index = (int)desk_rows_int64(rows, i, 5);
	hit->page = (int)desk_rows_int64(rows, i, 6);
	hit->start = (int)desk_rows_int64(rows, i, 7);
	hit->end = (int)desk_rows_int64(rows, i, 8);
	hit->content = desk_rows_text(rows, i, 9);
	hit->cosine = desk_rows_null(rows, i, 10) ? NAN : 1.0 - desk_rows_double(rows, i, 10);
}

static enum desk_status search_contents_send(struct search *s, const int64_t *ids, size_t n)
{
	static const char sql[] =
		"SELECT c.id, c.document_id, d.source, d.title, c.language, c.chunk_index, c.page, c.start_offset,"
		" c.end_offset, c.content, c.embedding <=> $3::public.halfvec FROM chunks c"
		" JOIN documents d ON d.id = c.document_id WHERE c.id = ANY($1) AND c.audience = ANY($2)";

	return desk_db_send(s->cx, sql, desk_p_int64_array(s->cx->arena, ids, n), search_audiences(s),
			    s->dense ? desk_p_halfvec(s->cx->arena, s->q->vector, s->q->dim) : desk_p_null());
}

/* Fills in the hits' rows. Chunks that went between the two trips are left out; the others move up. */
static enum desk_status search_contents_receive(struct search *s, struct desk_search_result *out)
{
	struct desk_rows *rows;
	enum desk_status rc = desk_db_next(s->cx, &rows);
	size_t n = out->n, k;

	if (rc != DESK_OK)
		return rc;
	out->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct desk_hit hit = out->hits[i];

		for (k = 0; k < desk_rows_count(rows) && desk_rows_int64(rows, k, 0) != hit.chunk; k++)
			;
		if (k == desk_rows_count(rows))
			continue;
		search_hit(&hit, rows, k);
		out->hits[out->n++] = hit;
	}
	return DESK_OK;
}

static enum desk_status search_contents(struct search *s, struct desk_search_result *out)
{
	int64_t *ids = desk_arena_array(s->cx->arena, out->n + 1, sizeof(*ids));
	enum desk_status rc;

	for (size_t i = 0; i < out->n; i++)
		ids[i] = out->hits[i].chunk;
	if (out->n == 0)
		return DESK_OK;
	rc = search_contents_send(s, ids, out->n);
	return rc == DESK_OK ? search_contents_receive(s, out) : rc;
}

/* The winners, without their rows. */
static void search_winners(const struct search *s, struct desk_search_result *out)
{
	size_t n = s->n_fused < (size_t)s->top_k ? s->n_fused : (size_t)s->top_k;

	out->hits = desk_arena_array(s->cx->arena, n + 1, sizeof(*out->hits));
	for (out->n = 0; out->n < n; out->n++) {
		const struct fused *f = &s->fused[out->n];

		out->hits[out->n] = (struct desk_hit){ .chunk = f->chunk, .score = f->score,
						       .lexical_rank = f->lexical_rank,
						       .dense_rank = f->dense_rank };
	}
}

/* ---- what the answer's confidence is made of ------------------------------------------- */

static void search_terms(const struct search *s, struct desk_search_result *out)
{
	const struct words *w = &s->words;
	size_t missing = 0;

	out->n_terms = w->n;
	out->terms = desk_arena_array(s->cx->arena, w->n + 1, sizeof(*out->terms));
	for (size_t i = 0; i < w->n; i++) {
		out->terms[i] = (struct desk_query_term){ w->at[i].text, w->at[i].count, w->at[i].df, w->at[i].idf };
		missing += w->at[i].df == 0;
	}
	out->unknown = w->n > 0 ? (double)missing / (double)w->n : 0;
}

static double search_covered(const struct desk_search_result *out, const uint64_t *matched)
{
	double all = 0, has = 0;

	for (size_t i = 0; i < out->n_terms; i++) {
		all += out->terms[i].idf;
		if ((matched[i / 64] >> i % 64 & 1) != 0)
			has += out->terms[i].idf;
	}
	return all > 0 ? has / all : 0;
}

static void search_coverage(struct desk_search_result *out)
{
	uint64_t together[DESK_QUERY_TERMS_MAX / 64] = { 0 };

	for (size_t i = 0; i < out->n; i++) {
		out->hits[i].coverage = search_covered(out, out->hits[i].matched);
		for (size_t k = 0; k < DESK_ARRAY_LEN(together); k++)
			together[k] |= out->hits[i].matched[k];
	}
	out->coverage = search_covered(out, together);
}

/* ---- doors ------------------------------------------------------------------------------ */

static enum desk_status search_anew(struct search *s, const struct recall_key *key, struct desk_search_result *out)
{
	enum desk_status rc = search_find(s);
	int64_t before = desk_mono_us(s->cx->clock);
	size_t winners = 0;

	*out = (struct desk_search_result){ .top_cosine = NAN };
	if (rc == DESK_OK) {
		search_winners(s, out);
		winners = out->n;
		rc = search_contents(s, out);
	}
	if (rc == DESK_OK)
		rc = words_explain(&s->words, out->hits, out->n);
	if (rc != DESK_OK)
		return rc;
	search_terms(s, out);
	search_coverage(out);
	out->chunks = s->words.chunks;
	out->dense = s->dense;
	out->top_cosine = s->dense && s->nearest.n > 0 ? s->nearest.at[0].cosine : NAN;
	out->lists_us = s->lists_us;
	out->rank_us = s->rank_us;
	out->contents_us = desk_mono_us(s->cx->clock) - before;
	if (s->generation >= 0 && !s->words.stale && out->n == winners)
		recall_put(s->r, key, s->generation, out);
	return DESK_OK;
}

/* The winners of an earlier search and the index's state in one trip. *same: they are still right. */
static enum desk_status search_again(struct search *s, int64_t generation, struct desk_search_result *out, bool *same)
{
	int64_t *ids = desk_arena_array(s->cx->arena, out->n + 1, sizeof(*ids));
	int64_t before = desk_mono_us(s->cx->clock);
	enum desk_status rc = search_generation_send(s);

	for (size_t i = 0; i < out->n; i++)
		ids[i] = out->hits[i].chunk;
	if (rc == DESK_OK)
		rc = search_contents_send(s, ids, out->n);
	if (rc == DESK_OK)
		rc = search_generation_receive(s);
	if (rc == DESK_OK)
		rc = search_contents_receive(s, out);
	*same = s->generation == generation;
	out->contents_us = desk_mono_us(s->cx->clock) - before;
	return rc;
}

static enum desk_status search_run(struct search *s, struct desk_search_result *out)
{
	struct recall_key key;
	int64_t generation;
	bool same = false;
	enum desk_status rc = DESK_OK;

	search_open(s);
	s->generation = -1;
	recall_key_make(&key, &(struct recall_search){ s->cx->tenant_id, s->q, &s->fusion, s->top_k, s->depth });
	if (recall_get(s->r, s->cx->arena, &key, &generation, out))
		rc = search_again(s, generation, out, &same);
	return rc == DESK_OK && !same ? search_anew(s, &key, out) : rc;
}

/* Begin where nothing is open, and end what was begun here. */
static enum desk_status search_begin(struct desk_ctx *cx, bool *own)
{
	*own = cx->tx == NULL;
	return *own ? desk_tenant_begin(cx) : DESK_OK;
}

static enum desk_status search_end(struct desk_ctx *cx, bool own, enum desk_status rc)
{
	if (!own)
		return rc;
	if (rc == DESK_OK)
		return desk_db_commit(cx);
	desk_db_rollback(cx);
	return rc;
}

enum desk_status desk_search(struct desk_ctx *cx, struct desk_retrieval *r, const struct desk_search_query *query,
			     struct desk_search_result *out)
{
	struct search s = { .cx = cx, .r = r, .q = query };
	bool own;
	enum desk_status rc = search_begin(cx, &own);

	*out = (struct desk_search_result){ .top_cosine = NAN };
	if (rc == DESK_OK)
		rc = search_end(cx, own, search_run(&s, out));
	return rc;
}

static enum desk_status search_documents(struct search *s, struct desk_ranked_documents *out)
{
	static const char sql[] =
		"SELECT c.id, d.id, d.source FROM chunks c JOIN documents d ON d.id = c.document_id"
		" WHERE c.id = ANY($1) AND c.audience = ANY($2) ORDER BY array_position($1, c.id)";
	int64_t *ids = desk_arena_array(s->cx->arena, s->n_fused + 1, sizeof(*ids));
	struct desk_rows *rows;
	enum desk_status rc;

	for (size_t i = 0; i < s->n_fused; i++)
		ids[i] = s->fused[i].chunk;
	rc = desk_db_query(s->cx, &rows, sql, desk_p_int64_array(s->cx->arena, ids, s->n_fused), search_audiences(s));
	if (rc != DESK_OK)
		return rc;
	out->at = desk_arena_array(s->cx->arena, (size_t)s->top_k + 1, sizeof(*out->at));
	for (size_t i = 0, k = 0; i < desk_rows_count(rows) && out->n < (size_t)s->top_k; i++) {
		const char *id = desk_rows_text(rows, i, 1);
		size_t seen = 0;

		while (s->fused[k].chunk != desk_rows_int64(rows, i, 0))
			k++;
		while (seen < out->n && strcmp(out->at[seen].id, id) != 0)
			seen++;
		if (seen == out->n)
			out->at[out->n++] = (struct desk_ranked_document){ id, desk_rows_text(rows, i, 2),
									   s->fused[k].score };
	}
	return DESK_OK;
}

enum desk_status desk_rank_documents(struct desk_ctx *cx, struct desk_retrieval *r,
				     const struct desk_search_query *query, struct desk_ranked_documents *out)
{
	struct search s = { .cx = cx, .r = r, .q = query };
	bool own;
	enum desk_status rc = search_begin(cx, &own);

	*out = (struct desk_ranked_documents){ .n = 0 };
	if (rc != DESK_OK)
		return rc;
	search_open(&s);
	rc = search_find(&s);
	if (rc == DESK_OK && s.n_fused > 0)
		rc = search_documents(&s, out);
	return search_end(cx, own, rc);
}

/* ---- a question's language ---------------------------------------------------------------- */

static enum desk_status search_languages(struct desk_ctx *cx, struct desk_retrieval *r,
					 struct language_list *out)
{
	static const char sql[] = "SELECT language FROM segments GROUP BY language ORDER BY sum(chunk_count) DESC";
	struct tenant_note note;
	struct desk_rows *rows;
	int64_t now = desk_mono_us(cx->clock);
	enum desk_status rc;

	if (cx->tenant_id != NULL && tenant_note_get(r, cx->tenant_id, &note) && now - note.at_us < SEARCH_NOTE_US) {
		*out = note.languages;
		return DESK_OK;
	}
	rc = desk_tenant_begin(cx);
	if (rc != DESK_OK)
		return rc;
	rc = desk_db_query(cx, &rows, sql);
	for (size_t i = 0; rc == DESK_OK && i < desk_rows_count(rows); i++)
		language_list_add(out, desk_rows_text(rows, i, 0));
	if (rc == DESK_OK && cx->tenant_id != NULL)
		tenant_note_put(r, cx->tenant_id, out, now);
	return search_end(cx, true, rc);
}

enum desk_status desk_language_question(struct desk_ctx *cx, struct desk_retrieval *r, struct desk_str text,
					char out[DESK_LANGUAGE_LEN + 1])
{
	struct language_list among = { .n = 0 };
	enum desk_status rc = DESK_OK;

	out[0] = '\0';
	for (size_t i = 0; cx->tenant != NULL && i < DESK_ARRAY_LEN(cx->tenant->settings.languages) &&
			   cx->tenant->settings.languages[i] != NULL; i++)
		language_list_add(&among, cx->tenant->settings.languages[i]);
	if (among.n == 0)
		rc = search_languages(cx, r, &among);
	if (rc == DESK_OK)
		detect_question(r, text, &among, out);
	return rc;
}
