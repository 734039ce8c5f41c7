/* lib/ingestion/child/pdf.c - PDF by page, through poppler-glib. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/child.h"

#include <poppler.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PDF_PAGES_MAX 50000

/* What programs put there when nobody gave a title. */
static bool pdf_title_is_real(const char *title)
{
	static const char *const heads[] = { "Microsoft Word - ", "Microsoft PowerPoint - " };
	static const char *const tails[] = { ".doc", ".docx", ".indd", ".dvi", ".ppt", ".pptx", ".xls",
					     ".xlsx", ".pdf", ".qxd", ".tex", ".rtf", ".txt", ".tmp" };
	size_t n = strlen(title);

	for (size_t i = 0; i < DESK_ARRAY_LEN(heads); i++)
		if (strncasecmp(title, heads[i], strlen(heads[i])) == 0)
			return false;
	for (size_t i = 0; i < DESK_ARRAY_LEN(tails); i++)
		if (n >= strlen(tails[i]) && strcasecmp(title + n - strlen(tails[i]), tails[i]) == 0)
			return false;
	return n > 0;
}

static void pdf_title(PopplerDocument *pdf, struct extract_out *o)
{
	char *title = poppler_document_get_title(pdf);

	if (title != NULL && pdf_title_is_real(title))
		extract_title(o, desk_str_of(title));
	g_free(title);
}

static enum desk_status pdf_refused(const GError *why, struct desk_error *err)
{
	if (why != NULL && why->code == POPPLER_ERROR_ENCRYPTED)
		return desk_error_set(err, DESK_E_INPUT,
				      "password-protected PDF: remove the password and upload again");
	return desk_error_set(err, DESK_E_INPUT, "damaged PDF (%s): open it in a viewer, print it to a "
			      "new PDF and upload that", why != NULL ? why->message : "unreadable");
}

static enum desk_status pdf_pages(PopplerDocument *pdf, struct extract_doc *d, struct extract_out *o,
				  struct desk_error *err)
{
	int n = poppler_document_get_n_pages(pdf), read = 0;

	if (n <= 0 || n > PDF_PAGES_MAX)
		return desk_error_set(err, DESK_E_INPUT, "damaged PDF (it claims to have %d pages): open "
				      "it in a viewer, print it to a new PDF and upload that", n);
	d->pages = (uint32_t)n;
	for (int i = 0; i < n && !extract_stopped(o); i++) {
		PopplerPage *page = poppler_document_get_page(pdf, i);

		if (page == NULL)
			continue;	/* one bad page does not spoil the rest */
		extract_page(o, (uint32_t)i + 1);
		extract_pdf_page(page, o);
		g_object_unref(page);
		read++;
	}
	if (read == 0)
		return pdf_refused(NULL, err);
	if (o->visible == 0)
		return desk_error_set(err, DESK_E_INPUT, "no text found in %d page%s: the PDF holds only "
				      "pictures; run OCR and upload again", n, n == 1 ? "" : "s");
	return DESK_OK;
}

enum desk_status extract_pdf(struct extract_doc *d, struct extract_out *o, struct desk_error *err)
{
	GError *why = NULL;
	PopplerDocument *pdf;
	enum desk_status rc;
	int fd = dup(d->fd);	/* poppler keeps and closes it */

	if (fd < 0)
		return desk_error_set(err, DESK_E_IO, "no file descriptor left");
	pdf = poppler_document_new_from_fd(fd, NULL, &why);
	if (pdf == NULL) {
		rc = pdf_refused(why, err);
		g_clear_error(&why);
		return rc;
	}
	pdf_title(pdf, o);
	rc = pdf_pages(pdf, d, o, err);
	g_object_unref(pdf);
	return rc;
}

/* Readers accept the mark anywhere in the first 1024 bytes (ISO 32000, annex H). */
bool extract_pdf_sniff(const struct extract_doc *d)
{
	size_t n = d->head_n < 1029 ? d->head_n : 1029;

	return memmem(d->head, n, "%PDF-", 5) != NULL &&
	       (d->head[0] == '%' || extract_ext_in(d, " pdf ") || !extract_html_sniff(d));
}
