/* ctl/cmd_extract.c - frontdeskctl extract: a document's text, as ingestion would see it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "ingestion/ingestion.h"

/* Pages as they come: printed, or gathered for --json. */
struct extract_out {
	json_t         *pages;	/* NULL: print */
	struct desk_buf text;	/* of the page that is being read */
	uint32_t        page;
	bool            any, screen;	/* screen: to a terminal, and so without control characters */
	struct ctl     *c;
};

static void extract_flush(struct extract_out *o)
{
	if (o->pages == NULL || !o->any)
		return;
	json_array_append_new(o->pages, json_pack("{s:I, s:s%}", "page", (json_int_t)o->page, "text",
						  o->text.p != NULL ? o->text.p : "", o->text.n));
	desk_buf_clear(&o->text);
}

static enum desk_status extract_part(void *arg, const struct desk_extract_part *part)
{
	struct extract_out *o = arg;

	if (!o->any || part->page != o->page) {
		extract_flush(o);
		if (o->pages == NULL && o->any)
			fputs("\n\f", stdout);	/* as pdftotext parts pages */
		o->page = part->page;
		o->any = true;
	}
	if (o->pages == NULL && o->screen)
		fputs(ctl_plain(o->c->arena, part->text.p, part->text.n), stdout);
	else if (o->pages == NULL)
		fwrite(part->text.p, 1, part->text.n, stdout);
	else
		(void)desk_buf_add(&o->text, part->text.p, part->text.n);
	return DESK_OK;
}

static void extract_print(struct ctl *c, struct extract_out *o, const struct desk_extract_result *r)
{
	json_t *all;

	if (o->pages == NULL) {
		putchar('\n');
		return;
	}
	extract_flush(o);
	all = json_pack("{s:s, s:s, s:s, s:I, s:I, s:O}", "file", c->args[0], "title", r->title, "format", r->format,
			"page_count", (json_int_t)r->pages, "characters", (json_int_t)r->chars, "pages", o->pages);
	ctl_print_json(desk_json_keep(c->arena, all));
}

static enum desk_status extract_exec(struct ctl *c)
{
	const char *path = c->args[0], *slash = strrchr(path, '/');
	struct extract_out o = { .pages = c->json ? desk_json_keep(c->arena, json_array()) : NULL,
				 .screen = isatty(STDOUT_FILENO) == 1, .c = c };
	struct desk_extract_job job = { .name = slash != NULL ? slash + 1 : path };
	struct desk_extract_result result;
	enum desk_status rc;

	if (c->config->EXTRACT_PROGRAM[0] != '\0')
		job.program = c->config->EXTRACT_PROGRAM;
	job.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (job.fd < 0)
		return desk_fail(&c->cx, errno == ENOENT ? DESK_E_NOT_FOUND : DESK_E_IO, "cannot read %s: %s", path,
				 strerror(errno));
	desk_buf_init(&o.text, desk_extract_limits_default.output);
	rc = desk_extract_run(&job, extract_part, &o, &result, &c->cx.err);
	if (rc == DESK_OK)
		extract_print(c, &o, &result);
	desk_buf_done(&o.text);
	close(job.fd);
	return rc;
}

const struct ctl_command cmd_extract = {
	.name = "extract",
	.args = "FILE",
	.summary = "Print the text of a document, as ingestion sees it",
	.notes = "The document is read in the sandbox. Pages are parted by form feeds; --json prints title, format\n"
		 "and an array of pages.",
	.min_args = 1,
	.max_args = 1,
	.exec = extract_exec,
};
