/* tests/unit/test_embed_builtin.c - claims about the vectors of the built-in embedder. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/embed_files.h"

#include <math.h>
#include <pthread.h>

static const struct desk_deadline never = { 0 };
static const char *const kernels[] = { "avx512", "avxvnni", "avx2", "plain" };

static void check_unit(const float *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * (double)v[i];
	ck_assert_double_eq_tol(sum, 1, 1e-5);
}

START_TEST(every_kernel_is_close_to_the_fp32_vectors)
{
	struct desk_embedder *e = embed_open_kernels(kernels[_i]);
	struct desk_error err = { 0 };
	json_t *all = embed_golden(), *row, *x;
	float got[384], want[384];
	size_t i, j, seen = 0;

	if (e == NULL)
		printf("kernels %s do not run on this processor\n", kernels[_i]);
	json_array_foreach(all, i, row) {
		const json_t *text = json_object_get(row, "text");
		struct desk_str s = { json_string_value(text), json_string_length(text) };
		json_t *vector = json_object_get(row, "vector");

		if (vector == NULL || e == NULL)
			continue;
		json_array_foreach(vector, j, x)
			want[j] = (float)json_number_value(x);
		ck_ok(desk_embed_texts(e, &s, 1, got, never, &err), &err);
		check_unit(got, 384);
		ck_assert_double_gt(embed_cosine(got, want, 384), 0.99);
		seen++;
	}
	ck_assert(e == NULL || seen >= 6);
	json_decref(all);
	desk_embedder_free(e);
}
END_TEST

START_TEST(a_text_has_the_same_vector_in_any_company)
{
	struct desk_embedder *e = embed_open_kernels(NULL);
	struct desk_error err = { 0 };
	struct desk_str texts[150];
	char *words = desk_xcalloc(150, 1024);
	float *all = desk_xcalloc(150 * 384, sizeof(float)), one[384];

	for (size_t i = 0; i < 150; i++) {	/* of 0 to 149 words, so passes of every make-up */
		char *at = words + i * 1024;

		for (size_t j = 0; j < i; j++)
			memcpy(at + j * 6, j % 3 == 0 ? "leave " : j % 3 == 1 ? "price " : "desk, ", 6);
		texts[i] = (struct desk_str){ at, i * 6 };
	}
	ck_ok(desk_embed_texts(e, texts, 150, all, never, &err), &err);
	for (size_t i = 0; i < 150; i++) {
		ck_ok(desk_embed_texts(e, &texts[i], 1, one, never, &err), &err);
		ck_assert_mem_eq(one, all + i * 384, sizeof(one));
	}
	free(all);
	free(words);
	desk_embedder_free(e);
}
END_TEST

START_TEST(odd_texts_have_unit_vectors)
{
	static const struct desk_str odd[] = {
		{ "", 0 }, { "\0\0", 2 }, { "\xFF\xFE\xC0", 3 }, { "\xF0\x9F\x98\x80\xF0\x9F\x98\x80", 8 },
		{ "[CLS][SEP][PAD]", 15 }, { "   \n\t ", 6 },
	};
	struct desk_embedder *e = embed_open_kernels(NULL);
	struct desk_error err = { 0 };
	struct desk_str big = { desk_xcalloc(1, 1 << 20), 1 << 20 };
	float v[384];

	for (size_t i = 0; i < DESK_ARRAY_LEN(odd); i++) {
		ck_ok(desk_embed_texts(e, &odd[i], 1, v, never, &err), &err);
		check_unit(v, 384);
	}
	memset((char *)big.p, 'q', big.n);
	ck_ok(desk_embed_texts(e, &big, 1, v, never, &err), &err);
	check_unit(v, 384);
	ck_ok(desk_embed_texts(e, NULL, 0, NULL, never, &err), &err);
	free((char *)big.p);
	desk_embedder_free(e);
}
END_TEST

START_TEST(a_passed_deadline_is_a_timeout)
{
	struct desk_embedder *e = embed_open_kernels(NULL);
	struct desk_error err = { 0 };
	struct desk_str s = DESK_STR("late");
	float v[384];

	ck_fails(desk_embed_texts(e, &s, 1, v, (struct desk_deadline){ 1 }, &err), DESK_E_TIMEOUT, &err,
		 "no time left");
	desk_embedder_free(e);
}
END_TEST

START_TEST(the_embedder_says_what_it_is)
{
	struct desk_embedder *e = embed_open_kernels(NULL);

	ck_assert_uint_eq(desk_embedder_dim(e), 384);
	ck_assert_str_eq(desk_embedder_name(e), "builtin/all-MiniLM-L6-v2-int8");
	ck_assert(desk_embedder_speaks(e, "en"));
	ck_assert(desk_embedder_speaks(e, "en-GB"));
	ck_assert(!desk_embedder_speaks(e, "de"));
	ck_assert(!desk_embedder_speaks(e, "eng"));
	ck_assert(!desk_embedder_speaks(e, NULL));
	desk_embedder_free(e);
}
END_TEST

START_TEST(an_unknown_provider_is_refused_by_name)
{
	struct desk_embed_options o = { .provider = "magic" };
	struct desk_embedder *e;
	struct desk_error err = { 0 };

	ck_fails(desk_embedder_open(&o, &e, &err), DESK_E_CONFIG, &err, "\"magic\"");
}
END_TEST

struct crowd {
	struct desk_embedder *e;
	float                 want[384];
	int                   same;
};

static void *crowd_run(void *arg)
{
	struct crowd *c = arg;
	struct desk_str s = DESK_STR("Where do I send a returned printer?");
	struct desk_error err = { 0 };
	float v[384];
	int same = 0;

	for (int i = 0; i < 20; i++)
		same += desk_embed_texts(c->e, &s, 1, v, never, &err) == DESK_OK &&
			memcmp(v, c->want, sizeof(v)) == 0;
	__atomic_add_fetch(&c->same, same, __ATOMIC_RELAXED);
	return NULL;
}

START_TEST(eight_threads_share_two_places_and_get_the_same_vectors)
{
	struct crowd c = { .e = embed_open_kernels(NULL) };
	struct desk_str s = DESK_STR("Where do I send a returned printer?");
	struct desk_error err = { 0 };
	pthread_t t[8];

	ck_ok(desk_embed_texts(c.e, &s, 1, c.want, never, &err), &err);
	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, crowd_run, &c), 0);
	for (size_t i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	ck_assert_int_eq(c.same, 160);
	desk_embedder_free(c.e);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("embed_builtin");
	TCase *t = tcase_create("embed_builtin");

	tcase_set_timeout(t, 60);	/* the plain kernels under a sanitizer */
	tcase_add_loop_test(t, every_kernel_is_close_to_the_fp32_vectors, 0, DESK_ARRAY_LEN(kernels));
	tcase_add_test(t, a_text_has_the_same_vector_in_any_company);
	tcase_add_test(t, odd_texts_have_unit_vectors);
	tcase_add_test(t, a_passed_deadline_is_a_timeout);
	tcase_add_test(t, the_embedder_says_what_it_is);
	tcase_add_test(t, an_unknown_provider_is_refused_by_name);
	tcase_add_test(t, eight_threads_share_two_places_and_get_the_same_vectors);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
