/* ctl/cmd_migrate.c - frontdeskctl migrate: bring the schemas up to date, take back, list. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "db/db.h"

struct migrate_told {
	json_t *list;
	bool    quiet;
	const char *verb;
};

static void migrate_told(void *arg, const char *schema, const char *file)
{
	struct migrate_told *t = arg;

	json_array_append_new(t->list, json_pack("{s:s, s:s}", "schema", schema, "migration", file));
	if (!t->quiet)
		printf("%s %-24s %s\n", t->verb, file, schema);
	fflush(stdout);
}

static enum desk_status migrate_status(struct ctl *c, const char *dir)
{
	static const char *const headers[] = { "scope", "migration", "state", NULL };
	struct ctl_table *table = ctl_table_new(c->arena, headers);
	json_t *list = desk_json_keep(c->arena, json_array());
	struct desk_migrations all;
	enum desk_status rc = desk_migrate_status(&c->cx, dir, &all);

	if (rc != DESK_OK)
		return rc;
	for (size_t i = 0; i < all.n; i++) {
		const struct desk_migration *m = &all.at[i];
		const char *state = m->applied ? "applied" : m->pending > 0 ?
			desk_arena_printf(c->arena, "missing in %zu tenants", m->pending) : "pending";
		const char *const row[] = { m->scope, m->name, state };

		json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:b, s:I}", "scope", m->scope, "version",
						      (json_int_t)m->version, "name", m->name, "applied", m->applied,
						      "pending", (json_int_t)m->pending));
		ctl_table_add(table, row);
	}
	if (c->json)
		ctl_print_json(list);
	else
		ctl_table_print(table, stdout);
	return DESK_OK;
}

static enum desk_status migrate_exec(struct ctl *c)
{
	struct migrate_told told = { .list = desk_json_keep(c->arena, json_array()), .quiet = c->json };
	struct desk_migrate_options o = { .to = -1, .told = migrate_told, .arg = &told };
	const char *what = c->args[0];
	enum desk_status rc = ctl_open_admin(c);

	o.dir = desk_config_data_path(c->config, c->arena, "sql");
	o.lose_data = ctl_option(c, "lose-data") != NULL;
	if (rc == DESK_OK)
		rc = ctl_option_int(c, "to", 0, 9999, &o.to);
	if (rc != DESK_OK)
		return rc;
	if (strcmp(what, "status") == 0)
		return migrate_status(c, o.dir);
	if (strcmp(what, "up") == 0) {
		told.verb = "up  ";
		rc = desk_migrate_up(&c->cx, &o);
	} else if (strcmp(what, "down") == 0) {
		told.verb = "down";
		rc = desk_migrate_down(&c->cx, &o);
	} else {
		return desk_fail(&c->cx, DESK_E_INPUT, "\"%s\" is none of up, down, status", what);
	}
	if (rc == DESK_OK && c->json)
		ctl_print_json(told.list);
	else if (rc == DESK_OK && json_array_size(told.list) == 0)
		puts("nothing to do");
	return rc;
}

static const struct ctl_option migrate_options[] = {
	{ "to", "VERSION", "down: stop at this version; 0 takes everything back (default: one step)" },
	{ "lose-data", NULL, "down: go on though tenants lose data" },
	{ NULL, NULL, NULL },
};

const struct ctl_command cmd_migrate = {
	.name = "migrate",
	.args = "up|down|status [--to VERSION] [--lose-data]",
	.summary = "Bring the schemas of the platform and of all tenants up to date",
	.notes = "Each file runs in a transaction of its own; stop it and run it again as you like.\n"
		 "Needs DATABASE_ADMIN_URL.",
	.options = migrate_options,
	.min_args = 1,
	.max_args = 1,
	.needs = DESK_NEED_ADMIN_DB,
	.exec = migrate_exec,
};
