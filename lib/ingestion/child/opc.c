/* lib/ingestion/child/opc.c - Office packages: relationships and metadata. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RELS_MAX 20000

static void opc_copy(char *dst, size_t cap, struct desk_str s)
{
	size_t n = s.n < cap ? s.n : cap - 1;

	memcpy(dst, s.p, n);
	dst[n] = '\0';
}

/* Drop the last name of a path, and its slash. */
static void opc_up(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash != NULL ? slash : path) = '\0';
}

void extract_resolve(const char *base, struct desk_str href, char out[256])
{
	const char *p = href.p, *end = href.p + href.n;

	out[0] = '\0';
	if (href.n == 0 || href.n > 200 || strlen(base) > 200)
		return;
	if (*p != '/') {
		opc_copy(out, 256, desk_str_of(base));
		opc_up(out);
	}
	while (p < end) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		struct desk_str name = { p, (size_t)((slash != NULL ? slash : end) - p) };
		size_t have = strlen(out);

		if (desk_str_is(name, ".."))
			opc_up(out);
		else if (name.n > 0 && !desk_str_is(name, ".") && have + name.n + 2 < 256)
			snprintf(out + have, 256 - have, "%s%.*s", have > 0 ? "/" : "", (int)name.n,
				 name.p);
		p = slash != NULL ? slash + 1 : end;
	}
}

struct opc_rels_run {
	const char          *base;
	struct extract_rels *out;
};

static void opc_rels_start(void *arg, const char *element, const struct extract_attrs *attrs)
{
	struct opc_rels_run *run = arg;
	struct extract_rels *r = run->out;
	struct desk_str type = extract_attr(attrs, "Type");
	struct extract_rel *rel;

	if (strcmp(element, "Relationship") != 0 || r->n >= RELS_MAX ||
	    desk_str_is(extract_attr(attrs, "TargetMode"), "External"))
		return;
	if ((r->n & (r->n - 1)) == 0)
		r->at = desk_xrealloc(r->at, r->n > 0 ? r->n * 2 : 1, sizeof(*r->at));
	rel = &r->at[r->n++];
	for (size_t i = type.n; i > 0; i--)
		if (type.p[i - 1] == '/') {
			type.p += i, type.n -= i;
			break;
		}
	opc_copy(rel->type, sizeof(rel->type), type);
	opc_copy(rel->id, sizeof(rel->id), extract_attr(attrs, "Id"));
	extract_resolve(run->base, extract_attr(attrs, "Target"), rel->target);
}

void extract_rels_load(struct extract_zip *z, const char *member, struct extract_rels *out)
{
	static const struct extract_xml ops = { .start = opc_rels_start };
	struct opc_rels_run run = { member, out };
	const char *slash = strrchr(member, '/');
	char name[512];

	*out = (struct extract_rels){ 0 };
	snprintf(name, sizeof(name), "%.*s_rels/%s.rels",
		 slash != NULL ? (int)(slash - member) + 1 : 0, member,
		 slash != NULL ? slash + 1 : member);
	if (extract_zip_xml(z, name, &ops, &run, NULL) != DESK_OK)
		return;	/* what was read before the damage is kept */
}

void extract_rels_done(struct extract_rels *r)
{
	free(r->at);
	*r = (struct extract_rels){ 0 };
}

const char *extract_rels_by_id(const struct extract_rels *r, struct desk_str id)
{
	for (size_t i = 0; i < r->n; i++)
		if (desk_str_is(id, r->at[i].id))
			return r->at[i].target;
	return NULL;
}

const char *extract_rels_by_type(const struct extract_rels *r, const char *type)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->at[i].type, type) == 0)
			return r->at[i].target;
	return NULL;
}

struct opc_title_run {
	struct desk_buf title;
	bool            in;
};

static void opc_title_start(void *arg, const char *element, const struct extract_attrs *attrs)
{
	(void)attrs;
	((struct opc_title_run *)arg)->in = strcmp(element, "title") == 0;
}

static void opc_title_end(void *arg, const char *element)
{
	(void)element;
	((struct opc_title_run *)arg)->in = false;
}

static void opc_title_text(void *arg, const char *p, size_t n)
{
	struct opc_title_run *run = arg;

	if (run->in)
		desk_buf_add(&run->title, p, n);
}

void extract_meta_title(struct extract_zip *z, const char *member, struct extract_out *o)
{
	static const struct extract_xml ops = { .start = opc_title_start, .end = opc_title_end,
						.text = opc_title_text };
	struct opc_title_run run = { 0 };

	desk_buf_init(&run.title, 2000);
	if (extract_zip_xml(z, member, &ops, &run, NULL) == DESK_OK && run.title.n > 0)
		extract_title(o, desk_buf_str(&run.title));
	desk_buf_done(&run.title);
}

/* The main part by the package's relationships, else by where programs put it. */
static bool opc_find_main(struct extract_zip *z, const char *folder, char out[256])
{
	static const char *const usual[] = { "word/document.xml", "ppt/presentation.xml",
					     "xl/workbook.xml" };
	struct extract_rels rels;
	const char *target;

	extract_rels_load(z, "", &rels);
	target = extract_rels_by_type(&rels, "officeDocument");
	out[0] = '\0';
	if (target != NULL && extract_zip_has(z, target))
		desk_copy(out, 256, target);
	extract_rels_done(&rels);
	for (size_t i = 0; out[0] == '\0' && i < DESK_ARRAY_LEN(usual); i++)
		if (extract_zip_has(z, usual[i]))
			desk_copy(out, 256, usual[i]);
	return strncasecmp(out, folder, strlen(folder)) == 0;
}

bool extract_opc_main(const struct extract_doc *d, const char *folder, char out[256])
{
	struct extract_zip z;
	char found[256];
	bool ok;

	if (!extract_zip_sniff(d) || extract_zip_open(&z, d, NULL) != DESK_OK)
		return false;
	ok = opc_find_main(&z, folder, found);
	extract_zip_close(&z);
	if (ok && out != NULL)
		desk_copy(out, 256, found);
	return ok;
}
