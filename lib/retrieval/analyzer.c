/* lib/retrieval/analyzer.c - words to terms: stop words out, stems. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "retrieval/retrieval_int.h"

#include <libstemmer.h>
#include <stdlib.h>
#include <string.h>

struct analyzer *analyzer_take(struct desk_retrieval *r)
{
	struct analyzer *a;

	pthread_mutex_lock(&r->lock);
	a = r->idle;
	if (a != NULL)
		r->idle = a->next;
	pthread_mutex_unlock(&r->lock);
	if (a == NULL) {
		a = desk_xcalloc(1, sizeof(*a));
		a->r = r;
	}
	return a;
}

/* As many are kept as were ever used at once. */
void analyzer_give(struct desk_retrieval *r, struct analyzer *a)
{
	pthread_mutex_lock(&r->lock);
	a->next = r->idle;
	r->idle = a;
	pthread_mutex_unlock(&r->lock);
}

void analyzer_free(struct analyzer *a)
{
	for (size_t i = 0; i < RETRIEVAL_LANGUAGES_MAX; i++)
		sb_stemmer_delete(a->stemmers[i]);
	segmented_done(&a->seg);
	free(a);
}

static struct sb_stemmer *analyzer_stemmer(struct analyzer *a, int language)
{
	if (retrieval_languages[language].stemmer == NULL)
		return NULL;
	if (a->stemmers[language] == NULL)
		a->stemmers[language] = sb_stemmer_new(retrieval_languages[language].stemmer, NULL);
	return a->stemmers[language];
}

/* The dotless i that capitals lose; after stemming, in place. */
static size_t analyzer_dot(char *p, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && (unsigned char)p[i] == 0xC4 && (unsigned char)p[i + 1] == 0xB1) {
			p[out++] = 'i';
			i++;
		} else {
			p[out++] = p[i];
		}
	}
	return out;
}

struct desk_str analyzer_term(struct analyzer *a, int language, const struct token *t)
{
	struct desk_str word = { a->seg.bytes + t->at, t->n };
	struct sb_stemmer *stemmer;

	if (t->kind != TOKEN_WORD)
		return word;
	if (language >= 0) {
		if (word_set_has(&a->r->stops[language], word))
			return (struct desk_str){ word.p, 0 };
		stemmer = analyzer_stemmer(a, language);
		if (stemmer != NULL) {
			const sb_symbol *stem = sb_stemmer_stem(stemmer, (const sb_symbol *)word.p, (int)word.n);
			size_t n = (size_t)sb_stemmer_length(stemmer);

			if (stem != NULL && n > 0 && n <= sizeof(a->term))
				word = (struct desk_str){ (const char *)stem, n };
		}
	}
	memcpy(a->term, word.p, word.n);
	word.p = a->term;
	if (language < 0 || retrieval_languages[language].fold)
		word.n = retrieval_fold(a->term, word.n);
	else if (strcmp(retrieval_languages[language].code, "tr") == 0)
		word.n = analyzer_dot(a->term, word.n);
	return word;
}

void desk_analyze(struct desk_retrieval *r, struct desk_arena *arena, const char *lang,
		  struct desk_str text, struct desk_terms *out)
{
	struct analyzer *a = analyzer_take(r);
	int language = retrieval_language_find(lang);

	segment_text(&a->seg, text);
	out->n = 0;
	out->at = desk_arena_array(arena, a->seg.n + 1, sizeof(*out->at));
	for (size_t i = 0; i < a->seg.n; i++) {
		struct desk_str term = analyzer_term(a, language, &a->seg.at[i]);

		if (term.n > 0)
			out->at[out->n++] = (struct desk_str){ desk_arena_strndup(arena, term.p, term.n), term.n };
	}
	analyzer_give(r, a);
}

struct desk_str desk_index_text(struct desk_arena *a, struct desk_str title, struct desk_str content)
{
	char *p;

	if (title.n == 0)
		return content;
	p = desk_arena_alloc(a, title.n + 1 + content.n + 1);
	memcpy(p, title.p, title.n);
	p[title.n] = '\n';
	memcpy(p + title.n + 1, content.p, content.n);
	return (struct desk_str){ p, title.n + 1 + content.n };
}
