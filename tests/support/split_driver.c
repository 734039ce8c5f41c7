/* tests/support/split_driver.c - the chunks of a file as JSON lines, by the library alone. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * split_driver FILE [SIZE OVERLAP]: one line a chunk.
 * split_driver --batch FILE [SIZE OVERLAP]: FILE holds JSON strings, a line each; each text's
 * chunks come out as one line, an array.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingestion/ingestion.h"

static enum desk_status print_chunk(void *arg, const struct desk_split_chunk *c)
{
	json_t *o = json_pack("{s:s%, s:I, s:I, s:I}", "content", c->content.p, c->content.n,
			      "chunk_index", (json_int_t)c->index, "start", (json_int_t)c->start,
			      "end", (json_int_t)c->end);
	json_t *list = arg;

	if (list != NULL)
		return json_array_append_new(list, o) == 0 ? DESK_OK : DESK_E_BUG;
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
	return DESK_OK;
}

static int split_batch(FILE *f, const struct desk_split_options *opt)
{
	struct desk_error err = { 0 };
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, f)) > 0) {
		json_t *text = json_loadb(line, (size_t)n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		json_t *list = json_array();
		struct desk_str s = { json_string_value(text), json_string_length(text) };

		if (desk_split(opt, s, print_chunk, list, &err) != DESK_OK) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		json_dumpf(list, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(list);
		json_decref(text);
	}
	free(line);
	return 0;
}

static int split_file(FILE *f, const struct desk_split_options *opt)
{
	struct desk_error err = { 0 };
	struct desk_buf b;
	char part[65536];
	size_t n;
	int rc = 0;

	desk_buf_init(&b, (size_t)1 << 30);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		desk_buf_add(&b, part, n);
	if (desk_split(opt, desk_buf_str(&b), print_chunk, NULL, &err) != DESK_OK) {
		fprintf(stderr, "%s\n", err.text);
		rc = 1;
	}
	desk_buf_done(&b);
	return rc;
}

int main(int argc, char **argv)
{
	struct desk_split_options opt = desk_split_defaults;
	bool batch = argc > 1 && strcmp(argv[1], "--batch") == 0;
	int at = batch ? 2 : 1, rc;
	FILE *f = argc > at ? fopen(argv[at], "rb") : NULL;
	int64_t size, overlap;

	if (f == NULL) {
		fprintf(stderr, "usage: split_driver [--batch] FILE [SIZE OVERLAP]\n");
		return 64;
	}
	if (argc > at + 2 && desk_parse_int64(argv[at + 1], &size) &&
	    desk_parse_int64(argv[at + 2], &overlap)) {
		opt.size = (size_t)size;
		opt.overlap = (size_t)overlap;
	}
	rc = batch ? split_batch(f, &opt) : split_file(f, &opt);
	fclose(f);
	return rc;
}
