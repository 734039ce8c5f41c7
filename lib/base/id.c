/* lib/base/id.c - random bytes, UUIDs and correlation ids. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void desk_random(void *p, size_t n)
{
	unsigned char *u = p;

	while (n > 0) {
		ssize_t got = getrandom(u, n, 0);

		if (got < 0) {
			if (errno == EINTR)
				continue;
			abort();	/* no entropy source: nothing here may go on */
		}
		u += got;
		n -= (size_t)got;
	}
}

/* RFC 9562, section 5.4. */
void desk_uuid_v4(char out[DESK_UUID_LEN + 1])
{
	unsigned char r[16];
	char hex[33];

	desk_random(r, sizeof(r));
	r[6] = (unsigned char)((r[6] & 0x0F) | 0x40);
	r[8] = (unsigned char)((r[8] & 0x3F) | 0x80);
	desk_hex(r, sizeof(r), hex);
	for (size_t i = 0, o = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			out[o++] = '-';
		out[o++] = hex[i];
	}
	out[DESK_UUID_LEN] = '\0';
}

bool desk_uuid_valid(const char *s)
{
	if (s == NULL)
		return false;
	for (size_t i = 0; i < DESK_UUID_LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		char c = s[i];

		if (dash ? c != '-'
			 : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
			     (c >= 'A' && c <= 'F')))
			return false;
	}
	return s[DESK_UUID_LEN] == '\0';
}

void desk_correlation_id(const char *given, char out[129])
{
	size_t n = given != NULL ? strlen(given) : 0;

	if (n >= 1 && n <= 128 &&
	    strspn(given, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n)
		memcpy(out, given, n + 1);
	else
		desk_uuid_v4(out);
}
