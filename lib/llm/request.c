/* lib/llm/request.c - the body of a chat completion. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "llm/llm_int.h"

#include <string.h>

/* JSON is UTF-8: what is not counts as U+FFFD. */
static json_t *request_text(struct desk_arena *a, struct desk_str text)
{
	if (!desk_utf8_valid(text.p, text.n))
		text.p = desk_utf8_clean(a, text.p, text.n, &text.n);
	return json_stringn(text.p, text.n);
}

static json_t *request_messages(struct desk_arena *a, const struct desk_llm_request *rq)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rq->n; i++) {
		const struct desk_llm_message *m = &rq->messages[i];

		json_array_append_new(list, json_pack("{s:s, s:o}", "role", m->role, "content",
						      request_text(a, m->text)));
	}
	return list;
}

char *llm_request_body(const struct desk_llm *l, const struct desk_llm_request *rq,
		       struct llm_dialect d, struct desk_arena *a)
{
	json_t *body = desk_json_keep(a, json_object());

	if (l->provider->names_model)
		json_object_set_new(body, "model", json_string(l->o.model));
	json_object_set_new(body, "messages", request_messages(a, rq));
	json_object_set_new(body, d.completion_tokens ? "max_completion_tokens" : "max_tokens",
			    json_integer(l->o.max_tokens));
	if (!d.no_temperature)
		json_object_set_new(body, "temperature", json_integer(0));
	json_object_set_new(body, "stream", json_false());
	return desk_json_dump(a, body);
}

bool llm_dialect_adapt(struct desk_arena *a, struct desk_str body, struct llm_dialect *d)
{
	struct llm_dialect was = *d;
	const char *param, *text;
	json_t *doc, *error;

	if (desk_json_parse(a, body.p, body.n, &doc, NULL) != DESK_OK)
		return false;
	error = json_object_get(doc, "error");
	param = desk_json_string(error, "param", "");
	text = desk_json_string(error, "message", "");
	if (strcmp(param, "max_tokens") == 0 || strstr(text, "max_completion_tokens") != NULL)
		d->completion_tokens = true;
	if (strcmp(param, "temperature") == 0 || strstr(text, "'temperature'") != NULL)
		d->no_temperature = true;
	return was.completion_tokens != d->completion_tokens ||
	       was.no_temperature != d->no_temperature;
}
