/* fcgi/fields.c - typed fields of a JSON body, each refusal with field and reason. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fields.h"

#include <math.h>
#include <string.h>

enum desk_status fcgi_body_object(struct desk_ctx *cx, struct desk_str body, json_t **out)
{
	struct desk_error why = { 0 };	/* the parser quotes the text: not for cx */

	if (body.n == 0)
		return desk_fail(cx, DESK_E_SYNTAX, "the body is empty");
	if (!desk_utf8_valid(body.p, body.n))
		return desk_fail(cx, DESK_E_SYNTAX, "the body is not UTF-8");
	if (desk_json_parse(cx->arena, body.p, body.n, out, &why) != DESK_OK)
		return desk_fail(cx, DESK_E_SYNTAX, "the body is not JSON");
	if (!json_is_object(*out))
		return desk_error_field(&cx->err, "body", "must be a JSON object");
	return DESK_OK;
}

static const json_t *fields_get(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return json_is_null(v) ? NULL : v;
}

enum desk_status fcgi_field_text(struct desk_ctx *cx, const json_t *object,
				 const struct fcgi_text_rule *rule, struct desk_str *out)
{
	const json_t *v = fields_get(object, rule->key);
	struct desk_str s = { "", 0 };

	*out = s;
	if (v == NULL && !rule->required)
		return DESK_OK;
	if (json_object_get(object, rule->key) == NULL)
		return desk_error_field(&cx->err, rule->name, "is missing");
	if (!json_is_string(v))
		return desk_error_field(&cx->err, rule->name, "must be a string");
	s = (struct desk_str){ json_string_value(v), json_string_length(v) };
	if (desk_utf8_count(s.p, s.n) > rule->max)
		return desk_error_field(&cx->err, rule->name, "must have at most %zu characters", rule->max);
	if (s.n == 0 || (rule->fits != NULL && !rule->fits(s)))
		return desk_error_field(&cx->err, rule->name, "%s", rule->say);
	*out = s;
	return DESK_OK;
}

enum desk_status fcgi_field_object(struct desk_ctx *cx, const json_t *object, const char *key,
				   const json_t **out)
{
	*out = fields_get(object, key);
	if (*out != NULL && !json_is_object(*out))
		return desk_error_field(&cx->err, key, "must be an object");
	return DESK_OK;
}

enum desk_status fcgi_fields_known(struct desk_ctx *cx, const json_t *object, const char *name,
				   const char *const *keys)
{
	const char *key;
	char shown[64];
	json_t *v;

	json_object_foreach((json_t *)object, key, v) {
		size_t i = 0;

		while (keys[i] != NULL && strcmp(keys[i], key) != 0)
			i++;
		if (keys[i] == NULL) {
			desk_copy(shown, sizeof(shown), key);
			return desk_error_field(&cx->err, name, "has the unknown member \"%s\"", shown);
		}
	}
	return DESK_OK;
}

enum desk_status fcgi_field_int(struct desk_ctx *cx, const json_t *object, const char *key,
				const int64_t range[2], int *out)
{
	const json_t *v = fields_get(object, key);
	double d = json_number_value(v);

	if (v == NULL)
		return DESK_OK;
	/* 5.0 is a whole number to JSON Schema */
	if (!json_is_number(v) || d != floor(d))
		return desk_error_field(&cx->err, key, "must be a whole number");
	if (d < (double)range[0] || d > (double)range[1])
		return desk_error_field(&cx->err, key, "must be %lld to %lld", (long long)range[0],
					(long long)range[1]);
	*out = (int)d;
	return DESK_OK;
}

/* ---- what fits ----------------------------------------------------------- */

static bool fields_is_alnum(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool fields_only(struct desk_str s, const char *more)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!fields_is_alnum(s.p[i]) && (s.p[i] == '\0' || strchr(more, s.p[i]) == NULL))
			return false;
	}
	return true;
}

bool fcgi_fits_tenant(struct desk_str s)
{
	return s.n > 0 && fields_is_alnum(s.p[0]) && fields_only(s, ".-");
}

bool fcgi_fits_word(struct desk_str s)
{
	return s.n > 0 && fields_is_alnum(s.p[0]) && fields_only(s, "_-");
}

/* White_Space of Unicode, and the four separators U+001C to U+001F; the contract lists the same. */
static bool fields_is_space(uint32_t cp)
{
	return (cp >= 0x09 && cp <= 0x0D) || (cp >= 0x1C && cp <= 0x20) || cp == 0x85 || cp == 0xA0 ||
	       cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 ||
	       cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

bool fcgi_fits_said(struct desk_str s)
{
	uint32_t cp = 0;

	for (size_t i = 0, len; i < s.n; i += len) {
		len = desk_utf8_decode(s.p + i, s.n - i, &cp);
		if (len == 0)
			return false;
		if (!fields_is_space(cp))
			return true;
	}
	return false;
}

bool fcgi_fits_name(struct desk_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
			return false;
	}
	return true;
}

bool fcgi_fits_uuid(struct desk_str s)
{
	return s.n == DESK_UUID_LEN && desk_uuid_valid(s.p);
}

const struct fcgi_text_rule fcgi_rule_tenant = {
	.key = "tenant_id", .name = "tenant_id", .required = true, .max = 253, .fits = fcgi_fits_tenant,
	.say = "must be a tenant's UUID or domain",
};
