/* lib/chat/store.c - a turn is kept: conversation and both messages, in one transaction. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <string.h>

static const char *const store_decisions[] = { "answer", "unknown", "person" };

static json_t *store_citation(const struct desk_citation *c)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:f, s:i, s:i, s:s}", "document", c->document,
			      "source", c->source, "title", c->title, "relevance", c->relevance,
			      "start", c->start, "end", c->end, "quote", c->quote);

	if (o != NULL && c->page > 0)
		json_object_set_new(o, "page", json_integer(c->page));
	return o;
}

static json_t *store_answer(struct desk_ctx *cx, const struct desk_answer *ans)
{
	json_t *o = desk_json_keep(cx->arena, json_object()), *list = json_array();

	for (size_t i = 0; i < ans->n_citations; i++)
		json_array_append_new(list, store_citation(&ans->citations[i]));
	json_object_set_new(o, "citations", list);
	json_object_set_new(o, "confidence", json_real(ans->confidence));
	json_object_set_new(o, "requires_human", json_boolean(ans->requires_human));
	json_object_set_new(o, "decision", json_string(store_decisions[ans->decision]));
	json_object_set_new(o, "model", json_string(ans->answered_by));
	json_object_set_new(o, "language", json_string(ans->language));
	json_object_set_new(o, "correlation_id", json_string(cx->correlation_id));
	return o;
}

static json_t *store_question(struct desk_ctx *cx, const struct chat_record *rec)
{
	json_t *o = desk_json_keep(cx->arena, json_object());

	json_object_set_new(o, "correlation_id", json_string(cx->correlation_id));
	if (!desk_str_eq(rec->message, rec->standalone))
		json_object_set_new(o, "standalone",
				    json_stringn(rec->standalone.p, rec->standalone.n));
	return o;
}

/* A user is made at the first turn; last_active_at moves once a minute, or all turns would queue here. */
static enum desk_status store_user(struct desk_ctx *cx, const struct chat_record *rec)
{
	static const char make[] =
		"INSERT INTO users (tenant_id, external_id, user_type, last_active_at)"
		" SELECT public.get_current_tenant_id(), $1::text, $2::text, now()"
		" WHERE NOT EXISTS (SELECT 1 FROM users WHERE external_id = $1::text)"
		" ON CONFLICT (tenant_id, external_id) WHERE external_id IS NOT NULL DO NOTHING";
	static const char seen[] =
		"UPDATE users SET last_active_at = now() WHERE id = (SELECT id FROM users"
		" WHERE external_id = $1::text AND (last_active_at IS NULL OR last_active_at < now() - interval '1 minute')"
		" FOR UPDATE SKIP LOCKED)";
	const char *type = rec->turn->user_type != NULL ? rec->turn->user_type : "CUSTOMER";
	enum desk_status rc;

	if (rec->user == NULL)
		return DESK_OK;
	rc = desk_db_send(cx, make, desk_p_text(rec->user),
			  desk_p_text(rec->turn->user != NULL ? type : "VISITOR"));
	return rc == DESK_OK ? desk_db_send(cx, seen, desk_p_text(rec->user)) : rc;
}

static enum desk_status store_conversation(struct desk_ctx *cx, const struct chat_record *rec)
{
	static const char start[] =
		"INSERT INTO conversations (id, tenant_id, user_id, channel, context)"
		" VALUES ($1::uuid, public.get_current_tenant_id(),"
		"         (SELECT id FROM users WHERE external_id = $2::text), $3::text, $4::jsonb)";
	static const char go_on[] =
		"UPDATE conversations SET last_message_at = clock_timestamp(), context = coalesce(context, '{}') || $3::jsonb"
		" WHERE id = $1::uuid AND user_id IS NOT DISTINCT FROM (SELECT id FROM users WHERE external_id = $2::text)";
	const bool person = rec->answer->requires_human, internal = rec->turn->internal;
	const char *context = desk_arena_printf(cx->arena, "{%s%s%s}",
						person ? "\"requires_human\":true" : "",
						person && internal ? "," : "",
						internal ? "\"internal\":true" : "");

	if (rec->started)
		return desk_db_send(cx, start, desk_p_text(rec->answer->conversation_id),
				    desk_p_text(rec->user), desk_p_text(rec->turn->channel),
				    desk_p_text(context));
	return desk_db_send(cx, go_on, desk_p_text(rec->answer->conversation_id),
			    desk_p_text(rec->user), desk_p_text(context));
}

/* The answer comes after the question, whatever the clock's grain. */
static enum desk_status store_messages(struct desk_ctx *cx, const struct chat_record *rec)
{
	static const char sql[] =
		"INSERT INTO messages (conversation_id, sender_type, content, metadata, \"timestamp\", is_processed)"
		" VALUES ($1::uuid, 'USER', $2::text, $3::jsonb, clock_timestamp() - $6::bigint * interval '1 microsecond', true),"
		"        ($1::uuid, 'BOT', $4::text, $5::jsonb, clock_timestamp() + interval '1 microsecond', true)";
	int64_t took = desk_now_us(cx->clock) - rec->asked_us;

	return desk_db_send(cx, sql, desk_p_text(rec->answer->conversation_id),
			    desk_p_str(cx->arena, rec->message),
			    desk_p_json(cx->arena, store_question(cx, rec)),
			    desk_p_text(rec->answer->response),
			    desk_p_json(cx->arena, store_answer(cx, rec->answer)),
			    desk_p_int64(took > 0 ? took : 0));
}

static enum desk_status store_send(struct desk_ctx *cx, const struct chat_record *rec)
{
	enum desk_status rc = cx->tx != NULL ? DESK_OK : desk_tenant_begin(cx);

	if (rc == DESK_OK)
		rc = store_user(cx, rec);
	if (rc == DESK_OK)
		rc = store_conversation(cx, rec);
	if (rc == DESK_OK)
		rc = store_messages(cx, rec);
	return rc;
}

enum desk_status chat_store(struct desk_ctx *cx, const struct chat_record *rec)
{
	enum desk_status rc = store_send(cx, rec);

	if (rc == DESK_OK)
		rc = desk_db_commit(cx);
	if (rc != DESK_OK)
		desk_db_rollback(cx);
	return rc;
}
