/* ctl/cmd_embed.c - frontdeskctl embed: texts to vectors, by the configured model. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "embed/embed.h"
#include "net/net.h"

#define EMBED_INPUT_MAX (64u << 20)

/* The words of the command line, or with "-" alone the lines of standard input. */
static enum desk_status embed_texts(struct ctl *c, struct desk_str **out, size_t *n)
{
	struct desk_str all, *texts;
	enum desk_status rc;
	size_t lines = 1, k = 0;

	if (c->n_args != 1 || strcmp(c->args[0], "-") != 0) {
		*out = desk_arena_array(c->arena, (size_t)c->n_args, sizeof(**out));
		for (int i = 0; i < c->n_args; i++)
			(*out)[i] = desk_str_of(c->args[i]);
		*n = (size_t)c->n_args;
		return DESK_OK;
	}
	rc = ctl_read_file(c, "-", EMBED_INPUT_MAX, &all);
	if (rc != DESK_OK)
		return rc;
	for (size_t i = 0; i < all.n; i++)
		lines += all.p[i] == '\n';
	texts = desk_arena_array(c->arena, lines, sizeof(*texts));
	while (all.n > 0) {
		const char *nl = memchr(all.p, '\n', all.n);
		size_t len = nl != NULL ? (size_t)(nl - all.p) : all.n;

		texts[k++] = (struct desk_str){ all.p, len };
		all.p += len + (nl != NULL);
		all.n -= len + (nl != NULL);
	}
	*out = texts;
	*n = k;
	return DESK_OK;
}

static json_t *embed_json(const float *v, size_t dim)
{
	json_t *list = json_array();

	for (size_t i = 0; i < dim; i++)
		json_array_append_new(list, json_real((double)v[i]));
	return list;
}

static void embed_line(const float *v, size_t dim)
{
	for (size_t i = 0; i < dim; i++)
		printf("%s%.9g", i == 0 ? "[" : ", ", (double)v[i]);
	puts("]");
}

static enum desk_status embed_run(struct ctl *c, struct desk_embedder *e)
{
	size_t dim = desk_embedder_dim(e), n = 0;
	struct desk_str *texts = NULL;
	json_t *list = desk_json_keep(c->arena, json_array());
	enum desk_status rc = embed_texts(c, &texts, &n);
	float *v;

	if (rc != DESK_OK)
		return rc;
	v = desk_arena_array(c->arena, n * dim + 1, sizeof(*v));
	rc = desk_embed_texts(e, texts, n, v, c->cx.deadline, &c->cx.err);
	for (size_t i = 0; rc == DESK_OK && i < n; i++) {
		if (c->json)
			json_array_append_new(list, json_pack("{s:o, s:s, s:o}", "text",
							      json_string(desk_utf8_clean(c->arena, texts[i].p, texts[i].n, NULL)),
							      "model", desk_embedder_name(e), "embedding",
							      embed_json(v + i * dim, dim)));
		else
			embed_line(v + i * dim, dim);
	}
	if (rc == DESK_OK && c->json)
		ctl_print_json(list);
	return rc;
}

static enum desk_status embed_exec(struct ctl *c)
{
	struct desk_embedder *e = NULL;
	struct desk_net *net = NULL;
	enum desk_status rc = DESK_OK;

	if (strcmp(c->config->EMBEDDING_PROVIDER, "builtin") != 0)
		rc = desk_net_open_config(c->config, &net, &c->cx.err);
	if (rc == DESK_OK)
		rc = desk_embedder_open_config(c->config, net, &e, &c->cx.err);
	if (rc == DESK_OK)
		rc = embed_run(c, e);
	desk_embedder_free(e);
	desk_net_free(net);
	return rc;
}

const struct ctl_command cmd_embed = {
	.name = "embed",
	.args = "TEXT… | -",
	.summary = "Print the vectors of texts",
	.notes = "One line a text: its unit vector as a JSON array. With - the lines of standard input are the\n"
		 "texts. --json prints an array of objects: text, model, embedding.",
	.min_args = 1,
	.max_args = -1,
	.exec = embed_exec,
};
