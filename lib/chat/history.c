/* lib/chat/history.c - the last turns of a conversation, for those whose conversation it is. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <string.h>

/* Newest first, as they come, to oldest first. */
static void history_read(const struct desk_rows *rows, struct chat_history *out)
{
	size_t n = desk_rows_count(rows);

	for (size_t i = n; i > 0; i--) {
		const char *sender = desk_rows_text(rows, i - 1, 0);

		if (out->n == CHAT_HISTORY_MAX)
			break;
		out->at[out->n++] = (struct chat_said){
			.customer = sender != NULL && strcmp(sender, "USER") == 0,
			.text = desk_rows_text(rows, i - 1, 1),
			.standalone = desk_rows_text(rows, i - 1, 2),
		};
	}
}

enum desk_status chat_history_load(struct desk_ctx *cx, const struct desk_chat_turn *turn,
				   const char *user, struct chat_history *out)
{
	/* what was said to staff may quote INTERNAL documents: not for who may not see those */
	static const char owner[] =
		"SELECT 1 FROM conversations c LEFT JOIN users u ON u.id = c.user_id"
		" WHERE c.id = $1::uuid AND u.external_id IS NOT DISTINCT FROM $2::text"
		" AND ($3::bool OR c.context->'internal' IS DISTINCT FROM 'true'::jsonb)";
	static const char last[] =
		"SELECT sender_type, content, metadata->>'standalone' FROM messages"
		" WHERE conversation_id = $1::uuid AND message_type = 'TEXT'"
		" ORDER BY \"timestamp\" DESC LIMIT 6";
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_tenant_begin(cx);

	out->n = 0;
	if (rc == DESK_OK)
		rc = desk_db_send(cx, owner, desk_p_text(turn->conversation), desk_p_text(user),
				  desk_p_bool(turn->internal));
	if (rc == DESK_OK)
		rc = desk_db_send(cx, last, desk_p_text(turn->conversation));
	if (rc == DESK_OK)
		rc = desk_db_next(cx, &rows);
	if (rc == DESK_OK && desk_rows_count(rows) == 0)
		rc = desk_fail(cx, DESK_E_NOT_FOUND, "conversation \"%s\" is not this caller's",
			       turn->conversation);
	if (rc == DESK_OK)
		rc = desk_db_next(cx, &rows);
	if (rc == DESK_OK)
		history_read(rows, out);
	if (rc == DESK_OK)
		rc = desk_db_commit(cx);
	else
		desk_db_rollback(cx);
	return rc;
}
