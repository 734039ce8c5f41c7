/* lib/ingestion/work.h - the steps of an ingestion job in the database, for many documents at once. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A second door, for frontdesk-jobd alone. All of these run inside a tenant's open transaction, the one
 * that makes documents searchable; a hundred small documents cost as many statements as one.
 */
#ifndef DESK_INGESTION_WORK_H
#define DESK_INGESTION_WORK_H

#include "ingestion/ingestion.h"

#pragma GCC visibility push(default)

/*
 * Which of these still wait to be read, by id; locked until the end of the transaction. One that a
 * newer version of its source has overtaken is deleted.
 */
DESK_MUST_CHECK enum desk_status desk_work_claim(struct desk_ctx *cx, const char *const *ids, size_t n,
						 struct desk_document_list *out);
/* The stored text of documents of DESK_MIME_TEXT becomes their only page. */
DESK_MUST_CHECK enum desk_status desk_work_texts(struct desk_ctx *cx, const char *const *ids, size_t n);

struct desk_work_page {
	const char     *document;
	int             page;
	size_t          start;	/* first code point, in the whole document */
	struct desk_str text;
};
/* The first page of each of these documents, by id; arena. */
DESK_MUST_CHECK enum desk_status desk_work_first_pages(struct desk_ctx *cx, const char *const *ids, size_t n,
						       struct desk_work_page **out, size_t *n_out);

struct desk_work_chunk {
	const struct desk_document *doc;	/* its id, audience and language */
	const char *content;
	int         index, page;
	size_t      start, end;	/* code points in the whole document */
};
/* Rows with a contiguous block of ids, in this order; *first is the first one's. */
DESK_MUST_CHECK enum desk_status desk_work_chunks_add(struct desk_ctx *cx, const struct desk_work_chunk *chunks,
						      size_t n, int64_t *first);

/*
 * They are SEARCHABLE, or READY where no vectors are to come: title, language, pages, chunks are
 * taken from the document's members.
 */
DESK_MUST_CHECK enum desk_status desk_work_publish(struct desk_ctx *cx, const struct desk_document *docs,
						   const bool *embed, size_t n);
/* Older documents of the same sources, locked: to be taken out of the index and deleted. */
DESK_MUST_CHECK enum desk_status desk_work_older(struct desk_ctx *cx, const char *const *ids, size_t n,
						 const char ***older, size_t *n_older);
/* FAILED, with its reason; without the pages that were read. */
DESK_MUST_CHECK enum desk_status desk_work_failed(struct desk_ctx *cx, const char *id, const char *reason);

#pragma GCC visibility pop
#endif
