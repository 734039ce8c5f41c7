/* ctl/options.c - parses a command's arguments by its record, and prints its help page. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ctl.h"

/* Options that every command has. */
static const struct ctl_option common_options[] = {
	{ "config", "FILE", "settings; else $FRONTDESK_ENV, with the environment over them" },
	{ "json", NULL, "print JSON" },
	{ "help", NULL, "this page" },
	{ NULL, NULL, NULL },
};

static size_t options_find(const struct ctl_option *list, const char *name, size_t n)
{
	size_t i = 0;

	while (list != NULL && list[i].name != NULL) {
		if (strlen(list[i].name) == n && strncmp(list[i].name, name, n) == 0)
			return i;
		i++;
	}
	return SIZE_MAX;
}

static enum ctl_parsed options_wrong(const struct ctl *c, const char *why, const char *what)
{
	fprintf(stderr, "frontdeskctl %s: %s \"%s\"; see: frontdeskctl %s --help\n", c->command->name, why, what,
		c->command->name);
	return CTL_WRONG;
}

static void options_common_set(struct ctl *c, size_t which, const char *value)
{
	if (which == 0)
		c->config_path = value;
	else if (which == 1)
		c->json = true;
}

/* One "--…" word; *i moves over its argument. */
static enum ctl_parsed options_word(struct ctl *c, int argc, char **argv, int *i)
{
	const char *word = argv[*i] + 2, *eq = strchr(word, '='), *value = "";
	size_t n = eq != NULL ? (size_t)(eq - word) : strlen(word);
	size_t own = options_find(c->command->options, word, n), common = options_find(common_options, word, n);
	const struct ctl_option *o;

	if (own == SIZE_MAX && common == SIZE_MAX)
		return options_wrong(c, "no such option", argv[*i]);
	o = own != SIZE_MAX ? &c->command->options[own] : &common_options[common];
	if (o->arg == NULL && eq != NULL)
		return options_wrong(c, "this option takes no value:", argv[*i]);
	if (o->arg != NULL) {
		if (eq != NULL)
			value = eq + 1;
		else if (*i + 1 < argc)
			value = argv[++*i];
		else
			return options_wrong(c, "a value is missing behind", argv[*i]);
	}
	if (own != SIZE_MAX)
		c->value[own] = value;
	else if (common == 2)
		return CTL_HELP;
	else
		options_common_set(c, common, value);
	return CTL_RUN;
}

enum ctl_parsed ctl_parse(struct ctl *c, int argc, char **argv)
{
	bool only_args = false;

	c->args = desk_arena_array(c->arena, (size_t)argc + 1, sizeof(*c->args));
	for (int i = 0; i < argc; i++) {
		enum ctl_parsed got = CTL_RUN;

		if (!only_args && strcmp(argv[i], "--") == 0)
			only_args = true;
		else if (!only_args && strcmp(argv[i], "-h") == 0)
			got = CTL_HELP;
		else if (!only_args && strncmp(argv[i], "--", 2) == 0)
			got = options_word(c, argc, argv, &i);
		else if (!only_args && argv[i][0] == '-' && argv[i][1] != '\0')
			got = options_wrong(c, "no such option", argv[i]);
		else
			c->args[c->n_args++] = argv[i];
		if (got != CTL_RUN)
			return got;
	}
	if (c->n_args < c->command->min_args) {
		fprintf(stderr, "frontdeskctl %s: arguments are missing: frontdeskctl %s %s; see: frontdeskctl %s --help\n",
			c->command->name, c->command->name, c->command->args, c->command->name);
		return CTL_WRONG;
	}
	if (c->command->max_args >= 0 && c->n_args > c->command->max_args)
		return options_wrong(c, "one argument too many:", c->args[c->command->max_args]);
	return CTL_RUN;
}

static void options_print(FILE *to, const struct ctl_option *list)
{
	for (; list != NULL && list->name != NULL; list++)
		fprintf(to, "  --%s%s%s%*s%s\n", list->name, list->arg != NULL ? " " : "",
			list->arg != NULL ? list->arg : "",
			(int)(24 - strlen(list->name) - (list->arg != NULL ? strlen(list->arg) + 1 : 0)), "", list->help);
}

void ctl_help(FILE *to, const struct ctl_command *cmd)
{
	fprintf(to, "frontdeskctl %s%s%s\n\n%s.\n", cmd->name, *cmd->args != '\0' ? " " : "", cmd->args, cmd->summary);
	if (cmd->notes != NULL)
		fprintf(to, "\n%s\n", cmd->notes);
	fputs("\nOptions:\n", to);
	options_print(to, cmd->options);
	options_print(to, common_options);
}

void ctl_usage(FILE *to)
{
	fputs("frontdeskctl COMMAND [ARGUMENT…]\n\n", to);
	for (size_t i = 0; ctl_commands[i] != NULL; i++)
		fprintf(to, "  %-11s %s\n", ctl_commands[i]->name, ctl_commands[i]->summary);
	fputs("\nfrontdeskctl COMMAND --help tells more. All take --json and --config FILE.\n", to);
}

const char *ctl_option(const struct ctl *c, const char *name)
{
	size_t at = options_find(c->command->options, name, strlen(name));

	return at != SIZE_MAX ? c->value[at] : NULL;
}

enum desk_status ctl_option_need(struct ctl *c, const char *name, const char **out)
{
	*out = ctl_option(c, name);
	if (*out == NULL || **out == '\0')
		return desk_fail(&c->cx, DESK_E_INPUT, "--%s is missing; see: frontdeskctl %s --help", name,
				 c->command->name);
	return DESK_OK;
}

enum desk_status ctl_option_int(struct ctl *c, const char *name, int64_t min, int64_t max, int64_t *out)
{
	const char *text = ctl_option(c, name);
	int64_t v;

	if (text == NULL)
		return DESK_OK;
	if (!desk_parse_int64(text, &v) || v < min || v > max)
		return desk_fail(&c->cx, DESK_E_INPUT, "--%s \"%s\" is not a whole number from %lld to %lld", name, text,
				 (long long)min, (long long)max);
	*out = v;
	return DESK_OK;
}
