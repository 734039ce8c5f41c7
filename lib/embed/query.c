/* lib/embed/query.c - a question's vector: normalise the text, ask the caches, else embed. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cache/cache.h"
#include "embed/embed_int.h"

#include <math.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_TTL_S (7 * 24 * 3600)
#define QUERY_PREFIX "desk:qv1:"	/* the 1 is the layout's version */

struct desk_embed_cache {
	struct embed_lru  *lru;	/* owned */
	struct desk_cache *shared;	/* borrowed, or NULL */
	uint64_t           hits, shared_hits, misses;	/* atomic */
};

struct desk_embed_cache *desk_embed_cache_new(size_t bytes_max, struct desk_cache *shared)
{
	struct desk_embed_cache *c = desk_xcalloc(1, sizeof(*c));

	c->lru = embed_lru_new(bytes_max);
	c->shared = shared;
	return c;
}

void desk_embed_cache_free(struct desk_embed_cache *c)
{
	if (c == NULL)
		return;
	embed_lru_free(c->lru);
	free(c);
}

void desk_embed_cache_stats(struct desk_embed_cache *c, struct desk_embed_cache_stats *out)
{
	out->hits = __atomic_load_n(&c->hits, __ATOMIC_RELAXED);
	out->shared_hits = __atomic_load_n(&c->shared_hits, __ATOMIC_RELAXED);
	out->misses = __atomic_load_n(&c->misses, __ATOMIC_RELAXED);
	embed_lru_size(c->lru, &out->bytes, &out->entries);
}

/* IEEE 754 binary16 of a float, nearest even; what is too great becomes infinite. */
static uint16_t query_half(float f)
{
	uint32_t x, sign, mantissa, half;
	int32_t e;

	memcpy(&x, &f, sizeof(x));
	sign = x >> 16 & 0x8000;
	e = (int32_t)(x >> 23 & 0xFF) - 127 + 15;
	mantissa = x & 0x7FFFFF;
	if (e >= 31)
		return (uint16_t)(sign | 0x7C00);
	if (e <= 0) {	/* subnormal: shift the implicit 1 in */
		if (e < -10)
			return (uint16_t)sign;
		mantissa |= 0x800000;
		half = mantissa >> (14 - e);
		half += (mantissa >> (13 - e) & 1) != 0 &&
			((mantissa & ((1u << (13 - e)) - 1)) != 0 || (half & 1) != 0);
		return (uint16_t)(sign | half);
	}
	half = (uint32_t)e << 10 | mantissa >> 13;
	half += (mantissa & 0x1000) != 0 && ((mantissa & 0xFFF) != 0 || (half & 1) != 0);
	return (uint16_t)(sign | half);
}

static float query_float(uint16_t h)
{
	int e = h >> 10 & 0x1F;
	float m = (float)(h & 0x3FF), v;

	if (e == 31)
		v = INFINITY;	/* never written: a reader drops it */
	else
		v = e == 0 ? ldexpf(m, -24) : ldexpf(m + 1024, e - 25);
	return (h & 0x8000) != 0 ? -v : v;
}

void embed_half_pack(const float *v, size_t n, unsigned char *out)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t h = query_half(v[i]);

		out[2 * i] = (unsigned char)h;
		out[2 * i + 1] = (unsigned char)(h >> 8);
	}
}

void embed_half_unpack(const unsigned char *in, size_t n, float *v)
{
	for (size_t i = 0; i < n; i++)
		v[i] = query_float((uint16_t)(in[2 * i] | in[2 * i + 1] << 8));
}

static bool query_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Runs of ASCII white space as one space, none at the ends. */
static void query_normalise(struct desk_str text, struct desk_buf *out)
{
	bool gap = false;

	for (size_t i = 0; i < text.n; i++) {
		if (query_is_space(text.p[i])) {
			gap = out->n > 0;
			continue;
		}
		if (gap)
			desk_buf_addc(out, ' ');
		gap = false;
		desk_buf_addc(out, text.p[i]);
	}
}

/* Two servers may call different models by one name, so where it is counts as well. */
static void query_key(const struct desk_embedder *e, struct desk_str text,
		      unsigned char key[EMBED_KEY_BYTES])
{
	struct desk_buf b;

	desk_buf_init(&b, text.n + strlen(e->origin) + strlen(e->name) + 64);
	desk_buf_addf(&b, "%s/%s/%zu", e->origin, e->name, e->dim);
	desk_buf_addc(&b, '\0');
	if (text.n > 0)
		desk_buf_add(&b, text.p, text.n);
	SHA256((const unsigned char *)b.p, b.n, key);
	desk_buf_done(&b);
}

/* A vector from Redis, if it is whole: the length of this model's, and of unit length but for rounding. */
static bool query_shared_get(struct desk_embed_cache *c, struct desk_str key, float *out, size_t dim)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_str value;
	double sum = 0;
	bool hit = desk_cache_get(c->shared, key, a, &value, NULL) == DESK_OK && value.n == 2 * dim;

	if (hit) {
		embed_half_unpack((const unsigned char *)value.p, dim, out);
		for (size_t i = 0; i < dim; i++)
			sum += (double)out[i] * (double)out[i];
		hit = sum > 0.99 && sum < 1.01;	/* false for NaN */
	}
	desk_arena_free(a);
	return hit;
}

static void query_shared_put(struct desk_embed_cache *c, struct desk_str key, const float *v, size_t dim)
{
	unsigned char *half = desk_xmalloc(2 * dim);
	struct desk_str value = { (const char *)half, 2 * dim };

	embed_half_pack(v, dim, half);
	if (desk_cache_set(c->shared, key, value, QUERY_TTL_S, NULL) != DESK_OK) {
		/* Redis is away: the next one computes it again. */
	}
	free(half);
}

/* Through the caches. Redis's key is the prefix and the hash, so it shows no question. */
static enum desk_status query_cached(struct desk_embedder *e, struct desk_embed_cache *c,
				     const struct embed_work *w, bool *hit, struct desk_error *err)
{
	unsigned char raw[sizeof(QUERY_PREFIX) - 1 + EMBED_KEY_BYTES];
	unsigned char *key = raw + sizeof(QUERY_PREFIX) - 1;
	struct desk_str shared = { (const char *)raw, sizeof(raw) };
	enum desk_status rc;

	memcpy(raw, QUERY_PREFIX, sizeof(QUERY_PREFIX) - 1);
	query_key(e, *w->texts, key);
	*hit = embed_lru_get(c->lru, key, w->out, e->dim);
	if (*hit) {
		__atomic_add_fetch(&c->hits, 1, __ATOMIC_RELAXED);
		return DESK_OK;
	}
	*hit = c->shared != NULL && query_shared_get(c, shared, w->out, e->dim);
	if (*hit) {
		__atomic_add_fetch(&c->shared_hits, 1, __ATOMIC_RELAXED);
	} else {
		__atomic_add_fetch(&c->misses, 1, __ATOMIC_RELAXED);
		rc = desk_embed_texts(e, w->texts, 1, w->out, w->dl, err);
		if (rc != DESK_OK)
			return rc;
		if (c->shared != NULL)
			query_shared_put(c, shared, w->out, e->dim);
	}
	embed_lru_put(c->lru, key, w->out, e->dim);
	return DESK_OK;
}

enum desk_status desk_embed_query(struct desk_embedder *e, struct desk_embed_cache *cache,
				  struct desk_str text, float *out, bool *hit, struct desk_deadline dl,
				  struct desk_error *err)
{
	struct desk_buf clean;
	struct desk_str s;
	struct embed_work w = { .texts = &s, .n = 1, .out = out, .dl = dl };
	bool had = false;
	enum desk_status rc;

	desk_buf_init(&clean, text.n + 1);
	query_normalise(text, &clean);
	s = desk_buf_str(&clean);
	rc = cache != NULL ? query_cached(e, cache, &w, &had, err) :
			     desk_embed_texts(e, &s, 1, out, dl, err);
	if (hit != NULL)
		*hit = had;
	desk_buf_done(&clean);
	return rc;
}
