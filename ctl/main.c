/* ctl/main.c - frontdeskctl: the table of commands, settings, exit codes. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "chat/services.h"
#include "commands.h"
#include "db/db.h"
#include "log/log.h"

const struct ctl_command *const ctl_commands[] = {
	&cmd_migrate,
	&cmd_tenant,
	&cmd_ingest,
	&cmd_documents,
	&cmd_search,
	&cmd_eval,
	&cmd_ask,
	&cmd_token,
	&cmd_embed,
	&cmd_split,
	&cmd_extract,
	&cmd_doctor,
	NULL,
};

static const struct ctl_command *main_find(const char *name)
{
	for (size_t i = 0; ctl_commands[i] != NULL; i++) {
		if (strcmp(ctl_commands[i]->name, name) == 0)
			return ctl_commands[i];
	}
	return NULL;
}

static void main_complain(const struct ctl *c)
{
	char text[sizeof(c->cx.err.text)];

	desk_log_mask(c->cx.err.text, text, sizeof(text));
	fprintf(stderr, "frontdeskctl %s: %s\n", c->command->name, ctl_clip(c->arena, text, SIZE_MAX));
}

static int main_run(struct ctl *c)
{
	enum desk_status rc = desk_config_load(c->config_path, c->command->needs, &c->config, &c->cx.err);

	if (rc == DESK_OK)
		rc = c->command->exec(c);
	desk_db_rollback(&c->cx);
	if (rc != DESK_OK)
		main_complain(c);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fputs("frontdeskctl: cannot write to standard output\n", stderr);
		rc = rc == DESK_OK ? DESK_E_IO : rc;
	}
	return rc == DESK_OK ? c->exit_code : desk_status_exit(rc);
}

/* frontdeskctl [--config FILE] [--json] COMMAND …: options in front belong to the command as well. */
static int main_command_at(int argc, char **argv)
{
	int i = 1;

	while (i < argc && argv[i][0] == '-') {
		if (strcmp(argv[i], "--config") == 0)
			i++;
		i++;
	}
	return i;
}

int main(int argc, char **argv)
{
	struct ctl c = { 0 };
	int at = main_command_at(argc, argv), exit_code = 0;
	char **words = argv + 1;

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	if (at >= argc || strcmp(argv[at], "help") == 0) {
		const struct ctl_command *about = at + 1 < argc ? main_find(argv[at + 1]) : NULL;
		bool asked = argc > 1 && (at < argc || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);

		if (about != NULL)
			ctl_help(stdout, about);
		else
			ctl_usage(asked ? stdout : stderr);
		return asked ? 0 : CTL_EX_USAGE;
	}
	c.command = main_find(argv[at]);
	if (c.command == NULL) {
		fprintf(stderr, "frontdeskctl: there is no command \"%s\"; see: frontdeskctl help\n", argv[at]);
		return CTL_EX_USAGE;
	}
	for (int i = at; i + 1 < argc; i++)
		argv[i] = argv[i + 1];	/* the command's name taken out, its words stay in order */
	c.arena = desk_arena_new();
	desk_ctx_init(&c.cx, c.arena, NULL);
	switch (ctl_parse(&c, argc - 2, words)) {
	case CTL_RUN:
		exit_code = main_run(&c);
		break;
	case CTL_HELP:
		ctl_help(stdout, c.command);
		break;
	case CTL_WRONG:
		exit_code = CTL_EX_USAGE;
		break;
	}
	desk_arena_free(c.arena);
	desk_services_free(c.services);
	desk_db_free(c.db);
	desk_log_free(c.log);
	desk_config_free(c.config);
	return exit_code;
}
