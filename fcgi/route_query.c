/* fcgi/route_query.c - POST /v1/query: a question in, a cited answer out. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "routes.h"

#include "auth/auth.h"
#include "chat/services.h"
#include "fields.h"

static json_t *query_citation(const struct desk_citation *c)
{
	json_t *o = json_pack("{s:s, s:s, s:f, s:i, s:i, s:s}", "source", c->source, "title", c->title,
			      "relevance", c->relevance, "start", c->start, "end", c->end, "quote",
			      c->quote);

	if (c->page > 0)
		json_object_set_new(o, "page", json_integer(c->page));
	return o;
}

static enum desk_status query_out_send(struct desk_ctx *cx, const struct desk_answer *a,
				       struct fcgi_resp *resp)
{
	json_t *citations = json_array();
	json_t *out;

	for (size_t i = 0; i < a->n_citations; i++)
		json_array_append_new(citations, query_citation(&a->citations[i]));
	out = json_pack("{s:s, s:o, s:f, s:b, s:s}", "response", a->response, "citations", citations,
			"confidence", a->confidence, "requires_human", a->requires_human,
			"conversation_id", a->conversation_id);
	fcgi_resp_json(resp, 200, desk_json_keep(cx->arena, out));
	return DESK_OK;
}

static enum desk_status route_query_post(struct desk_ctx *cx, const struct fcgi_req *req,
					 struct fcgi_resp *resp)
{
	const struct desk_principal *who = cx->principal;
	struct desk_chat_turn turn = { .user = who->user_id, .user_type = who->user_type,
				       .internal = desk_principal_is_internal(who) };
	struct desk_answer answer;
	struct query_in in;
	enum desk_status rc = query_in_parse(cx, req->body, &in);

	if (rc == DESK_OK)
		rc = fcgi_tenant_enter(cx, req, resp, in.tenant);
	if (rc != DESK_OK)
		return rc;
	turn.message = in.message;
	turn.channel = in.channel;
	turn.conversation = in.conversation;
	turn.visitor = who->anonymous ? in.user_id : NULL;	/* a credential says who it is */
	rc = desk_chat_answer(cx, &req->app->services->chat, &turn, &answer);
	if (rc == DESK_E_NOT_FOUND)
		resp->detail = "No such conversation";
	if (rc != DESK_OK)
		return rc;
	return query_out_send(cx, &answer, resp);
}

const struct fcgi_route route_query = {
	.method = "POST", .path = "/v1/query", .auth = FCGI_AUTH_CUSTOMER, .body_max = 64 * 1024,
	.fail_detail = "Failed to process query", .handle = route_query_post,
};
