/* lib/ingestion/child/xml.c - SAX over libxml2 for the XML in packages. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * No DTD is accepted and so no entity but the five of XML; nothing is fetched; libxml2's own
 * limits on depth and on the length of names and texts stay on.
 */
#include "ingestion/child/child.h"

#include <libxml/parser.h>
#include <string.h>

struct xml_run {
	const struct extract_xml *ops;
	void                     *arg;
	xmlParserCtxtPtr          parser;
	bool                      dtd, done;
};

static bool xml_is_name(const struct extract_attrs *a, int i, const char *name, bool prefixed)
{
	return strcmp((const char *)a->at[i * 5], name) == 0 && (a->at[i * 5 + 1] != NULL) == prefixed;
}

static struct desk_str xml_value(const struct extract_attrs *a, int i)
{
	const char *from = (const char *)a->at[i * 5 + 3];

	return (struct desk_str){ from, (size_t)((const char *)a->at[i * 5 + 4] - from) };
}

struct desk_str extract_attr(const struct extract_attrs *a, const char *name)
{
	for (int i = 0; i < a->n; i++)
		if (xml_is_name(a, i, name, false))
			return xml_value(a, i);
	for (int i = 0; i < a->n; i++)
		if (xml_is_name(a, i, name, true))
			return xml_value(a, i);
	return (struct desk_str){ "", 0 };
}

struct desk_str extract_attr_prefixed(const struct extract_attrs *a, const char *name)
{
	for (int i = 0; i < a->n; i++)
		if (xml_is_name(a, i, name, true))
			return xml_value(a, i);
	return (struct desk_str){ "", 0 };
}

int64_t extract_attr_int(const struct extract_attrs *a, const char *name, int64_t dflt)
{
	struct desk_str v = extract_attr(a, name);
	char digits[24];
	int64_t n;

	if (v.n == 0 || v.n >= sizeof(digits))
		return dflt;
	memcpy(digits, v.p, v.n);
	digits[v.n] = '\0';
	return desk_parse_int64(digits, &n) ? n : dflt;
}

static void xml_start(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
		      int n_ns, const xmlChar **ns, int n, int n_default, const xmlChar **at)
{
	struct xml_run *r = arg;
	struct extract_attrs attrs = { n, at };

	(void)prefix, (void)uri, (void)n_ns, (void)ns, (void)n_default;
	if (r->ops->start != NULL)
		r->ops->start(r->arg, (const char *)name, &attrs);
}

static void xml_end(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct xml_run *r = arg;

	(void)prefix, (void)uri;
	if (r->ops->end != NULL)
		r->ops->end(r->arg, (const char *)name);
}

static void xml_text(void *arg, const xmlChar *p, int n)
{
	struct xml_run *r = arg;

	if (r->ops->text != NULL)
		r->ops->text(r->arg, (const char *)p, (size_t)n);
}

static void xml_dtd(void *arg, const xmlChar *name, const xmlChar *id, const xmlChar *uri)
{
	struct xml_run *r = arg;

	(void)name, (void)id, (void)uri;
	r->dtd = true;
	xmlStopParser(r->parser);
}

static void xml_quiet(void *arg, const char *msg, ...)
{
	(void)arg, (void)msg;
}

static bool xml_feed(void *arg, const char *p, size_t n)
{
	struct xml_run *r = arg;

	if (r->ops->stopped != NULL && r->ops->stopped(r->arg))
		r->done = true;
	return !r->done && xmlParseChunk(r->parser, p, (int)n, 0) == XML_ERR_OK;
}

enum desk_status extract_zip_xml(struct extract_zip *z, const char *member,
				 const struct extract_xml *ops, void *arg, struct desk_error *err)
{
	xmlSAXHandler sax = { 0 };
	struct xml_run r = { .ops = ops, .arg = arg };
	enum desk_status rc;
	bool bad;

	sax.initialized = XML_SAX2_MAGIC;
	sax.startElementNs = xml_start;
	sax.endElementNs = xml_end;
	sax.characters = xml_text;
	sax.cdataBlock = xml_text;
	sax.ignorableWhitespace = xml_text;
	sax.internalSubset = xml_dtd;
	sax.error = sax.warning = sax.fatalError = xml_quiet;
	r.parser = xmlCreatePushParserCtxt(&sax, &r, NULL, 0, NULL);
	if (r.parser == NULL)
		return desk_error_set(err, DESK_E_BUG, "no XML parser");
	xmlCtxtUseOptions(r.parser, XML_PARSE_NONET);
	rc = extract_zip_read(z, member, xml_feed, &r, err);
	if (rc == DESK_OK && !r.done && r.parser->errNo == XML_ERR_OK)
		xmlParseChunk(r.parser, "", 0, 1);
	bad = !r.done && (r.dtd || !r.parser->wellFormed);
	if (r.parser->myDoc != NULL)
		xmlFreeDoc(r.parser->myDoc);
	xmlFreeParserCtxt(r.parser);
	if (rc == DESK_OK && bad)
		rc = desk_error_set(err, DESK_E_INPUT, "the file is damaged (%s in it is not well-formed "
				    "XML): open and save it again with its program and upload that",
				    member);
	return rc;
}
