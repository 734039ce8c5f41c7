/* lib/cache/url.c - REDIS_URL -> where, password, database. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cache/cache_int.h"

#include <string.h>

/* What stands wrong is named, but never shown: it may hold the password. */
static enum desk_status url_bad(struct desk_error *err, const char *what)
{
	return desk_error_set(
		err, DESK_E_CONFIG,
		"REDIS_URL: %s; it looks like redis://:password@host:6379/0 or unix:///path", what);
}

static int url_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoded; NULL when that is not well formed. */
static char *url_decode(struct desk_arena *a, const char *s, size_t n)
{
	char *out = desk_arena_alloc(a, n + 1);
	size_t w = 0;

	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)s[i];

		if (c == '%') {
			if (i + 2 >= n || url_hex(s[i + 1]) < 0 || url_hex(s[i + 2]) < 0)
				return NULL;
			c = url_hex(s[i + 1]) * 16 + url_hex(s[i + 2]);
			i += 2;
		}
		if (c == 0)
			return NULL;
		out[w++] = (char)c;
	}
	return out;
}

static bool url_number(const char *s, size_t n, int max, int *out)
{
	char digits[12];
	int64_t v;

	if (n == 0 || n >= sizeof(digits))
		return false;
	memcpy(digits, s, n);
	digits[n] = '\0';
	if (!desk_parse_int64(digits, &v) || v < 0 || v > max)
		return false;
	*out = (int)v;
	return true;
}

/* "user:password" before the "@". */
static enum desk_status url_login(struct desk_arena *a, const char *s, size_t n,
				  struct cache_where *out, struct desk_error *err)
{
	const char *colon = memchr(s, ':', n);

	if (colon == NULL)
		return url_bad(err, "a login is user:password");
	out->user = url_decode(a, s, (size_t)(colon - s));
	out->password = url_decode(a, colon + 1, (size_t)(s + n - colon - 1));
	if (out->user == NULL || out->password == NULL)
		return url_bad(err, "the login has a bad % sequence");
	return DESK_OK;
}

/* "db=1&password=x" behind a "?". */
static enum desk_status url_query(struct desk_arena *a, const char *s, struct cache_where *out,
				  struct desk_error *err)
{
	while (*s != '\0') {
		size_t n = strcspn(s, "&");

		if (n > 3 && memcmp(s, "db=", 3) == 0) {
			if (!url_number(s + 3, n - 3, 65535, &out->db))
				return url_bad(err, "db is not a number");
		} else if (n > 9 && memcmp(s, "password=", 9) == 0) {
			out->password = url_decode(a, s + 9, n - 9);
			if (out->password == NULL)
				return url_bad(err, "the password has a bad % sequence");
		} else if (n > 0) {
			return url_bad(err, "only db= and password= may follow the ?");
		}
		s += n;
		s += *s == '&';
	}
	return DESK_OK;
}

static enum desk_status url_host(struct desk_arena *a, const char *s, size_t n,
				 struct cache_where *out, struct desk_error *err)
{
	const char *colon = memrchr(s, ':', n), *close = memrchr(s, ']', n);
	size_t host = n;

	if (colon != NULL && (close == NULL || colon > close)) {
		host = (size_t)(colon - s);
		if (!url_number(colon + 1, n - host - 1, 65535, &out->port) || out->port == 0)
			return url_bad(err, "the port is not 1 to 65535");
	}
	if (host >= 2 && s[0] == '[' && s[host - 1] == ']')
		out->host = url_decode(a, s + 1, host - 2);
	else
		out->host = url_decode(a, s, host);
	if (out->host == NULL || *out->host == '\0')
		return url_bad(err, "there is no host");
	return DESK_OK;
}

static enum desk_status url_redis(struct desk_arena *a, const char *s, struct cache_where *out,
				  struct desk_error *err)
{
	const char *query = strchr(s, '?');
	size_t n = query != NULL ? (size_t)(query - s) : strlen(s);
	const char *at = memrchr(s, '@', n), *slash;
	enum desk_status rc = DESK_OK;

	if (at != NULL) {
		rc = url_login(a, s, (size_t)(at - s), out, err);
		n -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	slash = memchr(s, '/', n);
	if (rc == DESK_OK)
		rc = url_host(a, s, slash != NULL ? (size_t)(slash - s) : n, out, err);
	if (rc == DESK_OK && slash != NULL && slash + 1 < s + n &&
	    !url_number(slash + 1, (size_t)(s + n - slash - 1), 65535, &out->db))
		rc = url_bad(err, "the database behind the / is not a number");
	if (rc == DESK_OK && query != NULL)
		rc = url_query(a, query + 1, out, err);
	return rc;
}

static enum desk_status url_unix(struct desk_arena *a, const char *s, struct cache_where *out,
				 struct desk_error *err)
{
	const char *slash = strchr(s, '/'), *query = strchr(s, '?');
	size_t n = query != NULL ? (size_t)(query - s) : strlen(s);
	enum desk_status rc = DESK_OK;

	if (slash == NULL || (query != NULL && slash > query))
		return url_bad(err, "a unix socket is named by its whole path");
	if (slash > s && slash[-1] == '@')
		rc = url_login(a, s, (size_t)(slash - 1 - s), out, err);
	else if (slash > s)
		rc = url_bad(err, "a unix socket is named by its whole path");
	if (rc == DESK_OK) {
		out->path = url_decode(a, slash, n - (size_t)(slash - s));
		if (out->path == NULL || strlen(out->path) > 107)
			rc = url_bad(err, "the socket's path is too long or has a bad % sequence");
	}
	if (rc == DESK_OK && query != NULL)
		rc = url_query(a, query + 1, out, err);
	return rc;
}

enum desk_status cache_url_parse(struct desk_arena *a, const char *url, struct cache_where *out,
				 struct desk_error *err)
{
	*out = (struct cache_where){
		.path = "", .host = "", .port = 6379, .user = "", .password = ""
	};
	if (strncmp(url, "redis://", 8) == 0)
		return url_redis(a, url + 8, out, err);
	if (strncmp(url, "unix://", 7) == 0)
		return url_unix(a, url + 7, out, err);
	if (strncmp(url, "rediss://", 9) == 0)
		return url_bad(err, "TLS is not supported");
	return url_bad(err, "the scheme is not redis or unix");
}
