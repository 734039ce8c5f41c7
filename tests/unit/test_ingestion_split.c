/* tests/unit/test_ingestion_split.c - claims about the splitter (the library is the reference test). */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ck_desk.h"

#include "ingestion/ingestion.h"

struct seen {
	size_t n, stop_at;
	struct desk_split_chunk chunk[16];
};

static enum desk_status see(void *arg, const struct desk_split_chunk *c)
{
	struct seen *s = arg;

	if (s->n < DESK_ARRAY_LEN(s->chunk))
		s->chunk[s->n] = *c;
	s->n++;
	return s->n == s->stop_at ? DESK_E_CONFLICT : DESK_OK;
}

static const struct desk_str words[] = { { " ", 1 }, { "", 0 } };
static const struct desk_str only_lines[] = { { "\n", 1 } };

START_TEST(pieces_are_merged_up_to_the_size_and_overlap)
{
	struct desk_split_options opt = { 7, 3, words, 2 };
	struct seen s = { 0 };
	struct desk_error err = { 0 };

	ck_ok(desk_split(&opt, DESK_STR("aa bb cc dd"), see, &s, &err), &err);
	ck_assert_uint_eq(s.n, 3);
	ck_assert(desk_str_is(s.chunk[0].content, "aa bb"));
	ck_assert(desk_str_is(s.chunk[1].content, "bb cc"));
	ck_assert(desk_str_is(s.chunk[2].content, "cc dd"));
	ck_assert_uint_eq(s.chunk[2].index, 2);
	ck_assert_uint_eq(s.chunk[2].start, 6);
	ck_assert_uint_eq(s.chunk[2].end, 11);
}
END_TEST

START_TEST(offsets_count_code_points_and_bytes)
{
	struct desk_split_options opt = { 3, 0, words, 2 };
	struct seen s = { 0 };
	struct desk_error err = { 0 };

	ck_ok(desk_split(&opt, DESK_STR("\xC3\xA9\xC3\xA9 \xE2\x82\xAC\xE2\x82\xAC"), see, &s, &err),
	      &err);
	ck_assert_uint_eq(s.n, 2);
	ck_assert_uint_eq(s.chunk[1].byte, 5);
	ck_assert_uint_eq(s.chunk[1].start, 3);
	ck_assert_uint_eq(s.chunk[1].end, 5);
}
END_TEST

START_TEST(white_space_alone_gives_no_chunk)
{
	struct seen s = { 0 };
	struct desk_error err = { 0 };

	ck_ok(desk_split(NULL, DESK_STR(" \n\n\t\xC2\xA0\xE3\x80\x80\x1C"), see, &s, &err), &err);
	ck_ok(desk_split(NULL, DESK_STR(""), see, &s, &err), &err);
	ck_assert_uint_eq(s.n, 0);
}
END_TEST

START_TEST(a_long_piece_without_a_separator_stays_whole)
{
	struct desk_split_options opt = { 4, 0, only_lines, 1 };
	struct seen s = { 0 };
	struct desk_error err = { 0 };

	ck_ok(desk_split(&opt, DESK_STR(" abcdefgh "), see, &s, &err), &err);
	ck_assert_uint_eq(s.n, 1);
	ck_assert(desk_str_is(s.chunk[0].content, " abcdefgh "));
}
END_TEST

START_TEST(the_callers_refusal_ends_the_splitting)
{
	struct desk_split_options opt = { 3, 0, words, 2 };
	struct seen s = { .stop_at = 2 };

	ck_assert_int_eq(desk_split(&opt, DESK_STR("aa bb cc dd"), see, &s, NULL), DESK_E_CONFLICT);
	ck_assert_uint_eq(s.n, 2);
}
END_TEST

START_TEST(bad_options_and_bad_utf8_are_refused)
{
	struct desk_split_options opt = { 3, 4, words, 2 };
	struct desk_error err = { 0 };

	ck_fails(desk_split(&opt, DESK_STR("a"), see, NULL, &err), DESK_E_INPUT, &err, "overlap 4");
	desk_error_clear(&err);
	ck_fails(desk_split(NULL, DESK_STR("a\xFF"), see, NULL, &err), DESK_E_INPUT, &err, "UTF-8");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingestion_split");
	TCase *t = tcase_create("split");

	tcase_add_test(t, pieces_are_merged_up_to_the_size_and_overlap);
	tcase_add_test(t, offsets_count_code_points_and_bytes);
	tcase_add_test(t, white_space_alone_gives_no_chunk);
	tcase_add_test(t, a_long_piece_without_a_separator_stays_whole);
	tcase_add_test(t, the_callers_refusal_ends_the_splitting);
	tcase_add_test(t, bad_options_and_bad_utf8_are_refused);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
