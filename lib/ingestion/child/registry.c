/* lib/ingestion/child/registry.c - which format is it, by content first and name second. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/child.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOAD_MAX (96u * 1024 * 1024)

/* In the order of trying: those whose content says what they are before those of a name only. */
static const struct extract_format formats[] = {
	{ "pdf", " pdf ", extract_pdf_sniff, extract_pdf },
	{ "docx", " docx docm dotx dotm ", extract_docx_sniff, extract_docx },
	{ "pptx", " pptx pptm ppsx ppsm potx potm ", extract_pptx_sniff, extract_pptx },
	{ "xlsx", " xlsx xlsm xltx xltm ", extract_xlsx_sniff, extract_xlsx },
	{ "odf", " odt ott ods ots odp otp ", extract_odf_sniff, extract_odf },
	{ "epub", " epub ", extract_epub_sniff, extract_epub },
	{ "eml", " eml mht mhtml ", extract_eml_sniff, extract_eml },
	{ "html", " html htm xhtml xht shtml ", extract_html_sniff, extract_html },
	{ "markdown", " md markdown mdown mkd mdx ", NULL, extract_markdown },
	{ "csv", " csv tsv tab ", NULL, extract_csv },
	{ "text", " txt text log ", NULL, extract_plain },	/* last: takes any text */
};

size_t extract_format_count(void)
{
	return DESK_ARRAY_LEN(formats);
}

const struct extract_format *extract_format_at(size_t i)
{
	return i < DESK_ARRAY_LEN(formats) ? &formats[i] : NULL;
}

const struct extract_format *extract_format_named(const char *name)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

bool extract_ext_in(const struct extract_doc *d, const char *exts)
{
	char word[sizeof(d->ext) + 2];

	if (d->ext[0] == '\0')
		return false;
	snprintf(word, sizeof(word), " %s ", d->ext);
	return strstr(exts, word) != NULL;
}

size_t extract_read(const struct extract_doc *d, uint64_t offset, void *p, size_t n)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = pread(d->fd, (char *)p + have, n - have, (off_t)(offset + have));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	return have;
}

enum desk_status extract_load(const struct extract_doc *d, struct desk_buf *b, struct desk_error *err)
{
	void *at;

	if (d->size > LOAD_MAX)
		return desk_error_set(err, DESK_E_INPUT, "the file is larger than %u MB, too much for "
				      "this format: split it and upload the parts", LOAD_MAX >> 20);
	desk_buf_init(b, (size_t)d->size + 1);
	at = desk_buf_reserve(b, (size_t)d->size);
	if (at != NULL)
		b->n = extract_read(d, 0, at, (size_t)d->size);
	if (b->p != NULL)
		b->p[b->n] = '\0';
	return DESK_OK;
}

static void doc_name(struct extract_doc *d, const char *name)
{
	const char *slash = strrchr(name, '/'), *dot;
	size_t n = 0;

	desk_copy(d->name, sizeof(d->name), slash != NULL ? slash + 1 : name);
	dot = strrchr(d->name, '.');
	if (dot == NULL || dot == d->name)
		return;
	for (dot++; *dot != '\0' && n + 1 < sizeof(d->ext); dot++)
		d->ext[n++] = (char)tolower((unsigned char)*dot);
	d->ext[n] = '\0';
}

enum desk_status extract_doc_open(struct extract_doc *d, int fd, const char *name,
				  struct desk_error *err)
{
	struct stat st;

	memset(d, 0, sizeof(*d));
	d->fd = fd;
	doc_name(d, name);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return desk_error_set(err, DESK_E_INPUT, "it is not a regular file");
	d->size = (uint64_t)st.st_size;
	d->head_n = extract_read(d, 0, d->head, sizeof(d->head));
	if (d->size == 0)
		return desk_error_set(err, DESK_E_INPUT, "the file is empty: nothing to read");
	if (d->head_n == 0)
		return desk_error_set(err, DESK_E_INPUT, "the file cannot be read");
	return DESK_OK;
}

const struct extract_format *extract_format_find(const struct extract_doc *d, struct desk_error *err)
{
	const struct extract_format *by_name = NULL;
	const char *why;

	for (size_t i = 0; i < DESK_ARRAY_LEN(formats); i++) {
		if (formats[i].sniff != NULL && formats[i].sniff(d))
			return &formats[i];
		if (by_name == NULL && extract_ext_in(d, formats[i].exts))
			by_name = &formats[i];
	}
	why = extract_refusal(d);
	if (why != NULL) {
		desk_error_set(err, DESK_E_INPUT, "%s", why);
		return NULL;
	}
	/* A package that says .docx but is none is damaged; a text may be called anything. */
	if (by_name != NULL && by_name->sniff != NULL && by_name->sniff != extract_html_sniff &&
	    by_name->sniff != extract_eml_sniff) {
		desk_error_set(err, DESK_E_INPUT, "the file is damaged or is no %s file: open and save "
			       "it again with its program and upload that", d->ext);
		return NULL;
	}
	return by_name != NULL ? by_name : &formats[DESK_ARRAY_LEN(formats) - 1];
}

enum desk_status extract_document(struct extract_doc *d, struct extract_out *o,
				  struct desk_error *err)
{
	const struct extract_format *f = extract_format_find(d, err);
	enum desk_status rc;

	if (f == NULL)
		return DESK_E_INPUT;
	if (!o->emit(o->arg, FRAME_FORMAT, 0, desk_str_of(f->name)))
		return desk_error_set(err, DESK_E_IO, "nobody reads the text");
	rc = f->extract(d, o, err);
	if (rc == DESK_OK)
		extract_flush(o);
	if (o->full)
		return desk_error_set(err, DESK_E_INPUT, "it holds more than %zu MB of text: split it "
				      "and upload the parts", o->max >> 20);
	if (rc == DESK_OK && o->visible == 0)
		return desk_error_set(err, DESK_E_INPUT, "no text found: the %s file holds no words",
				      f->name);
	return rc;
}
