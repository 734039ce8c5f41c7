/* lib/auth/claims.c - what the claims of an access token must say. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/auth_int.h"

#include <ctype.h>
#include <string.h>

bool claims_is_word(const char *s)
{
	size_t n = s != NULL ? strlen(s) : 0;

	return n >= 1 && n <= 50 && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == n;
}

bool claims_is_user(const char *s)
{
	size_t n = s != NULL ? strlen(s) : 0;

	if (n < 1 || n > 255)
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7F)
			return false;
	}
	return true;
}

/* RFC 7519, 4.1.4 to 4.1.6; the clock is cx's. */
static enum desk_status claims_times(struct desk_ctx *cx, const json_t *payload)
{
	const json_t *exp = json_object_get(payload, "exp"), *iat = json_object_get(payload, "iat");
	const json_t *nbf = json_object_get(payload, "nbf");
	int64_t now = desk_now_us(cx->clock) / 1000000, until, since;

	if (!json_is_integer(exp) || !json_is_integer(iat) || (nbf != NULL && !json_is_integer(nbf)))
		return desk_fail(cx, DESK_E_AUTH, "token: exp, iat or nbf is missing or not a whole number");
	until = json_integer_value(exp);
	since = json_integer_value(iat);
	if (until <= now)
		return desk_fail(cx, DESK_E_AUTH, "token: expired");
	if (since <= 0 || since > now + DESK_TOKEN_SKEW_S || since >= until)
		return desk_fail(cx, DESK_E_AUTH, "token: iat is no time at which it can have been made");
	if (until - since > DESK_TOKEN_LIFE_MAX_S)
		return desk_fail(cx, DESK_E_AUTH, "token: lives longer than a year");
	if (nbf != NULL && json_integer_value(nbf) > now + DESK_TOKEN_SKEW_S)
		return desk_fail(cx, DESK_E_AUTH, "token: not yet valid");
	return DESK_OK;
}

static const char *claims_string(const json_t *payload, const char *key)
{
	return json_string_value(json_object_get(payload, key));
}

static const char *claims_user(const json_t *payload)
{
	const char *sub = claims_string(payload, "sub"), *user = claims_string(payload, "user_id");
	bool has_sub = json_object_get(payload, "sub") != NULL;
	bool has_user = json_object_get(payload, "user_id") != NULL;

	if ((has_sub && sub == NULL) || (has_user && user == NULL))
		return NULL;
	if (sub != NULL && user != NULL && strcmp(sub, user) != 0)
		return NULL;
	return sub != NULL ? sub : user;
}

static char *claims_lower(struct desk_arena *a, const char *s)
{
	char *p = desk_arena_strdup(a, s);

	for (char *c = p; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return p;
}

enum desk_status claims_check(struct desk_ctx *cx, const json_t *payload, struct desk_principal *out)
{
	const char *type = claims_string(payload, "type"), *tenant = claims_string(payload, "tenant_id");
	const char *user = claims_user(payload), *user_type = claims_string(payload, "user_type");
	const char *role = claims_string(payload, "role");
	bool has_role = json_object_get(payload, "role") != NULL;
	enum desk_status rc;

	if (type == NULL || strcmp(type, "access") != 0)
		return desk_fail(cx, DESK_E_AUTH, "token: its type is not access");
	rc = claims_times(cx, payload);
	if (rc != DESK_OK)
		return rc;
	if (!desk_uuid_valid(tenant))
		return desk_fail(cx, DESK_E_AUTH, "token: tenant_id is missing or no UUID");
	if (!claims_is_user(user))
		return desk_fail(cx, DESK_E_AUTH, "token: sub is missing, not 1 to 255 bytes, or not user_id");
	if (!claims_is_word(user_type))
		return desk_fail(cx, DESK_E_AUTH, "token: user_type is missing or no word of capitals");
	if (has_role && !claims_is_word(role))
		return desk_fail(cx, DESK_E_AUTH, "token: role is no word of capitals");
	out->tenant_id = claims_lower(cx->arena, tenant);
	out->user_id = desk_arena_strdup(cx->arena, user);
	out->user_type = desk_arena_strdup(cx->arena, user_type);
	out->role = desk_arena_strdup(cx->arena, has_role ? role : "END_USER");
	out->anonymous = false;
	return DESK_OK;
}
