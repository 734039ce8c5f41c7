/* tests/integration/test_db.c - claims about lib/db against a real Postgres (DESK_TEST_DATABASE). */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ck_desk.h"

#include "db/db.h"

static struct desk_db *db;
static struct desk_arena *arena;
static struct desk_ctx cx;

static void db_setup(void)
{
	struct desk_db_options o = { .conninfo = getenv("DESK_TEST_DATABASE"), .program = "test",
				     .pool_size = 1, .statement_timeout_ms = 5000,
				     .prepare = getenv("DESK_TEST_UNPREPARED") == NULL };

	arena = desk_arena_new();
	desk_ctx_init(&cx, arena, NULL);
	ck_ok(desk_db_open(&o, &db, &cx.err), &cx.err);
	cx.db = db;
}

static void db_teardown(void)
{
	desk_arena_free(arena);
	desk_db_free(db);
}

static int64_t db_one(void)
{
	struct desk_rows *r;

	ck_ok(desk_db_begin_platform(&cx), &cx.err);
	ck_ok(desk_db_query(&cx, &r, "SELECT 1"), &cx.err);
	ck_ok(desk_db_commit(&cx), &cx.err);
	return desk_rows_int64(r, 0, 0);
}

START_TEST(every_kind_of_value_comes_back_as_it_went)
{
	static const char *const words[] = { "a", NULL, "c\"d,{}" };
	static const int64_t big[] = { 1, INT64_MIN };
	static const double doubles[] = { 0.1, -1e300 };
	const struct desk_str bytes[] = { DESK_STR("\0x"), DESK_STR("") };
	struct desk_rows *r;

	ck_ok(desk_db_begin_platform(&cx), &cx.err);
	ck_ok(desk_db_query(&cx, &r,
			    "SELECT $1::int8, $2::text, ($3::text[])[3], ($3::text[])[2] IS NULL,"
			    " ($4::int8[])[2], ($5::float8[])[2], ($6::bytea[])[1],"
			    " '2026-11-23 00:00:00+00'::timestamptz, '{\"k\": 7}'::jsonb,"
			    " '00000000-0000-4000-8000-00000000000a'::uuid, $7::bool, NULL::text, $8::bytea",
			    desk_p_int64(-5), desk_p_text("\xC3\xA9"), desk_p_text_array(arena, words, 3),
			    desk_p_int64_array(arena, big, 2), desk_p_double_array(arena, doubles, 2),
			    desk_p_bytea_array(arena, bytes, 2), desk_p_bool(true),
			    desk_p_bytea("\1\0\2", 3)),
	      &cx.err);
	ck_assert_int_eq(desk_rows_int64(r, 0, 0), -5);
	ck_assert_str_eq(desk_rows_text(r, 0, 1), "\xC3\xA9");
	ck_assert_str_eq(desk_rows_text(r, 0, 2), words[2]);
	ck_assert(desk_rows_bool(r, 0, 3));
	ck_assert(desk_rows_int64(r, 0, 4) == INT64_MIN);
	ck_assert(desk_rows_double(r, 0, 5) == doubles[1]);
	ck_assert(desk_str_eq(desk_rows_bytea(r, 0, 6), bytes[0]));
	ck_assert_int_eq(desk_rows_time_us(r, 0, 7) / 1000000, 1795392000);
	ck_assert_int_eq(desk_json_int(desk_rows_json(r, 0, 8), "k", 0), 7);
	ck_assert_str_eq(desk_rows_text(r, 0, 9), "00000000-0000-4000-8000-00000000000a");
	ck_assert(desk_rows_bool(r, 0, 10));
	ck_assert_ptr_null(desk_rows_text(r, 0, 11));
	ck_assert_uint_eq(desk_rows_bytea(r, 0, 12).n, 3);
	ck_ok(desk_db_commit(&cx), &cx.err);
}
END_TEST

static const struct {
	float       in;
	const char *out;
} half_cases[] = {
	{ 0.0f, "[0]" }, { -0.5f, "[-0.5]" }, { 65504.0f, "[65504]" }, { 1e9f, "[65504]" },
	{ 0.1f, "[0.099975586]" }, { 5.9604645e-8f, "[5.9604645e-08]" }, { 1e-9f, "[0]" },
	{ 1.0004883f, "[1]" }, { 1.0014648f, "[1.0019531]" },
};

START_TEST(a_half_precision_vector_is_rounded_to_nearest_even)
{
	struct desk_rows *r;

	ck_ok(desk_db_begin_platform(&cx), &cx.err);
	ck_ok(desk_db_query(&cx, &r, "SELECT ($1::public.halfvec)::text",
			    desk_p_halfvec(arena, &half_cases[_i].in, 1)), &cx.err);
	ck_assert_str_eq(desk_rows_text(r, 0, 0), half_cases[_i].out);
	ck_ok(desk_db_commit(&cx), &cx.err);
}
END_TEST

START_TEST(a_pipeline_answers_in_order)
{
	struct desk_rows *r;

	ck_ok(desk_db_begin_platform(&cx), &cx.err);
	for (int64_t i = 0; i < 100; i++)
		ck_ok(desk_db_send(&cx, "SELECT $1::int8", desk_p_int64(i)), &cx.err);
	for (int64_t i = 0; i < 100; i++) {
		ck_ok(desk_db_next(&cx, &r), &cx.err);
		ck_assert_int_eq(desk_rows_int64(r, 0, 0), i);
	}
	ck_ok(desk_db_commit(&cx), &cx.err);
}
END_TEST

START_TEST(what_fails_in_a_pipeline_fails_the_commit_and_keeps_the_first_reason)
{
	ck_ok(desk_db_begin_platform(&cx), &cx.err);
	ck_ok(desk_db_send(&cx, "SELECT 1"), &cx.err);
	ck_ok(desk_db_send(&cx, "SELECT 1/0"), &cx.err);
	ck_ok(desk_db_send(&cx, "SELECT 2"), &cx.err);
	ck_fails(desk_db_commit(&cx), DESK_E_DB, &cx.err, "division by zero");
	ck_assert_str_eq(cx.err.sqlstate, "22012");
	ck_assert_ptr_null(cx.tx);
	desk_error_clear(&cx.err);
	ck_assert_int_eq(db_one(), 1);	/* the pool's only connection is whole again */
}
END_TEST

START_TEST(a_deadline_cancels_the_statement)
{
	cx.deadline = desk_deadline_in_ms(NULL, 50);
	ck_ok(desk_db_begin_platform(&cx), &cx.err);
	ck_fails(desk_db_exec(&cx, "SELECT pg_sleep(30)"), DESK_E_TIMEOUT, &cx.err, "deadline");
	desk_db_rollback(&cx);
	desk_error_clear(&cx.err);
	cx.deadline.at_us = 0;
	ck_assert_int_eq(db_one(), 1);
}
END_TEST

START_TEST(a_connection_that_was_lost_is_replaced)
{
	ck_ok(desk_db_begin_platform(&cx), &cx.err);
	ck_fails(desk_db_exec(&cx, "SELECT pg_terminate_backend(pg_backend_pid())"),
		 DESK_E_UNAVAILABLE, &cx.err, "terminating connection");
	desk_db_rollback(&cx);
	desk_error_clear(&cx.err);
	ck_assert_int_eq(db_one(), 1);
}
END_TEST

START_TEST(a_transaction_left_open_ends_with_its_arena)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_ctx inner;

	desk_ctx_init(&inner, a, NULL);
	inner.db = db;
	ck_ok(desk_db_begin_platform(&inner), &inner.err);
	ck_ok(desk_db_exec(&inner, "SELECT 1"), &inner.err);
	desk_arena_free(a);
	ck_assert_int_eq(db_one(), 1);
}
END_TEST

START_TEST(a_full_pool_says_so_at_the_deadline)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_ctx inner;

	ck_ok(desk_db_begin_platform(&cx), &cx.err);
	desk_ctx_init(&inner, a, NULL);
	inner.db = db;
	inner.deadline = desk_deadline_in_ms(NULL, 20);
	ck_fails(desk_db_begin_platform(&inner), DESK_E_UNAVAILABLE, &inner.err, "no free database connection");
	desk_arena_free(a);
	desk_db_rollback(&cx);
}
END_TEST

START_TEST(more_statements_than_are_kept_do_no_harm)
{
	static char sql[2000][32];
	struct desk_rows *r;

	for (int i = 0; i < 2000; i++) {
		struct desk_buf b;

		desk_buf_init(&b, sizeof(sql[i]) - 1);
		desk_buf_addf(&b, "SELECT %d + $1::int4", i);
		memcpy(sql[i], b.p, b.n + 1);
		desk_buf_done(&b);
		ck_ok(desk_db_begin_platform(&cx), &cx.err);
		ck_ok(desk_db_query(&cx, &r, sql[i], desk_p_int32(1)), &cx.err);
		ck_assert_int_eq(desk_rows_int64(r, 0, 0), i + 1);
		ck_ok(desk_db_commit(&cx), &cx.err);
	}
}
END_TEST

START_TEST(a_notification_is_heard)
{
	struct desk_db_listener *l = desk_db_listener_new(db, "test_channel");

	ck_assert(desk_db_listener_wait(l, 1000, -1));	/* what was said before */
	ck_assert(!desk_db_listener_wait(l, 0, -1));
	ck_ok(desk_db_begin_platform(&cx), &cx.err);
	ck_ok(desk_db_exec(&cx, "NOTIFY test_channel"), &cx.err);
	ck_ok(desk_db_commit(&cx), &cx.err);
	ck_assert(desk_db_listener_wait(l, 5000, -1));
	desk_db_listener_free(l);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("db");
	TCase *t = tcase_create("db");

	if (getenv("DESK_TEST_DATABASE") == NULL)
		return 77;	/* no Postgres: ./dev test brings one */
	tcase_add_checked_fixture(t, db_setup, db_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, every_kind_of_value_comes_back_as_it_went);
	tcase_add_loop_test(t, a_half_precision_vector_is_rounded_to_nearest_even, 0,
			    DESK_ARRAY_LEN(half_cases));
	tcase_add_test(t, a_pipeline_answers_in_order);
	tcase_add_test(t, what_fails_in_a_pipeline_fails_the_commit_and_keeps_the_first_reason);
	tcase_add_test(t, a_deadline_cancels_the_statement);
	tcase_add_test(t, a_connection_that_was_lost_is_replaced);
	tcase_add_test(t, a_transaction_left_open_ends_with_its_arena);
	tcase_add_test(t, a_full_pool_says_so_at_the_deadline);
	tcase_add_test(t, more_statements_than_are_kept_do_no_harm);
	if (getenv("DESK_TEST_POOLER") == NULL)	/* who listens through a pooler hears nothing */
		tcase_add_test(t, a_notification_is_heard);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
