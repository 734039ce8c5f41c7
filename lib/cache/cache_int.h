/* lib/cache/cache_int.h - what the files of lib/cache share. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_CACHE_INT_H
#define DESK_CACHE_INT_H

#include "cache/cache.h"

/* Where Redis is. Strings live in the arena given to the parser; "" where not set. */
struct cache_where {
	const char *path;	/* unix socket, or "" */
	const char *host;
	int         port;
	const char *user, *password;
	int         db;
};

DESK_MUST_CHECK enum desk_status cache_url_parse(struct desk_arena *a, const char *url,
						 struct cache_where *out, struct desk_error *err);

#endif
