/* lib/retrieval/languages.c - the table of languages: stemmer, stop words, folding. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "retrieval/retrieval_int.h"

#include <stdlib.h>
#include <string.h>

/* A language without a row here has words, but no stems and no stop words. */
const struct retrieval_language retrieval_languages[] = {
	{ "en", "english", true },     { "de", "german", true },     { "es", "spanish", true },
	{ "fr", "french", true },      { "it", "italian", true },    { "pt", "portuguese", true },
	{ "nl", "dutch", true },       { "ru", "russian", false },   { "sv", "swedish", false },
	{ "da", "danish", false },     { "no", "norwegian", false }, { "fi", "finnish", false },
	{ "ar", "arabic", false },     { "tr", "turkish", false },   { "hu", "hungarian", false },
	{ "ro", "romanian", true },    { "ca", "catalan", true },    { "eu", "basque", true },
	{ "el", "greek", true },       { "ga", "irish", true },      { "lt", "lithuanian", false },
	{ "hi", "hindi", false },      { "id", "indonesian", true }, { "hy", "armenian", false },
	{ "sr", "serbian", true },     { "ta", "tamil", false },     { "ne", "nepali", false },
	{ "yi", "yiddish", false },    { "pl", NULL, false },        { "cs", NULL, true },
	{ "uk", NULL, false },
};
const size_t retrieval_languages_count = DESK_ARRAY_LEN(retrieval_languages);
_Static_assert(DESK_ARRAY_LEN(retrieval_languages) <= RETRIEVAL_LANGUAGES_MAX, "room for all");

int retrieval_language_find(const char *code)
{
	if (code == NULL || code[0] == '\0')
		return -1;
	for (size_t i = 0; i < retrieval_languages_count; i++) {
		if (strcmp(retrieval_languages[i].code, code) == 0)
			return (int)i;
	}
	return -1;
}

/* FNV-1a with a last mix; for tables in memory only. */
uint64_t retrieval_hash(const char *p, size_t n)
{
	uint64_t h = 14695981039346656037ULL;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 1099511628211ULL;
	return h ^ (h >> 32);
}

static void word_set_add(struct word_set *s, struct desk_str w)
{
	size_t i = retrieval_hash(w.p, w.n) & (s->cap - 1);

	while (s->at[i].p != NULL) {
		if (desk_str_eq(s->at[i], w))
			return;
		i = (i + 1) & (s->cap - 1);
	}
	s->at[i] = w;
	s->n++;
}

void word_set_fill(struct word_set *s, const char *words, bool fold)
{
	size_t len = strlen(words), count = 1;
	char *folded = NULL;

	for (size_t i = 0; i < len; i++)
		count += words[i] == ' ';
	for (s->cap = 16; s->cap < count * 4;)
		s->cap *= 2;
	s->at = desk_xcalloc(s->cap, sizeof(*s->at));
	if (fold)
		folded = s->bytes = desk_xmalloc(len + 1);
	for (const char *p = words, *end; (end = strchr(p, ' ')) != NULL; p = end + 1) {
		struct desk_str w = { p, (size_t)(end - p) };

		word_set_add(s, w);
		if (!fold)
			continue;
		memcpy(folded, p, w.n);
		w.n = retrieval_fold(folded, w.n);
		w.p = folded;
		folded += w.n;
		word_set_add(s, w);
	}
}

bool word_set_has(const struct word_set *s, struct desk_str w)
{
	if (s->n == 0)
		return false;
	for (size_t i = retrieval_hash(w.p, w.n) & (s->cap - 1); s->at[i].p != NULL;
	     i = (i + 1) & (s->cap - 1)) {
		if (desk_str_eq(s->at[i], w))
			return true;
	}
	return false;
}

void word_set_done(struct word_set *s)
{
	free(s->at);
	free(s->bytes);
}
