/* lib/ingestion/child/chart.c - the words and numbers of charts in Office documents. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Title, then per series its name, its categories and its values, a line each. */
#include "ingestion/child/child.h"

#include <string.h>

struct chart {
	struct extract_out *o;
	bool                in_text;
	int                 skip;
};

static bool chart_is_line(const char *el)
{
	static const char *const names[] = { "title", "tx", "cat", "val", "xVal", "yVal", "bubbleSize" };

	for (size_t i = 0; i < DESK_ARRAY_LEN(names); i++)
		if (strcmp(el, names[i]) == 0)
			return true;
	return false;
}

static void chart_start(void *arg, const char *el, const struct extract_attrs *at)
{
	struct chart *c = arg;

	(void)at;
	if (c->skip > 0 || strcmp(el, "extLst") == 0 || strcmp(el, "Fallback") == 0) {
		c->skip++;
		return;
	}
	c->in_text = strcmp(el, "v") == 0 || strcmp(el, "t") == 0;
	if (chart_is_line(el))
		extract_line(c->o);
	else if (strcmp(el, "pt") == 0)
		extract_cell(c->o);
}

static void chart_end(void *arg, const char *el)
{
	struct chart *c = arg;

	c->in_text = false;
	if (c->skip > 0)
		c->skip--;
	else if (chart_is_line(el))
		extract_line(c->o);
}

static void chart_text(void *arg, const char *p, size_t n)
{
	struct chart *c = arg;

	if (c->in_text && c->skip == 0)
		extract_text(c->o, p, n);
}

void extract_charts(struct extract_zip *z, const struct extract_rels *rels, struct extract_out *o)
{
	static const struct extract_xml ops = { .start = chart_start, .end = chart_end,
						.text = chart_text };

	for (size_t i = 0; i < rels->n && !extract_stopped(o); i++) {
		struct chart c = { .o = o };

		if (strcmp(rels->at[i].type, "chart") != 0)
			continue;
		extract_para(o);
		if (extract_zip_xml(z, rels->at[i].target, &ops, &c, NULL) != DESK_OK)
			extract_line(o);	/* a help, not a need */
		extract_para(o);
	}
}
