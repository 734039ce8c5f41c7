/* lib/chat/sentence.c - a text -> sentences, list items, headings, rows, with their places. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <string.h>
#include <strings.h>
#include <unicode/uchar.h>

#define LINE_WRAPPED 45	/* code points; a line that long was broken by the page's width */
#define LINE_WRAPPED_WIDE 18	/* the same in scripts without spaces */
#define LINE_HEADING 90

struct line {
	size_t   b, e;	/* trimmed, without bullet */
	size_t   cps;
	unsigned char kind;	/* enum chat_unit_kind; CHAT_SENTENCE: running text */
	bool     blank, starts_item;
};

struct splitter {
	struct desk_arena *a;
	const char        *lang;
	struct desk_str    text;
	struct chat_units *out;
	size_t             cap;
	uint32_t           block;
};

static const char *const line_bullets[] = {
	"- ", "* ", "+ ", "•", "– ", "— ", "·", "▪",
	"◦", "‣", "●", "■", "\xEF\x82\xB7",
};

static uint32_t text_cp(struct desk_str t, size_t at)
{
	uint32_t cp = 0;

	return at < t.n && desk_utf8_decode(t.p + at, t.n - at, &cp) > 0 ? cp : 0;
}

static size_t text_next(struct desk_str t, size_t at)
{
	uint32_t cp;
	size_t n = desk_utf8_decode(t.p + at, t.n - at, &cp);

	return at + (n > 0 ? n : 1);
}

/* The code point that ends before `at`. */
static uint32_t text_before(struct desk_str t, size_t at, size_t *start)
{
	size_t b = at;

	do
		b--;
	while (b > 0 && ((unsigned char)t.p[b] & 0xC0) == 0x80);
	if (start != NULL)
		*start = b;
	return text_cp(t, b);
}

static bool text_is_space(uint32_t cp)
{
	return cp == ' ' || (cp >= '\t' && cp <= '\r') || cp == 0xA0 || cp == 0x3000 ||
	       cp == 0x200B || cp == 0xFEFF || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 ||
	       cp == 0x2029 || cp == 0x202F;
}

static size_t text_skip_space(struct desk_str t, size_t b, size_t e)
{
	while (b < e && text_is_space(text_cp(t, b)))
		b = text_next(t, b);
	return b;
}

static size_t text_trim_end(struct desk_str t, size_t b, size_t e)
{
	size_t at;

	while (e > b && text_is_space(text_before(t, e, &at)))
		e = at;
	return e;
}

static bool text_is_wide(uint32_t cp)
{
	return (cp >= 0x2E80 && cp <= 0x9FFF) || (cp >= 0xAC00 && cp <= 0xD7AF) ||
	       (cp >= 0xF900 && cp <= 0xFAFF) || (cp >= 0xFF00 && cp <= 0xFFEF) ||
	       (cp >= 0x20000 && cp <= 0x3FFFF);
}

/* ---- where a sentence ends ---------------------------------------------------- */

static bool end_is_wide_stop(uint32_t cp)
{
	return cp == 0x3002 || cp == 0xFF01 || cp == 0xFF1F || cp == 0xFF0E || cp == 0xFF61;
}

static bool end_is_stop(uint32_t cp)
{
	return cp == '.' || cp == '!' || cp == '?' || cp == 0x2026 || cp == 0x061F ||
	       cp == 0x06D4 || cp == 0x0964 || end_is_wide_stop(cp);
}

static bool end_is_closer(uint32_t cp)
{
	return cp == ')' || cp == ']' || cp == '"' || cp == '\'' || cp == 0x201D || cp == 0x2019 ||
	       cp == 0xBB || cp == 0x300D || cp == 0x300F || cp == 0xFF09 || cp == 0x201C ||
	       cp == '*' || cp == '_';
}

static const char *const end_abbreviations[] = {
	"mr",   "mrs",  "ms",   "dr",   "prof",  "sr",   "jr",     "st",  "vs",  "etc",  "no",
	"nos",  "inc",  "ltd",  "co",   "corp",  "dept", "approx", "ca",  "cf",  "al",   "fig",
	"figs", "eq",   "sec",  "art",  "vol",   "pp",   "ed",     "est", "max", "min",  "tel",
	"e.g",  "i.e",  "a.m",  "p.m",  "u.s",   "ph.d", "nr",     "bzw", "usw", "ggf",  "evtl",
	"inkl", "zzgl", "str",  "bspw", "vgl",   "abs",  "mind",   "z.b", "d.h", "u.a",  "o.g",
	"sra",  "srta", "avda", "pag",  "aprox", "ej",   "p.ej",   "n.º", "mme", "mlle", "env",
	"cf",   "p.ex", "т.е",  "т.д",  "руб",   "стр",
};

static const char *const end_months_de[] = {
	"Januar", "Februar",   "März",    "April",    "Mai",      "Juni",    "Juli",
	"August", "September", "Oktober", "November", "Dezember", "Quartal", "Jahrhundert",
};

static bool end_is_month(const char *p)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(end_months_de); i++)
		if (strncmp(p, end_months_de[i], strlen(end_months_de[i])) == 0)
			return true;
	return false;
}

/* Does the full stop at `at` belong to the word in front of it? `next` is the next word. */
static bool end_is_abbreviation(const struct splitter *s, size_t b, size_t at, size_t next)
{
	size_t w = at, n;
	const char *p;

	while (w > b && !strchr(" \t\n(\"'", s->text.p[w - 1]))
		w--;
	p = s->text.p + w;
	n = at - w;
	if (n == 0)
		return true;
	if (u_isalpha((UChar32)text_cp(s->text, w)) && text_next(s->text, w) == at)
		return u_isupper((UChar32)text_cp(s->text, w));	/* an initial */
	for (size_t i = 0; i < DESK_ARRAY_LEN(end_abbreviations); i++)
		if (strlen(end_abbreviations[i]) == n &&
		    strncasecmp(end_abbreviations[i], p, n) == 0)
			return true;
	return n <= 2 && strspn(p, "0123456789") >= n && strcmp(s->lang, "de") == 0 &&
	       end_is_month(s->text.p + next);
}

/* Where the sentence that begins at b ends, at most e. */
static size_t end_of_sentence(const struct splitter *s, size_t b, size_t e)
{
	struct desk_str t = { s->text.p, e };

	for (size_t i = b; i < e;) {
		uint32_t cp = text_cp(t, i), after;
		size_t stop = i, next;

		i = text_next(t, i);
		if (!end_is_stop(cp))
			continue;
		while (i < e && (end_is_stop(text_cp(t, i)) || end_is_closer(text_cp(t, i))))
			i = text_next(t, i);
		if (i >= e || end_is_wide_stop(cp))
			return i;
		if (!text_is_space(text_cp(t, i)))
			continue;
		next = text_skip_space(t, i, e);
		after = text_cp(t, next);
		if (next >= e)
			return i;
		if (u_islower((UChar32)after) ||
		    (cp == '.' && end_is_abbreviation(s, b, stop, next)))
			continue;
		return i;
	}
	return e;
}

/* ---- units ---------------------------------------------------------------------- */

static bool unit_has_word(struct desk_str t, size_t b, size_t e)
{
	while (b < e) {
		if (u_isalnum((UChar32)text_cp(t, b)))
			return true;
		b = text_next(t, b);
	}
	return false;
}

static void unit_add(struct splitter *s, size_t b, size_t e, enum chat_unit_kind kind)
{
	struct chat_units *out = s->out;
	struct chat_unit u = { .kind = (unsigned char)kind, .block = s->block };
	uint32_t last;
	size_t at;

	b = text_skip_space(s->text, b, e);
	e = text_trim_end(s->text, b, e);
	if (!unit_has_word(s->text, b, e))
		return;
	if (out->n == s->cap) {
		struct chat_unit *more = desk_arena_array(s->a, s->cap * 2, sizeof(*more));

		memcpy(more, out->at, out->n * sizeof(*more));
		out->at = more;
		s->cap *= 2;
	}
	u.at = (uint32_t)b;
	u.n = (uint32_t)(e - b);
	last = text_before(s->text, e, &at);
	while (end_is_closer(last) && at > b)
		last = text_before(s->text, at, &at);
	u.question = last == '?' || last == 0xFF1F || last == 0x061F;
	u.closed = end_is_stop(last) || last == ':' || kind == CHAT_ROW || kind == CHAT_HEADING;
	out->at[out->n++] = u;
}

/* The splitter leaves ". Next sentence" at a chunk's beginning. */
static size_t unit_skip_stops(struct desk_str t, size_t b, size_t e)
{
	size_t i = b;

	while (i < e && (end_is_stop(text_cp(t, i)) || strchr(",;:)", t.p[i]) != NULL))
		i = text_next(t, i);
	return i > b && i < e && text_is_space(text_cp(t, i)) ? text_skip_space(t, i, e) : b;
}

static void unit_add_block(struct splitter *s, size_t b, size_t e, enum chat_unit_kind kind)
{
	if (kind == CHAT_SENTENCE && b == 0)
		b = unit_skip_stops(s->text, b, e);
	if (kind == CHAT_ROW || kind == CHAT_HEADING) {
		unit_add(s, b, e, kind);
	} else {
		while (b < e) {
			size_t end = end_of_sentence(s, b, e);

			unit_add(s, b, end, kind);
			b = text_skip_space(s->text, end, e);
		}
	}
	s->block++;
}

/* ---- lines ---------------------------------------------------------------------- */

/* Bytes of a bullet or number in front of a list item; 0 for none. */
static size_t line_bullet(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < DESK_ARRAY_LEN(line_bullets); i++) {
		size_t len = strlen(line_bullets[i]);

		if (n > len && memcmp(p, line_bullets[i], len) == 0)
			return len;
	}
	i = strspn(p, "0123456789");
	if (i == 0 && n > 2 && p[1] == ')' && p[0] >= 'a' && p[0] <= 'z')
		i = 1;
	if (i >= 1 && i <= 3 && i + 1 < n && (p[i] == '.' || p[i] == ')') && p[i + 1] == ' ')
		return i + 2;
	return 0;
}

static bool line_is_row(const char *p, size_t n)
{
	return memchr(p, '\t', n) != NULL || memmem(p, n, " | ", 3) != NULL || p[0] == '|' ||
	       memmem(p, n, "    ", 4) != NULL;
}

static struct line line_read(struct desk_str t, size_t b, size_t e)
{
	struct line l = { .kind = CHAT_SENTENCE };
	size_t bullet, hashes;

	l.b = text_skip_space(t, b, e);
	l.e = text_trim_end(t, l.b, e);
	l.blank = l.b == l.e;
	if (l.blank)
		return l;
	hashes = strspn(t.p + l.b, "#");
	bullet = line_bullet(t.p + l.b, l.e - l.b);
	if (line_is_row(t.p + l.b, l.e - l.b)) {
		l.kind = CHAT_ROW;
	} else if (hashes > 0 && hashes <= 6 && l.b + hashes < l.e && t.p[l.b + hashes] == ' ') {
		l.kind = CHAT_HEADING;
		l.b = text_skip_space(t, l.b + hashes, l.e);
	} else if (bullet > 0) {
		l.kind = CHAT_ITEM;
		l.starts_item = true;
		l.b = text_skip_space(t, l.b + bullet, l.e);
	}
	l.cps = desk_utf8_count(t.p + l.b, l.e - l.b);
	return l;
}

/* Was the line break between two lines made by the page's width only? */
static bool line_wraps(struct desk_str t, const struct line *l, const struct line *m)
{
	uint32_t last, first;

	if (l->blank || m->blank || m->kind != CHAT_SENTENCE || l->kind == CHAT_ROW ||
	    l->kind == CHAT_HEADING)
		return false;
	last = text_before(t, l->e, NULL);
	first = text_cp(t, m->b);
	if (last == 0x2013 || (last < 128 && strchr(",;-(/", (int)last) != NULL))
		return true;
	if (end_is_stop(last) || last == ':')
		return false;
	if (u_islower((UChar32)first))
		return true;
	return l->cps >= (text_is_wide(last) ? LINE_WRAPPED_WIDE : LINE_WRAPPED);
}

/* A short line that stands alone, with text after it, and does not end as a sentence. */
static bool line_is_heading(struct desk_str t, const struct line *l, size_t rest)
{
	uint32_t last;

	if (l->kind != CHAT_SENTENCE || l->cps > LINE_HEADING ||
	    text_skip_space(t, rest, t.n) >= t.n)
		return false;
	last = text_before(t, l->e, NULL);
	return !end_is_stop(last) && strchr(",;:", (int)(last < 128 ? last : 'x')) == NULL;
}

/* The tail of a sentence, at a chunk's beginning, is no heading. */
static bool unit_is_tail(struct desk_str t, size_t b)
{
	return u_islower((UChar32)text_cp(t, b)) || u_ispunct((UChar32)text_cp(t, b));
}

static size_t unit_words(const struct splitter *s, const struct chat_unit *u)
{
	size_t n = 1;

	for (size_t i = u->at; i < u->at + u->n; i++)
		n += s->text.p[i] == ' ';
	return n;
}

static bool unit_has_digit(const struct splitter *s, const struct chat_unit *u)
{
	for (size_t i = u->at; i < u->at + u->n; i++)
		if (s->text.p[i] >= '0' && s->text.p[i] <= '9')
			return true;
	return false;
}

/* "6. Errors", "4.2 Power": a section's number. */
static bool unit_is_section(const struct splitter *s, const struct chat_unit *u)
{
	const char *p = s->text.p + u->at;
	size_t n = strspn(p, "0123456789.");

	return n > 1 && n < 8 && n < u->n && p[n] == ' ' && memchr(p, '.', n) != NULL;
}

/*
 * Several headings one after the other are the rows of a table whose lines a page's layout took
 * apart: the first may be a heading, and what has a section's number.
 */
static void split_rows(const struct splitter *s)
{
	struct chat_unit *u = s->out->at;

	for (size_t i = 0, end; i < s->out->n; i = end + 1) {
		for (end = i; end < s->out->n && u[end].kind == CHAT_HEADING && !u[end].question;
		     end++)
			;
		for (size_t k = i + 1; k < end; k++)
			if (!unit_is_section(s, &u[k]) &&
			    (end - i > 2 || unit_has_digit(s, &u[k]) || unit_words(s, &u[k]) > 6))
				u[k].kind = CHAT_ROW;
	}
}

static size_t line_end(struct desk_str t, size_t b)
{
	const char *nl = b < t.n ? memchr(t.p + b, '\n', t.n - b) : NULL;

	return nl != NULL ? (size_t)(nl - t.p) : t.n;
}

void chat_units_split(struct desk_arena *a, const char *lang, struct desk_str text,
		      struct chat_units *out)
{
	struct splitter s = { .a = a, .lang = lang != NULL ? lang : "", .out = out, .cap = 32 };
	size_t at = 0;

	text.p = desk_arena_strndup(a, text.p, text.n);	/* ends with a NUL, that stops every span */
	text.n = strlen(text.p);
	s.text = text;
	out->n = 0;
	out->at = desk_arena_array(a, s.cap, sizeof(*out->at));
	while (at < text.n) {
		size_t end = line_end(text, at), first = at;
		struct line l = line_read(text, at, end), head = l;

		at = end + 1;
		while (at < text.n) {
			struct line m = line_read(text, at, line_end(text, at));

			if (!line_wraps(text, &l, &m))
				break;
			l = m;
			at = line_end(text, at) + 1;
		}
		if (head.blank)
			continue;
		if (l.b == head.b && !(first == 0 && unit_is_tail(text, head.b)) &&
		    line_is_heading(text, &head, at))
			head.kind = CHAT_HEADING;
		unit_add_block(&s, head.b, l.e, (enum chat_unit_kind)head.kind);
	}
	split_rows(&s);
}
