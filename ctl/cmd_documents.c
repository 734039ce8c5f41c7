/* ctl/cmd_documents.c - frontdeskctl documents: list, show, remove. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "db/db.h"
#include "ingestion/ingestion.h"
#include "retrieval/retrieval.h"

static json_t *documents_json(const struct desk_document *d)
{
	char made[32], changed[32];
	json_t *v;

	desk_time_iso(d->created_us, made);
	desk_time_iso(d->updated_us, changed);
	v = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:i, s:i, s:i, s:s, s:s}", "id", d->id, "source",
		      d->source, "title", d->title, "status", d->status, "audience", d->audience, "language", d->language,
		      "mime", d->mime, "sha256", d->sha256, "bytes", (json_int_t)d->bytes, "pages", d->pages, "chunks",
		      d->chunks, "embedded", d->embedded, "created_at", made, "updated_at", changed);
	json_object_set_new(v, "reason", d->reason != NULL ? json_string(d->reason) : json_null());
	return v;
}

static enum desk_status documents_list(struct ctl *c)
{
	static const char *const headers[] = { "status", ">pages", ">chunks", "audience", "lang", "source", "title", NULL };
	struct ctl_table *table = ctl_table_new(c->arena, headers);
	json_t *list = desk_json_keep(c->arena, json_array());
	struct desk_document_list all;
	enum desk_status rc = desk_document_list(&c->cx, ctl_option(c, "status"), &all);

	if (rc != DESK_OK)
		return rc;
	for (size_t i = 0; i < all.n; i++) {
		const struct desk_document *d = &all.at[i];
		const char *const row[] = {
			d->status, desk_arena_printf(c->arena, "%d", d->pages), desk_arena_printf(c->arena, "%d", d->chunks),
			d->audience, d->language, ctl_clip(c->arena, d->source, 48),
			ctl_clip(c->arena, d->reason != NULL ? d->reason : d->title, 72),
		};

		if (c->json)
			json_array_append_new(list, documents_json(d));
		else
			ctl_table_add(table, row);
	}
	if (c->json)
		ctl_print_json(list);
	else if (all.n == 0)
		puts("no documents: frontdeskctl ingest --tenant DOMAIN PATH…");
	else
		ctl_table_print(table, stdout);
	return DESK_OK;
}

static enum desk_status documents_find(struct ctl *c, struct desk_document *out)
{
	enum desk_status rc = desk_document_find(&c->cx, c->args[1], out);

	if (rc != DESK_E_NOT_FOUND)
		return rc;
	desk_error_clear(&c->cx.err);
	return desk_fail(&c->cx, rc, "no document \"%.200s\": frontdeskctl documents list shows ids and sources", c->args[1]);
}

static enum desk_status documents_show(struct ctl *c)
{
	struct desk_document d;
	enum desk_status rc = documents_find(c, &d);
	json_t *v, *member;
	const char *key;

	if (rc != DESK_OK)
		return rc;
	v = desk_json_keep(c->arena, documents_json(&d));
	if (c->json) {
		ctl_print_json(v);
		return DESK_OK;
	}
	json_object_foreach(v, key, member) {
		if (json_is_string(member))
			printf("%-11s %s\n", key, ctl_clip(c->arena, json_string_value(member), SIZE_MAX));
		else if (json_is_integer(member))
			printf("%-11s %lld\n", key, (long long)json_integer_value(member));
	}
	return DESK_OK;
}

static enum desk_status documents_remove(struct ctl *c)
{
	struct desk_document d;
	enum desk_status rc = documents_find(c, &d);

	if (rc == DESK_OK)
		rc = desk_tenant_begin(&c->cx);
	if (rc == DESK_OK)
		rc = desk_lexical_remove_document(&c->cx, d.id);
	if (rc == DESK_OK)
		rc = desk_document_delete(&c->cx, d.id);
	if (rc == DESK_OK)
		rc = desk_db_commit(&c->cx);
	if (rc != DESK_OK)
		return rc;
	if (c->json)
		ctl_print_json(desk_json_keep(c->arena, json_pack("{s:s, s:s, s:b}", "id", d.id, "source", d.source, "removed", 1)));
	else
		printf("%s removed\n", ctl_clip(c->arena, d.source, SIZE_MAX));
	return DESK_OK;
}

static const struct {
	const char *name;
	int         args;
	enum desk_status (*run)(struct ctl *c);
} documents_verbs[] = {
	{ "list", 1, documents_list },
	{ "show", 2, documents_show },
	{ "remove", 2, documents_remove },
};

static enum desk_status documents_exec(struct ctl *c)
{
	const char *verb = c->n_args > 0 ? c->args[0] : "list";

	for (size_t i = 0; i < DESK_ARRAY_LEN(documents_verbs); i++) {
		enum desk_status rc;

		if (strcmp(documents_verbs[i].name, verb) != 0)
			continue;
		if (c->n_args > 0 && c->n_args != documents_verbs[i].args)
			return desk_fail(&c->cx, DESK_E_INPUT, "documents %s: wrong number of arguments; see: "
					 "frontdeskctl documents --help", verb);
		rc = ctl_open_tenant(c);
		return rc == DESK_OK ? documents_verbs[i].run(c) : rc;
	}
	return desk_fail(&c->cx, DESK_E_INPUT, "\"%s\" is none of list, show, remove", verb);
}

static const struct ctl_option documents_options[] = {
	{ "tenant", "DOMAIN", "whose documents; domain or UUID" },
	{ "status", "STATUS", "list: only PENDING, EXTRACTING, SEARCHABLE, READY or FAILED ones" },
	{ NULL, NULL, NULL },
};

const struct ctl_command cmd_documents = {
	.name = "documents",
	.args = "--tenant DOMAIN [list [--status STATUS] | show DOCUMENT | remove DOCUMENT]",
	.summary = "List, show or remove a tenant's documents",
	.notes = "DOCUMENT is an id, or a source: the newest of it. A FAILED document shows its reason.",
	.options = documents_options,
	.min_args = 0,
	.max_args = 2,
	.needs = DESK_NEED_DB,
	.exec = documents_exec,
};
