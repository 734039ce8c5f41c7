/* fcgi/route_openapi.c - GET /openapi.json: the contract, as it was when this was built. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "routes.h"

#include "openapi_json.h"

static enum desk_status route_openapi_get(struct desk_ctx *cx, const struct fcgi_req *req,
					  struct fcgi_resp *resp)
{
	(void)cx;
	(void)req;
	resp->status = 200;
	resp->content_type = "application/json";
	desk_buf_add(&resp->body, openapi_json, sizeof(openapi_json) - 1);
	return DESK_OK;
}

const struct fcgi_route route_openapi = {
	.method = "GET", .path = "/openapi.json", .auth = FCGI_AUTH_NONE, .handle = route_openapi_get,
};
