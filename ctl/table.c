/* ctl/table.c - tables for people, by the width that text has on a terminal. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "ctl.h"

#define TABLE_COLUMNS_MAX 16

struct ctl_table {
	struct desk_arena  *arena;
	const char *const  *headers;
	size_t              columns, width[TABLE_COLUMNS_MAX];
	const char        **cells;	/* row-major */
	size_t              rows, cap;
};

/* Not control characters, nor those that turn the direction of what follows: a name must not lie. */
static bool table_is_shown(uint32_t cp)
{
	bool turns = (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);

	return !turns && wcwidth((wchar_t)cp) >= 0;
}

/* Columns of one code point; what is not shown is one dot. */
static size_t table_cp_width(uint32_t cp)
{
	return table_is_shown(cp) ? (size_t)wcwidth((wchar_t)cp) : 1;
}

size_t ctl_width(const char *s)
{
	size_t left = strlen(s), n, width = 0;
	uint32_t cp;

	for (; left > 0; s += n, left -= n) {
		n = desk_utf8_decode(s, left, &cp);
		width += n > 0 ? table_cp_width(cp) : 1;
		n = n > 0 ? n : 1;
	}
	return width;
}

const char *ctl_clip(struct desk_arena *a, const char *s, size_t columns)
{
	size_t left = strlen(s), n, width = 0;
	struct desk_buf b;
	const char *out;
	uint32_t cp;

	desk_buf_init(&b, 4 * left + 16);
	for (; left > 0; s += n, left -= n) {
		size_t w;

		n = desk_utf8_decode(s, left, &cp);
		w = n > 0 ? table_cp_width(cp) : 1;
		if (width + w > columns || (width + w == columns && left > (n > 0 ? n : 1))) {
			(void)desk_buf_adds(&b, "…");
			break;
		}
		if (n > 0 && table_is_shown(cp))
			(void)desk_buf_add(&b, s, n);
		else
			(void)desk_buf_addc(&b, cp == '\n' || cp == '\t' || cp == '\r' ? ' ' : '.');
		width += w;
		n = n > 0 ? n : 1;
	}
	out = desk_arena_strdup(a, b.p != NULL ? b.p : "");
	desk_buf_done(&b);
	return out;
}

const char *ctl_plain(struct desk_arena *a, const char *s, size_t n)
{
	struct desk_buf b;
	const char *out;
	uint32_t cp;
	size_t len;

	desk_buf_init(&b, n + 16);
	for (; n > 0; s += len, n -= len) {
		len = desk_utf8_decode(s, n, &cp);
		if (len > 0 && (cp == '\n' || cp == '\t' || table_is_shown(cp)))
			(void)desk_buf_add(&b, s, len);
		else
			(void)desk_buf_addc(&b, '.');
		len = len > 0 ? len : 1;
	}
	out = desk_arena_strndup(a, b.p != NULL ? b.p : "", b.n);
	desk_buf_done(&b);
	return out;
}

static bool table_is_number(const char *header)
{
	return *header == '>';
}

struct ctl_table *ctl_table_new(struct desk_arena *a, const char *const *headers)
{
	struct ctl_table *t = desk_arena_alloc(a, sizeof(*t));

	t->arena = a;
	t->headers = headers;
	while (headers[t->columns] != NULL && t->columns < TABLE_COLUMNS_MAX) {
		t->width[t->columns] = ctl_width(headers[t->columns] + table_is_number(headers[t->columns]));
		t->columns++;
	}
	return t;
}

void ctl_table_add(struct ctl_table *t, const char *const *cells)
{
	if (t->rows == t->cap) {
		const char **grown;

		t->cap = t->cap > 0 ? 2 * t->cap : 64;
		grown = desk_arena_array(t->arena, t->cap * t->columns, sizeof(*grown));
		for (size_t i = 0; i < t->rows * t->columns; i++)
			grown[i] = t->cells[i];
		t->cells = grown;
	}
	for (size_t i = 0; i < t->columns; i++) {
		const char *cell = ctl_clip(t->arena, cells[i] != NULL ? cells[i] : "", SIZE_MAX);
		size_t w = ctl_width(cell);

		t->cells[t->rows * t->columns + i] = cell;
		if (w > t->width[i])
			t->width[i] = w;
	}
	t->rows++;
}

static void table_row(const struct ctl_table *t, FILE *to, const char *const *cells, bool header)
{
	for (size_t i = 0; i < t->columns; i++) {
		bool number = table_is_number(t->headers[i]), last = i + 1 == t->columns;
		const char *cell = cells[i] + (header && number);
		int pad = (int)(t->width[i] - ctl_width(cell));

		fprintf(to, "%*s%s%*s", number ? pad : 0, "", cell, number || last ? 0 : pad, "");
		fputs(last ? "\n" : "  ", to);
	}
}

void ctl_table_print(const struct ctl_table *t, FILE *to)
{
	table_row(t, to, t->headers, true);
	for (size_t i = 0; i < t->rows; i++)
		table_row(t, to, t->cells + i * t->columns, false);
}

void ctl_print_json(const json_t *v)
{
	char *text = json_dumps(v, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));

	if (text == NULL)
		abort();	/* out of memory */
	puts(text);
	free(text);
}
