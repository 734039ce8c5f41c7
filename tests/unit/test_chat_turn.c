/* tests/unit/test_chat_turn.c - follow-ups, people asked for, sentences picked, passages joined. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library exports its own. */
#define desk_chat_feature_names test_feature_names
#include "chat/confidence.c"
#include "chat/extract.c"
#include "chat/passage.c"
#include "chat/person.c"
#include "chat/phrases.c"
#include "chat/rewrite.c"
#include "chat/sentence.c"
#include "chat/terms.c"

#include "support/ck_desk.h"

static struct desk_retrieval *retrieval;
static struct desk_arena *a;

static void setup(void)
{
	struct desk_error err = { 0 };

	a = desk_arena_new();
	ck_ok(desk_retrieval_open(NULL, &retrieval, &err), &err);
}

static void teardown(void)
{
	desk_retrieval_free(retrieval);
	desk_arena_free(a);
}

/* ---- follow-ups -------------------------------------------------------------- */

static const struct { const char *lang, *before, *message, *standalone; } follow_ups[] = {
	{ "en", NULL, "And for part-time staff?", "And for part-time staff?" },
	{ "en", "How many days of leave do employees get?", "And for part-time staff?",
	  "many days leave employees get And for part-time staff?" },
	{ "en", "What does the Haven 3 tent cost?", "How heavy is it?", "Haven 3 tent cost How heavy is it?" },
	{ "en", "What does the Haven 3 tent cost?", "Where are your stores in Ireland located?",
	  "Where are your stores in Ireland located?" },
	{ "en", "What does the Haven 3 tent cost?", "Why?", "Haven 3 tent cost Why?" },
	{ "de", "Wie viele Urlaubstage habe ich?", "Und in der Probezeit?", "viele Urlaubstage Und in der Probezeit?" },
	{ "es", "¿Cuánto cuesta la carpa?", "¿Y el saco?", NULL },
};

START_TEST(follow_up_borrows_what_it_leans_on)
{
	struct chat_history h = { 0 };
	struct desk_str got;

	if (follow_ups[_i].before != NULL) {
		h.at[h.n++] = (struct chat_said){ .customer = true, .text = follow_ups[_i].before };
		h.at[h.n++] = (struct chat_said){ .customer = false, .text = "An answer." };
	}
	got = chat_rewrite(a, retrieval, follow_ups[_i].lang, &h, desk_str_of(follow_ups[_i].message));
	if (follow_ups[_i].standalone != NULL)
		ck_assert_str_eq(got.p, follow_ups[_i].standalone);
	else
		ck_assert_uint_gt(got.n, strlen(follow_ups[_i].message));
}
END_TEST

START_TEST(follow_up_of_a_follow_up_leans_on_what_was_searched)
{
	struct chat_history h = { .n = 1 };

	h.at[0] = (struct chat_said){ .customer = true, .text = "And by post?", .standalone = "return tent And by post?" };
	ck_assert_str_eq(chat_rewrite(a, retrieval, "en", &h, DESK_STR("And abroad?")).p, "return tent post And abroad?");
}
END_TEST

/* ---- people -------------------------------------------------------------------- */

static const struct { const char *message; bool asks; } people[] = {
	{ "Can I talk to a person?", true }, { "I want to speak with a human", true },
	{ "Connect me to an agent", true }, { "human please", true }, { "I need a human!", true },
	{ "Let me talk to someone about my order", true }, { "get me a representative", true },
	{ "Ich möchte mit einem Mitarbeiter sprechen", false },	/* the verb comes last */
	{ "Kann ich bitte mit einem echten Menschen sprechen?", true },
	{ "Bitte verbinden Sie mich mit einem Mitarbeiter", true },
	{ "Quiero hablar con una persona", true }, { "Je veux parler à un conseiller", true },
	{ "позовите оператора", true },
	{ "转人工", true },
	{ "How do I become an agent?", false }, { "How many days does a person get?", false },
	{ "What is the role of a sales agent?", false }, { "Do I need an agent to return it?", false },
	{ "Who is my contact person?", false }, { "Up to what amount may a senior agent give goodwill?", false },
	{ "", false },
};

START_TEST(person_is_asked_for_or_not)
{
	ck_assert_int_eq(chat_asks_for_person(desk_str_of(people[_i].message)), people[_i].asks);
}
END_TEST

START_TEST(phrases_have_a_language_each)
{
	static const char *const langs[] = { "en", "de", "es", "fr", "ru", "zh", "ar" };

	for (size_t i = 1; i < DESK_ARRAY_LEN(langs); i++)
		ck_assert_str_ne(chat_phrase(CHAT_DONT_KNOW, langs[i]), chat_phrase(CHAT_DONT_KNOW, langs[i - 1]));
	ck_assert_str_eq(chat_phrase(CHAT_DONT_KNOW, "tlh"), chat_phrase(CHAT_DONT_KNOW, "en"));
	ck_assert_str_eq(chat_phrase(CHAT_PERSON, ""), chat_phrase(CHAT_PERSON, "en"));
}
END_TEST

/* ---- passages and picks ------------------------------------------------------------ */

static struct desk_hit hit_of(const char *document, int start, const char *content)
{
	return (struct desk_hit){ .document = document, .source = "s", .title = "T", .language = "en",
				  .content = content, .start = start,
				  .end = start + (int)desk_utf8_count(content, strlen(content)), .cosine = NAN };
}

START_TEST(overlapping_chunks_become_one_passage)
{
	struct desk_hit hits[] = { hit_of("d1", 10, "überlapp und mehr"), hit_of("d2", 0, "other"),
				   hit_of("d1", 0, "Der Anfang überlapp") };
	struct desk_search_result found = { .hits = hits, .n = 3 };
	struct chat_passages p;

	hits[0].start = 11;
	hits[0].end = 11 + 17;
	chat_passages_make(a, &found, &p);
	ck_assert_uint_eq(p.n, 2);
	ck_assert(desk_str_is(p.at[0].text, "Der Anfang überlapp und mehr"));
	ck_assert_int_eq(p.at[0].start, 0);
	ck_assert_int_eq(p.at[0].end, 28);
	ck_assert_uint_eq(p.at[0].rank, 0);
	ck_assert_ptr_eq(chat_passage_hit(&p.at[0], 5), &hits[2]);
	ck_assert_ptr_eq(chat_passage_hit(&p.at[0], 20), &hits[0]);
}
END_TEST

START_TEST(chunks_that_do_not_fit_together_stay_apart)
{
	struct desk_hit hits[] = { hit_of("d1", 0, "one text"), hit_of("d1", 4, "XXXX and another") };
	struct desk_search_result found = { .hits = hits, .n = 2 };
	struct chat_passages p;

	chat_passages_make(a, &found, &p);
	ck_assert_uint_eq(p.n, 2);
}
END_TEST

static const struct { const char *question, *text, *answer; } picks[] = {
	{ "How many days of leave do employees get?",
	  "Welcome to the company. Employees get 25 days of paid leave a year. The canteen opens at noon.",
	  "Employees get 25 days of paid leave a year." },
	{ "How do I reset my password?",
	  "How do I reset my password?\nOpen the portal and choose Forgotten. A mail comes within a minute.\n"
	  "How do I change my name?\nWrite to the office.",
	  "Open the portal and choose Forgotten. A mail comes within a minute." },
	{ "What does error 207 mean?",
	  "Error codes\n\nCode Meaning\n\n104 Torque sensor not at zero\n\n207 Battery not locked\n\nCall us if it stays.",
	  "207 Battery not locked" },
	{ "What do I need to bring?", "We meet at nine. You need to bring:\n- a rope\n- a helmet\nLunch is at one.",
	  "You need to bring:\n- a rope\n- a helmet" },
};

/* The terms of a question as retrieval gives them, numbers rarer than words. */
static void terms_of(const char *question, struct desk_search_result *found)
{
	struct words all;
	struct desk_terms t;

	rewrite_words(desk_str_of(question), &all);
	found->terms = desk_arena_array(a, all.n + 1, sizeof(*found->terms));
	for (size_t i = 0; i < all.n; i++) {
		desk_analyze(retrieval, a, "en", all.at[i], &t);
		if (t.n > 0)
			found->terms[found->n_terms++] = (struct desk_query_term){
				desk_arena_strndup(a, all.at[i].p, all.at[i].n), 1, 1,
				all.at[i].p[0] <= '9' ? 3.0 : 1.0 };
	}
}

START_TEST(sentence_that_answers_is_picked)
{
	struct desk_hit hit = hit_of("d", 40, picks[_i].text);
	struct desk_search_result found = { .hits = &hit, .n = 1, .chunks = 10 };
	struct chat_passages p;
	struct chat_question q;
	struct chat_extract x;
	const struct chat_pick *got;

	terms_of(picks[_i].question, &found);
	chat_passages_make(a, &found, &p);
	chat_question_init(a, retrieval, desk_str_of(picks[_i].question), &found, &q);
	chat_extract(a, &q, &p, &x);
	ck_assert_uint_ge(x.n, 1);
	got = &x.picks[0];
	ck_assert_msg(desk_str_is(got->text, picks[_i].answer), "got: %.*s", (int)got->text.n, got->text.p);
	ck_assert_int_eq(got->start, 40 + (int)(strstr(picks[_i].text, picks[_i].answer) - picks[_i].text));
	ck_assert_int_eq(got->end, got->start + (int)strlen(picks[_i].answer));
}
END_TEST

START_TEST(nothing_found_is_no_pick_and_little_confidence)
{
	struct desk_search_result found = { .n = 0 };
	struct chat_passages p;
	struct chat_question q;
	struct chat_extract x;
	struct desk_chat_features f;

	chat_passages_make(a, &found, &p);
	chat_question_init(a, retrieval, DESK_STR("What is it?"), &found, &q);
	chat_extract(a, &q, &p, &x);
	ck_assert_uint_eq(x.n, 0);
	found.top_cosine = NAN;
	found.unknown = 1;
	chat_features(&found, &x, &f);
	ck_assert_double_lt(chat_confidence(&f), CHAT_UNKNOWN_BELOW);
}
END_TEST

/* Better evidence never lowers what is believed. */
START_TEST(confidence_grows_with_each_feature)
{
	static const int sign[DESK_CHAT_FEATURES] = { 1, 1, -1, 1, 1, 1, 1 };

	for (int dense = 0; dense < 2; dense++) {
		struct desk_chat_features f = { .dense = dense != 0 };
		double was = chat_confidence(&f);

		for (size_t i = 0; i < DESK_CHAT_FEATURES; i++) {
			f.x[i] = 1;
			ck_assert_double_ge((chat_confidence(&f) - was) * sign[i], 0);
			was = chat_confidence(&f);
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chat_turn");
	TCase *tc = tcase_create("turn");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, follow_up_borrows_what_it_leans_on, 0, DESK_ARRAY_LEN(follow_ups));
	tcase_add_test(tc, follow_up_of_a_follow_up_leans_on_what_was_searched);
	tcase_add_loop_test(tc, person_is_asked_for_or_not, 0, DESK_ARRAY_LEN(people));
	tcase_add_test(tc, phrases_have_a_language_each);
	tcase_add_test(tc, overlapping_chunks_become_one_passage);
	tcase_add_test(tc, chunks_that_do_not_fit_together_stay_apart);
	tcase_add_loop_test(tc, sentence_that_answers_is_picked, 0, DESK_ARRAY_LEN(picks));
	tcase_add_test(tc, nothing_found_is_no_pick_and_little_confidence);
	tcase_add_test(tc, confidence_grows_with_each_feature);
	suite_add_tcase(s, tc);
	return ck_run_suite(s);
}
