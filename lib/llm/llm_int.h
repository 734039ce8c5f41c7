/* lib/llm/llm_int.h - what the files of lib/llm share. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_LLM_INT_H
#define DESK_LLM_INT_H

#include "llm/llm.h"

/* A provider: what differs in how it is asked. One file and one row of llm_providers each. */
struct llm_provider {
	const char *name;
	/* Fill defaults, say what is missing; o's members are never NULL here, "" is not set. */
	enum desk_status (*check)(struct desk_llm_options *o, struct desk_error *err);
	char *(*url)(const struct desk_llm *l, struct desk_arena *a);
	struct desk_net_header (*key)(const struct desk_llm *l, struct desk_arena *a);
	bool names_model;	/* in the body; a deployment is named in the URL */
};
extern const struct llm_provider llm_openai, llm_azure;

struct desk_llm {
	const struct llm_provider *provider;
	struct desk_net           *net;	/* borrowed */
	struct desk_arena         *arena;	/* holds the strings */
	struct desk_llm_options    o;
	char                      *name;
};

/* Newer models refuse what older ones and local servers ask for: a 400 says which, and we adapt. */
struct llm_dialect {
	bool completion_tokens;	/* max_completion_tokens instead of max_tokens */
	bool no_temperature;
};
char *llm_request_body(const struct desk_llm *l, const struct desk_llm_request *rq,
		       struct llm_dialect d, struct desk_arena *a);
/* True when the body of a 400 asks for another dialect than d; d is changed. */
bool llm_dialect_adapt(struct desk_arena *a, struct desk_str body, struct llm_dialect *d);

DESK_MUST_CHECK enum desk_status llm_reply_parse(struct desk_arena *a, struct desk_str body,
						 struct desk_llm_reply *out, struct desk_error *err);
/* A status that is no 200 -> why, with the provider's error code but none of its words. */
DESK_MUST_CHECK enum desk_status llm_reply_refused(struct desk_arena *a, const struct desk_net_reply *r,
						   struct desk_error *err);

#endif
