/* lib/retrieval/recall.c - what was found for a question, as long as the index is the same. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A slot holds one block of memory: the head, the hits, the terms, the key and the terms' texts. The
 * same few questions come again and again at a help desk; each is ranked once a state of the index.
 */
#include "retrieval/retrieval_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recalled_term {
	int64_t  df;
	double   idf;
	unsigned count;
	uint32_t text;	/* offset in the block */
};
struct recalled {
	size_t  bytes, n_hits, n_terms, key_at, n_key;
	int64_t generation, chunks;
	double  top_cosine, coverage, unknown;
	bool    dense;
	struct desk_hit hits[];	/* without what is in rows; the terms follow */
};

void recall_key_make(struct recall_key *key, const struct recall_search *s)
{
	const struct desk_search_query *q = s->query;
	const char *language = q->language != NULL ? q->language : "";
	uint64_t vector = q->vector != NULL ? retrieval_hash((const char *)q->vector, q->dim * sizeof(float)) : 0;
	int n;

	key->n = 0;
	if (s->tenant == NULL || q->text.n > sizeof(key->bytes) / 2 || s->top_k > 20)
		return;
	n = snprintf(key->bytes, sizeof(key->bytes), "%s %s %d %d %d %d %d %a %a %llx %p ", s->tenant, language,
		     q->internal, s->top_k, s->depth, (int)s->fusion->kind, s->fusion->rrf_constant,
		     s->fusion->weight_lexical, s->fusion->weight_dense, (unsigned long long)vector,
		     (const void *)q->embedder);
	if (n < 0 || (size_t)n + q->text.n > sizeof(key->bytes))
		return;
	memcpy(key->bytes + n, q->text.p, q->text.n);
	key->n = (size_t)n + q->text.n;
}

static struct recalled_term *recall_terms(struct recalled *e)
{
	return (struct recalled_term *)(void *)(e->hits + e->n_hits);
}

static struct recalled **recall_slot(struct desk_retrieval *r, const struct recall_key *key)
{
	return &r->recalled[retrieval_hash(key->bytes, key->n) & (RECALL_SLOTS - 1)];
}

bool recall_get(struct desk_retrieval *r, struct desk_arena *a, const struct recall_key *key, int64_t *generation,
		struct desk_search_result *out)
{
	struct recalled *found, *copy = NULL;
	const struct recalled_term *terms;

	if (key->n == 0)
		return false;
	pthread_mutex_lock(&r->lock);
	found = *recall_slot(r, key);
	if (found != NULL && found->n_key == key->n &&
	    memcmp((char *)found + found->key_at, key->bytes, key->n) == 0) {
		copy = desk_arena_alloc(a, found->bytes);
		memcpy(copy, found, found->bytes);
	}
	pthread_mutex_unlock(&r->lock);
	if (copy == NULL)
		return false;
	*generation = copy->generation;
	*out = (struct desk_search_result){
		.hits = copy->hits, .n = copy->n_hits, .n_terms = copy->n_terms, .chunks = copy->chunks,
		.dense = copy->dense, .recalled = true, .top_cosine = copy->top_cosine,
		.coverage = copy->coverage, .unknown = copy->unknown,
	};
	out->terms = desk_arena_array(a, copy->n_terms + 1, sizeof(*out->terms));
	terms = recall_terms(copy);
	for (size_t i = 0; i < copy->n_terms; i++)
		out->terms[i] = (struct desk_query_term){ (char *)copy + terms[i].text, terms[i].count,
							  terms[i].df, terms[i].idf };
	return true;
}

static struct recalled *recall_block(const struct recall_key *key, const struct desk_search_result *result)
{
	size_t text = sizeof(struct recalled) + result->n * sizeof(struct desk_hit) +
		      result->n_terms * sizeof(struct recalled_term) + key->n, bytes = text;
	struct recalled_term *terms;
	struct recalled *e;

	for (size_t i = 0; i < result->n_terms; i++)
		bytes += strlen(result->terms[i].text) + 1;
	if (bytes > RECALL_BYTES_MAX)
		return NULL;
	e = desk_xcalloc(1, bytes);
	*e = (struct recalled){ .bytes = bytes, .n_hits = result->n, .n_terms = result->n_terms,
				.key_at = text - key->n, .n_key = key->n, .chunks = result->chunks,
				.top_cosine = result->top_cosine, .coverage = result->coverage,
				.unknown = result->unknown, .dense = result->dense };
	memcpy(e->hits, result->hits, result->n * sizeof(*e->hits));
	memcpy((char *)e + e->key_at, key->bytes, key->n);
	terms = recall_terms(e);
	for (size_t i = 0; i < result->n_terms; i++) {
		const struct desk_query_term *t = &result->terms[i];
		size_t n = strlen(t->text) + 1;

		terms[i] = (struct recalled_term){ t->df, t->idf, t->count, (uint32_t)text };
		memcpy((char *)e + text, t->text, n);
		text += n;
	}
	return e;
}

void recall_put(struct desk_retrieval *r, const struct recall_key *key, int64_t generation,
		const struct desk_search_result *result)
{
	struct recalled *e = key->n > 0 ? recall_block(key, result) : NULL, **slot, *old;

	if (e == NULL)
		return;
	e->generation = generation;
	pthread_mutex_lock(&r->lock);
	slot = recall_slot(r, key);
	old = *slot;
	*slot = e;
	pthread_mutex_unlock(&r->lock);
	free(old);
}

void recall_done(struct desk_retrieval *r)
{
	for (size_t i = 0; i < RECALL_SLOTS; i++)
		free(r->recalled[i]);
}
