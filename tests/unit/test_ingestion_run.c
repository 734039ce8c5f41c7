/* tests/unit/test_ingestion_run.c - claims about the sandbox and about what the parent makes of its end. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ck_desk.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ingestion/ingestion.h"

#if defined(__SANITIZE_ADDRESS__)
#define RUN_ASAN 1
#else
#define RUN_ASAN 0
#endif

static enum desk_status keep(void *arg, const struct desk_extract_part *part)
{
	struct desk_buf *b = arg;

	return desk_buf_add(b, part->text.p, part->text.n) ? DESK_OK : DESK_E_TOO_LARGE;
}

struct ran {
	enum desk_status           rc;
	struct desk_extract_result out;
	struct desk_error          err;
	struct desk_buf            text;
};

static struct ran run_bytes(const char *name, const char *bytes, size_t n, uint32_t seconds)
{
	struct desk_extract_job job = { .fd = memfd_create("doc", MFD_CLOEXEC), .name = name,
					.limits = desk_extract_limits_default,
					.program = DESK_TEST_EXTRACT };
	struct ran r = { .rc = DESK_OK };

	job.limits.seconds = seconds;
	job.limits.output = (size_t)8 << 20;
	desk_buf_init(&r.text, (size_t)16 << 20);
	ck_assert_int_eq(write(job.fd, bytes, n), (ssize_t)n);
	r.rc = desk_extract_run(&job, keep, &r.text, &r.out, &r.err);
	close(job.fd);
	return r;
}

static struct ran run_selftest(const char *word, uint32_t seconds)
{
	char bytes[64];

	snprintf(bytes, sizeof(bytes), "SELFTEST %s", word);
	return run_bytes("evil.txt", bytes, strlen(bytes), seconds);
}

START_TEST(the_child_is_nobody_with_two_files_and_two_words_of_environment)
{
	struct ran r = run_selftest("who", 10);
	char want[100];
	int id = getuid() == 0 ? 65534 : (int)getuid(), group = getuid() == 0 ? 65534 : (int)getgid();

	ck_ok(r.rc, &r.err);
	/* stdin, stdout and /dev/null */
	snprintf(want, sizeof(want), "uid=%d gid=%d fds=3 env=2", id, group);
	ck_assert_str_eq(r.text.p, want);
	desk_buf_done(&r.text);
}
END_TEST

static const char *const killed[] = { "socket", "fork", "exec", "ptrace" };

START_TEST(a_forbidden_call_kills_the_child)
{
	struct ran r = run_selftest(killed[_i], 10);

	ck_fails(r.rc, DESK_E_INPUT, &r.err, "evil.txt: the file made the reader do what it must not");
	ck_assert_uint_eq(r.text.n, 0);
	desk_buf_done(&r.text);
}
END_TEST

START_TEST(a_signal_to_its_parent_kills_the_child)
{
	struct ran r = run_selftest("kill", 10);

	ck_fails(r.rc, DESK_E_INPUT, &r.err, "must not");
	desk_buf_done(&r.text);
}
END_TEST

START_TEST(the_child_writes_no_file)
{
	struct ran r = run_selftest("write", 10);

	ck_ok(r.rc, &r.err);
	ck_assert_str_eq(r.text.p, "denied");
	ck_assert_int_ne(access("/tmp/frontdesk-selftest-breach", F_OK), 0);
	desk_buf_done(&r.text);
}
END_TEST

START_TEST(the_child_makes_no_code)
{
	struct ran r = run_selftest("code", 10);

	ck_ok(r.rc, &r.err);
	ck_assert_str_eq(r.text.p, "denied");
	desk_buf_done(&r.text);
}
END_TEST

START_TEST(the_child_reads_no_other_file_where_the_kernel_has_landlock)
{
	struct ran r = run_selftest("read", 10);
	bool landlock = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
				LANDLOCK_CREATE_RULESET_VERSION) > 0;

	ck_ok(r.rc, &r.err);
	ck_assert_str_eq(r.text.p, landlock ? "denied" : "BREACH");
	desk_buf_done(&r.text);
}
END_TEST

START_TEST(memory_over_the_limit_ends_with_a_reason)
{
	struct ran r = { .rc = DESK_E_INPUT, .err.text = "memory" };

	if (!RUN_ASAN)	/* whose shadow is larger than any limit */
		r = run_selftest("memory", 30);
	ck_fails(r.rc, DESK_E_INPUT, &r.err, "memory");
	desk_buf_done(&r.text);
}
END_TEST

START_TEST(time_over_the_limit_ends_with_a_reason)
{
	struct ran r = run_selftest("loop", 1);

	ck_fails(r.rc, DESK_E_INPUT, &r.err, "evil.txt: reading it took more than 1 seconds");
	desk_buf_done(&r.text);
	r = run_selftest("sleep", 1);
	ck_fails(r.rc, DESK_E_INPUT, &r.err, "took more than 1 seconds");
	desk_buf_done(&r.text);
}
END_TEST

START_TEST(a_child_that_was_taken_over_is_not_believed)
{
	struct ran r = run_selftest("flood", 20);

	ck_fails(r.rc, DESK_E_UPSTREAM, &r.err, "sent more than 8 MB");
	desk_buf_done(&r.text);
	r = run_selftest("garbage", 10);
	ck_fails(r.rc, DESK_E_UPSTREAM, &r.err, "broke the record format");
	desk_buf_done(&r.text);
	r = run_selftest("silence", 10);
	ck_fails(r.rc, DESK_E_INPUT, &r.err, "evil.txt: ");
	desk_buf_done(&r.text);
}
END_TEST

START_TEST(a_crash_is_a_damaged_document)
{
	struct ran r = run_selftest("crash", 10);

	ck_fails(r.rc, DESK_E_INPUT, &r.err, "evil.txt: the file is damaged");
	desk_buf_done(&r.text);
}
END_TEST

START_TEST(a_missing_program_is_not_the_documents_fault)
{
	struct desk_extract_job job = { .fd = 0, .name = "a.txt", .program = "/nonexistent/frontdesk-extract" };
	struct desk_extract_result out;
	struct desk_error err = { 0 };

	ck_fails(desk_extract_run(&job, keep, NULL, &out, &err), DESK_E_UNAVAILABLE, &err, "/nonexistent");
}
END_TEST

static enum desk_status refuse(void *arg, const struct desk_extract_part *part)
{
	(void)arg, (void)part;
	return DESK_E_CONFLICT;
}

START_TEST(the_callers_refusal_ends_the_run)
{
	struct desk_extract_job job = { .fd = memfd_create("doc", MFD_CLOEXEC), .name = "a.txt",
					.program = DESK_TEST_EXTRACT };
	struct desk_extract_result out;
	struct desk_error err = { 0 };

	ck_assert_int_eq(write(job.fd, "some text", 9), 9);
	ck_assert_int_eq(desk_extract_run(&job, refuse, NULL, &out, &err), DESK_E_CONFLICT);
	close(job.fd);
}
END_TEST

static void *run_thread(void *arg)
{
	struct ran *r = arg;

	*r = run_bytes("note.md", "# Leave\n\n30 days.\n", 18, 20);
	return NULL;
}

START_TEST(several_threads_read_documents_at_once)
{
	struct ran r[6];
	pthread_t t[6];

	for (size_t i = 0; i < DESK_ARRAY_LEN(t); i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, run_thread, &r[i]), 0);
	for (size_t i = 0; i < DESK_ARRAY_LEN(t); i++) {
		pthread_join(t[i], NULL);
		ck_ok(r[i].rc, &r[i].err);
		ck_assert_str_eq(r[i].text.p, "# Leave\n\n30 days.");
		ck_assert_str_eq(r[i].out.title, "Leave");
		ck_assert_str_eq(r[i].out.format, "markdown");
		desk_buf_done(&r[i].text);
	}
}
END_TEST

START_TEST(long_text_comes_in_parts_that_join_exactly)
{
	size_t n = 5 << 20;
	char *text = desk_xmalloc(n);
	struct ran r;

	for (size_t i = 0; i < n; i++)
		text[i] = i % 97 == 96 ? '\n' : (char)('a' + i % 26);
	r = run_bytes("long.txt", text, n, 30);
	ck_ok(r.rc, &r.err);
	ck_assert_uint_ge(r.out.parts, 5);
	ck_assert_uint_eq(r.text.n, r.out.chars);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	ck_assert_uint_eq(r.text.n, n);
	ck_assert_int_eq(memcmp(r.text.p, text, n), 0);
	desk_buf_done(&r.text);
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingestion_run");
	TCase *t = tcase_create("run");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_child_is_nobody_with_two_files_and_two_words_of_environment);
	tcase_add_loop_test(t, a_forbidden_call_kills_the_child, 0, (int)DESK_ARRAY_LEN(killed));
	tcase_add_test(t, a_signal_to_its_parent_kills_the_child);
	tcase_add_test(t, the_child_writes_no_file);
	tcase_add_test(t, the_child_makes_no_code);
	tcase_add_test(t, the_child_reads_no_other_file_where_the_kernel_has_landlock);
	tcase_add_test(t, memory_over_the_limit_ends_with_a_reason);
	tcase_add_test(t, time_over_the_limit_ends_with_a_reason);
	tcase_add_test(t, a_child_that_was_taken_over_is_not_believed);
	tcase_add_test(t, a_crash_is_a_damaged_document);
	tcase_add_test(t, a_missing_program_is_not_the_documents_fault);
	tcase_add_test(t, the_callers_refusal_ends_the_run);
	tcase_add_test(t, several_threads_read_documents_at_once);
	tcase_add_test(t, long_text_comes_in_parts_that_join_exactly);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
