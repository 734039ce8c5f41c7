/* lib/tenancy/tenancy_int.h - between the files of this room. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_TENANCY_INT_H
#define DESK_TENANCY_INT_H

#include "tenancy/tenancy.h"

/* A tenant as platform.tenant_find tells it; strings are borrowed. */
struct tenancy_found {
	const char *id, *domain, *name, *tier, *schema, *role, *settings;	/* settings: JSON text */
};

/* Copied into the arena, settings parsed. */
struct desk_tenant *tenancy_make(struct desk_arena *a, const struct tenancy_found *found);

/* cache.c: false when it is not known, or not known any more. What comes out lives in `a`. */
bool tenancy_cache_get(struct desk_tenant_cache *c, const char *key, int64_t now_us,
		       struct desk_arena *a, struct tenancy_found *out);
void tenancy_cache_put(struct desk_tenant_cache *c, const char *key, int64_t now_us,
		       const struct tenancy_found *found);
#endif
