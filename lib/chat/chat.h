/* lib/chat/chat.h - a turn of a conversation: question in, cited answer out, both stored. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file           duty
 * -------------  -------------------------------------------------------------
 * chat.c         the turn: history, rewrite, retrieve, answer, score, store, log
 * history.c      the last turns of a conversation
 * rewrite.c      a follow-up -> a question that stands alone
 * person.c       does the customer ask for a person?
 * passage.c      hits -> passages of text with offsets in their document
 * sentence.c     a passage -> sentences, list items, headings, rows
 * terms.c        the question's words, as they look in a document's language
 * extract.c      the extractive answerer: which of them answer the question
 * complete.c     sentences that a chunk's edge cut, made whole from the pages
 * readable.c     a sentence or a table's row as it is said
 * prompt.c       question and sources -> messages for a model, sources fenced as data
 * reply.c        a model's text -> sentences with citations; links and images made harmless
 * support.c      does the cited text support the sentence?
 * answer.c       the answer put together: extractive, or the model's
 * confidence.c   features of a retrieval -> confidence and relevance, by one table
 * store.c        conversation and both messages, in one transaction
 * phrases.c      fixed texts by language
 */
#ifndef DESK_CHAT_H
#define DESK_CHAT_H

#include "base/base.h"

#pragma GCC visibility push(default)

struct desk_retrieval;
struct desk_embedder;
struct desk_embed_cache;
struct desk_llm_set;

/* What a process answers with; all borrowed, any number of threads. */
struct desk_chat {
	struct desk_retrieval     *retrieval;
	struct desk_embedder      *embedder;
	struct desk_embed_cache   *vectors;	/* NULL: none is kept */
	const struct desk_llm_set *models;	/* NULL: extractive answers */
};

#define DESK_CHAT_MESSAGE_MAX 4000

struct desk_chat_turn {
	struct desk_str message;	/* 1..DESK_CHAT_MESSAGE_MAX code points of UTF-8 without NUL */
	const char     *channel;	/* 1..50 bytes, "WEB" */
	const char     *user;	/* the credential's user id (users.external_id); NULL: anonymous */
	const char     *user_type;	/* of a user that is new: "CUSTOMER", "EMPLOYEE"; NULL: CUSTOMER */
	const char     *visitor;	/* what an anonymous caller calls itself, unproven; NULL; not for users */
	bool            internal;	/* may be answered from INTERNAL documents */
	const char     *conversation;	/* UUID of the one to go on with; NULL: a new one */
};

struct desk_citation {
	const char *document;	/* UUID */
	const char *source, *title;
	double      relevance;	/* 0..1: how likely this text is about what was asked */
	int         page;	/* 0: the format has no pages */
	int         start, end;	/* code points in the document's text; end is one past the last */
	const char *quote;	/* the document's text at start..end */
};

enum desk_decision {
	DESK_DECIDED_ANSWER,	/* answered from the documents */
	DESK_DECIDED_UNKNOWN,	/* said that it does not know */
	DESK_DECIDED_PERSON,	/* the customer asked for a person, and got told so */
};

/* [n] in the response is citations[n - 1]. All in cx->arena. */
struct desk_answer {
	const char                 *response;
	const struct desk_citation *citations;
	size_t                      n_citations;
	double                      confidence;	/* 0..1 */
	bool                        requires_human;
	char                        conversation_id[DESK_UUID_LEN + 1];
	enum desk_decision          decision;
	const char                 *answered_by;	/* "extractive", or the model: "openai/gpt-4o-mini" */
	char                        language[4];	/* ISO 639-1; "" where it can't be told */
};

/*
 * Answer and store. cx->tenant is set; no transaction is open. DESK_E_NOT_FOUND when the
 * conversation is not this tenant's and this caller's; DESK_E_INPUT, with the field, for a turn
 * out of its bounds. A model that fails is no error: the extractive answer is given and a line
 * logged. Logs conversation_event and rag_query.
 */
DESK_MUST_CHECK enum desk_status desk_chat_answer(struct desk_ctx *cx, const struct desk_chat *chat,
						  const struct desk_chat_turn *turn,
						  struct desk_answer *out);

/* ---- for evaluations: nothing is answered or stored ----------------------- */

#define DESK_CHAT_FEATURES 7
/* What confidence is computed from; names in desk_chat_feature_names. */
struct desk_chat_features {
	bool   dense;	/* which row of coefficients: the vectors had a vote */
	double x[DESK_CHAT_FEATURES];
};
extern const char *const desk_chat_feature_names[DESK_CHAT_FEATURES];

struct desk_chat_score {
	double                    confidence;
	struct desk_chat_features features;
};
/* The confidence that a question would be answered with (by extraction). */
DESK_MUST_CHECK enum desk_status desk_chat_confidence(struct desk_ctx *cx, const struct desk_chat *chat,
						      struct desk_str question, bool internal,
						      struct desk_chat_score *out);

#pragma GCC visibility pop
#endif
