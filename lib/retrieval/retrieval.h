/* lib/retrieval/retrieval.h - find the chunks that answer a question: words, vectors, both fused. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file           duty
 * -------------  -------------------------------------------------------------
 * retrieval.c    what a process holds: analyzers, fingerprints of languages, caches
 * languages.c    the table of languages: stemmer, stop words, script
 * stopwords.c    the stop words, by language
 * detect.c       the language of a document and of a question
 * segment.c      text to words: Unicode's word boundaries, pairs for scripts without spaces
 * analyzer.c     words to terms: lower case, stop words, stems
 * invert.c       chunks of a commit to packed postings
 * lexical.c      the lexical index: add, remove
 * merge.c        small segments to larger ones, in the background
 * bm25.c         packed postings to the best chunks, in bounded memory
 * words.c        a question's words in the languages of the index, and their postings
 * dense.c        nearest vectors, by pgvector
 * fuse.c         two lists to one: the rows `rrf` and `convex`
 * recall.c       what was found for a question, as long as the index is the same
 * search.c       a search from end to end
 * metrics.c      nDCG, recall, reciprocal rank, AUROC
 */
#ifndef DESK_RETRIEVAL_H
#define DESK_RETRIEVAL_H

#include "base/base.h"
#include "tenancy/tenancy.h"

#pragma GCC visibility push(default)

struct desk_embedder;

/* ---- what a process holds ------------------------------------------------ */

/* Owned, thread-safe. One a process: opening it loads the fingerprints of languages. */
struct desk_retrieval;

struct desk_retrieval_options {
	const char *fingerprints;	/* libexttextcat's folder; NULL: as installed by Debian */
	int64_t     batch_chunks;	/* chunks whose postings a search has in memory at once; 0: 600000 */
};
/* options may be NULL. DESK_E_IO, naming the folder, when there are no fingerprints. */
DESK_MUST_CHECK enum desk_status desk_retrieval_open(const struct desk_retrieval_options *options,
						     struct desk_retrieval **out,
						     struct desk_error *err);
void desk_retrieval_free(struct desk_retrieval *r);	/* NULL is fine */

/* ---- languages and analysis ---------------------------------------------- */

#define DESK_LANGUAGE_LEN 3
/*
 * The language of a document's text (its beginning is enough), ISO 639-1; "" where it can't be told.
 * among: the tenant's languages, NULL-terminated, or NULL (or empty) for all: no other is given.
 */
void desk_language_detect(struct desk_retrieval *r, struct desk_str text, const char *const *among,
			  char out[DESK_LANGUAGE_LEN + 1]);
/*
 * The language of a question to cx->tenant: of the few that the tenant's settings or else its
 * documents name; five words alone are not believed. Call it outside of a transaction: the first
 * question to a tenant looks up its documents' languages, which are then kept for some seconds.
 * No vector is needed when the embedder does not speak it: search with vector NULL.
 */
DESK_MUST_CHECK enum desk_status desk_language_question(struct desk_ctx *cx, struct desk_retrieval *r,
							struct desk_str text,
							char out[DESK_LANGUAGE_LEN + 1]);

struct desk_terms {
	struct desk_str *at;	/* arena; in the order of the text, repeated words as often as they come */
	size_t           n;
};
/*
 * What the lexical index knows a text by: words in NFKC and lower case, without the language's stop
 * words, stemmed; pairs of characters in scripts without spaces. Any bytes are a text; lang NULL, ""
 * or unknown: no stemmer and no stop words.
 */
void desk_analyze(struct desk_retrieval *r, struct desk_arena *a, const char *lang,
		  struct desk_str text, struct desk_terms *out);

/* What is indexed and embedded of a chunk: its document's title in front. Arena, or content itself. */
struct desk_str desk_index_text(struct desk_arena *a, struct desk_str title, struct desk_str content);

/* ---- the lexical index ---------------------------------------------------- */

struct desk_index_item {
	int64_t         chunk;	/* from the sequence chunk_ids; ascending within a batch */
	struct desk_str title, content;	/* borrowed */
};
struct desk_index_batch {
	const char *audience;	/* "PUBLIC" or "INTERNAL" */
	const char *language;	/* of the items' documents; "" is unknown */
	const struct desk_index_item *items;
	size_t      n;
};
/*
 * Make chunks findable, inside the caller's transaction: one new segment. Items may be of several
 * documents; larger batches are cheaper. Nothing for n == 0.
 */
DESK_MUST_CHECK enum desk_status desk_lexical_add(struct desk_ctx *cx, struct desk_retrieval *r,
						  const struct desk_index_batch *batch);
/*
 * Take chunks out, inside the caller's transaction. Ids that the index does not have are passed over.
 * Waits for a merge of the tenant that is under way. The rows of `chunks` are the caller's.
 */
DESK_MUST_CHECK enum desk_status desk_lexical_remove(struct desk_ctx *cx, const int64_t *chunks, size_t n);
/* The same, for all chunks of a document (before their rows are deleted). */
DESK_MUST_CHECK enum desk_status desk_lexical_remove_document(struct desk_ctx *cx, const char *document);
/*
 * One bounded step of merging, in a transaction of its own (there must be none open). *more says that
 * something was merged: call again, or enqueue. Safe beside adds, removes and searches. To be called
 * after what added or removed; without it searches stay right and become slower.
 */
DESK_MUST_CHECK enum desk_status desk_lexical_merge(struct desk_ctx *cx, bool *more);

/* ---- search --------------------------------------------------------------- */

struct desk_fusion_options {
	enum desk_fusion kind;
	double weight_lexical, weight_dense;
	int    rrf_constant;
};

#define DESK_SEARCH_DEPTH 50
#define DESK_SEARCH_DEPTH_MAX 1000
struct desk_search_query {
	struct desk_str text;
	const char     *language;	/* of the question; NULL or "": not known */
	const float    *vector;	/* of the question, unit length; NULL: words alone */
	size_t          dim;
	const struct desk_embedder *embedder;	/* whose vector it is; chunks in a language that it does
						   not speak have no dense rank; NULL: all have */
	bool            internal;	/* may see INTERNAL documents */
	int             top_k;	/* 0: the tenant's setting */
	int             depth;	/* candidates a list; 0: DESK_SEARCH_DEPTH */
	const struct desk_fusion_options *fusion;	/* NULL: the tenant's settings */
};

#define DESK_QUERY_TERMS_MAX 256
/* A word of the question that is no stop word. */
struct desk_query_term {
	const char *text;	/* as asked, in lower case; arena */
	unsigned    count;	/* times it was asked */
	int64_t     df;	/* chunks that have it, of those that the caller may see */
	double      idf;	/* ln(1 + (N - df + .5) / (df + .5)) */
};

struct desk_hit {
	int64_t     chunk;
	const char *document;	/* UUID */
	const char *source, *title, *language;
	int         chunk_index;
	int         page;	/* 0: the format has no pages */
	int         start, end;	/* code points in the document's text */
	const char *content;	/* as stored, without the title */
	double      score;	/* fused */
	double      lexical;	/* BM25 without (k1 + 1): at most the sum of the terms' idf; 0: no word */
	double      cosine;	/* -1..1; NAN: no vector asked, or none stored */
	int         lexical_rank, dense_rank;	/* from 1; 0: not in that list */
	double      coverage;	/* share of the question's idf that is in this chunk, 0..1 */
	uint64_t    matched[DESK_QUERY_TERMS_MAX / 64];	/* bit i: it has terms[i] */
};

struct desk_search_result {
	struct desk_hit        *hits;	/* arena; best first */
	size_t                  n;
	struct desk_query_term *terms;	/* arena */
	size_t                  n_terms;
	int64_t                 chunks;	/* N: chunks the caller may see */
	bool                    dense;	/* the dense list had a vote */
	bool                    recalled;	/* ranks and scores are those of an earlier search */
	double                  top_cosine;	/* best of the dense list; NAN without one */
	double                  coverage;	/* share of the question's idf that the hits have together */
	double                  unknown;	/* share of the question's words that no chunk has, 0..1 */
	int64_t                 lists_us, rank_us, contents_us;	/* where the time went */
};

/*
 * Two round trips: the lists, then the winners' rows; one for a question that was asked before while
 * the index was the same (it says so itself: nothing is kept past a change). Uses the open transaction,
 * or one of its own that it ends. *out lives in cx->arena; no hit is no error.
 */
DESK_MUST_CHECK enum desk_status desk_search(struct desk_ctx *cx, struct desk_retrieval *r,
					     const struct desk_search_query *query,
					     struct desk_search_result *out);

struct desk_ranked_document {
	const char *id;	/* UUID */
	const char *source;	/* the _id of a JSONL line */
	double      score;	/* of its best chunk */
};
struct desk_ranked_documents {
	struct desk_ranked_document *at;	/* arena; best first */
	size_t                       n;
};
/* The best query->top_k documents, each by its best chunk; for evaluations. */
DESK_MUST_CHECK enum desk_status desk_rank_documents(struct desk_ctx *cx, struct desk_retrieval *r,
						     const struct desk_search_query *query,
						     struct desk_ranked_documents *out);

/* ---- metrics, as trec_eval computes them ----------------------------------- */

/*
 * ranked: grades of the documents in the order given, 0 for one that is not judged or not relevant.
 * judged: all positive grades of the question, in any order. 0 where there are none.
 */
struct desk_judged {
	const int *ranked;
	size_t     n_ranked;
	const int *judged;
	size_t     n_judged;
};
double desk_metric_ndcg(const struct desk_judged *j, size_t k);	/* linear gain, log2(rank + 1) */
double desk_metric_recall(const struct desk_judged *j, size_t k);
double desk_metric_rr(const struct desk_judged *j);	/* 1 / rank of the first relevant one */
/* Chance that a positive scores above a negative, ties half; NAN when either is empty. Sorts both. */
double desk_metric_auroc(double *positive, size_t n_positive, double *negative, size_t n_negative);

#pragma GCC visibility pop
#endif
