/* lib/ingestion/ingestion.h - documents in: extraction in a sandboxed child, splitting, storing. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file        duty
 * ----------  ---------------------------------------------------------------
 * split.c     recursive splitting of a text into overlapping chunks
 * run.c       start frontdesk-extract on a document, watch it, read what it says
 * reason.c    how a child ended -> a reason that a person can act on
 * frame.c     the records on the child's pipe: written by the child, parsed by us
 * child/      frontdesk-extract itself: not part of libfrontdesk (child/child.h)
 */
#ifndef DESK_INGESTION_H
#define DESK_INGESTION_H

#include "base/base.h"

#pragma GCC visibility push(default)

/* ---- splitting ---------------------------------------------------------- */

/*
 * The same chunks as langchain-text-splitters 1.1's RecursiveCharacterTextSplitter with these
 * sizes and separators, otherwise its defaults (separators kept at the start of a piece,
 * chunks stripped of white space at both ends, lengths in code points).
 */
struct desk_split_options {
	size_t                 size;	/* code points a chunk may have, > 0 */
	size_t                 overlap;	/* code points carried over, <= size */
	const struct desk_str *separators;	/* borrowed; tried in order; "" splits anywhere */
	size_t                 n_separators;	/* > 0 */
};

/* 700, 100, { "\n\n", "\n", ". ", " ", "" } */
extern const struct desk_split_options desk_split_defaults;

/* A chunk is always a contiguous piece of the text: content is a view into it. */
struct desk_split_chunk {
	struct desk_str content;	/* borrowed from the text */
	size_t          index;	/* 0, 1, 2 ... */
	size_t          byte;	/* offset of content in the text, in bytes */
	size_t          start, end;	/* the same in code points; end is one past the last */
};

/* Gives back DESK_OK to go on; anything else ends the splitting and is its result. */
typedef enum desk_status desk_split_fn(void *arg, const struct desk_split_chunk *chunk);

/*
 * Split text, calling fn for each chunk in order. opt NULL means the defaults. Linear in the
 * text, and apart from the text needs memory for opt->size pieces only.
 * DESK_E_INPUT when the text is not UTF-8 or the options make no sense.
 */
DESK_MUST_CHECK enum desk_status desk_split(const struct desk_split_options *opt,
					    struct desk_str text, desk_split_fn *fn, void *arg,
					    struct desk_error *err);

#pragma GCC visibility pop
#endif
