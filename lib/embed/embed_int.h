/* lib/embed/embed_int.h - what the files of this room share and nobody else sees. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_EMBED_INT_H
#define DESK_EMBED_INT_H

#include "embed/embed.h"

/* ---- the model file (model.c) ------------------------------------------- */

#define EMBED_LAYERS_MAX 12
#define EMBED_HEAD 32	/* floats a head; the kernels are written for it */
#define EMBED_PANEL 32	/* outputs side by side in a packed weight */

/* y = x * pre (if any), quantised; then int8 rows with a scale each. All mapped, borrowed. */
struct embed_linear {
	size_t         n, k;	/* outputs, inputs; multiples of EMBED_PANEL */
	const int8_t  *w;	/* [n / 32][k / 4][32][4] */
	const float   *scale;	/* [n] */
	const int32_t *sum;	/* [n] sum of the row's int8 */
	const float   *bias;	/* [n] */
	const float   *pre;	/* [k] or NULL */
};

struct embed_norm {
	const float *gain, *shift;	/* [hidden] */
};

struct embed_layer {
	struct embed_linear qk, v, mix, up, down;
	struct embed_norm   mix_norm, down_norm;
};

/* Vocabulary and the table of what becomes of each character; see models/README.md. */
struct embed_vocab {
	const char     *text;
	const uint32_t *offset;	/* [words + 1] */
	const uint32_t *slot;	/* [slots] word + 1, or 0; at least one 0 */
	uint32_t        words, slots, longest;	/* longest: bytes of the longest word */
	uint32_t        unk, cls, sep;
	uint32_t        special[5];	/* found in raw text as they stand */
	const uint16_t *char_index;	/* [0x1100] */
	const uint32_t *char_block;	/* [blocks][256] */
	const uint32_t *char_many;	/* count, then so many entries */
};

struct embed_model {
	void               *map;	/* owned */
	size_t              map_bytes;
	char                name[40];
	size_t              hidden, heads, ffn, layers, positions;
	struct embed_vocab  vocab;
	const int8_t       *word;	/* [words][hidden] */
	const float        *word_scale;	/* [words] */
	const float        *place;	/* [positions][hidden] */
	struct embed_norm   place_norm;
	struct embed_layer  layer[EMBED_LAYERS_MAX];
};

/* Map and check a file; DESK_E_IO names the file and the reason. */
DESK_MUST_CHECK enum desk_status embed_model_open(const char *path, struct embed_model *out,
						  struct desk_error *err);
/* The same over bytes that the caller keeps (64-byte aligned); `name` is for messages. */
DESK_MUST_CHECK enum desk_status embed_model_parse(const void *p, size_t n, const char *name,
						   struct embed_model *out, struct desk_error *err);
void embed_model_close(struct embed_model *m);

/* ---- the tokenizer (wordpiece.c) ---------------------------------------- */

/* At most max (>= 2) ids, [CLS] and [SEP] included; gives the count. Stops reading when full. */
size_t embed_wordpiece(const struct embed_vocab *v, struct desk_str text, uint32_t *ids, size_t max);

/* ---- the kernels (kernel.c) --------------------------------------------- */

/* Rows of activations, quantised: value = (q - zero) * scale, q in 0..255, zero 0..255. */
struct embed_rows {
	void    *q;	/* [rows][k] of kernels->act_bytes each */
	float   *scale;	/* [rows] */
	int32_t *zero;	/* [rows] */
};

struct embed_kernels {
	const char *name;
	size_t      act_bytes;
	bool (*runs_here)(void);
	/* x [rows][k] -> out; with pre, of x * pre. */
	void (*quantise)(const float *x, const float *pre, size_t rows, size_t k,
			 const struct embed_rows *out);
	/* x [rows][k] becomes gelu(x) on the way. */
	void (*gelu_quantise)(float *x, size_t rows, size_t k, const struct embed_rows *out);
	/* y [rows][l->n] = a l^T + bias; rows of y begin `stride` floats apart */
	void (*product)(const struct embed_rows *a, size_t rows, const struct embed_linear *l,
			float *y, size_t stride);
	/* x = norm(x + y), both [rows][hidden] */
	void (*add_norm)(float *x, const float *y, size_t rows, size_t hidden,
			 const struct embed_norm *norm);
	/* qkv [tokens][3 * heads * 32] -> mixed [tokens][heads * 32]; one text. */
	void (*attend)(const float *qkv, size_t tokens, size_t heads, float *scratch, float *mixed);
	/* x [hidden] = norm(word id * its scale + place at) */
	void (*lookup)(const struct embed_model *m, uint32_t id, size_t at, float *x);
	/* out [hidden] = mean of rows, to unit length */
	void (*pool)(const float *x, size_t rows, size_t hidden, float *out);
};

/* The best that runs here, or the one named; NULL when that one does not run here. */
const struct embed_kernels *embed_kernels_pick(const char *name);
/* Floats of attend()'s scratch for texts up to `tokens`. */
size_t embed_attend_scratch(size_t tokens);

#if defined(__x86_64__)
extern const struct embed_kernels embed_kernels_avx512, embed_kernels_avxvnni, embed_kernels_avx2;
#endif
extern const struct embed_kernels embed_kernels_plain;

/* ---- the network (bert.c) ----------------------------------------------- */

/* Room for one inference: so many token rows at once, so many texts. */
#define EMBED_ROWS_MAX 256
#define EMBED_BLOCK 96	/* rows between the two halves of the feed-forward part */

/* One thread at a time; the model and the kernels are borrowed and must outlive it. */
struct embed_scratch;
struct embed_scratch *embed_scratch_new(const struct embed_model *m, const struct embed_kernels *k);
void embed_scratch_free(struct embed_scratch *s);

/* Texts of one pass: text i has len[i] (1..positions) ids; they lie back to back. */
struct embed_pass {
	uint32_t ids[EMBED_ROWS_MAX];
	size_t   len[EMBED_ROWS_MAX];
	size_t   texts, rows;	/* rows: the sum of len */
};
/* out: texts * hidden */
void embed_bert(struct embed_scratch *s, const struct embed_pass *pass, float *out);

/* ---- providers (embed.c has the table) ---------------------------------- */

/* What one call asks for. */
struct embed_work {
	const struct desk_str *texts;
	size_t                 n;
	float                 *out;	/* n * dim */
	struct desk_deadline   dl;
};

struct desk_embedder {
	const struct embed_provider *ops;
	void       *state;	/* the provider's */
	char       *name;	/* owned */
	const char *origin;	/* a server's address, the provider's; else "" */
	const char *kernels;	/* static */
	size_t      dim;
	char       *languages;	/* owned; "en de", or NULL for all */
};

struct embed_provider {
	const char *name;
	size_t      batch_max;
	/* Fills e->state, name, dim, languages; on failure free() is still called. */
	enum desk_status (*open)(struct desk_embedder *e, const struct desk_embed_options *o,
				 struct desk_error *err);
	void (*free)(struct desk_embedder *e);
	/* At most batch_max texts; rows need not be of unit length. */
	enum desk_status (*texts)(struct desk_embedder *e, const struct embed_work *w,
				  struct desk_error *err);
	size_t (*tokens)(const struct desk_embedder *e, struct desk_str text, uint32_t *ids,
			 size_t max);	/* NULL: it has no tokenizer */
};

extern const struct embed_provider embed_provider_builtin, embed_provider_openai, embed_provider_azure;

/*
 * The answer to n texts of /embeddings: each index 0..n-1 once, each vector of `dim` finite numbers,
 * not all 0. out: n * dim. DESK_E_UPSTREAM otherwise.
 */
DESK_MUST_CHECK enum desk_status embed_reply_parse(struct desk_str body, size_t n, size_t dim,
						   float *out, struct desk_error *err);

/* ---- question vectors (lru.c, query.c) ---------------------------------- */

#define EMBED_KEY_BYTES 32	/* sha256 of the embedder's name, its dimension and the text */

/* Owned, thread-safe; drops what was not asked for the longest when it is full. */
struct embed_lru;
struct embed_lru *embed_lru_new(size_t bytes_max);
void embed_lru_free(struct embed_lru *l);
/* A hit copies dim floats to out. */
bool embed_lru_get(struct embed_lru *l, const unsigned char *key, float *out, size_t dim);
void embed_lru_put(struct embed_lru *l, const unsigned char *key, const float *v, size_t dim);
void embed_lru_size(struct embed_lru *l, size_t *bytes, size_t *entries);

/* IEEE 754 half precision, little-endian, rounded to nearest even. */
void embed_half_pack(const float *v, size_t n, unsigned char *out);
void embed_half_unpack(const unsigned char *in, size_t n, float *v);

#endif
