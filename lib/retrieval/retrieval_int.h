/* lib/retrieval/retrieval_int.h - between the files of this room. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_RETRIEVAL_INT_H
#define DESK_RETRIEVAL_INT_H

#include <pthread.h>

#include "retrieval/retrieval.h"

struct sb_stemmer;

/* ---- languages.c, stopwords.c --------------------------------------------- */

struct retrieval_stops {
	const char *code;
	const char *words;	/* each followed by a space */
};
extern const struct retrieval_stops retrieval_stops[];
extern const size_t retrieval_stops_count;

struct retrieval_language {
	const char *code;	/* ISO 639-1 */
	const char *stemmer;	/* libstemmer's name; NULL: none */
	bool        fold;	/* accents are often left out when people type */
};
#define RETRIEVAL_LANGUAGES_MAX 48
extern const struct retrieval_language retrieval_languages[];
extern const size_t retrieval_languages_count;

/* Index into the table; -1 for "", NULL and what it does not have. */
int retrieval_language_find(const char *code);

/* An open-addressed set of words; read-only once filled. */
struct word_set {
	struct desk_str *at;	/* owned; borrowed words */
	size_t           cap, n;
	char            *bytes;	/* owned: folded forms */
};
void word_set_fill(struct word_set *s, const char *words, bool fold);
bool word_set_has(const struct word_set *s, struct desk_str w);
void word_set_done(struct word_set *s);
uint64_t retrieval_hash(const char *p, size_t n);

/* ---- segment.c: text to words --------------------------------------------- */

enum token_kind {
	TOKEN_WORD,	/* letters only: has a stem */
	TOKEN_CODE,	/* with a digit, or joined of parts: kept as it is */
	TOKEN_PAIR	/* of a script without spaces: one or two characters */
};
struct token {
	uint32_t        at;	/* into segmented.bytes */
	uint16_t        n;
	unsigned char   kind;
};
#define TOKEN_BYTES_MAX 96	/* a longer word is cut: it is no word */

/* Scratch that is used again and again; zeroed to begin with. */
struct segmented {
	char         *bytes;	/* owned; lower-case UTF-8 */
	size_t        n_bytes, cap_bytes;
	struct token *at;	/* owned */
	size_t        n, cap;
	uint32_t     *cp;	/* owned: the text's code points, normalised */
	size_t        n_cp, cap_cp;
	uint16_t     *u16[2];	/* owned: for the normaliser */
	size_t        cap_u16[2];
};
void segment_text(struct segmented *s, struct desk_str text);
void segmented_done(struct segmented *s);

/* Accents off Latin and Greek letters, in place; the new length. */
size_t retrieval_fold(char *p, size_t n);

/* ---- analyzer.c: words to terms ------------------------------------------- */

/* One thread uses one at a time. */
struct analyzer {
	struct analyzer   *next;	/* free list */
	const struct desk_retrieval *r;
	struct segmented   seg;
	struct sb_stemmer *stemmers[RETRIEVAL_LANGUAGES_MAX];	/* opened at first use */
	char               term[TOKEN_BYTES_MAX * 2];
};
struct analyzer *analyzer_take(struct desk_retrieval *r);
void analyzer_give(struct desk_retrieval *r, struct analyzer *a);
void analyzer_free(struct analyzer *a);
/* The token's term; n 0 for a stop word. Valid until the next call with this analyzer. */
struct desk_str analyzer_term(struct analyzer *a, int language, const struct token *t);

/* ---- detect.c ------------------------------------------------------------- */

#define LANGUAGES_AMONG_MAX 16
/* A few languages, the tenant's main one first. */
struct language_list {
	char   at[LANGUAGES_AMONG_MAX][DESK_LANGUAGE_LEN + 1];
	size_t n;
};
bool language_list_has(const struct language_list *l, const char *code);
void language_list_add(struct language_list *l, const char *code);	/* "", known and one too many: not */
void detect_question(struct desk_retrieval *r, struct desk_str text, const struct language_list *among,
		     char out[DESK_LANGUAGE_LEN + 1]);

/* ---- retrieval.c ---------------------------------------------------------- */

#define TENANT_NOTES 256	/* a power of two */
/* What is remembered of a tenant: a hint only, a stale one costs a round trip and no result. */
struct tenant_note {
	char                 id[DESK_UUID_LEN + 1];
	int64_t              at_us;	/* monotonic; 0: empty */
	struct language_list languages;	/* of its index, the one with the most chunks first */
};

struct desk_retrieval {
	pthread_mutex_t    lock;
	struct analyzer   *idle;	/* under lock */
	struct tenant_note notes[TENANT_NOTES];	/* under lock */
	struct word_set    stops[RETRIEVAL_LANGUAGES_MAX];	/* read-only */
	char              *fingerprints;	/* owned: the folder, with a slash */
	char              *fingerprints_list;	/* owned: the file that names them */
	pthread_mutex_t    textcat_lock;
	void              *textcat;	/* under textcat_lock; opened at first use */
};
bool tenant_note_get(struct desk_retrieval *r, const char *id, struct tenant_note *out);
void tenant_note_put(struct desk_retrieval *r, const char *id, const struct language_list *languages,
		     int64_t now_us);

#endif
