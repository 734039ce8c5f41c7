/* lib/llm/openai.c - row `openai`: OpenAI, and every server that speaks its chat completions. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "llm/llm_int.h"

#include <string.h>

#define OPENAI_URL "https://api.openai.com/v1"

static enum desk_status openai_check(struct desk_llm_options *o, struct desk_error *err)
{
	if (*o->base_url == '\0')
		o->base_url = OPENAI_URL;
	if (*o->model == '\0')
		o->model = "gpt-4o-mini";
	if (*o->api_key == '\0' && strncmp(o->base_url, OPENAI_URL, strlen(OPENAI_URL)) == 0)
		return desk_error_set(err, DESK_E_CONFIG,
				      "OPENAI_API_KEY is not set, and OpenAI wants one");
	return DESK_OK;
}

static char *openai_url(const struct desk_llm *l, struct desk_arena *a)
{
	return desk_net_join(a, l->o.base_url, "chat/completions");
}

static struct desk_net_header openai_key(const struct desk_llm *l, struct desk_arena *a)
{
	return (struct desk_net_header){ "Authorization",
					 desk_arena_printf(a, "Bearer %s", l->o.api_key) };
}

const struct llm_provider llm_openai = { "openai", openai_check, openai_url, openai_key, true };
