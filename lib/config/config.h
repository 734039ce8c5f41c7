/* lib/config/config.h - settings: the environment over an env file; one table row a setting. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file        duty
 * ----------  ---------------------------------------------------------------
 * settings.h  the table: name, type, default, range, secret?, doc line
 * config.c    load: file, environment, checks
 * envfile.c   the parser of NAME=value files
 * paths.c     where installed data lies: migrations, the model
 */
#ifndef DESK_CONFIG_H
#define DESK_CONFIG_H

#include "base/base.h"
#include "config/settings.h"

#pragma GCC visibility push(default)

/* A secret is a struct, so that printing one by accident does not compile. */
struct desk_secret {
	const char *value;	/* "" when not set */
};

#define DESK_CONFIG_MEMBER_STR(name) const char *name;
#define DESK_CONFIG_MEMBER_SECRET(name) struct desk_secret name;
#define DESK_CONFIG_MEMBER_INT(name) int64_t name;
#define DESK_CONFIG_MEMBER_BOOL(name) bool name;
#define DESK_CONFIG_MEMBER(type, name, dflt, min, max, doc) DESK_CONFIG_MEMBER_##type(name)
/* Members have the setting's name. Strings are "" when not set. Immutable after load. */
struct desk_config {
	DESK_SETTINGS(DESK_CONFIG_MEMBER)
	struct desk_arena *arena;	/* holds the strings */
};
#undef DESK_CONFIG_MEMBER

/* What a program cannot do without: checked at load, said with the setting's name. */
enum desk_config_need {
	DESK_NEED_NOTHING = 0,
	DESK_NEED_DB = 1,	/* DATABASE_URL */
	DESK_NEED_JWT = 2,	/* JWT_SECRET, at least 32 bytes and none of the well-known ones */
	DESK_NEED_ADMIN_DB = 4,	/* DATABASE_ADMIN_URL */
};

/*
 * Read `path` (NULL: $FRONTDESK_ENV, else none; a path that does not exist is an error), then the
 * environment over it; names in any case. Every value is checked; DESK_E_CONFIG names the first
 * setting that is wrong and why. *out is owned.
 */
DESK_MUST_CHECK enum desk_status desk_config_load(const char *path, unsigned needs,
						  struct desk_config **out, struct desk_error *err);
void desk_config_free(struct desk_config *c);

/*
 * The path of something that is installed in pkgdatadir ("sql", "models/x.desk"): below DATA_DIR when
 * that is set, else beside the program in the build tree or in an installed tree, else as configured.
 * `c` may be NULL. Arena.
 */
const char *desk_config_data_path(const struct desk_config *c, struct desk_arena *a, const char *name);
/* The extractor: as set, else beside the program in the same two places; NULL: the installed one. */
const char *desk_config_extract_program(const struct desk_config *c, struct desk_arena *a);

struct desk_setting {
	const char *name, *type, *dflt, *doc;
	int64_t     min, max;
	bool        secret;
};
/* The table, for `doctor`, the man page's guard and the sample file. */
const struct desk_setting *desk_config_table(size_t *n);
/* Is the value one of the published examples or defaults that attackers try first? */
bool desk_config_secret_is_known(const char *value);

#pragma GCC visibility pop
#endif
