/* tests/unit/test_log.c - claims about lib/log: lines are whole JSON and hold no secret. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ck_desk.h"

#include <unistd.h>

#include "log/log.h"

static int log_pipe[2];

static void log_setup(void)
{
	ck_assert_int_eq(pipe(log_pipe), 0);
}

static void log_teardown(void)
{
	close(log_pipe[0]);
	close(log_pipe[1]);
}

/* The one line that was written, parsed; owned. */
static json_t *log_line(void)
{
	static char text[64 * 1024];
	ssize_t n = read(log_pipe[0], text, sizeof(text));
	json_t *v;

	ck_assert_int_gt(n, 1);
	ck_assert_int_eq(text[n - 1], '\n');
	v = json_loadb(text, (size_t)n, 0, NULL);
	ck_assert_msg(v != NULL, "not JSON: %.*s", (int)n, text);
	return v;
}

START_TEST(a_line_has_time_level_event_and_the_context)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_ctx cx;
	json_t *v;

	desk_ctx_init(&cx, a, NULL);
	cx.log = desk_log_new(log_pipe[1], "test", DESK_LOG_INFO);
	cx.tenant_id = "t-1";
	desk_log_ctx(&cx, DESK_LOG_WARN, "odd", DESK_L_INT("n", 3), DESK_L_STR("s", "a\"\n\xFF"),
		     DESK_L_DOUBLE("d", 0.5), DESK_L_BOOL("b", true));
	v = log_line();
	ck_assert_str_eq(desk_json_string(v, "event", ""), "odd");
	ck_assert_str_eq(desk_json_string(v, "level", ""), "warn");
	ck_assert_str_eq(desk_json_string(v, "tenant_id", ""), "t-1");
	ck_assert_str_eq(desk_json_string(v, "correlation_id", ""), cx.correlation_id);
	ck_assert_str_eq(desk_json_string(v, "s", ""), "a\"\n\xEF\xBF\xBD");
	ck_assert_int_eq(desk_json_int(v, "n", 0), 3);
	ck_assert(desk_json_bool(v, "b", false));
	json_decref(v);
	desk_log_free(cx.log);
	desk_arena_free(a);
}
END_TEST

static const struct {
	const char *text, *secret;
} log_secrets[] = {
	{ "postgresql://app:hunter2@db/x", "hunter2" },
	{ "host=db password=hunter2 user=a", "hunter2" },
	{ "Authorization: Bearer abc.def.ghi", "abc.def.ghi" },
	{ "got eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.sig here", "eyJhbGci" },
	{ "key sk-proj-abcdefghijklmnop was refused", "sk-proj" },
	{ "redis://:p%40ss@h:6379/0", "p%40ss" },
	{ "https://graph.example/me?access_token=EAAabcdefghijklmnop&x=1", "EAAabc" },
};

START_TEST(secrets_are_masked)
{
	char out[256];

	desk_log_mask(log_secrets[_i].text, out, sizeof(out));
	ck_assert_msg(strstr(out, log_secrets[_i].secret) == NULL, "shown: %s", out);
	ck_assert_ptr_nonnull(strstr(out, "***"));
}
END_TEST

START_TEST(plain_words_are_left_alone)
{
	char out[256];

	desk_log_mask("GET /v1/health 200 at 12:30, a@b.example, EAA, task-list", out, sizeof(out));
	ck_assert_str_eq(out, "GET /v1/health 200 at 12:30, a@b.example, EAA, task-list");
}
END_TEST

START_TEST(a_line_too_long_is_cut_and_stays_json)
{
	struct desk_log *log = desk_log_new(log_pipe[1], "test", DESK_LOG_DEBUG);
	char big[8192];
	json_t *v;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	desk_log_event(log, DESK_LOG_INFO, "big", DESK_L_STR("a", big), DESK_L_STR("b", big),
		       DESK_L_STR("c", big), DESK_L_STR("d", big), DESK_L_STR("e", big),
		       DESK_L_STR("f", big), DESK_L_STR("g", big), DESK_L_STR("h", big),
		       DESK_L_STR("i", big), DESK_L_STR("j", big));
	v = log_line();
	ck_assert_uint_lt(strlen(desk_json_string(v, "a", "")), sizeof(big) - 1);
	json_decref(v);
	desk_log_free(log);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");

	tcase_add_checked_fixture(t, log_setup, log_teardown);
	tcase_add_test(t, a_line_has_time_level_event_and_the_context);
	tcase_add_loop_test(t, secrets_are_masked, 0, DESK_ARRAY_LEN(log_secrets));
	tcase_add_test(t, plain_words_are_left_alone);
	tcase_add_test(t, a_line_too_long_is_cut_and_stays_json);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
