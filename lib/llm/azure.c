/* lib/llm/azure.c - row `azure`: Azure OpenAI, a deployment with api-version and api-key. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "llm/llm_int.h"

static enum desk_status azure_check(struct desk_llm_options *o, struct desk_error *err)
{
	if (*o->base_url == '\0')
		return desk_error_set(err, DESK_E_CONFIG, "AZURE_OPENAI_ENDPOINT is not set");
	if (*o->api_key == '\0')
		return desk_error_set(err, DESK_E_CONFIG, "AZURE_OPENAI_KEY is not set");
	if (*o->model == '\0')
		return desk_error_set(err, DESK_E_CONFIG, "AZURE_OPENAI_DEPLOYMENT is not set");
	if (*o->api_version == '\0')
		o->api_version = "2024-10-21";
	return DESK_OK;
}

static char *azure_url(const struct desk_llm *l, struct desk_arena *a)
{
	char *path = desk_arena_printf(a, "openai/deployments/%s/chat/completions?api-version=%s",
				       desk_net_escape(a, l->o.model),
				       desk_net_escape(a, l->o.api_version));

	return desk_net_join(a, l->o.base_url, path);
}

static struct desk_net_header azure_key(const struct desk_llm *l, struct desk_arena *a)
{
	(void)a;
	return (struct desk_net_header){ "api-key", l->o.api_key };
}

const struct llm_provider llm_azure = { "azure", azure_check, azure_url, azure_key, false };
