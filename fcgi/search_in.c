/* fcgi/search_in.c - the body of a search. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fields.h"

#include "chat/chat.h"

static const struct fcgi_text_rule search_query = {
	.key = "query", .name = "query", .required = true, .max = DESK_CHAT_MESSAGE_MAX,
	.fits = fcgi_fits_said, .say = "must have 1 to 4000 characters, and not only white space",
};
static const char *const search_keys[] = { "tenant_id", "query", "top_k", NULL };
static const int64_t search_top_k[2] = { 1, 50 };

enum desk_status search_in_parse(struct desk_ctx *cx, struct desk_str body, struct search_in *out)
{
	struct desk_str tenant;
	json_t *object = NULL;
	enum desk_status rc = fcgi_body_object(cx, body, &object);

	out->top_k = 0;
	if (rc == DESK_OK)
		rc = fcgi_fields_known(cx, object, "body", search_keys);
	if (rc == DESK_OK)
		rc = fcgi_field_text(cx, object, &fcgi_rule_tenant, &tenant);
	if (rc == DESK_OK)
		rc = fcgi_field_text(cx, object, &search_query, &out->query);
	if (rc == DESK_OK)
		rc = fcgi_field_int(cx, object, "top_k", search_top_k, &out->top_k);
	if (rc == DESK_OK)
		out->tenant = desk_arena_strndup(cx->arena, tenant.p, tenant.n);
	return rc;
}
