/* lib/ingestion/ingestion.h - documents in: extraction in a sandboxed child, splitting, storing. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file        duty
 * ----------  ---------------------------------------------------------------
 * split.c     recursive splitting of a text into overlapping chunks
 * run.c       start frontdesk-extract on a document, watch it, read what it says
 * reason.c    how a child ended -> a reason that a person can act on
 * frame.c     the records on the child's pipe: written by the child, parsed by us
 * put.c       a file or many texts into the store, once
 * document.c  find, list, progress, states, delete
 * blob.c      a stored file back into a file
 * pages.c     extracted text, written and read in parts
 * chunks.c    chunks that wait for a vector, and their vectors
 * work.c      a job's steps for many documents at once (work.h, for frontdesk-jobd)
 * child/      frontdesk-extract itself: not part of libfrontdesk (child/child.h)
 */
#ifndef DESK_INGESTION_H
#define DESK_INGESTION_H

#include "base/base.h"
#include "tenancy/tenancy.h"

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
extern const struct desk_extract_limits desk_extract_limits_default;	/* 512 MB, 55 s, 64 MB */

struct desk_extract_job {
	int         fd;	/* borrowed: the document, a regular file or memfd, open to read */
	const char *name;	/* the file's name or path: its last part is for the extension and reasons */
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
/*
 * Where the child is: $FRONTDESK_EXTRACT; else near the running program, as in an installed tree
 * or a build; else where `make install` was told to put it. The result is env's, buf or static.
 */
#define DESK_EXTRACT_PATH 1024
const char *desk_extract_program(char buf[DESK_EXTRACT_PATH]);

/* ---- documents of a tenant ---------------------------------------------- */

/*
 * All of these work for cx->tenant. "own tx": a transaction of their own, there must be none open.
 * "in tx": inside the caller's open tenant transaction. Ingesting a document is:
 *
 *	desk_document_put            PENDING, and a job "ingest" with the document's id
 *	desk_document_start          EXTRACTING
 *	desk_document_fetch, desk_extract_run -> desk_text_add, desk_text_end
 *	in one transaction, by work.h: desk_text_next, desk_split, chunks and index, SEARCHABLE
 *	desk_chunks_unembedded, desk_chunks_embed ...        READY with the last vector
 *
 * Killed anywhere, a document is where its last commit left it: start it again.
 */
struct desk_document {
	const char *id, *source, *title, *mime, *audience, *language;	/* arena */
	const char *status;	/* PENDING EXTRACTING SEARCHABLE READY FAILED */
	const char *reason;	/* of FAILED, with the file's name; else NULL */
	const char *sha256;	/* 64 hex digits */
	int64_t     bytes;
	int         pages, chunks, embedded;
	int64_t     created_us, updated_us;
};
struct desk_document_list {
	struct desk_document *at;	/* arena */
	size_t                n;
};

/* text/plain that is UTF-8 and is not to be changed: needs no extractor. */
#define DESK_MIME_TEXT "text/x-frontdesk"

enum desk_put { DESK_PUT_NEW, DESK_PUT_REPLACES, DESK_PUT_SAME };

struct desk_document_spec {
	const char *source;	/* what people are shown: a file's name, a URL, a line's _id */
	const char *origin;	/* what it is known by, a later put of it replaces: a file's real path, shown to
				   nobody outside; NULL or "": source */
	const char *title;	/* NULL: the last part of source, until extraction finds a better one; of a text: none */
	const char *mime;	/* NULL: "" */
	const char *audience;	/* "PUBLIC" (NULL is that) or "INTERNAL" */
	struct desk_str text;	/* desk_document_put_texts: the text */
};
struct desk_put_result {
	enum desk_put how;
	char          id[DESK_UUID_LEN + 1];
};

/*
 * Store a file, read from fd in parts of 1 MB, and enqueue its job; own tx. What is there with the
 * same content and audience is given back as DESK_PUT_SAME (a FAILED one is tried again). The old
 * version of a source stays until the new one is searchable. DESK_E_INPUT for a
 * bad audience or source, DESK_E_IO when fd can't be read.
 */
DESK_MUST_CHECK enum desk_status desk_document_put(struct desk_ctx *cx,
						   const struct desk_document_spec *spec, int fd,
						   struct desk_put_result *out);
/* Many small texts at once, each a document of DESK_MIME_TEXT; own tx. out has n results. */
DESK_MUST_CHECK enum desk_status desk_document_put_texts(struct desk_ctx *cx,
							 const struct desk_document_spec *spec,
							 size_t n, struct desk_put_result *out);

/* By id, or else the newest of this source; own tx. DESK_E_NOT_FOUND. */
DESK_MUST_CHECK enum desk_status desk_document_find(struct desk_ctx *cx, const char *id_or_source,
						    struct desk_document *out);
/* By source; status NULL: all; own tx. */
DESK_MUST_CHECK enum desk_status desk_document_list(struct desk_ctx *cx, const char *status,
						    struct desk_document_list *out);
/* How many documents are in which status, for progress; own tx. */
struct desk_document_progress {
	int64_t pending, extracting, searchable, ready, failed;
	int64_t chunks, embedded;
};
DESK_MUST_CHECK enum desk_status desk_document_progress(struct desk_ctx *cx,
							struct desk_document_progress *out);
/* The same for these ids alone; one that does not exist (any more) is in none of the counts. */
DESK_MUST_CHECK enum desk_status desk_document_progress_of(struct desk_ctx *cx, const char *const *ids,
							   size_t n, struct desk_document_progress *out);
/* These documents, in no order; own tx. */
DESK_MUST_CHECK enum desk_status desk_document_load(struct desk_ctx *cx, const char *const *ids, size_t n,
						    struct desk_document_list *out);
/* Delete the rows; in tx, after desk_lexical_remove_document. DESK_E_NOT_FOUND. */
DESK_MUST_CHECK enum desk_status desk_document_delete(struct desk_ctx *cx, const char *id);

/*
 * Begin, or begin again, to ingest: EXTRACTING, without the pages of an earlier try; own tx.
 * DESK_E_NOT_FOUND when it is gone, DESK_E_CONFLICT when it is SEARCHABLE or READY already.
 */
DESK_MUST_CHECK enum desk_status desk_document_start(struct desk_ctx *cx, const char *id,
						     struct desk_document *out);
/* The file in a nameless temporary one, at offset 0; *fd is owned. Short transactions of its own. */
DESK_MUST_CHECK enum desk_status desk_document_fetch(struct desk_ctx *cx, const char *id, int *fd);
/* Extracted text on its way to the database, in transactions of about 1 MB. */
struct desk_text_writer {
	const char     *document;	/* borrowed */
	struct desk_buf text;	/* pages not yet written, one after the other */
	size_t          n;
	struct desk_text_page {
		int    page;
		size_t start, at, bytes;	/* code points in the document; bytes in text */
	}               page[512];
	size_t          start;	/* code points so far */
};
void desk_text_begin(struct desk_text_writer *w, const char *document);
DESK_MUST_CHECK enum desk_status desk_text_add(struct desk_ctx *cx, struct desk_text_writer *w,
					       const struct desk_extract_part *part);
/* Writes what is left. Call desk_text_done in any case. */
DESK_MUST_CHECK enum desk_status desk_text_end(struct desk_ctx *cx, struct desk_text_writer *w);
void desk_text_done(struct desk_text_writer *w);

/* Stored text, to be read in order: the part after *at (zeros: the first). In tx. */
struct desk_text_part {
	int             page;	/* 0: no pages */
	size_t          start;	/* first code point, in the whole document */
	struct desk_str text;	/* arena; n == 0: there is no more */
};
DESK_MUST_CHECK enum desk_status desk_text_next(struct desk_ctx *cx, const char *document,
						struct desk_text_part *at);

/* Chunks first..last that have no vector yet, at most max, by id; own tx. */
struct desk_unembedded {
	struct desk_unembedded_chunk {
		int64_t         id;
		struct desk_str title, content;	/* arena */
	}     *at;	/* arena */
	size_t n;
};
DESK_MUST_CHECK enum desk_status desk_chunks_unembedded(struct desk_ctx *cx, int64_t first,
							int64_t last, size_t max,
							struct desk_unembedded *out);
/* Their vectors, n of dim floats each; a document is READY with its last one. In tx. */
DESK_MUST_CHECK enum desk_status desk_chunks_embed(struct desk_ctx *cx,
						   const struct desk_unembedded *of,
						   const float *vectors, size_t dim);

#pragma GCC visibility pop
#endif
