/* tests/unit/test_base.c - claims about lib/base. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ck_desk.h"

static const struct {
	const char *bytes;
	size_t      n;
	bool        valid;
} utf8_cases[] = {
	{ "", 0, true },
	{ "caf\xC3\xA9", 5, true },
	{ "\xF0\x9F\x98\x80", 4, true },
	{ "\xC0\x80", 2, false },	/* overlong NUL */
	{ "\xE0\x80\xAF", 3, false },	/* overlong slash */
	{ "\xED\xA0\x80", 3, false },	/* a surrogate */
	{ "\xF4\x90\x80\x80", 4, false },	/* past U+10FFFF */
	{ "\xE2\x82", 2, false },	/* cut short */
	{ "\xFF", 1, false },
};

START_TEST(utf8_is_judged_as_rfc_3629_says)
{
	ck_assert_int_eq(desk_utf8_valid(utf8_cases[_i].bytes, utf8_cases[_i].n),
			 utf8_cases[_i].valid);
}
END_TEST

START_TEST(cleaning_replaces_bad_bytes_and_drops_nul)
{
	struct desk_arena *a = desk_arena_new();
	size_t n;

	ck_assert_str_eq(desk_utf8_clean(a, "a\xFF\0b", 4, &n), "a\xEF\xBF\xBD" "b");
	ck_assert_uint_eq(n, 5);
	desk_arena_free(a);
}
END_TEST

static void note_order(void *arg)
{
	char **at = arg;

	*(*at)++ = 'x';
}

START_TEST(arena_runs_every_cleanup_once)
{
	struct desk_arena *a = desk_arena_new();
	char seen[4] = "", *at = seen;

	desk_arena_cleanup(a, note_order, &at);
	desk_arena_cleanup(a, note_order, &at);
	ck_assert_ptr_nonnull(desk_arena_alloc(a, 5 * 1024 * 1024));
	desk_arena_reset(a);
	desk_arena_free(a);
	ck_assert_str_eq(seen, "xx");
}
END_TEST

START_TEST(a_buffer_stops_at_its_maximum)
{
	struct desk_buf b;

	desk_buf_init(&b, 8);
	ck_assert(desk_buf_adds(&b, "12345678"));
	ck_assert(!desk_buf_addc(&b, '9'));
	ck_assert(b.overflow);
	ck_assert_str_eq(b.p, "12345678");
	desk_buf_done(&b);
}
END_TEST

START_TEST(the_first_error_wins)
{
	struct desk_error err = { 0 };

	ck_assert_int_eq(desk_error_set(&err, DESK_E_DB, "first"), DESK_E_DB);
	ck_assert_int_eq(desk_error_set(&err, DESK_E_BUG, "second"), DESK_E_BUG);
	ck_assert_int_eq(err.code, DESK_E_DB);
	ck_assert_str_eq(err.text, "first");
	ck_assert_int_eq(desk_error_set(NULL, DESK_E_BUG, "nobody listens"), DESK_E_BUG);
}
END_TEST

static const char *not_numbers[] = { "", " 1", "1 ", "0x10", "9223372036854775808", "1e3", "+1", "--1" };

START_TEST(what_is_not_a_whole_number_is_refused)
{
	int64_t v;

	ck_assert(!desk_parse_int64(not_numbers[_i], &v));
}
END_TEST

START_TEST(a_uuid_made_is_a_valid_uuid)
{
	char id[DESK_UUID_LEN + 1];

	desk_uuid_v4(id);
	ck_assert(desk_uuid_valid(id));
	ck_assert_int_eq(id[14], '4');
	ck_assert(!desk_uuid_valid("x"));
}
END_TEST

START_TEST(a_correlation_id_with_odd_characters_is_replaced)
{
	char id[129];

	desk_correlation_id("abc-1._X", id);
	ck_assert_str_eq(id, "abc-1._X");
	desk_correlation_id("a\r\nSet-Cookie: b", id);
	ck_assert(desk_uuid_valid(id));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base");
	TCase *t = tcase_create("base");

	tcase_add_loop_test(t, utf8_is_judged_as_rfc_3629_says, 0, DESK_ARRAY_LEN(utf8_cases));
	tcase_add_test(t, cleaning_replaces_bad_bytes_and_drops_nul);
	tcase_add_test(t, arena_runs_every_cleanup_once);
	tcase_add_test(t, a_buffer_stops_at_its_maximum);
	tcase_add_test(t, the_first_error_wins);
	tcase_add_loop_test(t, what_is_not_a_whole_number_is_refused, 0,
			    DESK_ARRAY_LEN(not_numbers));
	tcase_add_test(t, a_uuid_made_is_a_valid_uuid);
	tcase_add_test(t, a_correlation_id_with_odd_characters_is_replaced);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
