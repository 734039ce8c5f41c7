/* lib/embed/embed.h - texts to unit vectors, by the built-in model or a server. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file              duty
 * ----------------  ----------------------------------------------------------
 * embed.c           the table of providers; open, free, ask for properties, embed
 * query.c           a question's vector: normalise the text, ask the caches, else embed
 * lru.c             the process's own bounded cache of question vectors
 * builtin.c         row `builtin`: at most N inferences at once, batches without padding
 * openai.c          rows `openai` and `azure`: what is asked of /embeddings, and where
 * reply.c           the answer of /embeddings: every vector there, once, of the right length
 * model.c           the mapped model file: checked whole, then only pointed into
 * wordpiece.c       text to token ids, as BERT's uncased tokenizer
 * bert.c            six layers over a packed batch of tokens
 * kernel.c          which kernels this processor runs
 * kernel_avx512.c   AVX-512 VNNI; kernel_avxvnni.c AVX-VNNI; kernel_avx2.c AVX2 + FMA;
 * kernel_plain.c    plain C, any processor
 * kernel_body.inc     what they share: everything but loads, stores and the integer product
 */
#ifndef DESK_EMBED_H
#define DESK_EMBED_H

#include "base/base.h"

#pragma GCC visibility push(default)

struct desk_cache;	/* lib/cache: Redis */
struct desk_config;
struct desk_net;	/* lib/net: outgoing HTTP */

/*
 * How to make vectors. Strings are borrowed during desk_embedder_open() only.
 * What a provider does not use is ignored; NULL or 0 means its default.
 */
struct desk_embed_options {
	const char *provider;	/* "builtin" (default), "openai", "azure" */
	const char *model_path;	/* builtin: the model file; default: as installed */
	unsigned    parallel;	/* builtin: inferences at once; default: the cores we may run on */
	const char *kernels;	/* builtin: force "avx512", "avxvnni", "avx2" or "plain"; for tests */
	const char *base_url;	/* openai: "https://api.openai.com/v1"; azure: the endpoint */
	const char *api_key;	/* openai, azure; never logged, NULL sends none (local servers) */
	const char *model;	/* openai: "text-embedding-3-small"; azure: the deployment */
	const char *api_version;	/* azure: "2024-10-21" */
	size_t      dim;	/* openai, azure: of the model; default 1536 */
	const char *languages;	/* openai, azure: what the model speaks, "de en fr"; default: all */
	struct desk_net *net;	/* openai, azure: needed; borrowed as long as the embedder lives */
};

/* Owned; any number of threads may use one; immutable but for its semaphore and scratch. */
struct desk_embedder;

/*
 * Fails with DESK_E_CONFIG for an unknown provider or a missing setting, DESK_E_IO when the model
 * file cannot be read or is damaged (the text names the file and the reason).
 */
DESK_MUST_CHECK enum desk_status desk_embedder_open(const struct desk_embed_options *options,
						    struct desk_embedder **out,
						    struct desk_error *err);
/*
 * The same by the settings: EMBEDDING_PROVIDER and those of its provider. net is borrowed as long as
 * the embedder lives; NULL will do for builtin. The model may be mapped before a fork and is then
 * shared; nothing may be embedding in another thread at that moment.
 */
DESK_MUST_CHECK enum desk_status desk_embedder_open_config(const struct desk_config *c,
							   struct desk_net *net,
							   struct desk_embedder **out,
							   struct desk_error *err);
void desk_embedder_free(struct desk_embedder *e);	/* NULL is fine */

size_t desk_embedder_dim(const struct desk_embedder *e);	/* floats a vector */
size_t desk_embedder_batch_max(const struct desk_embedder *e);	/* texts that one call does best */
/* "builtin/all-MiniLM-L6-v2-int8", "openai/text-embedding-3-small": recorded with the vectors. */
const char *desk_embedder_name(const struct desk_embedder *e);	/* borrowed */
const char *desk_embedder_kernels(const struct desk_embedder *e);	/* borrowed; "" for servers */
/* Whether vectors of texts in this language (ISO 639-1, NULL or "" is unknown) mean anything. */
bool desk_embedder_speaks(const struct desk_embedder *e, const char *lang);

/*
 * out: n * dim floats, row-major, each row of unit length. Any bytes are a text: invalid UTF-8 counts
 * as U+FFFD, what is past the model's maximum (256 tokens for builtin) is not read. Any n, any mix
 * of lengths. Fails with DESK_E_TIMEOUT past the deadline (a builtin batch looks at it between
 * passes), DESK_E_UPSTREAM or DESK_E_LIMIT when a server does not answer well.
 */
DESK_MUST_CHECK enum desk_status desk_embed_texts(struct desk_embedder *e,
						  const struct desk_str *texts, size_t n, float *out,
						  struct desk_deadline dl, struct desk_error *err);

/* Question vectors kept by this process, and in Redis when `shared` is given. Owned, thread-safe. */
struct desk_embed_cache;

/* bytes_max bounds all it keeps in this process; shared is borrowed and may be NULL. */
struct desk_embed_cache *desk_embed_cache_new(size_t bytes_max, struct desk_cache *shared);
void desk_embed_cache_free(struct desk_embed_cache *c);	/* NULL is fine */

/* What the cache did since it was made. */
struct desk_embed_cache_stats {
	uint64_t hits, shared_hits, misses;
	size_t   bytes, entries;
};
void desk_embed_cache_stats(struct desk_embed_cache *c, struct desk_embed_cache_stats *out);

/*
 * One question's vector, dim floats of unit length. Runs of white space count as one space. `cache`
 * may be NULL. A Redis that is down is no cache, never an error. With `hit` given, it says whether
 * a cache had it.
 */
DESK_MUST_CHECK enum desk_status desk_embed_query(struct desk_embedder *e,
						  struct desk_embed_cache *cache,
						  struct desk_str text, float *out, bool *hit,
						  struct desk_deadline dl, struct desk_error *err);

/*
 * Token ids of a text, [CLS] and [SEP] included, at most `max` (2..256 for builtin). Gives the count;
 * 0 when the embedder has no tokenizer of its own.
 */
size_t desk_embed_tokens(const struct desk_embedder *e, struct desk_str text, uint32_t *ids,
			 size_t max);

#pragma GCC visibility pop
#endif
