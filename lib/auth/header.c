/* lib/auth/header.c - the Authorization header to a principal. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/auth_int.h"

#include <string.h>
#include <strings.h>

enum desk_status desk_auth_header(struct desk_ctx *cx, struct desk_secret secret, const char *header)
{
	struct desk_principal *p = desk_arena_alloc(cx->arena, sizeof(*p));
	const char *at = header;
	enum desk_status rc;

	p->anonymous = true;
	cx->principal = NULL;
	if (header != NULL && header[0] != '\0') {
		/* one scheme, one or more spaces, one token, nothing behind it */
		if (strncasecmp(at, "Bearer", 6) != 0 || at[6] != ' ')
			return desk_fail(cx, DESK_E_AUTH, "authorization: the scheme is not Bearer");
		at += 6;
		at += strspn(at, " ");
		rc = desk_token_verify(cx, secret, desk_str_of(at), p);
		if (rc != DESK_OK)
			return rc;
	}
	cx->principal = p;
	return DESK_OK;
}
