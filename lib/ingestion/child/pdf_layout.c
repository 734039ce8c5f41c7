/* lib/ingestion/child/pdf_layout.c - a PDF page's lines put together to paragraphs. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Poppler gives lines in reading order and the place of each character. Lines whose distance is
 * small and whose size is the same are one block; inside a block a line that fills the width
 * runs on into the next. So chunks can end at the end of sentences and not of lines.
 */
#include "ingestion/child/child.h"

#include <poppler.h>
#include <stdlib.h>
#include <string.h>

struct pdf_line {
	const char *p;	/* UTF-8, borrowed from the page's text */
	size_t      n, chars;
	double      x1, x2, y1, y2;
};

struct pdf_lines {
	struct pdf_line *at;	/* owned */
	size_t           n;
};

static void pdf_line_grow(struct pdf_line *l, const PopplerRectangle *r)
{
	double top = r->y1 < r->y2 ? r->y1 : r->y2, bottom = r->y1 < r->y2 ? r->y2 : r->y1;

	if (l->chars == 0 || r->x1 < l->x1)
		l->x1 = r->x1;
	if (l->chars == 0 || r->x2 > l->x2)
		l->x2 = r->x2;
	if (l->chars == 0 || top < l->y1)
		l->y1 = top;
	if (l->chars == 0 || bottom > l->y2)
		l->y2 = bottom;
	l->chars++;
}

/* Cut the text at its line ends; blank lines are dropped, the places tell the paragraphs. */
static void pdf_lines_read(const char *text, const PopplerRectangle *rects, guint n_rects,
			   struct pdf_lines *out)
{
	size_t n = strlen(text), i = 0, cp = 0;
	struct pdf_line l = { .p = text };

	while (i <= n) {
		uint32_t c = '\n';
		size_t len = i < n ? desk_utf8_decode(text + i, n - i, &c) : 1;

		if (len == 0)
			len = 1, c = 0xFFFD;
		if (c == '\n') {
			l.n = (size_t)(text + i - l.p);
			if (l.chars > 0) {
				if ((out->n & (out->n - 1)) == 0)
					out->at = desk_xrealloc(out->at, out->n > 0 ? out->n * 2 : 1,
								sizeof(*out->at));
				out->at[out->n++] = l;
			}
			l = (struct pdf_line){ .p = text + i + 1 };
		} else if (c != ' ' && cp < n_rects) {
			pdf_line_grow(&l, &rects[cp]);
		}
		i += len;
		cp++;
	}
}

static double pdf_height(const struct pdf_line *l)
{
	return l->y2 - l->y1;
}

/* Does a new block begin at b, which follows a? */
static bool pdf_parts(const struct pdf_line *a, const struct pdf_line *b)
{
	double ha = pdf_height(a), hb = pdf_height(b), h = ha > hb ? ha : hb;
	double gap = b->y1 - a->y2;

	if (gap > 0.5 * h || b->y1 < a->y1 - 0.3 * h)
		return true;	/* room between them, or a jump up: another column */
	if (h > 1.3 * (ha < hb ? ha : hb))
		return true;	/* another size: a heading */
	return b->x1 > a->x2 || b->x2 < a->x1;	/* beside each other */
}

/* "3. ", "12) ", "a) " */
static bool pdf_is_numbered(const struct pdf_line *l)
{
	size_t digits = 0;

	while (digits < l->n && digits < 4 && l->p[digits] >= '0' && l->p[digits] <= '9')
		digits++;
	if (digits == 0 && l->n > 2 && (l->p[0] | 32) >= 'a' && (l->p[0] | 32) <= 'z')
		digits = 1;
	return digits > 0 && digits + 1 < l->n && (l->p[digits] == '.' || l->p[digits] == ')') &&
	       l->p[digits + 1] == ' ';
}

/* List items and numbered clauses begin a line of their own. */
static bool pdf_is_item(const struct pdf_line *l)
{
	static const char *const marks[] = { "\xE2\x80\xA2", "\xE2\x97\xA6", "\xE2\x96\xAA",
					     "\xE2\x80\x93", "\xE2\x80\x94", "\xEF\x82\xB7",
					     "\xE2\x97\x8F", "\xE2\x96\xA0", "\xE2\x9E\xA2", "-", "*" };

	for (size_t i = 0; i < DESK_ARRAY_LEN(marks); i++)
		if (l->n > strlen(marks[i]) && memcmp(l->p, marks[i], strlen(marks[i])) == 0)
			return true;
	return pdf_is_numbered(l);
}

/* Running text has words: not a row of numbers, not a line of dots. */
static bool pdf_is_prose(const struct pdf_line *l)
{
	size_t letters = 0;

	for (size_t i = 0; i < l->n; i++)
		letters += ((l->p[i] | 32) >= 'a' && (l->p[i] | 32) <= 'z') ||
			   ((unsigned char)l->p[i] & 0xC0) == 0xC0;
	return l->chars >= 20 && letters * 10 >= l->chars * 7;
}

/* Line a ends with a hyphen that belongs to the line's end, and b goes on with the word. */
static bool pdf_is_hyphenated(const struct pdf_line *a, const struct pdf_line *b)
{
	const char *end = a->p + a->n;

	if (a->n >= 4 && memcmp(end - 2, "\xC2\xAD", 2) == 0)
		return true;	/* a soft hyphen: dropped by the normaliser */
	return a->n >= 4 && b->n > 1 && end[-1] == '-' && end[-2] >= 'a' && end[-2] <= 'z' &&
	       end[-3] >= 'a' && end[-3] <= 'z' && b->p[0] >= 'a' && b->p[0] <= 'z' && b->p[1] != ' ';
}

static void pdf_block(const struct pdf_line *l, size_t n, struct extract_out *o)
{
	double left = l[0].x1, right = l[0].x2;

	for (size_t i = 1; i < n; i++) {
		left = l[i].x1 < left ? l[i].x1 : left;
		right = l[i].x2 > right ? l[i].x2 : right;
	}
	for (size_t i = 0; i < n; i++) {
		bool last = i + 1 == n, hyphen = !last && pdf_is_hyphenated(&l[i], &l[i + 1]);
		bool full = l[i].x2 - l[i].x1 > 0.8 * (right - left) && pdf_is_prose(&l[i]);

		extract_text(o, l[i].p, hyphen && l[i].p[l[i].n - 1] == '-' ? l[i].n - 1 : l[i].n);
		if (last)
			extract_para(o);
		else if (full && !hyphen && !pdf_is_item(&l[i + 1]))
			extract_space(o);
		else if (!hyphen)
			extract_line(o);
	}
}

/* Lines set upright have characters that go across, not down. */
static bool pdf_is_upright(const struct pdf_lines *lines)
{
	size_t across = 0, down = 0;

	for (size_t i = 0; i < lines->n; i++)
		if (lines->at[i].chars > 4)
			*(lines->at[i].x2 - lines->at[i].x1 > pdf_height(&lines->at[i]) ? &across :
											 &down) += 1;
	return across >= down;
}

static void pdf_paragraphs(const struct pdf_lines *lines, struct extract_out *o)
{
	size_t from = 0;

	for (size_t i = 1; i <= lines->n; i++) {
		if (i < lines->n && !pdf_parts(&lines->at[i - 1], &lines->at[i]))
			continue;
		pdf_block(lines->at + from, i - from, o);
		from = i;
	}
}

void extract_pdf_page(void *page, struct extract_out *o)
{
	char *text = poppler_page_get_text(page);
	PopplerRectangle *rects = NULL;
	struct pdf_lines lines = { 0 };
	guint n = 0;

	if (text != NULL && poppler_page_get_text_layout(page, &rects, &n))
		pdf_lines_read(text, rects, n, &lines);
	if (lines.n > 0 && pdf_is_upright(&lines))
		pdf_paragraphs(&lines, o);
	else if (text != NULL)
		extract_text(o, text, strlen(text));
	free(lines.at);
	g_free(rects);
	g_free(text);
}
