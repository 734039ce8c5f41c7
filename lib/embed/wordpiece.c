/* lib/embed/wordpiece.c - text to token ids, as BERT's uncased tokenizer. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One pass over the bytes, no copy of the text: a code point becomes what the model file's table says
 * (cleaned, without accents, lower case), goes into the word under way, and a finished word is cut
 * into the longest pieces of the vocabulary from its left. Reading stops when the ids are full.
 */
#include "embed/embed_int.h"

#include <string.h>

#define WORD_CHARS_MAX 100	/* a longer word is [UNK], as in the reference */
#define WORD_BYTES_MAX (WORD_CHARS_MAX * 4)

enum { CHAR_WORD, CHAR_SPACE, CHAR_ALONE };	/* bits 24.. of an entry of the character table */

struct wordpiece {
	const struct embed_vocab *v;
	uint32_t *ids;
	size_t    n, max;	/* max leaves room for [SEP] */
	size_t    chars, bytes;	/* of the word under way; chars counts on past the maximum */
	char      word[WORD_BYTES_MAX];
};

/* FNV-1a, as the converter filled the slots. */
static inline uint32_t wordpiece_hash(uint32_t h, unsigned char c)
{
	return (h ^ c) * 16777619u;
}

/* The word whose text is "##" (if inner) and s[0..n); words, when there is none. */
static uint32_t wordpiece_find(const struct embed_vocab *v, bool inner, const char *s, size_t n,
			       uint32_t hash)
{
	size_t skip = inner ? 2 : 0;

	for (uint32_t at = hash & (v->slots - 1); v->slot[at] != 0; at = (at + 1) & (v->slots - 1)) {
		uint32_t id = v->slot[at] - 1;
		const char *t = v->text + v->offset[id];

		if (v->offset[id + 1] - v->offset[id] == n + skip &&
		    (!inner || (t[0] == '#' && t[1] == '#')) && memcmp(t + skip, s, n) == 0)
			return id;
	}
	return v->words;
}

/* The longest piece at the head of s; its bytes in *len. words, when no piece fits. */
static uint32_t wordpiece_longest(const struct embed_vocab *v, bool inner, const char *s, size_t n,
				  size_t *len)
{
	uint32_t hash[WORD_BYTES_MAX], h = 2166136261u;

	if (inner)
		h = wordpiece_hash(wordpiece_hash(h, '#'), '#');
	if (n > v->longest)
		n = v->longest;
	for (size_t i = 0; i < n; i++)
		hash[i] = h = wordpiece_hash(h, (unsigned char)s[i]);
	for (; n > 0; n--) {
		uint32_t id = wordpiece_find(v, inner, s, n, hash[n - 1]);

		if (id < v->words) {
			*len = n;
			return id;
		}
	}
	return v->words;
}

static void wordpiece_emit(struct wordpiece *t, uint32_t id)
{
	if (t->n < t->max)
		t->ids[t->n++] = id;
}

/* Cut the word under way into pieces; all of it is [UNK] when any part of it is in no piece. */
static void wordpiece_flush(struct wordpiece *t)
{
	size_t start = t->n;

	if (t->chars == 0)
		return;
	if (t->chars > WORD_CHARS_MAX) {
		wordpiece_emit(t, t->v->unk);
		t->chars = t->bytes = 0;
		return;
	}
	for (size_t at = 0, len = 0; at < t->bytes; at += len) {
		uint32_t id = wordpiece_longest(t->v, at > 0, t->word + at, t->bytes - at, &len);

		if (id == t->v->words) {
			t->n = start;
			wordpiece_emit(t, t->v->unk);
			break;
		}
		wordpiece_emit(t, id);
	}
	t->chars = t->bytes = 0;
}

static void wordpiece_put(struct wordpiece *t, uint32_t cp)
{
	if (t->chars++ < WORD_CHARS_MAX)
		t->bytes += desk_utf8_encode(cp, t->word + t->bytes);
}

/* One normalised character: part of a word, between words, or a word by itself. */
static void wordpiece_char(struct wordpiece *t, uint32_t entry, uint32_t cp)
{
	uint32_t kind = entry >> 24;

	if ((entry & 0xFFFFFF) != 0)
		cp = entry & 0xFFFFFF;
	if (kind != CHAR_WORD)
		wordpiece_flush(t);
	if (kind == CHAR_SPACE)
		return;
	wordpiece_put(t, cp);
	if (kind == CHAR_ALONE)
		wordpiece_flush(t);
}

static void wordpiece_code_point(struct wordpiece *t, uint32_t cp)
{
	const struct embed_vocab *v = t->v;
	uint32_t e = v->char_block[(size_t)v->char_index[cp >> 8] * 256 + (cp & 0xFF)];
	const uint32_t *many;

	if (e >> 31 == 0) {
		wordpiece_char(t, e, cp);
		return;
	}
	many = v->char_many + (e & 0x7FFFFFFF);
	for (uint32_t i = 1; i <= many[0]; i++)
		wordpiece_char(t, many[i], many[i] & 0xFFFFFF);
}

/* The reference takes "[SEP]" and its likes out of the raw text as they stand. Bytes, 0 for none. */
static size_t wordpiece_special(struct wordpiece *t, const char *s, size_t n)
{
	const struct embed_vocab *v = t->v;

	for (size_t i = 0; i < DESK_ARRAY_LEN(v->special); i++) {
		uint32_t id = v->special[i];
		size_t len = v->offset[id + 1] - v->offset[id];

		if (len > 0 && len <= n && memcmp(s, v->text + v->offset[id], len) == 0) {
			wordpiece_flush(t);
			wordpiece_emit(t, id);
			return len;
		}
	}
	return 0;
}

size_t embed_wordpiece(const struct embed_vocab *v, struct desk_str text, uint32_t *ids, size_t max)
{
	struct wordpiece t = { .v = v, .ids = ids, .max = max - 1 };

	wordpiece_emit(&t, v->cls);
	for (size_t i = 0, len; i < text.n && t.n < t.max; i += len) {
		uint32_t cp = (unsigned char)text.p[i];

		len = cp == '[' ? wordpiece_special(&t, text.p + i, text.n - i) : 0;
		if (len > 0)
			continue;
		len = desk_utf8_decode(text.p + i, text.n - i, &cp);
		if (len == 0) {
			cp = 0xFFFD;
			len = 1;
		}
		wordpiece_code_point(&t, cp);
	}
	wordpiece_flush(&t);
	ids[t.n++] = v->sep;
	return t.n;
}
