/* lib/tenancy/cache.c - tenants that this process asked for within the last second. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tenancy/tenancy_int.h"

#define CACHE_SLOTS 256	/* by hash; another tenant of the same slot takes its place */
#define CACHE_LIFE_US 1000000
#define CACHE_FIELDS 7

struct cache_slot {
	char   *key;	/* owned; NULL: empty */
	char   *field[CACHE_FIELDS];	/* owned; in the order of struct tenancy_found */
	int64_t until_us;
};

struct desk_tenant_cache {
	pthread_mutex_t   lock;
	struct cache_slot slot[CACHE_SLOTS];
};

struct desk_tenant_cache *desk_tenant_cache_new(void)
{
	struct desk_tenant_cache *c = desk_xcalloc(1, sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	return c;
}

static void cache_slot_clear(struct cache_slot *s)
{
	free(s->key);
	for (size_t i = 0; i < CACHE_FIELDS; i++)
		free(s->field[i]);
	*s = (struct cache_slot){ 0 };
}

void desk_tenant_cache_free(struct desk_tenant_cache *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		cache_slot_clear(&c->slot[i]);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct cache_slot *cache_slot_of(struct desk_tenant_cache *c, const char *key)
{
	uint32_t h = 2166136261u;

	while (*key != '\0')
		h = (h ^ (unsigned char)*key++) * 16777619u;
	return &c->slot[h % CACHE_SLOTS];
}

bool tenancy_cache_get(struct desk_tenant_cache *c, const char *key, int64_t now_us,
		       struct desk_arena *a, struct tenancy_found *out)
{
	struct cache_slot *s = cache_slot_of(c, key);
	const char **to[CACHE_FIELDS] = { &out->id, &out->domain, &out->name, &out->tier,
					  &out->schema, &out->role, &out->settings };
	bool hit;

	pthread_mutex_lock(&c->lock);
	hit = s->key != NULL && strcmp(s->key, key) == 0 && now_us < s->until_us;
	for (size_t i = 0; hit && i < CACHE_FIELDS; i++)
		*to[i] = desk_arena_strdup(a, s->field[i]);
	pthread_mutex_unlock(&c->lock);
	return hit;
}

void tenancy_cache_put(struct desk_tenant_cache *c, const char *key, int64_t now_us,
		       const struct tenancy_found *found)
{
	struct cache_slot *s = cache_slot_of(c, key), old;
	const char *from[CACHE_FIELDS] = { found->id, found->domain, found->name, found->tier,
					   found->schema, found->role, found->settings };
	struct cache_slot fresh = { .key = desk_xstrdup(key), .until_us = now_us + CACHE_LIFE_US };

	for (size_t i = 0; i < CACHE_FIELDS; i++)
		fresh.field[i] = desk_xstrdup(from[i]);
	pthread_mutex_lock(&c->lock);
	old = *s;
	*s = fresh;
	pthread_mutex_unlock(&c->lock);
	cache_slot_clear(&old);
}
