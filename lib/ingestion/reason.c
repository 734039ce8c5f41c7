/* lib/ingestion/reason.c - how a child ended -> a reason that a person can act on. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/ingestion_int.h"

#include <signal.h>
#include <sys/wait.h>

static enum desk_status reason_signal(const struct ingestion_end *end, const char *name,
				      const struct desk_extract_limits *l, struct desk_error *err)
{
	int sig = WTERMSIG(end->wait_status);

	if (end->timed_out || sig == SIGXCPU || sig == SIGKILL)
		return desk_error_set(err, DESK_E_INPUT, "%s: reading it took more than %u seconds: split "
				      "it into smaller files, or save it anew and upload again", name,
				      l->seconds);
	if (sig == SIGSYS)
		return desk_error_set(err, DESK_E_INPUT, "%s: the file made the reader do what it must "
				      "not; it may be hostile: do not open it, ask its sender", name);
	if (sig == SIGABRT && end->peak_kb * 1024 > l->memory / 2)
		return desk_error_set(err, DESK_E_INPUT, "%s: reading it takes more than %zu MB of memory: "
				      "split it into smaller files", name, l->memory >> 20);
	return desk_error_set(err, DESK_E_INPUT, "%s: the file is damaged: the reader stopped in it "
			      "(signal %d); save it anew or print it to PDF and upload that", name, sig);
}

enum desk_status ingestion_reason(const struct ingestion_end *end, const char *name,
				  const struct desk_extract_limits *l, struct desk_error *err)
{
	int code;

	if (WIFSIGNALED(end->wait_status))
		return reason_signal(end, name, l, err);
	code = WEXITSTATUS(end->wait_status);
	if (code == 71)
		return desk_error_set(err, DESK_E_UNAVAILABLE, "%s: frontdesk-extract could not shut itself "
				      "in (limits, user or seccomp); nothing was read", name);
	if (code == 64 || code == 126 || code == 127)
		return desk_error_set(err, DESK_E_UNAVAILABLE, "%s: frontdesk-extract does not run (exit "
				      "%d)", name, code);
	return desk_error_set(err, DESK_E_INPUT, "%s: the file is damaged or takes more than %zu MB of "
			      "memory to read: save it anew or split it, and upload that", name,
			      l->memory >> 20);
}
