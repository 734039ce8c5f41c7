/* lib/ingestion/child/docx.c - Word documents: paragraphs, headings, lists, tables, notes. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Elements go by their local names, which transitional and strict OOXML share. Comments and
 * deleted text stay out: they are remarks of the writers, not what the document says.
 */
#include "ingestion/child/child.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DOCX_HEADING_MAX 400
#define DOCX_STYLES_MAX 4000

/* Style ids whose names or outline levels say heading. */
struct docx_styles {
	struct docx_style {
		char id[64];
		bool heading, title;
	}                *at;	/* owned */
	size_t            n;
	struct docx_style now;
	bool              in;
};

struct docx {
	struct extract_out       *o;
	const struct docx_styles *styles;
	int                       skip;	/* depth inside something that is not text */
	int                       table;	/* tables open */
	bool                      in_text, heading, title, bullet, started;
	bool                      in_list;	/* the paragraph before was an item */
	struct desk_buf           line;	/* a heading's own text, for the title */
};

static bool docx_is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool docx_starts(struct desk_str s, const char *word)
{
	return s.n >= strlen(word) && strncasecmp(s.p, word, strlen(word)) == 0;
}

static void docx_styles_start(void *arg, const char *el, const struct extract_attrs *at)
{
	struct docx_styles *s = arg;
	struct desk_str v;

	if (docx_is(el, "style")) {
		v = extract_attr(at, "styleId");
		s->now = (struct docx_style){ 0 };
		s->in = v.n < sizeof(s->now.id);
		memcpy(s->now.id, v.p, s->in ? v.n : 0);
	} else if (s->in && docx_is(el, "name")) {
		v = extract_attr(at, "val");
		s->now.title = desk_str_is(v, "Title") || desk_str_is(v, "title");
		s->now.heading = s->now.title || docx_starts(v, "heading ");
	} else if (s->in && docx_is(el, "outlineLvl")) {
		s->now.heading |= extract_attr_int(at, "val", 9) < 9;
	}
}

static void docx_styles_end(void *arg, const char *el)
{
	struct docx_styles *s = arg;

	if (!docx_is(el, "style") || !s->in || !s->now.heading || s->n >= DOCX_STYLES_MAX)
		return;
	if ((s->n & (s->n - 1)) == 0)
		s->at = desk_xrealloc(s->at, s->n > 0 ? s->n * 2 : 1, sizeof(*s->at));
	s->at[s->n++] = s->now;
}

static void docx_style(struct docx *d, struct desk_str id)
{
	for (size_t i = 0; i < d->styles->n; i++) {
		if (!desk_str_is(id, d->styles->at[i].id))
			continue;
		d->heading = true;
		d->title = d->styles->at[i].title;
		return;
	}
	if (docx_starts(id, "ListBullet") || docx_starts(id, "ListNumber"))
		d->bullet = true;
}

/* Text of a paragraph begins: only now is it known whether it is a heading or a list's item. */
static void docx_begin(struct docx *d)
{
	if (d->started)
		return;
	d->started = true;
	if (d->table > 0)
		return;
	if (d->heading || (d->in_list && !d->bullet))
		extract_para(d->o);
	else if (d->bullet)
		extract_text(d->o, "- ", 2);
}

static void docx_paragraph_end(struct docx *d)
{
	if (d->started && d->heading && d->line.n > 0) {
		if (d->title)
			extract_title(d->o, desk_buf_str(&d->line));
		extract_heading(d->o, desk_buf_str(&d->line));
	}
	if (d->table > 0)
		extract_space(d->o);
	else if (d->started && d->bullet && !d->heading)
		extract_line(d->o);
	else
		extract_para(d->o);
	desk_buf_clear(&d->line);
	d->in_list = d->bullet && !d->heading && d->table == 0;
	d->heading = d->title = d->bullet = d->started = false;
}

static bool docx_skipped(const char *el)
{
	static const char *const names[] = { "Fallback", "delText", "instrText", "del", "moveFrom",
					     "delInstrText" };

	for (size_t i = 0; i < DESK_ARRAY_LEN(names); i++)
		if (docx_is(el, names[i]))
			return true;
	return false;
}

/* Elements that stand for a character or a break. */
static void docx_mark(struct docx *d, const char *el, const struct extract_attrs *at)
{
	if (docx_is(el, "tab") && extract_attr(at, "pos").n == 0) {
		extract_text(d->o, "\t", 1);
	} else if (docx_is(el, "br") || docx_is(el, "cr")) {
		if (d->table > 0)
			extract_space(d->o);
		else if (desk_str_is(extract_attr(at, "type"), "page"))
			extract_para(d->o);
		else
			extract_line(d->o);
	} else if (docx_is(el, "noBreakHyphen")) {
		extract_text(d->o, "-", 1);
	} else if (docx_is(el, "sym")) {
		extract_text(d->o, "\xE2\x80\xA2", 3);
	}
}

static void docx_start(void *arg, const char *el, const struct extract_attrs *at)
{
	struct docx *d = arg;

	if (d->skip > 0 || docx_skipped(el)) {
		d->skip++;
		return;
	}
	d->in_text = docx_is(el, "t");
	if (d->in_text)
		docx_begin(d);
	else if (docx_is(el, "pStyle"))
		docx_style(d, extract_attr(at, "val"));
	else if (docx_is(el, "numId"))
		d->bullet = extract_attr_int(at, "val", 0) != 0;
	else if (docx_is(el, "outlineLvl"))
		d->heading |= extract_attr_int(at, "val", 9) < 9;
	else if (docx_is(el, "tbl"))
		d->table++, extract_para(d->o);
	else if (docx_is(el, "tr"))
		extract_line(d->o);
	else if (docx_is(el, "tc"))
		extract_cell(d->o);
	else if (docx_is(el, "txbxContent"))
		extract_para(d->o);
	else
		docx_mark(d, el, at);
}

static void docx_end(void *arg, const char *el)
{
	struct docx *d = arg;

	d->in_text = false;
	if (d->skip > 0) {
		d->skip--;
		return;
	}
	if (docx_is(el, "p")) {
		docx_paragraph_end(d);
	} else if (docx_is(el, "tbl") && d->table > 0) {
		d->table--;
		extract_para(d->o);
	} else if (docx_is(el, "tr")) {
		extract_line(d->o);
	}
}

static void docx_text(void *arg, const char *p, size_t n)
{
	struct docx *d = arg;

	if (!d->in_text || d->skip > 0)
		return;
	extract_text(d->o, p, n);
	if (d->heading && d->line.n + n <= DOCX_HEADING_MAX)
		desk_buf_add(&d->line, p, n);
}

static bool docx_stopped(void *arg)
{
	return extract_stopped(((struct docx *)arg)->o);
}

static const struct extract_xml docx_ops = { docx_start, docx_end, docx_text, docx_stopped };

static enum desk_status docx_part(struct extract_zip *z, const char *member, struct docx *d,
				  struct desk_error *err)
{
	enum desk_status rc;

	desk_buf_init(&d->line, DOCX_HEADING_MAX);
	rc = extract_zip_xml(z, member, &docx_ops, d, err);
	desk_buf_done(&d->line);
	d->skip = d->table = 0;
	extract_para(d->o);
	return rc;
}

/* Notes follow the text; headers and footers are repeated on each page and stay out. */
static void docx_notes(struct extract_zip *z, const struct extract_rels *rels, struct docx *d)
{
	static const char *const kinds[] = { "footnotes", "endnotes" };

	for (size_t i = 0; i < DESK_ARRAY_LEN(kinds); i++) {
		const char *member = extract_rels_by_type(rels, kinds[i]);

		if (member != NULL && docx_part(z, member, d, NULL) != DESK_OK)
			return;	/* the text itself is there */
	}
}

static enum desk_status docx_body(struct extract_zip *z, const char *main_part,
				  struct extract_out *o, struct desk_error *err)
{
	static const struct extract_xml styles_ops = { .start = docx_styles_start,
						       .end = docx_styles_end };
	struct docx_styles styles = { 0 };
	struct docx d = { .o = o, .styles = &styles };
	struct extract_rels rels;
	const char *member;
	enum desk_status rc;

	extract_rels_load(z, main_part, &rels);
	member = extract_rels_by_type(&rels, "styles");
	if (member != NULL && extract_zip_xml(z, member, &styles_ops, &styles, NULL) != DESK_OK)
		styles.in = false;	/* what was read is a help, not a need */
	rc = docx_part(z, main_part, &d, err);
	if (rc == DESK_OK) {
		extract_charts(z, &rels, o);
		docx_notes(z, &rels, &d);
	}
	extract_rels_done(&rels);
	free(styles.at);
	return rc;
}

bool extract_docx_sniff(const struct extract_doc *d)
{
	return extract_opc_main(d, "word/", NULL);
}

enum desk_status extract_docx(struct extract_doc *d, struct extract_out *o, struct desk_error *err)
{
	char main_part[256] = "";
	struct extract_zip z;
	enum desk_status rc;

	if (!extract_opc_main(d, "word/", main_part))
		return desk_error_set(err, DESK_E_INPUT, "the file is damaged: it has no document part");
	rc = extract_zip_open(&z, d, err);
	if (rc != DESK_OK)
		return rc;
	extract_meta_title(&z, "docProps/core.xml", o);
	rc = docx_body(&z, main_part, o, err);
	extract_zip_close(&z);
	return rc;
}
