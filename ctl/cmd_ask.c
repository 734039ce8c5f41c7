/* ctl/cmd_ask.c - frontdeskctl ask: a question, answered as the API would. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "chat/services.h"

static json_t *ask_citation_json(const struct desk_citation *q)
{
	json_t *v = json_pack("{s:s, s:s, s:f, s:i, s:i, s:s}", "source", q->source, "title", q->title, "relevance",
			      q->relevance, "start", q->start, "end", q->end, "quote", q->quote);

	if (q->page > 0)
		json_object_set_new(v, "page", json_integer(q->page));
	return v;
}

static void ask_print_json(struct ctl *c, const struct desk_answer *a)
{
	json_t *citations = json_array();

	for (size_t i = 0; i < a->n_citations; i++)
		json_array_append_new(citations, ask_citation_json(&a->citations[i]));
	ctl_print_json(desk_json_keep(c->arena, json_pack("{s:s, s:o, s:f, s:b, s:s}", "response", a->response, "citations",
							  citations, "confidence", a->confidence, "requires_human",
							  a->requires_human, "conversation_id", a->conversation_id)));
}

static void ask_print(struct ctl *c, const struct desk_answer *a)
{
	printf("%s\n", ctl_plain(c->arena, a->response, strlen(a->response)));
	for (size_t i = 0; i < a->n_citations; i++) {
		const struct desk_citation *q = &a->citations[i];

		printf("%s[%zu] %s", i == 0 ? "\n" : "", i + 1, ctl_clip(c->arena, q->title, 60));
		if (q->page > 0)
			printf(", page %d", q->page);
		printf(" (%s), relevance %.2f\n", ctl_clip(c->arena, q->source, 80), q->relevance);
	}
	printf("\nconfidence %.2f%s, by %s, conversation %s\n", a->confidence, a->requires_human ? ": a person should look" : "",
	       a->answered_by, a->conversation_id);
}

static enum desk_status ask_exec(struct ctl *c)
{
	struct desk_chat_turn turn = { .message = desk_str_of(c->args[0]), .channel = "CLI", .internal = true,
				       .user = "frontdeskctl", .user_type = "INTERNAL_STAFF",
				       .conversation = ctl_option(c, "conversation") };
	struct desk_answer answer;
	enum desk_status rc;

	if (ctl_option(c, "public") != NULL) {
		turn.internal = false;
		turn.user = NULL;
		turn.user_type = NULL;
	}
	rc = ctl_open_services(c);
	if (rc == DESK_OK)
		rc = desk_chat_answer(&c->cx, &c->services->chat, &turn, &answer);
	if (rc != DESK_OK)
		return rc;
	if (c->json)
		ask_print_json(c, &answer);
	else
		ask_print(c, &answer);
	return DESK_OK;
}

static const struct ctl_option ask_options[] = {
	{ "tenant", "DOMAIN", "whose documents; domain or UUID" },
	{ "conversation", "ID", "go on with this one" },
	{ "public", NULL, "ask as an anonymous customer: INTERNAL documents are not seen" },
	{ NULL, NULL, NULL },
};

const struct ctl_command cmd_ask = {
	.name = "ask",
	.args = "--tenant DOMAIN QUESTION",
	.summary = "Ask a question and get the cited answer",
	.notes = "Asks as staff: INTERNAL documents too. The conversation is stored like any other.",
	.options = ask_options,
	.min_args = 1,
	.max_args = 1,
	.needs = DESK_NEED_DB,
	.exec = ask_exec,
};
