/* tests/unit/test_retrieval_analyzer.c - what the index knows a text by. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "retrieval/retrieval.h"

#include <pthread.h>

#include "support/ck_desk.h"

static struct desk_retrieval *r;
static struct desk_arena *a;

static void setup(void)
{
	struct desk_error err = { 0 };

	ck_ok(desk_retrieval_open(NULL, &r, &err), &err);
	a = desk_arena_new();
}

static void teardown(void)
{
	desk_arena_free(a);
	desk_retrieval_free(r);
}

/* The terms with a bar between them. */
static const char *analyzed(const char *lang, struct desk_str text)
{
	struct desk_terms t;
	struct desk_buf b;
	char *out;

	desk_analyze(r, a, lang, text, &t);
	desk_buf_init(&b, 1 << 20);
	for (size_t i = 0; i < t.n; i++) {
		if (i > 0)
			desk_buf_addc(&b, '|');
		desk_buf_add(&b, t.at[i].p, t.at[i].n);
	}
	out = desk_arena_strndup(a, b.n > 0 ? b.p : "", b.n);
	desk_buf_done(&b);
	return out;
}

static const struct { const char *lang, *text, *terms; } cases[] = {
	{ "en", "", "" },
	{ "en", " ,.!?", "" },
	{ "en", "The refunds are being processed", "refund|process" },
	{ "en", "RUNNING runs run", "run|run|run" },
	{ "en", "I don't think we'll", "think" },
	{ "en", "O\xe2\x80\x99" "Brien's caf\xc3\xa9", "o|brien|cafe" },
	{ "en", "caf\x65\xcc\x81 cafe", "cafe|cafe" },
	{ "en", "Error E-17 on model X200-B", "error|e|17|e17|model|x200|b|x200b" },
	{ "en", "e-mail me an x-ray", "e|mail|email|x|ray|xray" },
	{ "en", "well-known", "well|known" },
	{ "en", "3.5mm 2.0 1,000 1,000,000 v1.2.3", "3.5mm|2.0|1000|1000000|v1.2.3" },
	{ "en", "costs 3,5 or 3.5.", "cost|3.5|3.5" },
	{ "en", "The U.S.A. and the U.K today", "usa|uk|today" },
	{ "en", "end.Next example.com foo_bar", "end|next|exampl|com|foo|bar" },
	{ "en", "\xef\xac\x81le \xef\xbc\xa1\xef\xbc\xa2", "file|ab" },
	{ "en", "Foo\xe2\x84\xa2 soft\xc2\xadware", "foo|softwar" },
	{ "en", "caf\xff\xfe" "au lait", "caf|au|lait" },
	{ "de", "Wie lange habe ich R\xc3\xbc" "ckgaberecht?", "lang|ruckgaberecht" },
	{ "de", "Stra\xc3\x9f" "en und Strasse", "strass|strass" },
	{ "fr", "l\xe2\x80\x99" "avion qu'il a vu", "avion|vu" },
	{ "es", "\xc2\xbf" "Cu\xc3\xa1l es la garant\xc3\xad" "a?", "garant" },
	{ "ru", "\xd0\x95\xd1\x89\xd1\x91 \xd0\xba\xd0\xbd\xd0\xb8\xd0\xb3\xd0\xb8", "\xd0\xba\xd0\xbd\xd0\xb8\xd0\xb3" },
	{ "zh", "\xe9\xbb\x91\xe8\xb1\xb9\xe9\x98\x9f", "\xe9\xbb\x91|\xe9\xbb\x91\xe8\xb1\xb9|\xe8\xb1\xb9|\xe8\xb1\xb9\xe9\x98\x9f|\xe9\x98\x9f" },
	{ "zh", "308\xe5\x88\x86", "308|\xe5\x88\x86" },
	{ "th", "\xe0\xb8\x81\xe0\xb8\xb4\xe0\xb8\x99", "\xe0\xb8\x81\xe0\xb8\xb4|\xe0\xb8\x81\xe0\xb8\xb4\xe0\xb8\x99|\xe0\xb8\x99" },
	{ "tr", "ISPARTA", "ispar" },
	{ "", "The Refunds", "the|refunds" },
	{ "xx", "The Refunds", "the|refunds" },
	{ NULL, "\xd9\xa1\xd9\xa2", "12" },
};

START_TEST(a_text_is_known_by_its_terms)
{
	const char *got = analyzed(cases[_i].lang, desk_str_of(cases[_i].text));

	ck_assert_str_eq(got, cases[_i].terms);
}
END_TEST

START_TEST(a_long_run_of_letters_is_cut_and_harms_nothing)
{
	char *long_word = desk_arena_alloc(a, 100001);
	struct desk_terms t;

	memset(long_word, 'q', 100000);
	desk_analyze(r, a, "en", desk_str_of(long_word), &t);
	ck_assert_uint_eq(t.n, 1);
	ck_assert_uint_le(t.at[0].n, 96);
	for (size_t i = 1; i < 100000; i += 2)
		long_word[i] = '-';
	desk_analyze(r, a, "en", desk_str_of(long_word), &t);
	ck_assert_uint_eq(t.n, 50000);
}
END_TEST

START_TEST(any_bytes_are_a_text)
{
	char bytes[512];
	struct desk_terms t;

	for (size_t n = 0; n < 400; n++) {
		desk_random(bytes, sizeof(bytes));
		desk_analyze(r, a, n % 2 ? "de" : "ar", (struct desk_str){ bytes, n }, &t);
		for (size_t i = 0; i < t.n; i++)
			ck_assert(desk_utf8_valid(t.at[i].p, t.at[i].n));
	}
}
END_TEST

static void *analyze_much(void *arg)
{
	struct desk_arena *mine = desk_arena_new();
	size_t *n = arg;

	for (int i = 0; i < 2000; i++) {
		struct desk_terms t;

		desk_analyze(r, mine, i % 2 ? "en" : "de", DESK_STR("Running refunds und B\xc3\xa4ume"), &t);
		*n += t.n;
	}
	desk_arena_free(mine);
	return NULL;
}

START_TEST(threads_share_what_a_process_holds)
{
	pthread_t t[4];
	size_t n[4] = { 0 };

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, analyze_much, &n[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		ck_assert_uint_eq(n[i], 1000 * 4 + 1000 * 3);
	}
}
END_TEST

START_TEST(a_chunk_is_indexed_with_its_title_in_front)
{
	struct desk_str s = desk_index_text(a, DESK_STR("Returns"), DESK_STR("Within 30 days."));

	ck_assert(desk_str_is(s, "Returns\nWithin 30 days."));
	s = desk_index_text(a, DESK_STR(""), DESK_STR("Within 30 days."));
	ck_assert(desk_str_is(s, "Within 30 days."));
}
END_TEST

/* ---- languages -------------------------------------------------------------- */

static const char *const en_de[] = { "en", "de", NULL };
static const char *const en_de_ru[] = { "en", "de", "ru", NULL };
static const struct { const char *text, *const *among, *code; } texts[] = {
	{ "You can return any item within thirty days of delivery if it is in its original packaging.", NULL, "en" },
	{ "Sie k\xc3\xb6nnen jeden Artikel innerhalb von drei\xc3\x9fig Tagen nach der Lieferung "
	  "zur\xc3\xbc" "ckgeben.", NULL, "de" },
	{ "Puede devolver cualquier art\xc3\xad" "culo dentro de los treinta d\xc3\xad" "as posteriores a la "
	  "entrega.", NULL, "es" },
	{ "Vous pouvez retourner tout article dans les trente jours suivant la livraison.", NULL, "fr" },
	{ "\xd0\x92\xd1\x8b \xd0\xbc\xd0\xbe\xd0\xb6\xd0\xb5\xd1\x82\xd0\xb5 \xd0\xb2\xd0\xb5\xd1\x80\xd0\xbd"
	  "\xd1\x83\xd1\x82\xd1\x8c \xd1\x82\xd0\xbe\xd0\xb2\xd0\xb0\xd1\x80", en_de_ru, "ru" },
	{ "\xe9\xbb\x91\xe8\xb1\xb9\xe9\x98\x9f\xe7\x9a\x84\xe9\x98\xb2\xe5\xae\x88", NULL, "zh" },
	{ "\xe3\x81\x93\xe3\x82\x8c\xe3\x81\xaf\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", NULL, "ja" },
	{ "\xe9\xbb\x91\xe8\xb1\xb9\xe9\x98\x9f", en_de, "" },
	{ "12345 --- 67", NULL, "" },
	{ "", NULL, "" },
};

START_TEST(the_language_of_a_document_is_told)
{
	char code[DESK_LANGUAGE_LEN + 1];

	desk_language_detect(r, desk_str_of(texts[_i].text), texts[_i].among, code);
	ck_assert_str_eq(code, texts[_i].code);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("retrieval: analyzer");
	TCase *t = tcase_create("analyzer");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_text_is_known_by_its_terms, 0, DESK_ARRAY_LEN(cases));
	tcase_add_test(t, a_long_run_of_letters_is_cut_and_harms_nothing);
	tcase_add_test(t, any_bytes_are_a_text);
	tcase_add_test(t, threads_share_what_a_process_holds);
	tcase_add_test(t, a_chunk_is_indexed_with_its_title_in_front);
	tcase_add_loop_test(t, the_language_of_a_document_is_told, 0, DESK_ARRAY_LEN(texts));
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
