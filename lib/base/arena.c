/* lib/base/arena.c - memory that lives as long as a request, with clean-up callbacks. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN 16
#define ARENA_FIRST (16 * 1024)
#define ARENA_BLOCK_MAX (1024 * 1024)

struct arena_block {
	struct arena_block *next;
	size_t              cap, used;
	alignas(ARENA_ALIGN) char bytes[];
};

struct arena_cleanup {
	struct arena_cleanup *next;
	void (*fn)(void *);
	void *arg;
};

struct desk_arena {
	struct arena_block   *block;	/* the newest, filled first */
	struct arena_cleanup *cleanup;
	size_t                used;
};

static struct arena_block *arena_block_new(size_t cap)
{
	struct arena_block *b = desk_xmalloc(sizeof(*b) + cap);

	b->next = NULL;
	b->cap = cap;
	b->used = 0;
	return b;
}

struct desk_arena *desk_arena_new(void)
{
	struct desk_arena *a = desk_xcalloc(1, sizeof(*a));

	a->block = arena_block_new(ARENA_FIRST);
	return a;
}

static void arena_run_cleanups(struct desk_arena *a)
{
	while (a->cleanup != NULL) {
		struct arena_cleanup *c = a->cleanup;

		a->cleanup = c->next;
		c->fn(c->arg);
	}
}

void desk_arena_reset(struct desk_arena *a)
{
	arena_run_cleanups(a);
	while (a->block->next != NULL) {
		struct arena_block *b = a->block;

		a->block = b->next;
		free(b);
	}
	a->block->used = 0;	/* the first block, the smallest, stays */
	a->used = 0;
}

void desk_arena_free(struct desk_arena *a)
{
	if (a == NULL)
		return;
	desk_arena_reset(a);
	free(a->block);
	free(a);
}

void *desk_arena_alloc(struct desk_arena *a, size_t n)
{
	struct arena_block *b = a->block;
	void *p;

	if (n > SIZE_MAX - ARENA_ALIGN - sizeof(*b))
		abort();
	n = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (n > b->cap - b->used) {
		size_t cap = b->cap < ARENA_BLOCK_MAX ? b->cap * 2 : ARENA_BLOCK_MAX;

		b = arena_block_new(n > cap ? n : cap);
		b->next = a->block;
		a->block = b;
	}
	p = b->bytes + b->used;
	b->used += n;
	a->used += n;
	return memset(p, 0, n);
}

void *desk_arena_array(struct desk_arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		abort();
	return desk_arena_alloc(a, total);
}

char *desk_arena_strndup(struct desk_arena *a, const char *s, size_t n)
{
	char *p = desk_arena_alloc(a, n + 1);

	if (n > 0)
		memcpy(p, s, n);
	return p;
}

char *desk_arena_strdup(struct desk_arena *a, const char *s)
{
	return s == NULL ? NULL : desk_arena_strndup(a, s, strlen(s));
}

char *desk_arena_printf(struct desk_arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	p = desk_arena_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

void desk_arena_cleanup(struct desk_arena *a, void (*fn)(void *), void *arg)
{
	struct arena_cleanup *c = desk_arena_alloc(a, sizeof(*c));

	c->fn = fn;
	c->arg = arg;
	c->next = a->cleanup;
	a->cleanup = c;
}

size_t desk_arena_used(const struct desk_arena *a)
{
	return a->used;
}
