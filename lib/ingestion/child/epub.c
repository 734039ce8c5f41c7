/* lib/ingestion/child/epub.c - e-books: the spine's documents in order, each as HTML. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/child.h"

#include <stdlib.h>
#include <string.h>

#define EPUB_ITEMS_MAX 20000

struct epub_item {
	char id[128];
	char member[256];
	bool html;
};

struct epub {
	char              opf[256];	/* the package document's name */
	struct epub_item *item;	/* owned: the manifest */
	size_t            n_items;
	size_t           *spine;	/* owned: indexes into item */
	size_t            n_spine;
	bool              in_title;
	struct desk_buf   title;
};

static void epub_container_start(void *arg, const char *el, const struct extract_attrs *at)
{
	struct epub *e = arg;

	if (strcmp(el, "rootfile") == 0 && e->opf[0] == '\0')
		extract_resolve("", extract_attr(at, "full-path"), e->opf);
}

/* %20 and its like in place. */
static void epub_unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		unsigned v = 0;

		for (int i = 1; i <= 2 && *s == '%'; i++) {
			const char *digit = s[i] != '\0' ? strchr("0123456789abcdef", s[i] | 32) : NULL;

			if (digit == NULL) {
				v = 0;
				break;
			}
			v = v * 16 + (unsigned)(digit - "0123456789abcdef");
		}
		*to++ = v >= 32 ? (char)v : *s;
		if (v >= 32)
			s += 2;
	}
	*to = '\0';
}

static void epub_item_add(struct epub *e, const struct extract_attrs *at)
{
	struct desk_str id = extract_attr(at, "id"), type = extract_attr(at, "media-type");
	struct epub_item *item;

	if (e->n_items >= EPUB_ITEMS_MAX || id.n >= sizeof(item->id))
		return;
	if ((e->n_items & (e->n_items - 1)) == 0)
		e->item = desk_xrealloc(e->item, e->n_items > 0 ? e->n_items * 2 : 1, sizeof(*item));
	item = &e->item[e->n_items++];
	memset(item, 0, sizeof(*item));
	memcpy(item->id, id.p, id.n);
	item->html = memmem(type.p, type.n, "html", 4) != NULL;
	extract_resolve(e->opf, extract_attr(at, "href"), item->member);
	epub_unescape(item->member);
}

static void epub_spine_add(struct epub *e, struct desk_str id)
{
	for (size_t i = 0; i < e->n_items && e->n_spine < EPUB_ITEMS_MAX; i++) {
		if (!desk_str_is(id, e->item[i].id))
			continue;
		if ((e->n_spine & (e->n_spine - 1)) == 0)
			e->spine = desk_xrealloc(e->spine, e->n_spine > 0 ? e->n_spine * 2 : 1,
						 sizeof(*e->spine));
		e->spine[e->n_spine++] = i;
		return;
	}
}

static void epub_opf_start(void *arg, const char *el, const struct extract_attrs *at)
{
	struct epub *e = arg;

	if (strcmp(el, "title") == 0)
		e->in_title = e->title.n == 0;
	else if (strcmp(el, "item") == 0)
		epub_item_add(e, at);
	else if (strcmp(el, "itemref") == 0)
		epub_spine_add(e, extract_attr(at, "idref"));
}

static void epub_opf_end(void *arg, const char *el)
{
	if (strcmp(el, "title") == 0)
		((struct epub *)arg)->in_title = false;
}

static void epub_opf_text(void *arg, const char *p, size_t n)
{
	struct epub *e = arg;

	if (e->in_title)
		desk_buf_add(&e->title, p, n);
}

static bool epub_feed(void *arg, const char *p, size_t n)
{
	extract_html_feed(arg, p, n);
	return true;
}

static enum desk_status epub_text(struct extract_zip *z, const struct epub *e, struct extract_out *o,
				  struct desk_error *err)
{
	enum desk_status rc = DESK_OK;

	for (size_t i = 0; i < e->n_spine && rc == DESK_OK && !extract_stopped(o); i++) {
		const struct epub_item *item = &e->item[e->spine[i]];
		struct extract_html *h;

		if (!item->html || !extract_zip_has(z, item->member))
			continue;
		h = extract_html_begin(o, EXTRACT_HTML_PAGE);
		rc = extract_zip_read(z, item->member, epub_feed, h, err);
		extract_html_end(h);
	}
	return rc;
}

static enum desk_status epub_book(struct extract_zip *z, struct epub *e, struct extract_out *o,
				  struct desk_error *err)
{
	static const struct extract_xml container = { .start = epub_container_start };
	static const struct extract_xml opf = { .start = epub_opf_start, .end = epub_opf_end,
						.text = epub_opf_text };
	enum desk_status rc;

	if (extract_zip_has(z, "META-INF/rights.xml"))
		return desk_error_set(err, DESK_E_INPUT, "the e-book is protected against copying (DRM): "
				      "upload one without protection");
	rc = extract_zip_xml(z, "META-INF/container.xml", &container, e, err);
	if (rc == DESK_OK && e->opf[0] == '\0')
		return desk_error_set(err, DESK_E_INPUT, "the e-book is damaged: it names no contents");
	if (rc == DESK_OK)
		rc = extract_zip_xml(z, e->opf, &opf, e, err);
	if (rc != DESK_OK)
		return rc;
	extract_title(o, desk_buf_str(&e->title));
	return epub_text(z, e, o, err);
}

bool extract_epub_sniff(const struct extract_doc *d)
{
	static const char mime[] = "mimetypeapplication/epub+zip";

	return extract_zip_sniff(d) &&
	       (memmem(d->head, d->head_n < 256 ? d->head_n : 256, mime, sizeof(mime) - 1) != NULL ||
		(extract_ext_in(d, " epub ")));
}

enum desk_status extract_epub(struct extract_doc *d, struct extract_out *o, struct desk_error *err)
{
	struct epub e = { 0 };
	struct extract_zip z;
	enum desk_status rc = extract_zip_open(&z, d, err);

	if (rc != DESK_OK)
		return rc;
	desk_buf_init(&e.title, 2000);
	rc = epub_book(&z, &e, o, err);
	desk_buf_done(&e.title);
	free(e.item), free(e.spine);
	extract_zip_close(&z);
	return rc;
}
