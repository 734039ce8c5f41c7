/* tests/unit/test_tenancy_settings.c - a tenant's settings out of its jsonb. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ck_desk.h"
#include "tenancy/tenancy.h"

static struct desk_tenant_settings parsed(struct desk_arena *a, const char *text)
{
	struct desk_tenant_settings s;
	struct desk_error err = { 0 };
	json_t *v = NULL;

	ck_ok(desk_json_parse(a, text, strlen(text), &v, &err), &err);
	desk_tenant_settings_parse(a, v, &s);
	return s;
}

START_TEST(nothing_set_gives_the_defaults)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_tenant_settings s = parsed(a, "{}");

	ck_assert(!s.anonymous);
	ck_assert_int_eq(s.fusion, DESK_FUSION_RRF);
	ck_assert_double_eq_tol(s.weight_lexical, 0.3, 1e-9);
	ck_assert_double_eq_tol(s.weight_dense, 0.7, 1e-9);
	ck_assert_int_eq(s.rrf_constant, 60);
	ck_assert_int_eq(s.top_k, 5);
	ck_assert_double_eq_tol(s.handoff_threshold, 0.5, 1e-9);
	ck_assert_ptr_null(s.languages[0]);
	ck_assert_ptr_null(s.llm);
	ck_assert_int_eq(s.embedding_dim, 384);
	desk_arena_free(a);
}
END_TEST

START_TEST(convex_weighs_dense_by_point_six)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_tenant_settings s = parsed(a, "{\"fusion\": \"convex\"}");

	ck_assert_int_eq(s.fusion, DESK_FUSION_CONVEX);
	ck_assert_double_eq_tol(s.weight_dense, 0.6, 1e-9);
	desk_arena_free(a);
}
END_TEST

START_TEST(what_is_set_is_taken)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_tenant_settings s = parsed(
		a, "{\"anonymous\": true, \"top_k\": 8, \"languages\": [\"de\", \"en\"], \"llm\": \"none\", \"weight_dense\": 1}");

	ck_assert(s.anonymous);
	ck_assert_int_eq(s.top_k, 8);
	ck_assert_str_eq(s.languages[0], "de");
	ck_assert_str_eq(s.languages[1], "en");
	ck_assert_ptr_null(s.languages[2]);
	ck_assert_str_eq(s.llm, "none");
	ck_assert_double_eq_tol(s.weight_dense, 1, 1e-9);
	desk_arena_free(a);
}
END_TEST

static const char *const senseless[] = {
	"[]", "null", "7", "{\"top_k\": 0}", "{\"top_k\": 51}", "{\"top_k\": \"8\"}", "{\"top_k\": 1e99}",
	"{\"weight_dense\": -1}", "{\"weight_dense\": 2}", "{\"fusion\": \"magic\"}", "{\"fusion\": 1}",
	"{\"languages\": \"en\"}", "{\"languages\": [1, null, \"english\", \"\"]}", "{\"llm\": \"\"}",
	"{\"anonymous\": \"yes\"}", "{\"handoff_threshold\": 5}", "{\"embedding_dim\": 100000}",
};

START_TEST(what_makes_no_sense_has_its_default)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_tenant_settings s = parsed(a, senseless[_i]);

	ck_assert(!s.anonymous);
	ck_assert_int_eq(s.fusion, DESK_FUSION_RRF);
	ck_assert_int_eq(s.top_k, 5);
	ck_assert_double_eq_tol(s.weight_dense, 0.7, 1e-9);
	ck_assert_double_eq_tol(s.handoff_threshold, 0.5, 1e-9);
	ck_assert_ptr_null(s.languages[0]);
	ck_assert_ptr_null(s.llm);
	ck_assert_int_eq(s.embedding_dim, 384);
	desk_arena_free(a);
}
END_TEST

START_TEST(languages_past_what_fits_are_dropped)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_tenant_settings s = parsed(
		a, "{\"languages\": [\"aa\",\"bb\",\"cc\",\"dd\",\"ee\",\"ff\",\"gg\",\"hh\",\"ii\",\"jj\"]}");

	ck_assert_str_eq(s.languages[6], "gg");
	ck_assert_ptr_null(s.languages[7]);
	desk_arena_free(a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tenancy/settings");
	TCase *t = tcase_create("settings");

	tcase_add_test(t, nothing_set_gives_the_defaults);
	tcase_add_test(t, convex_weighs_dense_by_point_six);
	tcase_add_test(t, what_is_set_is_taken);
	tcase_add_loop_test(t, what_makes_no_sense_has_its_default, 0, (int)DESK_ARRAY_LEN(senseless));
	tcase_add_test(t, languages_past_what_fits_are_dropped);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
