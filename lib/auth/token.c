/* lib/auth/token.c - an access token: made, verified. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/auth_int.h"

#include <jwt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void token_drop(void *jwt)
{
	jwt_free(jwt);
}

static enum desk_status token_spec_check(struct desk_ctx *cx, const struct desk_token_spec *spec)
{
	if (!desk_uuid_valid(spec->tenant_id))
		return desk_error_field(&cx->err, "tenant_id", "must be a UUID");
	if (!claims_is_user(spec->user_id) || !desk_utf8_valid(spec->user_id, strlen(spec->user_id)))
		return desk_error_field(&cx->err, "user_id", "must be 1 to 255 bytes of UTF-8");
	if (spec->user_type != NULL && !claims_is_word(spec->user_type))
		return desk_error_field(&cx->err, "user_type", "must be 1 to 50 of A-Z, 0-9 and _");
	if (spec->role != NULL && !claims_is_word(spec->role))
		return desk_error_field(&cx->err, "role", "must be 1 to 50 of A-Z, 0-9 and _");
	if (spec->life_s < 1 || spec->life_s > DESK_TOKEN_LIFE_MAX_S)
		return desk_error_field(&cx->err, "life", "must be 1 to %d seconds", DESK_TOKEN_LIFE_MAX_S);
	return DESK_OK;
}

enum desk_status desk_token_create(struct desk_ctx *cx, struct desk_secret secret,
				   const struct desk_token_spec *spec, const char **out)
{
	int64_t now = desk_now_us(cx->clock) / 1000000;
	char jti[DESK_UUID_LEN + 1], *text;
	enum desk_status rc = token_spec_check(cx, spec);
	jwt_t *jwt = NULL;
	int bad;

	if (rc != DESK_OK)
		return rc;
	if (jwt_new(&jwt) != 0)
		return desk_fail(cx, DESK_E_BUG, "token: cannot be made");
	desk_arena_cleanup(cx->arena, token_drop, jwt);
	desk_uuid_v4(jti);
	bad = jwt_add_grant(jwt, "type", "access");
	bad |= jwt_add_grant(jwt, "tenant_id", spec->tenant_id);
	bad |= jwt_add_grant(jwt, "sub", spec->user_id);
	bad |= jwt_add_grant(jwt, "user_type", spec->user_type != NULL ? spec->user_type : DESK_USER_CUSTOMER);
	bad |= jwt_add_grant(jwt, "role", spec->role != NULL ? spec->role : "END_USER");
	bad |= jwt_add_grant_int(jwt, "iat", (long)now);
	bad |= jwt_add_grant_int(jwt, "exp", (long)(now + spec->life_s));
	bad |= jwt_add_grant(jwt, "jti", jti);
	bad |= jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)secret.value,
			   (int)strlen(secret.value));
	text = bad == 0 ? jwt_encode_str(jwt) : NULL;
	if (text == NULL)
		return desk_fail(cx, DESK_E_BUG, "token: cannot be signed");
	*out = desk_arena_strdup(cx->arena, text);
	free(text);
	return DESK_OK;
}

enum desk_status desk_token_verify(struct desk_ctx *cx, struct desk_secret secret,
				   struct desk_str token, struct desk_principal *out)
{
	size_t key_len = strlen(secret.value);
	struct jws jws;
	jwt_t *jwt = NULL;
	enum desk_status rc = jws_parse(cx, token, &jws);

	if (rc != DESK_OK)
		return rc;
	if (key_len == 0 || key_len > INT_MAX)
		return desk_fail(cx, DESK_E_BUG, "token: no key to verify with");
	/* libjwt compares signatures in constant time; the algorithm was fixed by jws_parse */
	if (jwt_decode(&jwt, jws.text, (const unsigned char *)secret.value, (int)key_len) != 0)
		return desk_fail(cx, DESK_E_AUTH, "token: its signature is not ours");
	desk_arena_cleanup(cx->arena, token_drop, jwt);
	if (jwt_get_alg(jwt) != JWT_ALG_HS256)
		return desk_fail(cx, DESK_E_AUTH, "token: its algorithm is not HS256");
	return claims_check(cx, jws.payload, out);
}
