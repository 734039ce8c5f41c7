/* tests/integration/test_retrieval.c - claims about search, against a real Postgres and plain BM25. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ck_desk.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "retrieval/retrieval.h"

#define DIM 384
#define CHUNKS_MAX 2000

static struct desk_db *db;
static struct desk_arena *arena;
static struct desk_ctx cx;
static struct desk_retrieval *r;
static char domain[64];
static int tenants;
static uint32_t seed;

/* What was put in, for the reference. */
struct stored {
	int64_t     id;
	const char *audience, *language;
	const char *title, *content;
	char        document[40];
	float       v[DIM];
	bool        gone;
};
static struct stored stored[CHUNKS_MAX];
static size_t n_stored;

static unsigned any(unsigned below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void setup_batch(int64_t batch_chunks)
{
	struct desk_db_options o = { .conninfo = getenv("DESK_TEST_DATABASE"), .program = "test",
				     .pool_size = 4, .statement_timeout_ms = 20000,
				     .prepare = getenv("DESK_TEST_UNPREPARED") == NULL };
	struct desk_retrieval_options ro = { .batch_chunks = batch_chunks };
	struct desk_migrate_options m = { .dir = DESK_TEST_SQL };
	struct desk_tenant_row row;
	struct desk_tenant_spec spec = { .name = "Retrieval", .domain = domain };

	seed = 7;
	n_stored = 0;
	arena = desk_arena_new();
	desk_ctx_init(&cx, arena, NULL);
	ck_ok(desk_retrieval_open(&ro, &r, &cx.err), &cx.err);
	ck_ok(desk_db_open(&o, &db, &cx.err), &cx.err);
	cx.db = db;
	ck_ok(desk_migrate_up(&cx, &m), &cx.err);
	snprintf(domain, sizeof(domain), "r%d-%d.example", (int)getpid(), ++tenants);
	ck_ok(desk_tenant_add(&cx, &spec, &row), &cx.err);
	desk_db_free(db);
	o.conninfo = getenv("DESK_TEST_APP_DATABASE");
	ck_ok(desk_db_open(&o, &db, &cx.err), &cx.err);
	cx.db = db;
	ck_ok(desk_tenant_enter(&cx, NULL, domain), &cx.err);
}

static void setup(void)
{
	setup_batch(0);
}

static void setup_small_batches(void)
{
	setup_batch(9);
}

static void teardown(void)
{
	desk_arena_free(arena);
	desk_db_free(db);
	desk_retrieval_free(r);
}

/* ---- putting in ------------------------------------------------------------------ */

static const char *random_text(unsigned words)
{
	static const char *const vocabulary[] = {
		"refund", "refunds", "order", "shipping", "warranty", "die", "the", "Bremse", "Bremsen", "garantie",
		"E-17", "3.5mm", "invoice", "holiday", "charge", "battery", "pump", "valve", "reset", "button",
		"return", "returned", "address", "price", "list", "model", "X200", "tent", "stove", "watch",
	};
	struct desk_buf b;
	char *out;

	desk_buf_init(&b, 1 << 16);
	for (unsigned i = 0; i < words; i++) {	/* skewed, as words are */
		unsigned k = any(DESK_ARRAY_LEN(vocabulary));

		desk_buf_adds(&b, vocabulary[any(k + 1)]);
		desk_buf_addc(&b, ' ');
	}
	out = desk_arena_strndup(arena, b.n > 0 ? b.p : "", b.n);
	desk_buf_done(&b);
	return out;
}

/* A document of n chunks, and its segment, in one transaction. */
static void put(const char *audience, const char *language, size_t n)
{
	static const char document[] =
		"INSERT INTO documents (tenant_id, source, title, audience, language, sha256, byte_size, status)"
		" VALUES (public.get_current_tenant_id(), $1, $2, $3, $4, public.digest($1, 'sha256'), 1, 'READY') RETURNING id";
	static const char ids[] = "SELECT nextval('chunk_ids') FROM generate_series(1, $1)";
	static const char insert[] =
		"INSERT INTO chunks (id, tenant_id, document_id, chunk_index, start_offset, end_offset, audience, language,"
		" content, embedding) VALUES ($1, public.get_current_tenant_id(), $2::uuid, $3, 0, 1, $4, $5, $6, $7::public.halfvec)";
	struct desk_index_item items[64];
	struct desk_rows *rows, *doc;
	char source[32];
	const char *title = random_text(2);

	ck_assert_uint_le(n_stored + n, CHUNKS_MAX);
	snprintf(source, sizeof(source), "doc%zu", n_stored);
	ck_ok(desk_tenant_begin(&cx), &cx.err);
	ck_ok(desk_db_query(&cx, &doc, document, desk_p_text(source), desk_p_text(title), desk_p_text(audience),
			    desk_p_text(language)), &cx.err);
	ck_ok(desk_db_query(&cx, &rows, ids, desk_p_int32((int32_t)n)), &cx.err);
	for (size_t i = 0; i < n; i++) {
		struct stored *s = &stored[n_stored + i];

		*s = (struct stored){ .id = desk_rows_int64(rows, i, 0), .audience = audience, .language = language,
				      .title = title, .content = random_text(any(40)) };
		desk_copy(s->document, sizeof(s->document), desk_rows_text(doc, 0, 0));
		for (size_t k = 0; k < DIM; k++)
			s->v[k] = (float)any(1000) - 500.0F;
		items[i] = (struct desk_index_item){ s->id, desk_str_of(s->title), desk_str_of(s->content) };
		ck_ok(desk_db_exec(&cx, insert, desk_p_int64(s->id), desk_p_text(s->document), desk_p_int32((int32_t)i),
				   desk_p_text(audience), desk_p_text(language), desk_p_text(s->content),
				   desk_p_halfvec(arena, s->v, DIM)), &cx.err);
	}
	ck_ok(desk_lexical_add(&cx, r, &(struct desk_index_batch){ audience, language, items, n }), &cx.err);
	ck_ok(desk_db_commit(&cx), &cx.err);
	n_stored += n;
}

static void take_out(size_t of)
{
	const char *document = stored[of].document;

	ck_ok(desk_tenant_begin(&cx), &cx.err);
	ck_ok(desk_lexical_remove_document(&cx, document), &cx.err);
	ck_ok(desk_db_exec(&cx, "DELETE FROM documents WHERE id = $1::uuid", desk_p_text(document)), &cx.err);
	ck_ok(desk_db_commit(&cx), &cx.err);
	for (size_t i = 0; i < n_stored; i++)
		stored[i].gone |= strcmp(stored[i].document, document) == 0;
}

/* ---- the reference ------------------------------------------------------------------ */

static bool seen(const struct stored *s, bool internal)
{
	return !s->gone && (internal || strcmp(s->audience, "PUBLIC") == 0);
}

static size_t terms_of(const struct stored *s, struct desk_str *out)
{
	struct desk_terms a, b;

	desk_analyze(r, arena, s->language, desk_str_of(s->title), &a);
	desk_analyze(r, arena, s->language, desk_str_of(s->content), &b);
	for (size_t i = 0; i < a.n + b.n; i++)
		out[i] = i < a.n ? a.at[i] : b.at[i - a.n];
	return a.n + b.n;
}

struct reference {
	size_t length[CHUNKS_MAX], tf[CHUNKS_MAX], chunks, df;
	double total, score[CHUNKS_MAX];
};

/* One word's part of every chunk's score. */
static void reference_word(struct reference *ref, const char *word, bool internal)
{
	static struct desk_str terms[1000];
	double idf;

	ref->chunks = ref->df = 0;
	ref->total = 0;
	for (size_t i = 0; i < n_stored; i++) {
		struct desk_terms form;
		size_t n;

		ref->tf[i] = 0;
		if (!seen(&stored[i], internal))
			continue;
		desk_analyze(r, arena, stored[i].language, desk_str_of(word), &form);
		n = ref->length[i] = terms_of(&stored[i], terms);
		for (size_t k = 0; form.n == 1 && k < n; k++)
			ref->tf[i] += desk_str_eq(terms[k], form.at[0]);
		ref->chunks++;
		ref->total += (double)n;
		ref->df += ref->tf[i] > 0;
	}
	idf = log(1.0 + ((double)ref->chunks - (double)ref->df + 0.5) / ((double)ref->df + 0.5));
	for (size_t i = 0; i < n_stored; i++) {
		double tf = (double)ref->tf[i], mean = ref->total / (double)ref->chunks;

		if (tf > 0)
			ref->score[i] += idf * tf / (tf + 1.2 * (0.25 + 0.75 * (double)ref->length[i] / mean));
	}
}

/* A search for these words by words alone gives what the reference gives. */
static void compare(const char *const *words, size_t n_words, bool internal)
{
	static struct reference ref;
	struct desk_search_query q = { .language = "", .internal = internal, .top_k = 1000, .depth = 1000 };
	struct desk_search_result out;
	struct desk_buf text;
	size_t expected = 0;

	memset(&ref, 0, sizeof(ref));
	desk_buf_init(&text, 4096);
	for (size_t i = 0; i < n_words; i++) {
		desk_buf_addf(&text, "%s ", words[i]);
		reference_word(&ref, words[i], internal);
	}
	q.text = desk_buf_str(&text);
	ck_ok(desk_search(&cx, r, &q, &out), &cx.err);
	ck_assert_int_eq(out.chunks, (int64_t)ref.chunks);
	for (size_t i = 0; i < n_stored; i++)
		expected += ref.score[i] > 0;
	ck_assert_uint_eq(out.n, expected);
	for (size_t i = 0; i < out.n; i++) {
		size_t k = 0;

		while (stored[k].id != out.hits[i].chunk)
			k++;
		ck_assert_double_eq_tol(out.hits[i].lexical, ref.score[k], 1e-9);
		ck_assert(i == 0 || out.hits[i].lexical <= out.hits[i - 1].lexical + 1e-12);
		ck_assert_int_eq(out.hits[i].lexical_rank, (int)i + 1);
		ck_assert_str_eq(out.hits[i].content, stored[k].content);
		ck_assert_str_eq(out.hits[i].document, stored[k].document);
	}
	desk_buf_done(&text);
}

static const char *const asked[] = { "refunds", "bremse", "die", "valve", "watch", "the", "nowhere", "x200",
				       "refund", "stove" };

static void compare_all(void)
{
	for (size_t from = 0; from + 4 <= DESK_ARRAY_LEN(asked); from += 2) {
		for (int internal = 0; internal < 2; internal++)
			compare(asked + from, any(3) + 1 + (from == 0), internal == 1);
	}
}

static void merge_all(void)
{
	bool more = true;

	while (more)
		ck_ok(desk_lexical_merge(&cx, &more), &cx.err);
}

static int64_t count(const char *sql)
{
	struct desk_rows *rows;

	ck_ok(desk_tenant_begin(&cx), &cx.err);
	ck_ok(desk_db_query(&cx, &rows, sql), &cx.err);
	ck_ok(desk_db_commit(&cx), &cx.err);
	return desk_rows_int64(rows, 0, 0);
}

static void random_life(int steps)
{
	static const char *const languages[] = { "en", "de", "", "en" };

	for (int i = 0; i < steps; i++) {
		unsigned what = any(10);

		if (what < 6 || n_stored == 0)
			put(any(3) == 0 ? "INTERNAL" : "PUBLIC", languages[any(4)], any(12) + 1);
		else if (what < 9)
			take_out(any((unsigned)n_stored));
		else
			merge_all();
		if (i % 10 == 9)
			compare_all();
	}
	merge_all();
	compare_all();
}

START_TEST(scores_are_those_of_plain_bm25_through_adds_removals_and_merges)
{
	random_life(100);
	ck_assert_int_le(count("SELECT count(*) FROM segments"), 6 * 5);
	ck_assert_int_le(count("SELECT count(*) FROM index_changes"), 51);
	ck_assert_int_eq(count("SELECT count(*) FROM postings p WHERE NOT EXISTS"
			       " (SELECT FROM segments s WHERE s.id = p.segment_id)"), 0);
}
END_TEST

START_TEST(an_index_larger_than_a_batch_gives_the_same)
{
	random_life(40);
}
END_TEST

START_TEST(what_was_never_there_or_is_gone_is_removed_without_harm)
{
	const int64_t ids[] = { 4000000, 17, 4000000 };

	put("PUBLIC", "en", 5);
	take_out(0);
	ck_assert_int_eq(count("SELECT count(*) FROM segments"), 0);
	ck_assert_int_eq(count("SELECT count(*) FROM postings"), 0);
	put("PUBLIC", "en", 5);
	ck_ok(desk_tenant_begin(&cx), &cx.err);
	ck_ok(desk_lexical_remove(&cx, ids, 3), &cx.err);
	ck_ok(desk_lexical_remove(&cx, &stored[6].id, 1), &cx.err);
	ck_ok(desk_lexical_remove(&cx, &stored[6].id, 1), &cx.err);
	ck_ok(desk_db_commit(&cx), &cx.err);
	stored[6].gone = true;
	compare_all();
}
END_TEST

START_TEST(an_empty_index_gives_nothing_and_no_error)
{
	struct desk_search_query q = { .text = DESK_STR("where is my refund"), .language = "en" };
	struct desk_search_result out;
	bool more;

	ck_ok(desk_search(&cx, r, &q, &out), &cx.err);
	ck_assert_uint_eq(out.n, 0);
	ck_assert_int_eq(out.chunks, 0);
	ck_ok(desk_lexical_merge(&cx, &more), &cx.err);
	ck_assert(!more);
	q.text = DESK_STR("?!");
	ck_ok(desk_search(&cx, r, &q, &out), &cx.err);
	ck_assert_uint_eq(out.n_terms, 0);
}
END_TEST

/* ---- vectors -------------------------------------------------------------------------- */

static double cosine(const float *a, const float *b)
{
	double ab = 0, aa = 0, bb = 0;

	for (size_t i = 0; i < DIM; i++) {
		ab += (double)a[i] * b[i];
		aa += (double)a[i] * a[i];
		bb += (double)b[i] * b[i];
	}
	return ab / sqrt(aa * bb);
}

START_TEST(a_hybrid_search_has_both_scores_and_keeps_what_is_internal_in)
{
	struct desk_search_query q = { .text = DESK_STR("refund for a valve nowhere"), .language = "en", .dim = DIM,
				       .vector = stored[20].v, .top_k = 10 };
	struct desk_search_result out;
	bool found = false;

	for (int i = 0; i < 12; i++)
		put(i % 3 == 2 ? "INTERNAL" : "PUBLIC", "en", 10);
	ck_assert_str_eq(stored[20].audience, "INTERNAL");
	ck_ok(desk_search(&cx, r, &q, &out), &cx.err);
	ck_assert_uint_eq(out.n, 10);
	ck_assert(out.dense);
	ck_assert_double_lt(out.top_cosine, 0.9);
	ck_assert_double_eq_tol(out.unknown, 1.0 / 3.0, 1e-9);
	for (size_t i = 0; i < out.n; i++) {
		size_t k = 0;

		while (stored[k].id != out.hits[i].chunk)
			k++;
		ck_assert_str_eq(stored[k].audience, "PUBLIC");
		ck_assert_double_eq_tol(out.hits[i].cosine, cosine(stored[20].v, stored[k].v), 2e-3);
		ck_assert(out.hits[i].coverage <= out.coverage + 1e-12);
	}
	q.internal = true;
	q.top_k = 100;
	ck_ok(desk_search(&cx, r, &q, &out), &cx.err);
	for (size_t i = 0; i < out.n; i++)
		found |= out.hits[i].chunk == stored[20].id && out.hits[i].dense_rank == 1;
	ck_assert(found);
	ck_assert_double_gt(out.top_cosine, 0.999);
}
END_TEST

START_TEST(what_was_found_is_recalled_until_the_index_changes_and_not_by_who_changes_it)
{
	struct desk_search_query q = { .text = DESK_STR("refund order"), .language = "en", .top_k = 20 };
	struct desk_search_result first, out;

	for (int i = 0; i < 3; i++)
		put("PUBLIC", "en", 6);
	ck_ok(desk_search(&cx, r, &q, &first), &cx.err);
	ck_assert(!first.recalled);
	ck_ok(desk_search(&cx, r, &q, &out), &cx.err);
	ck_assert(out.recalled);
	ck_assert_uint_eq(out.n, first.n);
	ck_assert_uint_eq(out.n_terms, first.n_terms);
	for (size_t i = 0; i < out.n; i++) {
		ck_assert_int_eq(out.hits[i].chunk, first.hits[i].chunk);
		ck_assert_double_eq(out.hits[i].lexical, first.hits[i].lexical);
		ck_assert_double_eq(out.hits[i].score, first.hits[i].score);
		ck_assert_double_eq(out.hits[i].coverage, first.hits[i].coverage);
		ck_assert_str_eq(out.hits[i].content, first.hits[i].content);
		ck_assert_str_eq(out.hits[i].title, first.hits[i].title);
	}
	ck_assert_str_eq(out.terms[1].text, first.terms[1].text);
	ck_assert_double_eq(out.terms[1].idf, first.terms[1].idf);
	q.internal = true;
	ck_ok(desk_search(&cx, r, &q, &out), &cx.err);
	ck_assert(!out.recalled);
	q.internal = false;
	take_out(0);
	ck_ok(desk_search(&cx, r, &q, &out), &cx.err);
	ck_assert(!out.recalled);
	ck_assert_int_eq(out.chunks, first.chunks - 6);
	/* in a transaction that changes the index, and then does not happen */
	ck_ok(desk_tenant_begin(&cx), &cx.err);
	ck_ok(desk_lexical_remove(&cx, &stored[6].id, 1), &cx.err);
	ck_ok(desk_search(&cx, r, &q, &out), &cx.err);
	ck_assert(!out.recalled);
	ck_assert_int_eq(out.chunks, first.chunks - 7);
	desk_db_rollback(&cx);
	put("INTERNAL", "en", 1);	/* a change of the same number */
	ck_ok(desk_search(&cx, r, &q, &out), &cx.err);
	ck_assert_int_eq(out.chunks, first.chunks - 6);
}
END_TEST

START_TEST(documents_are_ranked_by_their_best_chunk_and_named_once)
{
	struct desk_search_query q = { .text = DESK_STR("refund order shipping"), .language = "en", .internal = true,
				       .top_k = 100 };
	struct desk_ranked_documents docs;

	for (int i = 0; i < 8; i++)
		put("PUBLIC", "en", 6);
	ck_ok(desk_rank_documents(&cx, r, &q, &docs), &cx.err);
	ck_assert_uint_eq(docs.n, 8);
	for (size_t i = 0; i < docs.n; i++) {
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(docs.at[k].id, docs.at[i].id);
		ck_assert(i == 0 || docs.at[i].score <= docs.at[i - 1].score);
	}
}
END_TEST

/* ---- languages --------------------------------------------------------------------------- */

START_TEST(a_question_is_in_one_of_the_tenants_languages)
{
	static const struct { const char *text, *code; } cases[] = {
		{ "Wie lange?", "de" }, { "how do I reset it", "en" }, { "E-17", "de" }, { "", "de" },
		{ "\xd0\x9a\xd0\xb0\xd0\xba \xd0\xb2\xd0\xb5\xd1\x80\xd0\xbd\xd1\x83\xd1\x82\xd1\x8c "
		  "\xd1\x82\xd0\xbe\xd0\xb2\xd0\xb0\xd1\x80 \xd0\xb2 \xd0\xbc\xd0\xb0\xd0\xb3\xd0\xb0\xd0\xb7\xd0\xb8\xd0\xbd "
		  "\xd1\x87\xd1\x82\xd0\xbe\xd0\xb1\xd1\x8b", "ru" },
		{ "\xe9\xbb\x91\xe8\xb1\xb9\xe9\x98\x9f", "zh" },
	};
	char code[DESK_LANGUAGE_LEN + 1];

	put("PUBLIC", "de", 9);
	put("PUBLIC", "en", 3);
	for (size_t i = 0; i < DESK_ARRAY_LEN(cases); i++) {
		ck_ok(desk_language_question(&cx, r, desk_str_of(cases[i].text), code), &cx.err);
		ck_assert_msg(strcmp(code, cases[i].code) == 0, "\"%s\": %s", cases[i].text, code);
	}
}
END_TEST

/* ---- many at once -------------------------------------------------------------------------- */

static volatile bool stop;

static void *search_on(void *arg)
{
	struct desk_search_query q = { .text = DESK_STR("everywhere refund"), .language = "en", .internal = true };
	size_t *wrong = arg;

	while (!stop) {
		struct desk_search_result out;
		struct desk_ctx mine;

		desk_ctx_init(&mine, desk_arena_new(), NULL);
		mine.db = db;
		if (desk_tenant_enter(&mine, NULL, domain) != DESK_OK || desk_search(&mine, r, &q, &out) != DESK_OK ||
		    (out.chunks > 0 && out.terms[0].df != out.chunks))
			(*wrong)++;
		desk_arena_free(mine.arena);
	}
	return NULL;
}

static void *merge_on(void *arg)
{
	size_t *wrong = arg;

	while (!stop) {
		struct desk_ctx mine;
		bool more;

		desk_ctx_init(&mine, desk_arena_new(), NULL);
		mine.db = db;
		if (desk_tenant_enter(&mine, NULL, domain) != DESK_OK || desk_lexical_merge(&mine, &more) != DESK_OK)
			(*wrong)++;
		desk_arena_free(mine.arena);
	}
	return NULL;
}

/* Every chunk has the word: a search that saw half of a merge, an add or a removal would miscount. */
START_TEST(searches_beside_adds_removals_and_merges_always_see_a_whole_index)
{
	pthread_t t[3];
	size_t wrong[3] = { 0 };
	struct desk_index_item item = { .title = DESK_STR("everywhere"), .content = DESK_STR("refund") };
	struct desk_index_batch batch = { "PUBLIC", "en", &item, 1 };

	stop = false;
	ck_assert_int_eq(pthread_create(&t[0], NULL, search_on, &wrong[0]), 0);
	ck_assert_int_eq(pthread_create(&t[1], NULL, search_on, &wrong[1]), 0);
	ck_assert_int_eq(pthread_create(&t[2], NULL, merge_on, &wrong[2]), 0);
	for (int i = 1; i <= 120; i++) {
		int64_t old = i - 20;

		item.chunk = i;
		ck_ok(desk_tenant_begin(&cx), &cx.err);
		ck_ok(desk_lexical_add(&cx, r, &batch), &cx.err);
		if (old > 0)
			ck_ok(desk_lexical_remove(&cx, &old, 1), &cx.err);
		ck_ok(desk_db_commit(&cx), &cx.err);
	}
	stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	ck_assert_uint_eq(wrong[0] + wrong[1], 0);
	ck_assert_uint_eq(wrong[2], 0);
	ck_assert_int_eq(count("SELECT sum(chunk_count) FROM segments"), 20);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("retrieval: search");
	TCase *t = tcase_create("search"), *small = tcase_create("small batches");

	if (getenv("DESK_TEST_DATABASE") == NULL)
		return 77;
	tcase_set_timeout(t, 120);
	tcase_set_timeout(small, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, scores_are_those_of_plain_bm25_through_adds_removals_and_merges);
	tcase_add_test(t, what_was_never_there_or_is_gone_is_removed_without_harm);
	tcase_add_test(t, an_empty_index_gives_nothing_and_no_error);
	tcase_add_test(t, a_hybrid_search_has_both_scores_and_keeps_what_is_internal_in);
	tcase_add_test(t, what_was_found_is_recalled_until_the_index_changes_and_not_by_who_changes_it);
	tcase_add_test(t, documents_are_ranked_by_their_best_chunk_and_named_once);
	tcase_add_test(t, a_question_is_in_one_of_the_tenants_languages);
	tcase_add_test(t, searches_beside_adds_removals_and_merges_always_see_a_whole_index);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(small, setup_small_batches, teardown);
	tcase_add_test(small, an_index_larger_than_a_batch_gives_the_same);
	suite_add_tcase(s, small);
	return ck_run_suite(s);
}
