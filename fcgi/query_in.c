/* fcgi/query_in.c - the body of a question. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fields.h"

#include "chat/chat.h"

static const struct fcgi_text_rule query_message = {
	.key = "message", .name = "message", .required = true, .max = DESK_CHAT_MESSAGE_MAX,
	.fits = fcgi_fits_said, .say = "must have 1 to 4000 characters, and not only white space",
};
static const struct fcgi_text_rule query_channel = {
	.key = "channel", .name = "channel", .required = true, .max = 50, .fits = fcgi_fits_word,
	.say = "must be a word of letters, digits, _ and -, beginning with a letter or digit",
};
static const struct fcgi_text_rule query_user = {
	.key = "user_id", .name = "user_id", .max = 247, .fits = fcgi_fits_name,
	.say = "must have 1 to 247 characters, and no control characters",
};
static const struct fcgi_text_rule query_conversation = {
	.key = "conversation_id", .name = "context.conversation_id", .max = DESK_UUID_LEN,
	.fits = fcgi_fits_uuid, .say = "must be a UUID",
};

static const char *const query_keys[] = { "tenant_id", "user_id", "message", "channel", "context", NULL };
static const char *const query_context_keys[] = { "conversation_id", NULL };

static const char *query_copy(struct desk_ctx *cx, struct desk_str s)
{
	return s.n > 0 ? desk_arena_strndup(cx->arena, s.p, s.n) : NULL;
}

enum desk_status query_in_parse(struct desk_ctx *cx, struct desk_str body, struct query_in *out)
{
	struct desk_str tenant, channel, user, conversation;
	const json_t *context = NULL;
	json_t *object = NULL;
	enum desk_status rc = fcgi_body_object(cx, body, &object);

	if (rc == DESK_OK)
		rc = fcgi_fields_known(cx, object, "body", query_keys);
	if (rc == DESK_OK)
		rc = fcgi_field_text(cx, object, &fcgi_rule_tenant, &tenant);
	if (rc == DESK_OK)
		rc = fcgi_field_text(cx, object, &query_message, &out->message);
	if (rc == DESK_OK)
		rc = fcgi_field_text(cx, object, &query_channel, &channel);
	if (rc == DESK_OK)
		rc = fcgi_field_text(cx, object, &query_user, &user);
	if (rc == DESK_OK)
		rc = fcgi_field_object(cx, object, "context", &context);
	if (rc == DESK_OK)
		rc = fcgi_fields_known(cx, context, "context", query_context_keys);
	if (rc == DESK_OK)
		rc = fcgi_field_text(cx, context, &query_conversation, &conversation);
	if (rc != DESK_OK)
		return rc;
	out->tenant = query_copy(cx, tenant);
	out->channel = query_copy(cx, channel);
	out->user_id = query_copy(cx, user);
	out->conversation = query_copy(cx, conversation);
	return DESK_OK;
}
