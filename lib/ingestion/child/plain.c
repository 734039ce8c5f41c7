/* lib/ingestion/child/plain.c - text as it is, and Markdown, which is text that has a title. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/child.h"

#include <string.h>
#include <strings.h>

#define PLAIN_HEAD 8192

struct plain_run {
	struct extract_out *o;
	struct desk_buf     head;	/* the first text, for the title */
};

static void plain_text(void *arg, const char *p, size_t n)
{
	struct plain_run *r = arg;

	if (r->head.n < PLAIN_HEAD)
		desk_buf_add(&r->head, p, n < PLAIN_HEAD - r->head.n ? n : PLAIN_HEAD - r->head.n);
	extract_text(r->o, p, n);
}

static void plain_decode(struct extract_doc *d, struct plain_run *r)
{
	struct desk_str head = { (const char *)d->head, d->head_n };

	desk_buf_init(&r->head, PLAIN_HEAD);
	extract_decode_file(d, extract_charset_guess(head, "", extract_is_utf8(d)), plain_text, r);
}

enum desk_status extract_plain(struct extract_doc *d, struct extract_out *o, struct desk_error *err)
{
	struct plain_run r = { .o = o };

	(void)err;
	plain_decode(d, &r);
	desk_buf_done(&r.head);
	return DESK_OK;
}

static struct desk_str plain_trim(struct desk_str s)
{
	while (s.n > 0 && strchr(" \t\r\"'#", s.p[0]) != NULL)
		s.p++, s.n--;
	while (s.n > 0 && strchr(" \t\r\"'#", s.p[s.n - 1]) != NULL)
		s.n--;
	return s;
}

static bool plain_is_rule(struct desk_str line, char c)
{
	size_t n = 0;

	while (n < line.n && line.p[n] == c)
		n++;
	return n >= 3 && plain_trim((struct desk_str){ line.p + n, line.n - n }).n == 0;
}

/* "title:" of the front matter, or the first heading in either of Markdown's two forms. */
static void markdown_title(struct desk_str text, struct extract_out *o)
{
	struct desk_str before = { "", 0 };
	bool front = false, code = false;

	if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0)
		text.p += 3, text.n -= 3;
	for (size_t no = 0; text.n > 0; no++) {
		const char *nl = memchr(text.p, '\n', text.n);
		struct desk_str line = { text.p, nl != NULL ? (size_t)(nl - text.p) : text.n };

		text.p += line.n, text.n -= line.n;
		if (text.n > 0)
			text.p++, text.n--;
		if (plain_is_rule(line, '-') && no == 0)
			front = true;
		else if (front && plain_is_rule(line, '-'))
			front = false;
		else if (front && line.n > 6 && strncasecmp(line.p, "title:", 6) == 0)
			extract_title(o, plain_trim((struct desk_str){ line.p + 6, line.n - 6 }));
		else if (plain_is_rule(line, '`') || (line.n > 3 && memcmp(line.p, "```", 3) == 0))
			code = !code;
		else if (!front && !code && line.n > 2 && line.p[0] == '#')
			extract_heading(o, plain_trim(line));
		else if (!front && !code && plain_is_rule(line, '=') && before.n > 0)
			extract_heading(o, plain_trim(before));
		before = line;
	}
}

enum desk_status extract_markdown(struct extract_doc *d, struct extract_out *o,
				  struct desk_error *err)
{
	struct plain_run r = { .o = o };

	(void)err;
	plain_decode(d, &r);
	markdown_title(desk_buf_str(&r.head), o);
	desk_buf_done(&r.head);
	return DESK_OK;
}
