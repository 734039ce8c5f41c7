/* lib/base/buf.c - growable bytes that state their maximum at birth. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void desk_buf_init(struct desk_buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void desk_buf_done(struct desk_buf *b)
{
	free(b->p);
	desk_buf_init(b, b->max);
}

void desk_buf_clear(struct desk_buf *b)
{
	b->n = 0;
	b->overflow = false;
	if (b->p != NULL)
		b->p[0] = '\0';
}

void *desk_buf_reserve(struct desk_buf *b, size_t n)
{
	if (b->overflow || n > b->max - b->n) {
		b->overflow = true;
		return NULL;
	}
	if (b->p == NULL || n > b->cap - b->n) {
		size_t cap = b->cap > 0 ? b->cap : 64;

		while (cap - b->n < n)
			cap = cap > b->max / 2 ? b->max : cap * 2;
		b->p = desk_xrealloc(b->p, cap + 1, 1);
		b->cap = cap;
		b->p[b->n] = '\0';
	}
	return b->p + b->n;
}

bool desk_buf_add(struct desk_buf *b, const void *p, size_t n)
{
	char *at = desk_buf_reserve(b, n);

	if (at == NULL)
		return false;
	if (n > 0)
		memcpy(at, p, n);
	b->n += n;
	b->p[b->n] = '\0';
	return true;
}

bool desk_buf_adds(struct desk_buf *b, const char *s)
{
	return desk_buf_add(b, s, strlen(s));
}

bool desk_buf_addc(struct desk_buf *b, char c)
{
	return desk_buf_add(b, &c, 1);
}

bool desk_buf_addf(struct desk_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	char *at;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	at = n < 0 ? NULL : desk_buf_reserve(b, (size_t)n);
	if (at != NULL) {
		vsnprintf(at, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
	return at != NULL;
}

struct desk_str desk_buf_str(const struct desk_buf *b)
{
	return (struct desk_str){ b->p != NULL ? b->p : "", b->n };
}
