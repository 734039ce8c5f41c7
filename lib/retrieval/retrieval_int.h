/* lib/retrieval/retrieval_int.h - between the files of this room. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_RETRIEVAL_INT_H
#define DESK_RETRIEVAL_INT_H

#include <math.h>
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

#define LANGUAGES_AMONG_MAX 32
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

#define RECALL_SLOTS 2048	/* a power of two; each at most RECALL_BYTES_MAX */
#define RECALL_BYTES_MAX 8192
struct recalled;

struct desk_retrieval {
	int64_t            batch_chunks;
	struct recalled   *recalled[RECALL_SLOTS];	/* owned; under lock */
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

/* ---- invert.c: chunks to postings ------------------------------------------- */

/* As stored: little endian, eight bytes. */
struct posting {
	uint32_t chunk;
	uint16_t tf, length;	/* capped */
};
_Static_assert(sizeof(struct posting) == 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "postings are stored as they lie in memory");

struct inverted {
	const char    **terms;	/* arena; the first is "": every chunk */
	struct desk_str *data;	/* arena: packed postings, by chunk */
	size_t          n;
	int64_t         total_length;
};
void invert(struct desk_arena *arena, struct analyzer *a, const struct desk_index_batch *batch,
	    struct inverted *out);

/* ---- lexical.c ---------------------------------------------------------------- */

/* Removing and merging take turns within a tenant; adding and searching need not wait. */
DESK_MUST_CHECK enum desk_status lexical_lock(struct desk_ctx *cx);
/* The rows of these segments and their postings go. */
DESK_MUST_CHECK enum desk_status lexical_drop(struct desk_ctx *cx, const int64_t *segments, size_t n);

/* The index is another from this commit on. */
DESK_MUST_CHECK enum desk_status lexical_changed(struct desk_ctx *cx);

/* ---- bm25.c ------------------------------------------------------------------- */

/* A word's postings in one segment; by chunk, only live ones. */
struct bm25_list {
	const struct posting *at;
	size_t                n;
	unsigned              word;
};
struct bm25_hit {
	int64_t chunk;
	double  score;
};
/* The best so far. Better: a higher score, then a lower chunk. */
struct bm25_top {
	struct bm25_hit *at;	/* arena; a heap, the worst first, until bm25_top_sort */
	size_t           n, k;
};
struct bm25_weights {
	const double *idf;	/* by word; times how often it was asked */
	double        average_length;	/* of a live chunk, in terms */
};
double bm25_idf(int64_t chunks, int64_t df);
double bm25_score(const struct bm25_weights *w, unsigned word, const struct posting *p);
/* Postings without those of the deleted chunks (ascending). In place of a copy where none is there. */
size_t bm25_live(struct desk_arena *a, const struct posting **at, size_t n, const uint32_t *deleted,
		 size_t n_deleted);
void bm25_top_init(struct bm25_top *top, struct desk_arena *a, size_t k);
void bm25_top_sort(struct bm25_top *top);	/* best first */
/* Score the lists' chunks into top. Segments must not share chunks: then batch after batch may come. */
void bm25_rank(const struct bm25_weights *w, const struct bm25_list *lists, size_t n, struct bm25_top *top);
/* A chunk's posting in a list, or NULL. */
const struct posting *bm25_find(const struct bm25_list *l, uint32_t chunk);

/* ---- words.c ------------------------------------------------------------------ */

struct word {
	const char *text;	/* lower case; arena */
	unsigned    count;
	int64_t     df;
	double      idf;
};
struct word_segment {
	int64_t         id, first, last, chunks, total_length;
	int             language;	/* into words.languages */
	const uint32_t *deleted;	/* ascending; arena */
	size_t          n_deleted;
	bool            loaded;	/* its postings are in words.lists */
};
/* A question's words in the languages of the index, and what the index has of them. */
struct words {
	struct desk_ctx       *cx;
	struct desk_retrieval *r;
	struct desk_str        question;
	const char            *language;	/* of the question */
	bool                   internal;

	struct word           *at;	/* arena */
	size_t                 n;
	struct language_list   languages;	/* of the index, as far as known */
	const char           **forms[LANGUAGES_AMONG_MAX + 1];	/* by language, the last is for none; by
							   word, NULL: a stop word */

	struct word_segment   *segments;	/* arena; by id */
	size_t                 n_segments;
	int64_t                chunks, total_length;	/* that the caller may see */
	struct bm25_list      *lists;	/* arena */
	size_t                 n_lists, cap_lists;
	bool                   stale;	/* a segment went between two trips: what was found is not exact */
};
void words_open(struct words *w);	/* cx .. internal are given */
/* First the statement is sent, so that others may follow in the same trip; then its answer is read. */
DESK_MUST_CHECK enum desk_status words_send(struct words *w);
DESK_MUST_CHECK enum desk_status words_receive(struct words *w);
/* Rank what was received; asks for more where the index is larger than one batch. */
DESK_MUST_CHECK enum desk_status words_rank(struct words *w, struct bm25_top *top);
/* The exact score, and which words they have, of these few chunks. */
DESK_MUST_CHECK enum desk_status words_explain(struct words *w, struct desk_hit *hits, size_t n);

/* ---- dense.c -------------------------------------------------------------------- */

struct dense_hit {
	int64_t chunk;
	double  cosine;
};
struct dense_list {
	struct dense_hit *at;	/* arena; nearest first */
	size_t            n;
};
DESK_MUST_CHECK enum desk_status dense_send(struct desk_ctx *cx, const struct desk_search_query *q, int depth);
DESK_MUST_CHECK enum desk_status dense_receive(struct desk_ctx *cx, const struct desk_search_query *q, int depth,
					       struct dense_list *out);

/* ---- recall.c -------------------------------------------------------------------- */

/* What a search is known by: all that its result depends on, but the index. */
struct recall_key {
	char   bytes[900];
	size_t n;	/* 0: too long to be kept */
};
struct recall_search {
	const char                       *tenant;
	const struct desk_search_query   *query;
	const struct desk_fusion_options *fusion;
	int                               top_k, depth;
};
void recall_key_make(struct recall_key *key, const struct recall_search *s);
/* Arena copies of hits (without their rows), terms and numbers; false where there is none. */
bool recall_get(struct desk_retrieval *r, struct desk_arena *a, const struct recall_key *key, int64_t *generation,
		struct desk_search_result *out);
void recall_put(struct desk_retrieval *r, const struct recall_key *key, int64_t generation,
		const struct desk_search_result *result);
void recall_done(struct desk_retrieval *r);

/* ---- fuse.c ---------------------------------------------------------------------- */

struct fused {
	int64_t chunk;
	double  score, lexical, cosine;	/* NAN: not in that list */
	int     lexical_rank, dense_rank;	/* 0: not in that list */
};
struct fuse_lists {
	const struct bm25_top   *lexical;	/* sorted */
	const struct dense_list *dense;	/* NULL: no vote */
};
/* All candidates, best first; arena. Gives their number. */
size_t fuse(struct desk_arena *a, const struct desk_fusion_options *o, const struct fuse_lists *lists,
	    struct fused **out);

#endif
