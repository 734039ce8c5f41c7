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
	const char *p;	/* UTF-8, borrowed from the lines' text */
	size_t      at, n, chars;
	double      x1, x2, y1, y2;
};

struct pdf_lines {
	struct pdf_line *line;	/* owned */
	size_t           n;
	struct desk_buf  text;
	const PopplerRectangle *before;	/* of the character before, unless a space was */
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

static double pdf_height(const struct pdf_line *l)
{
	return l->y2 - l->y1;
}

/*
 * Cells of a table come without a space between them: their distance shows it. (Inside words
 * distances mean nothing: letters are spaced out, Arabic ones overlap.)
 */
static bool pdf_is_apart(const PopplerRectangle *a, const PopplerRectangle *b, double height)
{
	return b->x1 > a->x2 + 0.8 * height || b->x2 < a->x1 - 0.8 * height;
}

static void pdf_lines_add(struct pdf_lines *out, struct pdf_line *l)
{
	l->n = out->text.n - l->at;
	if (l->chars > 0) {
		if ((out->n & (out->n - 1)) == 0)
			out->line = desk_xrealloc(out->line, out->n > 0 ? out->n * 2 : 1,
						  sizeof(*out->line));
		out->line[out->n++] = *l;
	}
	*l = (struct pdf_line){ .at = out->text.n };
}

static bool pdf_is_mark(uint32_t c)
{
	return c >= 0x202A && c <= 0x202E;
}

/* One character of the page and its place. */
static void pdf_lines_put(struct pdf_lines *out, struct pdf_line *l, const PopplerRectangle *r,
			  struct desk_str utf8, uint32_t c)
{
	if (c == '\n') {
		pdf_lines_add(out, l);
		out->before = NULL;
	} else if (c == ' ' || r == NULL) {
		desk_buf_add(&out->text, utf8.p, utf8.n);
		out->before = NULL;
	} else {
		pdf_line_grow(l, r);
		if (out->before != NULL && c < 0x590 && pdf_is_apart(out->before, r, pdf_height(l)))
			desk_buf_addc(&out->text, ' ');
		desk_buf_add(&out->text, utf8.p, utf8.n);
		out->before = r;
	}
}

/*
 * Cut the text at its line ends; blank lines are dropped, the places tell the paragraphs. Right to
 * left words stand between direction marks, which have no place; two words may have nothing else
 * between them.
 */
static void pdf_lines_read(const char *text, const PopplerRectangle *rects, guint n_rects,
			   struct pdf_lines *out)
{
	size_t n = strlen(text), at = 0;
	struct pdf_line l = { 0 };
	uint32_t last = 0;

	for (size_t i = 0; i < n;) {
		uint32_t c = 0;
		size_t len = desk_utf8_decode(text + i, n - i, &c);

		len = len > 0 ? len : 1;
		if (!pdf_is_mark(c)) {
			pdf_lines_put(out, &l, at < n_rects ? &rects[at] : NULL,
				      (struct desk_str){ text + i, len }, c);
			at++;
		} else if (last == 0x202C && c != 0x202C) {
			desk_buf_addc(&out->text, ' ');
		}
		last = c;
		i += len;
	}
	pdf_lines_add(out, &l);
	for (size_t i = 0; i < out->n; i++)
		out->line[i].p = out->text.p + out->line[i].at;
}

/* Does a new block begin at b, which follows a? `room` is a paragraph's distance in line heights. */
static bool pdf_parts(const struct pdf_line *a, const struct pdf_line *b, double room)
{
	double ha = pdf_height(a), hb = pdf_height(b), h = ha > hb ? ha : hb;
	double gap = b->y1 - a->y2;

	if (gap > room * h || b->y1 < a->y1 - 0.3 * h)
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

/* The word that begins here has a hyphen of its own, as in out-of-pocket. */
static bool pdf_is_compound(const struct pdf_line *l)
{
	size_t n = 0;

	while (n < l->n && l->p[n] != ' ')
		n++;
	return memchr(l->p, '-', n) != NULL;
}

/* Line a ends with a hyphen, and b goes on with the word. */
static bool pdf_is_hyphenated(const struct pdf_line *a, const struct pdf_line *b)
{
	const char *end = a->p + a->n;

	if (a->n >= 4 && memcmp(end - 2, "\xC2\xAD", 2) == 0)
		return true;	/* a soft hyphen: dropped by the normaliser */
	return a->n >= 4 && b->n > 1 && end[-1] == '-' && end[-2] >= 'a' && end[-2] <= 'z' &&
	       end[-3] >= 'a' && end[-3] <= 'z' && b->p[0] >= 'a' && b->p[0] <= 'z' && b->p[1] != ' ';
}

static bool pdf_is_cjk(uint32_t c)
{
	return (c >= 0x2E80 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
	       (c >= 0xFF00 && c <= 0xFFEF) || (c >= 0x20000 && c <= 0x3FFFF);
}

/* Chinese and Japanese have no space where a line ends. */
static bool pdf_joins_tight(const struct pdf_line *a, const struct pdf_line *b)
{
	uint32_t last = 0, first = 0;
	size_t at = a->n;

	if (a->n == 0 || b->n == 0)
		return false;
	for (at--; at > 0 && ((unsigned char)a->p[at] & 0xC0) == 0x80; at--)
		;
	return desk_utf8_decode(a->p + at, a->n - at, &last) > 0 &&
	       desk_utf8_decode(b->p, b->n, &first) > 0 && pdf_is_cjk(last) && pdf_is_cjk(first);
}

/* A line of a block and what parts it from the next one; full: it fills the block's width. */
static void pdf_line_out(const struct pdf_line *l, const struct pdf_line *next, bool full,
			 struct extract_out *o)
{
	bool hyphen = pdf_is_hyphenated(l, next);
	bool cut = hyphen && l->p[l->n - 1] == '-' && !pdf_is_compound(next);

	extract_text(o, l->p, cut ? l->n - 1 : l->n);
	if (hyphen)
		return;
	if (!full || pdf_is_item(next))
		extract_line(o);
	else if (!pdf_joins_tight(l, next))
		extract_space(o);
}

static void pdf_block(const struct pdf_line *l, size_t n, struct extract_out *o)
{
	double left = l[0].x1, right = l[0].x2;

	for (size_t i = 1; i < n; i++) {
		left = l[i].x1 < left ? l[i].x1 : left;
		right = l[i].x2 > right ? l[i].x2 : right;
	}
	for (size_t i = 0; i + 1 < n; i++) {
		bool full = l[i].x2 - l[i].x1 > 0.8 * (right - left) && pdf_is_prose(&l[i]);

		pdf_line_out(&l[i], &l[i + 1], full, o);
	}
	extract_text(o, l[n - 1].p, l[n - 1].n);
	extract_para(o);
}

/* Lines set upright have characters that go across, not down. */
static bool pdf_is_upright(const struct pdf_lines *lines)
{
	size_t across = 0, down = 0;

	for (size_t i = 0; i < lines->n; i++)
		if (lines->line[i].chars > 4)
			*(lines->line[i].x2 - lines->line[i].x1 > pdf_height(&lines->line[i]) ? &across :
											 &down) += 1;
	return across >= down;
}

/* Does line a, surely, run on into b: a wide line of words that ends in mid-sentence? */
static bool pdf_runs_on(const struct pdf_line *a, const struct pdf_line *b, double widest)
{
	return a->n > 0 && strchr(".:;!?", a->p[a->n - 1]) == NULL && a->x2 - a->x1 > 0.8 * widest &&
	       b->y1 > a->y1 && !pdf_parts(a, b, 1.5) && pdf_is_prose(a) && !pdf_is_item(b);
}

/*
 * What distance of lines, in line heights, makes a paragraph on this page? Half a line, but more
 * where the lines of running text themselves are set that wide: one and a half, double.
 */
static double pdf_room(const struct pdf_lines *lines)
{
	enum { STEPS = 32 };
	size_t seen[STEPS] = { 0 }, n = 0, below = 0, step = 0;
	double widest = 0, room = 0.2;

	for (size_t i = 0; i < lines->n; i++)
		if (lines->line[i].x2 - lines->line[i].x1 > widest)
			widest = lines->line[i].x2 - lines->line[i].x1;
	for (size_t i = 1; i < lines->n; i++) {
		const struct pdf_line *a = &lines->line[i - 1], *b = &lines->line[i];
		double gap = (b->y1 - a->y2) / pdf_height(a);

		if (!pdf_runs_on(a, b, widest) || !(gap > 0 && gap < 1.6))
			continue;
		seen[(size_t)(gap * STEPS / 1.6)]++;
		n++;
	}
	if (n < 3)
		return 0.5;
	for (; step < STEPS && below + seen[step] <= n / 2; step++)
		below += seen[step];	/* the median */
	room += (double)(step + 1) * 1.6 / STEPS;
	return room > 0.5 ? room : 0.5;
}

static void pdf_paragraphs(const struct pdf_lines *lines, struct extract_out *o)
{
	double room = pdf_room(lines);
	size_t from = 0;

	for (size_t i = 1; i <= lines->n; i++) {
		if (i < lines->n && !pdf_parts(&lines->line[i - 1], &lines->line[i], room))
			continue;
		pdf_block(lines->line + from, i - from, o);
		from = i;
	}
}

void extract_pdf_page(void *page, struct extract_out *o)
{
	char *text = poppler_page_get_text(page);
	PopplerRectangle *rects = NULL;
	struct pdf_lines lines = { 0 };
	guint n = 0;

	desk_buf_init(&lines.text, (size_t)64 << 20);
	if (text != NULL && poppler_page_get_text_layout(page, &rects, &n))
		pdf_lines_read(text, rects, n, &lines);
	if (lines.n > 0 && pdf_is_upright(&lines))
		pdf_paragraphs(&lines, o);
	else if (text != NULL)
		extract_text(o, text, strlen(text));
	free(lines.line);
	desk_buf_done(&lines.text);
	g_free(rects);
	g_free(text);
}
