/* lib/ingestion/frame.h - the records that frontdesk-extract writes on its pipe. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A record is a head of 12 bytes and a body: 'F' 'D', the type, 0, page (32 bits), length of the
 * body (32 bits), both little endian. Order: FORMAT, then TEXT records with pages that never
 * go back, then TITLE (at most one), then END; or FAIL instead of END at any place.
 * The writer is not trusted: whatever breaks these rules is DESK_E_UPSTREAM for the reader.
 */
#ifndef DESK_INGESTION_FRAME_H
#define DESK_INGESTION_FRAME_H

#include "base/base.h"

#define FRAME_HEAD 12
#define FRAME_TEXT_MAX (1024 * 1024)	/* bytes of text in one record */
#define FRAME_NOTE_MAX 1000	/* bytes of a title, a reason, a format */
#define FRAME_PAGE_MAX 1000000

enum frame_type {
	FRAME_FORMAT = 'Y',	/* body: "pdf", "docx" ... */
	FRAME_TEXT = 'P',	/* body: valid UTF-8 without NUL; page 0: the format has no pages */
	FRAME_TITLE = 'T',
	FRAME_FAIL = 'F',	/* body: the reason; the last record */
	FRAME_END = 'E',	/* page: how many pages the document has; the last record */
};

struct frame {
	enum frame_type type;
	uint32_t        page;
	struct desk_str body;	/* borrowed for the call; NUL follows */
};

typedef enum desk_status frame_fn(void *arg, const struct frame *f);

struct frame_reader {
	unsigned char   head[FRAME_HEAD];
	size_t          have;	/* bytes of head read */
	uint32_t        want;	/* bytes of body missing, once the head is whole */
	struct desk_buf body;
	uint32_t        last_page;
	bool            any, titled, ended;
};

void frame_reader_init(struct frame_reader *r);
void frame_reader_done(struct frame_reader *r);
/* Take n bytes as they came; fn is called for each whole record. */
DESK_MUST_CHECK enum desk_status frame_read(struct frame_reader *r, struct desk_str bytes,
					    frame_fn *fn, void *arg, struct desk_error *err);
void frame_head_write(unsigned char head[FRAME_HEAD], enum frame_type type, uint32_t page,
		      uint32_t n);

#endif
