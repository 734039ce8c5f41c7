/* lib/ingestion/child/eml.c - e-mail: who, when, what about, the text, names of attachments. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/mime.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EML_DEPTH_MAX 12
#define EML_PARTS_MAX 2000
#define EML_HEADER_MAX 8192

struct eml {
	struct extract_out *o;
	int                 depth, parts;
};

/* A part: its headers, and its body as it came. */
struct eml_part {
	struct desk_str head, body;
	char            type[96];	/* "text/html", lower case */
	char            charset[64], coding[32];
	char            name[256];	/* of an attachment */
	bool            attached;
};

/* Next line of s without its end; s moves past it. */
static struct desk_str eml_line(struct desk_str *s)
{
	const char *nl = memchr(s->p, '\n', s->n);
	struct desk_str line = { s->p, nl != NULL ? (size_t)(nl - s->p) : s->n };
	size_t took = line.n + (nl != NULL);

	s->p += took, s->n -= took;
	while (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* The value of a header, its continuation lines included, or "". */
static struct desk_str eml_header(struct desk_str head, const char *name)
{
	size_t n = strlen(name);

	while (head.n > 0) {
		struct desk_str line = eml_line(&head), value;

		if (line.n <= n || line.p[n] != ':' || strncasecmp(line.p, name, n) != 0)
			continue;
		value = (struct desk_str){ line.p + n + 1, line.n - n - 1 };
		while (head.n > 0 && (head.p[0] == ' ' || head.p[0] == '\t')) {
			line = eml_line(&head);
			value.n = (size_t)(line.p + line.n - value.p);
		}
		while (value.n > 0 && isspace((unsigned char)value.p[0]))
			value.p++, value.n--;
		if (value.n > EML_HEADER_MAX)
			value.n = EML_HEADER_MAX;
		return value;
	}
	return (struct desk_str){ "", 0 };
}

static void eml_copy(struct desk_buf *from, char *dst, size_t cap)
{
	desk_copy(dst, cap, from->p != NULL ? from->p : "");
	desk_buf_clear(from);
}

/* The first word of a structured header in lower case: text/plain, attachment, base64. */
static void eml_token(struct desk_str value, char *dst, size_t cap)
{
	size_t n = 0;

	while (n < value.n && n + 1 < cap && value.p[n] != ';' && !isspace((unsigned char)value.p[n])) {
		dst[n] = (char)tolower((unsigned char)value.p[n]);
		n++;
	}
	dst[n] = '\0';
}

static void eml_part_read(struct desk_str bytes, struct eml_part *p)
{
	struct desk_str rest = bytes, type, disposition;
	struct desk_buf b, name;
	char word[32];

	memset(p, 0, sizeof(*p));
	while (rest.n > 0 && eml_line(&rest).n > 0)
		;
	p->head = (struct desk_str){ bytes.p, bytes.n - rest.n };
	p->body = rest;
	type = eml_header(p->head, "Content-Type");
	disposition = eml_header(p->head, "Content-Disposition");
	eml_token(type, p->type, sizeof(p->type));
	eml_token(eml_header(p->head, "Content-Transfer-Encoding"), p->coding, sizeof(p->coding));
	eml_token(disposition, word, sizeof(word));
	if (strchr(p->type, '/') == NULL)
		desk_copy(p->type, sizeof(p->type), "text/plain");
	desk_buf_init(&b, EML_HEADER_MAX * 4);
	desk_buf_init(&name, EML_HEADER_MAX * 4);
	mime_param(type, "charset", &b);
	eml_copy(&b, p->charset, sizeof(p->charset));
	mime_param(disposition, "filename", &b);
	if (b.n == 0)
		mime_param(type, "name", &b);
	mime_header_text(desk_buf_str(&b), &name);
	eml_copy(&name, p->name, sizeof(p->name));
	p->attached = strcmp(word, "attachment") == 0;
	desk_buf_done(&b);
	desk_buf_done(&name);
}

static void eml_text(struct eml *e, const struct eml_part *p)
{
	struct desk_buf bytes, text;
	struct extract_html *h;

	desk_buf_init(&bytes, p->body.n + 1);
	mime_decode(p->body, p->coding, &bytes);
	desk_buf_init(&text, bytes.n * 3 + 16);
	mime_to_utf8((struct desk_str){ bytes.p != NULL ? bytes.p : "", bytes.n }, p->charset, &text);
	desk_buf_done(&bytes);
	extract_para(e->o);
	if (text.n > 0 && strcmp(p->type, "text/html") == 0) {
		h = extract_html_begin(e->o, EXTRACT_HTML_ALL);
		extract_html_feed(h, text.p, text.n);
		extract_html_end(h);
	} else if (text.n > 0) {
		e->o->indent = true;
		extract_text(e->o, text.p, text.n);
		e->o->indent = false;
	}
	extract_para(e->o);
	desk_buf_done(&text);
}

static void eml_part(struct eml *e, struct desk_str bytes);

/* A boundary line: 1 for another part, 2 for the end, 0 for none. */
static int eml_boundary(struct desk_str line, struct desk_str boundary)
{
	if (line.n < boundary.n + 2 || memcmp(line.p, "--", 2) != 0 ||
	    memcmp(line.p + 2, boundary.p, boundary.n) != 0)
		return 0;
	return line.n >= boundary.n + 4 && memcmp(line.p + 2 + boundary.n, "--", 2) == 0 ? 2 : 1;
}

/* Call fn for each part between the boundaries. A missing end is the end of the text. */
static void eml_each(struct eml *e, struct desk_str body, struct desk_str boundary,
		     void (*fn)(struct eml *, struct desk_str, void *), void *arg)
{
	const char *from = NULL;

	while (body.n > 0 && e->parts < EML_PARTS_MAX) {
		const char *at = body.p;
		struct desk_str line = eml_line(&body);
		int kind = eml_boundary(line, boundary);

		if (kind == 0)
			continue;
		if (from != NULL) {
			e->parts++;
			fn(e, (struct desk_str){ from, (size_t)(at - from) }, arg);
		}
		from = kind == 1 ? body.p : NULL;
		if (kind == 2)
			return;
	}
	if (from != NULL && e->parts < EML_PARTS_MAX)
		fn(e, (struct desk_str){ from, (size_t)(body.p + body.n - from) }, arg);
}

static void eml_mixed(struct eml *e, struct desk_str bytes, void *arg)
{
	(void)arg;
	eml_part(e, bytes);
}

/* Of several forms of one text the plain one is read, unless it is empty. */
struct eml_choice {
	struct desk_str best;
	int             rank;
};

static void eml_choose(struct eml *e, struct desk_str bytes, void *arg)
{
	struct eml_choice *c = arg;
	struct eml_part p;
	int rank;

	(void)e;
	eml_part_read(bytes, &p);
	rank = strcmp(p.type, "text/plain") == 0 ? 3 : strncmp(p.type, "multipart/", 10) == 0 ? 2 :
	       strcmp(p.type, "text/html") == 0 ? 2 : 1;
	for (size_t i = 0; i < p.body.n && rank == 3; i++)
		if (!isspace((unsigned char)p.body.p[i]))
			break;
		else if (i + 1 == p.body.n)
			rank = 0;
	if (rank > c->rank) {
		c->rank = rank;
		c->best = bytes;
	}
}

static void eml_multipart(struct eml *e, const struct eml_part *p)
{
	struct eml_choice choice = { 0 };
	struct desk_str boundary;
	struct desk_buf b;

	desk_buf_init(&b, EML_HEADER_MAX);
	mime_param(eml_header(p->head, "Content-Type"), "boundary", &b);
	boundary = (struct desk_str){ b.p != NULL ? b.p : "", b.n };
	if (b.n == 0) {
		eml_text(e, p);
	} else if (strcmp(p->type, "multipart/alternative") == 0) {
		eml_each(e, p->body, boundary, eml_choose, &choice);
		if (choice.best.p != NULL)
			eml_part(e, choice.best);
	} else {
		eml_each(e, p->body, boundary, eml_mixed, NULL);
	}
	desk_buf_done(&b);
}

static void eml_message(struct eml *e, struct desk_str bytes, bool outer);

static void eml_part(struct eml *e, struct desk_str bytes)
{
	struct eml_part p;

	if (e->depth >= EML_DEPTH_MAX || extract_stopped(e->o))
		return;
	e->depth++;
	eml_part_read(bytes, &p);
	if (strncmp(p.type, "multipart/", 10) == 0) {
		eml_multipart(e, &p);
	} else if (strcmp(p.type, "message/rfc822") == 0 && p.coding[0] != 'b') {
		eml_message(e, p.body, false);
	} else if (strncmp(p.type, "text/", 5) == 0 && !p.attached) {
		eml_text(e, &p);
	} else if (p.name[0] != '\0') {
		extract_line(e->o);
		extract_text(e->o, "Attachment: ", 12);
		extract_text(e->o, p.name, strlen(p.name));
		extract_line(e->o);
	}
	e->depth--;
}

static void eml_message(struct eml *e, struct desk_str bytes, bool outer)
{
	static const char *const shown[] = { "Subject", "From", "To", "Cc", "Date" };
	struct eml_part p;
	struct desk_buf value;

	eml_part_read(bytes, &p);
	desk_buf_init(&value, EML_HEADER_MAX * 4);
	extract_para(e->o);
	for (size_t i = 0; i < DESK_ARRAY_LEN(shown); i++) {
		desk_buf_clear(&value);
		mime_header_text(eml_header(p.head, shown[i]), &value);
		if (value.n == 0)
			continue;
		if (i == 0 && outer)
			extract_title(e->o, desk_buf_str(&value));
		extract_text(e->o, shown[i], strlen(shown[i]));
		extract_text(e->o, ": ", 2);
		e->o->collapse = true;
		extract_text(e->o, value.p, value.n);
		e->o->collapse = false;
		extract_line(e->o);
	}
	desk_buf_done(&value);
	extract_para(e->o);
	eml_part(e, bytes);
}

static bool eml_is_known(struct desk_str line)
{
	static const char *const names[] = {
		"From:", "To:", "Subject:", "Date:", "Received:", "MIME-Version:", "Message-ID:",
		"Return-Path:", "Delivered-To:", "Content-Type:", "Reply-To:", "Cc:", "Sender:",
		"DKIM-Signature:", "X-",
	};

	for (size_t i = 0; i < DESK_ARRAY_LEN(names); i++)
		if (line.n >= strlen(names[i]) && strncasecmp(line.p, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* "Name: value", or the continuation of one. */
static bool eml_is_header(struct desk_str line)
{
	size_t n = 0;

	if (line.p[0] == ' ' || line.p[0] == '\t')
		return true;
	while (n < line.n && line.p[n] > 32 && line.p[n] < 127 && line.p[n] != ':')
		n++;
	return n > 0 && n < line.n && line.p[n] == ':';
}

static bool eml_is_mbox(struct desk_str text)
{
	return text.n > 5 && memcmp(text.p, "From ", 5) == 0;
}

/* Headers from the first line on, two of them of those that e-mails have. */
bool extract_eml_sniff(const struct extract_doc *d)
{
	struct desk_str head = { (const char *)d->head, d->head_n };
	int known = 0;

	if (eml_is_mbox(head))
		eml_line(&head);
	for (int i = 0; i < 40 && head.n > 0; i++) {
		struct desk_str line = eml_line(&head);

		if (line.n == 0)
			break;
		if (!eml_is_header(line))
			return false;
		known += eml_is_known(line);
	}
	return known >= 2;
}

enum desk_status extract_eml(struct extract_doc *d, struct extract_out *o, struct desk_error *err)
{
	struct eml e = { .o = o };
	struct desk_buf file;
	enum desk_status rc = extract_load(d, &file, err);
	struct desk_str bytes;

	if (rc != DESK_OK)
		return rc;
	bytes = desk_buf_str(&file);
	if (eml_is_mbox(bytes))
		eml_line(&bytes);	/* the line that an mbox puts in front */
	if (bytes.n > 0)
		eml_message(&e, bytes, true);
	desk_buf_done(&file);
	return DESK_OK;
}
