/* lib/base/json.c - jansson helpers: arena-owned documents and typed getters. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base.h"

#include <stdlib.h>

static void json_drop(void *v)
{
	json_decref(v);
}

json_t *desk_json_keep(struct desk_arena *a, json_t *owned)
{
	if (owned == NULL)
		abort();	/* jansson gives NULL only when out of memory */
	desk_arena_cleanup(a, json_drop, owned);
	return owned;
}

enum desk_status desk_json_parse(struct desk_arena *a, const char *p, size_t n, json_t **out,
				 struct desk_error *err)
{
	json_error_t je;
	json_t *v = json_loadb(p, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);

	if (v == NULL)
		return desk_error_set(err, DESK_E_SYNTAX, "not JSON: %s at line %d column %d",
				      je.text, je.line, je.column);
	*out = desk_json_keep(a, v);
	return DESK_OK;
}

char *desk_json_dump(struct desk_arena *a, const json_t *v)
{
	char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY), *out;

	if (text == NULL)
		abort();
	out = desk_arena_strdup(a, text);
	free(text);
	return out;
}

const char *desk_json_string(const json_t *o, const char *key, const char *dflt)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : dflt;
}

int64_t desk_json_int(const json_t *o, const char *key, int64_t dflt)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) ? json_integer_value(v) : dflt;
}

double desk_json_double(const json_t *o, const char *key, double dflt)
{
	const json_t *v = json_object_get(o, key);

	return json_is_number(v) ? json_number_value(v) : dflt;
}

bool desk_json_bool(const json_t *o, const char *key, bool dflt)
{
	const json_t *v = json_object_get(o, key);

	return json_is_boolean(v) ? json_is_true(v) : dflt;
}
