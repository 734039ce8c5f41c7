/* ctl/commands.h - the commands, in the order of the help page. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl.h"

extern const struct ctl_command cmd_migrate;
extern const struct ctl_command cmd_tenant;
extern const struct ctl_command cmd_ingest;
extern const struct ctl_command cmd_documents;
extern const struct ctl_command cmd_search;
extern const struct ctl_command cmd_eval;
extern const struct ctl_command cmd_ask;
extern const struct ctl_command cmd_token;
extern const struct ctl_command cmd_embed;
extern const struct ctl_command cmd_split;
extern const struct ctl_command cmd_extract;
extern const struct ctl_command cmd_doctor;

#endif
