/* tests/fuzz/fuzz_split.c - any bytes as options and text: chunks are in order, in size, in the text. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ingestion/ingestion.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct fuzz_split {
	struct desk_str text;
	size_t          size, chunks, last_start, last_end, covered;
};

static enum desk_status fuzz_chunk(void *arg, const struct desk_split_chunk *c)
{
	struct fuzz_split *f = arg;
	const char *text = f->text.p;

	if (c->content.n == 0 || c->content.p != text + c->byte || c->byte + c->content.n > f->text.n)
		abort();
	if (c->index != f->chunks++ || c->end - c->start > f->size || c->end <= c->start)
		abort();
	if (c->start < f->last_start || c->end < f->last_end)
		abort();
	if (desk_utf8_count(text, c->byte) != c->start ||
	    desk_utf8_count(c->content.p, c->content.n) != c->end - c->start)
		abort();
	f->last_start = c->start;
	f->last_end = c->end;
	return DESK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct desk_split_options opt = desk_split_defaults;
	struct fuzz_split f = { .chunks = 0 };
	struct desk_error err = { 0 };
	enum desk_status rc;

	if (n < 2)
		return 0;
	opt.size = data[0];
	opt.overlap = data[1];
	f.text = (struct desk_str){ (const char *)data + 2, n - 2 };
	f.size = opt.size;
	rc = desk_split(&opt, f.text, fuzz_chunk, &f, &err);
	if (rc != DESK_OK && (rc != DESK_E_INPUT || f.chunks > 0))
		abort();
	return 0;
}
