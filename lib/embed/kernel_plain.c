/* lib/embed/kernel_plain.c - kernels in C with the compilers' vectors of four: any processor. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "embed/embed_int.h"

#include <math.h>
#include <string.h>

#define VW 4
#define KERNEL_QB 4
#define KERNEL_ACT_BYTES 2
#define KERNEL_ROWS 4
#define KERNEL_UNROLL
typedef float vf __attribute__((vector_size(16)));
typedef uint32_t vu __attribute__((vector_size(16)));
typedef int8_t vb16 __attribute__((vector_size(16)));
typedef int16_t vs16 __attribute__((vector_size(32)));
typedef int32_t vi16 __attribute__((vector_size(64)));

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

static inline void kernel_put_q(unsigned char *q, size_t i, vf v)
{
	int16_t s[VW];

	for (int j = 0; j < VW; j++)
		s[j] = (int16_t)(v[j] + 0.5f);
	memcpy(q + 2 * i, s, sizeof(s));
}

static void kernel_product(const struct embed_rows *a, size_t rows, const struct embed_linear *l,
			   float *y, size_t stride);

#include "embed/kernel_body.inc"

/* Four outputs of one row; four partial sums each, as the panel has them. */
static void kernel_quad(const unsigned char *q, const int8_t *w, size_t k, int32_t out[4])
{
	vi16 c = { 0 };

	for (size_t j = 0; j < k; j += 4, w += 4 * EMBED_PANEL) {
		int16_t x[4];
		vb16 b;
		vs16 p;

		memcpy(x, q + 2 * j, sizeof(x));
		memcpy(&b, w, sizeof(b));
		p = (vs16){ x[0], x[1], x[2], x[3], x[0], x[1], x[2], x[3],
			    x[0], x[1], x[2], x[3], x[0], x[1], x[2], x[3] };
		p = p * __builtin_convertvector(b, vs16);	/* |255 * 127| fits 16 bits */
		c = c + __builtin_convertvector(p, vi16);
	}
	for (int i = 0; i < 4; i++)
		out[i] = c[4 * i] + c[4 * i + 1] + c[4 * i + 2] + c[4 * i + 3];
}

static void kernel_product(const struct embed_rows *a, size_t rows, const struct embed_linear *l,
			   float *y, size_t stride)
{
	for (size_t n = 0; n < l->n; n += 4) {
		size_t panel = n / EMBED_PANEL, at = n % EMBED_PANEL;
		const int8_t *w = l->w + panel * EMBED_PANEL * l->k + at * 4;

		for (size_t r = 0; r < rows; r++) {
			int32_t c[4];

			kernel_quad((const unsigned char *)a->q + 2 * r * l->k, w, l->k, c);
			for (size_t i = 0; i < 4; i++)
				y[r * stride + n + i] =
					(float)(c[i] - a->zero[r] * l->sum[n + i]) *
					(a->scale[r] * l->scale[n + i]) + l->bias[n + i];
		}
	}
}

static bool kernel_runs_here(void)
{
	return true;
}

const struct embed_kernels embed_kernels_plain = KERNEL_TABLE("plain", kernel_runs_here);
