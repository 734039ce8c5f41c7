/* fcgi/services.c - what a process holds for its requests. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fcgi_int.h"

#include <stdlib.h>

struct fcgi_services {
	struct desk_log *log;
};

enum desk_status fcgi_services_open(const struct desk_config *config, struct desk_log *log,
				    struct fcgi_services **out, struct desk_error *err)
{
	struct fcgi_services *s = desk_xcalloc(1, sizeof(*s));

	(void)config;
	(void)err;
	s->log = log;
	*out = s;
	return DESK_OK;
}

void fcgi_services_free(struct fcgi_services *s)
{
	free(s);
}

void fcgi_app_ctx(const struct fcgi_app *app, struct desk_arena *arena, struct desk_ctx *cx)
{
	desk_ctx_init(cx, arena, NULL);
	cx->log = app->log;
	cx->deadline = desk_deadline_in_ms(NULL, app->config->REQUEST_TIMEOUT_MS);
}
