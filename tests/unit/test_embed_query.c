/* tests/unit/test_embed_query.c - claims about the caches of question vectors. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "embed/lru.c"
#include "embed/query.c"

#include "support/embed_files.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct desk_deadline never = { 0 };

static struct desk_embedder *small_open(void)
{
	char path[4096];
	struct desk_embed_options o = { .model_path = embed_file(EMBED_SMALL, path) };
	struct desk_embedder *e = NULL;
	struct desk_error err = { 0 };

	ck_ok(desk_embedder_open(&o, &e, &err), &err);
	return e;
}

static bool ask(struct desk_embedder *e, struct desk_embed_cache *c, const char *text, float *out)
{
	struct desk_error err = { 0 };
	bool hit;

	ck_ok(desk_embed_query(e, c, desk_str_of(text), out, &hit, never, &err), &err);
	return hit;
}

START_TEST(a_question_asked_again_is_a_hit_whatever_its_spaces)
{
	struct desk_embedder *e = small_open();
	struct desk_embed_cache *c = desk_embed_cache_new(1 << 20, NULL);
	struct desk_embed_cache_stats s;
	float a[32], b[32];

	ck_assert(!ask(e, c, "a ab", a));
	ck_assert(ask(e, c, " a\t\n ab ", b));
	ck_assert_mem_eq(a, b, sizeof(a));
	ck_assert(!ask(e, c, "ab a", b));
	ck_assert(!ask(e, c, "", b));
	ck_assert(ask(e, c, "  ", b));
	desk_embed_cache_stats(c, &s);
	ck_assert_uint_eq(s.hits, 2);
	ck_assert_uint_eq(s.misses, 3);
	ck_assert_uint_eq(s.entries, 3);
	ck_assert(!ask(e, NULL, "a ab", b));
	ck_assert_mem_eq(a, b, sizeof(a));
	desk_embed_cache_free(c);
	desk_embedder_free(e);
}
END_TEST

START_TEST(the_cache_keeps_within_its_bytes_and_drops_the_oldest)
{
	struct embed_lru *l = embed_lru_new(10 * lru_entry_bytes(4));
	unsigned char key[EMBED_KEY_BYTES] = { 0 };
	float v[4] = { 0 };
	size_t bytes, entries;

	for (int i = 0; i < 1000; i++) {
		key[0] = (unsigned char)i;
		key[1] = (unsigned char)(i >> 8);
		v[0] = (float)i;
		embed_lru_put(l, key, v, 4);
		key[0] = key[1] = 0;	/* the first is asked for each time, so it stays */
		ck_assert(embed_lru_get(l, key, v, 4));
		ck_assert_float_eq(v[0], 0);
	}
	embed_lru_size(l, &bytes, &entries);
	ck_assert_uint_eq(entries, 10);
	ck_assert_uint_le(bytes, 10 * lru_entry_bytes(4));
	key[0] = 999 & 0xFF;
	key[1] = 999 >> 8;
	ck_assert(embed_lru_get(l, key, v, 4));
	key[0] = 900 & 0xFF;
	ck_assert(!embed_lru_get(l, key, v, 4));
	embed_lru_free(l);
}
END_TEST

START_TEST(a_vector_larger_than_the_cache_is_not_kept)
{
	struct embed_lru *l = embed_lru_new(16);
	unsigned char key[EMBED_KEY_BYTES] = { 1 };
	float v[4] = { 0 };

	embed_lru_put(l, key, v, 4);
	ck_assert(!embed_lru_get(l, key, v, 4));
	embed_lru_free(l);
}
END_TEST

static const struct { float value; uint16_t half; } halves[] = {
	{ 0.0f, 0x0000 }, { -0.0f, 0x8000 }, { 1.0f, 0x3C00 }, { -2.0f, 0xC000 }, { 65504.0f, 0x7BFF },
	{ 0.1f, 0x2E66 }, { 6.103515625e-05f, 0x0400 }, { 5.960464478e-08f, 0x0001 },
	{ 1.0f + 1.0f / 2048, 0x3C00 }, { 1.0f + 3.0f / 2048, 0x3C02 },	/* ties go to even */
	{ 1e-9f, 0x0000 }, { 1e9f, 0x7C00 },
};

START_TEST(halves_are_ieee_754)
{
	unsigned char raw[2];
	float back;

	embed_half_pack(&halves[_i].value, 1, raw);
	ck_assert_uint_eq(raw[0] | raw[1] << 8, halves[_i].half);
	embed_half_unpack(raw, 1, &back);
	if (halves[_i].value < 65505.0f)
		ck_assert_float_eq_tol(back, halves[_i].value, 6e-4f * fabsf(halves[_i].value) + 3e-8f);
}
END_TEST

/* ---- with a Redis of our own ---------------------------------------------- */

static char dir[64], url[128];
static pid_t redis;

static void redis_setup(void)
{
	struct desk_cache *c = NULL;
	struct desk_error err = { 0 };
	char sock[96];

	snprintf(dir, sizeof(dir), "/tmp/test_embed_query.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(sock, sizeof(sock), "%s/sock", dir);
	snprintf(url, sizeof(url), "unix://%s", sock);
	redis = fork();
	if (redis == 0) {
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(1);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", sock, "--save", "",
		       "--appendonly", "no", "--dir", dir, (char *)NULL);
		_exit(127);
	}
	ck_ok(desk_cache_open(url, &c, &err), &err);
	for (int i = 0; i < 500 && desk_cache_ping(c, NULL) != DESK_OK; i++)
		usleep(10000);
	desk_error_clear(&err);
	ck_ok(desk_cache_ping(c, &err), &err);
	desk_cache_free(c);
}

static void redis_stop(void)
{
	if (redis > 0) {
		kill(redis, SIGKILL);
		waitpid(redis, NULL, 0);
		redis = 0;
	}
}

static void redis_teardown(void)
{
	char sock[96];

	redis_stop();
	snprintf(sock, sizeof(sock), "%s/sock", dir);
	unlink(sock);
	rmdir(dir);
}

START_TEST(another_process_finds_the_vector_in_redis)
{
	struct desk_embedder *e = small_open();
	struct desk_cache *shared;
	struct desk_error err = { 0 };
	struct desk_embed_cache *one, *two;
	struct desk_embed_cache_stats s;
	float a[32], b[32];

	ck_ok(desk_cache_open(url, &shared, &err), &err);
	one = desk_embed_cache_new(1 << 20, shared);
	two = desk_embed_cache_new(1 << 20, shared);
	ck_assert(!ask(e, one, "a a ab", a));
	ck_assert(ask(e, two, "a a ab", b));
	ck_assert_double_gt(embed_cosine(a, b, 32), 0.999999);
	ck_assert(ask(e, two, "a a ab", b));
	desk_embed_cache_stats(two, &s);
	ck_assert_uint_eq(s.shared_hits, 1);
	ck_assert_uint_eq(s.hits, 1);
	desk_embed_cache_free(one);
	desk_embed_cache_free(two);
	desk_cache_free(shared);
	desk_embedder_free(e);
}
END_TEST

START_TEST(a_redis_that_is_gone_is_no_cache_and_no_error)
{
	struct desk_embedder *e = small_open();
	struct desk_cache *shared;
	struct desk_error err = { 0 };
	struct desk_embed_cache *c;
	float a[32];

	ck_ok(desk_cache_open(url, &shared, &err), &err);
	c = desk_embed_cache_new(1 << 20, shared);
	redis_stop();
	ck_assert(!ask(e, c, "a ab", a));
	ck_assert(ask(e, c, "a ab", a));
	desk_embed_cache_free(c);
	desk_cache_free(shared);
	desk_embedder_free(e);
}
END_TEST

static const struct { const char *value; size_t n; } spoiled[] = {
	{ "", 0 }, { "short", 5 },
	{ "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 64 },
	{ "\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F"
	  "\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F"
	  "\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F"
	  "\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F\xFF\x7F", 64 },
};

START_TEST(a_spoiled_vector_in_redis_is_computed_again)
{
	struct desk_embedder *e = small_open();
	struct desk_cache *shared;
	struct desk_error err = { 0 };
	struct desk_embed_cache *c;
	char key[sizeof(QUERY_PREFIX) - 1 + EMBED_KEY_BYTES] = QUERY_PREFIX;
	float a[32], b[32];

	ck_ok(desk_cache_open(url, &shared, &err), &err);
	c = desk_embed_cache_new(1 << 20, shared);
	query_key(e, DESK_STR("ab"), (unsigned char *)key + sizeof(QUERY_PREFIX) - 1);
	ck_ok(desk_cache_set(shared, (struct desk_str){ key, sizeof(key) },
			     (struct desk_str){ spoiled[_i].value, spoiled[_i].n }, 60, &err), &err);
	ask(e, NULL, "ab", a);
	ck_assert(!ask(e, c, "ab", b));
	ck_assert_mem_eq(a, b, sizeof(a));
	desk_embed_cache_free(c);
	desk_cache_free(shared);
	desk_embedder_free(e);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("embed_query");
	TCase *own = tcase_create("own"), *with = tcase_create("redis");

	tcase_add_test(own, a_question_asked_again_is_a_hit_whatever_its_spaces);
	tcase_add_test(own, the_cache_keeps_within_its_bytes_and_drops_the_oldest);
	tcase_add_test(own, a_vector_larger_than_the_cache_is_not_kept);
	tcase_add_loop_test(own, halves_are_ieee_754, 0, DESK_ARRAY_LEN(halves));
	tcase_add_checked_fixture(with, redis_setup, redis_teardown);
	tcase_set_timeout(with, 20);
	tcase_add_test(with, another_process_finds_the_vector_in_redis);
	tcase_add_test(with, a_redis_that_is_gone_is_no_cache_and_no_error);
	tcase_add_loop_test(with, a_spoiled_vector_in_redis_is_computed_again, 0, DESK_ARRAY_LEN(spoiled));
	suite_add_tcase(s, own);
	suite_add_tcase(s, with);
	return ck_run_suite(s);
}
