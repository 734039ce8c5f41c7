/* ctl/cmd_doctor.c - frontdeskctl doctor: what works here, and what to do about the rest. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chat/services.h"
#include "commands.h"
#include "ingestion/ingestion.h"

enum doctor_state { DOCTOR_OK, DOCTOR_WARN, DOCTOR_BAD };

struct doctor {
	struct ctl       *c;
	json_t           *list;
	struct ctl_table *table;
	bool              bad;
};

static void doctor_say(struct doctor *d, const char *part, enum doctor_state state, const char *text)
{
	static const char *const names[] = { "ok", "warning", "failed" };
	const char *const row[] = { names[state], part, text };

	json_array_append_new(d->list, json_pack("{s:s, s:s, s:s}", "check", part, "state", names[state], "detail", text));
	ctl_table_add(d->table, row);
	d->bad = d->bad || state == DOCTOR_BAD;
}

/* The last error as this check's finding. */
static void doctor_fail(struct doctor *d, const char *part, enum doctor_state state)
{
	char text[sizeof(d->c->cx.err.text)];

	desk_log_mask(d->c->cx.err.text, text, sizeof(text));
	doctor_say(d, part, state, desk_arena_strdup(d->c->arena, text));
	desk_error_clear(&d->c->cx.err);
}

static void doctor_settings(struct doctor *d)
{
	struct desk_config *full = NULL;

	if (desk_config_load(d->c->config_path, DESK_NEED_DB | DESK_NEED_JWT, &full, &d->c->cx.err) == DESK_OK)
		doctor_say(d, "settings", DOCTOR_OK, "all values are good");
	else
		doctor_fail(d, "settings", DOCTOR_BAD);
	desk_config_free(full);
}

/* The login role must be the weak one: what it may not do is the first of the three walls. */
static void doctor_role(struct doctor *d)
{
	struct desk_ctx *cx = &d->c->cx;
	bool weak;

	if (desk_db_login_is_weak(cx, &weak) != DESK_OK) {
		desk_db_rollback(cx);
		doctor_fail(d, "login role", DOCTOR_BAD);
		return;
	}
	doctor_say(d, "login role", weak ? DOCTOR_OK : DOCTOR_BAD,
		   weak ? "cannot pass row-level security, inherits nothing"
			: "DATABASE_URL logs in as a role that passes row-level security or inherits rights: give it frontdesk_app");
}

static void doctor_services(struct doctor *d)
{
	struct desk_readiness r;
	struct ctl *c = d->c;

	if (desk_services_open(c->config, NULL, "frontdeskctl", &c->services, &c->cx.err) != DESK_OK) {
		doctor_fail(d, "model", DOCTOR_BAD);
		return;
	}
	c->cx.db = c->services->db;
	doctor_say(d, "model", DOCTOR_OK, desk_embedder_name(c->services->embedder));
	desk_services_readiness(&c->cx, c->services, &r);
	desk_error_clear(&c->cx.err);
	doctor_say(d, "postgres", r.postgres == DESK_PART_OK ? DOCTOR_OK : DOCTOR_BAD,
		   r.postgres == DESK_PART_OK ? "answers" : "does not answer: check DATABASE_URL, and that the server runs");
	doctor_say(d, "redis", r.redis == DESK_PART_DOWN ? DOCTOR_WARN : DOCTOR_OK,
		   r.redis == DESK_PART_OK    ? "answers"
		   : r.redis == DESK_PART_OFF ? "not configured: caches and limits are each process's own"
					      : "does not answer: caches and limits are each process's own; check REDIS_URL");
	if (r.postgres != DESK_PART_OK)
		return;
	doctor_say(d, "migrations", r.migrations == DESK_PART_OK ? DOCTOR_OK : DOCTOR_BAD,
		   r.migrations == DESK_PART_OK
			   ? "all are applied"
			   : desk_arena_printf(c->arena, "%zu to be applied: frontdeskctl migrate up", r.pending));
	doctor_role(d);
}

static void doctor_extractor(struct doctor *d)
{
	char installed[DESK_EXTRACT_PATH];
	const char *path = d->c->config->EXTRACT_PROGRAM[0] != '\0' ? d->c->config->EXTRACT_PROGRAM : desk_extract_program(installed);
	bool there = access(path, X_OK) == 0;

	doctor_say(d, "extractor", there ? DOCTOR_OK : DOCTOR_BAD,
		   there ? desk_arena_strdup(d->c->arena, path) : desk_arena_printf(d->c->arena, "cannot be run: %s; check EXTRACT_PROGRAM, or make install", path));
}

static enum desk_status doctor_exec(struct ctl *c)
{
	static const char *const headers[] = { "state", "check", "detail", NULL };
	struct doctor d = { .c = c, .list = desk_json_keep(c->arena, json_array()),
			    .table = ctl_table_new(c->arena, headers) };

	doctor_settings(&d);
	doctor_extractor(&d);
	doctor_services(&d);
	if (c->json)
		ctl_print_json(d.list);
	else
		ctl_table_print(d.table, stdout);
	c->exit_code = d.bad ? desk_status_exit(DESK_E_UNAVAILABLE) : 0;
	return DESK_OK;
}

const struct ctl_command cmd_doctor = {
	.name = "doctor",
	.args = "",
	.summary = "Check settings, database, model and extractor",
	.notes = "Exit status 69 when something that is needed does not work.",
	.min_args = 0,
	.max_args = 0,
	.exec = doctor_exec,
};
