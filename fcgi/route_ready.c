/* fcgi/route_ready.c - GET /v1/health/ready: may customers be sent here? */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "routes.h"

#include "chat/services.h"

static enum desk_status route_ready_get(struct desk_ctx *cx, const struct fcgi_req *req,
					struct fcgi_resp *resp)
{
	struct desk_readiness r;
	json_t *body;

	desk_services_readiness(cx, req->app->services, &r);
	body = json_pack("{s:s, s:{s:{s:s}, s:{s:s}, s:{s:s, s:s}, s:{s:s, s:I}}}", "status",
			 r.ready ? "ready" : "not_ready", "checks", "postgres", "state",
			 desk_part_state_name(r.postgres), "redis", "state",
			 desk_part_state_name(r.redis), "model", "state",
			 desk_part_state_name(r.model), "name", r.model_name, "migrations", "state",
			 desk_part_state_name(r.migrations), "pending", (json_int_t)r.pending);
	fcgi_resp_json(resp, r.ready ? 200 : 503, desk_json_keep(cx->arena, body));
	return DESK_OK;
}

const struct fcgi_route route_ready = {
	.method = "GET", .path = "/v1/health/ready", .auth = FCGI_AUTH_NONE, .handle = route_ready_get,
};
