/* lib/chat/chat.c - a turn of a conversation: history, rewrite, retrieve, answer, store, log. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <string.h>

#include "embed/embed.h"
#include "log/log.h"

#define CHAT_CHANNEL_MAX 50
#define CHAT_USER_MAX 255	/* characters of users.external_id */
#define CHAT_VISITOR "visitor:"
#define CHAT_MODEL_FROM 0.1	/* below, a model is not even asked: nothing found is about it */

/* Where the time of a turn went, in microseconds. */
struct turn_times {
	int64_t began, history, embed, search, answer, store;
};

struct turn {
	const struct desk_chat_turn *in;
	const char                  *user;	/* users.external_id, or NULL */
	struct desk_str              message;
	struct chat_history          history;
	struct chat_found            found;
	struct turn_times            t;
	int64_t                      asked_us;	/* wall clock */
	char                         language[DESK_LANGUAGE_LEN + 1];
	bool                         cached;	/* the question's vector was at hand */
};

/* ---- the turn's bounds -------------------------------------------------------- */

static enum desk_status turn_check_message(struct desk_ctx *cx, struct desk_str m)
{
	size_t n;

	if (!desk_utf8_valid(m.p, m.n))
		return desk_error_field(&cx->err, "message", "is not UTF-8");
	if (memchr(m.p, '\0', m.n) != NULL)
		return desk_error_field(&cx->err, "message", "has a NUL character");
	n = desk_utf8_count(m.p, m.n);
	if (n < 1 || n > DESK_CHAT_MESSAGE_MAX)
		return desk_error_field(&cx->err, "message", "must have 1 to %d characters",
					DESK_CHAT_MESSAGE_MAX);
	return DESK_OK;
}

/* What an anonymous caller calls itself never names a user that a credential names. */
static enum desk_status turn_check_user(struct desk_ctx *cx, const struct desk_chat_turn *in,
					struct turn *out)
{
	const char *user = in->user != NULL ? in->user : in->visitor;
	size_t n = user != NULL ? desk_utf8_count(user, strlen(user)) : 0;
	size_t max = in->user != NULL ? CHAT_USER_MAX : CHAT_USER_MAX - strlen(CHAT_VISITOR);

	if (user != NULL && (n < 1 || n > max))
		return desk_error_field(&cx->err, "user_id", "must have 1 to %zu characters", max);
	if (in->user != NULL && strncmp(user, CHAT_VISITOR, strlen(CHAT_VISITOR)) == 0)
		return desk_error_field(&cx->err, "user_id",
					"of a credential must not begin with " CHAT_VISITOR);
	out->user = user;
	if (in->user == NULL && user != NULL)
		out->user = desk_arena_printf(cx->arena, CHAT_VISITOR "%s", user);
	return DESK_OK;
}

static enum desk_status turn_check(struct desk_ctx *cx, const struct desk_chat_turn *in,
				   struct turn *out)
{
	enum desk_status rc = turn_check_message(cx, in->message);

	if (rc != DESK_OK)
		return rc;
	if (in->channel == NULL || *in->channel == '\0' || strlen(in->channel) > CHAT_CHANNEL_MAX)
		return desk_error_field(&cx->err, "channel", "must have 1 to %d bytes",
					CHAT_CHANNEL_MAX);
	rc = turn_check_user(cx, in, out);
	if (rc != DESK_OK)
		return rc;
	if (in->conversation != NULL && !desk_uuid_valid(in->conversation))
		return desk_error_field(&cx->err, "context.conversation_id", "is not a UUID");
	out->in = in;
	out->message = in->message;
	return DESK_OK;
}

/* ---- finding -------------------------------------------------------------------- */

/* The question's vector, where the model speaks its language; NULL: words alone. */
static enum desk_status turn_embed(struct desk_ctx *cx, struct turn *t, float **out)
{
	const struct desk_chat *chat = t->found.chat;
	struct desk_embedder *e = chat->embedder;
	struct desk_error why = { 0 };

	*out = NULL;
	if (e == NULL || !desk_embedder_speaks(e, t->language))
		return DESK_OK;
	*out = desk_arena_array(cx->arena, desk_embedder_dim(e), sizeof(float));
	if (desk_embed_query(e, chat->vectors, t->found.question, *out, &t->cached, cx->deadline,
			     &why) == DESK_OK)
		return DESK_OK;
	/* An embedding server that is down costs the dense list, not the answer. */
	*out = NULL;
	if (desk_deadline_passed(cx->clock, cx->deadline))
		return desk_fail(cx, DESK_E_TIMEOUT, "%s", why.text);
	desk_log_ctx(cx, DESK_LOG_WARN, "embed_failed", DESK_L_STR("reason", why.text),
		     DESK_L_STR("status", desk_status_name(why.code)));
	return DESK_OK;
}

static enum desk_status turn_search(struct desk_ctx *cx, struct turn *t, const float *vector)
{
	struct chat_found *f = &t->found;
	struct desk_search_query q = {
		.text = f->question, .language = t->language, .vector = vector,
		.dim = vector != NULL ? desk_embedder_dim(f->chat->embedder) : 0,
		.embedder = f->chat->embedder, .internal = t->in->internal,
	};
	enum desk_status rc = desk_tenant_begin(cx);

	return rc == DESK_OK ? desk_search(cx, f->chat->retrieval, &q, &f->search) : rc;
}

static void turn_judge(struct desk_ctx *cx, struct turn *t)
{
	struct chat_found *f = &t->found;
	struct chat_question q;

	chat_passages_make(cx->arena, &f->search, &f->passages);
	chat_question_init(cx->arena, f->chat->retrieval, f->question, &f->search, &q);
	chat_extract(cx->arena, &q, &f->passages, &f->extract);
	chat_features(&f->search, &f->extract, &f->features);
	f->confidence = f->search.n > 0 ? chat_confidence(&f->features) : 0;
}

/* Leaves the transaction open that it read in. */
static enum desk_status turn_find(struct desk_ctx *cx, struct turn *t)
{
	float *vector;
	enum desk_status rc;

	rc = desk_language_question(cx, t->found.chat->retrieval, t->found.question, t->language);
	t->found.language = t->language;
	if (rc == DESK_OK)
		rc = turn_embed(cx, t, &vector);
	t->t.embed = desk_mono_us(cx->clock);
	if (rc == DESK_OK)
		rc = turn_search(cx, t, vector);
	t->t.search = desk_mono_us(cx->clock);
	if (rc == DESK_OK)
		turn_judge(cx, t);
	return rc;
}

/* ---- answering -------------------------------------------------------------------- */

static void turn_model_failed(struct desk_ctx *cx, const struct desk_llm *model,
			      const struct desk_error *why)
{
	desk_log_ctx(cx, DESK_LOG_WARN, "model_failed", DESK_L_STR("model", desk_llm_name(model)),
		     DESK_L_STR("status", desk_status_name(why->code)),
		     DESK_L_STR("reason", why->text), DESK_L_STR("answered_by", "extractive"));
}

/* By the model, with no transaction held; false: the extractive answer is to be given. */
static enum desk_status turn_ask_model(struct desk_ctx *cx, struct turn *t, struct desk_answer *out,
				       bool *done)
{
	const struct desk_llm *model =
		desk_llm_pick(t->found.chat->models, cx->tenant->settings.llm);
	struct desk_error why = { 0 };
	enum desk_status rc;

	*done = false;
	if (model == NULL || t->found.passages.n == 0 || t->found.confidence < CHAT_MODEL_FROM)
		return DESK_OK;
	rc = chat_extract_complete(cx, &t->found.extract);	/* should it be needed after all */
	if (rc == DESK_OK)
		rc = desk_db_commit(cx);
	if (rc != DESK_OK)
		return rc;
	*done = chat_answer_model(cx, &t->found, &t->history, out, &why) == DESK_OK;
	if (!*done)
		turn_model_failed(cx, model, &why);
	return DESK_OK;
}

static enum desk_status turn_answer(struct desk_ctx *cx, struct turn *t, struct desk_answer *out)
{
	bool person = chat_asks_for_person(t->message), done;
	enum desk_status rc = turn_ask_model(cx, t, out, &done);

	if (rc == DESK_OK && !done && cx->tx != NULL && t->found.confidence >= CHAT_UNKNOWN_BELOW)
		rc = chat_extract_complete(cx, &t->found.extract);
	if (rc != DESK_OK)
		return rc;
	if (!done)
		chat_answer_extractive(cx, &t->found, out);
	out->requires_human = person || out->confidence < cx->tenant->settings.handoff_threshold;
	if (person && (out->decision == DESK_DECIDED_UNKNOWN ||
		       out->confidence < cx->tenant->settings.handoff_threshold)) {
		out->response = chat_phrase(CHAT_PERSON, t->language);
		out->decision = DESK_DECIDED_PERSON;
		out->citations = NULL;
		out->n_citations = 0;
	}
	return DESK_OK;
}

/* ---- log ---------------------------------------------------------------------------- */

static double turn_ms(int64_t from_us, int64_t to_us)
{
	return to_us > from_us ? (double)(to_us - from_us) / 1000 : 0;
}

static const char *const turn_decisions[] = { "answer", "unknown", "person" };

static void turn_log(const struct desk_ctx *cx, const struct turn *t, const struct desk_answer *out)
{
	json_t *meta = desk_json_keep(cx->arena, json_object());

	json_object_set_new(meta, "channel", json_string(t->in->channel));
	json_object_set_new(meta, "decision", json_string(turn_decisions[out->decision]));
	json_object_set_new(meta, "answered_by", json_string(out->answered_by));
	json_object_set_new(meta, "requires_human", json_boolean(out->requires_human));
	json_object_set_new(meta, "citations", json_integer((json_int_t)out->n_citations));
	json_object_set_new(meta, "language", json_string(out->language));
	desk_log_ctx(cx, DESK_LOG_INFO, "conversation_event",
		     DESK_L_STR("event_type", t->in->conversation == NULL ? "conversation_started"
									  : "message_answered"),
		     DESK_L_STR("conversation_id", out->conversation_id),
		     DESK_L_STR("user_id", t->user != NULL ? t->user : ""),
		     DESK_L_JSON("metadata", meta));
	desk_log_ctx(cx, DESK_LOG_INFO, "rag_query",
		     DESK_L_INT("query_length", desk_utf8_count(t->message.p, t->message.n)),
		     DESK_L_DOUBLE("response_confidence", out->confidence),
		     DESK_L_INT("context_docs_count", t->found.search.n),
		     DESK_L_BOOL("vector_cached", t->cached),
		     DESK_L_DOUBLE("history_ms", turn_ms(t->t.began, t->t.history)),
		     DESK_L_DOUBLE("embed_ms", turn_ms(t->t.history, t->t.embed)),
		     DESK_L_DOUBLE("search_ms", turn_ms(t->t.embed, t->t.search)),
		     DESK_L_DOUBLE("answer_ms", turn_ms(t->t.search, t->t.answer)),
		     DESK_L_DOUBLE("store_ms", turn_ms(t->t.answer, t->t.store)),
		     DESK_L_DOUBLE("total_ms", turn_ms(t->t.began, t->t.store)));
}

/* ---- the turn ------------------------------------------------------------------------- */

/* What was said before, and the question that stands alone. */
static enum desk_status turn_prepare(struct desk_ctx *cx, struct turn *t)
{
	struct desk_retrieval *r = t->found.chat->retrieval;
	enum desk_status rc = DESK_OK;

	t->found.question = t->message;
	if (t->in->conversation != NULL) {
		rc = chat_history_load(cx, t->in, t->user, &t->history);
		if (rc == DESK_OK)
			rc = desk_language_question(cx, r, t->message, t->language);
		if (rc == DESK_OK)
			t->found.question =
				chat_rewrite(cx->arena, r, t->language, &t->history, t->message);
	}
	t->t.history = desk_mono_us(cx->clock);
	return rc;
}

static enum desk_status turn_store(struct desk_ctx *cx, const struct turn *t,
				   struct desk_answer *out)
{
	struct chat_record rec = {
		.turn = t->in,
		.user = t->user,
		.message = t->message,
		.standalone = t->found.question,
		.answer = out,
		.started = t->in->conversation == NULL,
		.asked_us = t->asked_us,
	};

	desk_copy(out->language, sizeof(out->language), t->language);
	if (rec.started)
		desk_uuid_v4(out->conversation_id);
	else
		desk_copy(out->conversation_id, sizeof(out->conversation_id), t->in->conversation);
	return chat_store(cx, &rec);
}

static enum desk_status turn_run(struct desk_ctx *cx, struct turn *t, struct desk_answer *out)
{
	enum desk_status rc = turn_prepare(cx, t);

	if (rc == DESK_OK)
		rc = turn_find(cx, t);
	if (rc == DESK_OK)
		rc = turn_answer(cx, t, out);
	t->t.answer = desk_mono_us(cx->clock);
	if (rc == DESK_OK)
		rc = turn_store(cx, t, out);
	t->t.store = desk_mono_us(cx->clock);
	return rc;
}

enum desk_status desk_chat_answer(struct desk_ctx *cx, const struct desk_chat *chat,
				  const struct desk_chat_turn *turn, struct desk_answer *out)
{
	struct turn *t = desk_arena_alloc(cx->arena, sizeof(*t));
	enum desk_status rc;

	memset(out, 0, sizeof(*out));
	t->found.chat = chat;
	t->t.began = desk_mono_us(cx->clock);
	t->asked_us = desk_now_us(cx->clock);
	rc = turn_check(cx, turn, t);
	if (rc == DESK_OK)
		rc = turn_run(cx, t, out);
	if (rc == DESK_OK)
		turn_log(cx, t, out);
	desk_db_rollback(cx);	/* where something failed in between */
	return rc;
}

enum desk_status desk_chat_confidence(struct desk_ctx *cx, const struct desk_chat *chat,
				      struct desk_str question, bool internal,
				      struct desk_chat_score *out)
{
	struct desk_chat_turn in = { .message = question, .channel = "EVAL", .internal = internal };
	struct turn *t = desk_arena_alloc(cx->arena, sizeof(*t));
	enum desk_status rc;

	t->in = &in;
	t->message = t->found.question = question;
	t->found.chat = chat;
	rc = turn_find(cx, t);
	desk_db_rollback(cx);
	if (rc != DESK_OK)
		return rc;
	out->confidence = t->found.confidence;
	out->features = t->found.features;
	return DESK_OK;
}
