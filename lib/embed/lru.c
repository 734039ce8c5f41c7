/* lib/embed/lru.c - the process's own bounded cache of question vectors. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "embed/embed_int.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LRU_SLOTS 4096	/* chains; keys are hashes already, so the first bytes choose */

struct lru_entry {
	struct lru_entry *older, *newer;	/* the order of use */
	struct lru_entry *next;	/* in its chain */
	unsigned char     key[EMBED_KEY_BYTES];
	size_t            dim;
	float             v[];
};

struct embed_lru {
	pthread_mutex_t   lock;
	size_t            bytes_max, bytes, entries;
	struct lru_entry *newest, *oldest;
	struct lru_entry *slot[LRU_SLOTS];
};

struct embed_lru *embed_lru_new(size_t bytes_max)
{
	struct embed_lru *l = desk_xcalloc(1, sizeof(*l));

	l->bytes_max = bytes_max;
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

void embed_lru_free(struct embed_lru *l)
{
	if (l == NULL)
		return;
	for (struct lru_entry *e = l->newest, *older; e != NULL; e = older) {
		older = e->older;
		free(e);
	}
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static struct lru_entry **lru_slot(struct embed_lru *l, const unsigned char *key)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not know that a freed entry is out of its slot */
	return &l->slot[(key[0] | (size_t)key[1] << 8) % LRU_SLOTS];
}

static size_t lru_entry_bytes(size_t dim)
{
	return sizeof(struct lru_entry) + dim * sizeof(float);
}

static void lru_unlink(struct embed_lru *l, struct lru_entry *e)
{
	*(e->newer != NULL ? &e->newer->older : &l->newest) = e->older;
	*(e->older != NULL ? &e->older->newer : &l->oldest) = e->newer;
}

static void lru_link_newest(struct embed_lru *l, struct lru_entry *e)
{
	e->newer = NULL;
	e->older = l->newest;
	*(l->newest != NULL ? &l->newest->newer : &l->oldest) = e;
	l->newest = e;
}

static struct lru_entry *lru_find(struct embed_lru *l, const unsigned char *key)
{
	struct lru_entry *e = *lru_slot(l, key);

	while (e != NULL && memcmp(e->key, key, EMBED_KEY_BYTES) != 0)
		e = e->next;
	return e;
}

static void lru_drop_oldest(struct embed_lru *l)
{
	struct lru_entry *e = l->oldest, **at = lru_slot(l, e->key);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	lru_unlink(l, e);
	l->bytes -= lru_entry_bytes(e->dim);
	l->entries--;
	free(e);
}

bool embed_lru_get(struct embed_lru *l, const unsigned char *key, float *out, size_t dim)
{
	struct lru_entry *e;
	bool hit;

	pthread_mutex_lock(&l->lock);
	e = lru_find(l, key);
	hit = e != NULL && e->dim == dim;
	if (hit) {
		lru_unlink(l, e);
		lru_link_newest(l, e);
		memcpy(out, e->v, dim * sizeof(*out));
	}
	pthread_mutex_unlock(&l->lock);
	return hit;
}

void embed_lru_put(struct embed_lru *l, const unsigned char *key, const float *v, size_t dim)
{
	size_t bytes = lru_entry_bytes(dim);
	struct lru_entry *e, **slot;

	if (bytes > l->bytes_max)
		return;
	e = desk_xmalloc(bytes);
	memcpy(e->key, key, EMBED_KEY_BYTES);
	e->dim = dim;
	memcpy(e->v, v, dim * sizeof(*v));
	pthread_mutex_lock(&l->lock);
	if (lru_find(l, key) != NULL) {	/* another thread was first */
		pthread_mutex_unlock(&l->lock);
		free(e);
		return;
	}
	while (l->bytes + bytes > l->bytes_max)
		lru_drop_oldest(l);
	slot = lru_slot(l, key);
	e->next = *slot;
	*slot = e;
	lru_link_newest(l, e);
	l->bytes += bytes;
	l->entries++;
	pthread_mutex_unlock(&l->lock);
}

void embed_lru_size(struct embed_lru *l, size_t *bytes, size_t *entries)
{
	pthread_mutex_lock(&l->lock);
	*bytes = l->bytes;
	*entries = l->entries;
	pthread_mutex_unlock(&l->lock);
}
