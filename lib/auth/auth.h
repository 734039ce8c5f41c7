/* lib/auth/auth.h - who calls: access tokens, and the principal that they name. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file         duty
 * -----------  --------------------------------------------------------------
 * header.c     the Authorization header to a principal
 * token.c      an access token: made, verified
 * jws.c        the compact form of a JWS (RFC 7515), taken apart strictly
 * claims.c     what the claims of an access token must say
 * principal.c  questions to a principal
 */
#ifndef DESK_AUTH_H
#define DESK_AUTH_H

#include "base/base.h"
#include "config/config.h"

#pragma GCC visibility push(default)

#define DESK_USER_INTERNAL "INTERNAL_STAFF"	/* the user_type that sees INTERNAL documents */
#define DESK_USER_CUSTOMER "CUSTOMER"

/* Who calls. Strings are arena; all but `anonymous` are NULL for an anonymous caller. */
struct desk_principal {
	const char *tenant_id;	/* UUID, lower case */
	const char *user_id;	/* the claim "sub": the caller's id in the system that made the token */
	const char *user_type;	/* CUSTOMER, INTERNAL_STAFF, … */
	const char *role;	/* END_USER where the token has none */
	bool        anonymous;
};

/* May this caller see INTERNAL documents? False for NULL. */
bool desk_principal_is_internal(const struct desk_principal *p);

#define DESK_TOKEN_MAX 4096	/* bytes of a token */
#define DESK_TOKEN_LIFE_MAX_S (366 * 86400)
#define DESK_TOKEN_SKEW_S 60	/* how far another machine's clock may be ahead (iat, nbf) */

struct desk_token_spec {
	const char *tenant_id;	/* UUID */
	const char *user_id;	/* 1..255 bytes */
	const char *user_type;	/* 1..50 of A-Z, 0-9, _; NULL: CUSTOMER */
	const char *role;	/* the same; NULL: END_USER */
	int64_t     life_s;	/* 1..DESK_TOKEN_LIFE_MAX_S */
};

/* An access token (HS256), signed now by cx->clock. *out is arena. DESK_E_INPUT, with the field. */
DESK_MUST_CHECK enum desk_status desk_token_create(struct desk_ctx *cx, struct desk_secret secret,
						   const struct desk_token_spec *spec, const char **out);

/*
 * Verify a token: form, algorithm HS256 and no other, signature, and the claims
 *   tenant_id  UUID                     type  "access"
 *   sub        1..255 bytes; where it is missing user_id is taken, and where both are there they agree
 *   user_type  1..50 of A-Z, 0-9, _     role  the same, may be missing
 *   exp, iat   whole seconds; now < exp, iat <= now + skew, iat < exp, exp - iat at most a year
 *   nbf        may be missing; nbf <= now + skew
 * All else is DESK_E_AUTH; the reason is in cx->err, for the log and never for the client.
 */
DESK_MUST_CHECK enum desk_status desk_token_verify(struct desk_ctx *cx, struct desk_secret secret,
						   struct desk_str token, struct desk_principal *out);

/*
 * The principal of an Authorization header ("Bearer TOKEN", RFC 6750; the scheme in any case), set as
 * cx->principal. NULL or "" is an anonymous caller. DESK_E_AUTH for all else that is no good token.
 */
DESK_MUST_CHECK enum desk_status desk_auth_header(struct desk_ctx *cx, struct desk_secret secret,
						  const char *header);

#pragma GCC visibility pop
#endif
