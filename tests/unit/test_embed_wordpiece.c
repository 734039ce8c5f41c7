/* tests/unit/test_embed_wordpiece.c - claims about the tokenizer of the built-in embedder. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/embed_files.h"

static uint32_t ids[256];

START_TEST(texts_have_the_ids_of_the_reference_tokenizer)
{
	struct desk_embedder *e = embed_open_kernels(NULL);
	json_t *all = embed_golden(), *row;
	size_t i;

	ck_assert_uint_gt(json_array_size(all), 70);
	json_array_foreach(all, i, row) {
		const json_t *text = json_object_get(row, "text"), *want = json_object_get(row, "ids");
		struct desk_str s = { json_string_value(text), json_string_length(text) };
		size_t n = desk_embed_tokens(e, s, ids, DESK_ARRAY_LEN(ids));

		ck_assert_msg(n == json_array_size(want), "text %zu: %zu ids", i, n);
		for (size_t j = 0; j < n; j++)
			ck_assert_msg(ids[j] == json_integer_value(json_array_get(want, j)),
				      "text %zu: id %zu is %u", i, j, ids[j]);
	}
	json_decref(all);
	desk_embedder_free(e);
}
END_TEST

START_TEST(a_nul_is_dropped_and_a_bad_byte_too)
{
	static const struct desk_str same[] = {
		{ "ab", 2 }, { "a\0b", 3 }, { "a\xFF" "b", 3 }, { "a\xEF\xBF\xBD" "b", 5 }, { "ab\xE2\x82", 4 },
	};
	struct desk_embedder *e = embed_open_kernels(NULL);
	uint32_t first[256];
	size_t n = desk_embed_tokens(e, same[0], first, DESK_ARRAY_LEN(first));

	for (size_t i = 1; i < DESK_ARRAY_LEN(same); i++) {
		ck_assert_uint_eq(desk_embed_tokens(e, same[i], ids, DESK_ARRAY_LEN(ids)), n);
		ck_assert_mem_eq(ids, first, n * sizeof(*ids));
	}
	desk_embedder_free(e);
}
END_TEST

START_TEST(a_long_text_is_cut_and_still_ends_with_sep)
{
	struct desk_embedder *e = embed_open_kernels(NULL);
	size_t n = 1 << 20;
	char *text = desk_xmalloc(n);

	for (size_t i = 0; i < n; i++)
		text[i] = i % 5 == 4 ? ' ' : 'w';
	ck_assert_uint_eq(desk_embed_tokens(e, (struct desk_str){ text, n }, ids, 256), 256);
	ck_assert_uint_eq(ids[255], 102);
	ck_assert_uint_eq(desk_embed_tokens(e, (struct desk_str){ text, n }, ids, 2), 2);
	memset(text, 'w', n);
	ck_assert_uint_eq(desk_embed_tokens(e, (struct desk_str){ text, n }, ids, 256), 3);
	ck_assert_uint_eq(ids[1], 100);
	free(text);
	desk_embedder_free(e);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("embed_wordpiece");
	TCase *t = tcase_create("embed_wordpiece");

	tcase_add_test(t, texts_have_the_ids_of_the_reference_tokenizer);
	tcase_add_test(t, a_nul_is_dropped_and_a_bad_byte_too);
	tcase_add_test(t, a_long_text_is_cut_and_still_ends_with_sep);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
