/* tests/unit/test_config.c - claims about lib/config: what a setting may be, and what stops a start. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ck_desk.h"

#include <stdio.h>
#include <unistd.h>

#include "config/config.h"

#define GOOD_SECRET "b3f1c2a9e8d7460f9a1c5e2d7b8406f3c1"

static char config_path[] = "/tmp/desk_config_XXXXXX";

static void config_write(const char *text)
{
	FILE *f = fopen(config_path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void config_setup(void)
{
	static const char template[] = "/tmp/desk_config_XXXXXX";
	int fd;

	clearenv();
	memcpy(config_path, template, sizeof(template));
	fd = mkstemp(config_path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void config_teardown(void)
{
	unlink(config_path);
}

START_TEST(the_environment_wins_over_the_file)
{
	struct desk_config *c = NULL;
	struct desk_error err = { 0 };

	config_write("DB_POOL_SIZE=3\nOPENAI_MODEL=\"a b\"\n# no\nexport LOG_LEVEL='warn'\n");
	setenv("DB_POOL_SIZE", "5", 1);
	ck_ok(desk_config_load(config_path, DESK_NEED_NOTHING, &c, &err), &err);
	ck_assert_int_eq(c->DB_POOL_SIZE, 5);
	ck_assert_str_eq(c->OPENAI_MODEL, "a b");
	ck_assert_str_eq(c->LOG_LEVEL, "warn");
	ck_assert_int_eq(c->JWT_EXPIRES_MINUTES, 60);
	desk_config_free(c);
}
END_TEST

START_TEST(names_may_have_any_case)
{
	struct desk_config *c = NULL;
	struct desk_error err = { 0 };

	config_write("jwt_secret=" GOOD_SECRET "\n");
	setenv("Jwt_Expires_Minutes", "5", 1);
	ck_ok(desk_config_load(config_path, DESK_NEED_JWT, &c, &err), &err);
	ck_assert_int_eq(c->JWT_EXPIRES_MINUTES, 5);
	desk_config_free(c);
}
END_TEST

static const struct {
	const char *text, *complaint;
} config_refused[] = {
	{ "", "setting JWT_SECRET: is missing" },
	{ "JWT_SECRET=secret", "well-known" },
	{ "JWT_SECRET=secretsecretsecretsecretsecretsecretsecret", "well-known" },
	{ "JWT_SECRET=your-256-bit-secret-0123456789-0123456789", "well-known" },
	{ "JWT_SECRET=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "well-known" },
	{ "JWT_SECRET=0123456789abcdef0123456789abcde", "31 bytes" },
	{ "JWT_SECRET=" GOOD_SECRET "\nDB_POOL_SIZE=0", "setting DB_POOL_SIZE: must be 1 to 200" },
	{ "JWT_SECRET=" GOOD_SECRET "\nDB_POOL_SIZE=8x", "setting DB_POOL_SIZE: must be a whole number" },
	{ "JWT_SECRET=" GOOD_SECRET "\nDB_PREPARED_STATEMENTS=maybe", "must be on or off" },
	{ "JWT_SECRET=" GOOD_SECRET "\nLLM_PROVIDER=gpt", "setting LLM_PROVIDER: must be auto" },
	{ "JWT_SECRET=" GOOD_SECRET "\nREDIS_URL=localhost:6379", "setting REDIS_URL: must start with" },
	{ "JWT_SECRET=" GOOD_SECRET "\nOPENAI_BASE_URL=ftp://x", "setting OPENAI_BASE_URL: must start with" },
	{ "JWT_SECRET=" GOOD_SECRET "\nFCGI_SOCKET_MODE=rw", "setting FCGI_SOCKET_MODE: must be octal" },
	{ "no equals sign", "line 1 of the env file is not NAME=value" },
	{ "A=1\nB=\"never closed", "line 2 of the env file has a quote" },
};

START_TEST(a_wrong_value_stops_the_start_with_its_name_and_the_reason)
{
	struct desk_config *c = NULL;
	struct desk_error err = { 0 };

	config_write(config_refused[_i].text);
	ck_fails(desk_config_load(config_path, DESK_NEED_JWT, &c, &err), DESK_E_CONFIG, &err,
		 config_refused[_i].complaint);
	ck_assert_ptr_null(c);
}
END_TEST

START_TEST(a_refusal_never_shows_the_secret)
{
	struct desk_config *c = NULL;
	struct desk_error err = { 0 };

	config_write("JWT_SECRET=hunter2hunter2");
	ck_assert_int_eq(desk_config_load(config_path, DESK_NEED_JWT, &c, &err), DESK_E_CONFIG);
	ck_assert_ptr_null(strstr(err.text, "hunter2"));
}
END_TEST

START_TEST(an_env_file_that_is_not_there_is_said)
{
	struct desk_config *c = NULL;
	struct desk_error err = { 0 };

	ck_fails(desk_config_load("/nonexistent/frontdesk.env", 0, &c, &err), DESK_E_CONFIG, &err,
		 "/nonexistent/frontdesk.env");
}
END_TEST

START_TEST(what_a_program_needs_is_asked_for)
{
	struct desk_config *c = NULL;
	struct desk_error err = { 0 };

	ck_fails(desk_config_load(NULL, DESK_NEED_DB, &c, &err), DESK_E_CONFIG, &err,
		 "setting DATABASE_URL: is missing");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("config");

	tcase_add_checked_fixture(t, config_setup, config_teardown);
	tcase_add_test(t, the_environment_wins_over_the_file);
	tcase_add_test(t, names_may_have_any_case);
	tcase_add_loop_test(t, a_wrong_value_stops_the_start_with_its_name_and_the_reason, 0,
			    DESK_ARRAY_LEN(config_refused));
	tcase_add_test(t, a_refusal_never_shows_the_secret);
	tcase_add_test(t, an_env_file_that_is_not_there_is_said);
	tcase_add_test(t, what_a_program_needs_is_asked_for);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
