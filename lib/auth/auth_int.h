/* lib/auth/auth_int.h - between the files of lib/auth. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_AUTH_INT_H
#define DESK_AUTH_INT_H

#include "auth/auth.h"

/* A token taken apart, nothing verified yet; all arena. */
struct jws {
	const char *text;	/* the whole token, NUL-terminated */
	json_t     *header, *payload;	/* objects, without duplicate names */
};

/*
 * header.payload.signature, each base64url without padding and without stray bits (RFC 7515, 2 and
 * RFC 4648, 3.5); alg HS256, typ JWT or none, nothing critical. DESK_E_AUTH otherwise.
 */
DESK_MUST_CHECK enum desk_status jws_parse(struct desk_ctx *cx, struct desk_str token, struct jws *out);
/* Bytes of a base64url text, NUL-terminated, arena; false when it is none. */
bool jws_base64url(struct desk_arena *a, struct desk_str text, struct desk_str *out);

/* The claims' rules of desk_token_verify. */
DESK_MUST_CHECK enum desk_status claims_check(struct desk_ctx *cx, const json_t *payload,
					      struct desk_principal *out);
/* 1..50 of A-Z, 0-9 and _: a user's type or role. */
bool claims_is_word(const char *s);
/* 1..255 bytes without control characters. */
bool claims_is_user(const char *s);

#endif
