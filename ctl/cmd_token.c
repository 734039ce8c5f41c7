/* ctl/cmd_token.c - frontdeskctl token: an access token for a tenant's caller. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "auth/auth.h"
#include "commands.h"
#include "tenancy/tenancy.h"

static enum desk_status token_exec(struct ctl *c)
{
	struct desk_token_spec spec = { .user_id = ctl_option(c, "user"), .user_type = ctl_option(c, "user-type"),
					.role = ctl_option(c, "role") };
	int64_t life_s = c->config->JWT_EXPIRES_MINUTES * 60;
	enum desk_status rc = ctl_option_int(c, "ttl", 1, DESK_TOKEN_LIFE_MAX_S, &life_s);
	const char *token;
	char when[32];

	if (rc == DESK_OK)
		rc = ctl_open_tenant(c);
	if (rc != DESK_OK)
		return rc;
	spec.tenant_id = c->cx.tenant->id;
	spec.life_s = life_s;
	if (spec.user_id == NULL)
		spec.user_id = "frontdeskctl";
	rc = desk_token_create(&c->cx, c->config->JWT_SECRET, &spec, &token);
	if (rc != DESK_OK)
		return rc;
	desk_time_iso(desk_now_us(NULL) + life_s * 1000000, when);
	if (c->json)
		ctl_print_json(desk_json_keep(c->arena, json_pack("{s:s, s:s, s:s}", "access_token", token, "tenant_id",
								  spec.tenant_id, "expires_at", when)));
	else
		puts(token);
	return DESK_OK;
}

static const struct ctl_option token_options[] = {
	{ "tenant", "DOMAIN", "whose caller; domain or UUID" },
	{ "user", "ID", "the caller's id in your own system (default: frontdeskctl)" },
	{ "user-type", "TYPE", "CUSTOMER (default), or INTERNAL_STAFF, who sees INTERNAL documents" },
	{ "role", "ROLE", "END_USER (default), AGENT, SUPERVISOR, TENANT_ADMIN" },
	{ "ttl", "SECONDS", "life of the token (default: JWT_EXPIRES_MINUTES)" },
	{ NULL, NULL, NULL },
};

const struct ctl_command cmd_token = {
	.name = "token",
	.args = "--tenant DOMAIN [--user ID] [--user-type TYPE] [--role ROLE] [--ttl SECONDS]",
	.summary = "Make an access token for the API",
	.notes = "Send it as: Authorization: Bearer TOKEN. Who has it speaks for that caller until it expires.",
	.options = token_options,
	.min_args = 0,
	.max_args = 0,
	.needs = DESK_NEED_DB | DESK_NEED_JWT,
	.exec = token_exec,
};
