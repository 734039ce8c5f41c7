/* lib/config/config_int.h - between the files of this room. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_CONFIG_INT_H
#define DESK_CONFIG_INT_H

#include "base/base.h"

typedef enum desk_status config_pair_fn(void *arg, const char *name, size_t n, const char *value,
					struct desk_error *err);

/* Parse text; `value` is arena. Lines: NAME=value, NAME="value", NAME='value', # comments. */
DESK_MUST_CHECK enum desk_status config_envfile_parse(struct desk_arena *a, struct desk_str text,
						      config_pair_fn *fn, void *arg,
						      struct desk_error *err);
DESK_MUST_CHECK enum desk_status config_envfile_read(struct desk_arena *a, const char *path,
						     config_pair_fn *fn, void *arg,
						     struct desk_error *err);
#endif
