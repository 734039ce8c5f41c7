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

/* ---- extraction --------------------------------------------------------- */

struct desk_extract_limits {
	size_t   memory;	/* bytes of address space */
	uint32_t seconds;	/* of CPU, and by the clock */
	size_t   output;	/* bytes of text */
};
extern const struct desk_extract_limits desk_extract_limits_default;	/* 512 MB, 60 s, 64 MB */

struct desk_extract_job {
	int         fd;	/* borrowed: the document, a regular file or memfd, open to read */
	const char *name;	/* the file's name, for its extension and for reasons */
	struct desk_extract_limits limits;	/* zeros: the defaults */
	const char *program;	/* NULL: desk_extract_program() */
};

/*
 * A piece of the document's text, at most 1 MiB, valid UTF-8 without control characters but \n
 * and \t; paragraphs are parted by one empty line. A page comes in one part, or in several when
 * it is longer than a part; joined as they are, they are the page's text.
 */
struct desk_extract_part {
	uint32_t        page;	/* 1..; 0: the format has no pages */
	uint32_t        index;	/* 0, 1, 2 ... through the document */
	size_t          start;	/* offset in the page's text, in code points */
	size_t          chars;	/* code points */
	struct desk_str text;	/* borrowed for the call; NUL follows */
};

struct desk_extract_result {
	char     title[301];	/* "" when the document has none: show its file name then */
	char     format[17];	/* "pdf", "docx" ... */
	uint32_t pages;	/* slides, sheets; 0: the format has none */
	uint32_t parts, last_page;
	size_t   chars;
};

/* Anything but DESK_OK ends the run and is its result. */
typedef enum desk_status desk_extract_fn(void *arg, const struct desk_extract_part *part);

/*
 * Read a document in a sandboxed child of its own; fn gets its text as it comes. Safe to call
 * from several threads. SIGCHLD must not be ignored. Results:
 * DESK_E_INPUT        the document can't be read: err->text is "NAME: reason", for people;
 *                     trying again gives the same
 * DESK_E_UNAVAILABLE  the child does not run here; try again when that is mended
 * DESK_E_UPSTREAM     the child broke its protocol: it was taken over; nothing it said counts
 * Text that fn has seen before a failure is to be thrown away.
 */
DESK_MUST_CHECK enum desk_status desk_extract_run(const struct desk_extract_job *job,
						  desk_extract_fn *fn, void *arg,
						  struct desk_extract_result *out,
						  struct desk_error *err);
/* Where the child is: $FRONTDESK_EXTRACT, else where `make install` puts it. */
const char *desk_extract_program(void);

#pragma GCC visibility pop
#endif
