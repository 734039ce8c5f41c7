/* lib/retrieval/segment.c - text to words: Unicode's word boundaries, pairs for scripts without spaces. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The boundaries are UAX #29's, read from ICU's character properties, with these differences made for
 * search: apostrophes, colons, dots and low lines between letters part words; letters with dots between
 * them (U.S.A.) are one word; numbers keep their decimals and lose what groups their thousands; "E-17"
 * and "e-mail" give their parts and, joined, themselves; scripts that put no space between words give
 * each character and each pair of neighbours.
 */
#include "retrieval/retrieval_int.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

enum seg_class { SEG_BREAK, SEG_LETTER, SEG_DIGIT, SEG_MARK, SEG_PAIR };

/* ---- code points ---------------------------------------------------------- */

static bool segment_is_ascii(struct desk_str text)
{
	unsigned char any = 0;

	for (size_t i = 0; i < text.n; i++)
		any |= (unsigned char)text.p[i];
	return any < 0x80;
}

static void *segment_room(void *p, size_t *cap, size_t n, size_t size)
{
	if (n <= *cap)
		return p;
	*cap = n + n / 2 + 64;
	return desk_xrealloc(p, *cap, size);
}

/* To UTF-16 for the normaliser; what is not UTF-8, and signs that would glue to a word, part words. */
static size_t segment_utf16(struct segmented *s, struct desk_str text)
{
	uint16_t *out;
	size_t n = 0;

	s->u16[0] = segment_room(s->u16[0], &s->cap_u16[0], text.n + 2, sizeof(uint16_t));
	out = s->u16[0];
	for (size_t i = 0; i < text.n;) {
		uint32_t c;
		size_t len = desk_utf8_decode(text.p + i, text.n - i, &c);

		if (len == 0) {
			c = ' ';
			len = 1;
		}
		i += len;
		if (c == 0x2122 || c == 0x2120 || c == 0x00AE || c == 0x00A9)
			c = ' ';	/* trade marks: NFKC would write them as letters */
		U16_APPEND_UNSAFE(out, n, c);
	}
	return n;
}

static void segment_from_utf16(struct segmented *s, const uint16_t *p, size_t n)
{
	s->cp = segment_room(s->cp, &s->cap_cp, n, sizeof(*s->cp));
	s->n_cp = 0;
	for (size_t i = 0; i < n;) {
		UChar32 c;

		U16_NEXT(p, i, n, c);
		s->cp[s->n_cp++] = (uint32_t)c;
	}
}

/* The text's code points in NFKC. */
static void segment_normalise(struct segmented *s, struct desk_str text)
{
	UErrorCode code = U_ZERO_ERROR;
	const UNormalizer2 *nfkc;
	size_t n;
	int32_t yes, made;

	if (segment_is_ascii(text)) {
		s->cp = segment_room(s->cp, &s->cap_cp, text.n, sizeof(*s->cp));
		for (size_t i = 0; i < text.n; i++)
			s->cp[i] = (unsigned char)text.p[i];
		s->n_cp = text.n;
		return;
	}
	n = segment_utf16(s, text);
	nfkc = unorm2_getNFKCInstance(&code);
	yes = U_SUCCESS(code) ? unorm2_spanQuickCheckYes(nfkc, s->u16[0], (int32_t)n, &code) : (int32_t)n;
	if (U_SUCCESS(code) && (size_t)yes < n) {
		/* one character may become eighteen; most of the time it is far fewer */
		for (size_t room = n * 2 + 32;; room = (size_t)made + 1) {
			s->u16[1] = segment_room(s->u16[1], &s->cap_u16[1], room, sizeof(uint16_t));
			code = U_ZERO_ERROR;
			made = unorm2_normalize(nfkc, s->u16[0], (int32_t)n, s->u16[1],
						(int32_t)s->cap_u16[1], &code);
			if (code != U_BUFFER_OVERFLOW_ERROR)
				break;
		}
		if (U_SUCCESS(code)) {
			segment_from_utf16(s, s->u16[1], (size_t)made);
			return;
		}
	}
	segment_from_utf16(s, s->u16[0], n);
}

/* ---- classes -------------------------------------------------------------- */

static bool segment_is_paired(uint32_t c)
{
	static const uint32_t ranges[][2] = {	/* Thai, Lao, Myanmar, Hangul, Khmer, Han and kana … */
		{ 0x0E00, 0x0EFF }, { 0x1000, 0x109F }, { 0x1100, 0x11FF }, { 0x1780, 0x17FF },
		{ 0x2E80, 0xA4CF }, { 0xA960, 0xA97F }, { 0xA9E0, 0xA9FF }, { 0xAA60, 0xAA7F },
		{ 0xAC00, 0xD7FF }, { 0xF900, 0xFAFF }, { 0x1B000, 0x1B16F }, { 0x20000, 0x3FFFF },
	};

	if (c < ranges[0][0])
		return false;
	for (size_t i = 0; i < DESK_ARRAY_LEN(ranges); i++) {
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	}
	return false;
}

static enum seg_class segment_class(uint32_t c)
{
	uint32_t mask;

	if (c < 0x80) {
		if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
			return SEG_LETTER;
		return c >= '0' && c <= '9' ? SEG_DIGIT : SEG_BREAK;
	}
	mask = U_MASK(u_charType((UChar32)c));
	if ((mask & (U_GC_L_MASK | U_GC_NL_MASK)) != 0)
		return segment_is_paired(c) ? SEG_PAIR : SEG_LETTER;
	if ((mask & U_GC_ND_MASK) != 0)
		return SEG_DIGIT;
	return (mask & (U_GC_M_MASK | U_GC_CF_MASK)) != 0 ? SEG_MARK : SEG_BREAK;
}

/* ---- tokens out ----------------------------------------------------------- */

/* Lower case; 0 for what a term leaves out: format characters, vowel signs that people rarely write. */
static uint32_t segment_lower(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	if (c == 0x0130)
		return 'i';
	if (c == 0x03C2)
		return 0x03C3;	/* final sigma */
	if (c == 0x0451)
		return 0x0435;	/* ё is written as е as often as not */
	if (c == 0x0640 || (c >= 0x064B && c <= 0x065F) || c == 0x0670 || (c >= 0x0591 && c <= 0x05C7) ||
	    u_charType((UChar32)c) == U_FORMAT_CHAR)
		return 0;
	if (u_isdigit((UChar32)c))
		return '0' + (uint32_t)u_charDigitValue((UChar32)c);
	return (uint32_t)u_tolower((UChar32)c);
}

static void token_open(struct segmented *s, enum token_kind kind)
{
	s->at = segment_room(s->at, &s->cap, s->n + 1, sizeof(*s->at));
	s->bytes = segment_room(s->bytes, &s->cap_bytes, s->n_bytes + TOKEN_BYTES_MAX + 8, 1);
	s->at[s->n] = (struct token){ (uint32_t)s->n_bytes, 0, (unsigned char)kind };
}

static void token_add(struct segmented *s, uint32_t c)
{
	char u[4];
	size_t n;

	c = segment_lower(c);
	if (c == 0)
		return;
	n = desk_utf8_encode(c, u);
	if (s->at[s->n].n + n > TOKEN_BYTES_MAX)
		return;
	memcpy(s->bytes + s->n_bytes, u, n);
	s->n_bytes += n;
	s->at[s->n].n = (uint16_t)(s->at[s->n].n + n);
}

static void token_close(struct segmented *s)
{
	if (s->at[s->n].n > 0)
		s->n++;
}

static enum seg_class segment_at(const struct segmented *s, size_t i)
{
	return i < s->n_cp ? segment_class(s->cp[i]) : SEG_BREAK;
}

/* ---- scripts without spaces ----------------------------------------------- */

static size_t segment_unit(const struct segmented *s, size_t i)
{
	for (i++; segment_at(s, i) == SEG_MARK; i++)
		;
	return i;
}

/* Each character (with its marks), and each with its neighbour. */
static size_t segment_pairs(struct segmented *s, size_t i)
{
	while (segment_at(s, i) == SEG_PAIR) {
		size_t next = segment_unit(s, i), after;

		token_open(s, TOKEN_PAIR);
		for (size_t k = i; k < next; k++)
			token_add(s, s->cp[k]);
		token_close(s);
		if (segment_at(s, next) == SEG_PAIR) {
			after = segment_unit(s, next);
			token_open(s, TOKEN_PAIR);
			for (size_t k = i; k < after; k++)
				token_add(s, s->cp[k]);
			token_close(s);
		}
		i = next;
	}
	return i;
}

/* ---- words ---------------------------------------------------------------- */

/* "U.S.A." at i: its end, or i where there is none. */
static size_t segment_acronym(const struct segmented *s, size_t i)
{
	size_t k = i, letters = 0;

	while (segment_at(s, k) == SEG_LETTER && k + 1 < s->n_cp && s->cp[k + 1] == '.') {
		letters++;
		k += 2;
	}
	if (segment_at(s, k) == SEG_LETTER && segment_at(s, k + 1) == SEG_BREAK && letters > 0) {
		letters++;
		k++;
	}
	return letters > 1 && segment_at(s, k) == SEG_BREAK ? k : i;
}

/* Three digits after a comma or dot, and no fourth: they group thousands. */
static bool segment_is_group(const struct segmented *s, size_t i)
{
	return segment_at(s, i + 1) == SEG_DIGIT && segment_at(s, i + 2) == SEG_DIGIT &&
	       segment_at(s, i + 3) == SEG_DIGIT && segment_at(s, i + 4) != SEG_DIGIT;
}

struct segment_part {
	size_t end, letters, digits;
};

/* One part from i on, added to the open token. */
static struct segment_part segment_part(struct segmented *s, size_t i)
{
	struct segment_part part = { i, 0, 0 };

	for (; i < s->n_cp; i++) {
		uint32_t c = s->cp[i];
		enum seg_class k = segment_class(c);

		if (k == SEG_BREAK && (c == '.' || c == ',') && part.digits > 0 && i > 0 &&
		    segment_at(s, i - 1) == SEG_DIGIT && segment_at(s, i + 1) == SEG_DIGIT) {
			if (part.letters > 0 || !segment_is_group(s, i))
				token_add(s, '.');
			continue;
		}
		if (k == SEG_BREAK || k == SEG_PAIR)
			break;
		part.letters += k == SEG_LETTER;
		part.digits += k == SEG_DIGIT;
		token_add(s, c);
	}
	part.end = i;
	return part;
}

static bool segment_is_hyphen(uint32_t c)
{
	return c == '-' || c == 0x2010 || c == 0x2011 || c == 0x00AD;
}

static size_t segment_acronym_word(struct segmented *s, size_t i, size_t end)
{
	token_open(s, TOKEN_WORD);
	for (; i < end; i++) {
		if (s->cp[i] != '.')
			token_add(s, s->cp[i]);
	}
	token_close(s);
	return end;
}

struct segment_word {
	size_t first;	/* token of its first part */
	size_t parts, letters, digits;
	bool   single;	/* one of them is a single character */
};

/* Joined, parts are a term too where they look like a code. They lie side by side already. */
static void segment_join(struct segmented *s, const struct segment_word *w)
{
	size_t bytes = s->n_bytes - s->at[w->first].at;

	if (w->parts < 2 || w->parts > 6 || w->letters == 0 || (w->digits == 0 && !w->single) ||
	    s->n - w->first != w->parts || bytes > TOKEN_BYTES_MAX)
		return;
	token_open(s, w->digits > 0 ? TOKEN_CODE : TOKEN_WORD);
	s->at[s->n].at = s->at[w->first].at;
	s->at[s->n].n = (uint16_t)bytes;
	token_close(s);
}

/* Parts that hyphens join. */
static size_t segment_word(struct segmented *s, size_t i)
{
	struct segment_word w = { .first = s->n };
	size_t end = segment_acronym(s, i);

	if (end > i)
		return segment_acronym_word(s, i, end);
	for (;; i++) {
		struct segment_part part;

		token_open(s, TOKEN_WORD);
		part = segment_part(s, i);
		if (part.digits > 0)
			s->at[s->n].kind = TOKEN_CODE;
		token_close(s);
		w.parts++;
		w.letters += part.letters;
		w.digits += part.digits;
		w.single |= part.letters + part.digits == 1;
		i = part.end;
		if (i + 1 >= s->n_cp || !segment_is_hyphen(s->cp[i]) ||
		    (segment_at(s, i + 1) != SEG_LETTER && segment_at(s, i + 1) != SEG_DIGIT))
			break;
	}
	segment_join(s, &w);
	return i;
}

void segment_text(struct segmented *s, struct desk_str text)
{
	s->n = s->n_bytes = 0;
	segment_normalise(s, text);
	for (size_t i = 0; i < s->n_cp;) {
		switch (segment_class(s->cp[i])) {
		case SEG_LETTER:
		case SEG_DIGIT:
			i = segment_word(s, i);
			break;
		case SEG_PAIR:
			i = segment_pairs(s, i);
			break;
		default:
			i++;
		}
	}
}

void segmented_done(struct segmented *s)
{
	free(s->bytes);
	free(s->at);
	free(s->cp);
	free(s->u16[0]);
	free(s->u16[1]);
}

/* ---- folding --------------------------------------------------------------- */

size_t retrieval_fold(char *p, size_t n)
{
	UErrorCode code = U_ZERO_ERROR;
	const UNormalizer2 *nfd = NULL;
	size_t out = 0;

	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t len = desk_utf8_decode(p + i, n - i, &c);
		UChar decomposed[8];
		char u[4];

		if (len < 2) {
			p[out++] = p[i++];
			continue;
		}
		i += len;
		if (c >= 0x0300 && c <= 0x036F)
			continue;
		if ((c >= 0xC0 && c <= 0x24F) || (c >= 0x370 && c <= 0x3FF) || (c >= 0x1E00 && c <= 0x1FFF)) {
			if (nfd == NULL)
				nfd = unorm2_getNFDInstance(&code);
			if (U_SUCCESS(code) && unorm2_getDecomposition(nfd, (UChar32)c, decomposed,
								       8, &code) > 0)
				c = decomposed[0];
			code = U_ZERO_ERROR;
		}
		len = desk_utf8_encode(c, u);	/* never longer than what it stands for */
		memcpy(p + out, u, len);
		out += len;
	}
	return out;
}
