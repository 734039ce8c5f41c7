/* lib/embed/kernel_avx2.c - kernels for AVX2 and FMA: products in 16-bit pairs, exact. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#if defined(__x86_64__)
#include "embed/embed_int.h"
#include "embed/kernel_pragma.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

KERNEL_TARGET_PUSH("avx2,fma")

/* 8-bit pairs (vpmaddubsw) would saturate: 255 * 127 * 2 is past 16 bits. */
#define KERNEL_ACT_BYTES 2
#define KERNEL_COLS 8
#include "embed/kernel_256.inc"

static inline void kernel_put_q(unsigned char *q, size_t i, vf v)
{
	_mm_storeu_si128((__m128i *)(void *)(q + 2 * i), kernel_shorts(v));
}

static void kernel_product(const struct embed_rows *a, size_t rows, const struct embed_linear *l,
			   float *y, size_t stride);

#include "embed/kernel_body.inc"

/* Four activations, to meet four inputs of each of four outputs. */
static inline __m256i kernel_four(const unsigned char *q)
{
	long long four;

	memcpy(&four, q, 8);
	return _mm256_set1_epi64x(four);
}

static inline __m256i kernel_widen(const int8_t *w)
{
	return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)w));
}

/* sum += x * w by pairs; as one piece, or gcc 12 moves the products up and the sums to the stack. */
static inline void kernel_dot(__m256i *sum, __m256i x, __m256i w)
{
	__m256i p;

	__asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(*sum), "=&x"(p) : "x"(x), "x"(w));
}

static inline __attribute__((always_inline)) void kernel_tile(const struct kernel_tile *t,
							      const int rows)
{
	const size_t k = t->l->k, panel = t->n / EMBED_PANEL, at = t->n % EMBED_PANEL;
	const int8_t *w = t->l->w + panel * EMBED_PANEL * k + at * 4;
	const unsigned char *q = t->q;
	__m256i c0[KERNEL_ROWS], c1[KERNEL_ROWS];

	KERNEL_UNROLL
	for (int i = 0; i < rows; i++)
		c0[i] = c1[i] = _mm256_setzero_si256();
	for (size_t j = 0; j < k; j += 4, w += 4 * EMBED_PANEL, q += 8) {
		__m256i w0 = kernel_widen(w), w1 = kernel_widen(w + 16);

		KERNEL_UNROLL
		for (int i = 0; i < rows; i++) {
			__m256i x = kernel_four(q + 2 * (size_t)i * k);

			kernel_dot(&c0[i], x, w0);
			kernel_dot(&c1[i], x, w1);
		}
	}
	KERNEL_UNROLL
	for (int i = 0; i < rows; i++) {
		/* The two halves of an output lie side by side; the add leaves lanes 1 and 2 crossed. */
		__m256i c = _mm256_permute4x64_epi64(_mm256_hadd_epi32(c0[i], c1[i]), 0xD8);

		_mm256_storeu_ps(t->y + (size_t)i * t->stride + t->n,
				 kernel_back(c, t, (size_t)i, t->n));
	}
}

KERNEL_TILES
KERNEL_PRODUCT

KERNEL_TARGET_POP

static bool kernel_runs_here(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const struct embed_kernels embed_kernels_avx2 = KERNEL_TABLE("avx2", kernel_runs_here);
#else
typedef int embed_kernel_avx2_is_for_x86;
#endif
