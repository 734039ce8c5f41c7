/* lib/embed/kernel_avx512.c - kernels for AVX-512 with VNNI: products of 12 rows by 32 outputs. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#if defined(__x86_64__)
#include "embed/embed_int.h"
#include "embed/kernel_pragma.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

KERNEL_TARGET_PUSH("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")

#define VW 16
#define KERNEL_QB 8
#define KERNEL_ACT_BYTES 1
#define KERNEL_ROWS 12
typedef __m512 vf;
typedef uint32_t vu __attribute__((vector_size(64)));

#define VF_LOAD(p) _mm512_loadu_ps(p)
#define VF_STORE(p, v) _mm512_storeu_ps((p), (v))
#define VF_SET1(x) _mm512_set1_ps(x)
#define VF_FMA(a, b, c) _mm512_fmadd_ps((a), (b), (c))
#define VF_MAX(a, b) _mm512_max_ps((a), (b))
#define VF_MIN(a, b) _mm512_min_ps((a), (b))
#define VF_SUM(v) _mm512_reduce_add_ps(v)
#define VF_HMAX(v) _mm512_reduce_max_ps(v)
#define VF_HMIN(v) _mm512_reduce_min_ps(v)

static inline void kernel_put_q(unsigned char *q, size_t i, vf v)
{
	_mm_storeu_si128((__m128i *)(void *)(q + i), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
}

static void kernel_product(const struct embed_rows *a, size_t rows, const struct embed_linear *l,
			   float *y, size_t stride);

#include "embed/kernel_body.inc"

/* Where a tile of the product reads and writes. */
struct kernel_tile {
	const unsigned char       *q;
	const float               *scale;
	const int32_t             *zero;
	const struct embed_linear *l;
	size_t                     panel;
	float                     *y;
	size_t                     stride;	/* floats between rows of y */
};

static inline __m512i kernel_four(const unsigned char *q)
{
	int four;

	memcpy(&four, q, 4);
	return _mm512_set1_epi32(four);
}

/* As _mm512_dpbusd_epi32(); gcc 12 copies the sum around that one, which halves the speed. */
static inline void kernel_dot(__m512i *sum, __m512i x, __m512i w)
{
	__asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(x), "v"(w));
}

/* From integers back to floats: (sum - zero * sum of weights) * scales + bias. */
static inline __m512 kernel_back(__m512i c, int32_t zero, float scale, const struct kernel_tile *t,
				 size_t n)
{
	__m512i off = _mm512_mullo_epi32(_mm512_set1_epi32(zero), _mm512_loadu_si512(t->l->sum + n));
	__m512 f = _mm512_cvtepi32_ps(_mm512_sub_epi32(c, off));

	return _mm512_fmadd_ps(f, _mm512_mul_ps(_mm512_set1_ps(scale),
						_mm512_loadu_ps(t->l->scale + n)),
			       _mm512_loadu_ps(t->l->bias + n));
}

/* `rows` is a constant where this is expanded, so the sums live in registers. */
static inline __attribute__((always_inline)) void kernel_tile(const struct kernel_tile *t,
							      const int rows)
{
	const size_t k = t->l->k, n = t->panel * EMBED_PANEL;
	const int8_t *w = t->l->w + n * k;
	const unsigned char *q[4];	/* every third row: addresses fit the registers */
	__m512i c0[KERNEL_ROWS], c1[KERNEL_ROWS];

	KERNEL_UNROLL
	for (int i = 0; i < rows; i++)
		c0[i] = c1[i] = _mm512_setzero_si512();
	for (int i = 0; i < 4; i++)
		q[i] = t->q + 3 * (size_t)i * k;
	for (size_t j = 0; j < k; j += 4, w += 4 * EMBED_PANEL) {
		__m512i w0 = _mm512_loadu_si512(w), w1 = _mm512_loadu_si512(w + 64);

		KERNEL_UNROLL
		for (int i = 0; i < rows; i++) {
			__m512i x = kernel_four(q[i / 3] + (size_t)(i % 3) * k);

			kernel_dot(&c0[i], x, w0);
			kernel_dot(&c1[i], x, w1);
		}
		KERNEL_UNROLL
		for (int i = 0; i < 4; i++)
			q[i] += 4;
	}
	KERNEL_UNROLL
	for (int i = 0; i < rows; i++) {
		float *y = t->y + (size_t)i * t->stride + n;

		_mm512_storeu_ps(y, kernel_back(c0[i], t->zero[i], t->scale[i], t, n));
		_mm512_storeu_ps(y + 16, kernel_back(c1[i], t->zero[i], t->scale[i], t, n + 16));
	}
}

#define KERNEL_TILE_OF(r) \
	static void kernel_tile_##r(const struct kernel_tile *t) { kernel_tile(t, r); }
KERNEL_TILE_OF(1) KERNEL_TILE_OF(2) KERNEL_TILE_OF(3) KERNEL_TILE_OF(4)
KERNEL_TILE_OF(5) KERNEL_TILE_OF(6) KERNEL_TILE_OF(7) KERNEL_TILE_OF(8)
KERNEL_TILE_OF(9) KERNEL_TILE_OF(10) KERNEL_TILE_OF(11) KERNEL_TILE_OF(12)

static void (*const kernel_tiles[KERNEL_ROWS + 1])(const struct kernel_tile *) = {
	NULL, kernel_tile_1, kernel_tile_2, kernel_tile_3, kernel_tile_4, kernel_tile_5,
	kernel_tile_6, kernel_tile_7, kernel_tile_8, kernel_tile_9, kernel_tile_10,
	kernel_tile_11, kernel_tile_12,
};

static void kernel_product(const struct embed_rows *a, size_t rows, const struct embed_linear *l,
			   float *y, size_t stride)
{
	for (size_t p = 0; p < l->n / EMBED_PANEL; p++) {
		for (size_t r = 0, m; r < rows; r += m) {
			struct kernel_tile t = {
				.q = (const unsigned char *)a->q + r * l->k, .scale = a->scale + r,
				.zero = a->zero + r, .l = l, .panel = p, .y = y + r * stride, .stride = stride,
			};

			m = kernel_pass(rows - r, KERNEL_ROWS);
			kernel_tiles[m](&t);
		}
	}
}

KERNEL_TARGET_POP

static bool kernel_runs_here(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx2") &&
	       __builtin_cpu_supports("fma");
}

const struct embed_kernels embed_kernels_avx512 = KERNEL_TABLE("avx512", kernel_runs_here);
#else
typedef int embed_kernel_avx512_is_for_x86;
#endif
