/* lib/retrieval/lexical.c - the lexical index: add, remove. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "retrieval/retrieval_int.h"

#include <stdlib.h>
#include <string.h>

enum desk_status lexical_lock(struct desk_ctx *cx)
{
	static const char sql[] = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' lexical', 0))";

	return desk_db_exec(cx, sql);
}

enum desk_status lexical_drop(struct desk_ctx *cx, const int64_t *segments, size_t n)
{
	static const char postings[] = "DELETE FROM postings WHERE segment_id = ANY($1)";
	static const char rows[] = "DELETE FROM segments WHERE id = ANY($1)";
	struct desk_param ids = desk_p_int64_array(cx->arena, segments, n);
	enum desk_status rc;

	if (n == 0)
		return DESK_OK;
	rc = desk_db_exec(cx, postings, ids);
	return rc == DESK_OK ? desk_db_exec(cx, rows, ids) : rc;
}

/*
 * A row for each change: their number names a state of the index, as commits become visible one after
 * another. No row is ever changed, so nobody waits for anybody.
 */
enum desk_status lexical_changed(struct desk_ctx *cx)
{
	static const char sql[] = "INSERT INTO index_changes (tenant_id) VALUES ((SELECT public.get_current_tenant_id()))";

	return desk_db_exec(cx, sql);
}

/* ---- add --------------------------------------------------------------------- */

static enum desk_status lexical_check(struct desk_ctx *cx, const struct desk_index_batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		int64_t chunk = batch->items[i].chunk;

		if (chunk <= 0 || chunk > UINT32_MAX)
			return desk_fail(cx, DESK_E_LIMIT, "chunk id %lld is past what the index can hold",
					 (long long)chunk);
		if (i > 0 && chunk <= batch->items[i - 1].chunk)
			return desk_fail(cx, DESK_E_BUG, "chunk ids of a batch do not ascend");
	}
	return DESK_OK;
}

enum desk_status desk_lexical_add(struct desk_ctx *cx, struct desk_retrieval *r,
				  const struct desk_index_batch *batch)
{
	static const char sql[] =
		"WITH s AS (INSERT INTO segments (tenant_id, audience, language, first_chunk, last_chunk,"
		" chunk_count, total_length)"
		" VALUES ((SELECT public.get_current_tenant_id()), $1, $2, $3, $4, $5, $6) RETURNING id)"
		" INSERT INTO postings (term, segment_id, tenant_id, data)"
		" SELECT u.term, s.id, (SELECT public.get_current_tenant_id()), u.data"
		" FROM s, unnest($7::text[], $8::bytea[]) AS u (term, data)";
	struct desk_arena *arena;
	struct analyzer *a;
	struct inverted inv;
	enum desk_status rc;

	if (batch->n == 0)
		return DESK_OK;
	rc = lexical_check(cx, batch);
	if (rc != DESK_OK)
		return rc;
	arena = desk_arena_new();
	a = analyzer_take(r);
	invert(arena, a, batch, &inv);
	analyzer_give(r, a);
	rc = desk_db_exec(cx, sql, desk_p_text(batch->audience), desk_p_text(batch->language),
			  desk_p_int64(batch->items[0].chunk), desk_p_int64(batch->items[batch->n - 1].chunk),
			  desk_p_int32((int32_t)batch->n), desk_p_int64(inv.total_length),
			  desk_p_text_array(arena, inv.terms, inv.n), desk_p_bytea_array(arena, inv.data, inv.n));
	desk_arena_free(arena);
	return rc == DESK_OK ? lexical_changed(cx) : rc;
}

/* ---- remove ------------------------------------------------------------------ */

static int lexical_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* What of a segment goes: the chunks that it has, has not lost yet, and that are wanted (ascending). */
struct lexical_gone {
	uint32_t *chunks;	/* arena */
	size_t    n;
	int64_t   length;
};

static void lexical_find_gone(const struct posting *live, size_t n_live, const int64_t *wanted, size_t n,
			      struct lexical_gone *out)
{
	for (size_t i = 0, k = 0; i < n_live && k < n;) {
		if (live[i].chunk < wanted[k]) {
			i++;
		} else if (live[i].chunk > wanted[k]) {
			k++;
		} else {
			out->chunks[out->n++] = live[i].chunk;
			out->length += live[i].length;
			i++, k++;
		}
	}
}

static int lexical_compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static enum desk_status lexical_remove_from(struct desk_ctx *cx, const struct desk_rows *rows, size_t row,
					    const int64_t *wanted, size_t n)
{
	static const char update[] =
		"UPDATE segments SET deleted = deleted || $2, chunk_count = chunk_count - $3,"
		" total_length = total_length - $4 WHERE id = $1";
	struct desk_str data = desk_rows_bytea(rows, row, 1), dead = desk_rows_bytea(rows, row, 2);
	const struct posting *live = (const struct posting *)data.p;
	size_t n_live = data.n / sizeof(*live), n_dead = dead.n / sizeof(uint32_t);
	uint32_t *deleted = desk_arena_array(cx->arena, n_dead + 1, sizeof(*deleted));
	struct lexical_gone gone = { desk_arena_array(cx->arena, n + 1, sizeof(uint32_t)), 0, 0 };
	int64_t id = desk_rows_int64(rows, row, 0);

	memcpy(deleted, dead.p, n_dead * sizeof(*deleted));
	qsort(deleted, n_dead, sizeof(*deleted), lexical_compare_u32);
	n_live = bm25_live(cx->arena, &live, n_live, deleted, n_dead);
	lexical_find_gone(live, n_live, wanted, n, &gone);
	if (gone.n == 0)
		return DESK_OK;
	if (gone.n == n_live)
		return lexical_drop(cx, &id, 1);
	return desk_db_exec(cx, update, desk_p_int64(id), desk_p_bytea(gone.chunks, gone.n * sizeof(*gone.chunks)),
			    desk_p_int32((int32_t)gone.n), desk_p_int64(gone.length));
}

enum desk_status desk_lexical_remove(struct desk_ctx *cx, const int64_t *chunks, size_t n)
{
	static const char find[] =
		"SELECT s.id, p.data, s.deleted FROM segments s"
		" JOIN postings p ON p.segment_id = s.id AND p.term = ''"
		" WHERE s.first_chunk <= $2 AND s.last_chunk >= $1 ORDER BY s.id";
	int64_t *wanted;
	struct desk_rows *rows;
	enum desk_status rc;

	if (n == 0)
		return DESK_OK;
	wanted = desk_arena_array(cx->arena, n, sizeof(*wanted));
	memcpy(wanted, chunks, n * sizeof(*wanted));
	qsort(wanted, n, sizeof(*wanted), lexical_compare);
	rc = lexical_lock(cx);
	if (rc == DESK_OK)
		rc = desk_db_query(cx, &rows, find, desk_p_int64(wanted[0]), desk_p_int64(wanted[n - 1]));
	for (size_t i = 0; rc == DESK_OK && i < desk_rows_count(rows); i++)
		rc = lexical_remove_from(cx, rows, i, wanted, n);
	return rc == DESK_OK ? lexical_changed(cx) : rc;
}

enum desk_status desk_lexical_remove_document(struct desk_ctx *cx, const char *document)
{
	static const char sql[] = "SELECT id FROM chunks WHERE document_id = $1::uuid";
	struct desk_rows *rows;
	int64_t *ids;
	size_t n;
	enum desk_status rc = desk_db_query(cx, &rows, sql, desk_p_text(document));

	if (rc != DESK_OK)
		return rc;
	n = desk_rows_count(rows);
	ids = desk_arena_array(cx->arena, n + 1, sizeof(*ids));
	for (size_t i = 0; i < n; i++)
		ids[i] = desk_rows_int64(rows, i, 0);
	return desk_lexical_remove(cx, ids, n);
}
