/* tests/support/extract_selftest.c - frontdesk-extract that tries to break out; in the tests only. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Linked with the real main.c and sandbox.c. A document "SELFTEST word" makes the shut-in child do
 * what the word says. Where it may answer, it answers with text records.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ingestion/child/child.h"

void extract_selftest(const struct extract_doc *d);
extern char **environ;

static void say_frame(enum frame_type type, uint32_t page, const char *text)
{
	unsigned char head[FRAME_HEAD];

	frame_head_write(head, type, page, (uint32_t)strlen(text));
	if (write(1, head, FRAME_HEAD) != FRAME_HEAD || write(1, text, strlen(text)) < 0)
		_exit(1);
}

static void say(const char *text)
{
	say_frame(FRAME_FORMAT, 0, "selftest");
	say_frame(FRAME_TEXT, 0, text);
	say_frame(FRAME_END, 0, "");
	_exit(0);
}

static void try_who(void)
{
	char text[200];
	int fds = 0, words = 0;

	for (int i = 0; i < 1024; i++)
		fds += fcntl(i, F_GETFD) >= 0;
	while (environ[words] != NULL)
		words++;
	snprintf(text, sizeof(text), "uid=%d gid=%d fds=%d env=%d", (int)getuid(), (int)getgid(), fds, words);
	say(text);
}

static void try_write(void)
{
	int fd = open("/tmp/frontdesk-selftest-breach", O_WRONLY | O_CREAT, 0600);

	say(fd < 0 ? "denied" : "BREACH");
}

static void try_read(void)
{
	say(open("/etc/passwd", O_RDONLY) < 0 ? "denied" : "BREACH");
}

static void try_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	say(p == MAP_FAILED ? "denied" : "BREACH");
}

static void try_socket(void)
{
	say(socket(AF_INET, SOCK_STREAM, 0) < 0 ? "denied" : "BREACH");
}

static void try_fork(void)
{
	say(fork() < 0 ? "denied" : "BREACH");
}

static void try_exec(void)
{
	char *argv[] = { (char *)"true", NULL };

	execv("/bin/true", argv);
	say("denied");
}

static void try_ptrace(void)
{
	say(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 ? "denied" : "BREACH");
}

static void try_kill(void)
{
	say(kill(getppid(), 0) < 0 ? "denied" : "BREACH");
}

static void try_memory(void)
{
	for (int i = 0; i < 2048; i++)
		memset(desk_xmalloc(1 << 20), 1, 1 << 20);
	say("BREACH");
}

static void try_loop(void)
{
	for (volatile unsigned i = 0;; i++)
		;
}

static void try_sleep(void)
{
	struct timespec t = { 1000, 0 };

	nanosleep(&t, NULL);
	say("BREACH");
}

static void try_flood(void)
{
	static char text[FRAME_TEXT_MAX / 2];

	memset(text, 'x', sizeof(text) - 1);
	say_frame(FRAME_FORMAT, 0, "selftest");
	for (;;)
		say_frame(FRAME_TEXT, 0, text);
}

static void try_garbage(void)
{
	if (write(1, "FDY\1 this is no record", 22) > 0)
		_exit(0);
}

static void try_silence(void)
{
	say_frame(FRAME_FORMAT, 0, "selftest");
	_exit(0);
}

static void try_crash(void)
{
	raise(SIGSEGV);
}

void extract_selftest(const struct extract_doc *d)
{
	static const struct {
		const char *word;
		void (*act)(void);
	} acts[] = {
		{ "who", try_who }, { "write", try_write }, { "read", try_read }, { "code", try_code },
		{ "socket", try_socket }, { "fork", try_fork }, { "exec", try_exec },
		{ "ptrace", try_ptrace }, { "kill", try_kill }, { "memory", try_memory },
		{ "loop", try_loop }, { "sleep", try_sleep }, { "flood", try_flood },
		{ "garbage", try_garbage }, { "silence", try_silence }, { "crash", try_crash },
	};

	for (size_t i = 0; i < DESK_ARRAY_LEN(acts); i++) {
		struct desk_str word = desk_str_of(acts[i].word);

		if (d->head_n == 9 + word.n && memcmp(d->head, "SELFTEST ", 9) == 0 &&
		    memcmp(d->head + 9, word.p, word.n) == 0)
			acts[i].act();
	}
}
