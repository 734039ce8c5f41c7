/* lib/auth/jws.c - the compact form of a JWS, taken apart strictly. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/auth_int.h"

#include <string.h>
#include <strings.h>

static int jws_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

bool jws_base64url(struct desk_arena *a, struct desk_str text, struct desk_str *out)
{
	char *p = desk_arena_alloc(a, text.n / 4 * 3 + 4);
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		int d = jws_digit(text.p[i]);

		if (d < 0)
			return false;
		bits = (bits << 6 | (unsigned)d) & 0xFFF;
		have += 6;
		if (have >= 8) {
			have -= 8;
			p[n++] = (char)(bits >> have);
			bits &= (1u << have) - 1;
		}
	}
	*out = (struct desk_str){ p, n };
	/* one digit alone codes nothing; bits that code nothing are zero, or one token has many texts */
	return have < 6 && bits == 0;
}

static enum desk_status jws_object(struct desk_ctx *cx, struct desk_str part, const char *what,
				   json_t **out)
{
	struct desk_str bytes;

	if (part.n == 0 || !jws_base64url(cx->arena, part, &bytes))
		return desk_fail(cx, DESK_E_AUTH, "token: its %s is not base64url", what);
	/* a token's text never goes to the log: no parser's message */
	if (desk_json_parse(cx->arena, bytes.p, bytes.n, out, NULL) != DESK_OK || !json_is_object(*out))
		return desk_fail(cx, DESK_E_AUTH, "token: its %s is not a JSON object", what);
	return DESK_OK;
}

static enum desk_status jws_header(struct desk_ctx *cx, const json_t *header)
{
	const char *alg = desk_json_string(header, "alg", "");
	const json_t *typ = json_object_get(header, "typ");

	if (strcmp(alg, "HS256") != 0)
		return desk_fail(cx, DESK_E_AUTH, "token: its algorithm is not HS256");
	if (typ != NULL && (!json_is_string(typ) || strcasecmp(json_string_value(typ), "JWT") != 0))
		return desk_fail(cx, DESK_E_AUTH, "token: its typ is not JWT");
	if (json_object_get(header, "crit") != NULL || json_object_get(header, "b64") != NULL)
		return desk_fail(cx, DESK_E_AUTH, "token: it has critical extensions");
	return DESK_OK;
}

enum desk_status jws_parse(struct desk_ctx *cx, struct desk_str token, struct jws *out)
{
	struct desk_str part[3] = { { NULL, 0 } }, signature;
	size_t k = 0, from = 0;
	enum desk_status rc;

	if (token.n == 0 || token.n > DESK_TOKEN_MAX)
		return desk_fail(cx, DESK_E_AUTH, "token: has %zu bytes, 1 to %d are taken", token.n,
				 DESK_TOKEN_MAX);
	for (size_t i = 0; i <= token.n; i++) {
		if (i < token.n && token.p[i] != '.')
			continue;
		if (k == DESK_ARRAY_LEN(part))
			return desk_fail(cx, DESK_E_AUTH, "token: has more than three parts");
		part[k++] = (struct desk_str){ token.p + from, i - from };
		from = i + 1;
	}
	if (k != DESK_ARRAY_LEN(part))
		return desk_fail(cx, DESK_E_AUTH, "token: has %zu parts instead of three", k);
	rc = jws_object(cx, part[0], "header", &out->header);
	if (rc == DESK_OK)
		rc = jws_header(cx, out->header);
	if (rc == DESK_OK)
		rc = jws_object(cx, part[1], "payload", &out->payload);
	if (rc != DESK_OK)
		return rc;
	if (!jws_base64url(cx->arena, part[2], &signature) || signature.n != 32)
		return desk_fail(cx, DESK_E_AUTH, "token: its signature is not 32 bytes in base64url");
	out->text = desk_arena_strndup(cx->arena, token.p, token.n);
	return DESK_OK;
}
