/* tests/unit/test_embed_openai.c - claims about the providers `openai` and `azure`, against a scripted server. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/net.h"
#include "support/embed_files.h"
#include "support/http_peer.h"

static const struct desk_deadline never = { 0 };
static struct peer peer;
static struct desk_net *net;
static struct desk_embedder *e;
static struct desk_error err;

static void start(const struct peer_row *rows, size_t n, struct desk_embed_options *o)
{
	const char *urls[] = { NULL, NULL };
	char base[128];

	peer_start(&peer, rows, n);
	urls[0] = peer.url;
	memset(&err, 0, sizeof(err));
	ck_ok(desk_net_open(&(struct desk_net_options){ .trusted_urls = urls }, &net, &err), &err);
	snprintf(base, sizeof(base), "%s%s", peer.url, strcmp(o->provider, "azure") == 0 ? "" : "/v1");
	o->base_url = base;
	o->net = net;
	ck_ok(desk_embedder_open(o, &e, &err), &err);
}

static void stop(void)
{
	desk_embedder_free(e);
	desk_net_free(net);
	peer_stop(&peer);
}

static json_t *request_body(size_t i)
{
	const char *body = strstr(peer.requests[i], "\r\n\r\n");
	json_t *doc;

	ck_assert_ptr_nonnull(body);
	doc = json_loads(body + 4, 0, NULL);
	ck_assert_ptr_nonnull(doc);
	return doc;
}

#define TWO_VECTORS "{\"object\":\"list\",\"data\":[{\"index\":1,\"embedding\":[0,3,4]}," \
		    "{\"index\":0,\"embedding\":[2,0,0]}],\"model\":\"m\"}"

START_TEST(openai_is_asked_as_its_reference_says_and_rows_go_by_index)
{
	struct peer_row row = { .status = 200, .body = TWO_VECTORS };
	struct desk_embed_options o = { .provider = "openai", .model = "text-embedding-3-small",
					.api_key = "sk-secret", .dim = 3 };
	struct desk_str texts[] = { DESK_STR("caf\xC3\xA9"), DESK_STR("") };
	float v[6];
	json_t *body, *input;

	start(&row, 1, &o);
	ck_ok(desk_embed_texts(e, texts, 2, v, never, &err), &err);
	ck_assert_float_eq_tol(v[0], 1, 1e-6);
	ck_assert_float_eq_tol(v[4], 0.6, 1e-6);
	ck_assert_float_eq_tol(v[5], 0.8, 1e-6);
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "POST /v1/embeddings HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "Authorization: Bearer sk-secret\r\n"));
	body = request_body(0);
	input = json_object_get(body, "input");
	ck_assert_str_eq(desk_json_string(body, "model", ""), "text-embedding-3-small");
	ck_assert_str_eq(desk_json_string(body, "encoding_format", ""), "float");
	ck_assert_int_eq(desk_json_int(body, "dimensions", 0), 3);
	ck_assert_uint_eq(json_array_size(input), 2);
	ck_assert_str_eq(json_string_value(json_array_get(input, 0)), "caf\xC3\xA9");
	ck_assert_str_eq(json_string_value(json_array_get(input, 1)), " ");
	json_decref(body);
	ck_assert_str_eq(desk_embedder_name(e), "openai/text-embedding-3-small");
	ck_assert(desk_embedder_speaks(e, "de"));
	stop();
}
END_TEST

START_TEST(azure_is_asked_by_deployment_and_version)
{
	struct peer_row row = { .status = 200, .body = TWO_VECTORS };
	struct desk_embed_options o = { .provider = "azure", .model = "embed-eu", .api_key = "k1",
					.api_version = "2024-10-21", .dim = 3 };
	struct desk_str texts[] = { DESK_STR("a"), DESK_STR("b") };
	float v[6];
	json_t *body;

	start(&row, 1, &o);
	ck_ok(desk_embed_texts(e, texts, 2, v, never, &err), &err);
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "POST /openai/deployments/embed-eu/embeddings"
						       "?api-version=2024-10-21 HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(peer.requests[0], "api-key: k1\r\n"));
	ck_assert_ptr_null(strstr(peer.requests[0], "Authorization:"));
	body = request_body(0);
	ck_assert_ptr_null(json_object_get(body, "model"));
	json_decref(body);
	stop();
}
END_TEST

START_TEST(a_local_server_needs_no_key_and_is_not_sent_dimensions)
{
	struct peer_row row = { .status = 200, .body = "{\"data\":[{\"embedding\":[1,0,0]}]}" };
	struct desk_embed_options o = { .provider = "openai", .model = "bge-m3", .dim = 3, .languages = "en de" };
	struct desk_str text = DESK_STR("a\xFF");
	float v[3];
	json_t *body;

	start(&row, 1, &o);
	ck_ok(desk_embed_texts(e, &text, 1, v, never, &err), &err);
	ck_assert_ptr_null(strstr(peer.requests[0], "Authorization:"));
	body = request_body(0);
	ck_assert_ptr_null(json_object_get(body, "dimensions"));
	json_decref(body);
	ck_assert(desk_embedder_speaks(e, "de"));
	ck_assert(!desk_embedder_speaks(e, "ru"));
	stop();
}
END_TEST

START_TEST(many_texts_go_in_batches_and_long_ones_are_cut_on_a_character)
{
	struct peer_row row = { .status = 500, .body = "" };
	struct desk_embed_options o = { .provider = "openai", .model = "m", .dim = 3 };
	struct desk_str texts[40];
	char *big = desk_xmalloc(9000);
	float *v = desk_xcalloc(40 * 3, sizeof(*v));
	json_t *body;

	for (size_t i = 0; i < 9000; i += 3)
		memcpy(big + i, "\xE2\x82\xAC", 3);
	texts[0] = (struct desk_str){ big, 9000 };
	for (size_t i = 1; i < 40; i++)
		texts[i] = DESK_STR("short");
	start(&row, 1, &o);
	ck_assert_int_eq(desk_embed_texts(e, texts, 40, v, desk_deadline_in_ms(NULL, 200), &err),
			 DESK_E_UPSTREAM);
	body = request_body(0);
	ck_assert_uint_eq(json_array_size(json_object_get(body, "input")), 32);
	ck_assert_uint_eq(json_string_length(json_array_get(json_object_get(body, "input"), 0)), 7998);
	json_decref(body);
	free(big);
	free(v);
	stop();
}
END_TEST

static const struct { struct peer_row row; enum desk_status status; const char *complaint; } bad[] = {
	{ { .status = 401, .body = "{\"error\":{\"code\":\"invalid_api_key\"}}" }, DESK_E_UPSTREAM,
	  "refused the key (401 invalid_api_key)" },
	{ { .status = 429, .body = "{\"error\":{\"code\":\"rate_limit_exceeded\"}}" }, DESK_E_LIMIT,
	  "answered 429 rate_limit_exceeded" },
	{ { .status = 500, .body = "<html>" }, DESK_E_UPSTREAM, "answered 500" },
	{ { .status = 200, .body = "" }, DESK_E_UPSTREAM, "not JSON" },
	{ { .status = 200, .body = "[]" }, DESK_E_UPSTREAM, "0 vectors where 1" },
	{ { .status = 200, .body = "{\"data\":[]}" }, DESK_E_UPSTREAM, "0 vectors where 1" },
	{ { .status = 200, .body = "{\"data\":[{\"index\":1,\"embedding\":[1,2,3]}]}" }, DESK_E_UPSTREAM,
	  "wrong index" },
	{ { .status = 200, .body = "{\"data\":[{\"index\":-1,\"embedding\":[1,2,3]}]}" }, DESK_E_UPSTREAM,
	  "wrong index" },
	{ { .status = 200, .body = "{\"data\":[{\"embedding\":[1,2]}]}" }, DESK_E_UPSTREAM,
	  "2 dimensions where 3" },
	{ { .status = 200, .body = "{\"data\":[{\"embedding\":\"AACAPw==\"}]}" }, DESK_E_UPSTREAM,
	  "no embedding list" },
	{ { .status = 200, .body = "{\"data\":[{\"embedding\":[1,null,3]}]}" }, DESK_E_UPSTREAM,
	  "else than numbers" },
	{ { .status = 200, .body = "{\"data\":[{\"embedding\":[1,1e300,3]}]}" }, DESK_E_UPSTREAM,
	  "else than numbers" },
	{ { .status = 200, .body = "{\"data\":[{\"embedding\":[0,0,0]}]}" }, DESK_E_UPSTREAM, "zeros" },
	{ { .status = 200, .body = "{\"data\":[7]}" }, DESK_E_UPSTREAM, "no embedding list" },
};

START_TEST(a_bad_answer_is_an_error_that_says_what_was_wrong)
{
	struct desk_embed_options o = { .provider = "openai", .model = "m", .dim = 3, .api_key = "sk-secret" };
	struct desk_str text = DESK_STR("confidential");
	float v[3];

	start(&bad[_i].row, 1, &o);
	ck_fails(desk_embed_texts(e, &text, 1, v, desk_deadline_in_ms(NULL, 400), &err), bad[_i].status, &err,
		 bad[_i].complaint);
	ck_assert_ptr_null(strstr(err.text, "confidential"));
	ck_assert_ptr_null(strstr(err.text, "sk-secret"));
	stop();
}
END_TEST

START_TEST(a_slow_server_is_a_timeout)
{
	struct peer_row row = { .status = 200, .body = TWO_VECTORS, .delay_ms = 1000 };
	struct desk_embed_options o = { .provider = "openai", .model = "m", .dim = 3 };
	struct desk_str text = DESK_STR("a");
	float v[3];

	start(&row, 1, &o);
	ck_assert_int_eq(desk_embed_texts(e, &text, 1, v, desk_deadline_in_ms(NULL, 100), &err),
			 DESK_E_TIMEOUT);
	stop();
}
END_TEST

static const struct { struct desk_embed_options o; const char *complaint; } refused[] = {
	{ { .provider = "azure", .model = "d", .api_key = "k" }, "AZURE_OPENAI_ENDPOINT" },
	{ { .provider = "azure", .base_url = "https://x", .api_key = "k" }, "AZURE_OPENAI_EMBEDDING_DEPLOYMENT" },
	{ { .provider = "azure", .base_url = "https://x", .model = "d" }, "AZURE_OPENAI_KEY" },
	{ { .provider = "azure", .base_url = "https://x", .model = "d/../e?x", .api_key = "k" }, "do not go into a URL" },
	{ { .provider = "openai", .dim = 1000000 }, "too great" },
};

START_TEST(a_missing_setting_is_named)
{
	struct desk_embed_options o = refused[_i].o;

	memset(&err, 0, sizeof(err));
	ck_ok(desk_net_open(&(struct desk_net_options){ 0 }, &net, &err), &err);
	o.net = net;
	ck_fails(desk_embedder_open(&o, &e, &err), DESK_E_CONFIG, &err, refused[_i].complaint);
	desk_net_free(net);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("embed_openai");
	TCase *t = tcase_create("embed_openai");

	tcase_set_timeout(t, 20);
	tcase_add_test(t, openai_is_asked_as_its_reference_says_and_rows_go_by_index);
	tcase_add_test(t, azure_is_asked_by_deployment_and_version);
	tcase_add_test(t, a_local_server_needs_no_key_and_is_not_sent_dimensions);
	tcase_add_test(t, many_texts_go_in_batches_and_long_ones_are_cut_on_a_character);
	tcase_add_loop_test(t, a_bad_answer_is_an_error_that_says_what_was_wrong, 0, DESK_ARRAY_LEN(bad));
	tcase_add_test(t, a_slow_server_is_a_timeout);
	tcase_add_loop_test(t, a_missing_setting_is_named, 0, DESK_ARRAY_LEN(refused));
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
