/* lib/embed/kernel_avxvnni.c - kernels for AVX-VNNI, on processors without AVX-512. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#if defined(__x86_64__)
#include "embed/embed_int.h"
#include "embed/kernel_pragma.h"

#include <cpuid.h>
#include <immintrin.h>
#include <math.h>
#include <string.h>

KERNEL_TARGET_PUSH("avx2,fma")

#define KERNEL_ACT_BYTES 1
#define KERNEL_COLS 16
#include "embed/kernel_256.inc"

static inline void kernel_put_q(unsigned char *q, size_t i, vf v)
{
	__m128i x = kernel_shorts(v);

	_mm_storel_epi64((__m128i *)(void *)(q + i), _mm_packus_epi16(x, x));
}

static void kernel_product(const struct embed_rows *a, size_t rows, const struct embed_linear *l,
			   float *y, size_t stride);

#include "embed/kernel_body.inc"

static inline __m256i kernel_four(const unsigned char *q)
{
	int four;

	memcpy(&four, q, 4);
	return _mm256_set1_epi32(four);
}

static inline __m256i kernel_load(const int8_t *w)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)w);
}

/* As _mm256_dpbusd_avx_epi32(); gcc 12 copies the sum around that one. */
static inline void kernel_dot(__m256i *sum, __m256i x, __m256i w)
{
	__asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(*sum) : "x"(x), "x"(w));
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
	for (size_t j = 0; j < k; j += 4, w += 4 * EMBED_PANEL, q += 4) {
		__m256i w0 = kernel_load(w), w1 = kernel_load(w + 32);

		KERNEL_UNROLL
		for (int i = 0; i < rows; i++) {
			__m256i x = kernel_four(q + (size_t)i * k);

			kernel_dot(&c0[i], x, w0);
			kernel_dot(&c1[i], x, w1);
		}
	}
	KERNEL_UNROLL
	for (int i = 0; i < rows; i++) {
		float *y = t->y + (size_t)i * t->stride + t->n;

		_mm256_storeu_ps(y, kernel_back(c0[i], t, (size_t)i, t->n));
		_mm256_storeu_ps(y + 8, kernel_back(c1[i], t, (size_t)i, t->n + 8));
	}
}

KERNEL_TILES
KERNEL_PRODUCT

KERNEL_TARGET_POP

/* CPUID leaf 7, subleaf 1, EAX bit 4; clang 14 has no name for it in __builtin_cpu_supports(). */
static bool kernel_runs_here(void)
{
	unsigned a = 0, b, c, d;

	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	       __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 4 & 1) != 0;
}

const struct embed_kernels embed_kernels_avxvnni = KERNEL_TABLE("avxvnni", kernel_runs_here);
#else
typedef int embed_kernel_avxvnni_is_for_x86;
#endif
