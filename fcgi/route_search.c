/* fcgi/route_search.c - POST /v1/search: ranked chunks with their scores. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "routes.h"

#include <math.h>

#include "auth/auth.h"
#include "chat/services.h"
#include "fields.h"

/* A list that a chunk is not in has no score there: null, not zero. */
static json_t *search_number(double v, bool there)
{
	return there && isfinite(v) ? json_real(v) : json_null();
}

static json_t *search_rank(int rank)
{
	return rank > 0 ? json_integer(rank) : json_null();
}

static json_t *search_hit(const struct desk_hit *h)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:i, s:i, s:i, s:s, s:f}", "document_id", h->document,
			      "source", h->source, "title", h->title, "chunk_id", (json_int_t)h->chunk,
			      "chunk_index", h->chunk_index, "start", h->start, "end", h->end, "content",
			      h->content, "score", h->score);

	if (h->page > 0)
		json_object_set_new(o, "page", json_integer(h->page));
	json_object_set_new(o, "lexical_score", search_number(h->lexical, h->lexical_rank > 0));
	json_object_set_new(o, "lexical_rank", search_rank(h->lexical_rank));
	json_object_set_new(o, "dense_score", search_number(h->cosine, true));
	json_object_set_new(o, "dense_rank", search_rank(h->dense_rank));
	return o;
}

static enum desk_status route_search_post(struct desk_ctx *cx, const struct fcgi_req *req,
					  struct fcgi_resp *resp)
{
	struct desk_search_ask ask = { .internal = desk_principal_is_internal(cx->principal) };
	struct desk_search_told told;
	struct search_in in;
	json_t *out, *results;
	enum desk_status rc = search_in_parse(cx, req->body, &in);

	if (rc == DESK_OK)
		rc = fcgi_tenant_enter(cx, req, resp, in.tenant);
	if (rc != DESK_OK)
		return rc;
	ask.text = in.query;
	ask.top_k = in.top_k;
	rc = desk_services_search(cx, req->app->services, &ask, &told);
	if (rc != DESK_OK)
		return rc;
	results = json_array();
	for (size_t i = 0; i < told.result.n; i++)
		json_array_append_new(results, search_hit(&told.result.hits[i]));
	out = json_pack("{s:o, s:s, s:b}", "results", results, "language", told.language, "dense",
			told.result.dense);
	fcgi_resp_json(resp, 200, desk_json_keep(cx->arena, out));
	return DESK_OK;
}

const struct fcgi_route route_search = {
	.method = "POST", .path = "/v1/search", .auth = FCGI_AUTH_CUSTOMER, .body_max = 64 * 1024,
	.fail_detail = "Failed to process search", .handle = route_search_post,
};
