/* lib/ingestion/chunks.c - chunks and their vectors. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/ingestion_int.h"

#include <stdlib.h>
#include <string.h>

#define CHUNKS_ID_TRIES 100

struct chunks_run {
	const struct desk_text_part *part;
	int                         *index;
	struct desk_chunk_list      *list;
};

static enum desk_status chunks_take(void *arg, const struct desk_split_chunk *c)
{
	struct chunks_run *run = arg;
	struct desk_chunk_list *l = run->list;

	if (l->n == l->cap) {
		l->cap = l->cap > 0 ? l->cap * 2 : 64;
		l->at = desk_xrealloc(l->at, l->cap, sizeof(*l->at));
	}
	l->at[l->n++] = (struct desk_chunk){
		.index = (*run->index)++, .page = run->part->page,
		.start = run->part->start + c->start, .end = run->part->start + c->end,
		.content = c->content,
	};
	return DESK_OK;
}

enum desk_status desk_chunks_split(const struct desk_text_part *part, int *index,
				   struct desk_chunk_list *list, struct desk_error *err)
{
	struct chunks_run run = { part, index, list };

	return desk_split(NULL, part->text, chunks_take, &run, err);
}

void desk_chunks_done(struct desk_chunk_list *list)
{
	free(list->at);
	*list = (struct desk_chunk_list){ 0 };
}

/*
 * n ids one after the other. Taken one by one, so that no lock is held: when another session
 * came in between, they are not neighbours and are thrown away.
 */
static enum desk_status chunks_ids(struct desk_ctx *cx, size_t n, int64_t *first)
{
	static const char sql[] = "SELECT min(v), max(v) FROM"
				  " (SELECT nextval('chunk_ids') AS v FROM generate_series(1, $1::int)) s";
	struct desk_rows *r;

	for (int i = 0; i < CHUNKS_ID_TRIES; i++) {
		enum desk_status rc = desk_db_query(cx, &r, sql, desk_p_int32((int32_t)n));

		if (rc != DESK_OK)
			return rc;
		*first = desk_rows_int64(r, 0, 0);
		if (desk_rows_int64(r, 0, 1) - *first + 1 == (int64_t)n)
			return DESK_OK;
	}
	return desk_fail(cx, DESK_E_UNAVAILABLE, "no block of %zu chunk ids in %d tries", n,
			 CHUNKS_ID_TRIES);
}

/* The columns of the chunks, as arrays for one statement; n is list->n. */
struct chunks_columns {
	int64_t         *id;
	int32_t         *index, *page, *start, *end;
	struct desk_str *content;
};

static void chunks_columns_fill(struct desk_arena *a, const struct desk_chunk_list *l,
				struct chunks_columns *c)
{
	c->id = desk_arena_array(a, l->n, sizeof(*c->id));
	c->index = desk_arena_array(a, l->n, sizeof(*c->index));
	c->page = desk_arena_array(a, l->n, sizeof(*c->page));
	c->start = desk_arena_array(a, l->n, sizeof(*c->start));
	c->end = desk_arena_array(a, l->n, sizeof(*c->end));
	c->content = desk_arena_array(a, l->n, sizeof(*c->content));
	for (size_t i = 0; i < l->n; i++) {
		c->id[i] = l->at[i].id;
		c->index[i] = l->at[i].index;
		c->page[i] = l->at[i].page;
		c->start[i] = (int32_t)l->at[i].start;
		c->end[i] = (int32_t)l->at[i].end;
		c->content[i] = l->at[i].content;
	}
}

enum desk_status desk_chunks_add(struct desk_ctx *cx, const struct desk_document *doc,
				 struct desk_chunk_list *list)
{
	static const char sql[] =
		"INSERT INTO chunks (id, tenant_id, document_id, chunk_index, page, start_offset, end_offset,"
		"  audience, language, content)"
		" SELECT i, public.get_current_tenant_id(), $1::uuid, x, p, s, e, $8, $9, convert_from(c, 'UTF8')"
		" FROM unnest($2::bigint[], $3::int[], $4::int[], $5::int[], $6::int[], $7::bytea[])"
		"  AS g (i, x, p, s, e, c)";
	struct desk_arena *a = cx->arena;
	struct chunks_columns c;
	enum desk_status rc;
	int64_t first = 0;
	size_t n = list->n;

	if (n == 0)
		return DESK_OK;
	rc = chunks_ids(cx, n, &first);
	if (rc != DESK_OK)
		return rc;
	for (size_t i = 0; i < n; i++)
		list->at[i].id = first + (int64_t)i;
	chunks_columns_fill(a, list, &c);
	return desk_db_exec(cx, sql, desk_p_text(doc->id), desk_p_int64_array(a, c.id, n),
			    desk_p_int32_array(a, c.index, n), desk_p_int32_array(a, c.page, n),
			    desk_p_int32_array(a, c.start, n), desk_p_int32_array(a, c.end, n),
			    desk_p_bytea_array(a, c.content, n), desk_p_text(doc->audience),
			    desk_p_text(doc->language != NULL ? doc->language : ""));
}

enum desk_status desk_chunks_unembedded(struct desk_ctx *cx, int64_t first, int64_t last, size_t max,
					struct desk_unembedded *out)
{
	static const char sql[] =
		"SELECT c.id, d.title, c.content FROM chunks c JOIN documents d ON d.id = c.document_id"
		" WHERE c.id BETWEEN $1 AND $2 AND c.embedding IS NULL ORDER BY c.id LIMIT $3";
	struct desk_rows *r;
	enum desk_status rc = desk_tenant_begin(cx);

	if (rc == DESK_OK)
		rc = ingestion_end_tx(cx, desk_db_query(cx, &r, sql, desk_p_int64(first), desk_p_int64(last),
							desk_p_int64((int64_t)max)));
	if (rc != DESK_OK)
		return rc;
	out->n = desk_rows_count(r);
	out->at = desk_arena_array(cx->arena, out->n, sizeof(*out->at));
	for (size_t i = 0; i < out->n; i++) {
		out->at[i].id = desk_rows_int64(r, i, 0);
		out->at[i].title = desk_str_of(desk_rows_text(r, i, 1));
		out->at[i].content = desk_str_of(desk_rows_text(r, i, 2));
	}
	return DESK_OK;
}

/* Counted before they are set, so that a chunk that has its vector already counts once. */
static enum desk_status chunks_count(struct desk_ctx *cx, const struct desk_unembedded *of)
{
	static const char sql[] =
		"UPDATE documents d SET embedded_count = d.embedded_count + k.n, updated_at = now(),"
		"  status = CASE WHEN d.embedded_count + k.n >= d.chunk_count AND d.status = 'SEARCHABLE'"
		"    THEN 'READY' ELSE d.status END"
		" FROM (SELECT document_id, count(*)::int AS n FROM chunks"
		"   WHERE id = ANY($1::bigint[]) AND embedding IS NULL GROUP BY document_id) k"
		" WHERE d.id = k.document_id";
	int64_t *id = desk_arena_array(cx->arena, of->n, sizeof(*id));

	for (size_t i = 0; i < of->n; i++)
		id[i] = of->at[i].id;
	return desk_db_exec(cx, sql, desk_p_int64_array(cx->arena, id, of->n));
}

enum desk_status desk_chunks_embed(struct desk_ctx *cx, const struct desk_unembedded *of,
				   const float *vectors, size_t dim)
{
	static const char sql[] =
		"UPDATE chunks SET embedding = $2::public.halfvec WHERE id = $1 AND embedding IS NULL";
	enum desk_status rc = of->n > 0 ? chunks_count(cx, of) : DESK_OK;

	for (size_t i = 0; i < of->n && rc == DESK_OK; i++)
		rc = desk_db_send(cx, sql, desk_p_int64(of->at[i].id),
				  desk_p_halfvec(cx->arena, vectors + i * dim, dim));
	for (size_t i = 0; i < of->n && rc == DESK_OK; i++)
		rc = desk_db_next(cx, NULL);
	return rc;
}
