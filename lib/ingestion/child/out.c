/* lib/ingestion/child/out.c - text normalised into records. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * White space is written late, when visible text follows it: so pages neither start nor end
 * with it, lines have none at their end, and no more than one empty line parts two paragraphs.
 * A long page is cut into several records, where it can be between paragraphs.
 */
#include "ingestion/child/child.h"

#include <string.h>
#include <strings.h>
#include <unicode/unorm2.h>

#define OUT_PART_SOFT (FRAME_TEXT_MAX / 2)	/* cut here at a paragraph, */
#define OUT_PART_FIRM (FRAME_TEXT_MAX * 3 / 4)	/* here at a line, */
#define OUT_PART_HARD (FRAME_TEXT_MAX - 64)	/* here anywhere */

void extract_out_init(struct extract_out *o, extract_emit_fn *emit, void *arg, size_t max)
{
	memset(o, 0, sizeof(*o));
	o->emit = emit;
	o->arg = arg;
	o->max = max;
	o->line_empty = true;
	desk_buf_init(&o->part, FRAME_TEXT_MAX);
}

void extract_out_done(struct extract_out *o)
{
	desk_buf_done(&o->part);
}

bool extract_stopped(const struct extract_out *o)
{
	return o->full || o->gone;
}

void extract_flush(struct extract_out *o)
{
	if (o->part.n > 0 && !extract_stopped(o)) {
		o->total += o->part.n;
		if (o->total > o->max)
			o->full = true;
		else if (!o->emit(o->arg, FRAME_TEXT, o->page, desk_buf_str(&o->part)))
			o->gone = true;
	}
	desk_buf_clear(&o->part);
}

void extract_page(struct extract_out *o, uint32_t n)
{
	extract_flush(o);
	o->page = n;
	o->newlines = o->cells = o->n_spaces = 0;
	o->line_empty = true;
	o->cr = false;
}

static void out_cells(struct extract_out *o)
{
	if (!o->line_empty)
		desk_buf_adds(&o->part, " | ");
	for (size_t i = 1; i < o->cells && i < 16; i++)
		desk_buf_adds(&o->part, "| ");
}

/* White space that was asked for, now that something visible follows. */
static void out_gap(struct extract_out *o)
{
	bool fresh = o->part.n == 0;

	if (o->newlines > 0) {
		if (!fresh)
			desk_buf_adds(&o->part, o->newlines > 1 ? "\n\n" : "\n");
		if ((o->newlines > 1 && o->part.n > OUT_PART_SOFT) || o->part.n > OUT_PART_FIRM)
			extract_flush(o);
		o->line_empty = true;
	}
	if (o->part.n > OUT_PART_HARD)
		extract_flush(o);
	if (o->cells > 0)
		out_cells(o);
	else if (o->n_spaces > 0 && !(o->line_empty && (fresh || !o->indent)))
		desk_buf_add(&o->part, o->spaces, o->n_spaces);
	o->newlines = o->cells = o->n_spaces = 0;
	o->line_empty = false;
}

static void out_visible(struct extract_out *o, const char *p, size_t n)
{
	if (extract_stopped(o))
		return;
	if (o->newlines + o->cells + o->n_spaces > 0 || o->line_empty || o->part.n > OUT_PART_HARD)
		out_gap(o);
	desk_buf_add(&o->part, p, n);
	o->visible++;
}

void extract_space(struct extract_out *o)
{
	if (o->n_spaces == 0 && o->newlines == 0 && o->cells == 0 && !o->line_empty)
		o->spaces[o->n_spaces++] = ' ';
}

void extract_line(struct extract_out *o)
{
	if (o->newlines == 0)
		o->newlines = 1;
	o->n_spaces = o->cells = 0;
}

void extract_para(struct extract_out *o)
{
	o->newlines = 2;
	o->n_spaces = o->cells = 0;
}

void extract_cell(struct extract_out *o)
{
	o->cells++;
	o->n_spaces = 0;
}

/* Ligatures and the presentation forms of Hebrew and Arabic, as typists know them. */
static void out_compatible(struct extract_out *o, uint32_t c, const char *p, size_t n)
{
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *nfkc = unorm2_getNFKCInstance(&status);
	UChar from[2], to[32];
	int32_t to_n, i = 0;

	from[0] = (UChar)c;
	to_n = U_SUCCESS(status) ? unorm2_normalize(nfkc, from, 1, to, 32, &status) : 0;
	if (U_FAILURE(status) || to_n <= 0) {
		out_visible(o, p, n);
		return;
	}
	while (i < to_n) {
		char utf8[4];
		UChar32 cp;

		U16_NEXT(to, i, to_n, cp);
		if (cp == ' ')
			extract_space(o);
		else
			out_visible(o, utf8, desk_utf8_encode((uint32_t)cp, utf8));
	}
}

struct out_range {
	uint32_t from, to;
};

/* Controls, soft hyphen, zero width, direction marks, noncharacters, tags. */
static const struct out_range out_dropped[] = {
	{ 0x00, 0x1F }, { 0x7F, 0x9F }, { 0xAD, 0xAD }, { 0x200B, 0x200B }, { 0x200E, 0x200F },
	{ 0x202A, 0x202E }, { 0x2060, 0x206F }, { 0xFEFF, 0xFEFF }, { 0xFFF9, 0xFFFC },
	{ 0xFFFE, 0xFFFF }, { 0xE0000, 0xE007F },
};
static const struct out_range out_blanks[] = {
	{ '\t', '\t' }, { ' ', ' ' }, { 0xA0, 0xA0 }, { 0x2000, 0x200A }, { 0x202F, 0x202F },
	{ 0x205F, 0x205F },
};
static const struct out_range out_newlines[] = {
	{ '\n', '\r' }, { 0x85, 0x85 }, { 0x2028, 0x2029 },
};
/* Ligatures, and presentation forms of Hebrew and Arabic. */
static const struct out_range out_forms[] = { { 0xFB00, 0xFDFF }, { 0xFE70, 0xFEFC } };
/* Bullets of Symbol and Wingdings, which sit in the private area. */
static const struct out_range out_bullets[] = { { 0xF0A7, 0xF0A8 }, { 0xF0B7, 0xF0B7 },
						{ 0xF0D8, 0xF0D8 }, { 0xF0FC, 0xF0FC } };

static bool out_among(uint32_t c, const struct out_range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c >= r[i].from && c <= r[i].to)
			return true;
	return false;
}
#define OUT_IS(c, set) out_among((c), (set), DESK_ARRAY_LEN(set))

static void out_blank(struct extract_out *o, uint32_t c)
{
	if (o->collapse)
		extract_space(o);
	else if (o->n_spaces < sizeof(o->spaces))
		o->spaces[o->n_spaces++] = c == '\t' ? '\t' : ' ';
}

static void out_newline(struct extract_out *o)
{
	if (o->collapse) {
		extract_space(o);
		return;
	}
	o->newlines++;
	o->n_spaces = o->cells = 0;
}

static void out_char(struct extract_out *o, uint32_t c, const char *p, size_t n)
{
	bool after_cr = o->cr;

	o->cr = c == '\r';
	if (c == '\n' && after_cr)
		return;
	if (c > ' ' && c < 0x7F)
		out_visible(o, p, n);
	else if (OUT_IS(c, out_newlines))
		out_newline(o);
	else if (OUT_IS(c, out_blanks))
		out_blank(o, c);
	else if (OUT_IS(c, out_forms))
		out_compatible(o, c, p, n);
	else if (OUT_IS(c, out_bullets))
		out_visible(o, "\xE2\x80\xA2", 3);
	else if (!OUT_IS(c, out_dropped))
		out_visible(o, p, n);
}

void extract_text(struct extract_out *o, const char *p, size_t n)
{
	for (size_t i = 0; i < n && !extract_stopped(o);) {
		uint32_t c;
		size_t len = desk_utf8_decode(p + i, n - i, &c);

		if (len == 0) {
			out_visible(o, "\xEF\xBF\xBD", 3);
			o->visible--;	/* no text yet */
			len = 1;
		} else {
			out_char(o, c, p + i, len);
		}
		i += len;
	}
}

/* One line, no more than fits. */
static void out_one_line(char *dst, size_t cap, struct desk_str s)
{
	size_t at = 0;

	for (size_t i = 0; i < s.n;) {
		uint32_t c;
		size_t len = desk_utf8_decode(s.p + i, s.n - i, &c);

		if (len == 0) {
			len = 1;
		} else if (c <= ' ' || OUT_IS(c, out_blanks)) {
			if (at > 0 && dst[at - 1] != ' ' && at + 1 < cap)
				dst[at++] = ' ';
		} else if (!OUT_IS(c, out_dropped)) {
			if (at + len >= cap)
				break;
			memcpy(dst + at, s.p + i, len);
			at += len;
		}
		i += len;
	}
	while (at > 0 && dst[at - 1] == ' ')
		at--;
	dst[at] = '\0';
}

/* What programs write there when nobody gave a title. */
static bool out_is_untitled(const char *title)
{
	static const char *const names[] = { "untitled", "untitled document", "powerpoint presentation",
					     "slide 1", "document", "document1", "microsoft word",
					     "(anonymous)", "about:blank", "no title", "presentation" };

	for (size_t i = 0; i < DESK_ARRAY_LEN(names); i++)
		if (strcasecmp(title, names[i]) == 0)
			return true;
	return false;
}

void extract_title(struct extract_out *o, struct desk_str title)
{
	if (o->title[0] != '\0')
		return;
	out_one_line(o->title, 300, title);
	if (out_is_untitled(o->title))
		o->title[0] = '\0';
}

void extract_heading(struct extract_out *o, struct desk_str heading)
{
	if (o->heading[0] == '\0')
		out_one_line(o->heading, 200, heading);
}
