/* ctl/setup.c - opens what a command asks for: the database, a tenant, a file. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chat/services.h"
#include "ctl.h"
#include "db/db.h"
#include "log/log.h"
#include "tenancy/tenancy.h"

static enum desk_status setup_open(struct ctl *c, const char *url, const char *setting, unsigned timeout_ms)
{
	struct desk_db_options o = {
		.conninfo = url, .program = "frontdeskctl", .pool_size = 4, .statement_timeout_ms = timeout_ms,
		.prepare = c->config->DB_PREPARED_STATEMENTS,
	};
	enum desk_status rc;

	if (c->db != NULL)
		return DESK_OK;
	if (*url == '\0')
		return desk_fail(&c->cx, DESK_E_CONFIG,
				 "%s is not set: put it into the environment, or into the file that FRONTDESK_ENV names",
				 setting);
	rc = desk_db_open(&o, &c->db, &c->cx.err);
	c->cx.db = c->db;
	return rc;
}

enum desk_status ctl_open_db(struct ctl *c)
{
	return setup_open(c, c->config->DATABASE_URL.value, "DATABASE_URL", 0);
}

enum desk_status ctl_open_admin(struct ctl *c)
{
	return setup_open(c, c->config->DATABASE_ADMIN_URL.value, "DATABASE_ADMIN_URL", 0);
}

static enum desk_status setup_enter(struct ctl *c, const char *tenant)
{
	enum desk_status rc = desk_tenant_enter(&c->cx, NULL, tenant);

	if (rc == DESK_E_NOT_FOUND) {
		desk_error_clear(&c->cx.err);
		return desk_fail(&c->cx, rc, "tenant \"%.80s\" does not exist: frontdeskctl tenant list shows those that do",
				 tenant);
	}
	return rc;
}

enum desk_status ctl_open_tenant(struct ctl *c)
{
	const char *tenant;
	enum desk_status rc = ctl_option_need(c, "tenant", &tenant);

	if (rc == DESK_OK)
		rc = ctl_open_db(c);
	return rc == DESK_OK ? setup_enter(c, tenant) : rc;
}

enum desk_status ctl_open_services(struct ctl *c)
{
	const char *tenant;
	enum desk_status rc = ctl_option_need(c, "tenant", &tenant);

	if (rc != DESK_OK)
		return rc;
	c->log = desk_log_new(STDERR_FILENO, "frontdeskctl", DESK_LOG_WARN);
	rc = desk_services_open(c->config, c->log, "frontdeskctl", &c->services, &c->cx.err);
	if (rc != DESK_OK)
		return rc;
	c->cx.log = c->log;
	c->cx.db = c->services->db;
	return setup_enter(c, tenant);
}

enum desk_status ctl_read_file(struct ctl *c, const char *path, size_t max, struct desk_str *out)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct desk_buf b;
	char part[65536];
	size_t n;
	enum desk_status rc = DESK_OK;

	if (f == NULL)
		return desk_fail(&c->cx, errno == ENOENT ? DESK_E_NOT_FOUND : DESK_E_IO, "cannot read %s: %s", path,
				 strerror(errno));
	desk_buf_init(&b, max);
	while ((n = fread(part, 1, sizeof(part), f)) > 0 && desk_buf_add(&b, part, n))
		;
	if (ferror(f))
		rc = desk_fail(&c->cx, DESK_E_IO, "cannot read %s: %s", path, strerror(errno));
	else if (b.overflow)
		rc = desk_fail(&c->cx, DESK_E_TOO_LARGE, "%s is larger than %zu MiB", path, max >> 20);
	else
		*out = (struct desk_str){ desk_arena_strndup(c->arena, b.p != NULL ? b.p : "", b.n), b.n };
	desk_buf_done(&b);
	if (f != stdin)
		fclose(f);
	return rc;
}
