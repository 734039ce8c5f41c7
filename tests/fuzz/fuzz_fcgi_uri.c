/* tests/fuzz/fuzz_fcgi_uri.c - any bytes as REQUEST_URI: no path, or one without tricks. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "fcgi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct desk_arena *a = desk_arena_new();
	const char *path = fcgi_uri_path(a, desk_arena_strndup(a, (const char *)data, n));

	if (path != NULL) {
		if (path[0] != '/' || !desk_utf8_valid(path, strlen(path)))
			abort();
		for (const char *c = path; *c != '\0'; c++) {
			if ((unsigned char)*c < 0x20 || *c == 0x7F)
				abort();
		}
	}
	desk_arena_free(a);
	return 0;
}
