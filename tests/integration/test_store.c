/* tests/integration/test_store.c - claims about the document store, against a real Postgres. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ck_desk.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ingestion/work.h"

static struct desk_db *db;
static struct desk_arena *arena;
static struct desk_ctx cx;
static int tenants;

/* Each test has a tenant of its own; the schema is made by the first. */
static void store_setup(void)
{
	struct desk_db_options o = { .conninfo = getenv("DESK_TEST_DATABASE"), .program = "test",
				     .pool_size = 2, .statement_timeout_ms = 20000,
				     .prepare = getenv("DESK_TEST_UNPREPARED") == NULL };
	struct desk_migrate_options m = { .dir = DESK_TEST_SQL };
	struct desk_tenant_row row;
	struct desk_tenant_spec spec = { .name = "Store" };
	char domain[64];

	arena = desk_arena_new();
	desk_ctx_init(&cx, arena, NULL);
	ck_ok(desk_db_open(&o, &db, &cx.err), &cx.err);
	cx.db = db;
	ck_ok(desk_migrate_up(&cx, &m), &cx.err);
	snprintf(domain, sizeof(domain), "t%d-%d.example", (int)getpid(), ++tenants);
	spec.domain = domain;
	ck_ok(desk_tenant_add(&cx, &spec, &row), &cx.err);
	desk_db_free(db);
	o.conninfo = getenv("DESK_TEST_APP_DATABASE");
	ck_ok(desk_db_open(&o, &db, &cx.err), &cx.err);
	cx.db = db;
	ck_ok(desk_tenant_enter(&cx, NULL, domain), &cx.err);
}

static void store_teardown(void)
{
	desk_arena_free(arena);
	desk_db_free(db);
}

static int store_file(const char *text, size_t n)
{
	int fd = memfd_create("document", MFD_CLOEXEC);

	ck_assert_int_eq(write(fd, text, n), (ssize_t)n);
	return fd;
}

static struct desk_put_result store_put(const char *source, const char *text)
{
	struct desk_document_spec spec = { .source = source };
	struct desk_put_result out = { 0 };
	int fd = store_file(text, strlen(text));

	ck_ok(desk_document_put(&cx, &spec, fd, &out), &cx.err);
	close(fd);
	return out;
}

START_TEST(a_file_comes_back_as_it_went_in)
{
	size_t n = 2 * 1024 * 1024 + 17, at = 0;
	char *text = desk_xmalloc(n), back[4096];
	struct desk_document_spec spec = { .source = "folder/big.bin", .audience = "INTERNAL" };
	struct desk_put_result out;
	struct desk_document doc;
	int fd, got;

	for (size_t i = 0; i < n; i++)
		text[i] = (char)(i * 7 + i / 1000);
	fd = store_file(text, n);
	ck_ok(desk_document_put(&cx, &spec, fd, &out), &cx.err);
	close(fd);
	ck_assert_int_eq(out.how, DESK_PUT_NEW);
	ck_ok(desk_document_find(&cx, "folder/big.bin", &doc), &cx.err);
	ck_assert_str_eq(doc.id, out.id);
	ck_assert_str_eq(doc.title, "big.bin");
	ck_assert_str_eq(doc.status, "PENDING");
	ck_assert_int_eq(doc.bytes, (int64_t)n);
	ck_ok(desk_document_fetch(&cx, out.id, &fd), &cx.err);
	while ((got = (int)read(fd, back, sizeof(back))) > 0) {
		ck_assert_int_eq(memcmp(back, text + at, (size_t)got), 0);
		at += (size_t)got;
	}
	ck_assert_uint_eq(at, n);
	close(fd);
	free(text);
}
END_TEST

START_TEST(the_same_content_twice_is_one_document)
{
	struct desk_put_result a = store_put("a.txt", "the same words"), b;
	struct desk_document_list list;

	b = store_put("copy of a.txt", "the same words");
	ck_assert_int_eq(b.how, DESK_PUT_SAME);
	ck_assert_str_eq(a.id, b.id);
	ck_ok(desk_document_list(&cx, NULL, &list), &cx.err);
	ck_assert_uint_eq(list.n, 1);
}
END_TEST

START_TEST(an_empty_file_is_a_document_that_can_say_why_it_fails)
{
	struct desk_put_result out = store_put("empty.txt", "");
	struct desk_document doc;
	char byte;
	int fd;

	ck_ok(desk_document_find(&cx, out.id, &doc), &cx.err);
	ck_assert_str_eq(doc.status, "PENDING");
	ck_ok(desk_document_fetch(&cx, out.id, &fd), &cx.err);
	ck_assert_int_eq(read(fd, &byte, 1), 0);
	close(fd);
}
END_TEST

START_TEST(a_bad_audience_is_refused)
{
	struct desk_document_spec spec = { .source = "x", .audience = "SECRET" };
	struct desk_put_result out;
	int fd = store_file("a", 1);

	ck_fails(desk_document_put(&cx, &spec, fd, &out), DESK_E_INPUT, &cx.err, "SECRET");
	close(fd);
}
END_TEST

struct store_chunks {
	const struct desk_document  *doc;
	const struct desk_text_part *part;
	struct desk_work_chunk       at[8];
	size_t                       n;
};

static enum desk_status store_chunk(void *arg, const struct desk_split_chunk *c)
{
	struct store_chunks *s = arg;

	ck_assert_uint_lt(s->n, DESK_ARRAY_LEN(s->at));
	s->at[s->n] = (struct desk_work_chunk){
		.doc = s->doc, .content = desk_arena_strndup(arena, c->content.p, c->content.n),
		.index = (int)s->n, .page = s->part->page, .start = s->part->start + c->start,
		.end = s->part->start + c->end,
	};
	s->n++;
	return DESK_OK;
}

/* Pages -> chunks -> searchable, in one transaction; gives how many older ones it replaces. */
static size_t store_publish(const char *id, bool embed)
{
	struct desk_text_part at = { 0 };
	struct store_chunks chunks = { .part = &at };
	struct desk_document_list docs;
	const char **older;
	size_t n_older;
	int64_t first;

	ck_ok(desk_tenant_begin(&cx), &cx.err);
	ck_ok(desk_work_claim(&cx, &id, 1, &docs), &cx.err);
	ck_assert_uint_eq(docs.n, 1);
	chunks.doc = &docs.at[0];
	for (;;) {
		ck_ok(desk_text_next(&cx, id, &at), &cx.err);
		if (at.text.n == 0)
			break;
		ck_ok(desk_split(NULL, at.text, store_chunk, &chunks, &cx.err), &cx.err);
	}
	ck_assert_uint_eq(chunks.n, 2);
	ck_assert_int_eq(chunks.at[1].page, 2);
	ck_assert_uint_eq(chunks.at[1].start, chunks.at[0].end);
	ck_ok(desk_work_chunks_add(&cx, chunks.at, chunks.n, &first), &cx.err);
	docs.at[0].title = "A better title";
	docs.at[0].chunks = (int)chunks.n;
	ck_ok(desk_work_publish(&cx, docs.at, &embed, 1), &cx.err);
	ck_ok(desk_work_older(&cx, &id, 1, &older, &n_older), &cx.err);
	for (size_t i = 0; i < n_older; i++)
		ck_ok(desk_document_delete(&cx, older[i]), &cx.err);
	ck_ok(desk_db_commit(&cx), &cx.err);
	return n_older;
}

static size_t store_ingest(const char *id, const char *text, bool embed)
{
	struct desk_extract_part part = { .page = 1, .text = desk_str_of(text),
					  .chars = desk_utf8_count(text, strlen(text)) };
	struct desk_text_writer w;
	struct desk_document doc;

	ck_ok(desk_document_start(&cx, id, &doc), &cx.err);
	desk_text_begin(&w, id);
	ck_ok(desk_text_add(&cx, &w, &part), &cx.err);
	part.page = 2;
	ck_ok(desk_text_add(&cx, &w, &part), &cx.err);
	ck_ok(desk_text_end(&cx, &w), &cx.err);
	desk_text_done(&w);
	return store_publish(id, embed);
}

START_TEST(a_document_goes_from_pending_to_ready)
{
	struct desk_put_result out = store_put("way.txt", "w\xC3\xB6rter");
	struct desk_unembedded of;
	struct desk_document doc;
	float vectors[2 * 384] = { 0.5f };

	ck_assert_uint_eq(store_ingest(out.id, "w\xC3\xB6rter", true), 0);
	ck_ok(desk_document_find(&cx, out.id, &doc), &cx.err);
	ck_assert_str_eq(doc.status, "SEARCHABLE");
	ck_assert_str_eq(doc.title, "A better title");
	ck_assert_int_eq(doc.chunks, 2);
	ck_ok(desk_chunks_unembedded(&cx, 1, INT64_MAX, 10, &of), &cx.err);
	ck_assert_uint_eq(of.n, 2);
	ck_assert(desk_str_is(of.at[0].content, "w\xC3\xB6rter"));
	of.n = 1;
	ck_ok(desk_tenant_begin(&cx), &cx.err);
	ck_ok(desk_chunks_embed(&cx, &of, vectors, 384), &cx.err);
	ck_ok(desk_db_commit(&cx), &cx.err);
	ck_ok(desk_document_find(&cx, out.id, &doc), &cx.err);
	ck_assert_str_eq(doc.status, "SEARCHABLE");
	ck_assert_int_eq(doc.embedded, 1);
	of.n = 2;	/* the first again: it counts once */
	ck_ok(desk_tenant_begin(&cx), &cx.err);
	ck_ok(desk_chunks_embed(&cx, &of, vectors, 384), &cx.err);
	ck_ok(desk_db_commit(&cx), &cx.err);
	ck_ok(desk_document_find(&cx, out.id, &doc), &cx.err);
	ck_assert_str_eq(doc.status, "READY");
	ck_assert_int_eq(doc.embedded, 2);
	ck_fails(desk_document_start(&cx, out.id, &doc), DESK_E_CONFLICT, &cx.err, "READY");
}
END_TEST

START_TEST(a_new_version_replaces_the_old_one)
{
	struct desk_put_result old = store_put("rules.md", "old rules"), new;
	struct desk_document_list list;

	store_ingest(old.id, "old rules", false);
	new = store_put("rules.md", "new rules");
	ck_assert_int_eq(new.how, DESK_PUT_REPLACES);
	ck_ok(desk_document_list(&cx, "READY", &list), &cx.err);
	ck_assert_uint_eq(list.n, 1);	/* until then the old one answers */
	ck_assert_str_eq(list.at[0].id, old.id);
	ck_assert_uint_eq(store_ingest(new.id, "new rules", false), 1);
	ck_ok(desk_document_list(&cx, NULL, &list), &cx.err);
	ck_assert_uint_eq(list.n, 1);
	ck_assert_str_eq(list.at[0].id, new.id);
}
END_TEST

START_TEST(a_start_after_a_crash_doubles_nothing)
{
	struct desk_put_result out = store_put("crash.txt", "text");
	struct desk_extract_part part = { .text = DESK_STR("half"), .chars = 4 };
	struct desk_text_writer w;
	struct desk_document doc;

	ck_ok(desk_document_start(&cx, out.id, &doc), &cx.err);
	desk_text_begin(&w, out.id);
	ck_ok(desk_text_add(&cx, &w, &part), &cx.err);
	ck_ok(desk_text_end(&cx, &w), &cx.err);
	desk_text_done(&w);
	store_ingest(out.id, "whole", false);	/* claims two chunks and no more */
}
END_TEST

START_TEST(a_failure_says_why_and_is_tried_again_when_it_comes_again)
{
	struct desk_put_result out = store_put("scan.pdf", "no text"), again;
	struct desk_document doc;

	ck_ok(desk_document_start(&cx, out.id, &doc), &cx.err);
	ck_ok(desk_tenant_begin(&cx), &cx.err);
	ck_ok(desk_work_failed(&cx, out.id, "scan.pdf: no text found in 1 page"), &cx.err);
	ck_ok(desk_db_commit(&cx), &cx.err);
	ck_ok(desk_document_find(&cx, out.id, &doc), &cx.err);
	ck_assert_str_eq(doc.status, "FAILED");
	ck_assert_str_eq(doc.reason, "scan.pdf: no text found in 1 page");
	again = store_put("scan.pdf", "no text");
	ck_assert_str_eq(again.id, out.id);
	ck_ok(desk_document_find(&cx, out.id, &doc), &cx.err);
	ck_assert_str_eq(doc.status, "PENDING");
	ck_assert_ptr_null(doc.reason);
}
END_TEST

START_TEST(many_texts_are_put_once_each)
{
	struct desk_document_spec spec[2] = {
		{ .source = "q1", .title = "One", .text = DESK_STR("same text") },
		{ .source = "q2", .title = "One", .text = DESK_STR("same text") },
	};
	struct desk_put_result out[2];
	struct desk_document_progress progress;
	struct desk_text_part at = { 0 };
	const char *id = out[1].id;

	ck_ok(desk_document_put_texts(&cx, spec, 2, out), &cx.err);
	ck_assert_int_eq(out[0].how, DESK_PUT_NEW);
	ck_assert_str_ne(out[0].id, out[1].id);
	ck_ok(desk_document_put_texts(&cx, spec, 2, out), &cx.err);
	ck_assert_int_eq(out[1].how, DESK_PUT_SAME);
	spec[1].text = DESK_STR("other text");
	ck_ok(desk_document_put_texts(&cx, spec, 2, out), &cx.err);
	ck_assert_int_eq(out[0].how, DESK_PUT_SAME);
	ck_assert_int_eq(out[1].how, DESK_PUT_REPLACES);
	ck_ok(desk_tenant_begin(&cx), &cx.err);
	ck_ok(desk_work_texts(&cx, &id, 1), &cx.err);
	ck_ok(desk_text_next(&cx, id, &at), &cx.err);
	ck_assert(desk_str_is(at.text, "other text"));
	ck_ok(desk_db_commit(&cx), &cx.err);
	ck_ok(desk_document_progress(&cx, &progress), &cx.err);
	ck_assert_int_eq(progress.pending, 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store");
	TCase *t = tcase_create("store");

	tcase_add_checked_fixture(t, store_setup, store_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_file_comes_back_as_it_went_in);
	tcase_add_test(t, the_same_content_twice_is_one_document);
	tcase_add_test(t, an_empty_file_is_a_document_that_can_say_why_it_fails);
	tcase_add_test(t, a_bad_audience_is_refused);
	tcase_add_test(t, a_document_goes_from_pending_to_ready);
	tcase_add_test(t, a_new_version_replaces_the_old_one);
	tcase_add_test(t, a_start_after_a_crash_doubles_nothing);
	tcase_add_test(t, a_failure_says_why_and_is_tried_again_when_it_comes_again);
	tcase_add_test(t, many_texts_are_put_once_each);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
