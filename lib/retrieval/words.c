/* lib/retrieval/words.c - a question's words in the languages of the index, and their postings. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each segment is asked in its own language: a question's word has a form (a stem, or none where it is
 * a stop word) for each language of the index, but one df, and so one idf, over all of them. Segments
 * and postings come from one statement, so from one snapshot: a merge never shows half.
 */
#include "retrieval/retrieval_int.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_NO_LANGUAGE LANGUAGES_AMONG_MAX	/* place of the forms without stems */

/* ---- the question -------------------------------------------------------------- */

static struct word *words_find(struct words *w, struct desk_str text)
{
	for (size_t i = 0; i < w->n; i++) {
		if (desk_str_is(text, w->at[i].text))
			return &w->at[i];
	}
	return NULL;
}

/* The distinct words that are no stop words of the question's language. */
static void words_read(struct words *w, struct analyzer *a)
{
	int language = retrieval_language_find(w->language);

	w->at = desk_arena_array(w->cx->arena, DESK_QUERY_TERMS_MAX, sizeof(*w->at));
	segment_text(&a->seg, w->question);
	for (size_t i = 0; i < a->seg.n && w->n < DESK_QUERY_TERMS_MAX; i++) {
		const struct token *t = &a->seg.at[i];
		struct desk_str text = { a->seg.bytes + t->at, t->n };
		struct word *known = words_find(w, text);

		if (known != NULL)
			known->count++;
		else if (analyzer_term(a, language, t).n > 0)
			w->at[w->n++] = (struct word){ .text = desk_arena_strndup(w->cx->arena, text.p, text.n),
						       .count = 1 };
	}
}

/* The words' forms in a language. The analyzer holds the question's tokens. */
static void words_forms(struct words *w, struct analyzer *a, size_t place, const char *code)
{
	const char **forms = desk_arena_array(w->cx->arena, w->n + 1, sizeof(*forms));
	int language = retrieval_language_find(code);

	for (size_t i = 0; i < a->seg.n; i++) {
		struct desk_str text = { a->seg.bytes + a->seg.at[i].at, a->seg.at[i].n }, term;
		struct word *word = words_find(w, text);

		if (word == NULL || forms[word - w->at] != NULL)
			continue;
		term = analyzer_term(a, language, &a->seg.at[i]);
		if (term.n > 0)
			forms[word - w->at] = desk_arena_strndup(w->cx->arena, term.p, term.n);
	}
	w->forms[place] = forms;
}

void words_open(struct words *w)
{
	struct analyzer *a = analyzer_take(w->r);
	const struct desk_tenant *tenant = w->cx->tenant;
	struct tenant_note note;

	words_read(w, a);
	if (w->cx->tenant_id != NULL && tenant_note_get(w->r, w->cx->tenant_id, &note))
		w->languages = note.languages;
	language_list_add(&w->languages, w->language);
	for (size_t i = 0; tenant != NULL && i < DESK_ARRAY_LEN(tenant->settings.languages) &&
			   tenant->settings.languages[i] != NULL; i++)
		language_list_add(&w->languages, tenant->settings.languages[i]);
	for (size_t i = 0; i < w->languages.n; i++)
		words_forms(w, a, i, w->languages.at[i]);
	words_forms(w, a, WORDS_NO_LANGUAGE, "");
	analyzer_give(w->r, a);
}

/* ---- the statements --------------------------------------------------------------- */

static int words_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The distinct forms in all languages, to ask for. */
static struct desk_param words_terms(const struct words *w)
{
	const char **all = desk_arena_array(w->cx->arena, (w->languages.n + 1) * w->n + 1, sizeof(*all));
	size_t n = 0, out = 0;

	for (size_t k = 0; k <= w->languages.n; k++) {
		const char **forms = w->forms[k < w->languages.n ? k : WORDS_NO_LANGUAGE];

		for (size_t i = 0; i < w->n; i++) {
			if (forms[i] != NULL)
				all[n++] = forms[i];
		}
	}
	qsort(all, n, sizeof(*all), words_compare);
	for (size_t i = 0; i < n; i++) {
		if (out == 0 || strcmp(all[out - 1], all[i]) != 0)
			all[out++] = all[i];
	}
	return desk_p_text_array(w->cx->arena, all, out);
}

static struct desk_param words_audiences(const struct words *w)
{
	static const char *const seen[] = { "PUBLIC", "INTERNAL" };

	return desk_p_text_array(w->cx->arena, seen, w->internal ? 2 : 1);
}

enum desk_status words_send(struct words *w)
{
	static const char sql[] =
		"SELECT id, first_chunk, last_chunk, chunk_count, total_length, language, deleted, NULL::text,"
		" NULL::bytea FROM segments WHERE audience = ANY($2)"
		" UNION ALL"
		" SELECT segment_id, NULL, NULL, NULL, NULL, NULL, NULL, term, data FROM postings"
		" WHERE term = ANY($1) AND segment_id IN (SELECT id FROM"
		" (SELECT id, sum(chunk_count) OVER (ORDER BY id) AS upto FROM segments WHERE audience = ANY($2)) s"
		" WHERE upto <= $3)";

	return desk_db_send(w->cx, sql, words_terms(w), words_audiences(w), desk_p_int64(w->r->batch_chunks));
}

/* ---- the answer --------------------------------------------------------------------- */

static int words_compare_deleted(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void words_deleted(struct desk_arena *a, struct desk_str packed, struct word_segment *s)
{
	uint32_t *deleted;

	s->n_deleted = packed.n / sizeof(*deleted);
	if (s->n_deleted == 0)
		return;
	deleted = desk_arena_array(a, s->n_deleted, sizeof(*deleted));
	memcpy(deleted, packed.p, s->n_deleted * sizeof(*deleted));
	qsort(deleted, s->n_deleted, sizeof(*deleted), words_compare_deleted);
	s->deleted = deleted;
}

/* Where the language's forms are; -1 while there are none. */
static int words_place(const struct words *w, const char *code)
{
	if (code[0] == '\0')
		return WORDS_NO_LANGUAGE;
	for (size_t i = 0; i < w->languages.n; i++) {
		if (strcmp(w->languages.at[i], code) == 0)
			return w->forms[i] != NULL ? (int)i : -1;
	}
	return w->languages.n == LANGUAGES_AMONG_MAX ? WORDS_NO_LANGUAGE : -1;
}

/* Its forms come later, and its postings with them. */
static int words_new_language(struct words *w, const char *code)
{
	size_t i = 0;

	language_list_add(&w->languages, code);
	while (strcmp(w->languages.at[i], code) != 0)
		i++;
	return (int)i;
}

static int words_compare_segments(const void *a, const void *b)
{
	const struct word_segment *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct word_segment *words_segment(const struct words *w, int64_t id)
{
	struct word_segment key = { .id = id };

	return bsearch(&key, w->segments, w->n_segments, sizeof(key), words_compare_segments);
}

/* The segments of the answer; upto is how far the statement went with their postings. */
static void words_take_segments(struct words *w, const struct desk_rows *rows)
{
	size_t n = desk_rows_count(rows);
	int64_t upto = 0;

	w->segments = desk_arena_array(w->cx->arena, n + 1, sizeof(*w->segments));
	for (size_t i = 0; i < n; i++) {
		struct word_segment *s = &w->segments[w->n_segments];
		const char *code;

		if (!desk_rows_null(rows, i, 7))
			continue;
		code = desk_rows_text(rows, i, 5);
		*s = (struct word_segment){ .id = desk_rows_int64(rows, i, 0), .first = desk_rows_int64(rows, i, 1),
					    .last = desk_rows_int64(rows, i, 2), .chunks = desk_rows_int64(rows, i, 3),
					    .total_length = desk_rows_int64(rows, i, 4),
					    .language = words_place(w, code) };
		if (s->language < 0)
			s->language = words_new_language(w, code);
		words_deleted(w->cx->arena, desk_rows_bytea(rows, i, 6), s);
		w->chunks += s->chunks;
		w->total_length += s->total_length;
		w->n_segments++;
	}
	qsort(w->segments, w->n_segments, sizeof(*w->segments), words_compare_segments);
	for (size_t i = 0; i < w->n_segments; i++) {
		upto += w->segments[i].chunks;
		w->segments[i].loaded = upto <= w->r->batch_chunks && w->forms[w->segments[i].language] != NULL;
	}
}

static void words_add_list(struct words *w, struct bm25_list list)
{
	if (w->n_lists == w->cap_lists) {
		struct bm25_list *more;

		w->cap_lists = w->cap_lists * 2 + 64;
		more = desk_arena_array(w->cx->arena, w->cap_lists, sizeof(*more));
		if (w->n_lists > 0)
			memcpy(more, w->lists, w->n_lists * sizeof(*more));
		w->lists = more;
	}
	w->lists[w->n_lists++] = list;
}

/* A row's postings, for each word that has this form in the segment's language. */
static void words_take_postings(struct words *w, const struct word_segment *s, const char *term,
				struct desk_str data)
{
	const char **forms = w->forms[s->language];
	struct bm25_list list = { (const struct posting *)data.p, data.n / sizeof(struct posting), 0 };
	bool live = false;

	for (size_t i = 0; forms != NULL && i < w->n; i++) {
		if (forms[i] == NULL || strcmp(forms[i], term) != 0)
			continue;
		if (!live)
			list.n = bm25_live(w->cx->arena, &list.at, list.n, s->deleted, s->n_deleted);
		live = true;
		list.word = (unsigned)i;
		if (list.n > 0)
			words_add_list(w, list);
	}
}

/* The languages of the index, the one with the most chunks first. */
static void words_note(struct words *w)
{
	int64_t chunks[LANGUAGES_AMONG_MAX + 1] = { 0 };
	struct language_list list = { .n = 0 };

	for (size_t i = 0; i < w->n_segments; i++)
		chunks[w->segments[i].language] += w->segments[i].chunks;
	for (;;) {
		size_t best = 0;

		for (size_t i = 1; i < w->languages.n; i++) {
			if (chunks[i] > chunks[best])
				best = i;
		}
		if (w->languages.n == 0 || chunks[best] == 0)
			break;
		language_list_add(&list, w->languages.at[best]);
		chunks[best] = 0;
	}
	if (w->cx->tenant_id != NULL)
		tenant_note_put(w->r, w->cx->tenant_id, &list, desk_mono_us(w->cx->clock));
}

enum desk_status words_receive(struct words *w)
{
	struct desk_rows *rows;
	enum desk_status rc = desk_db_next(w->cx, &rows);
	struct analyzer *a;

	if (rc != DESK_OK)
		return rc;
	words_take_segments(w, rows);
	for (size_t i = 0; i < desk_rows_count(rows); i++) {
		const struct word_segment *s;

		if (desk_rows_null(rows, i, 7))
			continue;
		s = words_segment(w, desk_rows_int64(rows, i, 0));
		if (s != NULL && s->loaded)
			words_take_postings(w, s, desk_rows_text(rows, i, 7), desk_rows_bytea(rows, i, 8));
	}
	a = analyzer_take(w->r);
	segment_text(&a->seg, w->question);
	for (size_t i = 0; i < w->languages.n; i++) {
		if (w->forms[i] == NULL)
			words_forms(w, a, i, w->languages.at[i]);
	}
	analyzer_give(w->r, a);
	words_note(w);
	return DESK_OK;
}

/* ---- batches ------------------------------------------------------------------------ */

/* Load these segments' postings into w->lists. *stale: one has gone since, by a merge. */
static enum desk_status words_fetch(struct words *w, const int64_t *ids, size_t n, bool *stale)
{
	static const char sql[] =
		"SELECT id, NULL::text, NULL::bytea FROM segments WHERE id = ANY($2)"
		" UNION ALL SELECT segment_id, term, data FROM postings WHERE term = ANY($1) AND segment_id = ANY($2)";
	struct desk_rows *rows;
	size_t found = 0;
	enum desk_status rc = desk_db_query(w->cx, &rows, sql, words_terms(w),
					    desk_p_int64_array(w->cx->arena, ids, n));

	for (size_t i = 0; rc == DESK_OK && i < desk_rows_count(rows); i++) {
		if (desk_rows_null(rows, i, 1))
			found++;
		else
			words_take_postings(w, words_segment(w, desk_rows_int64(rows, i, 0)),
					    desk_rows_text(rows, i, 1), desk_rows_bytea(rows, i, 2));
	}
	*stale |= rc == DESK_OK && found < n;
	return rc;
}

typedef void words_batch_fn(struct words *w, void *arg);

/* Segments that may have one of the chunks that are asked about; all, where none is. */
static bool words_concerns(const struct word_segment *s, const struct desk_hit *hits, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (hits[i].chunk >= s->first && hits[i].chunk <= s->last)
			return true;
	}
	return n == 0;
}

/* Call fn with the lists of what was loaded at once, then batch by batch with the others. */
static enum desk_status words_batches(struct words *w, const struct desk_hit *hits, size_t n_hits,
				      words_batch_fn *fn, void *arg)
{
	struct desk_arena *kept = w->cx->arena;
	struct bm25_list *lists = w->lists;
	size_t n_lists = w->n_lists, cap = w->cap_lists;
	enum desk_status rc = DESK_OK;

	fn(w, arg);
	for (size_t i = 0; rc == DESK_OK && i < w->n_segments;) {
		struct desk_arena *batch;
		int64_t *ids, chunks = 0;
		size_t n = 0;

		for (; i < w->n_segments && (w->segments[i].loaded || !words_concerns(&w->segments[i], hits, n_hits)); i++)
			;
		if (i == w->n_segments)
			break;
		batch = desk_arena_new();
		ids = desk_arena_array(batch, w->n_segments, sizeof(*ids));
		for (; i < w->n_segments && (n == 0 || chunks + w->segments[i].chunks <= w->r->batch_chunks); i++) {
			if (w->segments[i].loaded || !words_concerns(&w->segments[i], hits, n_hits))
				continue;
			chunks += w->segments[i].chunks;
			ids[n++] = w->segments[i].id;
		}
		w->cx->arena = batch;
		w->lists = NULL;
		w->n_lists = w->cap_lists = 0;
		rc = words_fetch(w, ids, n, &w->stale);
		if (rc == DESK_OK)
			fn(w, arg);
		w->cx->arena = kept;
		desk_arena_free(batch);
	}
	w->lists = lists;
	w->n_lists = n_lists;
	w->cap_lists = cap;
	return rc;
}

/* ---- what is asked of them -------------------------------------------------------------- */

static void words_count(struct words *w, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < w->n_lists; i++)
		w->at[w->lists[i].word].df += (int64_t)w->lists[i].n;
}

struct words_ranking {
	struct bm25_weights weights;
	double              idf[DESK_QUERY_TERMS_MAX];
	struct bm25_top    *top;
};

static void words_rank_batch(struct words *w, void *arg)
{
	struct words_ranking *r = arg;

	bm25_rank(&r->weights, w->lists, w->n_lists, r->top);
}

static void words_weigh(struct words *w, struct words_ranking *r)
{
	r->weights = (struct bm25_weights){ r->idf, w->chunks > 0 ? (double)w->total_length / (double)w->chunks : 1.0 };
	for (size_t i = 0; i < w->n; i++)
		r->idf[i] = w->at[i].idf * w->at[i].count;
}

enum desk_status words_rank(struct words *w, struct bm25_top *top)
{
	struct words_ranking r = { .top = top };
	enum desk_status rc = words_batches(w, NULL, 0, words_count, NULL);

	if (rc != DESK_OK)
		return rc;
	for (size_t i = 0; i < w->n; i++)
		w->at[i].idf = bm25_idf(w->chunks, w->at[i].df);
	words_weigh(w, &r);
	rc = words_batches(w, NULL, 0, words_rank_batch, &r);
	bm25_top_sort(top);
	return rc;
}

struct words_explanation {
	struct words_ranking r;
	struct desk_hit     *hits;
	size_t               n;
};

static void words_explain_batch(struct words *w, void *arg)
{
	struct words_explanation *e = arg;

	for (size_t k = 0; k < w->n_lists; k++) {
		const struct bm25_list *l = &w->lists[k];

		for (size_t i = 0; i < e->n; i++) {
			struct desk_hit *hit = &e->hits[i];
			const struct posting *p = bm25_find(l, (uint32_t)hit->chunk);

			if (p == NULL)
				continue;
			hit->matched[l->word / 64] |= UINT64_C(1) << l->word % 64;
			hit->lexical += bm25_score(&e->r.weights, l->word, p);
		}
	}
}

enum desk_status words_explain(struct words *w, struct desk_hit *hits, size_t n)
{
	struct words_explanation e = { .hits = hits, .n = n };

	if (n == 0)
		return DESK_OK;
	words_weigh(w, &e.r);
	return words_batches(w, hits, n, words_explain_batch, &e);
}
