/* lib/log/log.h - structured log: one JSON object a line. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file    duty
 * ------  -------------------------------------------------------------------
 * log.c   the writer: time, level, event, correlation_id, tenant_id, fields
 * mask.c  what a secret looks like, so that none reaches a line
 */
#ifndef DESK_LOG_H
#define DESK_LOG_H

#include "base/base.h"

#pragma GCC visibility push(default)

enum desk_log_level { DESK_LOG_DEBUG, DESK_LOG_INFO, DESK_LOG_WARN, DESK_LOG_ERROR };

/* One field of a line. Make them with the DESK_L_ macros; strings are borrowed for the call. */
struct desk_log_field {
	const char *key;	/* NULL ends the list */
	enum { DESK_LF_STR, DESK_LF_INT, DESK_LF_DOUBLE, DESK_LF_BOOL, DESK_LF_JSON } kind;
	const char   *s;
	int64_t       i;
	double        d;
	const json_t *j;
};
#define DESK_L_STR(k, v) ((struct desk_log_field){ .key = (k), .kind = DESK_LF_STR, .s = (v) })
#define DESK_L_INT(k, v) ((struct desk_log_field){ .key = (k), .kind = DESK_LF_INT, .i = (int64_t)(v) })
#define DESK_L_DOUBLE(k, v) ((struct desk_log_field){ .key = (k), .kind = DESK_LF_DOUBLE, .d = (v) })
#define DESK_L_BOOL(k, v) ((struct desk_log_field){ .key = (k), .kind = DESK_LF_BOOL, .i = (v) })
#define DESK_L_JSON(k, v) ((struct desk_log_field){ .key = (k), .kind = DESK_LF_JSON, .j = (v) })

/*
 * Lines go to `fd` (borrowed) in one write(2) each, so that processes may share a file.
 * `program` is borrowed. The level is a name: debug, info, warn, error.
 */
struct desk_log *desk_log_new(int fd, const char *program, enum desk_log_level level);	/* owned */
void desk_log_free(struct desk_log *log);
DESK_MUST_CHECK bool desk_log_level_parse(const char *name, enum desk_log_level *out);

/* `log` may be NULL: nothing is written. A line has at most 16 KiB; longer strings are cut. */
void desk_log_write(struct desk_log *log, enum desk_log_level level, const char *event,
		    const struct desk_log_field *fields);
#define desk_log_event(log, level, event, ...)                                            \
	desk_log_write((log), (level), (event),                                           \
		       (const struct desk_log_field[]){ __VA_ARGS__ __VA_OPT__(,) { .key = NULL } })

/* The same with what the context knows: correlation_id, tenant_id. */
void desk_log_ctx_write(const struct desk_ctx *cx, enum desk_log_level level, const char *event,
			const struct desk_log_field *fields);
#define desk_log_ctx(cx, level, event, ...)                                               \
	desk_log_ctx_write((cx), (level), (event),                                        \
			   (const struct desk_log_field[]){ __VA_ARGS__ __VA_OPT__(,) { .key = NULL } })

/* cx->err as one line: status, reason, SQLSTATE, the place in the source. */
void desk_log_error(const struct desk_ctx *cx, const char *event);

/*
 * Copies text with everything that looks like a secret replaced by ***: passwords in URLs and
 * conninfo strings, bearer tokens, JWTs, keys of the providers we know. Cut at cap.
 */
void desk_log_mask(const char *text, char *out, size_t cap);

#pragma GCC visibility pop
#endif
