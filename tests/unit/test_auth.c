/* tests/unit/test_auth.c - claims about lib/auth: which tokens pass, and which must not. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ck_desk.h"

#include <jwt.h>
#include <stdio.h>

#include "auth/auth.h"

#define TENANT "6f1c2a0e-8a55-4b0f-9d5d-0a8f8d1c5a11"
#define NOW 1800000000LL

static const struct desk_secret secret = { "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0" };

static int64_t clock_now(const struct desk_clock *c)
{
	(void)c;
	return NOW * 1000000;
}

static int64_t clock_later(const struct desk_clock *c)
{
	(void)c;
	return (NOW + 3600) * 1000000;
}

static const struct desk_clock now = { clock_now, clock_now }, later = { clock_later, clock_later };

static struct desk_arena *arena;
static struct desk_ctx cx;
static struct desk_principal who;

static void setup(void)
{
	arena = desk_arena_new();
	desk_ctx_init(&cx, arena, &now);
	memset(&who, 0, sizeof(who));
}

static void teardown(void)
{
	desk_arena_free(arena);
}

/* Signed by libjwt, with any claims, algorithm and key. */
static const char *sign(const char *claims, jwt_alg_t alg, const char *key)
{
	const char *out;
	jwt_t *jwt;
	char *text;

	ck_assert_int_eq(jwt_new(&jwt), 0);
	ck_assert_int_eq(jwt_add_grants_json(jwt, claims), 0);
	ck_assert_int_eq(jwt_set_alg(jwt, alg, (const unsigned char *)key, key != NULL ? (int)strlen(key) : 0), 0);
	text = jwt_encode_str(jwt);
	ck_assert_ptr_nonnull(text);
	out = desk_arena_strdup(arena, text);
	free(text);
	jwt_free(jwt);
	return out;
}

#define GOOD_PART "\"tenant_id\":\"" TENANT "\",\"sub\":\"ann\",\"user_type\":\"CUSTOMER\""
#define GOOD "{" GOOD_PART ",\"type\":\"access\",\"iat\":1800000000,\"exp\":1800000600}"

static const char *good(void)
{
	return sign(GOOD, JWT_ALG_HS256, secret.value);
}

START_TEST(a_token_made_here_names_its_caller)
{
	struct desk_token_spec spec = { .tenant_id = TENANT, .user_id = "ann@example.org",
					.user_type = DESK_USER_INTERNAL, .role = "AGENT", .life_s = 600 };
	const char *token = NULL;

	ck_ok(desk_token_create(&cx, secret, &spec, &token), &cx.err);
	ck_ok(desk_token_verify(&cx, secret, desk_str_of(token), &who), &cx.err);
	ck_assert_str_eq(who.tenant_id, TENANT);
	ck_assert_str_eq(who.user_id, "ann@example.org");
	ck_assert_str_eq(who.user_type, "INTERNAL_STAFF");
	ck_assert_str_eq(who.role, "AGENT");
	ck_assert(!who.anonymous && desk_principal_is_internal(&who));
}
END_TEST

START_TEST(a_token_ends_when_it_says)
{
	struct desk_token_spec spec = { .tenant_id = TENANT, .user_id = "ann", .life_s = 3600 };
	const char *token = NULL;

	ck_ok(desk_token_create(&cx, secret, &spec, &token), &cx.err);
	cx.clock = &later;
	ck_fails(desk_token_verify(&cx, secret, desk_str_of(token), &who), DESK_E_AUTH, &cx.err, "expired");
}
END_TEST

static const struct {
	struct desk_token_spec spec;
	const char            *field;
} specs[] = {
	{ { .tenant_id = "acme.example", .user_id = "a", .life_s = 1 }, "tenant_id" },
	{ { .tenant_id = TENANT, .user_id = "", .life_s = 1 }, "user_id" },
	{ { .tenant_id = TENANT, .user_id = "a\nb", .life_s = 1 }, "user_id" },
	{ { .tenant_id = TENANT, .user_id = "a", .user_type = "staff", .life_s = 1 }, "user_type" },
	{ { .tenant_id = TENANT, .user_id = "a", .role = "", .life_s = 1 }, "role" },
	{ { .tenant_id = TENANT, .user_id = "a", .life_s = 0 }, "life" },
	{ { .tenant_id = TENANT, .user_id = "a", .life_s = 400LL * 86400 }, "life" },
};

START_TEST(a_token_that_would_be_refused_is_not_made)
{
	const char *token = NULL;

	ck_assert_int_eq(desk_token_create(&cx, secret, &specs[_i].spec, &token), DESK_E_INPUT);
	ck_assert_str_eq(cx.err.field, specs[_i].field);
	ck_assert_ptr_null(token);
}
END_TEST

static const struct {
	const char *claims, *why;
} refused[] = {
	{ "{" GOOD_PART ",\"iat\":1800000000,\"exp\":1800000600}", "type" },
	{ "{" GOOD_PART ",\"type\":\"refresh\",\"iat\":1800000000,\"exp\":1800000600}", "type" },
	{ "{" GOOD_PART ",\"type\":true,\"iat\":1800000000,\"exp\":1800000600}", "type" },
	{ "{" GOOD_PART ",\"type\":\"access\",\"iat\":1799999000,\"exp\":1800000000}", "expired" },
	{ "{" GOOD_PART ",\"type\":\"access\",\"iat\":1799999000,\"exp\":-1}", "expired" },
	{ "{" GOOD_PART ",\"type\":\"access\",\"iat\":1800000000}", "exp" },
	{ "{" GOOD_PART ",\"type\":\"access\",\"exp\":1800000600}", "iat" },
	{ "{" GOOD_PART ",\"type\":\"access\",\"iat\":1800000000,\"exp\":\"1800000600\"}", "whole" },
	{ "{" GOOD_PART ",\"type\":\"access\",\"iat\":1800000000,\"exp\":1800000600.5}", "whole" },
	{ "{" GOOD_PART ",\"type\":\"access\",\"iat\":1800000000,\"exp\":true}", "whole" },
	{ "{" GOOD_PART ",\"type\":\"access\",\"iat\":1800000120,\"exp\":1800000600}", "iat" },
	{ "{" GOOD_PART ",\"type\":\"access\",\"iat\":0,\"exp\":1800000600}", "iat" },
	{ "{" GOOD_PART ",\"type\":\"access\",\"iat\":1700000000,\"exp\":1800000600}", "longer" },
	{ "{" GOOD_PART ",\"type\":\"access\",\"iat\":1800000000,\"exp\":9000000000000}", "longer" },
	{ "{" GOOD_PART ",\"type\":\"access\",\"iat\":1800000000,\"nbf\":1800000300,\"exp\":1800000600}", "not yet" },
	{ "{" GOOD_PART ",\"type\":\"access\",\"iat\":1800000000,\"nbf\":\"0\",\"exp\":1800000600}", "nbf" },
	{ "{\"sub\":\"a\",\"user_type\":\"CUSTOMER\",\"type\":\"access\",\"iat\":1800000000,\"exp\":1800000600}",
	  "tenant_id" },
	{ "{\"tenant_id\":\"acme.example\",\"sub\":\"a\",\"user_type\":\"CUSTOMER\",\"type\":\"access\","
	  "\"iat\":1800000000,\"exp\":1800000600}", "tenant_id" },
	{ "{\"tenant_id\":\"" TENANT "\",\"user_type\":\"CUSTOMER\",\"type\":\"access\","
	  "\"iat\":1800000000,\"exp\":1800000600}", "sub" },
	{ "{" GOOD_PART ",\"user_id\":\"bob\",\"type\":\"access\",\"iat\":1800000000,\"exp\":1800000600}", "sub" },
	{ "{\"tenant_id\":\"" TENANT "\",\"sub\":7,\"user_type\":\"CUSTOMER\",\"type\":\"access\","
	  "\"iat\":1800000000,\"exp\":1800000600}", "sub" },
	{ "{\"tenant_id\":\"" TENANT "\",\"sub\":\"a\",\"type\":\"access\",\"iat\":1800000000,\"exp\":1800000600}",
	  "user_type" },
	{ "{" GOOD_PART ",\"role\":7,\"type\":\"access\",\"iat\":1800000000,\"exp\":1800000600}", "role" },
};

START_TEST(claims_that_do_not_hold_are_refused)
{
	const char *token = sign(refused[_i].claims, JWT_ALG_HS256, secret.value);

	ck_fails(desk_token_verify(&cx, secret, desk_str_of(token), &who), DESK_E_AUTH, &cx.err,
		 refused[_i].why);
}
END_TEST

static const char *const accepted[] = {
	GOOD,
	"{\"tenant_id\":\"6F1C2A0E-8A55-4B0F-9D5D-0A8F8D1C5A11\",\"user_id\":\"ann\",\"user_type\":\"CUSTOMER\","
	"\"type\":\"access\",\"iat\":1800000030,\"nbf\":1800000030,\"exp\":1800000600,\"jti\":\"x\",\"more\":[1]}",
	"{" GOOD_PART ",\"user_id\":\"ann\",\"role\":\"END_USER\",\"type\":\"access\",\"iat\":1799990000,"
	"\"exp\":1800000001}",
};

START_TEST(claims_that_hold_name_the_same_caller)
{
	const char *token = sign(accepted[_i], JWT_ALG_HS256, secret.value);

	ck_ok(desk_token_verify(&cx, secret, desk_str_of(token), &who), &cx.err);
	ck_assert_str_eq(who.tenant_id, TENANT);
	ck_assert_str_eq(who.user_id, "ann");
	ck_assert_str_eq(who.role, "END_USER");
	ck_assert(!desk_principal_is_internal(&who));
}
END_TEST

START_TEST(another_key_or_algorithm_is_refused)
{
	const char *tokens[] = {
		sign(GOOD, JWT_ALG_HS256, "another secret that is long enough to be one"),
		sign(GOOD, JWT_ALG_HS384, secret.value),
		sign(GOOD, JWT_ALG_HS512, secret.value),
		sign(GOOD, JWT_ALG_NONE, NULL),
	};

	for (size_t i = 0; i < DESK_ARRAY_LEN(tokens); i++) {
		desk_error_clear(&cx.err);
		ck_assert_int_eq(desk_token_verify(&cx, secret, desk_str_of(tokens[i]), &who), DESK_E_AUTH);
	}
}
END_TEST

/* "HEAD" of another header over the good payload and signature: {"alg":"none"}, {"alg":"RS256"}, … */
static const char *const heads[] = {
	"eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIn0", "eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJoczI1NiJ9", "e30",
	"eyJhbGciOiJIUzI1NiIsImNyaXQiOlsiYjY0Il19", "W10", "eyJhbGciOlsiSFMyNTYiXX0", "",
};

START_TEST(no_other_header_goes_with_a_signature)
{
	const char *token = good();
	char *forged = desk_arena_printf(arena, "%s%s", heads[_i], strchr(token, '.'));

	ck_assert_int_eq(desk_token_verify(&cx, secret, desk_str_of(forged), &who), DESK_E_AUTH);
	forged = desk_arena_printf(arena, "%.*s.", (int)(strrchr(forged, '.') - forged), forged);
	desk_error_clear(&cx.err);
	ck_assert_int_eq(desk_token_verify(&cx, secret, desk_str_of(forged), &who), DESK_E_AUTH);
}
END_TEST

/* Every way of writing the same token in another form, as Wycheproof's group "base64" has them. */
START_TEST(a_token_has_one_text_only)
{
	const char *token = good();
	size_t n = strlen(token), dot = strcspn(token, ".");
	const char *forms[] = {
		desk_arena_printf(arena, "%s=", token), desk_arena_printf(arena, "%s.", token),
		desk_arena_printf(arena, ".%s", token), desk_arena_printf(arena, " %s", token),
		desk_arena_printf(arena, "%s ", token), desk_arena_printf(arena, "%s.fo", token),
		desk_arena_printf(arena, "%.*s?%s", (int)dot, token, token + dot),
		desk_arena_printf(arena, "%.*s%s", (int)dot - 1, token, token + dot),
		desk_arena_printf(arena, "%.*s", (int)n - 1, token),
		desk_arena_printf(arena, "%sA", token), token + dot + 1,
	};

	for (size_t i = 0; i < DESK_ARRAY_LEN(forms); i++) {
		desk_error_clear(&cx.err);
		ck_assert_msg(desk_token_verify(&cx, secret, desk_str_of(forms[i]), &who) == DESK_E_AUTH,
			      "passed: %s", forms[i]);
	}
	/* the last digit of 32 bytes has two bits that code nothing */
	for (const char *c = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"; *c != '\0'; c++) {
		char *other = desk_arena_strdup(arena, token);

		other[n - 1] = *c;
		desk_error_clear(&cx.err);
		ck_assert(*c == token[n - 1] ||
			  desk_token_verify(&cx, secret, desk_str_of(other), &who) == DESK_E_AUTH);
	}
}
END_TEST

START_TEST(a_token_with_one_bit_changed_is_refused)
{
	const char *token = good();

	for (size_t i = 0; token[i] != '\0'; i++) {
		char *other = desk_arena_strdup(arena, token);

		other[i] ^= 1;
		desk_error_clear(&cx.err);
		ck_assert_int_eq(desk_token_verify(&cx, secret, desk_str_of(other), &who), DESK_E_AUTH);
	}
}
END_TEST

static const char *const bad_headers[] = {
	"Basic YWRhOnNlY3JldA==", "Bearer", "Bearer ", "Bearerx", "Token x", "Bearer a.b.c", "x", " Bearer x",
};

START_TEST(a_header_that_is_no_bearer_token_is_not_anonymous)
{
	ck_assert_int_eq(desk_auth_header(&cx, secret, bad_headers[_i]), DESK_E_AUTH);
	ck_assert_ptr_null(cx.principal);
}
END_TEST

START_TEST(the_scheme_is_taken_in_any_case)
{
	static const char *const schemes[] = { "Bearer", "bearer", "BEARER" };

	for (size_t i = 0; i < DESK_ARRAY_LEN(schemes); i++) {
		ck_ok(desk_auth_header(&cx, secret, desk_arena_printf(arena, "%s  %s", schemes[i], good())),
		      &cx.err);
		ck_assert(!cx.principal->anonymous);
	}
}
END_TEST

START_TEST(without_a_header_a_caller_is_anonymous_and_not_internal)
{
	ck_ok(desk_auth_header(&cx, secret, NULL), &cx.err);
	ck_assert(cx.principal->anonymous);
	ck_assert(!desk_principal_is_internal(cx.principal) && !desk_principal_is_internal(NULL));
	ck_ok(desk_auth_header(&cx, secret, ""), &cx.err);
	ck_assert(cx.principal->anonymous);
}
END_TEST

/*
 * Wycheproof's vectors carry "foo", "Test" and the like where an access token carries claims, so the
 * valid ones are refused as well: by their payload, after their form and header were found right.
 */
static void wycheproof_group(const json_t *group, int *seen)
{
	const char *key = desk_json_string(json_object_get(group, "private"), "k", NULL);
	const json_t *test;
	size_t i;

	json_array_foreach(json_object_get(group, "tests"), i, test) {
		const json_t *jws = json_object_get(test, "jws");
		const char *token = json_is_string(jws) ? json_string_value(jws) : desk_json_dump(arena, jws);
		struct desk_secret k = { key != NULL ? key : secret.value };

		desk_error_clear(&cx.err);
		ck_assert_int_eq(desk_token_verify(&cx, k, desk_str_of(token), &who), DESK_E_AUTH);
		++*seen;
	}
}

START_TEST(no_vector_of_wycheproof_passes)
{
	const char *top = getenv("top_srcdir");
	char *path = desk_arena_printf(arena, "%s/../shared/data/jwt/json_web_signature_test.json",
				       top != NULL ? top : ".");
	json_t *doc = json_load_file(path, 0, NULL);
	const json_t *group;
	int seen = 0;
	size_t i;

	if (doc == NULL) {
		fprintf(stderr, "SKIPPED: %s is not there\n", path);
		return;
	}
	json_array_foreach(json_object_get(doc, "testGroups"), i, group)
		wycheproof_group(group, &seen);
	ck_assert_int_gt(seen, 300);
	json_decref(doc);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("auth");
	TCase *t = tcase_create("tokens");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_token_made_here_names_its_caller);
	tcase_add_test(t, a_token_ends_when_it_says);
	tcase_add_loop_test(t, a_token_that_would_be_refused_is_not_made, 0, DESK_ARRAY_LEN(specs));
	tcase_add_loop_test(t, claims_that_do_not_hold_are_refused, 0, DESK_ARRAY_LEN(refused));
	tcase_add_loop_test(t, claims_that_hold_name_the_same_caller, 0, DESK_ARRAY_LEN(accepted));
	tcase_add_test(t, another_key_or_algorithm_is_refused);
	tcase_add_loop_test(t, no_other_header_goes_with_a_signature, 0, DESK_ARRAY_LEN(heads));
	tcase_add_test(t, a_token_has_one_text_only);
	tcase_add_test(t, a_token_with_one_bit_changed_is_refused);
	tcase_add_loop_test(t, a_header_that_is_no_bearer_token_is_not_anonymous, 0,
			    DESK_ARRAY_LEN(bad_headers));
	tcase_add_test(t, the_scheme_is_taken_in_any_case);
	tcase_add_test(t, without_a_header_a_caller_is_anonymous_and_not_internal);
	tcase_add_test(t, no_vector_of_wycheproof_passes);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
