/* lib/cache/cache.h - Redis where there is one: get and set that never cost a request more than a moment. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file      duty
 * --------  -----------------------------------------------------------------
 * cache.c   pool, circuit breaker, get, set, ping
 * url.c     REDIS_URL -> where, password, database
 */
#ifndef DESK_CACHE_H
#define DESK_CACHE_H

#include "base/base.h"

#pragma GCC visibility push(default)

/*
 * Owned, thread-safe; connects at the first use, at most 16 connections a process. Open it after
 * fork. A NULL cache is allowed in every call below: it is one that is never available.
 *
 * Redis that is down or slow is DESK_E_UNAVAILABLE: at most 100 ms once, then at once for a second
 * (doubling up to 30 s while it stays down), as one caller after each pause tries again. So callers
 * go on without; it is never an error for users. Pass err NULL where nobody reads the reason.
 */
struct desk_cache;

/*
 * redis://[[user]:password@]host[:port][/db], unix:///path[?db=N][&password=P] (also
 * unix://:password@/path). "" gives *out NULL and DESK_OK: no Redis. DESK_E_CONFIG otherwise.
 */
DESK_MUST_CHECK enum desk_status desk_cache_open(const char *url, struct desk_cache **out,
						 struct desk_error *err);
void desk_cache_free(struct desk_cache *c);	/* NULL is fine */

/* Keys and values are any bytes. DESK_E_NOT_FOUND (err is left alone) when there is none. */
DESK_MUST_CHECK enum desk_status desk_cache_get(struct desk_cache *c, struct desk_str key,
						struct desk_arena *a, struct desk_str *out,
						struct desk_error *err);
/* ttl_s > 0. Allowed to be lost at any time. */
DESK_MUST_CHECK enum desk_status desk_cache_set(struct desk_cache *c, struct desk_str key,
						struct desk_str value, int ttl_s, struct desk_error *err);
/* For readiness: asks even while the breaker is open. */
DESK_MUST_CHECK enum desk_status desk_cache_ping(struct desk_cache *c, struct desk_error *err);

#pragma GCC visibility pop
#endif
