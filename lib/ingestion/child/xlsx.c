/* lib/ingestion/child/xlsx.c - Excel workbooks: a sheet is a page, a row is a line. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/child.h"

#include <stdlib.h>
#include <string.h>

#define XLSX_STRINGS_MAX (96u << 20)	/* bytes of shared strings */
#define XLSX_CELL_MAX 32768
#define XLSX_SHEETS_MAX 1000
#define XLSX_FORMATS_MAX 4000

struct xlsx_sheet {
	char name[128], id[64];
	bool hidden;
};

struct xlsx_format {
	int64_t id;
	char    code[64];
};

struct xlsx {
	struct extract_out *o;
	struct desk_buf     strings;	/* all shared strings, one after the other */
	size_t             *ends;	/* owned: where each ends */
	size_t              n_strings;
	struct xlsx_sheet  *sheet;	/* owned */
	size_t              n_sheets;
	struct xlsx_format *format;	/* owned: the workbook's own number formats */
	size_t              n_formats;
	int64_t            *style;	/* owned: number format of each cell style */
	size_t              n_styles;
	bool                date1904, in_xfs, in_text, in_phonetic;
	const char         *name;	/* of the sheet, until its first cell is written */
	char                type;	/* of the cell: s, i, b, e, S (a formula's string), n */
	int64_t             cell_style;
	struct desk_buf     cell;
};

/* Make room for one more in an owned array that doubles. */
static void *xlsx_more(void *at, size_t n, size_t size)
{
	return (n & (n - 1)) == 0 ? desk_xrealloc(at, n > 0 ? n * 2 : 1, size) : at;
}

static void xlsx_copy(char *dst, size_t cap, struct desk_str s)
{
	size_t n = s.n < cap ? s.n : cap - 1;

	memcpy(dst, s.p, n);
	dst[n] = '\0';
}

static bool xlsx_stopped(void *arg)
{
	return extract_stopped(((struct xlsx *)arg)->o);
}

static void xlsx_book_start(void *arg, const char *el, const struct extract_attrs *at)
{
	struct xlsx *x = arg;
	struct desk_str state;

	if (strcmp(el, "workbookPr") == 0) {
		x->date1904 = desk_str_is(extract_attr(at, "date1904"), "1") ||
			      desk_str_is(extract_attr(at, "date1904"), "true");
	} else if (strcmp(el, "sheet") == 0 && x->n_sheets < XLSX_SHEETS_MAX) {
		struct xlsx_sheet *s;

		x->sheet = xlsx_more(x->sheet, x->n_sheets, sizeof(*x->sheet));
		s = &x->sheet[x->n_sheets++];
		state = extract_attr(at, "state");
		s->hidden = desk_str_is(state, "hidden") || desk_str_is(state, "veryHidden");
		xlsx_copy(s->name, sizeof(s->name), extract_attr(at, "name"));
		xlsx_copy(s->id, sizeof(s->id), extract_attr_prefixed(at, "id"));
	}
}

static void xlsx_styles_start(void *arg, const char *el, const struct extract_attrs *at)
{
	struct xlsx *x = arg;

	if (strcmp(el, "cellXfs") == 0) {
		x->in_xfs = true;
	} else if (strcmp(el, "xf") == 0 && x->in_xfs && x->n_styles < XLSX_FORMATS_MAX * 16) {
		x->style = xlsx_more(x->style, x->n_styles, sizeof(*x->style));
		x->style[x->n_styles++] = extract_attr_int(at, "numFmtId", 0);
	} else if (strcmp(el, "numFmt") == 0 && x->n_formats < XLSX_FORMATS_MAX) {
		struct xlsx_format *f;

		x->format = xlsx_more(x->format, x->n_formats, sizeof(*x->format));
		f = &x->format[x->n_formats++];
		f->id = extract_attr_int(at, "numFmtId", -1);
		xlsx_copy(f->code, sizeof(f->code), extract_attr(at, "formatCode"));
	}
}

static void xlsx_styles_end(void *arg, const char *el)
{
	if (strcmp(el, "cellXfs") == 0)
		((struct xlsx *)arg)->in_xfs = false;
}

/* Shared strings: runs of rich text are joined, the reading aid of Japanese is left out. */
static void xlsx_strings_start(void *arg, const char *el, const struct extract_attrs *at)
{
	struct xlsx *x = arg;

	(void)at;
	if (strcmp(el, "rPh") == 0)
		x->in_phonetic = true;
	x->in_text = strcmp(el, "t") == 0 && !x->in_phonetic;
}

static void xlsx_strings_end(void *arg, const char *el)
{
	struct xlsx *x = arg;

	x->in_text = false;
	if (strcmp(el, "rPh") == 0)
		x->in_phonetic = false;
	if (strcmp(el, "si") != 0 || x->strings.overflow)
		return;
	x->ends = xlsx_more(x->ends, x->n_strings, sizeof(*x->ends));
	x->ends[x->n_strings++] = x->strings.n;
}

static void xlsx_strings_text(void *arg, const char *p, size_t n)
{
	struct xlsx *x = arg;

	if (x->in_text)
		desk_buf_add(&x->strings, p, n);
}

static bool xlsx_strings_stopped(void *arg)
{
	return ((struct xlsx *)arg)->strings.overflow;
}

static void xlsx_cell_start(struct xlsx *x, const struct extract_attrs *at)
{
	struct desk_str t = extract_attr(at, "t");

	x->type = desk_str_is(t, "inlineStr") ? 'i' : desk_str_is(t, "str") ? 'S' :
		  t.n == 1 ? t.p[0] : 'n';
	x->cell_style = extract_attr_int(at, "s", 0);
	desk_buf_clear(&x->cell);
}

static void xlsx_sheet_start(void *arg, const char *el, const struct extract_attrs *at)
{
	struct xlsx *x = arg;

	x->in_text = strcmp(el, "v") == 0 || strcmp(el, "t") == 0;
	if (strcmp(el, "row") == 0)
		extract_line(x->o);
	else if (strcmp(el, "c") == 0)
		xlsx_cell_start(x, at);
}

static void xlsx_number(struct xlsx *x)
{
	int64_t id = x->cell_style >= 0 && (size_t)x->cell_style < x->n_styles ?
		     x->style[x->cell_style] : 0;
	const char *code = "";
	struct desk_buf seen;

	for (size_t i = 0; i < x->n_formats; i++)
		if (x->format[i].id == id)
			code = x->format[i].code;
	desk_buf_init(&seen, 128);
	extract_xlsx_number(desk_buf_str(&x->cell), id, code, x->date1904, &seen);
	extract_text(x->o, seen.p != NULL ? seen.p : "", seen.n);
	desk_buf_done(&seen);
}

static void xlsx_cell_end(struct xlsx *x)
{
	int64_t i;

	if (x->cell.n > 0 && x->name != NULL) {
		extract_line(x->o);
		extract_text(x->o, x->name, strlen(x->name));
		extract_para(x->o);
		x->name = NULL;
	}
	extract_cell(x->o);
	if (x->cell.n == 0)
		return;
	x->o->collapse = true;	/* a cell is one line */
	if (x->type == 's') {
		if (desk_parse_int64(x->cell.p, &i) && i >= 0 && (size_t)i < x->n_strings) {
			size_t from = i > 0 ? x->ends[i - 1] : 0;

			if (x->ends[i] > from)
				extract_text(x->o, x->strings.p + from, x->ends[i] - from);
		}
	} else if (x->type == 'b') {
		extract_text(x->o, x->cell.p[0] == '1' ? "TRUE" : "FALSE", x->cell.p[0] == '1' ? 4 : 5);
	} else if (x->type == 'n') {
		xlsx_number(x);
	} else {
		extract_text(x->o, x->cell.p, x->cell.n);
	}
	x->o->collapse = false;
}

static void xlsx_sheet_end(void *arg, const char *el)
{
	struct xlsx *x = arg;

	x->in_text = false;
	if (strcmp(el, "c") == 0)
		xlsx_cell_end(x);
	else if (strcmp(el, "row") == 0)
		extract_line(x->o);
}

static void xlsx_sheet_text(void *arg, const char *p, size_t n)
{
	struct xlsx *x = arg;

	if (x->in_text)
		desk_buf_add(&x->cell, p, n);
}

static const struct extract_xml xlsx_book_ops = { .start = xlsx_book_start };
static const struct extract_xml xlsx_styles_ops = { .start = xlsx_styles_start,
						    .end = xlsx_styles_end };
static const struct extract_xml xlsx_strings_ops = { xlsx_strings_start, xlsx_strings_end,
						     xlsx_strings_text, xlsx_strings_stopped };
static const struct extract_xml xlsx_sheet_ops = { xlsx_sheet_start, xlsx_sheet_end,
						   xlsx_sheet_text, xlsx_stopped };

static enum desk_status xlsx_sheets(struct extract_zip *z, const struct extract_rels *rels,
				    struct xlsx *x, struct desk_error *err)
{
	enum desk_status rc = DESK_OK;

	for (size_t i = 0; i < x->n_sheets && rc == DESK_OK && !extract_stopped(x->o); i++) {
		const char *member = extract_rels_by_id(rels, desk_str_of(x->sheet[i].id));

		if (member == NULL || x->sheet[i].hidden || strstr(member, "sheet") == NULL)
			continue;
		extract_page(x->o, (uint32_t)i + 1);
		x->name = x->sheet[i].name;
		rc = extract_zip_xml(z, member, &xlsx_sheet_ops, x, err);
	}
	return rc;
}

static enum desk_status xlsx_book(struct extract_zip *z, const char *main_part, struct xlsx *x,
				  struct desk_error *err)
{
	struct extract_rels rels;
	enum desk_status rc = extract_zip_xml(z, main_part, &xlsx_book_ops, x, err);
	const char *member;

	extract_rels_load(z, main_part, &rels);
	member = extract_rels_by_type(&rels, "styles");
	if (rc == DESK_OK && member != NULL &&
	    extract_zip_xml(z, member, &xlsx_styles_ops, x, NULL) != DESK_OK)
		x->n_styles = 0;	/* numbers stay plain */
	member = extract_rels_by_type(&rels, "sharedStrings");
	if (rc == DESK_OK && member != NULL && extract_zip_has(z, member))
		rc = extract_zip_xml(z, member, &xlsx_strings_ops, x, err);
	if (rc == DESK_OK && x->strings.overflow)
		rc = desk_error_set(err, DESK_E_INPUT, "the workbook holds more than %u MB of text: "
				    "split it and upload the parts", XLSX_STRINGS_MAX >> 20);
	if (rc == DESK_OK)
		rc = xlsx_sheets(z, &rels, x, err);
	extract_rels_done(&rels);
	return rc;
}

bool extract_xlsx_sniff(const struct extract_doc *d)
{
	return extract_opc_main(d, "xl/", NULL);
}

enum desk_status extract_xlsx(struct extract_doc *d, struct extract_out *o, struct desk_error *err)
{
	char main_part[256] = "";
	struct xlsx x = { .o = o };
	struct extract_zip z;
	enum desk_status rc;

	if (!extract_opc_main(d, "xl/", main_part))
		return desk_error_set(err, DESK_E_INPUT, "the file is damaged: it has no workbook");
	if (strstr(main_part, ".bin") != NULL)
		return desk_error_set(err, DESK_E_INPUT, "binary Excel format (.xlsb): save it as .xlsx "
				      "and upload again");
	rc = extract_zip_open(&z, d, err);
	if (rc != DESK_OK)
		return rc;
	desk_buf_init(&x.strings, XLSX_STRINGS_MAX);
	desk_buf_init(&x.cell, XLSX_CELL_MAX);
	extract_meta_title(&z, "docProps/core.xml", o);
	rc = xlsx_book(&z, main_part, &x, err);
	d->pages = (uint32_t)x.n_sheets;
	extract_zip_close(&z);
	desk_buf_done(&x.strings);
	desk_buf_done(&x.cell);
	free(x.ends), free(x.sheet), free(x.format), free(x.style);
	return rc;
}
