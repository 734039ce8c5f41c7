/* fcgi/uri.c - the path of a REQUEST_URI. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fcgi_int.h"

#include <string.h>
#include <strings.h>

static int uri_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "http://host:port/path" to "/path": an absolute form is allowed to any server (RFC 9112, 3.2.2). */
static const char *uri_skip_authority(const char *uri)
{
	const char *at = uri;

	if (strncasecmp(uri, "http://", 7) == 0)
		at = uri + 7;
	else if (strncasecmp(uri, "https://", 8) == 0)
		at = uri + 8;
	else
		return uri;
	at += strcspn(at, "/?#");
	return *at == '/' ? at : "/";
}

/* One character of the path to `out`; its length in the URI, 0 when it is malformed. */
static size_t uri_decode(const char *at, size_t left, char *out)
{
	int high, low;

	if (*at != '%') {
		*out = *at;
		return (unsigned char)*at > 0x20 && *at != 0x7F ? 1 : 0;
	}
	if (left < 3 || (high = uri_hex(at[1])) < 0 || (low = uri_hex(at[2])) < 0)
		return 0;
	*out = (char)(high << 4 | low);
	/* an encoded slash is no separator, and no route has one in a segment; control characters: none */
	return *out == '/' || (unsigned char)*out < 0x20 || *out == 0x7F ? 0 : 3;
}

char *fcgi_uri_path(struct desk_arena *a, const char *uri)
{
	size_t n, used = 0, o = 0;
	char *path;

	if (uri == NULL)
		return NULL;
	uri = uri_skip_authority(uri);
	n = strcspn(uri, "?#");
	if (n == 0 || uri[0] != '/')
		return NULL;
	path = desk_arena_alloc(a, n + 1);
	for (size_t i = 0; i < n; i += used) {
		used = uri_decode(uri + i, n - i, &path[o++]);
		if (used == 0)
			return NULL;
	}
	path[o] = '\0';
	return desk_utf8_valid(path, o) ? path : NULL;
}
