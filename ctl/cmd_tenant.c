/* ctl/cmd_tenant.c - frontdeskctl tenant: add, list, set, remove. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "tenancy/tenancy.h"

static json_t *tenant_json(const struct desk_tenant_row *t)
{
	char when[32];

	desk_time_iso(t->created_us, when);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id", t->id, "domain", t->domain, "name", t->name,
			 "status", t->status, "schema", t->schema, "created_at", when);
}

static enum desk_status tenant_list(struct ctl *c)
{
	static const char *const headers[] = { "domain", "name", "id", "status", NULL };
	struct ctl_table *table = ctl_table_new(c->arena, headers);
	json_t *list = desk_json_keep(c->arena, json_array());
	struct desk_tenant_list all;
	enum desk_status rc = desk_tenant_list(&c->cx, &all);

	if (rc != DESK_OK)
		return rc;
	for (size_t i = 0; i < all.n; i++) {
		const char *const row[] = { all.at[i].domain, ctl_clip(c->arena, all.at[i].name, 40), all.at[i].id,
					    all.at[i].status };

		json_array_append_new(list, tenant_json(&all.at[i]));
		ctl_table_add(table, row);
	}
	if (c->json)
		ctl_print_json(list);
	else if (all.n == 0)
		puts("no tenants yet: frontdeskctl tenant add DOMAIN");
	else
		ctl_table_print(table, stdout);
	return DESK_OK;
}

/* NAME=VALUE words: VALUE is JSON where it parses as such, else a string. */
static enum desk_status tenant_patch(struct ctl *c, int from, json_t *patch)
{
	for (int i = from; i < c->n_args; i++) {
		const char *eq = strchr(c->args[i], '=');
		json_t *value;

		if (eq == NULL || eq == c->args[i])
			return desk_fail(&c->cx, DESK_E_INPUT, "\"%s\" is not NAME=VALUE", c->args[i]);
		value = json_loads(eq + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
		if (value == NULL)
			value = json_string(eq + 1);
		if (value == NULL)
			return desk_fail(&c->cx, DESK_E_INPUT, "\"%s\" is not UTF-8", c->args[i]);
		json_object_set_new(patch, desk_arena_strndup(c->arena, c->args[i], (size_t)(eq - c->args[i])), value);
	}
	return DESK_OK;
}

static enum desk_status tenant_add(struct ctl *c)
{
	struct desk_tenant_spec spec = { .domain = c->args[1], .name = ctl_option(c, "name") };
	json_t *settings = desk_json_keep(c->arena, json_object());
	struct desk_tenant_row made;
	enum desk_status rc = tenant_patch(c, 2, settings);

	if (ctl_option(c, "allow-anonymous") != NULL)
		json_object_set_new(settings, "anonymous", json_true());
	spec.settings = settings;
	if (rc == DESK_OK)
		rc = desk_tenant_add(&c->cx, &spec, &made);
	if (rc != DESK_OK)
		return rc;
	if (c->json)
		ctl_print_json(desk_json_keep(c->arena, tenant_json(&made)));
	else
		printf("tenant %s added, id %s\n", made.domain, made.id);
	return DESK_OK;
}

static enum desk_status tenant_remove(struct ctl *c)
{
	enum desk_status rc = desk_tenant_remove(&c->cx, c->args[1]);

	if (rc != DESK_OK)
		return rc;
	if (c->json)
		ctl_print_json(desk_json_keep(c->arena, json_pack("{s:s, s:b}", "domain", c->args[1], "removed", 1)));
	else
		printf("tenant %s removed, with all that it had\n", c->args[1]);
	return DESK_OK;
}

static enum desk_status tenant_set(struct ctl *c)
{
	json_t *patch = desk_json_keep(c->arena, json_object());
	enum desk_status rc = tenant_patch(c, 2, patch);

	if (rc == DESK_OK && ctl_option(c, "allow-anonymous") != NULL)
		json_object_set_new(patch, "anonymous", json_true());
	if (rc == DESK_OK && json_object_size(patch) == 0)
		rc = desk_fail(&c->cx, DESK_E_INPUT, "nothing to set: say NAME=VALUE, like fusion=convex top_k=8");
	if (rc == DESK_OK)
		rc = desk_tenant_set(&c->cx, c->args[1], patch);
	if (rc != DESK_OK)
		return rc;
	if (c->json)
		ctl_print_json(patch);
	else
		printf("set; running programs see it within a second\n");
	return DESK_OK;
}

static const struct {
	const char *name;
	int         min_args, max_args;
	enum desk_status (*run)(struct ctl *c);
} tenant_verbs[] = {
	{ "add", 2, 99, tenant_add },
	{ "list", 1, 1, tenant_list },
	{ "set", 2, 99, tenant_set },
	{ "remove", 2, 2, tenant_remove },
};

static enum desk_status tenant_exec(struct ctl *c)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(tenant_verbs); i++) {
		enum desk_status rc;

		if (strcmp(tenant_verbs[i].name, c->args[0]) != 0)
			continue;
		if (c->n_args < tenant_verbs[i].min_args || c->n_args > tenant_verbs[i].max_args)
			return desk_fail(&c->cx, DESK_E_INPUT, "tenant %s: wrong number of arguments; see: frontdeskctl tenant --help",
					 c->args[0]);
		rc = ctl_open_admin(c);
		return rc == DESK_OK ? tenant_verbs[i].run(c) : rc;
	}
	return desk_fail(&c->cx, DESK_E_INPUT, "\"%s\" is none of add, list, set, remove", c->args[0]);
}

static const struct ctl_option tenant_options[] = {
	{ "name", "NAME", "add: its name for people (default: the domain)" },
	{ "allow-anonymous", NULL, "add, set: callers without a credential may ask, of PUBLIC documents" },
	{ NULL, NULL, NULL },
};

const struct ctl_command cmd_tenant = {
	.name = "tenant",
	.args = "add DOMAIN [--name NAME] [SETTING=VALUE…] | list | set DOMAIN SETTING=VALUE… | remove DOMAIN",
	.summary = "Add, list, change or remove tenants",
	.notes = "A tenant has a schema and a database role of its own; remove drops both, with all documents.\n"
		 "Settings: anonymous, fusion (rrf, convex), weight_lexical, weight_dense, rrf_constant, top_k,\n"
		 "handoff_threshold, languages ([\"en\",\"de\"]), llm (auto, none, openai, azure). null takes one away.\n"
		 "Needs DATABASE_ADMIN_URL.",
	.options = tenant_options,
	.min_args = 1,
	.max_args = -1,
	.needs = DESK_NEED_ADMIN_DB,
	.exec = tenant_exec,
};
