/* tests/unit/test_fcgi.c - claims about fcgi/: records, paths, bodies, dispatching. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ck_desk.h"

#include <fields.h>

static struct desk_arena *arena;
static struct desk_ctx cx;

static void setup(void)
{
	arena = desk_arena_new();
	desk_ctx_init(&cx, arena, NULL);
}

static void teardown(void)
{
	desk_arena_free(arena);
}

/* ---- records ------------------------------------------------------------- */

#define BEGIN "\1\1\0\1\0\x08\0\0" "\0\1\0\0\0\0\0\0"
#define PARAMS "\1\4\0\1\0\x06\2\0" "\1\3Axyz" "\0\0"
#define PARAMS_END "\1\4\0\1\0\0\0\0"
#define STDIN "\1\5\0\1\0\4\0\0" "body"
#define STDIN_END "\1\5\0\1\0\0\0\0"
#define RECORDS(text) text, sizeof(text) - 1

static const struct {
	const char            *bytes;
	size_t                 n;
	enum fcgi_scan_verdict verdict;
} records[] = {
	{ RECORDS(""), FCGI_SCAN_MORE },
	{ RECORDS("\1\1\0"), FCGI_SCAN_MORE },
	{ RECORDS(BEGIN PARAMS), FCGI_SCAN_MORE },
	{ RECORDS(BEGIN PARAMS PARAMS_END STDIN), FCGI_SCAN_MORE },
	{ RECORDS(BEGIN PARAMS PARAMS_END STDIN STDIN_END), FCGI_SCAN_DONE },
	{ RECORDS(BEGIN PARAMS_END STDIN_END), FCGI_SCAN_DONE },
	{ RECORDS(BEGIN PARAMS PARAMS_END STDIN STDIN STDIN_END), FCGI_SCAN_LARGE },
	{ RECORDS(BEGIN PARAMS PARAMS_END "\1\5\0\1\xFF\xFF\0\0"), FCGI_SCAN_LARGE },
	{ RECORDS(BEGIN "\1\2\0\1\0\0\0\0"), FCGI_SCAN_ABORTED },
	{ RECORDS("\2\1\0\1\0\x08\0\0"), FCGI_SCAN_BAD },	/* another version */
	{ RECORDS("\1\x09\0\0\0\0\0\0"), FCGI_SCAN_BAD },	/* a management record */
	{ RECORDS("\1\1\0\0\0\x08\0\0" "\0\1\0\0\0\0\0\0"), FCGI_SCAN_BAD },	/* request id 0 */
	{ RECORDS("\1\1\0\1\0\x08\0\0" "\0\2\0\0\0\0\0\0"), FCGI_SCAN_BAD },	/* an authorizer */
	{ RECORDS("\1\1\0\1\0\x08\1\0" "\0\1\0\0\0\0\0\0" "\0"), FCGI_SCAN_BAD },	/* padding behind BEGIN */
	{ RECORDS(BEGIN "\1\4\0\2\0\0\0\0"), FCGI_SCAN_BAD },	/* another request's */
	{ RECORDS(BEGIN STDIN), FCGI_SCAN_BAD },
	{ RECORDS(BEGIN BEGIN), FCGI_SCAN_BAD },
	{ RECORDS(BEGIN PARAMS PARAMS_END PARAMS), FCGI_SCAN_BAD },
	{ RECORDS(BEGIN "\1\4\0\1\0\0\1\0" "\0"), FCGI_SCAN_BAD },	/* padding behind an empty record */
	{ RECORDS(BEGIN "\1\4\0\1\0\x02\0\0" "\0\1" PARAMS_END), FCGI_SCAN_BAD },	/* a name of no bytes */
	{ RECORDS(BEGIN "\1\4\0\1\0\x03\0\0" "\1\3A" PARAMS_END), FCGI_SCAN_BAD },	/* cut off */
	{ RECORDS(BEGIN "\1\4\0\1\0\x01\0\0" "\x80" PARAMS_END), FCGI_SCAN_BAD },
	{ RECORDS(BEGIN "\1\4\0\1\0\x08\0\0" "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), FCGI_SCAN_BAD },
};

START_TEST(records_are_judged_before_libfcgi_sees_them)
{
	struct fcgi_scan s = { .body_max = 4 };

	ck_assert_int_eq(fcgi_scan(&s, (const unsigned char *)records[_i].bytes, records[_i].n),
			 records[_i].verdict);
	if (records[_i].verdict == FCGI_SCAN_DONE)
		ck_assert_uint_eq(s.at, records[_i].n);
}
END_TEST

START_TEST(a_pair_may_be_cut_anywhere_by_records)
{
	static const char whole[] = BEGIN "\1\4\0\1\0\1\0\0" "\1" "\1\4\0\1\0\1\0\0" "\x80" "\1\4\0\1\0\4\0\0" "\0\0\3A"
				    "\1\4\0\1\0\3\0\0" "xyz" PARAMS_END STDIN_END;
	struct fcgi_scan s = { .body_max = 4 };

	for (size_t n = 0; n < sizeof(whole) - 1; n++)
		ck_assert_int_eq(fcgi_scan(&s, (const unsigned char *)whole, n), FCGI_SCAN_MORE);
	ck_assert_int_eq(fcgi_scan(&s, (const unsigned char *)whole, sizeof(whole) - 1), FCGI_SCAN_DONE);
}
END_TEST

/* ---- paths --------------------------------------------------------------- */

static const struct {
	const char *uri, *path;
} uris[] = {
	{ "/v1/query", "/v1/query" }, { "/v1/query?x=/%00", "/v1/query" }, { "/", "/" }, { "/a#b", "/a" },
	{ "/v1/%71uery", "/v1/query" }, { "/%E2%82%AC", "/\xE2\x82\xAC" }, { "/a/../b", "/a/../b" },
	{ "http://host/a", "/a" }, { "HTTPS://host:1/a?b", "/a" }, { "http://host", "/" },
	{ "http://host?/a", "/" }, { "/%2e%2E", "/.." },
	{ "", NULL }, { "a", NULL }, { "*", NULL }, { "?", NULL }, { "/%", NULL }, { "/%4", NULL }, { "/%zz", NULL },
	{ "/%00", NULL }, { "/%0a", NULL }, { "/a%2Fb", NULL }, { "/%ff", NULL }, { "/a b", NULL }, { "/\x7F", NULL },
	{ "/%C0%AF", NULL },
};

START_TEST(a_uri_has_one_path_or_none)
{
	const char *path = fcgi_uri_path(arena, uris[_i].uri);

	if (uris[_i].path == NULL)
		ck_assert_ptr_null(path);
	else
		ck_assert_pstr_eq(path, uris[_i].path);
}
END_TEST

/* ---- bodies -------------------------------------------------------------- */

#define TENANT "\"tenant_id\":\"acme.example\""
static const struct {
	const char      *body;
	enum desk_status rc;
	const char      *field, *reason;
} bodies[] = {
	{ "", DESK_E_SYNTAX, "", "empty" },
	{ "{", DESK_E_SYNTAX, "", "not JSON" },
	{ "\xFF", DESK_E_SYNTAX, "", "UTF-8" },
	{ "7", DESK_E_INPUT, "body", "object" },
	{ "{}", DESK_E_INPUT, "tenant_id", "missing" },
	{ "{" TENANT "}", DESK_E_INPUT, "message", "missing" },
	{ "{" TENANT ",\"message\":\"\\u3000\"}", DESK_E_INPUT, "message", "white space" },
	{ "{" TENANT ",\"message\":\"x\"}", DESK_E_INPUT, "channel", "missing" },
	{ "{" TENANT ",\"message\":\"x\",\"channel\":\"a b\"}", DESK_E_INPUT, "channel", "word" },
	{ "{" TENANT ",\"message\":\"x\",\"channel\":\"WEB\",\"x\":1}", DESK_E_INPUT, "body", "\"x\"" },
	{ "{" TENANT ",\"message\":\"x\",\"channel\":\"WEB\",\"context\":{\"conversation_id\":\"1\"}}", DESK_E_INPUT,
	  "context.conversation_id", "UUID" },
	{ "{" TENANT ",\"message\":\"x\",\"channel\":\"WEB\",\"user_id\":\"\\u0001\"}", DESK_E_INPUT, "user_id", "control" },
};

START_TEST(a_bad_body_is_refused_with_field_and_reason)
{
	struct query_in in;

	ck_fails(query_in_parse(&cx, desk_str_of(bodies[_i].body), &in), bodies[_i].rc, &cx.err, bodies[_i].reason);
	ck_assert_str_eq(cx.err.field, bodies[_i].field);
}
END_TEST

START_TEST(no_text_of_a_broken_body_gets_into_the_error)
{
	struct query_in in;

	ck_assert_int_eq(query_in_parse(&cx, DESK_STR("{\"message\": my secret"), &in), DESK_E_SYNTAX);
	ck_assert_ptr_null(strstr(cx.err.text, "secret"));
}
END_TEST

START_TEST(a_good_body_is_taken_whole)
{
	struct query_in in;

	ck_ok(query_in_parse(&cx, DESK_STR("{" TENANT ",\"message\":\" \\ud83d\\ude00 \",\"channel\":\"WEB\",\"user_id\":\"ann\","
					   "\"context\":{\"conversation_id\":\"6F1C2A0E-8A55-4B0F-9D5D-0A8F8D1C5A11\"}}"), &in),
	      &cx.err);
	ck_assert_str_eq(in.tenant, "acme.example");
	ck_assert(desk_str_is(in.message, " \xF0\x9F\x98\x80 "));
	ck_assert_str_eq(in.user_id, "ann");
	ck_assert_str_eq(in.conversation, "6F1C2A0E-8A55-4B0F-9D5D-0A8F8D1C5A11");
}
END_TEST

/* ---- dispatching --------------------------------------------------------- */

static enum desk_status route_fine(struct desk_ctx *c, const struct fcgi_req *req, struct fcgi_resp *resp)
{
	(void)c;
	resp->status = 200;
	resp->content_type = "text/plain";
	desk_buf_add(&resp->body, req->body.p, req->body.n);
	return DESK_OK;
}

static enum desk_status route_broken(struct desk_ctx *c, const struct fcgi_req *req, struct fcgi_resp *resp)
{
	(void)req;
	desk_buf_adds(&resp->body, "half an answer");
	return desk_fail(c, DESK_E_DB, "password of the database: hunter2");
}

static const struct fcgi_route fine = { .method = "GET", .path = "/fine", .handle = route_fine };
static const struct fcgi_route take = { .method = "POST", .path = "/fine", .body_max = 10, .handle = route_fine };
static const struct fcgi_route broken = { .method = "GET", .path = "/broken", .handle = route_broken,
					  .fail_detail = "Failed to do it" };
static const struct fcgi_route closed = { .method = "GET", .path = "/closed", .auth = FCGI_AUTH_CUSTOMER,
					  .handle = route_fine };
static const struct fcgi_route *const table[] = { &fine, &take, &broken, &closed, NULL };

static const struct {
	const char *method, *uri, *type, *body, *length, *authorization;
	int         status;
	const char *part;	/* of head or body */
} requests[] = {
	{ "GET", "/fine", NULL, "", NULL, NULL, 200, "text/plain" },
	{ "HEAD", "/fine?a", NULL, "", NULL, NULL, 200, "Content-Length: 0" },
	{ "GET", "/none", NULL, "", NULL, NULL, 404, "No such resource" },
	{ "GET", "none", NULL, "", NULL, NULL, 400, "Malformed path" },
	{ "PUT", "/fine", NULL, "", NULL, NULL, 405, "Allow: GET, HEAD, POST, OPTIONS" },
	{ "", "/fine", NULL, "", NULL, NULL, 405, "Allow" },
	{ "OPTIONS", "/broken", NULL, "", NULL, NULL, 204, "Allow: GET, HEAD, OPTIONS" },
	{ "GET", "/broken", NULL, "", NULL, NULL, 500, "\"detail\":\"Failed to do it\"" },
	{ "POST", "/fine", "application/json", "0123456789", "10", NULL, 200, "0123456789" },
	{ "POST", "/fine", "application/json", "0123456789", NULL, NULL, 200, "0123456789" },
	{ "POST", "/fine", "application/json", "0123456789a", "11", NULL, 413, "too large" },
	{ "POST", "/fine", "application/json", "", "99", NULL, 413, "too large" },
	{ "POST", "/fine", "application/json", "01234", "9", NULL, 400, "cut off" },
	{ "POST", "/fine", "application/json", "01234", "five", NULL, 400, "Content-Length" },
	{ "POST", "/fine", "text/plain", "01234", "5", NULL, 415, "application/json" },
	{ "POST", "/fine", NULL, "01234", "5", NULL, 415, "application/json" },
	{ "GET", "/closed", NULL, "", NULL, NULL, 200, "" },
	{ "GET", "/closed", NULL, "", NULL, "Bearer x", 401, "WWW-Authenticate: Bearer" },
};

static char *param(const char *name, const char *value)
{
	return value != NULL ? desk_arena_printf(arena, "%s=%s", name, value) : desk_arena_strdup(arena, "NONE=");
}

START_TEST(a_request_gets_the_status_it_deserves)
{
	struct desk_config config = { .JWT_SECRET = { "0123456789012345678901234567890123456789" } };
	struct fcgi_app app = { .config = &config, .routes = table };
	char *params[] = { param("REQUEST_METHOD", requests[_i].method), param("REQUEST_URI", requests[_i].uri),
			   param("CONTENT_TYPE", requests[_i].type), param("CONTENT_LENGTH", requests[_i].length),
			   param("HTTP_AUTHORIZATION", requests[_i].authorization), NULL };
	struct fcgi_req req = { .app = &app, .params = params, .body = desk_str_of(requests[_i].body) };
	struct fcgi_resp resp;
	struct desk_buf out;

	fcgi_resp_init(&resp);
	desk_buf_init(&out, 65536);
	fcgi_dispatch(&cx, &req, &resp);
	fcgi_resp_head(&resp, cx.correlation_id, &out);
	desk_buf_add(&out, resp.body.p, resp.body.n);
	ck_assert_int_eq(resp.status, requests[_i].status);
	ck_assert_msg(strstr(out.p, requests[_i].part) != NULL, "got: %s", out.p);
	ck_assert_ptr_null(strstr(out.p, "hunter2"));
	ck_assert_ptr_null(strstr(out.p, "half an answer"));
	if (resp.status >= 400)
		ck_assert_str_eq(resp.content_type, "application/problem+json");
	desk_buf_done(&out);
	fcgi_resp_done(&resp);
}
END_TEST

START_TEST(a_header_cannot_carry_another)
{
	struct fcgi_resp resp;

	fcgi_resp_init(&resp);
	fcgi_resp_header(&resp, "X-A", "b\r\nSet-Cookie: c");
	ck_assert_uint_eq(resp.headers.n, 0);
	fcgi_resp_header(&resp, "X-A", "b");
	ck_assert_str_eq(resp.headers.p, "X-A: b\r\n");
	fcgi_resp_done(&resp);
}
END_TEST

START_TEST(a_problem_with_a_text_that_is_cut_is_still_one)
{
	struct desk_error err = { .code = DESK_E_INPUT, .field = "x", .text = "\xE2\x82" };
	struct fcgi_resp resp;

	fcgi_resp_init(&resp);
	fcgi_resp_problem(&resp, 422, "x: \xE2\x82", &err);
	ck_assert_ptr_nonnull(strstr(resp.body.p, "\"detail\":\"Unprocessable Content\""));
	fcgi_resp_done(&resp);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fcgi");
	TCase *t = tcase_create("requests");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, records_are_judged_before_libfcgi_sees_them, 0, DESK_ARRAY_LEN(records));
	tcase_add_test(t, a_pair_may_be_cut_anywhere_by_records);
	tcase_add_loop_test(t, a_uri_has_one_path_or_none, 0, DESK_ARRAY_LEN(uris));
	tcase_add_loop_test(t, a_bad_body_is_refused_with_field_and_reason, 0, DESK_ARRAY_LEN(bodies));
	tcase_add_test(t, no_text_of_a_broken_body_gets_into_the_error);
	tcase_add_test(t, a_good_body_is_taken_whole);
	tcase_add_loop_test(t, a_request_gets_the_status_it_deserves, 0, DESK_ARRAY_LEN(requests));
	tcase_add_test(t, a_header_cannot_carry_another);
	tcase_add_test(t, a_problem_with_a_text_that_is_cut_is_still_one);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
