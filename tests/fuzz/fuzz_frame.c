/* tests/fuzz/fuzz_frame.c - any bytes from the extractor, in pieces of any size. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ingestion/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum desk_status fuzz_frame(void *arg, const struct frame *f)
{
	size_t *seen = arg;

	if (f->body.n > FRAME_TEXT_MAX || !desk_utf8_valid(f->body.p, f->body.n) ||
	    f->body.p[f->body.n] != '\0' || strlen(f->body.p) != f->body.n)
		abort();
	if ((f->type == FRAME_FORMAT) != (*seen == 0) && f->type != FRAME_FAIL)
		abort();
	++*seen;
	return DESK_OK;
}

/* Whole or byte by byte: the same records and the same verdict. */
static enum desk_status fuzz_read(const uint8_t *data, size_t n, size_t step, size_t *seen)
{
	struct desk_error err = { 0 };
	struct frame_reader r;
	enum desk_status rc = DESK_OK;

	frame_reader_init(&r);
	for (size_t at = 0; at < n && rc == DESK_OK; at += step) {
		struct desk_str s = { (const char *)data + at, n - at < step ? n - at : step };

		rc = frame_read(&r, s, fuzz_frame, seen, &err);
	}
	frame_reader_done(&r);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t whole = 0, bytes = 0;

	if (fuzz_read(data, n, n > 0 ? n : 1, &whole) != fuzz_read(data, n, 1, &bytes) || whole != bytes)
		abort();
	return 0;
}
