/* lib/ingestion/child/html.c - HTML: what a reader of the page would read. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes become UTF-8 before libxml2's forgiving parser sees them, so it never converts.
 * Code, navigation and footers stay out; if nothing is left then, the page is read again whole.
 */
#include "ingestion/child/child.h"

#include <ctype.h>
#include <libxml/HTMLparser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HTML_HEADING_MAX 300

struct extract_html {
	struct extract_out    *o;
	htmlParserCtxtPtr      parser;
	enum extract_html_mode mode;
	char                   skip[24];	/* the element that is left out, "" for none */
	int                    skip_depth;	/* how many of it are open */
	int                    cell, pre, nested;
	bool                   title, heading;
	struct desk_buf        line;	/* the title or heading under way */
};

/* What an element does to the text around it. */
enum html_kind { HTML_INLINE, HTML_LINE, HTML_PARA, HTML_SKIP, HTML_FURNITURE };

static const struct html_row {
	const char    *name;
	enum html_kind kind;
} html_rows[] = {
	{ "address", HTML_PARA }, { "article", HTML_PARA }, { "aside", HTML_PARA },
	{ "blockquote", HTML_PARA }, { "body", HTML_PARA }, { "br", HTML_LINE },
	{ "button", HTML_FURNITURE }, { "canvas", HTML_SKIP }, { "caption", HTML_PARA },
	{ "dd", HTML_LINE }, { "details", HTML_PARA }, { "dialog", HTML_FURNITURE },
	{ "div", HTML_LINE }, { "dl", HTML_PARA }, { "dt", HTML_LINE }, { "embed", HTML_SKIP },
	{ "fieldset", HTML_PARA }, { "figcaption", HTML_PARA }, { "figure", HTML_PARA },
	{ "footer", HTML_FURNITURE }, { "form", HTML_PARA }, { "h1", HTML_PARA }, { "h2", HTML_PARA },
	{ "h3", HTML_PARA }, { "h4", HTML_PARA }, { "h5", HTML_PARA }, { "h6", HTML_PARA },
	{ "header", HTML_PARA }, { "hr", HTML_PARA }, { "iframe", HTML_SKIP },
	{ "ix:header", HTML_SKIP }, { "legend", HTML_LINE }, { "li", HTML_LINE },
	{ "main", HTML_PARA }, { "menu", HTML_PARA }, { "nav", HTML_FURNITURE },
	{ "noscript", HTML_FURNITURE }, { "object", HTML_SKIP }, { "ol", HTML_PARA },
	{ "option", HTML_LINE }, { "p", HTML_PARA }, { "pre", HTML_PARA }, { "script", HTML_SKIP },
	{ "section", HTML_PARA }, { "select", HTML_FURNITURE }, { "style", HTML_SKIP },
	{ "summary", HTML_LINE }, { "svg", HTML_SKIP }, { "table", HTML_PARA },
	{ "template", HTML_SKIP }, { "tr", HTML_LINE }, { "ul", HTML_PARA }, { "video", HTML_SKIP },
	{ "audio", HTML_SKIP }, { "map", HTML_SKIP },
};

static enum html_kind html_kind_of(const struct extract_html *h, const char *name)
{
	if (h->mode == EXTRACT_HTML_XML)
		return HTML_LINE;
	for (size_t i = 0; i < DESK_ARRAY_LEN(html_rows); i++) {
		if (strcmp(html_rows[i].name, name) != 0)
			continue;
		if (html_rows[i].kind == HTML_FURNITURE && h->mode == EXTRACT_HTML_ALL)
			return HTML_LINE;
		return html_rows[i].kind;
	}
	return HTML_INLINE;
}

static const char *html_attr(const xmlChar **at, const char *name)
{
	for (; at != NULL && at[0] != NULL; at += 2)
		if (strcasecmp((const char *)at[0], name) == 0)
			return at[1] != NULL ? (const char *)at[1] : "";
	return NULL;
}

/* A part of the page that its markup calls navigation, whatever its element. */
static bool html_is_furniture(const struct extract_html *h, const xmlChar **at)
{
	const char *role = html_attr(at, "role");

	return h->mode == EXTRACT_HTML_PAGE && role != NULL &&
	       (strcasecmp(role, "navigation") == 0 || strcasecmp(role, "contentinfo") == 0 ||
		strcasecmp(role, "search") == 0);
}

static void html_break(struct extract_html *h, const char *name, enum html_kind kind)
{
	bool light = kind == HTML_INLINE || strcmp(name, "p") == 0 || strcmp(name, "div") == 0 ||
		     strcmp(name, "br") == 0;

	if (kind == HTML_INLINE)
		return;
	if (h->cell > 0 && light)
		extract_space(h->o);	/* a cell is one line if it can be */
	else if (kind == HTML_PARA && h->cell == 0)
		extract_para(h->o);
	else
		extract_line(h->o);
}

/* White space counts inside <pre> only. */
static void html_preserve(struct extract_html *h)
{
	h->o->collapse = h->pre == 0;
	h->o->indent = h->pre > 0;
}

static void html_srcdoc(struct extract_html *h, const char *srcdoc)
{
	struct extract_html *inner;

	if (h->nested >= 3)
		return;
	extract_para(h->o);
	inner = extract_html_begin(h->o, h->mode);
	inner->nested = h->nested + 1;
	extract_html_feed(inner, srcdoc, strlen(srcdoc));
	extract_html_end(inner);
	html_preserve(h);
}

static void html_skip_begin(struct extract_html *h, const char *name, const xmlChar **at)
{
	const char *srcdoc = html_attr(at, "srcdoc");

	if (strcmp(name, "iframe") == 0 && srcdoc != NULL)
		html_srcdoc(h, srcdoc);
	desk_copy(h->skip, sizeof(h->skip), name);
	h->skip_depth = 1;
}

/* Headings h1 to h3 may become the title. */
static bool html_is_heading(const char *name)
{
	return name[0] == 'h' && name[1] >= '1' && name[1] <= '3' && name[2] == '\0';
}

static void html_start(void *arg, const xmlChar *el, const xmlChar **at)
{
	struct extract_html *h = arg;
	const char *name = (const char *)el;
	enum html_kind kind = html_kind_of(h, name);

	if (h->skip_depth > 0) {
		h->skip_depth += strcmp(h->skip, name) == 0;
		return;
	}
	if (kind == HTML_SKIP || kind == HTML_FURNITURE || html_is_furniture(h, at)) {
		html_skip_begin(h, name, at);
		return;
	}
	html_break(h, name, kind);
	if (strcmp(name, "title") == 0 || html_is_heading(name)) {
		h->title = name[0] == 't';
		h->heading = !h->title;
		desk_buf_clear(&h->line);
	} else if (strcmp(name, "li") == 0) {
		extract_text(h->o, "- ", 2);
	} else if (strcmp(name, "td") == 0 || strcmp(name, "th") == 0) {
		h->cell++;
		if (h->o->cells == 0)
			extract_cell(h->o);
	} else if (strcmp(name, "pre") == 0 || strcmp(name, "textarea") == 0) {
		h->pre++;
		html_preserve(h);
	}
}

static void html_line_end(struct extract_html *h)
{
	if (h->line.n > 0 && h->title)
		extract_title(h->o, desk_buf_str(&h->line));
	else if (h->line.n > 0 && h->heading)
		extract_heading(h->o, desk_buf_str(&h->line));
	h->title = h->heading = false;
	desk_buf_clear(&h->line);
}

static void html_end(void *arg, const xmlChar *el)
{
	struct extract_html *h = arg;
	const char *name = (const char *)el;

	if (h->skip_depth > 0) {
		h->skip_depth -= strcmp(h->skip, name) == 0;
		return;
	}
	html_break(h, name, html_kind_of(h, name));
	if (strcmp(name, "title") == 0 || html_is_heading(name)) {
		html_line_end(h);
	} else if ((strcmp(name, "td") == 0 || strcmp(name, "th") == 0) && h->cell > 0) {
		h->cell--;
	} else if ((strcmp(name, "pre") == 0 || strcmp(name, "textarea") == 0) && h->pre > 0) {
		h->pre--;
		html_preserve(h);
	}
}

static void html_text(void *arg, const xmlChar *p, int n)
{
	struct extract_html *h = arg;

	if (h->skip_depth > 0)
		return;
	if ((h->title || h->heading) && h->line.n + (size_t)n <= HTML_HEADING_MAX)
		desk_buf_add(&h->line, p, (size_t)n);
	if (!h->title)
		extract_text(h->o, (const char *)p, (size_t)n);
}

struct extract_html *extract_html_begin(struct extract_out *o, enum extract_html_mode mode)
{
	struct extract_html *h = desk_xcalloc(1, sizeof(*h));
	htmlSAXHandler sax = { 0 };

	sax.startElement = html_start;
	sax.endElement = html_end;
	sax.characters = html_text;
	sax.ignorableWhitespace = html_text;
	h->o = o;
	h->mode = mode;
	desk_buf_init(&h->line, HTML_HEADING_MAX);
	h->parser = htmlCreatePushParserCtxt(&sax, h, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
	htmlCtxtUseOptions(h->parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
					      HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
	o->collapse = true;
	return h;
}

void extract_html_feed(struct extract_html *h, const char *utf8, size_t n)
{
	while (n > 0 && !extract_stopped(h->o)) {
		int step = n > 32768 ? 32768 : (int)n;

		htmlParseChunk(h->parser, utf8, step, 0);
		utf8 += step, n -= (size_t)step;
	}
}

void extract_html_end(struct extract_html *h)
{
	htmlParseChunk(h->parser, "", 0, 1);
	if (h->parser->myDoc != NULL)
		xmlFreeDoc(h->parser->myDoc);
	htmlFreeParserCtxt(h->parser);
	desk_buf_done(&h->line);
	h->o->collapse = h->o->indent = false;
	extract_para(h->o);
	free(h);
}

/* The charset that the head declares, by <meta> or the XML declaration; "" when none. */
static void html_declared(const struct extract_doc *d, char out[64])
{
	static const char *const keys[] = { "charset=", "encoding=" };
	const char *end = (const char *)d->head + d->head_n;

	out[0] = '\0';
	for (size_t k = 0; k < DESK_ARRAY_LEN(keys) && out[0] == '\0'; k++) {
		size_t n = strlen(keys[k]);

		for (const char *p = (const char *)d->head; p + n < end; p++) {
			size_t at = 0;

			if (strncasecmp(p, keys[k], n) != 0)
				continue;
			for (p += n; p < end && (*p == '"' || *p == '\'' || *p == ' '); p++)
				;
			while (p < end && at < 63 && (isalnum((unsigned char)*p) || strchr("-_:.", *p)))
				out[at++] = *p++;
			out[at] = '\0';
			break;
		}
	}
}

static void html_feed(void *arg, const char *p, size_t n)
{
	extract_html_feed(arg, p, n);
}

static void html_pass(struct extract_doc *d, struct extract_out *o, const char *charset,
		      enum extract_html_mode mode)
{
	struct extract_html *h = extract_html_begin(o, mode);

	extract_decode_file(d, charset, html_feed, h);
	extract_html_end(h);
}

/* First element or declaration after white space and comments is this word. */
static bool html_begins(const struct extract_doc *d, const char *word)
{
	const char *p = (const char *)d->head, *end = p + d->head_n;

	if (d->head_n >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
		p += 3;
	while (p < end) {
		if (isspace((unsigned char)*p)) {
			p++;
		} else if (end - p > 4 && memcmp(p, "<!--", 4) == 0) {
			p = memmem(p, (size_t)(end - p), "-->", 3);
			if (p == NULL)
				return false;
			p += 3;
		} else {
			return (size_t)(end - p) > strlen(word) && strncasecmp(p, word, strlen(word)) == 0;
		}
	}
	return false;
}

static bool html_is_xml(const struct extract_doc *d)
{
	char *head = desk_xstrndup((const char *)d->head, d->head_n);
	bool xml = html_begins(d, "<?xml") && strcasestr(head, "<html") == NULL;

	free(head);
	return xml;
}

bool extract_html_sniff(const struct extract_doc *d)
{
	static const char *const words[] = { "<!doctype html", "<html", "<head>", "<body", "<?xml" };

	for (size_t i = 0; i < DESK_ARRAY_LEN(words); i++)
		if (html_begins(d, words[i]))
			return true;
	return false;
}

enum desk_status extract_html(struct extract_doc *d, struct extract_out *o, struct desk_error *err)
{
	struct desk_str head = { (const char *)d->head, d->head_n };
	char declared[64];
	const char *charset;

	(void)err;
	html_declared(d, declared);
	charset = extract_charset_guess(head, declared, extract_is_utf8(d));
	html_pass(d, o, charset, html_is_xml(d) ? EXTRACT_HTML_XML : EXTRACT_HTML_PAGE);
	if (o->visible == 0 && !extract_stopped(o))
		html_pass(d, o, charset, EXTRACT_HTML_ALL);
	return DESK_OK;
}
