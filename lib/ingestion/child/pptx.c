/* lib/ingestion/child/pptx.c - PowerPoint: a slide is a page, its notes follow its text. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/child.h"

#include <stdlib.h>
#include <string.h>

#define PPTX_SLIDES_MAX 5000
#define PPTX_TITLE_MAX 300

struct pptx {
	struct extract_out *o;
	bool                in_text, in_cell, title;
	bool                furniture;	/* slide number, date, footer */
	int                 skip;
	struct desk_buf     heading;
};

struct pptx_order {
	char (*id)[64];	/* owned: relationship ids of the slides, in order */
	size_t n;
};

static void pptx_order_start(void *arg, const char *el, const struct extract_attrs *at)
{
	struct pptx_order *order = arg;
	struct desk_str id = extract_attr_prefixed(at, "id");

	if (strcmp(el, "sldId") != 0 || id.n >= sizeof(order->id[0]) || order->n >= PPTX_SLIDES_MAX)
		return;
	if ((order->n & (order->n - 1)) == 0)
		order->id = desk_xrealloc(order->id, order->n > 0 ? order->n * 2 : 1,
					  sizeof(order->id[0]));
	memcpy(order->id[order->n], id.p, id.n);
	order->id[order->n++][id.n] = '\0';
}

static void pptx_start(void *arg, const char *el, const struct extract_attrs *at)
{
	struct pptx *s = arg;
	struct desk_str type;

	if (s->skip > 0 || strcmp(el, "Fallback") == 0) {
		s->skip++;
		return;
	}
	s->in_text = strcmp(el, "t") == 0;
	if (strcmp(el, "sp") == 0) {
		s->title = s->furniture = false;
	} else if (strcmp(el, "ph") == 0) {
		type = extract_attr(at, "type");
		s->title = desk_str_is(type, "title") || desk_str_is(type, "ctrTitle");
		s->furniture = desk_str_is(type, "sldNum") || desk_str_is(type, "dt") ||
			       desk_str_is(type, "ftr") || desk_str_is(type, "hdr");
	} else if (strcmp(el, "tc") == 0) {
		extract_cell(s->o);
		s->in_cell = true;
	} else if (strcmp(el, "br") == 0 || strcmp(el, "tr") == 0) {
		extract_line(s->o);
	}
}

static void pptx_end(void *arg, const char *el)
{
	struct pptx *s = arg;

	s->in_text = false;
	if (s->skip > 0) {
		s->skip--;
		return;
	}
	if (strcmp(el, "p") == 0) {
		if (s->in_cell)
			extract_space(s->o);
		else
			extract_line(s->o);
	} else if (strcmp(el, "tc") == 0) {
		s->in_cell = false;
	} else if (strcmp(el, "tr") == 0) {
		extract_line(s->o);
	} else if (strcmp(el, "sp") == 0 || strcmp(el, "graphicFrame") == 0) {
		extract_para(s->o);
		s->title = s->furniture = false;
	}
}

static void pptx_text(void *arg, const char *p, size_t n)
{
	struct pptx *s = arg;

	if (!s->in_text || s->skip > 0 || s->furniture)
		return;
	extract_text(s->o, p, n);
	if (s->title)
		desk_buf_add(&s->heading, p, n);
}

static bool pptx_stopped(void *arg)
{
	return extract_stopped(((struct pptx *)arg)->o);
}

static const struct extract_xml pptx_ops = { pptx_start, pptx_end, pptx_text, pptx_stopped };

/* A slide and what hangs on it: notes, charts and diagrams come as parts of their own. */
static enum desk_status pptx_slide(struct extract_zip *z, const char *member, struct extract_out *o,
				   struct desk_error *err)
{
	static const char *const beside[] = { "diagramData", "notesSlide" };
	struct pptx s = { .o = o };
	struct extract_rels rels;
	enum desk_status rc;

	desk_buf_init(&s.heading, PPTX_TITLE_MAX);
	rc = extract_zip_xml(z, member, &pptx_ops, &s, err);
	if (s.heading.n > 0)
		extract_heading(o, desk_buf_str(&s.heading));
	desk_buf_done(&s.heading);
	extract_rels_load(z, member, &rels);
	if (rc == DESK_OK)
		extract_charts(z, &rels, o);
	for (size_t i = 0; rc == DESK_OK && i < DESK_ARRAY_LEN(beside); i++) {
		const char *part = extract_rels_by_type(&rels, beside[i]);
		struct pptx more = { .o = o };

		desk_buf_init(&more.heading, PPTX_TITLE_MAX);
		extract_para(o);
		if (part != NULL && extract_zip_xml(z, part, &pptx_ops, &more, NULL) != DESK_OK)
			extract_para(o);	/* a help, not a need */
		desk_buf_done(&more.heading);
	}
	extract_rels_done(&rels);
	return rc;
}

static enum desk_status pptx_slides(struct extract_zip *z, const char *main_part,
				    struct extract_doc *d, struct extract_out *o,
				    struct desk_error *err)
{
	static const struct extract_xml ops = { .start = pptx_order_start };
	struct pptx_order order = { 0 };
	struct extract_rels rels;
	enum desk_status rc;

	rc = extract_zip_xml(z, main_part, &ops, &order, err);
	extract_rels_load(z, main_part, &rels);
	for (size_t i = 0; i < order.n && rc == DESK_OK && !extract_stopped(o); i++) {
		const char *member = extract_rels_by_id(&rels, desk_str_of(order.id[i]));

		extract_page(o, (uint32_t)i + 1);
		if (member != NULL)
			rc = pptx_slide(z, member, o, err);
	}
	d->pages = (uint32_t)order.n;
	extract_rels_done(&rels);
	free(order.id);
	return rc;
}

bool extract_pptx_sniff(const struct extract_doc *d)
{
	return extract_opc_main(d, "ppt/", NULL);
}

enum desk_status extract_pptx(struct extract_doc *d, struct extract_out *o, struct desk_error *err)
{
	char main_part[256] = "";
	struct extract_zip z;
	enum desk_status rc;

	if (!extract_opc_main(d, "ppt/", main_part))
		return desk_error_set(err, DESK_E_INPUT, "the file is damaged: it has no presentation");
	rc = extract_zip_open(&z, d, err);
	if (rc != DESK_OK)
		return rc;
	extract_meta_title(&z, "docProps/core.xml", o);
	rc = pptx_slides(&z, main_part, d, o, err);
	extract_zip_close(&z);
	if (rc == DESK_OK && o->visible == 0 && o->part.n == 0)
		return desk_error_set(err, DESK_E_INPUT, "no text found in %u slides: they hold only "
				      "pictures; run OCR, save as PDF and upload again", d->pages);
	return rc;
}
