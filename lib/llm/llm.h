/* lib/llm/llm.h - whole answers of a chat model: OpenAI, Azure OpenAI, any OpenAI-compatible server. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file        duty
 * ----------  ---------------------------------------------------------------
 * llm.c       the table of providers; open by the settings, pick, ask
 * openai.c    row `openai`: URL, headers, body
 * azure.c     row `azure`: the same shapes at a deployment, with api-version and api-key
 * request.c   the body of a chat completion
 * reply.c     what came back -> text, or why it is none
 */
#ifndef DESK_LLM_H
#define DESK_LLM_H

#include "base/base.h"
#include "config/config.h"
#include "net/net.h"

#pragma GCC visibility push(default)

/* One model at one provider. Immutable, thread-safe. */
struct desk_llm;

/* Strings are copied. What a provider does not use is ignored; NULL means its default. */
struct desk_llm_options {
	const char *provider;	/* "openai" or "azure" */
	const char *base_url;	/* openai: "https://api.openai.com/v1"; azure: the endpoint */
	const char *api_key;	/* never logged; NULL or "" sends none (local servers) */
	const char *model;	/* openai: "gpt-4o-mini"; azure: the deployment */
	const char *api_version;	/* azure: "2024-10-21" */
	int         max_tokens;	/* longest answer; 0: 600 */
	int         timeout_ms;	/* of a whole call with its retries; 0: 30 s */
};
/* *out is owned; net is borrowed for its life. DESK_E_CONFIG names what is missing. */
DESK_MUST_CHECK enum desk_status desk_llm_open(const struct desk_llm_options *o, struct desk_net *net,
					       struct desk_llm **out, struct desk_error *err);
void desk_llm_free(struct desk_llm *l);	/* NULL is fine */
const char *desk_llm_name(const struct desk_llm *l);	/* borrowed: "openai/gpt-4o-mini" */

/*
 * What the settings configure: OPENAI_API_KEY (or an OPENAI_BASE_URL of one's own) makes `openai`,
 * AZURE_OPENAI_ENDPOINT with its key makes `azure`. LLM_PROVIDER names the one that
 * tenants get who do not choose; auto is openai, else azure, else none.
 */
struct desk_llm_set;
DESK_MUST_CHECK enum desk_status desk_llm_set_open(const struct desk_config *c, struct desk_net *net,
						   struct desk_llm_set **out, struct desk_error *err);
void desk_llm_set_free(struct desk_llm_set *s);
/* The tenant's choice ("auto", "none", "openai", "azure"; NULL is "auto"); NULL: extractive answers. */
const struct desk_llm *desk_llm_pick(const struct desk_llm_set *s, const char *choice);

struct desk_llm_message {
	const char     *role;	/* "system", "user" or "assistant" */
	struct desk_str text;	/* UTF-8 */
};

struct desk_llm_request {
	const struct desk_llm_message *messages;	/* borrowed */
	size_t               n;
	struct desk_deadline deadline;	/* the earlier of it and the options' timeout counts */
};

struct desk_llm_reply {
	const char *text;	/* arena; never empty; what a model thought aloud is taken out */
	const char *model;	/* arena; as the server names it */
	bool        cut;	/* it ran into max_tokens: the last sentence may be half */
	int64_t     prompt_tokens, completion_tokens;	/* 0 when the server does not count */
	int         tries;
};

/*
 * DESK_E_TIMEOUT past the deadline, DESK_E_LIMIT for a 429 that did not pass, DESK_E_UPSTREAM for
 * any other status, an answer that is not JSON, empty, of another shape, or held back by a content
 * filter: the text says which, and never what was asked or answered.
 */
DESK_MUST_CHECK enum desk_status desk_llm_chat(const struct desk_llm *l, const struct desk_llm_request *rq,
					       struct desk_arena *a, struct desk_llm_reply *out,
					       struct desk_error *err);

#pragma GCC visibility pop
#endif
