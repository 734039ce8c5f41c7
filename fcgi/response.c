/* fcgi/response.c - status, headers, body; problem+json. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fcgi_int.h"

#include <stdlib.h>
#include <string.h>

enum { RESPONSE_BODY_MAX = 4 * 1024 * 1024, RESPONSE_HEADERS_MAX = 16 * 1024 };

static const struct {
	int         status;
	const char *phrase;
} response_phrases[] = {
	{ 200, "OK" },
	{ 204, "No Content" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 500, "Internal Server Error" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

const char *fcgi_status_phrase(int status)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(response_phrases); i++) {
		if (response_phrases[i].status == status)
			return response_phrases[i].phrase;
	}
	return "Unknown";
}

void fcgi_resp_init(struct fcgi_resp *resp)
{
	memset(resp, 0, sizeof(*resp));
	desk_buf_init(&resp->headers, RESPONSE_HEADERS_MAX);
	desk_buf_init(&resp->body, RESPONSE_BODY_MAX);
}

void fcgi_resp_clear(struct fcgi_resp *resp)
{
	resp->status = 0;
	resp->content_type = NULL;
	resp->detail = NULL;
	desk_buf_clear(&resp->headers);
	desk_buf_clear(&resp->body);
}

void fcgi_resp_done(struct fcgi_resp *resp)
{
	desk_buf_done(&resp->headers);
	desk_buf_done(&resp->body);
}

void fcgi_resp_header(struct fcgi_resp *resp, const char *name, const char *value)
{
	for (const char *c = value; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7F)
			return;
	}
	desk_buf_addf(&resp->headers, "%s: %s\r\n", name, value);
}

void fcgi_resp_json(struct fcgi_resp *resp, int status, const json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));

	if (text == NULL)
		abort();	/* jansson says so only when out of memory */
	resp->status = status;
	resp->content_type = "application/json";
	desk_buf_clear(&resp->body);
	desk_buf_adds(&resp->body, text);
	free(text);
}

void fcgi_resp_problem(struct fcgi_resp *resp, int status, const char *detail,
		       const struct desk_error *err)
{
	json_t *p = json_pack("{s:s, s:s, s:i}", "type", "about:blank", "title",
			      fcgi_status_phrase(status), "status", status);

	/* a text that was cut inside of a character is no JSON string */
	if (json_object_set_new(p, "detail", json_string(detail)) != 0)
		json_object_set_new(p, "detail", json_string(fcgi_status_phrase(status)));

	if (err != NULL && err->field[0] != '\0')
		json_object_set_new(p, "errors",
				    json_pack("[{s:s, s:s}]", "field", err->field, "reason",
					      desk_utf8_valid(err->text, strlen(err->text)) ? err->text : ""));
	fcgi_resp_json(resp, status, p);
	resp->content_type = "application/problem+json";
	json_decref(p);
}

void fcgi_resp_head(const struct fcgi_resp *resp, const char *correlation_id, struct desk_buf *out)
{
	desk_buf_addf(out, "Status: %d %s\r\n", resp->status, fcgi_status_phrase(resp->status));
	if (resp->content_type != NULL)
		desk_buf_addf(out, "Content-Type: %s\r\n", resp->content_type);
	if (resp->status != 204)
		desk_buf_addf(out, "Content-Length: %zu\r\n", resp->body.n);
	desk_buf_addf(out, "X-Correlation-ID: %s\r\n", correlation_id);
	desk_buf_adds(out, "Cache-Control: no-store\r\n"
			   "X-Content-Type-Options: nosniff\r\n"
			   "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
			   "Referrer-Policy: no-referrer\r\n");
	desk_buf_add(out, resp->headers.p, resp->headers.n);
	desk_buf_adds(out, "\r\n");
}
