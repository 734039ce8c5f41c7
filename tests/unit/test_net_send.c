/* tests/unit/test_net_send.c - outgoing requests against a scripted server. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "net/net.h"
#include "support/ck_desk.h"
#include "support/http_peer.h"

static struct peer peer;
static struct desk_net *net;
static struct desk_arena *arena;
static struct desk_error err;

static void start(const struct peer_row *rows, size_t n, bool trusted)
{
	const char *urls[] = { NULL, NULL };

	peer_start(&peer, rows, n);
	urls[0] = trusted ? peer.url : NULL;
	memset(&err, 0, sizeof(err));
	arena = desk_arena_new();
	ck_ok(desk_net_open(&(struct desk_net_options){ .trusted_urls = urls }, &net, &err), &err);
}

static void stop(void)
{
	desk_net_free(net);
	desk_arena_free(arena);
	peer_stop(&peer);
}

static enum desk_status post(const char *body, int timeout_ms, int retries, struct desk_net_reply *out)
{
	struct desk_net_header key = { "Authorization", "Bearer sk-secret" };
	struct desk_net_request rq = {
		.url = desk_net_join(arena, peer.url, "/v1/chat"), .headers = &key, .n_headers = 1,
		.body = desk_str_of(body), .retries = retries, .reply_max = 10000,
		.deadline = desk_deadline_in_ms(NULL, timeout_ms),
	};

	return desk_net_send(net, &rq, arena, out, &err);
}

START_TEST(posts_headers_and_body)
{
	struct peer_row row = { .status = 200, .body = "{\"ok\":1}" };
	struct desk_net_reply r;

	start(&row, 1, true);
	ck_ok(post("{\"q\":1}", 5000, 0, &r), &err);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(r.body.p, "{\"ok\":1}");
	ck_assert_str_eq(r.content_type, "application/json");
	ck_assert_int_eq(r.tries, 1);
	ck_assert_int_eq(r.retry_after_ms, -1);
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "POST /v1/chat HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "Authorization: Bearer sk-secret\r\n"));
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "Content-Type: application/json\r\n"));
	ck_assert_ptr_null(strstr(peer.requests[0], "Expect:"));
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "\r\n\r\n{\"q\":1}"));
	stop();
}
END_TEST

START_TEST(connection_is_used_again)
{
	struct peer_row row = { .status = 200, .body = "{}" };
	struct desk_net_reply r;

	start(&row, 1, true);
	for (int i = 0; i < 5; i++)
		ck_ok(post("{}", 5000, 0, &r), &err);
	ck_assert_uint_eq(peer.n_requests, 5);
	ck_assert_uint_eq(peer.n_connections, 1);
	stop();
}
END_TEST

START_TEST(loopback_is_refused_without_trust)
{
	struct peer_row row = { .status = 200, .body = "{}" };
	struct desk_net_reply r;

	start(&row, 1, false);
	ck_fails(post("{}", 5000, 2, &r), DESK_E_FORBIDDEN, &err, "EGRESS_ALLOW_HOSTS");
	ck_assert_uint_eq(peer.n_connections, 0);
	stop();
}
END_TEST

START_TEST(name_of_loopback_is_refused_too)
{
	struct peer_row row = { .status = 200, .body = "{}" };
	struct desk_net_request rq = { .deadline = desk_deadline_in_ms(NULL, 5000) };
	struct desk_net_reply r;

	start(&row, 1, false);
	rq.url = desk_arena_printf(arena, "http://localhost:%d/", peer.port);
	ck_fails(desk_net_send(net, &rq, arena, &r, &err), DESK_E_FORBIDDEN, &err, "localhost");
	stop();
}
END_TEST

START_TEST(redirect_is_not_followed)
{
	struct peer_row rows[] = { { .status = 302, .headers = "Location: http://169.254.169.254/\r\n" } };
	struct desk_net_reply r;

	start(rows, 1, true);
	ck_ok(post("{}", 5000, 0, &r), &err);
	ck_assert_int_eq(r.status, 302);
	ck_assert_uint_eq(peer.n_requests, 1);
	stop();
}
END_TEST

START_TEST(answer_over_the_cap_is_too_large)
{
	struct peer_row row = { .status = 200, .body = "0123456789", .repeat = 2000 };
	struct desk_net_reply r;

	start(&row, 1, true);
	ck_fails(post("{}", 5000, 2, &r), DESK_E_TOO_LARGE, &err, "10000 bytes");
	ck_assert_uint_eq(peer.n_requests, 1);
	stop();
}
END_TEST

START_TEST(slow_server_is_a_timeout)
{
	struct peer_row row = { .status = 200, .body = "{}", .delay_ms = 20000 };
	struct desk_net_reply r;
	int64_t began = desk_mono_us(NULL);

	start(&row, 1, true);
	ck_fails(post("{}", 150, 2, &r), DESK_E_TIMEOUT, &err, "/v1/chat");
	ck_assert_int_lt(desk_mono_us(NULL) - began, 5 * 1000 * 1000);
	ck_assert_ptr_null(strstr(err.text, "secret"));
	stop();
}
END_TEST

START_TEST(retries_until_it_works)
{
	struct peer_row rows[] = { { .status = 0 }, { .status = 503 }, { .status = 200, .body = "{}" } };
	struct desk_net_reply r;

	start(rows, 3, true);
	ck_ok(post("{}", 10000, 2, &r), &err);
	ck_assert_int_eq(r.status, 200);
	ck_assert_int_eq(r.tries, 3);
	stop();
}
END_TEST

START_TEST(retries_end)
{
	struct peer_row row = { .status = 500, .body = "oops" };
	struct desk_net_reply r;

	start(&row, 1, true);
	ck_ok(post("{}", 10000, 1, &r), &err);
	ck_assert_int_eq(r.status, 500);
	ck_assert_uint_eq(peer.n_requests, 2);
	stop();
}
END_TEST

START_TEST(retry_after_past_the_deadline_is_not_waited_for)
{
	struct peer_row row = { .status = 429, .headers = "Retry-After: 30\r\n" };
	struct desk_net_reply r;
	int64_t began = desk_mono_us(NULL);

	start(&row, 1, true);
	ck_ok(post("{}", 3000, 2, &r), &err);
	ck_assert_int_eq(r.status, 429);
	ck_assert_int_eq(r.retry_after_ms, 30000);
	ck_assert_uint_eq(peer.n_requests, 1);
	ck_assert_int_lt(desk_mono_us(NULL) - began, 2 * 1000 * 1000);
	stop();
}
END_TEST

static const int final_statuses[] = { 200, 201, 400, 401, 403, 404, 422, 501 };

START_TEST(final_status_is_not_tried_again)
{
	struct peer_row row = { .status = final_statuses[_i] };
	struct desk_net_reply r;

	start(&row, 1, true);
	ck_ok(post("{}", 5000, 2, &r), &err);
	ck_assert_int_eq(r.status, final_statuses[_i]);
	ck_assert_uint_eq(peer.n_requests, 1);
	stop();
}
END_TEST

START_TEST(answer_that_breaks_off_is_no_answer)
{
	struct peer_row row = { .status = 200, .body = "{\"half\":", .cut = true };
	struct desk_net_reply r;

	start(&row, 1, true);
	ck_fails(post("{}", 5000, 0, &r), DESK_E_UPSTREAM, &err, "no answer from");
	stop();
}
END_TEST

START_TEST(header_with_line_break_is_refused)
{
	struct peer_row row = { .status = 200 };
	struct desk_net_header h = { "api-key", "a\r\nX-Evil: 1" };
	struct desk_net_request rq = { .headers = &h, .n_headers = 1 };
	struct desk_net_reply r;

	start(&row, 1, true);
	rq.url = peer.url;
	ck_fails(desk_net_send(net, &rq, arena, &r, &err), DESK_E_INPUT, &err, "line break");
	ck_assert_uint_eq(peer.n_requests, 0);
	stop();
}
END_TEST

START_TEST(join_has_one_slash)
{
	struct desk_arena *a = desk_arena_new();

	ck_assert_str_eq(desk_net_join(a, "https://x/v1/", "/chat"), "https://x/v1/chat");
	ck_assert_str_eq(desk_net_join(a, "https://x/v1", "chat"), "https://x/v1/chat");
	desk_arena_free(a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("net_send");
	TCase *tc = tcase_create("send");

	tcase_add_test(tc, posts_headers_and_body);
	tcase_add_test(tc, connection_is_used_again);
	tcase_add_test(tc, loopback_is_refused_without_trust);
	tcase_add_test(tc, name_of_loopback_is_refused_too);
	tcase_add_test(tc, redirect_is_not_followed);
	tcase_add_test(tc, answer_over_the_cap_is_too_large);
	tcase_add_test(tc, slow_server_is_a_timeout);
	tcase_add_test(tc, retries_until_it_works);
	tcase_add_test(tc, retries_end);
	tcase_add_test(tc, retry_after_past_the_deadline_is_not_waited_for);
	tcase_add_loop_test(tc, final_status_is_not_tried_again, 0, DESK_ARRAY_LEN(final_statuses));
	tcase_add_test(tc, answer_that_breaks_off_is_no_answer);
	tcase_add_test(tc, header_with_line_break_is_refused);
	tcase_add_test(tc, join_has_one_slash);
	tcase_set_timeout(tc, 20);
	suite_add_tcase(s, tc);
	return ck_run_suite(s);
}
