/* lib/ingestion/child/odf.c - OpenDocument: texts, presentations (a slide a page), sheets. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/child.h"

#include <string.h>

#define ODF_HEADING_MAX 400

struct odf {
	struct extract_out *o;
	int                 skip;	/* depth inside something that is not text */
	int                 cell, list, text;	/* depth of cells, list items, paragraphs */
	uint32_t            page;	/* slides and sheets */
	bool                sheets, heading;
	struct desk_buf     line;
};

static bool odf_is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* OpenDocument's local names are unique enough: text:p and draw:page share none with others. */
static bool odf_skipped(const char *el)
{
	static const char *const names[] = {
		"tracked-changes", "annotation", "forms", "styles", "automatic-styles",
		"font-face-decls", "scripts", "sequence-decls", "note-citation", "ruby-text",
		"shapes", "calculation-settings", "settings", "page-number", "date-time-decl",
	};

	for (size_t i = 0; i < DESK_ARRAY_LEN(names); i++)
		if (odf_is(el, names[i]))
			return true;
	return false;
}

static void odf_new_page(struct odf *d, struct desk_str name, bool show_name)
{
	extract_page(d->o, ++d->page);
	if (show_name)
		extract_text(d->o, name.p, name.n);
	extract_para(d->o);
}

static void odf_mark(struct odf *d, const char *el, const struct extract_attrs *at)
{
	if (odf_is(el, "tab")) {
		extract_text(d->o, "\t", 1);
	} else if (odf_is(el, "line-break")) {
		if (d->cell > 0)
			extract_space(d->o);
		else
			extract_line(d->o);
	} else if (odf_is(el, "s") && d->text > 0) {
		int64_t n = extract_attr_int(at, "c", 1);

		for (int64_t i = 0; i < n && i < 32; i++)
			extract_text(d->o, " ", 1);
	}
}

static void odf_paragraph_start(struct odf *d, bool heading)
{
	d->text++;
	d->heading = heading && d->text == 1;
	if (d->heading)
		extract_para(d->o);
	else if (d->list > 0 && d->cell == 0 && d->text == 1)
		extract_text(d->o, "- ", 2);
}

static void odf_table_start(struct odf *d, const struct extract_attrs *at)
{
	if (d->text > 0 || d->cell > 0)
		return;
	if (d->sheets)
		odf_new_page(d, extract_attr(at, "name"), true);
	else
		extract_para(d->o);
}

/* Tables, slides and sheets; false for any other element. */
static bool odf_frame_start(struct odf *d, const char *el, const struct extract_attrs *at)
{
	if (odf_is(el, "table-row")) {
		extract_line(d->o);
	} else if (odf_is(el, "table-cell")) {
		d->cell++;
		extract_cell(d->o);
	} else if (odf_is(el, "page")) {
		odf_new_page(d, (struct desk_str){ "", 0 }, false);
	} else if (odf_is(el, "table")) {
		odf_table_start(d, at);
	} else if (odf_is(el, "spreadsheet")) {
		d->sheets = true;
	} else {
		return false;
	}
	return true;
}

static void odf_start(void *arg, const char *el, const struct extract_attrs *at)
{
	struct odf *d = arg;

	if (d->skip > 0 || odf_skipped(el))
		d->skip++;
	else if (odf_is(el, "p") || odf_is(el, "h"))
		odf_paragraph_start(d, odf_is(el, "h"));
	else if (odf_is(el, "list-item"))
		d->list++;
	else if (!odf_frame_start(d, el, at))
		odf_mark(d, el, at);
}

static void odf_paragraph_end(struct odf *d)
{
	if (d->text > 0)
		d->text--;
	if (d->heading && d->line.n > 0)
		extract_heading(d->o, desk_buf_str(&d->line));
	desk_buf_clear(&d->line);
	d->heading = false;
	if (d->cell > 0)
		extract_space(d->o);
	else if (d->list > 0)
		extract_line(d->o);
	else
		extract_para(d->o);
}

static void odf_end(void *arg, const char *el)
{
	struct odf *d = arg;

	if (d->skip > 0)
		d->skip--;
	else if (odf_is(el, "p") || odf_is(el, "h"))
		odf_paragraph_end(d);
	else if (odf_is(el, "list-item") && d->list > 0)
		d->list--;
	else if (odf_is(el, "table-cell") && d->cell > 0)
		d->cell--;
	else if (odf_is(el, "table-row"))
		extract_line(d->o);
	else if (odf_is(el, "table") || odf_is(el, "list"))
		extract_para(d->o);
}

static void odf_text(void *arg, const char *p, size_t n)
{
	struct odf *d = arg;

	if (d->skip > 0 || d->text == 0)
		return;
	d->o->collapse = true;	/* ODF 1.2, 6.1.2: white space collapses */
	extract_text(d->o, p, n);
	d->o->collapse = false;
	if (d->heading && d->line.n + n <= ODF_HEADING_MAX)
		desk_buf_add(&d->line, p, n);
}

static bool odf_stopped(void *arg)
{
	return extract_stopped(((struct odf *)arg)->o);
}

static void odf_manifest_start(void *arg, const char *el, const struct extract_attrs *at)
{
	(void)at;
	if (odf_is(el, "encryption-data"))
		*(bool *)arg = true;
}

static enum desk_status odf_content(struct extract_zip *z, struct odf *d, struct desk_error *err)
{
	static const struct extract_xml ops = { odf_start, odf_end, odf_text, odf_stopped };
	static const struct extract_xml manifest = { .start = odf_manifest_start };
	bool encrypted = false;
	enum desk_status rc;

	rc = extract_zip_xml(z, "META-INF/manifest.xml", &manifest, &encrypted, NULL);
	if (rc == DESK_OK && encrypted)
		return desk_error_set(err, DESK_E_INPUT, "password-protected OpenDocument file: remove "
				      "the password and upload again");
	extract_meta_title(z, "meta.xml", d->o);
	desk_buf_init(&d->line, ODF_HEADING_MAX);
	rc = extract_zip_xml(z, "content.xml", &ops, d, err);
	desk_buf_done(&d->line);
	return rc;
}

/* The first member, stored, is the MIME type (ODF 1.2 part 3, 3.3). */
bool extract_odf_sniff(const struct extract_doc *d)
{
	static const char *const mimes[] = { "mimetypeapplication/vnd.oasis.opendocument.",
					     "mimetypeapplication/vnd.sun.xml." };
	size_t n = d->head_n < 256 ? d->head_n : 256;

	for (size_t i = 0; i < DESK_ARRAY_LEN(mimes); i++)
		if (extract_zip_sniff(d) && memmem(d->head, n, mimes[i], strlen(mimes[i])) != NULL)
			return true;
	return false;
}

enum desk_status extract_odf(struct extract_doc *d, struct extract_out *o, struct desk_error *err)
{
	struct odf f = { .o = o };
	struct extract_zip z;
	enum desk_status rc = extract_zip_open(&z, d, err);

	if (rc != DESK_OK)
		return rc;
	rc = odf_content(&z, &f, err);
	d->pages = f.page;
	extract_zip_close(&z);
	return rc;
}
