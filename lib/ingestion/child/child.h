/* lib/ingestion/child/child.h - frontdesk-extract: one untrusted document in, text records out. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * This program is the only one that parses documents. It lives beside the room that starts it,
 * not in libfrontdesk, so that poppler, libzip and their bugs are in no long-lived process.
 *
 * file        duty
 * ----------  ---------------------------------------------------------------
 * main.c      the program: limits, sandbox, then one document
 * sandbox.c   what the process gives up before it reads a byte
 * registry.c  which format is it, by content first and name second; one row a format
 * detect.c    magic numbers, old Office, things that hold no text
 * out.c       text normalised into records
 * charset.c   which character set is it; any of them to UTF-8
 * cyrillic.c  telling the Cyrillic code pages apart, which ICU does in part only
 * zip.c       members of a package, streamed, with guards against bombs
 * xml.c       SAX over libxml2 for the XML in packages
 * opc.c       Office packages: relationships and metadata
 * chart.c     the words and numbers of their charts
 * pdf.c pdf_layout.c docx.c pptx.c xlsx.c xlsx_number.c odf.c epub.c html.c plain.c csv.c
 * eml.c mime.c       the formats
 */
#ifndef DESK_INGESTION_CHILD_H
#define DESK_INGESTION_CHILD_H

#include "base/base.h"
#include "ingestion/frame.h"

/* ---- out.c: where text goes -------------------------------------------- */

/* Takes one record; false when there is nobody to read it any more. */
typedef bool extract_emit_fn(void *arg, enum frame_type type, uint32_t page, struct desk_str body);

struct extract_out {
	extract_emit_fn *emit;
	void            *arg;
	size_t           max;	/* bytes of text a document may give */
	size_t           total;	/* bytes given so far */
	size_t           visible;	/* code points that are not white space */
	bool             full, gone;	/* over max; emit said false */
	bool             indent;	/* white space at the start of a line counts */
	bool             collapse;	/* white space is one space, as in HTML */
	uint32_t         page;
	struct desk_buf  part;
	size_t           newlines, cells;	/* wanted before the next visible character */
	char             spaces[32];
	size_t           n_spaces;
	bool             line_empty, cr;
	char             title[512], heading[512];
};

void extract_out_init(struct extract_out *o, extract_emit_fn *emit, void *arg, size_t max);
void extract_out_done(struct extract_out *o);
/* Following text is of page n, 1 or more; page 0 is a document without pages. */
void extract_page(struct extract_out *o, uint32_t n);
/* Text, UTF-8 or nearly; broken bytes become U+FFFD. */
void extract_text(struct extract_out *o, const char *p, size_t n);
void extract_line(struct extract_out *o);	/* what follows starts a line */
void extract_para(struct extract_out *o);	/* ... a paragraph */
void extract_space(struct extract_out *o);	/* ... is apart from what was before */
void extract_cell(struct extract_out *o);	/* ... is the next cell of a table's row; the row's first, too */
/* The first non-empty title wins; a heading is the title when there is no other. */
void extract_title(struct extract_out *o, struct desk_str title);
void extract_heading(struct extract_out *o, struct desk_str heading);
void extract_flush(struct extract_out *o);
bool extract_stopped(const struct extract_out *o);	/* full or gone: give up */

/* ---- the document ------------------------------------------------------- */

struct extract_doc {
	int      fd;	/* borrowed; readable at any offset */
	uint64_t size;
	char     name[256];	/* file name without folders */
	char     ext[16];	/* lower case, without the dot; "" when there is none */
	unsigned char head[8192];	/* the first bytes */
	size_t   head_n;
	uint32_t pages;	/* set by the extractor when it knows */
};

DESK_MUST_CHECK enum desk_status extract_doc_open(struct extract_doc *d, int fd, const char *name,
						  struct desk_error *err);
/* Bytes read at offset: less than n only at the end of the file; 0 on an error. */
size_t extract_read(const struct extract_doc *d, uint64_t offset, void *p, size_t n);
/* The whole file in memory, for formats that need it; owned by the buffer. */
DESK_MUST_CHECK enum desk_status extract_load(const struct extract_doc *d, struct desk_buf *b,
					      struct desk_error *err);

/* ---- registry.c: one row a format -------------------------------------- */

struct extract_format {
	const char *name;	/* "pdf": what the FORMAT record says */
	const char *exts;	/* " md markdown ": names that settle it when the content does not */
	bool (*sniff)(const struct extract_doc *d);	/* by content; NULL: by name only */
	enum desk_status (*extract)(struct extract_doc *d, struct extract_out *o,
				    struct desk_error *err);
};

const struct extract_format *extract_format_find(const struct extract_doc *d, struct desk_error *err);
const struct extract_format *extract_format_named(const char *name);
size_t extract_format_count(void);
const struct extract_format *extract_format_at(size_t i);
/* Everything but the sandbox: find the format, extract, judge what came of it. */
DESK_MUST_CHECK enum desk_status extract_document(struct extract_doc *d, struct extract_out *o,
						  struct desk_error *err);

/* The reason why this content can't be read, or NULL. */
const char *extract_refusal(const struct extract_doc *d);
bool extract_ext_in(const struct extract_doc *d, const char *exts);

/* ---- charset.c ---------------------------------------------------------- */

/* Name for ICU of the character set of bytes that start with head; declared may be "". */
const char *extract_charset_guess(struct desk_str head, const char *declared, bool all_utf8);
const char *extract_charset_bom(struct desk_str head);	/* NULL when there is none */
bool extract_charset_known(const char *name);
bool extract_is_utf8(const struct extract_doc *d);	/* the whole file; reads it once */
const char *extract_charset_cyrillic(struct desk_str head);	/* NULL: not Cyrillic */

typedef void extract_bytes_fn(void *arg, const char *p, size_t n);

struct extract_decoder {
	void             *converter;	/* UConverter */
	uint16_t          high;	/* a high surrogate whose other half is to come */
	extract_bytes_fn *fn;
	void             *arg;
};
/* An unknown name is read as windows-1252. */
void extract_decoder_init(struct extract_decoder *d, const char *charset, extract_bytes_fn *fn,
			  void *arg);
void extract_decode(struct extract_decoder *d, const char *p, size_t n, bool last);
void extract_decoder_done(struct extract_decoder *d);
/* The whole file from its first byte through a decoder. */
void extract_decode_file(const struct extract_doc *d, const char *charset, extract_bytes_fn *fn,
			 void *arg);

/* ---- zip.c -------------------------------------------------------------- */

struct extract_zip {
	void    *zip;	/* zip_t */
	uint64_t inflated;	/* by all members read */
};
DESK_MUST_CHECK enum desk_status extract_zip_open(struct extract_zip *z, const struct extract_doc *d,
						  struct desk_error *err);
void extract_zip_close(struct extract_zip *z);
bool extract_zip_sniff(const struct extract_doc *d);
bool extract_zip_has(const struct extract_zip *z, const char *member);
/* Feed a member to fn until it says false. DESK_E_NOT_FOUND when there is none. */
typedef bool extract_feed_fn(void *arg, const char *p, size_t n);
DESK_MUST_CHECK enum desk_status extract_zip_read(struct extract_zip *z, const char *member,
						  extract_feed_fn *fn, void *arg,
						  struct desk_error *err);
DESK_MUST_CHECK enum desk_status extract_zip_load(struct extract_zip *z, const char *member,
						  struct desk_buf *b, struct desk_error *err);

/* ---- xml.c -------------------------------------------------------------- */

struct extract_attrs {
	int                   n;
	const unsigned char **at;	/* libxml2's rows of five */
};
struct extract_xml {
	void (*start)(void *arg, const char *element, const struct extract_attrs *attrs);
	void (*end)(void *arg, const char *element);
	void (*text)(void *arg, const char *p, size_t n);
	bool (*stopped)(void *arg);	/* may be NULL */
};
/* Value by local name; prefixed says whether the attribute has a prefix (r:id) or not (id). */
struct desk_str extract_attr(const struct extract_attrs *attrs, const char *name);
struct desk_str extract_attr_prefixed(const struct extract_attrs *attrs, const char *name);
/* The same as a number; dflt when missing or none. */
int64_t extract_attr_int(const struct extract_attrs *attrs, const char *name, int64_t dflt);
DESK_MUST_CHECK enum desk_status extract_zip_xml(struct extract_zip *z, const char *member,
						 const struct extract_xml *ops, void *arg,
						 struct desk_error *err);

/* ---- opc.c -------------------------------------------------------------- */

struct extract_rels {
	struct extract_rel {
		char id[64];
		char type[64];	/* the last part of the type's URI: "worksheet" */
		char target[256];	/* a member's name */
	}      *at;	/* owned */
	size_t n;
};
/* The relationships of a member ("" for the package's own); none is fine. */
void extract_rels_load(struct extract_zip *z, const char *member, struct extract_rels *out);
void extract_rels_done(struct extract_rels *r);
const char *extract_rels_by_id(const struct extract_rels *r, struct desk_str id);
const char *extract_rels_by_type(const struct extract_rels *r, const char *type);
/*
 * Is it an Office package whose main part lies in folder ("word/")? out, if not NULL, gets the
 * part's name.
 */
bool extract_opc_main(const struct extract_doc *d, const char *folder, char out[256]);
/* Title from a metadata member with a dc:title; missing is fine. */
void extract_meta_title(struct extract_zip *z, const char *member, struct extract_out *o);
/* The charts that the relationships name. */
void extract_charts(struct extract_zip *z, const struct extract_rels *rels, struct extract_out *o);
/* base is a member, href relative to it: "ppt/slides/slide1.xml" + "../media/x". */
void extract_resolve(const char *base, struct desk_str href, char out[256]);

/* ---- the formats -------------------------------------------------------- */

bool extract_pdf_sniff(const struct extract_doc *d);
enum desk_status extract_pdf(struct extract_doc *d, struct extract_out *o, struct desk_error *err);
bool extract_docx_sniff(const struct extract_doc *d);
enum desk_status extract_docx(struct extract_doc *d, struct extract_out *o, struct desk_error *err);
bool extract_pptx_sniff(const struct extract_doc *d);
enum desk_status extract_pptx(struct extract_doc *d, struct extract_out *o, struct desk_error *err);
bool extract_xlsx_sniff(const struct extract_doc *d);
enum desk_status extract_xlsx(struct extract_doc *d, struct extract_out *o, struct desk_error *err);
bool extract_odf_sniff(const struct extract_doc *d);
enum desk_status extract_odf(struct extract_doc *d, struct extract_out *o, struct desk_error *err);
bool extract_epub_sniff(const struct extract_doc *d);
enum desk_status extract_epub(struct extract_doc *d, struct extract_out *o, struct desk_error *err);
bool extract_html_sniff(const struct extract_doc *d);
enum desk_status extract_html(struct extract_doc *d, struct extract_out *o, struct desk_error *err);
bool extract_eml_sniff(const struct extract_doc *d);
enum desk_status extract_eml(struct extract_doc *d, struct extract_out *o, struct desk_error *err);
enum desk_status extract_csv(struct extract_doc *d, struct extract_out *o, struct desk_error *err);
enum desk_status extract_markdown(struct extract_doc *d, struct extract_out *o,
				  struct desk_error *err);
enum desk_status extract_plain(struct extract_doc *d, struct extract_out *o, struct desk_error *err);

/* HTML that is no file: of an e-mail or a book. utf8 comes in parts; begin, feed, end. */
struct extract_html;
enum extract_html_mode {
	EXTRACT_HTML_PAGE,	/* navigation and the like stay out */
	EXTRACT_HTML_ALL,	/* everything that is not code */
	EXTRACT_HTML_XML,	/* some XML: each element's text on a line of its own */
};
struct extract_html *extract_html_begin(struct extract_out *o, enum extract_html_mode mode);
void extract_html_feed(struct extract_html *h, const char *utf8, size_t n);
void extract_html_end(struct extract_html *h);

/* A cell of a workbook as a person sees it; numFmt is the format's code, "" when unknown. */
void extract_xlsx_number(struct desk_str raw, int64_t fmt_id, const char *fmt, bool date1904,
			 struct desk_buf *out);

/* A page's text in paragraphs; page is a PopplerPage. */
void extract_pdf_page(void *page, struct extract_out *o);

/* ---- sandbox.c ---------------------------------------------------------- */

struct extract_limits {
	uint64_t memory;	/* bytes of address space */
	uint32_t seconds;	/* of CPU */
	uint64_t output;	/* bytes of text */
};
/* Give up everything but fd 0 (the document, read) and fd 1 (records, write). */
DESK_MUST_CHECK enum desk_status extract_sandbox(const struct extract_limits *l,
						 struct desk_error *err);

#endif
