/* lib/base/alloc.c - checked allocators: out of memory ends the process. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static DESK_NORETURN void alloc_fail(size_t n)
{
	fprintf(stderr, "out of memory: %zu bytes\n", n);
	abort();
}

void *desk_xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (p == NULL)
		alloc_fail(n);
	return p;
}

void *desk_xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (p == NULL)
		alloc_fail(n);
	return p;
}

void *desk_xrealloc(void *p, size_t n, size_t size)
{
	size_t total;
	void *q;

	if (__builtin_mul_overflow(n, size, &total))
		alloc_fail(SIZE_MAX);
	q = realloc(p, total ? total : 1);
	if (q == NULL)
		alloc_fail(total);
	return q;
}

char *desk_xstrndup(const char *s, size_t n)
{
	char *p = desk_xmalloc(n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *desk_xstrdup(const char *s)
{
	return desk_xstrndup(s, strlen(s));
}
