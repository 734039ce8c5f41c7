/* tests/fuzz/fuzz_wordpiece.c - any bytes as a text of the tokenizer; what comes out is well formed. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "embed/embed.h"

#include <stdio.h>
#include <stdlib.h>

static struct desk_embedder *fuzz_open(void)
{
	const char *top = getenv("top_srcdir");
	struct desk_error err = { 0 };
	struct desk_embedder *e;
	char path[4096];

	snprintf(path, sizeof(path), "%s/models/all-minilm-l6-v2.int8.desk", top != NULL ? top : ".");
	if (desk_embedder_open(&(struct desk_embed_options){ .model_path = path }, &e, &err) != DESK_OK) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct desk_embedder *e;	/* opening the model for each input would be all the time */
	uint32_t ids[256], cut[256];
	struct desk_str text = { (const char *)data, size };
	size_t n, few;

	if (e == NULL)
		e = fuzz_open();
	n = desk_embed_tokens(e, text, ids, 256);
	few = desk_embed_tokens(e, text, cut, 7);
	if (n < 2 || n > 256 || few > 7 || ids[0] != 101 || ids[n - 1] != 102 || cut[few - 1] != 102)
		abort();
	for (size_t i = 0; i < n; i++)
		if (ids[i] >= 30522 || (i + 1 < few && ids[i] != cut[i]))
			abort();
	return 0;
}
