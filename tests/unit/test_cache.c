/* tests/unit/test_cache.c - Redis URLs, and a cache that is there, is not, and comes back. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/url.c"
#include "support/ck_desk.h"

static const struct {
	const char *url, *path, *host;
	int port;
	const char *user, *password;
	int db;
} good[] = {
	{ "redis://localhost", "", "localhost", 6379, "", "", 0 },
	{ "redis://localhost/", "", "localhost", 6379, "", "", 0 },
	{ "redis://10.0.0.1:6380/3", "", "10.0.0.1", 6380, "", "", 3 },
	{ "redis://:p%40ss@host:1/2", "", "host", 1, "", "p@ss", 2 },
	{ "redis://me:a:b@host", "", "host", 6379, "me", "a:b", 0 },
	{ "redis://[::1]:7/1", "", "::1", 7, "", "", 1 },
	{ "redis://host?db=4&password=x", "", "host", 6379, "", "x", 4 },
	{ "unix:///run/redis.sock", "/run/redis.sock", "", 6379, "", "", 0 },
	{ "unix://:pw@/run/redis.sock?db=2", "/run/redis.sock", "", 6379, "", "pw", 2 },
	{ "unix:///run/redis.sock?db=1&password=a%26b", "/run/redis.sock", "", 6379, "", "a&b", 1 },
};

START_TEST(url_is_understood)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_error err = { 0 };
	struct cache_where w;

	ck_ok(cache_url_parse(a, good[_i].url, &w, &err), &err);
	ck_assert_str_eq(w.path, good[_i].path);
	ck_assert_str_eq(w.host, good[_i].host);
	ck_assert_int_eq(w.port, good[_i].port);
	ck_assert_str_eq(w.user, good[_i].user);
	ck_assert_str_eq(w.password, good[_i].password);
	ck_assert_int_eq(w.db, good[_i].db);
	desk_arena_free(a);
}
END_TEST

static const char *const bad[] = {
	"localhost", "http://x", "rediss://host", "redis://", "redis://host:0", "redis://host:99999",
	"redis://host:secret", "redis://host/secret", "redis://secret@host", "redis://:secret%zz@host",
	"redis://:secret%00@host", "redis://:secret%4", "unix://", "unix://relative/secret", "unix:///x?secret=1",
	"unix:///x?db=-1", "unix:///x?db=", "redis://host?db=secret",
};

START_TEST(bad_url_says_why_and_hides_the_rest)
{
	struct desk_error err = { 0 };
	struct desk_cache *c;

	ck_fails(desk_cache_open(bad[_i], &c, &err), DESK_E_CONFIG, &err, "REDIS_URL");
	ck_assert_ptr_null(strstr(err.text, "secret"));
	ck_assert_ptr_null(c);
}
END_TEST

static char dir[64], sock[96];
static pid_t redis_pid;

static bool can_connect(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool ok;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", sock);
	ok = connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0;
	close(fd);
	return ok;
}

static void redis_start(void)
{
	redis_pid = fork();
	if (redis_pid == 0) {
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(1);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", sock, "--save", "",
		       "--appendonly", "no", "--dir", dir, "--requirepass", "pw", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && !can_connect(); i++)
		usleep(10000);
	ck_assert_msg(can_connect(), "redis-server did not start");
}

static void redis_stop(void)
{
	if (redis_pid > 0) {
		kill(redis_pid, SIGKILL);
		waitpid(redis_pid, NULL, 0);
		redis_pid = 0;
	}
	unlink(sock);
}

static void redis_setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/frontdesk-test-redis-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(sock, sizeof(sock), "%s/s", dir);
	redis_start();
}

static void redis_teardown(void)
{
	redis_stop();
	rmdir(dir);
}

static struct desk_cache *open_cache(const char *login)
{
	struct desk_error err = { 0 };
	struct desk_cache *c;
	char url[256];

	snprintf(url, sizeof(url), "unix://%s%s?db=1", login, sock);
	ck_ok(desk_cache_open(url, &c, &err), &err);
	return c;
}

START_TEST(values_are_any_bytes)
{
	struct desk_cache *c = open_cache(":pw@");
	struct desk_arena *a = desk_arena_new();
	struct desk_error err = { 0 };
	struct desk_str got = { 0 }, key = { "k\0\r\n1", 5 }, value = { "\0\1\377\r\n", 5 };

	ck_assert_int_eq(desk_cache_get(c, key, a, &got, &err), DESK_E_NOT_FOUND);
	ck_assert_int_eq(err.code, DESK_OK);
	ck_ok(desk_cache_set(c, key, value, 60, &err), &err);
	ck_ok(desk_cache_get(c, key, a, &got, &err), &err);
	ck_assert(desk_str_eq(got, value));
	ck_ok(desk_cache_set(c, key, (struct desk_str){ "", 0 }, 60, &err), &err);
	ck_ok(desk_cache_get(c, key, a, &got, &err), &err);
	ck_assert_uint_eq(got.n, 0);
	ck_ok(desk_cache_ping(c, &err), &err);
	desk_arena_free(a);
	desk_cache_free(c);
}
END_TEST

START_TEST(wrong_password_is_unavailable)
{
	struct desk_cache *c = open_cache(":no@");
	struct desk_error err = { 0 };

	ck_fails(desk_cache_ping(c, &err), DESK_E_UNAVAILABLE, &err, "login");
	ck_assert_ptr_null(strstr(err.text, "no@"));
	desk_cache_free(c);
}
END_TEST

START_TEST(restart_under_a_pooled_connection_is_not_noticed)
{
	struct desk_cache *c = open_cache(":pw@");
	struct desk_error err = { 0 };

	ck_ok(desk_cache_set(c, DESK_STR("a"), DESK_STR("b"), 60, &err), &err);
	redis_stop();
	redis_start();
	ck_ok(desk_cache_set(c, DESK_STR("a"), DESK_STR("b"), 60, &err), &err);
	desk_cache_free(c);
}
END_TEST

START_TEST(dead_redis_costs_nothing_and_may_come_back)
{
	struct desk_cache *c = open_cache(":pw@");
	struct desk_error err = { 0 };
	int64_t began;

	redis_stop();
	ck_fails(desk_cache_set(c, DESK_STR("a"), DESK_STR("b"), 60, &err), DESK_E_UNAVAILABLE, &err, "reached");
	redis_start();
	began = desk_mono_us(NULL);
	desk_error_clear(&err);
	ck_fails(desk_cache_set(c, DESK_STR("a"), DESK_STR("b"), 60, &err), DESK_E_UNAVAILABLE, &err, "moment");
	ck_assert_int_lt(desk_mono_us(NULL) - began, 50 * 1000);
	ck_ok(desk_cache_ping(c, NULL), &err);	/* asks past the breaker, and so resets it */
	ck_ok(desk_cache_set(c, DESK_STR("a"), DESK_STR("b"), 60, NULL), &err);
	desk_cache_free(c);
}
END_TEST

START_TEST(silent_redis_is_given_up_soon)
{
	struct desk_cache *c = open_cache(":pw@");
	struct desk_error err = { 0 };
	int64_t began;

	ck_ok(desk_cache_ping(c, &err), &err);
	kill(redis_pid, SIGSTOP);
	began = desk_mono_us(NULL);
	ck_assert_int_eq(desk_cache_ping(c, &err), DESK_E_UNAVAILABLE);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(desk_cache_set(c, DESK_STR("a"), DESK_STR("b"), 60, &err), DESK_E_UNAVAILABLE);
	ck_assert_int_lt(desk_mono_us(NULL) - began, 900 * 1000);
	kill(redis_pid, SIGCONT);
	desk_cache_free(c);
}
END_TEST

START_TEST(no_redis_is_a_cache_that_is_never_there)
{
	struct desk_error err = { 0 };
	struct desk_cache *c;
	struct desk_str got;

	ck_ok(desk_cache_open("", &c, &err), &err);
	ck_assert_ptr_null(c);
	ck_assert_int_eq(desk_cache_get(c, DESK_STR("a"), NULL, &got, NULL), DESK_E_UNAVAILABLE);
	ck_assert_int_eq(desk_cache_set(c, DESK_STR("a"), DESK_STR("b"), 1, NULL), DESK_E_UNAVAILABLE);
	desk_cache_free(c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cache");
	TCase *url = tcase_create("url"), *redis = tcase_create("redis");

	tcase_add_loop_test(url, url_is_understood, 0, DESK_ARRAY_LEN(good));
	tcase_add_loop_test(url, bad_url_says_why_and_hides_the_rest, 0, DESK_ARRAY_LEN(bad));
	tcase_add_test(url, no_redis_is_a_cache_that_is_never_there);
	tcase_add_checked_fixture(redis, redis_setup, redis_teardown);
	tcase_add_test(redis, values_are_any_bytes);
	tcase_add_test(redis, wrong_password_is_unavailable);
	tcase_add_test(redis, restart_under_a_pooled_connection_is_not_noticed);
	tcase_add_test(redis, dead_redis_costs_nothing_and_may_come_back);
	tcase_add_test(redis, silent_redis_is_given_up_soon);
	tcase_set_timeout(redis, 20);
	suite_add_tcase(s, url);
	suite_add_tcase(s, redis);
	return ck_run_suite(s);
}
