/* lib/ingestion/run.c - start frontdesk-extract on a document, watch it, read what it says. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * posix_spawn, not fork: the caller has threads. The child gets the document on fd 0, the pipe
 * on fd 1, nothing else of ours; its environment is two words. What it writes is not trusted.
 */
#include "ingestion/ingestion_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

const struct desk_extract_limits desk_extract_limits_default = {
	.memory = (size_t)512 << 20, .seconds = 55, .output = (size_t)64 << 20,
};

#define RUN_NAME 160	/* bytes of a name in a reason */

/* One run: what the records go to. */
struct run {
	const struct desk_extract_job *job;
	struct desk_extract_result    *out;
	desk_extract_fn               *fn;
	void                          *arg;
	struct desk_error             *err;
	size_t                         bytes, start;
	bool                           ended;
};

/* From bin/; from jobs/ of a build; from jobs/.libs/, where libtool puts the real program. */
static const char *const run_near[] = {
	"../libexec/frontdesk/frontdesk-extract", "../lib/frontdesk-extract",
	"../../lib/frontdesk-extract",
};

const char *desk_extract_program(char buf[DESK_EXTRACT_PATH])
{
	const char *set = secure_getenv("FRONTDESK_EXTRACT");
	ssize_t n = readlink("/proc/self/exe", buf, DESK_EXTRACT_PATH / 2);
	char *slash;

	if (set != NULL && set[0] != '\0')
		return set;
	if (n <= 0 || n >= DESK_EXTRACT_PATH / 2)
		return DESK_LIBEXECDIR "/frontdesk-extract";
	buf[n] = '\0';
	slash = strrchr(buf, '/');
	for (size_t i = 0; slash != NULL && i < DESK_ARRAY_LEN(run_near); i++) {
		desk_copy(slash + 1, DESK_EXTRACT_PATH / 2, run_near[i]);
		if (access(buf, X_OK) == 0)
			return buf;
	}
	return DESK_LIBEXECDIR "/frontdesk-extract";
}

static enum desk_status run_text(struct run *r, const struct frame *f)
{
	struct desk_extract_part part = { .page = f->page, .index = r->out->parts, .text = f->body };

	r->bytes += f->body.n;
	if (r->bytes > r->job->limits.output + FRAME_TEXT_MAX)
		return desk_error_set(r->err, DESK_E_UPSTREAM, "%s: the extractor sent more than %zu MB",
				      r->job->name, r->job->limits.output >> 20);
	if (r->out->parts == 0 || f->page != r->out->last_page)
		r->start = 0;
	part.start = r->start;
	part.chars = desk_utf8_count(f->body.p, f->body.n);
	r->start += part.chars;
	r->out->chars += part.chars;
	r->out->parts++;
	r->out->last_page = f->page;
	return r->fn(r->arg, &part);
}

static enum desk_status run_frame(void *arg, const struct frame *f)
{
	struct run *r = arg;

	switch (f->type) {
	case FRAME_FORMAT:
		desk_copy(r->out->format, sizeof(r->out->format), f->body.p);
		return DESK_OK;
	case FRAME_TITLE:
		desk_copy(r->out->title, sizeof(r->out->title), f->body.p);
		return DESK_OK;
	case FRAME_TEXT:
		return run_text(r, f);
	case FRAME_FAIL:
		return desk_error_set(r->err, DESK_E_INPUT, "%s: %s", r->job->name, f->body.p);
	case FRAME_END:
		r->out->pages = f->page;
		r->ended = true;
		return DESK_OK;
	}
	return DESK_E_BUG;
}

/* Read records until the pipe ends, the deadline passes or somebody says stop. */
static enum desk_status run_watch(struct run *r, int fd, bool *timed_out)
{
	struct desk_deadline end = desk_deadline_in_ms(NULL, (int64_t)r->job->limits.seconds * 1000);
	enum desk_status rc = DESK_OK;
	struct frame_reader reader;
	char *part = desk_xmalloc(65536);

	frame_reader_init(&reader);
	while (rc == DESK_OK) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int left = desk_deadline_left_ms(NULL, end, 60000);
		ssize_t n;

		*timed_out = left == 0;
		if (*timed_out || (poll(&p, 1, left) < 0 && errno != EINTR))
			break;
		n = p.revents != 0 ? read(fd, part, 65536) : -1;
		if (n == 0)
			break;
		if (n > 0)
			rc = frame_read(&reader, (struct desk_str){ part, (size_t)n }, run_frame, r, r->err);
	}
	frame_reader_done(&reader);
	free(part);
	return rc;
}

/* Signals as a new program expects them, whatever the caller's thread blocks. */
static void run_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(attr);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setpgroup(attr, 0);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
					       POSIX_SPAWN_SETPGROUP);
}

static int run_spawn(const struct desk_extract_job *job, int out, pid_t *pid)
{
	char memory[24], seconds[24], output[24];
	char *argv[] = { (char *)"frontdesk-extract", (char *)(uintptr_t)job->name, memory, seconds,
			 output, NULL };
	char *envp[] = { (char *)"LC_ALL=C.UTF-8", (char *)"PATH=/nonexistent", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc;

	snprintf(memory, sizeof(memory), "%zu", job->limits.memory >> 20);
	snprintf(seconds, sizeof(seconds), "%u", job->limits.seconds);
	snprintf(output, sizeof(output), "%zu", job->limits.output >> 20);
	run_attributes(&attr);
	posix_spawn_file_actions_init(&files);
	/* The pipe first: the document may be fd 1, and the pipe fd 0. */
	posix_spawn_file_actions_adddup2(&files, out, 3);
	posix_spawn_file_actions_adddup2(&files, job->fd, 0);
	posix_spawn_file_actions_adddup2(&files, 3, 1);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&files, 3);
	rc = posix_spawn(pid, job->program, &files, &attr, argv, envp);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return rc;
}

static void run_reap(pid_t pid, bool kill_it, struct ingestion_end *end)
{
	struct rusage use = { 0 };

	if (kill_it)
		kill(pid, SIGKILL);
	while (wait4(pid, &end->wait_status, 0, &use) < 0 && errno == EINTR)
		;
	end->peak_kb = (uint64_t)use.ru_maxrss;
}

/* Both ends above the numbers that the child's files get. */
static bool run_pipe(int p[2])
{
	int low[2];

	if (pipe2(low, O_CLOEXEC) != 0)
		return false;
	for (int i = 0; i < 2; i++) {
		p[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 10);
		close(low[i]);
	}
	if (p[0] >= 0 && p[1] >= 0)
		return true;
	close(p[0]), close(p[1]);
	return false;
}

/* A long name keeps its end, where the extension is. */
static void run_name(const char *name, char out[RUN_NAME])
{
	size_t n = strlen(name);

	if (n >= RUN_NAME) {
		name += n - RUN_NAME + 4;
		while (((unsigned char)*name & 0xC0) == 0x80)
			name++;
		snprintf(out, RUN_NAME, "\xE2\x80\xA6%s", name);
	} else {
		desk_copy(out, RUN_NAME, name);
	}
}

/* Start the child; its pipe's read end, or -1 with the error set. */
static int run_start(const struct desk_extract_job *job, pid_t *pid, struct desk_error *err)
{
	struct desk_extract_job safe = *job;
	char near[DESK_EXTRACT_PATH];
	int p[2], code;

	if (safe.program == NULL)
		safe.program = desk_extract_program(near);
	if (!run_pipe(p)) {
		desk_error_set(err, DESK_E_UNAVAILABLE, "%s: no pipe: %s", job->name, strerror(errno));
		return -1;
	}
	safe.fd = fcntl(job->fd, F_DUPFD_CLOEXEC, 10);
	code = safe.fd >= 0 ? run_spawn(&safe, p[1], pid) : errno;
	close(p[1]);
	if (safe.fd >= 0)
		close(safe.fd);
	if (code == 0)
		return p[0];
	close(p[0]);
	desk_error_set(err, DESK_E_UNAVAILABLE, "%s: cannot start %s: %s", job->name, safe.program,
		       strerror(code));
	return -1;
}

enum desk_status desk_extract_run(const struct desk_extract_job *given, desk_extract_fn *fn, void *arg,
				  struct desk_extract_result *out, struct desk_error *err)
{
	struct desk_extract_job job = *given;
	struct run r = { .job = &job, .out = out, .fn = fn, .arg = arg, .err = err };
	const char *slash = strrchr(given->name, '/');
	struct ingestion_end end = { 0 };
	char name[RUN_NAME];
	enum desk_status rc;
	pid_t pid;
	int fd;

	/* Short enough that the reason behind it is never cut. */
	run_name(slash != NULL && slash[1] != '\0' ? slash + 1 : given->name, name);
	job.name = name;
	memset(out, 0, sizeof(*out));
	if (job.limits.seconds == 0)
		job.limits = desk_extract_limits_default;
	fd = run_start(&job, &pid, err);
	if (fd < 0)
		return DESK_E_UNAVAILABLE;
	rc = run_watch(&r, fd, &end.timed_out);
	close(fd);
	run_reap(pid, end.timed_out || rc != DESK_OK, &end);
	if (rc != DESK_OK)
		return rc;	/* the document's, the caller's or the protocol's */
	if (end.timed_out || !r.ended || end.wait_status != 0)
		return ingestion_reason(&end, job.name, &job.limits, err);
	return DESK_OK;
}
