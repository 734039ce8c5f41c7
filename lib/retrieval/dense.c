/* lib/retrieval/dense.c - nearest vectors, by pgvector. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The limit is in the statement's text and not a bind: a plan made for an unknown limit does not use
 * the index. Whoever may see INTERNAL sees all there is, so only PUBLIC needs a condition; with it the
 * index is read on, in order, until enough rows have passed (iterative scan).
 */
#include "retrieval/retrieval_int.h"

#include <stdio.h>

#include "embed/embed.h"

#define DENSE_SQL(where, limit)                                                            \
	"SELECT id, embedding <=> $1::public.halfvec, language FROM chunks " where          \
	" ORDER BY embedding <=> $1::public.halfvec LIMIT " limit
#define DENSE_PUBLIC "WHERE audience = 'PUBLIC'"

static const struct {
	int         depth;
	const char *all, *open;
} dense_sql[] = {
	{ 50, DENSE_SQL("", "50"), DENSE_SQL(DENSE_PUBLIC, "50") },
	{ 100, DENSE_SQL("", "100"), DENSE_SQL(DENSE_PUBLIC, "100") },
	{ 200, DENSE_SQL("", "200"), DENSE_SQL(DENSE_PUBLIC, "200") },
	{ 400, DENSE_SQL("", "400"), DENSE_SQL(DENSE_PUBLIC, "400") },
	{ DESK_SEARCH_DEPTH_MAX, DENSE_SQL("", "1000"), DENSE_SQL(DENSE_PUBLIC, "1000") },
};

static size_t dense_row(int depth)
{
	size_t i = 0;

	while (i + 1 < DESK_ARRAY_LEN(dense_sql) && dense_sql[i].depth < depth)
		i++;
	return i;
}

enum desk_status dense_send(struct desk_ctx *cx, const struct desk_search_query *q, int depth)
{
	static const char tune[] = "SELECT set_config('hnsw.ef_search', $1, true),"
				   " set_config('hnsw.iterative_scan', 'strict_order', true)";
	size_t row = dense_row(depth);
	struct desk_param vector = desk_p_halfvec(cx->arena, q->vector, q->dim);
	char ef[16];
	enum desk_status rc;

	snprintf(ef, sizeof(ef), "%d", dense_sql[row].depth);
	rc = desk_db_send(cx, tune, desk_p_text(ef));
	return rc == DESK_OK ? desk_db_send(cx, q->internal ? dense_sql[row].all : dense_sql[row].open, vector) : rc;
}

enum desk_status dense_receive(struct desk_ctx *cx, const struct desk_search_query *q, int depth,
			       struct dense_list *out)
{
	struct desk_rows *rows;
	enum desk_status rc = desk_db_next(cx, &rows);	/* the settings */
	size_t n;

	*out = (struct dense_list){ .n = 0 };
	if (rc == DESK_OK)
		rc = desk_db_next(cx, &rows);
	if (rc != DESK_OK)
		return rc;
	n = desk_rows_count(rows);
	out->at = desk_arena_array(cx->arena, n + 1, sizeof(*out->at));
	for (size_t i = 0; i < n && out->n < (size_t)depth; i++) {
		if (desk_rows_null(rows, i, 1))
			break;	/* without a vector; behind all others */
		if (q->embedder != NULL && !desk_embedder_speaks(q->embedder, desk_rows_text(rows, i, 2)))
			continue;
		out->at[out->n++] = (struct dense_hit){ desk_rows_int64(rows, i, 0),
							1.0 - desk_rows_double(rows, i, 1) };
	}
	return DESK_OK;
}
