/* lib/base/ctx.c - what a request or a job carries. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base.h"

#include <string.h>

void desk_ctx_init(struct desk_ctx *cx, struct desk_arena *arena, const struct desk_clock *clock)
{
	memset(cx, 0, sizeof(*cx));
	cx->arena = arena;
	cx->clock = clock != NULL ? clock : &desk_clock_system;
	desk_correlation_id(NULL, cx->correlation_id);
}
