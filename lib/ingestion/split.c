/* lib/ingestion/split.c - recursive splitting of a text into overlapping chunks. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A text is cut at the first separator of the list that it contains; a piece that is still too
 * long is cut again at the rest of the list; short neighbours are merged up to the chunk size,
 * and a merged chunk leaves its last pieces, up to the overlap, to the next one. As separators
 * are kept, neighbours always touch, so a chunk is a range of the text and never a copy.
 */
#include "ingestion/ingestion.h"

#include <stdlib.h>
#include <string.h>

static const struct desk_str split_separators[] = {
	{ "\n\n", 2 }, { "\n", 1 }, { ". ", 2 }, { " ", 1 }, { "", 0 },
};

const struct desk_split_options desk_split_defaults = {
	.size = 700, .overlap = 100, .separators = split_separators,
	.n_separators = DESK_ARRAY_LEN(split_separators),
};

/* A range of the text; at is where it starts. */
struct split_span {
	size_t byte, bytes;
	size_t cp, cps;
};

/*
 * The merge under way: a ring of the pieces it holds. They never have more than opt->size code
 * points together and each has at least one, so opt->size slots are enough.
 */
struct split_run {
	const struct desk_split_options *opt;
	const char        *text;
	desk_split_fn     *fn;
	void              *arg;
	struct split_span *ring;
	size_t             head, held;
	size_t             total;	/* code points held */
	size_t             index;
};

/* Python's str.isspace(), which is what its str.strip() takes away. */
static bool split_is_space(uint32_t c)
{
	if (c < 0x80)
		return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20);
	return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
	       c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static struct split_span split_strip(const char *text, struct split_span s)
{
	uint32_t c;

	while (s.bytes > 0) {
		size_t n = desk_utf8_decode(text + s.byte, s.bytes, &c);

		if (!split_is_space(c))
			break;
		s.byte += n, s.bytes -= n;
		s.cp++, s.cps--;
	}
	while (s.bytes > 0) {
		size_t at = s.byte + s.bytes - 1;

		while (((unsigned char)text[at] & 0xC0) == 0x80)
			at--;
		desk_utf8_decode(text + at, s.byte + s.bytes - at, &c);
		if (!split_is_space(c))
			break;
		s.bytes = at - s.byte;
		s.cps--;
	}
	return s;
}

static enum desk_status split_emit(struct split_run *r, struct split_span s)
{
	struct desk_split_chunk chunk = {
		.content = { r->text + s.byte, s.bytes }, .index = r->index, .byte = s.byte,
		.start = s.cp, .end = s.cp + s.cps,
	};

	r->index++;
	return r->fn(r->arg, &chunk);
}

/* What is held becomes a chunk, unless it is white space only. It stays held. */
static enum desk_status split_join(struct split_run *r)
{
	struct split_span s, *first = &r->ring[r->head];
	const struct split_span *last;

	if (r->held == 0)
		return DESK_OK;
	last = &r->ring[(r->head + r->held - 1) % r->opt->size];
	s = (struct split_span){ first->byte, last->byte + last->bytes - first->byte,
				 first->cp, r->total };
	s = split_strip(r->text, s);
	return s.bytes > 0 ? split_emit(r, s) : DESK_OK;
}

/* Take a piece shorter than opt->size into the merge. */
static enum desk_status split_merge(struct split_run *r, struct split_span piece)
{
	size_t size = r->opt->size;
	enum desk_status rc;

	if (r->total + piece.cps > size) {
		rc = split_join(r);
		if (rc != DESK_OK)
			return rc;
		while (r->total > r->opt->overlap || (r->total + piece.cps > size && r->total > 0)) {
			r->total -= r->ring[r->head].cps;
			r->head = (r->head + 1) % size;
			r->held--;
		}
	}
	r->ring[(r->head + r->held) % size] = piece;
	r->held++;
	r->total += piece.cps;
	return DESK_OK;
}

/* End of a row of short pieces: the next one starts with nothing carried over. */
static enum desk_status split_flush(struct split_run *r)
{
	enum desk_status rc = split_join(r);

	r->head = r->held = r->total = 0;
	return rc;
}

static enum desk_status split_text(struct split_run *r, struct split_span s, size_t sep);

/* One piece of a cut; deeper is the first separator that may still cut it. */
static enum desk_status split_piece(struct split_run *r, struct split_span piece, size_t deeper)
{
	enum desk_status rc;

	if (piece.cps < r->opt->size)
		return split_merge(r, piece);
	rc = split_flush(r);
	if (rc != DESK_OK)
		return rc;
	if (deeper >= r->opt->n_separators)
		return split_emit(r, piece);	/* as it is, not even stripped */
	return split_text(r, piece, deeper);
}

static enum desk_status split_characters(struct split_run *r, struct split_span s)
{
	enum desk_status rc = DESK_OK;

	for (size_t end = s.byte + s.bytes; s.byte < end && rc == DESK_OK; s.cp++) {
		size_t n = 1;

		while (s.byte + n < end && ((unsigned char)r->text[s.byte + n] & 0xC0) == 0x80)
			n++;
		rc = split_piece(r, (struct split_span){ s.byte, n, s.cp, 1 },
				 r->opt->n_separators);
		s.byte += n;
	}
	return rc;
}

/* Cut s before each occurrence of sep; hit is the first one. */
static enum desk_status split_at(struct split_run *r, struct split_span s, const char *hit, size_t i)
{
	struct desk_str sep = r->opt->separators[i];
	const char *at = r->text + s.byte, *end = at + s.bytes;
	enum desk_status rc = DESK_OK;
	size_t cp = s.cp;

	while (at < end && rc == DESK_OK) {
		size_t n = (size_t)((hit != NULL ? hit : end) - at);

		if (n > 0) {
			struct split_span piece = { (size_t)(at - r->text), n, cp,
						    desk_utf8_count(at, n) };

			rc = split_piece(r, piece, i + 1);
			cp += piece.cps;
			at += n;
		}
		if (hit != NULL)
			hit = memmem(hit + sep.n, (size_t)(end - hit) - sep.n, sep.p, sep.n);
	}
	return rc;
}

/* Recursion is as deep as the list of separators is long. */
static enum desk_status split_text(struct split_run *r, struct split_span s, size_t sep)
{
	const char *hit = NULL;
	enum desk_status rc;
	size_t i;

	for (i = sep; i < r->opt->n_separators && r->opt->separators[i].n > 0; i++) {
		hit = memmem(r->text + s.byte, s.bytes, r->opt->separators[i].p,
			     r->opt->separators[i].n);
		if (hit != NULL)
			break;
	}
	if (hit != NULL)
		rc = split_at(r, s, hit, i);
	else if (i < r->opt->n_separators)
		rc = split_characters(r, s);
	else
		rc = split_piece(r, s, i);	/* no separator fits: in one piece */
	return rc == DESK_OK ? split_flush(r) : rc;
}

enum desk_status desk_split(const struct desk_split_options *opt, struct desk_str text,
			    desk_split_fn *fn, void *arg, struct desk_error *err)
{
	struct split_run r = { .opt = opt != NULL ? opt : &desk_split_defaults, .text = text.p,
			       .fn = fn, .arg = arg };
	enum desk_status rc;

	if (r.opt->size == 0 || r.opt->overlap > r.opt->size || r.opt->n_separators == 0)
		return desk_error_set(err, DESK_E_INPUT,
				      "chunk size %zu with overlap %zu and %zu separators makes no "
				      "sense", r.opt->size, r.opt->overlap, r.opt->n_separators);
	if (!desk_utf8_valid(text.p, text.n))
		return desk_error_set(err, DESK_E_INPUT, "the text to split is not UTF-8");
	if (text.n == 0)
		return DESK_OK;
	r.ring = desk_xcalloc(r.opt->size, sizeof(*r.ring));
	rc = split_text(&r, (struct split_span){ 0, text.n, 0, desk_utf8_count(text.p, text.n) }, 0);
	free(r.ring);
	return rc;
}
