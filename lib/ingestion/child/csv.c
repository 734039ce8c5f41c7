/* lib/ingestion/child/csv.c - CSV and its kin: a row is a line, whatever parts its cells. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFC 4180, and what programs write instead: semicolons, tabs, bars; lines ended by CR or LF. */
#include "ingestion/child/child.h"

#include <string.h>

#define CSV_HEAD 8192
#define CSV_LINES 20

struct csv {
	struct extract_out *o;
	char                delimiter;	/* NUL: a single column */
	bool                quoted, quote_seen, cell_empty, row_empty;
	struct desk_buf     run;	/* characters of the cell that wait to be written */
};

/* How many of c a line has outside quotes; the line's end in *next. */
static size_t csv_count(struct desk_str text, size_t from, char c, size_t *next)
{
	bool quoted = false;
	size_t n = 0, i;

	for (i = from; i < text.n; i++) {
		if (text.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && text.p[i] == '\n')
			break;
		else if (!quoted && text.p[i] == c)
			n++;
	}
	*next = i + 1;
	return n;
}

/* The candidate that most lines have equally often; the last line may be cut and does not count. */
static char csv_delimiter(struct desk_str head, bool whole)
{
	static const char candidates[] = ",;\t|";
	char best = '\0';
	size_t top = 0;

	for (size_t k = 0; candidates[k] != '\0'; k++) {
		size_t at = 0, first = csv_count(head, 0, candidates[k], &at), same = 1, lines = 1;

		while (at < head.n && lines < CSV_LINES && first > 0) {
			size_t next, n = csv_count(head, at, candidates[k], &next);

			if (next > head.n && !whole)
				break;
			lines++;
			same += n == first;
			at = next;
		}
		if (first > 0 && same * 1000 / lines * 10 + first > top) {
			top = same * 1000 / lines * 10 + first;
			best = candidates[k];
		}
	}
	return best;
}

static void csv_flush(struct csv *c)
{
	if (c->run.n == 0)
		return;
	extract_text(c->o, c->run.p, c->run.n);
	desk_buf_clear(&c->run);
}

static void csv_put(struct csv *c, char ch)
{
	if (c->run.n == c->run.max)
		csv_flush(c);
	desk_buf_addc(&c->run, ch);
	c->cell_empty = false;
}

static void csv_cell_end(struct csv *c)
{
	csv_flush(c);
	c->cell_empty = true;
	c->quoted = c->quote_seen = false;
}

static void csv_char(struct csv *c, char ch)
{
	if (c->quoted && ch == '"') {
		c->quoted = false;
		c->quote_seen = true;
	} else if (c->quoted) {
		csv_put(c, ch);
	} else if (ch == '"' && (c->quote_seen || c->cell_empty)) {
		if (c->quote_seen)
			csv_put(c, '"');	/* a doubled quote */
		c->quoted = true;
		c->quote_seen = false;
	} else if (ch == '\n' || ch == '\r') {
		csv_cell_end(c);
		extract_line(c->o);
		extract_cell(c->o);
	} else if (ch == c->delimiter && ch != '\0') {
		csv_cell_end(c);
		extract_cell(c->o);
	} else {
		csv_put(c, ch);
	}
}

static void csv_text(void *arg, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		csv_char(arg, p[i]);
}

static void csv_keep(void *arg, const char *p, size_t n)
{
	struct desk_buf *b = arg;

	desk_buf_add(b, p, n < b->max - b->n ? n : b->max - b->n);
}

enum desk_status extract_csv(struct extract_doc *d, struct extract_out *o, struct desk_error *err)
{
	struct desk_str raw = { (const char *)d->head, d->head_n };
	const char *charset = extract_charset_guess(raw, "", extract_is_utf8(d));
	struct csv c = { .o = o, .cell_empty = true };
	struct extract_decoder dec;
	struct desk_buf head;

	(void)err;
	desk_buf_init(&head, CSV_HEAD);
	extract_decoder_init(&dec, charset, csv_keep, &head);
	extract_decode(&dec, raw.p, raw.n, false);
	extract_decoder_done(&dec);
	c.delimiter = csv_delimiter(desk_buf_str(&head), d->size <= d->head_n);
	desk_buf_done(&head);

	desk_buf_init(&c.run, 4096);
	o->collapse = true;	/* a line break in a cell is a space */
	extract_cell(o);
	extract_decode_file(d, charset, csv_text, &c);
	csv_flush(&c);
	o->collapse = false;
	desk_buf_done(&c.run);
	return DESK_OK;
}
