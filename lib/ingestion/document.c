/* lib/ingestion/document.c - documents: find, list, progress, states, delete. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/ingestion_int.h"

#include <string.h>

void ingestion_document_read(const struct desk_rows *r, size_t row, struct desk_document *out)
{
	const char **text[] = { &out->id, &out->source, &out->title, &out->mime, &out->audience,
				&out->language, &out->status, &out->reason, &out->sha256 };

	for (size_t i = 0; i < DESK_ARRAY_LEN(text); i++)
		*text[i] = desk_rows_text(r, row, (int)i);
	out->bytes = desk_rows_int64(r, row, 9);
	out->pages = (int)desk_rows_int64(r, row, 10);
	out->chunks = (int)desk_rows_int64(r, row, 11);
	out->embedded = (int)desk_rows_int64(r, row, 12);
	out->created_us = desk_rows_time_us(r, row, 13);
	out->updated_us = desk_rows_time_us(r, row, 14);
}

static void document_list_read(struct desk_ctx *cx, const struct desk_rows *r,
			       struct desk_document_list *out)
{
	out->n = desk_rows_count(r);
	out->at = desk_arena_array(cx->arena, out->n, sizeof(*out->at));
	for (size_t i = 0; i < out->n; i++)
		ingestion_document_read(r, i, &out->at[i]);
}

/* Commit when rc is good, else undo; the first error is the result. */
enum desk_status ingestion_end_tx(struct desk_ctx *cx, enum desk_status rc)
{
	if (rc == DESK_OK)
		return desk_db_commit(cx);
	desk_db_rollback(cx);
	return rc;
}

enum desk_status desk_document_find(struct desk_ctx *cx, const char *id_or_source,
				    struct desk_document *out)
{
	static const char sql[] = "SELECT " INGESTION_DOCUMENT_COLUMNS " FROM documents WHERE id = $1::uuid OR source = $2"
				  " ORDER BY source = $2, created_at DESC LIMIT 1";
	struct desk_rows *r;
	enum desk_status rc = desk_tenant_begin(cx);

	if (rc != DESK_OK)
		return rc;
	rc = ingestion_end_tx(cx, desk_db_query(cx, &r, sql,
						desk_p_text(desk_uuid_valid(id_or_source) ? id_or_source : NULL),
						desk_p_text(id_or_source)));
	if (rc != DESK_OK)
		return rc;
	if (desk_rows_count(r) == 0)
		return desk_fail(cx, DESK_E_NOT_FOUND, "there is no document \"%s\"", id_or_source);
	ingestion_document_read(r, 0, out);
	return DESK_OK;
}

enum desk_status desk_document_list(struct desk_ctx *cx, const char *status,
				    struct desk_document_list *out)
{
	static const char sql[] = "SELECT " INGESTION_DOCUMENT_COLUMNS " FROM documents"
				  " WHERE $1::text IS NULL OR status = $1 ORDER BY source, created_at";
	struct desk_rows *r;
	enum desk_status rc = desk_tenant_begin(cx);

	if (rc != DESK_OK)
		return rc;
	rc = ingestion_end_tx(cx, desk_db_query(cx, &r, sql, desk_p_text(status)));
	if (rc == DESK_OK)
		document_list_read(cx, r, out);
	return rc;
}

#define DOCUMENT_COUNTS                                                                           \
	"SELECT count(*) FILTER (WHERE status IN ('PENDING', 'UPLOADING')),"                      \
	" count(*) FILTER (WHERE status = 'EXTRACTING'), count(*) FILTER (WHERE status = 'SEARCHABLE')," \
	" count(*) FILTER (WHERE status = 'READY'), count(*) FILTER (WHERE status = 'FAILED'),"    \
	" coalesce(sum(chunk_count), 0)::bigint, coalesce(sum(embedded_count), 0)::bigint"         \
	" FROM documents"

static enum desk_status document_counts_read(enum desk_status rc, const struct desk_rows *r,
					     struct desk_document_progress *out)
{
	int64_t *into[] = { &out->pending, &out->extracting, &out->searchable, &out->ready, &out->failed,
			    &out->chunks, &out->embedded };

	for (size_t i = 0; rc == DESK_OK && i < DESK_ARRAY_LEN(into); i++)
		*into[i] = desk_rows_int64(r, 0, (int)i);
	return rc;
}

enum desk_status desk_document_progress(struct desk_ctx *cx, struct desk_document_progress *out)
{
	struct desk_rows *r = NULL;
	enum desk_status rc = desk_tenant_begin(cx);

	if (rc == DESK_OK)
		rc = ingestion_end_tx(cx, desk_db_query(cx, &r, DOCUMENT_COUNTS));
	return document_counts_read(rc, r, out);
}

enum desk_status desk_document_progress_of(struct desk_ctx *cx, const char *const *ids, size_t n,
					   struct desk_document_progress *out)
{
	struct desk_rows *r = NULL;
	enum desk_status rc = desk_tenant_begin(cx);

	if (rc == DESK_OK)
		rc = ingestion_end_tx(cx, desk_db_query(cx, &r, DOCUMENT_COUNTS " WHERE id = ANY ($1::text[]::uuid[])",
							desk_p_text_array(cx->arena, ids, n)));
	return document_counts_read(rc, r, out);
}

enum desk_status desk_document_load(struct desk_ctx *cx, const char *const *ids, size_t n,
				    struct desk_document_list *out)
{
	static const char sql[] = "SELECT " INGESTION_DOCUMENT_COLUMNS " FROM documents"
				  " WHERE id = ANY ($1::text[]::uuid[])";
	struct desk_rows *r = NULL;
	enum desk_status rc = desk_tenant_begin(cx);

	if (rc == DESK_OK)
		rc = ingestion_end_tx(cx, desk_db_query(cx, &r, sql, desk_p_text_array(cx->arena, ids, n)));
	if (rc == DESK_OK)
		document_list_read(cx, r, out);
	return rc;
}

enum desk_status desk_document_delete(struct desk_ctx *cx, const char *id)
{
	static const char sql[] = "DELETE FROM documents WHERE id = $1::uuid";
	struct desk_rows *r;
	enum desk_status rc = desk_db_query(cx, &r, sql, desk_p_text(id));

	if (rc == DESK_OK && desk_rows_affected(r) == 0)
		return desk_fail(cx, DESK_E_NOT_FOUND, "there is no document %s", id);
	return rc;
}

enum desk_status desk_document_start(struct desk_ctx *cx, const char *id, struct desk_document *out)
{
	static const char sql[] =
		"WITH gone AS (DELETE FROM document_pages p USING documents d WHERE d.id = $1::uuid"
		"  AND p.document_id = d.id AND d.status IN ('PENDING', 'EXTRACTING', 'FAILED'))"
		" UPDATE documents SET status = 'EXTRACTING', reason = NULL, updated_at = now()"
		" WHERE id = $1::uuid AND status IN ('PENDING', 'EXTRACTING', 'FAILED')"
		" RETURNING " INGESTION_DOCUMENT_COLUMNS;
	static const char exists[] = "SELECT status FROM documents WHERE id = $1::uuid";
	struct desk_rows *r, *other = NULL;
	enum desk_status rc = desk_tenant_begin(cx);

	if (rc != DESK_OK)
		return rc;
	rc = desk_db_query(cx, &r, sql, desk_p_text(id));
	if (rc == DESK_OK && desk_rows_count(r) == 0)
		rc = desk_db_query(cx, &other, exists, desk_p_text(id));
	rc = ingestion_end_tx(cx, rc);
	if (rc != DESK_OK)
		return rc;
	if (other == NULL) {
		ingestion_document_read(r, 0, out);
		return DESK_OK;
	}
	if (desk_rows_count(other) == 0)
		return desk_fail(cx, DESK_E_NOT_FOUND, "there is no document %s", id);
	return desk_fail(cx, DESK_E_CONFLICT, "document %s is %s already", id,
			 desk_rows_text(other, 0, 0));
}
