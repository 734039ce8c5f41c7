/* bench/http/floor.c - two routes to measure against: nothing at all, and the durable commit of a turn. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The same master, workers, threads, libfcgi and dispatcher as frontdesk-fcgi, with other routes:
 *   GET  /empty   answers at once
 *   POST /commit  writes what a turn writes (a conversation, two messages) in one transaction as
 *                 the tenant's role, for the tenant of the environment variable FLOOR_TENANT
 * No part of an installation.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chat/services.h"
#include "fcgi.h"

static enum desk_status floor_empty(struct desk_ctx *cx, const struct fcgi_req *req,
				    struct fcgi_resp *resp)
{
	(void)cx;
	(void)req;
	resp->status = 200;
	resp->content_type = "application/json";
	desk_buf_adds(&resp->body, "{}");
	return DESK_OK;
}

static enum desk_status floor_commit(struct desk_ctx *cx, const struct fcgi_req *req,
				     struct fcgi_resp *resp)
{
	static const char start[] =
		"INSERT INTO conversations (id, tenant_id, channel, context)"
		" VALUES ($1::uuid, public.get_current_tenant_id(), 'WEB', '{}'::jsonb)";
	static const char messages[] =
		"INSERT INTO messages (conversation_id, sender_type, content, metadata, is_processed)"
		" VALUES ($1::uuid, 'USER', $2::text, '{}'::jsonb, true),"
		"        ($1::uuid, 'BOT', $3::text, $4::jsonb, true)";
	static const char answer[] = "Store the battery at 15 degrees, half charged, and charge it every two months. [1]";
	static const char meta[] = "{\"citations\":[{\"source\":\"battery.md\",\"start\":0,\"end\":80}],\"confidence\":0.9}";
	char id[DESK_UUID_LEN + 1];
	enum desk_status rc = desk_tenant_enter(cx, req->app->services->tenants, getenv("FLOOR_TENANT"));

	desk_uuid_v4(id);
	if (rc == DESK_OK)
		rc = desk_tenant_begin(cx);
	if (rc == DESK_OK)
		rc = desk_db_send(cx, start, desk_p_text(id));
	if (rc == DESK_OK)
		rc = desk_db_send(cx, messages, desk_p_text(id), desk_p_text("How do I store the battery in winter?"),
				  desk_p_text(answer), desk_p_text(meta));
	if (rc == DESK_OK)
		rc = desk_db_commit(cx);
	if (rc != DESK_OK) {
		desk_db_rollback(cx);
		return rc;
	}
	return floor_empty(cx, req, resp);
}

static const struct fcgi_route empty = { .method = "GET", .path = "/empty", .handle = floor_empty };
static const struct fcgi_route commit = { .method = "POST", .path = "/commit", .body_max = 65536,
					  .handle = floor_commit };
static const struct fcgi_route *const routes[] = { &empty, &commit, NULL };

int main(int argc, char **argv)
{
	struct fcgi_options o = { .socket = argc > 2 ? argv[2] : NULL, .routes = routes };
	struct desk_error err = { 0 };
	struct desk_config *config;

	if (argc != 3 || getenv("FLOOR_TENANT") == NULL) {
		fputs("usage: FLOOR_TENANT=DOMAIN fcgi-floor ENV_FILE SOCKET\n", stderr);
		return 64;
	}
	o.config_path = argv[1];
	if (desk_config_load(argv[1], DESK_NEED_DB, &config, &err) != DESK_OK) {
		fprintf(stderr, "fcgi-floor: %s\n", err.text);
		return EXIT_FAILURE;
	}
	return fcgi_master_run(&o, config, STDERR_FILENO, fcgi_log_new(config, STDERR_FILENO));
}
