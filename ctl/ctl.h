/* ctl/ctl.h - frontdeskctl: one command, one file, one record. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file            duty
 * --------------  -----------------------------------------------------------
 * main.c          the table of commands, settings, exit codes
 * options.c       parses a command's arguments by its record; help pages
 * setup.c         opens what a command asks for: database, tenant, embedder
 * table.c         tables for people, by display width
 * progress.c      the bar on standard error
 * questions.c     many questions of a file, ranked one after the other
 * cmd_NAME.c      one command
 */
#ifndef CTL_H
#define CTL_H

#include <stdio.h>

#include "base/base.h"
#include "config/config.h"

#define CTL_EX_USAGE 64

struct ctl;
struct desk_services;

/* One option of a command: "--name ARG", "--name=ARG", or "--name" alone when arg is NULL. */
struct ctl_option {
	const char *name;	/* NULL ends the list */
	const char *arg;
	const char *help;
};

struct ctl_command {
	const char              *name;
	const char              *args;	/* synopsis behind the name */
	const char              *summary;	/* one line */
	const char              *notes;	/* more of the help page, or NULL */
	const struct ctl_option *options;
	int                      min_args, max_args;	/* positional ones; max -1: any number */
	unsigned                 needs;	/* enum desk_config_need */
	enum desk_status (*exec)(struct ctl *c);
};

#define CTL_OPTIONS_MAX 16

/* What a command runs with. */
struct ctl {
	const struct ctl_command *command;
	struct desk_ctx           cx;	/* db and tenant once ctl_open… was called */
	struct desk_arena        *arena;
	struct desk_config       *config;
	struct desk_db           *db;
	struct desk_services     *services;	/* once ctl_open_services was called */
	struct desk_log          *log;
	const char               *value[CTL_OPTIONS_MAX];	/* by place in command->options; NULL: not given */
	const char              **args;	/* positional ones */
	int                       n_args;
	bool                      json;
	const char               *config_path;
	int                       exit_code;	/* of a command that did its work and has bad news */
};

extern const struct ctl_command *const ctl_commands[];	/* NULL ends it */

/* ---- options.c ---------------------------------------------------------- */

enum ctl_parsed { CTL_RUN, CTL_HELP, CTL_WRONG };
/* Words behind the command's name. CTL_WRONG: said on standard error already. */
enum ctl_parsed ctl_parse(struct ctl *c, int argc, char **argv);
void ctl_usage(FILE *to);
void ctl_help(FILE *to, const struct ctl_command *cmd);
/* Value of an option; NULL when it was not given. "" for one that takes no argument and was given. */
const char *ctl_option(const struct ctl *c, const char *name);
/* DESK_E_INPUT naming the option when it is missing, or not a whole number within its limits. */
DESK_MUST_CHECK enum desk_status ctl_option_need(struct ctl *c, const char *name, const char **out);
DESK_MUST_CHECK enum desk_status ctl_option_int(struct ctl *c, const char *name, int64_t min,
						int64_t max, int64_t *out);	/* unchanged when not given */

/* ---- setup.c ------------------------------------------------------------ */

DESK_MUST_CHECK enum desk_status ctl_open_db(struct ctl *c);	/* the login role */
DESK_MUST_CHECK enum desk_status ctl_open_admin(struct ctl *c);	/* the owner */
/* ctl_open_db, and in: the tenant of --tenant. */
DESK_MUST_CHECK enum desk_status ctl_open_tenant(struct ctl *c);
/* All that answers: database, model, search; and in: the tenant of --tenant. Warnings go to standard error. */
DESK_MUST_CHECK enum desk_status ctl_open_services(struct ctl *c);
/* Whole file; "-" is standard input. Arena. */
DESK_MUST_CHECK enum desk_status ctl_read_file(struct ctl *c, const char *path, size_t max,
					       struct desk_str *out);

/* ---- table.c ------------------------------------------------------------ */

/* Rows of text, printed with columns as wide as they need. Control characters are shown as dots. */
struct ctl_table;
/* Headers end with NULL. A header that begins with ">" is a column of numbers. Arena. */
struct ctl_table *ctl_table_new(struct desk_arena *a, const char *const *headers);
void ctl_table_add(struct ctl_table *t, const char *const *cells);	/* copied; NULL is "" */
void ctl_table_print(const struct ctl_table *t, FILE *to);
size_t ctl_width(const char *s);	/* columns on a terminal */
/* Text for a terminal: control characters replaced, at most `columns` wide. Arena. */
const char *ctl_clip(struct desk_arena *a, const char *s, size_t columns);
/* The same for whole text: its lines and tabs are kept. */
const char *ctl_plain(struct desk_arena *a, const char *s, size_t n);
void ctl_print_json(const json_t *v);	/* indented, with a newline; v is borrowed */

/* ---- progress.c --------------------------------------------------------- */

/* A bar on standard error when that is a terminal; nothing otherwise. */
struct ctl_progress {
	bool        on;
	const char *what;
	int64_t     drawn_us;
};
void ctl_progress_begin(struct ctl_progress *p, const char *what);
void ctl_progress_show(struct ctl_progress *p, double done, double all, const char *note);
void ctl_progress_end(struct ctl_progress *p);	/* wipes it */

#endif
