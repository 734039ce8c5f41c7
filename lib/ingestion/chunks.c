/* lib/ingestion/chunks.c - chunks that wait for a vector, and their vectors. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/ingestion_int.h"

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
	static const char changed[] =
		"INSERT INTO index_changes (tenant_id) VALUES ((SELECT public.get_current_tenant_id()))";
	enum desk_status rc = of->n > 0 ? chunks_count(cx, of) : DESK_OK;

	for (size_t i = 0; i < of->n && rc == DESK_OK; i++)
		rc = desk_db_send(cx, sql, desk_p_int64(of->at[i].id),
				  desk_p_halfvec(cx->arena, vectors + i * dim, dim));
	for (size_t i = 0; i < of->n && rc == DESK_OK; i++)
		rc = desk_db_next(cx, NULL);
	/* what is found by vectors is another from this commit on: lib/retrieval keeps no older result */
	return rc == DESK_OK && of->n > 0 ? desk_db_exec(cx, changed) : rc;
}
