/* lib/log/log.c - the log writer: one JSON object a line, one write(2) a line. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_LINE_MAX (16 * 1024)
#define LOG_VALUE_MAX 2048

struct desk_log {
	int                 fd;
	const char         *program;
	enum desk_log_level level;
};

static const char *const log_level_names[] = { "debug", "info", "warn", "error" };

struct desk_log *desk_log_new(int fd, const char *program, enum desk_log_level level)
{
	struct desk_log *log = desk_xcalloc(1, sizeof(*log));

	log->fd = fd;
	log->program = program;
	log->level = level;
	return log;
}

void desk_log_free(struct desk_log *log)
{
	free(log);
}

bool desk_log_level_parse(const char *name, enum desk_log_level *out)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(log_level_names); i++) {
		if (name != NULL && strcmp(name, log_level_names[i]) == 0) {
			*out = (enum desk_log_level)i;
			return true;
		}
	}
	return false;
}

/* RFC 8259, section 7; bytes that are not UTF-8 become U+FFFD. */
static void log_quote(struct desk_buf *b, const char *s)
{
	size_t n = strlen(s), i = 0;
	uint32_t cp;

	desk_buf_addc(b, '"');
	while (i < n) {
		size_t len = desk_utf8_decode(s + i, n - i, &cp);

		if (len == 0) {
			desk_buf_adds(b, "\\ufffd");
			len = 1;
		} else if (cp == '"' || cp == '\\') {
			desk_buf_addf(b, "\\%c", (int)cp);
		} else if (cp < 0x20 || cp == 0x7F) {
			desk_buf_addf(b, "\\u%04x", (unsigned)cp);
		} else {
			desk_buf_add(b, s + i, len);
		}
		i += len;
	}
	desk_buf_addc(b, '"');
}

static void log_pair(struct desk_buf *b, const char *key, const char *text)
{
	char masked[LOG_VALUE_MAX];

	desk_buf_addf(b, ",\"%s\":", key);
	if (text == NULL) {
		desk_buf_adds(b, "null");
		return;
	}
	desk_log_mask(text, masked, sizeof(masked));
	log_quote(b, masked);
}

static void log_json(struct desk_buf *b, const json_t *j)
{
	char *text = j != NULL ? json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (text != NULL && strlen(text) < LOG_LINE_MAX / 2)
		desk_buf_adds(b, text);
	else
		desk_buf_adds(b, "null");
	free(text);
}

static void log_field(struct desk_buf *b, const struct desk_log_field *f)
{
	if (f->kind == DESK_LF_STR) {
		log_pair(b, f->key, f->s);
		return;
	}
	desk_buf_addf(b, ",\"%s\":", f->key);
	switch (f->kind) {
	case DESK_LF_INT:
		desk_buf_addf(b, "%lld", (long long)f->i);
		break;
	case DESK_LF_BOOL:
		desk_buf_adds(b, f->i ? "true" : "false");
		break;
	case DESK_LF_DOUBLE:
		if (f->d == f->d && f->d < 1e300 && f->d > -1e300)
			desk_buf_addf(b, "%.6g", f->d);
		else
			desk_buf_adds(b, "null");
		break;
	default:
		log_json(b, f->j);
	}
}

static void log_head(struct desk_buf *b, const struct desk_log *log, enum desk_log_level level,
		     const char *event)
{
	char when[32];

	desk_time_iso(desk_now_us(NULL), when);
	desk_buf_addf(b, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", when,
		      log_level_names[level]);
	log_quote(b, event);
	desk_buf_addf(b, ",\"program\":\"%s\",\"pid\":%ld", log->program, (long)getpid());
}

static void log_send(const struct desk_log *log, struct desk_buf *b,
		     const struct desk_log_field *fields)
{
	for (; fields != NULL && fields->key != NULL; fields++) {
		size_t mark = b->n;

		log_field(b, fields);
		if (b->n > LOG_LINE_MAX) {	/* a line stays whole: the field that is too much goes */
			b->n = mark;
			break;
		}
	}
	desk_buf_adds(b, "}\n");
	if (write(log->fd, b->p, b->n) < 0) {
		/* nobody left to tell */
	}
	desk_buf_done(b);
}

void desk_log_write(struct desk_log *log, enum desk_log_level level, const char *event,
		    const struct desk_log_field *fields)
{
	struct desk_buf b;

	if (log == NULL || level < log->level)
		return;
	desk_buf_init(&b, 2 * LOG_LINE_MAX);
	log_head(&b, log, level, event);
	log_send(log, &b, fields);
}

void desk_log_ctx_write(const struct desk_ctx *cx, enum desk_log_level level, const char *event,
			const struct desk_log_field *fields)
{
	struct desk_buf b;

	if (cx->log == NULL || level < cx->log->level)
		return;
	desk_buf_init(&b, 2 * LOG_LINE_MAX);
	log_head(&b, cx->log, level, event);
	log_pair(&b, "correlation_id", cx->correlation_id);
	if (cx->tenant_id != NULL)
		log_pair(&b, "tenant_id", cx->tenant_id);
	log_send(cx->log, &b, fields);
}

void desk_log_error(const struct desk_ctx *cx, const char *event)
{
	const struct desk_error *e = &cx->err;
	enum desk_log_level level =
		desk_status_http(e->code) >= 500 ? DESK_LOG_ERROR : DESK_LOG_INFO;
	const char *file = e->file != NULL ? strstr(e->file, "lib/") : NULL;

	desk_log_ctx(cx, level, event, DESK_L_STR("status", desk_status_name(e->code)),
		     DESK_L_STR("reason", e->text), DESK_L_STR("sqlstate", e->sqlstate),
		     DESK_L_STR("file", file != NULL ? file : e->file), DESK_L_INT("line", e->line));
}
