/* ctl/cmd_split.c - frontdeskctl split: the chunks of a text file, a JSON line each. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "ingestion/ingestion.h"

#define SPLIT_INPUT_MAX (256u << 20)

static json_t *split_json(const struct desk_split_chunk *chunk)
{
	return json_pack("{s:s%, s:I, s:I, s:I}", "content", chunk->content.p, chunk->content.n, "chunk_index",
			 (json_int_t)chunk->index, "start", (json_int_t)chunk->start, "end", (json_int_t)chunk->end);
}

/* The list of --json, or a line at once. */
static enum desk_status split_chunk(void *arg, const struct desk_split_chunk *chunk)
{
	json_t *list = arg, *v = split_json(chunk);
	char *text;

	if (list != NULL) {
		json_array_append_new(list, v);
		return DESK_OK;
	}
	text = json_dumps(v, JSON_COMPACT);
	puts(text != NULL ? text : "null");
	free(text);
	json_decref(v);
	return DESK_OK;
}

static enum desk_status split_exec(struct ctl *c)
{
	json_t *list = c->json ? desk_json_keep(c->arena, json_array()) : NULL;
	struct desk_str text;
	enum desk_status rc = ctl_read_file(c, c->args[0], SPLIT_INPUT_MAX, &text);

	if (rc == DESK_OK && !desk_utf8_valid(text.p, text.n))
		rc = desk_fail(&c->cx, DESK_E_INPUT, "%s is not UTF-8: frontdeskctl extract reads other files", c->args[0]);
	if (rc == DESK_OK)
		rc = desk_split(NULL, text, split_chunk, list, &c->cx.err);
	if (rc == DESK_OK && list != NULL)
		ctl_print_json(list);
	return rc;
}

const struct ctl_command cmd_split = {
	.name = "split",
	.args = "FILE",
	.summary = "Show how a text is split into chunks",
	.notes = "FILE is UTF-8 text (- is standard input). A JSON line a chunk: content, chunk_index, start, end;\n"
		 "start and end count code points of the file. --json prints one array.",
	.min_args = 1,
	.max_args = 1,
	.exec = split_exec,
};
