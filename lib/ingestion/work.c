/* lib/ingestion/work.c - the steps of an ingestion job in the database, for many documents at once. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/work.h"

#include <string.h>

#include "ingestion/ingestion_int.h"

enum desk_status desk_work_claim(struct desk_ctx *cx, const char *const *ids, size_t n,
				 struct desk_document_list *out)
{
	static const char superseded[] =
		"DELETE FROM documents d WHERE d.id = ANY ($1::text[]::uuid[]) AND d.status IN ('PENDING', 'EXTRACTING')"
		" AND EXISTS (SELECT 1 FROM documents n WHERE n.origin = d.origin AND (d.origin <> '' OR n.source = d.source)"
		"             AND (n.created_at, n.id) > (d.created_at, d.id) AND n.status <> 'FAILED')";
	static const char sql[] = "SELECT " INGESTION_DOCUMENT_COLUMNS " FROM documents"
				  " WHERE id = ANY ($1::text[]::uuid[]) AND status IN ('PENDING', 'EXTRACTING')"
				  " ORDER BY id FOR UPDATE";
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_exec(cx, superseded, desk_p_text_array(cx->arena, ids, n));

	if (rc == DESK_OK)
		rc = desk_db_query(cx, &rows, sql, desk_p_text_array(cx->arena, ids, n));
	if (rc != DESK_OK)
		return rc;
	out->n = desk_rows_count(rows);
	out->at = desk_arena_array(cx->arena, out->n + 1, sizeof(*out->at));
	for (size_t i = 0; i < out->n; i++)
		ingestion_document_read(rows, i, &out->at[i]);
	return DESK_OK;
}

enum desk_status desk_work_texts(struct desk_ctx *cx, const char *const *ids, size_t n)
{
	return desk_db_exec(cx,
			    "INSERT INTO document_pages (document_id, tenant_id, page, start_offset, content)"
			    " SELECT document_id, tenant_id, 0, 0, convert_from(string_agg(data, ''::bytea ORDER BY part), 'UTF8')"
			    " FROM document_blobs WHERE document_id = ANY ($1::text[]::uuid[])"
			    " GROUP BY document_id, tenant_id ON CONFLICT DO NOTHING",
			    desk_p_text_array(cx->arena, ids, n));
}

enum desk_status desk_work_first_pages(struct desk_ctx *cx, const char *const *ids, size_t n,
				       struct desk_work_page **out, size_t *n_out)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_query(
		cx, &rows,
		"SELECT DISTINCT ON (document_id) document_id, page, start_offset, content FROM document_pages"
		" WHERE document_id = ANY ($1::text[]::uuid[]) ORDER BY document_id, page, start_offset",
		desk_p_text_array(cx->arena, ids, n));

	if (rc != DESK_OK)
		return rc;
	*n_out = desk_rows_count(rows);
	*out = desk_arena_array(cx->arena, *n_out + 1, sizeof(**out));
	for (size_t i = 0; i < *n_out; i++)
		(*out)[i] = (struct desk_work_page){
			.document = desk_rows_text(rows, i, 0), .page = (int)desk_rows_int64(rows, i, 1),
			.start = (size_t)desk_rows_int64(rows, i, 2),
			.text = desk_str_of(desk_rows_text(rows, i, 3)),
		};
	return DESK_OK;
}

/* The columns of a batch of chunks, as arrays for one statement. */
struct work_columns {
	const char **document, **audience, **language, **content;
	int32_t     *index, *page, *start, *end;
};

static void work_columns_fill(struct desk_arena *a, const struct desk_work_chunk *chunks, size_t n,
			      struct work_columns *c)
{
	const char ***texts[] = { &c->document, &c->audience, &c->language, &c->content };
	int32_t **numbers[] = { &c->index, &c->page, &c->start, &c->end };

	for (size_t i = 0; i < DESK_ARRAY_LEN(texts); i++)
		*texts[i] = desk_arena_array(a, n, sizeof(**texts[i]));
	for (size_t i = 0; i < DESK_ARRAY_LEN(numbers); i++)
		*numbers[i] = desk_arena_array(a, n, sizeof(**numbers[i]));
	for (size_t i = 0; i < n; i++) {
		c->document[i] = chunks[i].doc->id;
		c->audience[i] = chunks[i].doc->audience;
		c->language[i] = chunks[i].doc->language;
		c->content[i] = chunks[i].content;
		c->index[i] = chunks[i].index;
		c->page[i] = chunks[i].page;
		c->start[i] = (int32_t)chunks[i].start;
		c->end[i] = (int32_t)chunks[i].end;
	}
}

enum desk_status desk_work_chunks_add(struct desk_ctx *cx, const struct desk_work_chunk *chunks, size_t n,
				      int64_t *first)
{
	struct work_columns c;
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_query(cx, &rows, "SELECT platform.take_ids('chunk_ids', $1::bigint)",
					    desk_p_int64((int64_t)n));

	if (rc != DESK_OK)
		return rc;
	*first = desk_rows_int64(rows, 0, 0);
	work_columns_fill(cx->arena, chunks, n, &c);
	return desk_db_exec(
		cx,
		"INSERT INTO chunks (id, tenant_id, document_id, chunk_index, page, start_offset, end_offset, audience,"
		" language, content)"
		" SELECT $1::bigint + u.n - 1, (SELECT get_current_tenant_id()), u.document::uuid, u.index, u.page,"
		"  u.first, u.past, u.audience, u.language, u.content"
		" FROM unnest($2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::text[], $8::text[], $9::text[])"
		"  WITH ORDINALITY u (document, index, page, first, past, audience, language, content, n)",
		desk_p_int64(*first), desk_p_text_array(cx->arena, c.document, n),
		desk_p_int32_array(cx->arena, c.index, n), desk_p_int32_array(cx->arena, c.page, n),
		desk_p_int32_array(cx->arena, c.start, n), desk_p_int32_array(cx->arena, c.end, n),
		desk_p_text_array(cx->arena, c.audience, n), desk_p_text_array(cx->arena, c.language, n),
		desk_p_text_array(cx->arena, c.content, n));
}

enum desk_status desk_work_publish(struct desk_ctx *cx, const struct desk_document *docs,
				   const bool *embed, size_t n)
{
	const char **id = desk_arena_array(cx->arena, n, sizeof(*id));
	const char **title = desk_arena_array(cx->arena, n, sizeof(*title));
	const char **language = desk_arena_array(cx->arena, n, sizeof(*language));
	const char **status = desk_arena_array(cx->arena, n, sizeof(*status));
	int32_t *pages = desk_arena_array(cx->arena, n, sizeof(*pages));
	int32_t *chunks = desk_arena_array(cx->arena, n, sizeof(*chunks));

	for (size_t i = 0; i < n; i++) {
		id[i] = docs[i].id;
		title[i] = docs[i].title;
		language[i] = docs[i].language;
		status[i] = embed[i] ? "SEARCHABLE" : "READY";
		pages[i] = docs[i].pages;
		chunks[i] = docs[i].chunks;
	}
	return desk_db_exec(
		cx,
		"UPDATE documents d SET title = u.title, language = u.language, status = u.status,"
		" page_count = u.pages, chunk_count = u.chunks, embedded_count = 0, reason = NULL, updated_at = now()"
		" FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[])"
		"  u (id, title, language, status, pages, chunks) WHERE d.id = u.id::uuid",
		desk_p_text_array(cx->arena, id, n), desk_p_text_array(cx->arena, title, n),
		desk_p_text_array(cx->arena, language, n), desk_p_text_array(cx->arena, status, n),
		desk_p_int32_array(cx->arena, pages, n), desk_p_int32_array(cx->arena, chunks, n));
}

enum desk_status desk_work_older(struct desk_ctx *cx, const char *const *ids, size_t n,
				 const char ***older, size_t *n_older)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_query(
		cx, &rows,
		"SELECT o.id FROM documents o JOIN documents d ON d.origin = o.origin AND (d.origin <> '' OR d.source = o.source)"
		" WHERE d.id = ANY ($1::text[]::uuid[]) AND (o.created_at, o.id) < (d.created_at, d.id)"
		" ORDER BY o.id FOR UPDATE OF o",
		desk_p_text_array(cx->arena, ids, n));

	if (rc != DESK_OK)
		return rc;
	*n_older = desk_rows_count(rows);
	*older = desk_arena_array(cx->arena, *n_older + 1, sizeof(**older));
	for (size_t i = 0; i < *n_older; i++)
		(*older)[i] = desk_rows_text(rows, i, 0);
	return DESK_OK;
}

enum desk_status desk_work_failed(struct desk_ctx *cx, const char *id, const char *reason)
{
	const char *clean = desk_utf8_clean(cx->arena, reason, strlen(reason), NULL);

	return desk_db_exec(cx,
			    "WITH gone AS (DELETE FROM document_pages WHERE document_id = $1::uuid)"
			    " UPDATE documents SET status = 'FAILED', reason = $2::text, updated_at = now()"
			    " WHERE id = $1::uuid AND status IN ('PENDING', 'EXTRACTING')",
			    desk_p_text(id), desk_p_text(clean));
}
