/* fcgi/dispatch.c - from a request to a response: route, limits, credential, handler, one log line. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fcgi_int.h"

#include <string.h>
#include <strings.h>

#include "auth/auth.h"

/* The methods of a path as a header's value; NULL when no route has that path. HEAD goes with GET. */
static const char *dispatch_allow(struct desk_ctx *cx, const struct fcgi_req *req)
{
	const char *list = NULL;

	for (const struct fcgi_route *const *r = req->app->routes; *r != NULL; r++) {
		if (req->path == NULL || strcmp((*r)->path, req->path) != 0)
			continue;
		list = desk_arena_printf(cx->arena, "%s%s%s%s", list != NULL ? list : "",
					 list != NULL ? ", " : "", (*r)->method,
					 strcmp((*r)->method, "GET") == 0 ? ", HEAD" : "");
	}
	return list;
}

static const struct fcgi_route *dispatch_find(const struct fcgi_req *req)
{
	const char *method = strcmp(req->method, "HEAD") == 0 ? "GET" : req->method;

	for (const struct fcgi_route *const *r = req->app->routes; *r != NULL; r++) {
		if (req->path != NULL && strcmp((*r)->path, req->path) == 0 &&
		    strcmp((*r)->method, method) == 0)
			return *r;
	}
	return NULL;
}

/* No such route: 404, or what the path would allow. */
static void dispatch_none(struct desk_ctx *cx, const struct fcgi_req *req, struct fcgi_resp *resp)
{
	const char *allow = dispatch_allow(cx, req);

	if (req->path == NULL) {
		fcgi_resp_problem(resp, 400, "Malformed path", NULL);
		return;
	}
	if (allow == NULL) {
		fcgi_resp_problem(resp, 404, "No such resource", NULL);
		return;
	}
	fcgi_resp_header(resp, "Allow", desk_arena_printf(cx->arena, "%s, OPTIONS", allow));
	if (strcmp(req->method, "OPTIONS") == 0)
		resp->status = 204;
	else
		fcgi_resp_problem(resp, 405, "Method not allowed", NULL);
}

/* application/json, in UTF-8 where it says so. */
static bool dispatch_is_json(const char *type)
{
	static const char json[] = "application/json";
	const char *charset;

	if (type == NULL || strncasecmp(type, json, sizeof(json) - 1) != 0)
		return false;
	type += sizeof(json) - 1;
	type += strspn(type, " \t");
	if (*type != '\0' && *type != ';')
		return false;
	charset = strcasestr(type, "charset=");
	if (charset == NULL)
		return true;
	charset += 8;
	charset += *charset == '"';
	return strncasecmp(charset, "utf-8", 5) == 0 && strchr("\"; \t", charset[5]) != NULL;
}

/* Limits that need no look into the body; false when the response is made. */
static bool dispatch_body_fits(const struct fcgi_req *req, struct fcgi_resp *resp)
{
	const char *length = fcgi_req_param(req, "CONTENT_LENGTH");
	size_t max = req->route->body_max;
	int64_t said = 0;

	if (length != NULL && length[0] != '\0' && (!desk_parse_int64(length, &said) || said < 0)) {
		fcgi_resp_problem(resp, 400, "Malformed Content-Length", NULL);
		return false;
	}
	if (max == 0)
		return true;	/* a body nobody asked for is not looked at */
	if (req->body_large || req->body.n > max || said > (int64_t)max) {
		fcgi_resp_problem(resp, 413, "Request body too large", NULL);
		return false;
	}
	if (length != NULL && length[0] != '\0' && (size_t)said != req->body.n) {
		fcgi_resp_problem(resp, 400, "The body was cut off", NULL);
		return false;
	}
	if (req->body.n > 0 && !dispatch_is_json(fcgi_req_param(req, "CONTENT_TYPE"))) {
		fcgi_resp_header(resp, "Accept", "application/json");
		fcgi_resp_problem(resp, 415, "The body must be application/json in UTF-8", NULL);
		return false;
	}
	return true;
}

static enum desk_status dispatch_auth(struct desk_ctx *cx, const struct fcgi_req *req)
{
	if (req->route->auth == FCGI_AUTH_NONE)
		return DESK_OK;
	return desk_auth_header(cx, req->app->config->JWT_SECRET,
				fcgi_req_param(req, "HTTP_AUTHORIZATION"));
}

/* What a client may know of a failure: its own mistakes in words, ours not at all. */
static void dispatch_failed(struct desk_ctx *cx, const struct fcgi_req *req, enum desk_status rc,
			    struct fcgi_resp *resp)
{
	int status = desk_status_http(rc);
	const char *detail = resp->detail != NULL ? resp->detail : desk_status_client_text(rc);

	if (status >= 500 && req->route->fail_detail != NULL) {
		status = 500;
		detail = req->route->fail_detail;
	} else if (rc == DESK_E_INPUT && cx->err.field[0] != '\0') {
		detail = desk_arena_printf(cx->arena, "%s: %s", cx->err.field, cx->err.text);
	} else if (rc == DESK_E_SYNTAX && resp->detail == NULL) {
		detail = desk_arena_printf(cx->arena, "Malformed request: %s", cx->err.text);
	}
	if (status == 401)
		fcgi_resp_header(resp, "WWW-Authenticate", "Bearer realm=\"frontdesk\"");
	fcgi_resp_problem(resp, status, detail, status == 422 ? &cx->err : NULL);
	/* a 4xx is the client's: its reason may quote him, so the log gets the status and the field */
	if (status >= 500 || status == 401 || status == 403)
		desk_log_error(cx, "request_failed");
}

/* Never a word of the request but its route: a path or a message may hold anything. */
static void dispatch_log(const struct desk_ctx *cx, const struct fcgi_req *req,
			 const struct fcgi_resp *resp, int64_t began_us)
{
	bool known = req->route != NULL;

	desk_log_ctx(cx, resp->status >= 500 ? DESK_LOG_ERROR : DESK_LOG_INFO, "request",
		     DESK_L_STR("method", known ? req->route->method : "-"),
		     DESK_L_STR("route", known ? req->route->path : "-"),
		     DESK_L_INT("status", resp->status),
		     DESK_L_DOUBLE("ms", (double)(desk_mono_us(cx->clock) - began_us) / 1000.0),
		     DESK_L_INT("bytes", resp->body.n), DESK_L_STR("field", cx->err.field));
}

void fcgi_dispatch(struct desk_ctx *cx, struct fcgi_req *req, struct fcgi_resp *resp)
{
	int64_t began_us = desk_mono_us(cx->clock);
	const char *uri = fcgi_req_param(req, "REQUEST_URI");
	enum desk_status rc;

	desk_correlation_id(fcgi_req_param(req, "HTTP_X_CORRELATION_ID"), cx->correlation_id);
	req->method = fcgi_req_param(req, "REQUEST_METHOD");
	if (req->method == NULL)
		req->method = "";
	req->path = fcgi_uri_path(cx->arena, uri);
	req->route = dispatch_find(req);
	if (req->route == NULL) {
		dispatch_none(cx, req, resp);
	} else if (dispatch_body_fits(req, resp)) {
		rc = dispatch_auth(cx, req);
		if (rc == DESK_OK)
			rc = req->route->handle(cx, req, resp);
		if (rc == DESK_OK && resp->body.overflow)
			rc = desk_fail(cx, DESK_E_BUG, "the answer is larger than a response may be");
		if (rc != DESK_OK)
			dispatch_failed(cx, req, rc, resp);
	}
	dispatch_log(cx, req, resp, began_us);
}
