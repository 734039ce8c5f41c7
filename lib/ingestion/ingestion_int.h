/* lib/ingestion/ingestion_int.h - what the files of the room share. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_INGESTION_INT_H
#define DESK_INGESTION_INT_H

#include "ingestion/frame.h"
#include "ingestion/ingestion.h"

/* How a child ended that did not say so itself. */
struct ingestion_end {
	int      wait_status;	/* of waitpid(2) */
	bool     timed_out;	/* we killed it */
	uint64_t peak_kb;	/* resident; the starting process may count in it */
};

/*
 * The reason for people, beginning with the document's name. DESK_E_INPUT when the document is
 * to blame, so that trying again is no use; DESK_E_UNAVAILABLE when the machine is.
 */
enum desk_status ingestion_reason(const struct ingestion_end *end, const char *name,
				  const struct desk_extract_limits *l, struct desk_error *err);

/* What ingestion_document_read reads, in its order. */
#define INGESTION_DOCUMENT_COLUMNS                                                                \
	"id, source, title, mime, audience, language, status, reason, encode(sha256, 'hex'),"     \
	" byte_size, page_count, chunk_count, embedded_count, created_at, updated_at"

struct desk_rows;
void ingestion_document_read(const struct desk_rows *r, size_t row, struct desk_document *out);
/* Commit when rc is DESK_OK, else roll back; gives the first error. */
DESK_MUST_CHECK enum desk_status ingestion_end_tx(struct desk_ctx *cx, enum desk_status rc);

#endif
