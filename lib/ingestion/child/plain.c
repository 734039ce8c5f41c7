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

	r->o->indent = true;
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

struct markdown {
	struct extract_out *o;
	bool                front, code;	/* inside front matter, a fenced block */
	struct desk_str     before;	/* the line above */
};

/* One line outside front matter: a heading in one of Markdown's two forms? */
static void markdown_line(struct markdown *m, struct desk_str line)
{
	if (line.n >= 3 && memcmp(line.p, "```", 3) == 0)
		m->code = !m->code;
	else if (!m->code && line.n > 2 && line.p[0] == '#')
		extract_heading(m->o, plain_trim(line));
	else if (!m->code && m->before.n > 0 && plain_is_rule(line, '='))
		extract_heading(m->o, plain_trim(m->before));
	m->before = line;
}

static void markdown_front(struct markdown *m, struct desk_str line)
{
	if (plain_is_rule(line, '-'))
		m->front = false;
	else if (line.n > 6 && strncasecmp(line.p, "title:", 6) == 0)
		extract_title(m->o, plain_trim((struct desk_str){ line.p + 6, line.n - 6 }));
}

/* "title:" of the front matter, or the first heading. */
static void markdown_title(struct desk_str text, struct extract_out *o)
{
	struct markdown m = { .o = o };

	if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0)
		text.p += 3, text.n -= 3;
	for (size_t no = 0; text.n > 0; no++) {
		const char *nl = memchr(text.p, '\n', text.n);
		struct desk_str line = { text.p, nl != NULL ? (size_t)(nl - text.p) : text.n };
		size_t took = line.n + (nl != NULL);

		text.p += took, text.n -= took;
		if (no == 0 && plain_is_rule(line, '-'))
			m.front = true;
		else if (m.front)
			markdown_front(&m, line);
		else
			markdown_line(&m, line);
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
