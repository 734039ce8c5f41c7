/* tests/unit/test_llm.c - what models are asked, and what is made of their answers. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "llm/llm.h"
#include "support/ck_desk.h"
#include "support/http_peer.h"

static struct peer peer;
static struct desk_net *net;
static struct desk_llm *llm;
static struct desk_arena *arena;
static struct desk_error err;

#define GOOD "{\"id\":\"x\",\"object\":\"chat.completion\",\"model\":\"m-1\",\"choices\":[{\"index\":0," \
	     "\"message\":{\"role\":\"assistant\",\"content\":\"Twenty days [1].\"},\"finish_reason\":\"stop\"}]," \
	     "\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":5,\"total_tokens\":17}}"

static void start(const char *provider, const char *key, const struct peer_row *rows, size_t n)
{
	const char *urls[] = { NULL, NULL };
	struct desk_llm_options o = {
		.provider = provider, .api_key = key, .model = "gpt-test", .max_tokens = 77, .timeout_ms = 3000,
	};

	peer_start(&peer, rows, n);
	urls[0] = peer.url;
	memset(&err, 0, sizeof(err));
	arena = desk_arena_new();
	ck_ok(desk_net_open(&(struct desk_net_options){ .trusted_urls = urls }, &net, &err), &err);
	o.base_url = strcmp(provider, "openai") == 0 ? desk_arena_printf(arena, "%s/v1", peer.url) : peer.url;
	ck_ok(desk_llm_open(&o, net, &llm, &err), &err);
}

static void stop(void)
{
	desk_llm_free(llm);
	desk_net_free(net);
	desk_arena_free(arena);
	peer_stop(&peer);
}

static enum desk_status chat(struct desk_llm_reply *out, int ms)
{
	struct desk_llm_message m[] = { { "system", DESK_STR("Be brief.") },
					{ "user", DESK_STR("How many days?\xff") } };
	struct desk_llm_request rq = { m, 2, desk_deadline_in_ms(NULL, ms) };

	return desk_llm_chat(llm, &rq, arena, out, &err);
}

/* The n-th recorded exchange's body. */
static json_t *asked(size_t i)
{
	const char *body = strstr(peer.requests[i], "\r\n\r\n");
	json_t *doc;

	ck_ok(desk_json_parse(arena, body + 4, strlen(body + 4), &doc, &err), &err);
	return doc;
}

static void check_messages(const json_t *body)
{
	const json_t *m = json_object_get(body, "messages");

	ck_assert_uint_eq(json_array_size(m), 2);
	ck_assert_str_eq(desk_json_string(json_array_get(m, 0), "role", ""), "system");
	ck_assert_str_eq(desk_json_string(json_array_get(m, 0), "content", ""), "Be brief.");
	ck_assert_str_eq(desk_json_string(json_array_get(m, 1), "role", ""), "user");
	ck_assert_str_eq(desk_json_string(json_array_get(m, 1), "content", ""), "How many days?\xEF\xBF\xBD");
	ck_assert_int_eq(desk_json_int(body, "max_tokens", 0), 77);
	ck_assert(json_is_number(json_object_get(body, "temperature")));
	ck_assert(!desk_json_bool(body, "stream", true));
}

START_TEST(openai_is_asked_in_its_shape)
{
	struct peer_row row = { .status = 200, .body = GOOD };
	struct desk_llm_reply r;
	json_t *body;

	start("openai", "sk-secret", &row, 1);
	ck_assert_str_eq(desk_llm_name(llm), "openai/gpt-test");
	ck_ok(chat(&r, 5000), &err);
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "POST /v1/chat/completions HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "Authorization: Bearer sk-secret\r\n"));
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "Content-Type: application/json\r\n"));
	body = asked(0);
	ck_assert_str_eq(desk_json_string(body, "model", ""), "gpt-test");
	check_messages(body);
	ck_assert_str_eq(r.text, "Twenty days [1].");
	ck_assert_str_eq(r.model, "m-1");
	ck_assert(!r.cut);
	ck_assert_int_eq(r.prompt_tokens, 12);
	ck_assert_int_eq(r.completion_tokens, 5);
	stop();
}
END_TEST

START_TEST(azure_is_asked_in_its_shape)
{
	struct peer_row row = { .status = 200, .body = GOOD };
	struct desk_llm_reply r;
	json_t *body;

	start("azure", "azure-secret", &row, 1);
	ck_assert_str_eq(desk_llm_name(llm), "azure/gpt-test");
	ck_ok(chat(&r, 5000), &err);
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "POST /openai/deployments/gpt-test/chat/completions"
						       "?api-version=2024-10-21 HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "api-key: azure-secret\r\n"));
	ck_assert_ptr_null(strstr(peer.requests[0], "Authorization:"));
	body = asked(0);
	ck_assert_ptr_null(json_object_get(body, "model"));
	check_messages(body);
	stop();
}
END_TEST

START_TEST(local_server_is_sent_no_key)
{
	struct peer_row row = { .status = 200, .body = GOOD };
	struct desk_llm_reply r;

	start("openai", NULL, &row, 1);
	ck_ok(chat(&r, 5000), &err);
	ck_assert_ptr_null(strstr(peer.requests[0], "Authorization:"));
	stop();
}
END_TEST

START_TEST(newer_models_are_asked_in_their_words)
{
	struct peer_row rows[] = {
		{ .status = 400, .body = "{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens'. Use "
					 "'max_completion_tokens' instead.\",\"param\":\"max_tokens\"}}" },
		{ .status = 400, .body = "{\"error\":{\"message\":\"Unsupported value\",\"param\":\"temperature\"}}" },
		{ .status = 200, .body = GOOD },
	};
	struct desk_llm_reply r;

	start("openai", "k", rows, 3);
	ck_ok(chat(&r, 5000), &err);
	ck_assert_uint_eq(peer.n_requests, 3);
	ck_assert_int_eq(desk_json_int(asked(2), "max_completion_tokens", 0), 77);
	ck_assert_ptr_null(json_object_get(asked(2), "max_tokens"));
	ck_assert_ptr_null(json_object_get(asked(2), "temperature"));
	stop();
}
END_TEST

#define MESSAGE(m) "{\"choices\":[{\"message\":" m "}]}"
static const struct { int status; const char *body; enum desk_status rc; const char *complaint; } failures[] = {
	{ 200, "<html>Bad gateway</html>", DESK_E_UPSTREAM, "not JSON" },
	{ 200, "", DESK_E_UPSTREAM, "not JSON" },
	{ 200, "{\"choices\":[{\"message\":{\"content\":\"half", DESK_E_UPSTREAM, "not JSON" },
	{ 200, "[]", DESK_E_UPSTREAM, "no choices" },
	{ 200, "{\"choices\":[]}", DESK_E_UPSTREAM, "no choices" },
	{ 200, "{\"choices\":{\"0\":1}}", DESK_E_UPSTREAM, "no choices" },
	{ 200, "{\"choices\":[1]}", DESK_E_UPSTREAM, "no choices" },
	{ 200, "{\"choices\":[{}]}", DESK_E_UPSTREAM, "no message.content" },
	{ 200, MESSAGE("{\"content\":null}"), DESK_E_UPSTREAM, "no message.content" },
	{ 200, MESSAGE("{\"content\":7}"), DESK_E_UPSTREAM, "no message.content" },
	{ 200, MESSAGE("{\"content\":null,\"refusal\":\"I can't\"}"), DESK_E_UPSTREAM, "refused" },
	{ 200, MESSAGE("{\"content\":\"\"}"), DESK_E_UPSTREAM, "empty" },
	{ 200, MESSAGE("{\"content\":\" \\n\\t\"}"), DESK_E_UPSTREAM, "empty" },
	{ 200, MESSAGE("{\"content\":[]}"), DESK_E_UPSTREAM, "empty" },
	{ 200, MESSAGE("{\"content\":\"<think>hm\"}"), DESK_E_UPSTREAM, "empty" },
	{ 200, "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"content_filter\"}]}",
	  DESK_E_UPSTREAM, "content filter" },
	{ 400, "{\"error\":{\"code\":\"content_filter\",\"message\":\"secret words\"}}", DESK_E_UPSTREAM,
	  "400 content_filter" },
	{ 401, "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"sk-secret words\"}}", DESK_E_UPSTREAM,
	  "401 invalid_api_key" },
	{ 404, "not found", DESK_E_UPSTREAM, "404 after 1" },
	{ 302, "", DESK_E_UPSTREAM, "302" },
};

START_TEST(failure_has_its_reason)
{
	struct peer_row row = { .status = failures[_i].status, .body = failures[_i].body };
	struct desk_llm_reply r;

	start("openai", "sk-secret", &row, 1);
	ck_fails(chat(&r, 5000), failures[_i].rc, &err, failures[_i].complaint);
	ck_assert_ptr_null(strstr(err.text, "secret"));
	ck_assert_uint_eq(peer.n_requests, 1);
	stop();
}
END_TEST

static const struct { const char *body, *text; bool cut; } answers[] = {
	{ MESSAGE("{\"content\":\" hi \\n\"}"), "hi", false },
	{ MESSAGE("{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}"), "ab", false },
	{ MESSAGE("{\"content\":\"<think>so\\nso</think>\\nhi\"}"), "hi", false },
	{ MESSAGE("{\"content\":\"a\\u0000b\"}"), NULL, false },
	{ "{\"choices\":[{\"message\":{\"content\":\"half\"},\"finish_reason\":\"length\"}]}", "half", true },
};

START_TEST(answer_is_read)
{
	struct peer_row row = { .status = 200, .body = answers[_i].body };
	struct desk_llm_reply r;

	start("openai", "k", &row, 1);
	if (answers[_i].text == NULL) {
		ck_fails(chat(&r, 5000), DESK_E_UPSTREAM, &err, "not JSON");
	} else {
		ck_ok(chat(&r, 5000), &err);
		ck_assert_str_eq(r.text, answers[_i].text);
		ck_assert_int_eq(r.cut, answers[_i].cut);
	}
	stop();
}
END_TEST

START_TEST(limit_that_passes_is_waited_for)
{
	struct peer_row rows[] = { { .status = 429, .headers = "Retry-After: 1\r\n", .body = "{}" },
				   { .status = 200, .body = GOOD } };
	struct desk_llm_reply r;

	start("openai", "k", rows, 2);
	ck_ok(chat(&r, 5000), &err);
	ck_assert_int_eq(r.tries, 2);
	stop();
}
END_TEST

START_TEST(limit_that_stays_is_a_limit)
{
	struct peer_row row = { .status = 429, .headers = "Retry-After: 60\r\n",
				.body = "{\"error\":{\"type\":\"rate_limit\"}}" };
	struct desk_llm_reply r;

	start("openai", "k", &row, 1);
	ck_fails(chat(&r, 5000), DESK_E_LIMIT, &err, "429 rate_limit");
	ck_assert_uint_eq(peer.n_requests, 1);
	stop();
}
END_TEST

START_TEST(slow_model_is_given_up_at_the_deadline)
{
	struct peer_row row = { .status = 200, .body = GOOD, .delay_ms = 20000 };
	struct desk_llm_reply r;
	int64_t began = desk_mono_us(NULL);

	start("openai", "k", &row, 1);
	ck_fails(chat(&r, 200), DESK_E_TIMEOUT, &err, "in time");
	ck_assert_int_lt(desk_mono_us(NULL) - began, 2 * 1000 * 1000);
	stop();
}
END_TEST

START_TEST(model_killed_in_mid_answer_is_upstream)
{
	struct peer_row row = { .status = 200, .body = "{\"choices\":[", .cut = true };
	struct desk_llm_reply r;

	start("openai", "k", &row, 1);
	ck_fails(chat(&r, 5000), DESK_E_UPSTREAM, &err, "no answer from");
	ck_assert_uint_eq(peer.n_requests, 3);
	stop();
}
END_TEST

static const struct {
	const char *env[6];	/* NAME, value, NAME, value ... */
	const char *choice, *name;
} picks[] = {
	{ { NULL }, NULL, NULL },
	{ { "OPENAI_API_KEY", "k" }, NULL, "openai/gpt-4o-mini" },
	{ { "OPENAI_API_KEY", "k" }, "auto", "openai/gpt-4o-mini" },
	{ { "OPENAI_API_KEY", "k" }, "none", NULL },
	{ { "OPENAI_API_KEY", "k" }, "azure", NULL },
	{ { "OPENAI_API_KEY", "k", "LLM_PROVIDER", "none" }, NULL, NULL },
	{ { "OPENAI_API_KEY", "k", "LLM_PROVIDER", "none" }, "openai", "openai/gpt-4o-mini" },
	{ { "AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com" }, NULL, NULL },
	{ { "AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com", "AZURE_OPENAI_KEY", "k" }, NULL, "azure/gpt-4o-mini" },
	{ { "AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com", "AZURE_OPENAI_KEY", "k", "AZURE_OPENAI_DEPLOYMENT", "d" },
	  NULL, "azure/d" },
	{ { "AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com", "AZURE_OPENAI_KEY", "k",
	    "AZURE_OPENAI_EMBEDDING_DEPLOYMENT", "e" }, NULL, NULL },
	{ { "AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com", "AZURE_OPENAI_KEY", "k", "OPENAI_API_KEY", "k" },
	  NULL, "openai/gpt-4o-mini" },
	{ { "AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com", "AZURE_OPENAI_KEY", "k", "OPENAI_API_KEY", "k" },
	  "azure", "azure/gpt-4o-mini" },
	{ { "OPENAI_BASE_URL", "http://127.0.0.1:1/v1" }, NULL, "openai/gpt-4o-mini" },
	{ { "OPENAI_BASE_URL", "http://127.0.0.1:1/v1", "OPENAI_MODEL", "m" }, NULL, "openai/m" },
};

START_TEST(settings_make_the_models)
{
	struct desk_config *c;
	struct desk_llm_set *set;
	const struct desk_llm *got;

	memset(&err, 0, sizeof(err));
	for (int i = 0; i < 6 && picks[_i].env[i] != NULL; i += 2)
		setenv(picks[_i].env[i], picks[_i].env[i + 1], 1);
	ck_ok(desk_config_load(NULL, DESK_NEED_NOTHING, &c, &err), &err);
	ck_ok(desk_net_open_config(c, &net, &err), &err);
	ck_ok(desk_llm_set_open(c, net, &set, &err), &err);
	got = desk_llm_pick(set, picks[_i].choice);
	if (picks[_i].name == NULL)
		ck_assert_ptr_null(got);
	else
		ck_assert_str_eq(desk_llm_name(got), picks[_i].name);
	desk_llm_set_free(set);
	desk_net_free(net);
	desk_config_free(c);
	for (int i = 0; i < 6 && picks[_i].env[i] != NULL; i += 2)
		unsetenv(picks[_i].env[i]);
}
END_TEST

START_TEST(azure_named_but_not_configured_is_said)
{
	struct desk_config *c;
	struct desk_llm_set *set;

	memset(&err, 0, sizeof(err));
	setenv("LLM_PROVIDER", "azure", 1);
	ck_ok(desk_config_load(NULL, DESK_NEED_NOTHING, &c, &err), &err);
	ck_fails(desk_llm_set_open(c, NULL, &set, &err), DESK_E_CONFIG, &err, "AZURE_OPENAI_ENDPOINT");
	desk_config_free(c);
	unsetenv("LLM_PROVIDER");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("llm");
	TCase *tc = tcase_create("llm");

	tcase_add_test(tc, openai_is_asked_in_its_shape);
	tcase_add_test(tc, azure_is_asked_in_its_shape);
	tcase_add_test(tc, local_server_is_sent_no_key);
	tcase_add_test(tc, newer_models_are_asked_in_their_words);
	tcase_add_loop_test(tc, failure_has_its_reason, 0, DESK_ARRAY_LEN(failures));
	tcase_add_loop_test(tc, answer_is_read, 0, DESK_ARRAY_LEN(answers));
	tcase_add_test(tc, limit_that_passes_is_waited_for);
	tcase_add_test(tc, limit_that_stays_is_a_limit);
	tcase_add_test(tc, slow_model_is_given_up_at_the_deadline);
	tcase_add_test(tc, model_killed_in_mid_answer_is_upstream);
	tcase_add_loop_test(tc, settings_make_the_models, 0, DESK_ARRAY_LEN(picks));
	tcase_add_test(tc, azure_named_but_not_configured_is_said);
	tcase_set_timeout(tc, 20);
	suite_add_tcase(s, tc);
	return ck_run_suite(s);
}
