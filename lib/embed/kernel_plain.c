/* lib/embed/kernel_plain.c - kernels in C with the compilers' vectors of four: any processor. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "embed/embed_int.h"
#include "embed/kernel_pragma.h"

#include <math.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define VW 4
#define KERNEL_QB 4
#define KERNEL_ACT_BYTES 2
#define KERNEL_ROWS 4
typedef float vf __attribute__((vector_size(16)));
typedef uint32_t vu __attribute__((vector_size(16)));
typedef int16_t vs8 __attribute__((vector_size(16)));
typedef uint16_t vh8 __attribute__((vector_size(16)));
typedef int32_t vi4 __attribute__((vector_size(16)));

#define VF_LOAD(p) kernel_load(p)
#define VF_STORE(p, v) kernel_store((p), (v))
#define VF_SET1(x) ((vf){ (x), (x), (x), (x) })
#define VF_FMA(a, b, c) ((a) * (b) + (c))
#define VF_MAX(a, b) kernel_max((a), (b))
#define VF_MIN(a, b) kernel_min((a), (b))
#define VF_SUM(v) kernel_sum(v)
#define VF_HMAX(v) kernel_hmax(v)
#define VF_HMIN(v) kernel_hmin(v)

static inline vf kernel_load(const float *p)
{
	vf v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void kernel_store(float *p, vf v)
{
	memcpy(p, &v, sizeof(v));
}

static inline vf kernel_max(vf a, vf b)
{
	vu m = (vu)(a > b);

	return (vf)(((vu)a & m) | ((vu)b & ~m));
}

static inline vf kernel_min(vf a, vf b)
{
	vu m = (vu)(a < b);

	return (vf)(((vu)a & m) | ((vu)b & ~m));
}

static inline float kernel_sum(vf v)
{
	return (v[0] + v[1]) + (v[2] + v[3]);
}

static inline float kernel_hmax(vf v)
{
	return fmaxf(fmaxf(v[0], v[1]), fmaxf(v[2], v[3]));
}

static inline float kernel_hmin(vf v)
{
	return fminf(fminf(v[0], v[1]), fminf(v[2], v[3]));
}

/* In the order that kernel_tile() takes them: 0, 2, 1, 3. */
static inline void kernel_put_q(unsigned char *q, size_t i, vf v)
{
	int16_t s[VW] = { (int16_t)(v[0] + 0.5f), (int16_t)(v[2] + 0.5f), (int16_t)(v[1] + 0.5f),
			  (int16_t)(v[3] + 0.5f) };

	memcpy(q + 2 * i, s, sizeof(s));
}

static void kernel_product(const struct embed_rows *a, size_t rows, const struct embed_linear *l,
			   float *y, size_t stride);

#include "embed/kernel_body.inc"

/* Sums of neighbours' products: four from eight. Each product, at most 255 * 127, fits 16 bits. */
static inline vi4 kernel_pairs(vs8 x, vs8 w)
{
#if defined(__SSE2__)
	return (vi4)_mm_madd_epi16((__m128i)x, (__m128i)w);
#else
	vi4 p = (vi4)(x * w);

	return (p >> 16) + ((vi4)((vu)p << 16) >> 16);
#endif
}

static inline vs8 kernel_two(const unsigned char *q)
{
	uint32_t two;

	memcpy(&two, q, sizeof(two));
	return (vs8)(vu){ two, two, two, two };
}

/* Where four outputs by up to KERNEL_ROWS rows are read from. */
struct kernel_tile {
	const unsigned char *q;
	const int8_t        *w;
	size_t               k;
};

/* c[row] becomes the four sums. The weights of four outputs are parted into inputs 0, 2 and 1, 3. */
static inline __attribute__((always_inline)) void kernel_tile(const struct kernel_tile *t, vi4 *out,
							      const int rows)
{
	vi4 c[KERNEL_ROWS];
	const int8_t *w = t->w;
	const unsigned char *q = t->q;

	KERNEL_UNROLL
	for (int i = 0; i < rows; i++)
		c[i] = (vi4){ 0 };
	for (size_t j = 0; j < t->k; j += 4, w += 4 * EMBED_PANEL, q += 8) {
		vs8 b, even, odd;

		memcpy(&b, w, sizeof(b));
		odd = b >> 8;
		even = (vs8)((vh8)b << 8) >> 8;
		KERNEL_UNROLL
		for (int i = 0; i < rows; i++) {
			const unsigned char *x = q + 2 * (size_t)i * t->k;

			c[i] += kernel_pairs(kernel_two(x), even) + kernel_pairs(kernel_two(x + 4), odd);
		}
	}
	KERNEL_UNROLL
	for (int i = 0; i < rows; i++)
		out[i] = c[i];
}

static void kernel_tiles(const struct kernel_tile *t, vi4 *out, size_t rows)
{
	switch (rows) {
	case 1: kernel_tile(t, out, 1); break;
	case 2: kernel_tile(t, out, 2); break;
	case 3: kernel_tile(t, out, 3); break;
	default: kernel_tile(t, out, KERNEL_ROWS); break;
	}
}

static void kernel_product(const struct embed_rows *a, size_t rows, const struct embed_linear *l,
			   float *y, size_t stride)
{
	for (size_t n = 0; n < l->n; n += 4) {
		const int8_t *w = l->w + n / EMBED_PANEL * EMBED_PANEL * l->k + n % EMBED_PANEL * 4;

		for (size_t r = 0, m; r < rows; r += m) {
			struct kernel_tile t = { (const unsigned char *)a->q + 2 * r * l->k, w, l->k };
			vi4 c[KERNEL_ROWS];

			m = kernel_pass(rows - r, KERNEL_ROWS);
			kernel_tiles(&t, c, m);
			for (size_t i = r; i < r + m; i++)
				for (size_t o = 0; o < 4; o++)
					y[i * stride + n + o] =
						(float)(c[i - r][o] - a->zero[i] * l->sum[n + o]) *
						(a->scale[i] * l->scale[n + o]) + l->bias[n + o];
		}
	}
}

static bool kernel_runs_here(void)
{
	return true;
}

const struct embed_kernels embed_kernels_plain = KERNEL_TABLE("plain", kernel_runs_here);
