/* lib/ingestion/pages.c - extracted text, written and read in parts. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/ingestion_int.h"

#include <string.h>

#define PAGES_FLUSH (1024 * 1024)

void desk_text_begin(struct desk_text_writer *w, const char *document)
{
	memset(w, 0, sizeof(*w));
	w->document = document;
	desk_buf_init(&w->text, 2 * FRAME_TEXT_MAX + PAGES_FLUSH);
}

void desk_text_done(struct desk_text_writer *w)
{
	desk_buf_done(&w->text);
}

static enum desk_status pages_insert(struct desk_ctx *cx, struct desk_text_writer *w)
{
	static const char sql[] =
		"INSERT INTO document_pages (document_id, tenant_id, page, start_offset, content)"
		" SELECT $1::uuid, public.get_current_tenant_id(), p, s, convert_from(c, 'UTF8')"
		" FROM unnest($2::int[], $3::int[], $4::bytea[]) AS g (p, s, c)";
	int32_t *page = desk_arena_array(cx->arena, w->n, sizeof(*page));
	int32_t *start = desk_arena_array(cx->arena, w->n, sizeof(*start));
	struct desk_str *text = desk_arena_array(cx->arena, w->n, sizeof(*text));

	for (size_t i = 0; i < w->n; i++) {
		page[i] = w->page[i].page;
		start[i] = (int32_t)w->page[i].start;
		text[i] = (struct desk_str){ w->text.p + w->page[i].at, w->page[i].bytes };
	}
	return desk_db_exec(cx, sql, desk_p_text(w->document), desk_p_int32_array(cx->arena, page, w->n),
			    desk_p_int32_array(cx->arena, start, w->n),
			    desk_p_bytea_array(cx->arena, text, w->n));
}

enum desk_status desk_text_end(struct desk_ctx *cx, struct desk_text_writer *w)
{
	struct desk_arena *outer = cx->arena;
	enum desk_status rc;

	if (w->n == 0)
		return DESK_OK;
	cx->arena = desk_arena_new();
	rc = desk_tenant_begin(cx);
	if (rc == DESK_OK)
		rc = ingestion_end_tx(cx, pages_insert(cx, w));
	desk_arena_free(cx->arena);
	cx->arena = outer;
	w->n = 0;
	desk_buf_clear(&w->text);
	return rc;
}

enum desk_status desk_text_add(struct desk_ctx *cx, struct desk_text_writer *w,
			       const struct desk_extract_part *part)
{
	struct desk_text_page *p = &w->page[w->n++];

	*p = (struct desk_text_page){ (int)part->page, w->start, w->text.n, part->text.n };
	if (!desk_buf_add(&w->text, part->text.p, part->text.n))
		return desk_fail(cx, DESK_E_BUG, "a part of text is larger than agreed");
	w->start += part->chars;
	if (w->text.n < PAGES_FLUSH && w->n < DESK_ARRAY_LEN(w->page))
		return DESK_OK;
	return desk_text_end(cx, w);
}

enum desk_status desk_text_next(struct desk_ctx *cx, const char *document, struct desk_text_part *at)
{
	static const char sql[] =
		"SELECT page, start_offset, content FROM document_pages WHERE document_id = $1::uuid"
		" AND (page, start_offset) > ($2, $3) ORDER BY page, start_offset LIMIT 1";
	bool first = at->text.p == NULL;
	struct desk_rows *r;
	const char *text;
	enum desk_status rc;

	rc = desk_db_query(cx, &r, sql, desk_p_text(document), desk_p_int32(first ? -1 : at->page),
			   desk_p_int32(first ? -1 : (int32_t)at->start));
	if (rc != DESK_OK)
		return rc;
	at->text = (struct desk_str){ "", 0 };
	if (desk_rows_count(r) == 0)
		return DESK_OK;
	at->page = (int)desk_rows_int64(r, 0, 0);
	at->start = (size_t)desk_rows_int64(r, 0, 1);
	text = desk_rows_text(r, 0, 2);
	at->text = desk_str_of(text);
	return DESK_OK;
}
