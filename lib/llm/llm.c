/* lib/llm/llm.c - chat models: the table of providers; open by the settings, pick, ask. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "llm/llm_int.h"

#include <stdlib.h>
#include <string.h>

#define LLM_RETRIES 2
#define LLM_REPLY_MAX ((size_t)2 * 1024 * 1024)

static const struct llm_provider *const llm_providers[] = { &llm_openai, &llm_azure };

/* The choices of a process, in the order that "auto" takes them. */
struct desk_llm_set {
	struct desk_llm *at[DESK_ARRAY_LEN(llm_providers)];	/* owned; NULL: not configured */
	const char      *preferred;	/* a provider's name, "auto" or "none" */
};

static const struct llm_provider *llm_provider_find(const char *name)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(llm_providers); i++)
		if (strcmp(llm_providers[i]->name, name) == 0)
			return llm_providers[i];
	return NULL;
}

static const char *llm_keep(struct desk_arena *a, const char *s)
{
	return desk_arena_strdup(a, s != NULL ? s : "");
}

enum desk_status desk_llm_open(const struct desk_llm_options *o, struct desk_net *net,
			       struct desk_llm **out, struct desk_error *err)
{
	const struct llm_provider *provider =
		llm_provider_find(o->provider != NULL ? o->provider : "");
	struct desk_llm *l;

	if (provider == NULL)
		return desk_error_set(err, DESK_E_CONFIG,
				      "chat model provider \"%.40s\" is not openai or azure",
				      o->provider != NULL ? o->provider : "");
	l = desk_xcalloc(1, sizeof(*l));
	l->provider = provider;
	l->net = net;
	l->arena = desk_arena_new();
	l->o = (struct desk_llm_options){
		.provider = provider->name,
		.base_url = llm_keep(l->arena, o->base_url),
		.api_key = llm_keep(l->arena, o->api_key),
		.model = llm_keep(l->arena, o->model),
		.api_version = llm_keep(l->arena, o->api_version),
		.max_tokens = o->max_tokens > 0 ? o->max_tokens : 600,
		.timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : 30000,
	};
	if (provider->check(&l->o, err) != DESK_OK) {
		desk_llm_free(l);
		return DESK_E_CONFIG;
	}
	l->name = desk_arena_printf(l->arena, "%s/%s", provider->name, l->o.model);
	*out = l;
	return DESK_OK;
}

void desk_llm_free(struct desk_llm *l)
{
	if (l == NULL)
		return;
	desk_arena_free(l->arena);
	free(l);
}

const char *desk_llm_name(const struct desk_llm *l)
{
	return l->name;
}

/* ---- the set ---------------------------------------------------------------- */

static bool llm_wants_openai(const struct desk_config *c)
{
	static const char own[] = "https://api.openai.com/";

	return c->OPENAI_API_KEY.value[0] != '\0' ||
	       (c->OPENAI_BASE_URL[0] != '\0' &&
		strncmp(c->OPENAI_BASE_URL, own, strlen(own)) != 0);
}

/* Many name a deployment as the model that it runs. */
static const char *llm_azure_deployment(const struct desk_config *c)
{
	return c->AZURE_OPENAI_DEPLOYMENT[0] != '\0' ? c->AZURE_OPENAI_DEPLOYMENT : c->OPENAI_MODEL;
}

/* A resource with a deployment for embeddings alone is not for chat. */
static bool llm_wants_azure(const struct desk_config *c)
{
	return c->AZURE_OPENAI_ENDPOINT[0] != '\0' && c->AZURE_OPENAI_KEY.value[0] != '\0' &&
	       (c->AZURE_OPENAI_DEPLOYMENT[0] != '\0' ||
		c->AZURE_OPENAI_EMBEDDING_DEPLOYMENT[0] == '\0');
}

static enum desk_status llm_set_fill(struct desk_llm_set *s, const struct desk_config *c,
				     struct desk_net *net, struct desk_error *err)
{
	struct desk_llm_options openai = {
		.provider = "openai",
		.base_url = c->OPENAI_BASE_URL,
		.api_key = c->OPENAI_API_KEY.value,
		.model = c->OPENAI_MODEL,
		.max_tokens = (int)c->LLM_MAX_TOKENS,
		.timeout_ms = (int)c->LLM_TIMEOUT_MS,
	};
	struct desk_llm_options azure = {
		.provider = "azure", .base_url = c->AZURE_OPENAI_ENDPOINT,
		.api_key = c->AZURE_OPENAI_KEY.value, .model = llm_azure_deployment(c),
		.api_version = c->AZURE_OPENAI_API_VERSION, .max_tokens = (int)c->LLM_MAX_TOKENS,
		.timeout_ms = (int)c->LLM_TIMEOUT_MS,
	};
	bool named_openai = strcmp(s->preferred, "openai") == 0;
	bool named_azure = strcmp(s->preferred, "azure") == 0;
	enum desk_status rc = DESK_OK;

	/* What LLM_PROVIDER names must be whole; what it does not, is there where it is configured. */
	if (named_openai || llm_wants_openai(c))
		rc = desk_llm_open(&openai, net, &s->at[0], err);
	if (rc == DESK_OK && (named_azure || llm_wants_azure(c)))
		rc = desk_llm_open(&azure, net, &s->at[1], err);
	return rc;
}

enum desk_status desk_llm_set_open(const struct desk_config *c, struct desk_net *net,
				   struct desk_llm_set **out, struct desk_error *err)
{
	static const char *const fixed[] = { "auto", "none" };
	const struct llm_provider *named = llm_provider_find(c->LLM_PROVIDER);
	struct desk_llm_set *s = desk_xcalloc(1, sizeof(*s));
	enum desk_status rc = DESK_OK;

	s->preferred = named != NULL ? named->name : NULL;
	for (size_t i = 0; i < DESK_ARRAY_LEN(fixed); i++)
		if (strcmp(c->LLM_PROVIDER, fixed[i]) == 0)
			s->preferred = fixed[i];
	if (s->preferred == NULL)
		rc = desk_error_set(err, DESK_E_CONFIG,
				    "LLM_PROVIDER: \"%.40s\" is not auto, none, openai or azure",
				    c->LLM_PROVIDER);
	else
		rc = llm_set_fill(s, c, net, err);
	if (rc != DESK_OK) {
		desk_llm_set_free(s);
		return rc;
	}
	*out = s;
	return DESK_OK;
}

void desk_llm_set_free(struct desk_llm_set *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < DESK_ARRAY_LEN(s->at); i++)
		desk_llm_free(s->at[i]);
	free(s);
}

static const struct desk_llm *llm_set_first(const struct desk_llm_set *s, const char *name)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(s->at); i++)
		if (s->at[i] != NULL &&
		    (name == NULL || strcmp(s->at[i]->provider->name, name) == 0))
			return s->at[i];
	return NULL;
}

const struct desk_llm *desk_llm_pick(const struct desk_llm_set *s, const char *choice)
{
	if (s == NULL)
		return NULL;
	if (choice == NULL || *choice == '\0' || strcmp(choice, "auto") == 0)
		choice = s->preferred;
	if (strcmp(choice, "none") == 0)
		return NULL;
	return llm_set_first(s, strcmp(choice, "auto") == 0 ? NULL : choice);
}

/* ---- asking ----------------------------------------------------------------- */

static struct desk_deadline llm_deadline(const struct desk_llm *l, struct desk_deadline given)
{
	struct desk_deadline own = desk_deadline_in_ms(NULL, l->o.timeout_ms);

	return given.at_us != 0 && given.at_us < own.at_us ? given : own;
}

enum desk_status desk_llm_chat(const struct desk_llm *l, const struct desk_llm_request *rq,
			       struct desk_arena *a, struct desk_llm_reply *out,
			       struct desk_error *err)
{
	struct desk_net_header key = l->provider->key(l, a);
	struct desk_net_request http = {
		.url = l->provider->url(l, a),
		.headers = &key,
		.n_headers = *l->o.api_key != '\0' ? 1 : 0,
		.reply_max = LLM_REPLY_MAX,
		.retries = LLM_RETRIES,
		.deadline = llm_deadline(l, rq->deadline),
	};
	struct llm_dialect dialect = { false, false };
	struct desk_net_reply reply;
	enum desk_status rc;

	do {
		http.body = desk_str_of(llm_request_body(l, rq, dialect, a));
		rc = desk_net_send(l->net, &http, a, &reply, err);
	} while (rc == DESK_OK && reply.status == 400 &&
		 llm_dialect_adapt(a, reply.body, &dialect));
	if (rc != DESK_OK)
		return rc == DESK_E_TIMEOUT ? rc : DESK_E_UPSTREAM;
	rc = reply.status == 200 ? llm_reply_parse(a, reply.body, out, err) :
				   llm_reply_refused(a, &reply, err);
	out->tries = reply.tries;
	return rc;
}
