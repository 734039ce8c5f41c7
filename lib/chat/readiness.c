/* lib/chat/readiness.c - is all there that answering needs? */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/services.h"

#include <string.h>

#define READINESS_MS 3000	/* a probe asks again soon: no use in waiting longer */

const char *desk_part_state_name(enum desk_part_state state)
{
	static const char *const names[] = { "ok", "off", "down", "pending" };

	return (size_t)state < DESK_ARRAY_LEN(names) ? names[state] : "down";
}

static void readiness_log(const struct desk_ctx *cx, const char *part, const struct desk_error *err)
{
	desk_log_ctx(cx, DESK_LOG_WARN, "not_ready", DESK_L_STR("part", part),
		     DESK_L_STR("status", desk_status_name(err->code)), DESK_L_STR("reason", err->text));
}

static void readiness_postgres(struct desk_ctx *cx, struct desk_readiness *out)
{
	enum desk_status rc = desk_db_begin_platform(cx);

	if (rc == DESK_OK)
		rc = desk_db_query_n(cx, NULL, "SELECT 1", NULL, 0);
	if (rc == DESK_OK)
		rc = desk_db_commit(cx);
	if (rc != DESK_OK)
		readiness_log(cx, "postgres", &cx->err);
	desk_db_rollback(cx);
	desk_error_clear(&cx->err);
	out->postgres = rc == DESK_OK ? DESK_PART_OK : DESK_PART_DOWN;
}

static void readiness_migrations(struct desk_ctx *cx, const struct desk_services *s,
				 struct desk_readiness *out)
{
	const char *dir = desk_config_data_path(s->config, cx->arena, "sql");
	enum desk_status rc = desk_migrate_pending(cx, dir, &out->pending);

	if (rc != DESK_OK)
		readiness_log(cx, "migrations", &cx->err);
	desk_db_rollback(cx);
	desk_error_clear(&cx->err);
	if (rc != DESK_OK)
		out->migrations = DESK_PART_DOWN;
	else
		out->migrations = out->pending == 0 ? DESK_PART_OK : DESK_PART_PENDING;
}

void desk_services_readiness(struct desk_ctx *cx, const struct desk_services *s,
			     struct desk_readiness *out)
{
	struct desk_error err = { 0 };

	memset(out, 0, sizeof(*out));
	cx->deadline = desk_deadline_in_ms(cx->clock, READINESS_MS);
	readiness_postgres(cx, out);
	out->migrations = DESK_PART_DOWN;
	if (out->postgres == DESK_PART_OK)
		readiness_migrations(cx, s, out);
	out->redis = DESK_PART_OFF;
	if (s->cache != NULL) {
		out->redis = desk_cache_ping(s->cache, &err) == DESK_OK ? DESK_PART_OK : DESK_PART_DOWN;
		if (out->redis == DESK_PART_DOWN)
			readiness_log(cx, "redis", &err);
	}
	out->model = DESK_PART_OK;	/* a process without its model does not start */
	out->model_name = desk_embedder_name(s->embedder);
	out->ready = out->postgres == DESK_PART_OK && out->migrations == DESK_PART_OK;
}
