/* fcgi/route_health.c - GET /v1/health: the process lives. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "routes.h"

static enum desk_status route_health_get(struct desk_ctx *cx, const struct fcgi_req *req,
					 struct fcgi_resp *resp)
{
	(void)cx;
	(void)req;
	resp->status = 200;
	resp->content_type = "application/json";
	desk_buf_adds(&resp->body, "{\"status\":\"ok\"}");
	return DESK_OK;
}

const struct fcgi_route route_health = {
	.method = "GET", .path = "/v1/health", .auth = FCGI_AUTH_NONE, .handle = route_health_get,
};
