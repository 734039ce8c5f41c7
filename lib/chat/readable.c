/* lib/chat/readable.c - a sentence or a table's row as it is said in a message. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <string.h>

#define READABLE_CELLS 24

struct cells {
	struct desk_str at[READABLE_CELLS];
	size_t          n;
};

static struct desk_str readable_trim(struct desk_str t)
{
	while (t.n > 0 && strchr(" \t\r\n", t.p[0]) != NULL) {
		t.p++;
		t.n--;
	}
	while (t.n > 0 && strchr(" \t\r\n", t.p[t.n - 1]) != NULL)
		t.n--;
	return t;
}

/* The bars at both ends of a row are no cells. */
static void readable_cells(struct desk_str t, struct cells *out)
{
	size_t b = 0;

	t = readable_trim(t);
	if (t.n > 0 && t.p[0] == '|')
		t = (struct desk_str){ t.p + 1, t.n - 1 };
	if (t.n > 0 && t.p[t.n - 1] == '|')
		t.n--;
	out->n = 0;
	for (size_t i = 0; i <= t.n && out->n < READABLE_CELLS; i++) {
		if (i < t.n && t.p[i] != '|' && t.p[i] != '\t')
			continue;
		out->at[out->n++] = readable_trim((struct desk_str){ t.p + b, i - b });
		b = i + 1;
	}
}

/* White space runs to one space; the marks of bold text and of images go, their text stays. */
static void readable_add(struct desk_buf *b, struct desk_str t)
{
	bool space = false;

	for (size_t i = 0; i < t.n; i++) {
		if (strchr(" \t\r\n\f\v", t.p[i]) != NULL) {
			space = true;
			continue;
		}
		if (t.p[i] == '!' && i + 1 < t.n && t.p[i + 1] == '[')
			continue;
		if (t.p[i] == '*' && i + 1 < t.n && t.p[i + 1] == '*') {
			i++;
			continue;
		}
		if (space && b->n > 0)
			desk_buf_addc(b, ' ');
		space = false;
		desk_buf_addc(b, t.p[i]);
	}
}

static bool readable_is_header(const struct cells *header, const struct cells *row)
{
	if (header->n != row->n || header->n < 2)
		return false;
	for (size_t i = 0; i < header->n; i++)
		for (size_t k = 0; k < header->at[i].n; k++)
			if (header->at[i].p[k] >= '0' && header->at[i].p[k] <= '9')
				return false;
	return true;
}

static void readable_row(struct desk_buf *b, const struct cells *row, const struct cells *header)
{
	bool named = readable_is_header(header, row);

	for (size_t i = 0; i < row->n; i++) {
		if (row->at[i].n == 0)
			continue;
		if (b->n > 0)
			desk_buf_adds(b, ", ");
		if (named && header->at[i].n > 0) {
			desk_buf_add(b, header->at[i].p, header->at[i].n);
			desk_buf_adds(b, ": ");
		}
		desk_buf_add(b, row->at[i].p, row->at[i].n);
	}
}

static bool readable_is_row(const char *p, size_t n)
{
	return memmem(p, n, " | ", 3) != NULL || memchr(p, '\t', n) != NULL ||
	       (n > 0 && p[0] == '|');
}

char *chat_readable(struct desk_arena *a, struct desk_str text, struct desk_str header)
{
	struct cells row, names;
	struct desk_buf b, line;
	char *out;

	desk_buf_init(&b, text.n * 4 + header.n * 4 + 64);
	if (memchr(text.p, '\n', text.n) == NULL && readable_is_row(text.p, text.n)) {
		readable_cells(text, &row);
		readable_cells(header, &names);
		desk_buf_init(&line, b.max);
		readable_row(&line, &row, &names);
		readable_add(&b, desk_buf_str(&line));
		desk_buf_done(&line);
	} else {
		readable_add(&b, text);
	}
	out = desk_arena_strndup(a, desk_buf_str(&b).p, b.n);
	desk_buf_done(&b);
	return out;
}
