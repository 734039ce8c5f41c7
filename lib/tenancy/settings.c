/* lib/tenancy/settings.c - a tenant's settings out of its jsonb: typed, with defaults. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "tenancy/tenancy_int.h"

#define SETTINGS_DIM_MAX 4000	/* of a halfvec that HNSW can index */

static double settings_double(const json_t *o, const char *key, double dflt, double min, double max)
{
	double v = desk_json_double(o, key, dflt);

	return v >= min && v <= max ? v : dflt;
}

static int settings_int(const json_t *o, const char *key, int dflt, int min, int max)
{
	int64_t v = desk_json_int(o, key, dflt);

	return v >= min && v <= max ? (int)v : dflt;
}

static const char *settings_text(struct desk_arena *a, const json_t *o, const char *key)
{
	const char *v = desk_json_string(o, key, "");

	return *v != '\0' ? desk_arena_strdup(a, v) : NULL;
}

static void settings_languages(struct desk_arena *a, const json_t *list, struct desk_tenant_settings *out)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list) && n + 1 < DESK_ARRAY_LEN(out->languages); i++) {
		const char *lang = json_string_value(json_array_get(list, i));

		if (lang != NULL && strlen(lang) == 2)
			out->languages[n++] = desk_arena_strdup(a, lang);
	}
}

void desk_tenant_settings_parse(struct desk_arena *a, const json_t *settings,
				struct desk_tenant_settings *out)
{
	bool convex = strcmp(desk_json_string(settings, "fusion", "rrf"), "convex") == 0;

	*out = (struct desk_tenant_settings){
		.anonymous = desk_json_bool(settings, "anonymous", false),
		.fusion = convex ? DESK_FUSION_CONVEX : DESK_FUSION_RRF,
		.weight_lexical = settings_double(settings, "weight_lexical", convex ? 0.4 : 0.3, 0, 1),
		.weight_dense = settings_double(settings, "weight_dense", convex ? 0.6 : 0.7, 0, 1),
		.rrf_constant = settings_int(settings, "rrf_constant", 60, 1, 10000),
		.top_k = settings_int(settings, "top_k", 5, 1, 50),
		.handoff_threshold = settings_double(settings, "handoff_threshold", 0.5, 0, 1),
		.llm = settings_text(a, settings, "llm"),
		.embedding_model = settings_text(a, settings, "embedding_model"),
		.embedding_dim = settings_int(settings, "embedding_dim", 384, 1, SETTINGS_DIM_MAX),
	};
	settings_languages(a, json_object_get(settings, "languages"), out);
}
