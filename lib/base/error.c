/* lib/base/error.c - error receivers and the status table. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base.h"

#include <stdio.h>
#include <string.h>

#define STATUS_ROW(code, http, ex, text) { #code, http, ex, text },
static const struct {
	const char *name;
	int         http;
	int         exit;
	const char *text;
} error_rows[] = { DESK_STATUS_ROWS(STATUS_ROW) };
#undef STATUS_ROW

static void error_fill(struct desk_error *err, enum desk_status code, const char *file, int line)
{
	err->code = code;
	err->file = file;
	err->line = line;
}

/* Cut text ends with a whole character: it goes into JSON and into the database. */
static void error_text(struct desk_error *err, const char *fmt, va_list ap)
{
	size_t n = sizeof(err->text) - 1, at = n;

	if (vsnprintf(err->text, sizeof(err->text), fmt, ap) <= (int)n)
		return;
	while (at > 0 && n - at < 4 && ((unsigned char)err->text[at - 1] & 0xC0) == 0x80)
		at--;
	if (at > 0 && ((unsigned char)err->text[at - 1] & 0xC0) == 0xC0)
		err->text[at - 1] = '\0';
}

enum desk_status desk_error_set_at(struct desk_error *err, enum desk_status code, const char *file,
				   int line, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL || err->code != DESK_OK)
		return code;
	error_fill(err, code, file, line);
	va_start(ap, fmt);
	error_text(err, fmt, ap);
	va_end(ap);
	return code;
}

enum desk_status desk_error_field_at(struct desk_error *err, const char *field, const char *file,
				     int line, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL || err->code != DESK_OK)
		return DESK_E_INPUT;
	error_fill(err, DESK_E_INPUT, file, line);
	desk_copy(err->field, sizeof(err->field), field);
	va_start(ap, fmt);
	error_text(err, fmt, ap);
	va_end(ap);
	return DESK_E_INPUT;
}

void desk_error_clear(struct desk_error *err)
{
	if (err != NULL)
		memset(err, 0, sizeof(*err));
}

static size_t error_row(enum desk_status code)
{
	return (unsigned)code < DESK_STATUS_COUNT ? (size_t)code : (size_t)DESK_E_BUG;
}

const char *desk_status_name(enum desk_status code)
{
	return error_rows[error_row(code)].name;
}

int desk_status_http(enum desk_status code)
{
	return error_rows[error_row(code)].http;
}

const char *desk_status_client_text(enum desk_status code)
{
	return error_rows[error_row(code)].text;
}

int desk_status_exit(enum desk_status code)
{
	return error_rows[error_row(code)].exit;
}
