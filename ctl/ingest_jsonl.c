/* ctl/ingest_jsonl.c - one document a line: {"_id", "title", "text"}. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest.h"

#define JSONL_BATCH 500	/* documents of a transaction */
#define JSONL_BATCH_BYTES ((size_t)8 << 20)
#define JSONL_LINE_MAX ((size_t)128 << 20)

struct jsonl {
	struct ingest             *in;
	const char                *path;
	long                       line;
	struct desk_arena         *batch;	/* what specs hold; reset with each flush */
	struct desk_document_spec  spec[JSONL_BATCH];
	struct desk_put_result     put[JSONL_BATCH];
	size_t                     n, bytes;
	json_t                    *ids;	/* of the batch: one source once a transaction */
};

static enum desk_status jsonl_flush(struct jsonl *j)
{
	struct ctl *c = j->in->c;
	struct desk_arena *own = c->cx.arena;
	enum desk_status rc;

	c->cx.arena = j->batch;
	rc = desk_document_put_texts(&c->cx, j->spec, j->n, j->put);
	c->cx.arena = own;
	for (size_t i = 0; rc == DESK_OK && i < j->n; i++)
		ingest_note(j->in, j->spec[i].source, &j->put[i]);
	ctl_progress_show(&j->in->bar, 0, 1, desk_arena_printf(j->batch, "%zu documents", j->in->n));
	desk_arena_reset(j->batch);
	json_object_clear(j->ids);
	j->n = j->bytes = 0;
	return rc;
}

/* A number is taken as an _id as well. */
static const char *jsonl_id(struct desk_arena *a, const json_t *doc)
{
	const json_t *id = json_object_get(doc, "_id");

	if (json_is_integer(id))
		return desk_arena_printf(a, "%lld", (long long)json_integer_value(id));
	return json_is_string(id) && *json_string_value(id) != '\0' ? json_string_value(id) : NULL;
}

/* What a document without a text is found by: its title; a blank page when it has none. */
static const char *jsonl_text(const json_t *doc, const char *title)
{
	const char *text = desk_json_string(doc, "text", "");

	if (text[strspn(text, " \t\r\n")] != '\0')
		return text;
	return *title != '\0' ? title : "\n";
}

static enum desk_status jsonl_line(struct jsonl *j, const char *line, size_t n)
{
	struct ctl *c = j->in->c;
	struct desk_error why = { 0 };
	const char *id, *title, *text;
	json_t *doc = NULL;

	if (desk_json_parse(j->batch, line, n, &doc, &why) != DESK_OK)
		return desk_fail(&c->cx, DESK_E_INPUT, "%s, line %ld: %s", j->path, j->line, why.text);
	id = jsonl_id(j->batch, doc);
	if (id == NULL || !json_is_string(json_object_get(doc, "text")))
		return desk_fail(&c->cx, DESK_E_INPUT, "%s, line %ld: needs an \"_id\" and a \"text\"", j->path, j->line);
	if (json_object_get(j->ids, id) != NULL)
		return jsonl_flush(j) == DESK_OK ? jsonl_line(j, line, n) : c->cx.err.code;
	title = desk_json_string(doc, "title", "");
	text = jsonl_text(doc, title);
	json_object_set_new(j->ids, id, json_true());
	j->spec[j->n++] = (struct desk_document_spec){ .source = id, .title = title, .audience = j->in->audience,
						       .text = desk_str_of(text) };
	j->bytes += n;
	return j->n == JSONL_BATCH || j->bytes > JSONL_BATCH_BYTES ? jsonl_flush(j) : DESK_OK;
}

static enum desk_status jsonl_read(struct jsonl *j, FILE *f)
{
	enum desk_status rc = DESK_OK;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while (rc == DESK_OK && (n = getline(&line, &cap, f)) > 0) {
		j->line++;
		if ((size_t)n > JSONL_LINE_MAX)
			rc = desk_fail(&j->in->c->cx, DESK_E_TOO_LARGE, "%s, line %ld: longer than %zu MB", j->path, j->line,
				       JSONL_LINE_MAX >> 20);
		else if (line[strspn(line, " \t\r\n")] != '\0')
			rc = jsonl_line(j, line, (size_t)n);
	}
	if (rc == DESK_OK && ferror(f))
		rc = desk_fail(&j->in->c->cx, DESK_E_IO, "cannot read %s: %s", j->path, strerror(errno));
	free(line);
	return rc == DESK_OK ? jsonl_flush(j) : rc;
}

enum desk_status ingest_jsonl(struct ingest *in, const char *path)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct jsonl *j;
	enum desk_status rc;

	if (f == NULL)
		return desk_fail(&in->c->cx, errno == ENOENT ? DESK_E_NOT_FOUND : DESK_E_IO, "cannot read %s: %s", path,
				 strerror(errno));
	j = desk_xcalloc(1, sizeof(*j));
	j->in = in;
	j->path = path;
	j->batch = desk_arena_new();
	j->ids = json_object();
	rc = jsonl_read(j, f);
	desk_db_rollback(&in->c->cx);
	json_decref(j->ids);
	desk_arena_free(j->batch);
	free(j);
	if (f != stdin)
		fclose(f);
	return rc;
}
