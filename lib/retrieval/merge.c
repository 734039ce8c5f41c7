/* lib/retrieval/merge.c - small segments to larger ones, in the background. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Segments of one audience and language are kept in tiers by size, each four times the one below; when
 * a tier has four, they become one of a higher tier. So a chunk is written again a few times only, and a
 * tier never has many. A segment that lost a quarter of its chunks is written anew by itself.
 */
#include "retrieval/retrieval_int.h"

#include <stdlib.h>
#include <string.h>

#define MERGE_FAN 4	/* segments of a tier that make a merge */
#define MERGE_WIDTH 64	/* segments a step takes at most */
#define MERGE_CHUNKS 262144	/* chunks of a segment at most: what a step may have to write */
#define MERGE_FIRST_TIER 64	/* chunks */
#define MERGE_AT_ONCE 16384	/* chunks whose postings are read in one go */
#define MERGE_TERMS "5000"	/* terms read at once beyond that */

struct merge_segment {
	int64_t     id, chunks, dead, first, last, length;
	const char *audience, *language;
	unsigned    tier;
};
/* What a step merges: some segments of one audience and language, and what they have lost. */
struct merge_plan {
	const char *audience, *language;
	int64_t     ids[MERGE_WIDTH], chunks, first, last, length;
	size_t      n;
	uint32_t   *deleted;	/* arena; ascending */
	size_t      n_deleted;
	int64_t     into;	/* the new segment */
};

/* ---- choosing ------------------------------------------------------------------ */

static unsigned merge_tier(int64_t chunks)
{
	unsigned tier = 0;

	for (int64_t size = MERGE_FIRST_TIER; chunks >= size; size *= 4)
		tier++;
	return tier;
}

static void merge_plan_add(struct merge_plan *p, const struct merge_segment *s)
{
	if (p->n == 0 || s->first < p->first)
		p->first = s->first;
	if (p->n == 0 || s->last > p->last)
		p->last = s->last;
	p->audience = s->audience;
	p->language = s->language;
	p->chunks += s->chunks;
	p->length += s->length;
	p->ids[p->n++] = s->id;
}

/* From the first of a group on: its segments of one tier, if they are enough. */
static bool merge_plan_tier(struct merge_plan *p, const struct merge_segment *at, size_t n, unsigned tier)
{
	*p = (struct merge_plan){ .n = 0 };
	for (size_t i = 0; i < n && p->n < MERGE_WIDTH; i++) {
		if (at[i].tier == tier && p->chunks + at[i].chunks <= MERGE_CHUNKS)
			merge_plan_add(p, &at[i]);
	}
	return p->n >= MERGE_FAN;
}

static bool merge_plan_worn(struct merge_plan *p, const struct merge_segment *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (at[i].dead * 4 > at[i].chunks) {
			*p = (struct merge_plan){ .n = 0 };
			merge_plan_add(p, &at[i]);
			return true;
		}
	}
	return false;
}

static size_t merge_group(const struct merge_segment *at, size_t n)
{
	size_t i = 1;

	while (i < n && strcmp(at[i].audience, at[0].audience) == 0 && strcmp(at[i].language, at[0].language) == 0)
		i++;
	return i;
}

static bool merge_choose(struct merge_plan *p, const struct merge_segment *at, size_t n)
{
	for (size_t i = 0, count; i < n; i += count) {
		count = merge_group(at + i, n - i);
		for (unsigned tier = 0; tier <= merge_tier(MERGE_CHUNKS / 2); tier++) {
			if (merge_plan_tier(p, at + i, count, tier))
				return true;
		}
		if (merge_plan_worn(p, at + i, count))
			return true;
	}
	return false;
}

static enum desk_status merge_plan(struct desk_ctx *cx, struct merge_plan *p)
{
	static const char sql[] =
		"SELECT id, chunk_count, octet_length(deleted) / 4, first_chunk, last_chunk, total_length, audience,"
		" language FROM segments ORDER BY audience, language, first_chunk, id";
	struct merge_segment *at;
	struct desk_rows *rows;
	size_t n;
	enum desk_status rc = desk_db_query(cx, &rows, sql);

	*p = (struct merge_plan){ .n = 0 };
	if (rc != DESK_OK)
		return rc;
	n = desk_rows_count(rows);
	at = desk_arena_array(cx->arena, n + 1, sizeof(*at));
	for (size_t i = 0; i < n; i++) {
		at[i] = (struct merge_segment){
			.id = desk_rows_int64(rows, i, 0), .chunks = desk_rows_int64(rows, i, 1),
			.dead = desk_rows_int64(rows, i, 2), .first = desk_rows_int64(rows, i, 3),
			.last = desk_rows_int64(rows, i, 4), .length = desk_rows_int64(rows, i, 5),
			.audience = desk_rows_text(rows, i, 6), .language = desk_rows_text(rows, i, 7),
		};
		at[i].tier = merge_tier(at[i].chunks);
	}
	if (!merge_choose(p, at, n))
		p->n = 0;
	return DESK_OK;
}

/* ---- writing -------------------------------------------------------------------- */

static int merge_compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int merge_compare_postings(const void *a, const void *b)
{
	const struct posting *x = a, *y = b;

	return (x->chunk > y->chunk) - (x->chunk < y->chunk);
}

static enum desk_status merge_open(struct desk_ctx *cx, struct merge_plan *p)
{
	static const char dead[] = "SELECT string_agg(deleted, '') FROM segments WHERE id = ANY($1)";
	static const char insert[] =
		"INSERT INTO segments (tenant_id, audience, language, first_chunk, last_chunk, chunk_count, total_length)"
		" VALUES ((SELECT public.get_current_tenant_id()), $1, $2, $3, $4, $5, $6) RETURNING id";
	struct desk_str packed;
	struct desk_rows *rows;
	enum desk_status rc = desk_db_query(cx, &rows, dead, desk_p_int64_array(cx->arena, p->ids, p->n));

	if (rc != DESK_OK)
		return rc;
	packed = desk_rows_bytea(rows, 0, 0);
	p->n_deleted = packed.n / sizeof(*p->deleted);
	p->deleted = desk_arena_array(cx->arena, p->n_deleted + 1, sizeof(*p->deleted));
	memcpy(p->deleted, packed.p, p->n_deleted * sizeof(*p->deleted));
	qsort(p->deleted, p->n_deleted, sizeof(*p->deleted), merge_compare_u32);
	rc = desk_db_query(cx, &rows, insert, desk_p_text(p->audience), desk_p_text(p->language),
			   desk_p_int64(p->first), desk_p_int64(p->last), desk_p_int32((int32_t)p->chunks),
			   desk_p_int64(p->length));
	if (rc == DESK_OK)
		p->into = desk_rows_int64(rows, 0, 0);
	return rc;
}

/* Several segments' postings behind one another: by chunk, and without the dead. */
static struct desk_str merge_clean(struct desk_arena *a, const struct merge_plan *p, struct desk_str data)
{
	const struct posting *at = (const struct posting *)data.p;
	size_t n = data.n / sizeof(*at);

	for (size_t i = 1; i < n; i++) {
		struct posting *sorted;

		if (at[i - 1].chunk < at[i].chunk)
			continue;
		sorted = desk_arena_array(a, n, sizeof(*sorted));
		memcpy(sorted, at, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), merge_compare_postings);
		at = sorted;
		break;
	}
	n = bm25_live(a, &at, n, p->deleted, p->n_deleted);
	return (struct desk_str){ (const char *)at, n * sizeof(*at) };
}

static enum desk_status merge_write(struct desk_ctx *cx, const struct merge_plan *p, const struct desk_rows *rows,
				    const char **last)
{
	static const char insert[] =
		"INSERT INTO postings (term, segment_id, tenant_id, data)"
		" SELECT u.term, $1, (SELECT public.get_current_tenant_id()), u.data"
		" FROM unnest($2::text[], $3::bytea[]) AS u (term, data)";
	size_t n = desk_rows_count(rows), out = 0;
	const char **terms = desk_arena_array(cx->arena, n + 1, sizeof(*terms));
	struct desk_str *data = desk_arena_array(cx->arena, n + 1, sizeof(*data));

	for (size_t i = 0; i < n; i++) {
		*last = desk_rows_text(rows, i, 0);
		terms[out] = *last;
		data[out] = merge_clean(cx->arena, p, desk_rows_bytea(rows, i, 1));
		if (**last == '\0' && data[out].n != (size_t)p->chunks * sizeof(struct posting))
			return desk_fail(cx, DESK_E_BUG, "segments say %lld chunks and have %zu",
					 (long long)p->chunks, data[out].n / sizeof(struct posting));
		if (data[out].n > 0)
			out++;
	}
	return out == 0 ? DESK_OK : desk_db_exec(cx, insert, desk_p_int64(p->into),
						 desk_p_text_array(cx->arena, terms, out),
						 desk_p_bytea_array(cx->arena, data, out));
}

/* The next terms behind `after`; NULL: from the beginning, and all at once where they are few. */
static enum desk_status merge_read(struct desk_ctx *cx, const struct merge_plan *p, const char *after,
				   struct desk_rows **rows)
{
	static const char all[] =
		"SELECT p.term, string_agg(p.data, '' ORDER BY s.first_chunk) FROM postings p"
		" JOIN segments s ON s.id = p.segment_id WHERE p.segment_id = ANY($1) GROUP BY p.term";
	static const char some[] =
		"SELECT p.term, string_agg(p.data, '' ORDER BY s.first_chunk) FROM postings p"
		" JOIN segments s ON s.id = p.segment_id WHERE p.segment_id = ANY($1) AND p.term > $2"
		" GROUP BY p.term ORDER BY p.term LIMIT " MERGE_TERMS;
	static const char first[] =
		"SELECT p.term, string_agg(p.data, '' ORDER BY s.first_chunk) FROM postings p"
		" JOIN segments s ON s.id = p.segment_id WHERE p.segment_id = ANY($1) AND p.term = ''"
		" GROUP BY p.term";
	struct desk_param ids = desk_p_int64_array(cx->arena, p->ids, p->n);

	if (p->chunks <= MERGE_AT_ONCE)
		return desk_db_query(cx, rows, all, ids);
	if (after == NULL)
		return desk_db_query(cx, rows, first, ids);
	return desk_db_query(cx, rows, some, ids, desk_p_text(after));
}

/* Read, clean and write a few thousand terms at a time, each in memory of its own. */
static enum desk_status merge_copy(struct desk_ctx *cx, const struct merge_plan *p)
{
	struct desk_arena *kept = cx->arena;
	char *after = NULL;
	bool done = false;
	enum desk_status rc = DESK_OK;

	while (rc == DESK_OK && !done) {
		struct desk_rows *rows;
		const char *last = NULL;

		cx->arena = desk_arena_new();
		rc = merge_read(cx, p, after, &rows);
		done = rc == DESK_OK && (desk_rows_count(rows) == 0 || p->chunks <= MERGE_AT_ONCE);
		if (rc == DESK_OK)
			rc = merge_write(cx, p, rows, &last);
		free(after);
		after = last != NULL ? desk_xstrdup(last) : NULL;
		desk_arena_free(cx->arena);
		cx->arena = kept;
	}
	free(after);
	return rc;
}

/* Many changes become one row of the same weight. */
static enum desk_status merge_changes(struct desk_ctx *cx)
{
	static const char sql[] =
		"WITH gone AS (DELETE FROM index_changes WHERE (SELECT count(*) FROM index_changes) > 50 RETURNING n)"
		" INSERT INTO index_changes (tenant_id, n)"
		" SELECT (SELECT public.get_current_tenant_id()), sum(n) FROM gone HAVING count(*) > 0";

	return desk_db_exec(cx, sql);
}

enum desk_status desk_lexical_merge(struct desk_ctx *cx, bool *more)
{
	struct merge_plan p = { .n = 0 };
	enum desk_status rc = desk_tenant_begin(cx);

	*more = false;
	if (rc != DESK_OK)
		return rc;
	rc = lexical_lock(cx);
	if (rc == DESK_OK)
		rc = merge_changes(cx);
	if (rc == DESK_OK)
		rc = merge_plan(cx, &p);
	if (rc == DESK_OK && p.n > 0)
		rc = merge_open(cx, &p);
	if (rc == DESK_OK && p.n > 0)
		rc = merge_copy(cx, &p);
	if (rc == DESK_OK && p.n > 0)
		rc = lexical_drop(cx, p.ids, p.n);
	if (rc != DESK_OK) {
		desk_db_rollback(cx);
		return rc;
	}
	*more = p.n > 0;
	return desk_db_commit(cx);
}
