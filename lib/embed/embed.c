/* lib/embed/embed.c - the table of providers, and what a caller may ask of an embedder. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/config.h"
#include "embed/embed_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct embed_provider *const embed_providers[] = {
	&embed_provider_builtin, &embed_provider_openai, &embed_provider_azure,
};

enum desk_status desk_embedder_open(const struct desk_embed_options *options, struct desk_embedder **out,
				    struct desk_error *err)
{
	const char *name = options->provider != NULL ? options->provider : "builtin";
	const struct embed_provider *ops = NULL;
	struct desk_embedder *e;
	enum desk_status rc;

	*out = NULL;
	for (size_t i = 0; i < DESK_ARRAY_LEN(embed_providers); i++)
		if (strcmp(embed_providers[i]->name, name) == 0)
			ops = embed_providers[i];
	if (ops == NULL)
		return desk_error_set(err, DESK_E_CONFIG, "there is no embedding provider \"%s\"", name);
	e = desk_xcalloc(1, sizeof(*e));
	e->ops = ops;
	e->kernels = e->origin = "";
	rc = ops->open(e, options, err);
	if (rc != DESK_OK) {
		desk_embedder_free(e);
		return rc;
	}
	*out = e;
	return DESK_OK;
}

enum desk_status desk_embedder_open_config(const struct desk_config *c, struct desk_net *net,
					   struct desk_embedder **out, struct desk_error *err)
{
	bool azure = strcmp(c->EMBEDDING_PROVIDER, "azure") == 0;
	struct desk_embed_options o = {
		.provider = c->EMBEDDING_PROVIDER,
		.model_path = *c->EMBEDDING_MODEL_PATH != '\0' ? c->EMBEDDING_MODEL_PATH :
			      desk_config_data_path(c, c->arena, "models/all-minilm-l6-v2.int8.desk"),
		.parallel = (unsigned)c->EMBEDDING_THREADS,
		.base_url = azure ? c->AZURE_OPENAI_ENDPOINT : c->OPENAI_BASE_URL,
		.api_key = azure ? c->AZURE_OPENAI_KEY.value : c->OPENAI_API_KEY.value,
		.model = azure ? c->AZURE_OPENAI_EMBEDDING_DEPLOYMENT : c->OPENAI_EMBEDDING_MODEL,
		.api_version = c->AZURE_OPENAI_API_VERSION,
		.dim = (size_t)c->OPENAI_EMBEDDING_DIMENSION,
		.languages = c->EMBEDDING_LANGUAGES,
		.net = net,
	};

	return desk_embedder_open(&o, out, err);
}

void desk_embedder_free(struct desk_embedder *e)
{
	if (e == NULL)
		return;
	e->ops->free(e);
	free(e->name);
	free(e->languages);
	free(e);
}

size_t desk_embedder_dim(const struct desk_embedder *e)
{
	return e->dim;
}

size_t desk_embedder_batch_max(const struct desk_embedder *e)
{
	return e->ops->batch_max;
}

const char *desk_embedder_name(const struct desk_embedder *e)
{
	return e->name;
}

const char *desk_embedder_kernels(const struct desk_embedder *e)
{
	return e->kernels;
}

/* "en" is in "en de", and so is "en-GB". */
bool desk_embedder_speaks(const struct desk_embedder *e, const char *lang)
{
	const char *at = e->languages;
	size_t n;

	if (at == NULL)
		return true;
	if (lang == NULL || *lang == '\0')
		return false;
	n = strcspn(lang, "-_");
	while (*at != '\0') {
		size_t word = strcspn(at, " ,");

		if (word == n && strncasecmp(at, lang, n) == 0)
			return true;
		at += word;
		at += strspn(at, " ,");
	}
	return false;
}

static void embed_unit(float *v, size_t n)
{
	double sum = 0;
	float back;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * (double)v[i];
	back = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
	for (size_t i = 0; i < n; i++)
		v[i] *= back;
}

enum desk_status desk_embed_texts(struct desk_embedder *e, const struct desk_str *texts, size_t n,
				  float *out, struct desk_deadline dl, struct desk_error *err)
{
	for (size_t at = 0; at < n; at += e->ops->batch_max) {
		struct embed_work w = { .texts = texts + at, .n = n - at, .out = out + at * e->dim,
					.dl = dl };
		enum desk_status rc;

		if (w.n > e->ops->batch_max)
			w.n = e->ops->batch_max;
		rc = e->ops->texts(e, &w, err);
		if (rc != DESK_OK)
			return rc;
		for (size_t i = 0; i < w.n; i++)
			embed_unit(w.out + i * e->dim, e->dim);
	}
	return DESK_OK;
}

size_t desk_embed_tokens(const struct desk_embedder *e, struct desk_str text, uint32_t *ids, size_t max)
{
	return e->ops->tokens != NULL ? e->ops->tokens(e, text, ids, max) : 0;
}
