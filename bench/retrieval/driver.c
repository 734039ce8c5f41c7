/* bench/retrieval/driver.c - load a set, evaluate it, and time searches, through lib/ alone. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DATABASE_URL is the app's login; the tenant is there and empty.
 *	driver load DOMAIN corpus.jsonl			split, index, embed
 *	driver eval DOMAIN queries.jsonl qrels.tsv	nDCG@10, recall@5, MRR: words, rrf, convex
 *	driver time DOMAIN queries.jsonl SECONDS THREADS	searches with vectors at hand, each question as new
 *	driver again DOMAIN queries.jsonl SECONDS THREADS	the same, of questions that were asked before
 * NO_VECTORS loads without them, NO_DENSE searches by words alone, DEPTH sets the candidates a list.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/embed.h"
#include "ingestion/ingestion.h"
#include "retrieval/retrieval.h"

#define DIM 384

static struct desk_db *db;
static struct desk_retrieval *retrieval;
static struct desk_embedder *embedder;
static struct desk_tenant_cache *tenants;
static const char *domain;

static void must(enum desk_status rc, const struct desk_error *err)
{
	if (rc == DESK_OK)
		return;
	fprintf(stderr, "driver: %s: %s (%s:%d)\n", desk_status_name(rc), err->text, err->file, err->line);
	exit(1);
}

static void ctx_open(struct desk_ctx *cx)
{
	desk_ctx_init(cx, desk_arena_new(), NULL);
	cx->db = db;
	must(desk_tenant_enter(cx, tenants, domain), &cx->err);
}

/* ---- load -------------------------------------------------------------------- */

struct chunk_list {
	struct desk_split_chunk at[20000];
	size_t n;
};

static enum desk_status keep_chunk(void *arg, const struct desk_split_chunk *c)
{
	struct chunk_list *l = arg;

	if (l->n < DESK_ARRAY_LEN(l->at))
		l->at[l->n++] = *c;
	return DESK_OK;
}

static void load_document(struct desk_ctx *cx, const json_t *line)
{
	static struct chunk_list chunks;
	static const char document[] =
		"INSERT INTO documents (tenant_id, source, title, language, sha256, byte_size, status)"
		" VALUES (public.get_current_tenant_id(), $1, $2, $3, public.digest($1, 'sha256'), $4, 'READY') RETURNING id";
	static const char ids[] = "SELECT min(nextval('chunk_ids')) FROM generate_series(1, $1)";
	static const char insert[] =
		"INSERT INTO chunks (id, tenant_id, document_id, chunk_index, start_offset, end_offset, audience, language,"
		" content, embedding) VALUES ($1, public.get_current_tenant_id(), $2::uuid, $3, $4, $5, $6, $7, $8, $9::public.halfvec)";
	struct desk_str title = desk_str_of(desk_json_string(line, "title", ""));
	struct desk_str text = desk_str_of(desk_json_string(line, "text", ""));
	const char *audience = getenv("AUDIENCE") != NULL ? getenv("AUDIENCE") : "PUBLIC";
	char lang[DESK_LANGUAGE_LEN + 1];
	struct desk_index_item *items;
	struct desk_str *texts;
	struct desk_rows *rows;
	float *v = NULL;
	int64_t first;
	const char *id;

	chunks.n = 0;
	must(desk_split(NULL, text, keep_chunk, &chunks, &cx->err), &cx->err);
	desk_language_detect(retrieval, text, cx->tenant->settings.languages, lang);
	items = desk_arena_array(cx->arena, chunks.n + 1, sizeof(*items));
	texts = desk_arena_array(cx->arena, chunks.n + 1, sizeof(*texts));
	for (size_t i = 0; i < chunks.n; i++)
		texts[i] = desk_index_text(cx->arena, title, chunks.at[i].content);
	if (desk_embedder_speaks(embedder, lang) && getenv("NO_VECTORS") == NULL) {
		v = desk_arena_array(cx->arena, chunks.n * DIM + 1, sizeof(*v));
		must(desk_embed_texts(embedder, texts, chunks.n, v, cx->deadline, &cx->err), &cx->err);
	}
	must(desk_tenant_begin(cx), &cx->err);
	must(desk_db_query(cx, &rows, document, desk_p_text(desk_json_string(line, "_id", "")), desk_p_str(cx->arena, title),
			   desk_p_text(lang), desk_p_int64((int64_t)text.n)), &cx->err);
	id = desk_rows_text(rows, 0, 0);
	must(desk_db_query(cx, &rows, ids, desk_p_int32((int32_t)chunks.n)), &cx->err);
	first = desk_rows_int64(rows, 0, 0);
	for (size_t i = 0; i < chunks.n; i++) {
		items[i] = (struct desk_index_item){ first + (int64_t)i, title, chunks.at[i].content };
		must(desk_db_send(cx, insert, desk_p_int64(first + (int64_t)i), desk_p_text(id), desk_p_int32((int32_t)i),
				  desk_p_int32((int32_t)chunks.at[i].start), desk_p_int32((int32_t)chunks.at[i].end),
				  desk_p_text(audience), desk_p_text(lang), desk_p_str(cx->arena, chunks.at[i].content),
				  v != NULL ? desk_p_halfvec(cx->arena, v + i * DIM, DIM) : desk_p_null()), &cx->err);
	}
	for (size_t i = 0; i < chunks.n; i++)
		must(desk_db_next(cx, NULL), &cx->err);
	must(desk_lexical_add(cx, retrieval, &(struct desk_index_batch){ audience, lang, items, chunks.n }), &cx->err);
	must(desk_db_commit(cx), &cx->err);
}

static void load(const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0, n = 0;
	bool more = true;
	struct desk_ctx cx;

	if (f == NULL)
		exit(2);
	while (getline(&line, &cap, f) > 0) {
		json_t *doc;

		ctx_open(&cx);
		must(desk_json_parse(cx.arena, line, strlen(line), &doc, &cx.err), &cx.err);
		load_document(&cx, doc);
		desk_arena_free(cx.arena);
		if (++n % 64 == 0) {
			ctx_open(&cx);
			must(desk_lexical_merge(&cx, &more), &cx.err);
			desk_arena_free(cx.arena);
		}
	}
	for (more = true; more;) {
		ctx_open(&cx);
		must(desk_lexical_merge(&cx, &more), &cx.err);
		desk_arena_free(cx.arena);
	}
	free(line);
	fclose(f);
	printf("%zu documents\n", n);
}

/* ---- questions ------------------------------------------------------------------ */

struct question {
	char  id[128];
	char *text;
	char  lang[DESK_LANGUAGE_LEN + 1];
	float v[DIM];
	bool  spoken;
};
static struct question *questions;
static size_t n_questions;

static void read_questions(const char *path, size_t most)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;

	if (f == NULL)
		exit(2);
	questions = desk_xcalloc(most, sizeof(*questions));
	while (n_questions < most && getline(&line, &cap, f) > 0) {
		struct question *q = &questions[n_questions++];
		struct desk_ctx cx;
		json_t *doc;

		ctx_open(&cx);
		must(desk_json_parse(cx.arena, line, strlen(line), &doc, &cx.err), &cx.err);
		desk_copy(q->id, sizeof(q->id), desk_json_string(doc, "_id", ""));
		q->text = desk_xstrdup(desk_json_string(doc, "text", ""));
		must(desk_language_question(&cx, retrieval, desk_str_of(q->text), q->lang), &cx.err);
		q->spoken = desk_embedder_speaks(embedder, q->lang);
		must(desk_embed_query(embedder, NULL, desk_str_of(q->text), q->v, NULL, cx.deadline, &cx.err), &cx.err);
		desk_arena_free(cx.arena);
	}
	free(line);
	fclose(f);
}

/* ---- eval ----------------------------------------------------------------------- */

struct grade {
	char query[128], document[256];
	int  grade;
};
static struct grade *grades;
static size_t n_grades;

static void read_grades(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[1024];
	size_t cap = 0;

	if (f == NULL)
		exit(2);
	while (fgets(line, sizeof(line), f) != NULL) {
		struct grade g = { .grade = 0 };

		if (sscanf(line, "%127[^\t]\t%255[^\t]\t%d", g.query, g.document, &g.grade) != 3)
			continue;
		if (n_grades == cap) {
			cap = cap * 2 + 1024;
			grades = desk_xrealloc(grades, cap, sizeof(*grades));
		}
		grades[n_grades++] = g;
	}
	fclose(f);
}

static void eval_one(struct question *q, const struct desk_fusion_options *o, bool dense, double sum[3])
{
	struct desk_search_query query = { .text = desk_str_of(q->text), .language = q->lang, .internal = true,
					   .vector = dense && q->spoken ? q->v : NULL, .dim = DIM,
					   .embedder = embedder, .top_k = 100, .fusion = o,
					   .depth = getenv("DEPTH") != NULL ? (int)strtol(getenv("DEPTH"), NULL, 10) : 0 };
	struct desk_ranked_documents docs;
	int ranked[100] = { 0 }, judged[1000];
	struct desk_judged j = { ranked, 0, judged, 0 };
	struct desk_ctx cx;

	ctx_open(&cx);
	must(desk_rank_documents(&cx, retrieval, &query, &docs), &cx.err);
	for (size_t i = 0; i < n_grades; i++) {
		if (strcmp(grades[i].query, q->id) != 0)
			continue;
		if (grades[i].grade > 0)
			judged[j.n_judged++] = grades[i].grade;
		for (size_t k = 0; k < docs.n; k++) {
			if (strcmp(docs.at[k].source, grades[i].document) == 0)
				ranked[k] = grades[i].grade;
		}
	}
	j.n_ranked = docs.n;
	sum[0] += desk_metric_ndcg(&j, 10);
	sum[1] += desk_metric_recall(&j, 5);
	sum[2] += desk_metric_rr(&j);
	desk_arena_free(cx.arena);
}

static void eval(void)
{
	static const struct { const char *name; struct desk_fusion_options o; bool dense; } runs[] = {
		{ "words", { DESK_FUSION_RRF, .3, .7, 60 }, false },
		{ "vectors", { DESK_FUSION_RRF, 0, 1, 60 }, true },
		{ "rrf", { DESK_FUSION_RRF, .3, .7, 60 }, true },
		{ "convex", { DESK_FUSION_CONVEX, .4, .6, 60 }, true },
	};

	for (size_t k = 0; k < DESK_ARRAY_LEN(runs); k++) {
		double sum[3] = { 0 };

		for (size_t i = 0; i < n_questions; i++)
			eval_one(&questions[i], &runs[k].o, runs[k].dense, sum);
		printf("%-24s %-8s nDCG@10 %.4f  recall@5 %.4f  MRR %.4f\n", domain, runs[k].name,
		       sum[0] / (double)n_questions, sum[1] / (double)n_questions, sum[2] / (double)n_questions);
	}
}

/* ---- time ------------------------------------------------------------------------- */

struct timing {
	pthread_t thread;
	unsigned  number;
	double    seconds;
	int64_t  *us;
	size_t    n, cap;
	int64_t   lists, rank, contents;
};

static bool time_again;

/* The same words behind white space that no question had before: nothing can be recalled. */
static struct desk_str time_text(struct desk_arena *a, const struct question *q, uint64_t number)
{
	size_t n = strlen(q->text);
	char *p;

	if (time_again)
		return desk_str_of(q->text);
	p = desk_arena_alloc(a, n + 49);
	memcpy(p, q->text, n);
	for (int i = 0; i < 48; i++)
		p[n++] = (number >> i & 1) != 0 ? ' ' : '\n';
	return (struct desk_str){ p, n };
}

static void *time_thread(void *arg)
{
	struct timing *t = arg;
	int64_t until = desk_mono_us(NULL) + (int64_t)(t->seconds * 1e6);

	for (size_t i = t->number * 131; desk_mono_us(NULL) < until; i++) {
		struct question *q = &questions[i % n_questions];
		struct desk_search_query query = { .language = q->lang,
						   .vector = getenv("NO_DENSE") != NULL ? NULL : q->v, .dim = DIM, .embedder = embedder,
						   .depth = getenv("DEPTH") != NULL ? (int)strtol(getenv("DEPTH"), NULL, 10) : 0 };
		struct desk_search_result found;
		struct desk_ctx cx;
		int64_t start;

		ctx_open(&cx);
		query.text = time_text(cx.arena, q, (uint64_t)t->number << 40 | i);
		start = desk_mono_us(NULL);
		must(desk_search(&cx, retrieval, &query, &found), &cx.err);
		if (t->n == t->cap) {
			t->cap = t->cap * 2 + 1024;
			t->us = desk_xrealloc(t->us, t->cap, sizeof(*t->us));
		}
		t->us[t->n++] = desk_mono_us(NULL) - start;
		t->lists += found.lists_us;
		t->rank += found.rank_us;
		t->contents += found.contents_us;
		desk_arena_free(cx.arena);
	}
	return NULL;
}

static int time_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void time_searches(double seconds, size_t threads)
{
	struct timing *t = desk_xcalloc(threads, sizeof(*t));
	int64_t *all = NULL, lists = 0, rank = 0, contents = 0;
	size_t n = 0;

	for (size_t i = 0; i < threads; i++) {
		t[i].number = (unsigned)i;
		t[i].seconds = seconds;
		if (pthread_create(&t[i].thread, NULL, time_thread, &t[i]) != 0)
			exit(1);
	}
	for (size_t i = 0; i < threads; i++) {
		pthread_join(t[i].thread, NULL);
		all = desk_xrealloc(all, n + t[i].n + 1, sizeof(*all));
		memcpy(all + n, t[i].us, t[i].n * sizeof(*all));
		n += t[i].n;
		lists += t[i].lists;
		rank += t[i].rank;
		contents += t[i].contents;
	}
	qsort(all, n, sizeof(*all), time_compare);
	printf("%zu thread(s): %zu searches, %.0f/s, p50 %.2f ms, p99 %.2f ms; mean lists %.2f rank %.2f contents %.2f ms\n",
	       threads, n, (double)n / seconds, (double)all[n / 2] / 1e3, (double)all[n * 99 / 100] / 1e3,
	       (double)lists / (double)n / 1e3, (double)rank / (double)n / 1e3, (double)contents / (double)n / 1e3);
}

int main(int argc, char **argv)
{
	struct desk_embed_options eo = { .model_path = getenv("EMBEDDING_MODEL_PATH") };
	struct desk_db_options o = { .conninfo = getenv("DATABASE_URL"), .program = "bench", .pool_size = 16,
				     .statement_timeout_ms = 600000, .prepare = true };
	struct desk_error err = { 0 };

	if (argc < 4)
		return 2;
	domain = argv[2];
	must(desk_db_open(&o, &db, &err), &err);
	tenants = desk_tenant_cache_new();
	must(desk_retrieval_open(NULL, &retrieval, &err), &err);
	must(desk_embedder_open(&eo, &embedder, &err), &err);
	if (strcmp(argv[1], "load") == 0) {
		load(argv[3]);
	} else if (strcmp(argv[1], "eval") == 0 && argc > 4) {
		read_questions(argv[3], 100000);
		read_grades(argv[4]);
		eval();
	} else if ((strcmp(argv[1], "time") == 0 || strcmp(argv[1], "again") == 0) && argc > 5) {
		time_again = strcmp(argv[1], "again") == 0;
		read_questions(argv[3], 1000);
		time_searches(strtod(argv[4], NULL), strtoul(argv[5], NULL, 10));
	}
	desk_embedder_free(embedder);
	desk_retrieval_free(retrieval);
	desk_tenant_cache_free(tenants);
	desk_db_free(db);
	return 0;
}
