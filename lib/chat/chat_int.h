/* lib/chat/chat_int.h - what the files of lib/chat share. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_CHAT_INT_H
#define DESK_CHAT_INT_H

#include "chat/chat.h"
#include "llm/llm.h"
#include "retrieval/retrieval.h"

/* ---- sentence.c: a text -> its units -------------------------------------- */

enum chat_unit_kind { CHAT_SENTENCE, CHAT_ITEM, CHAT_ROW, CHAT_HEADING };

/* A sentence, a list item's sentence, a table's row or a heading. */
struct chat_unit {
	uint32_t at, n;	/* bytes in the text; no white space at either end, no bullet */
	uint32_t block;	/* units of one paragraph or item have the same */
	unsigned char kind;	/* enum chat_unit_kind */
	bool     question;	/* ends with a question mark */
	bool     closed;	/* ends as a sentence does, or by its layout */
};
struct chat_units {
	struct chat_unit *at;	/* arena */
	size_t            n;
};
/* lang as in struct desk_hit. Any UTF-8 is a text. */
void chat_units_split(struct desk_arena *a, const char *lang, struct desk_str text,
		      struct chat_units *out);

/* ---- readable.c: a unit's text as it is said --------------------------------- */

/*
 * White space to single spaces, cells of a row parted by commas; with a header of as many cells,
 * "name: value". Arena.
 */
char *chat_readable(struct desk_arena *a, struct desk_str text, struct desk_str header);

/* ---- passage.c: hits -> passages ------------------------------------------ */

#define CHAT_PARTS_MAX 8
struct chat_part {
	const struct desk_hit *hit;
	int                    start, end;	/* code points in the document */
};
/* Hits of one document that overlap, as one text. */
struct chat_passage {
	struct desk_str  text;
	int              start, end;	/* code points in the document */
	struct chat_part parts[CHAT_PARTS_MAX];	/* by start */
	size_t           n_parts;
	size_t           rank;	/* of its best hit, from 0 */
	const struct desk_hit *hit;	/* that hit */
};
struct chat_passages {
	struct chat_passage *at;	/* arena; by rank */
	size_t               n;
};
void chat_passages_make(struct desk_arena *a, const struct desk_search_result *found,
			struct chat_passages *out);
/* The hit that a place of the passage is from: for its page and its scores. */
const struct desk_hit *chat_passage_hit(const struct chat_passage *p, int start);

/* ---- terms.c: the question's words, as they look in a document's language -- */

#define CHAT_LANGUAGES_MAX 6
#define CHAT_PAIRS_MAX 64
struct chat_wording {
	const char      *lang;
	struct desk_str *stems;	/* of found->terms; n 0 for none */
	uint8_t          pairs[CHAT_PAIRS_MAX][2];	/* words that follow each other in the question */
	size_t           n_pairs;
};
struct chat_question {
	struct desk_str                  text;
	struct desk_retrieval           *retrieval;
	const struct desk_search_result *found;
	struct chat_wording languages[CHAT_LANGUAGES_MAX];
	size_t n_languages;
	double weight;	/* sum of the idf of the words that the corpus has */
	bool   wants_number, wants_contact;
};
struct chat_mask {
	uint64_t bits[DESK_QUERY_TERMS_MAX / 64];
	uint64_t pairs;	/* bit i: the words of pairs[i] stand side by side, stop words aside */
};
void chat_question_init(struct desk_arena *a, struct desk_retrieval *r, struct desk_str text,
			const struct desk_search_result *found, struct chat_question *out);
/* Which of the question's words a text has. */
struct chat_mask chat_question_match(struct desk_arena *a, struct chat_question *q, const char *lang,
				     struct desk_str text);
/* Share of the question's pairs of words that are in the mask, 0..1; -1 where it has none. */
double chat_question_pairs(const struct chat_question *q, const struct chat_mask *m);
/* Share of the question's idf that is in the mask, 0..1. */
double chat_question_share(const struct chat_question *q, const struct chat_mask *m);
void chat_mask_add(struct chat_mask *m, const struct chat_mask *other);

/* ---- extract.c -------------------------------------------------------------- */

#define CHAT_PICKS_MAX 8
/* A piece of an answer: consecutive units of one document. */
struct chat_pick {
	const struct chat_passage *passage;
	size_t          first, last;	/* units of it */
	struct desk_str text;	/* the document's own */
	int             start, end;	/* code points in the document */
	int             page;
	double          share;	/* of the question's idf, what its surroundings say included */
	bool            open_head, open_tail;	/* a chunk's edge cut a sentence */
	struct desk_str header;	/* of a table's row: the row that names its cells; n 0 for none */
};
struct chat_extract {
	struct chat_pick picks[CHAT_PICKS_MAX];	/* in the order to be read */
	size_t           n;
	double           share;	/* of the best one */
	double           pairs;	/* of the question's pairs of words, in the best passage; -1: it has none */
};
void chat_extract(struct desk_arena *a, struct chat_question *q, const struct chat_passages *passages,
		  struct chat_extract *out);
/* Make sentences whole that a chunk's edge cut, from the document's pages. In the open transaction. */
DESK_MUST_CHECK enum desk_status chat_extract_complete(struct desk_ctx *cx, struct chat_extract *x);

/* ---- confidence.c ------------------------------------------------------------ */

void chat_features(const struct desk_search_result *found, const struct chat_extract *x,
		   struct desk_chat_features *out);
double chat_confidence(const struct desk_chat_features *f);
/* How likely a hit is about what was asked. */
double chat_relevance(const struct desk_search_result *found, const struct desk_hit *h);
/* Below this an extractive answer would more likely be wrong than right: "I don't know". */
#define CHAT_UNKNOWN_BELOW 0.35

/* ---- history.c, rewrite.c, person.c, phrases.c -------------------------------- */

#define CHAT_HISTORY_MAX 6
struct chat_said {
	bool        customer;
	const char *text;
	const char *standalone;	/* of a customer's: what was searched for; NULL: text itself */
};
struct chat_history {
	struct chat_said at[CHAT_HISTORY_MAX];	/* oldest first */
	size_t           n;
};
/* Of turn->conversation, in a transaction of its own. DESK_E_NOT_FOUND as desk_chat_answer. `user` is
   users.external_id. */
DESK_MUST_CHECK enum desk_status chat_history_load(struct desk_ctx *cx, const struct desk_chat_turn *turn,
						   const char *user, struct chat_history *out);

/* The question that stands alone: message itself, or with what it leans on in front. Arena. */
struct desk_str chat_rewrite(struct desk_arena *a, struct desk_retrieval *r, const char *lang,
			     const struct chat_history *h, struct desk_str message);

bool chat_asks_for_person(struct desk_str message);

enum chat_phrase { CHAT_DONT_KNOW, CHAT_PERSON };
const char *chat_phrase(enum chat_phrase which, const char *lang);

/* ---- prompt.c, reply.c, support.c ---------------------------------------------- */

#define CHAT_CITED_MAX 16	/* sources that a model is shown */
struct chat_prompt {
	struct desk_llm_message *messages;	/* arena */
	size_t                   n;
	char                     fence[17];
};
struct chat_prompt_in {
	const struct chat_history  *history;
	struct desk_str             question;
	const char                 *lang;	/* of the question; "" is unknown */
	const struct chat_passages *sources;	/* at most CHAT_CITED_MAX are shown */
};
void chat_prompt_make(struct desk_arena *a, const struct chat_prompt_in *in, struct chat_prompt *out);

/* A sentence of a model, and the sources it names (0-based, each once). */
struct chat_claim {
	struct desk_str text;	/* arena; without markers, links and images made harmless */
	bool            breaks;	/* a line break stands in front of it */
	uint8_t         cited[CHAT_CITED_MAX];
	size_t          n_cited;
};
struct chat_claims {
	struct chat_claim *at;	/* arena */
	size_t             n;
	bool               unknown;	/* the model says that the sources do not have it */
};
/* Any bytes are a reply. Markers of sources that there are not are dropped. */
void chat_reply_parse(struct desk_arena *a, const char *lang, const struct desk_llm_reply *reply,
		      size_t n_sources, struct chat_claims *out);

/* A place in a passage that supports a claim. */
struct chat_support {
	bool                       found;
	const struct chat_passage *passage;
	struct desk_str            text;
	int                        start, end;
	double                     share;	/* of the claim's words that the place has */
};
/* What is to be supported; a claim of a word or two ("25 days.") is read with its question. */
struct chat_statement {
	struct desk_str claim, question;
};
/* The sentence (or two) of the passage that carries the claim; found is false when none does. */
void chat_support_find(struct desk_arena *a, struct desk_retrieval *r, const struct chat_statement *st,
		       const struct chat_passage *p, struct chat_support *out);
/* Every number of the claim stands in the text. */
bool chat_support_numbers(struct desk_str claim, struct desk_str text);

/* ---- answer.c: what is said ------------------------------------------------------ */

/* What a turn has found out; the answerers fill the answer from it. */
struct chat_found {
	const struct desk_chat    *chat;
	const char                *language;	/* of the question */
	struct desk_str            question;	/* that stands alone */
	struct desk_search_result  search;
	struct chat_passages       passages;
	struct chat_extract        extract;
	struct desk_chat_features  features;
	double                     confidence;
};
/* The sentences that chat_extract picked, or that nothing is known. */
void chat_answer_extractive(struct desk_ctx *cx, const struct chat_found *f, struct desk_answer *out);
/*
 * The model's answer with the citations that hold. No transaction is open. What fails is in *why
 * (and not in cx->err): then nothing is written to out.
 */
DESK_MUST_CHECK enum desk_status chat_answer_model(struct desk_ctx *cx, const struct chat_found *f,
						   const struct chat_history *h, struct desk_answer *out,
						   struct desk_error *why);

/* ---- store.c --------------------------------------------------------------------- */

struct chat_record {
	const struct desk_chat_turn *turn;
	const char                  *user;	/* users.external_id, or NULL */
	struct desk_str              message, standalone;
	const struct desk_answer    *answer;
	bool                         started;	/* a new conversation */
	int64_t                      asked_us;	/* wall clock */
};
/* All or nothing; ends the transaction, opens one where there is none. */
DESK_MUST_CHECK enum desk_status chat_store(struct desk_ctx *cx, const struct chat_record *rec);

#endif
