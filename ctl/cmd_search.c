/* ctl/cmd_search.c - frontdeskctl search: ranked chunks, why they rank so, and TREC runs. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "questions.h"

static json_t *search_real(double v)
{
	return isnan(v) ? json_null() : json_real(v);
}

static json_t *search_hit_json(const struct desk_hit *h, int rank)
{
	json_t *v = json_pack("{s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:s, s:f, s:f, s:o, s:f}", "rank", rank,
			      "document_id", h->document, "source", h->source, "title", h->title, "chunk_index",
			      h->chunk_index, "page", h->page, "start", h->start, "end", h->end, "content", h->content,
			      "score", h->score, "lexical", h->lexical, "cosine", search_real(h->cosine), "coverage",
			      h->coverage);

	json_object_set_new(v, "lexical_rank", h->lexical_rank > 0 ? json_integer(h->lexical_rank) : json_null());
	json_object_set_new(v, "dense_rank", h->dense_rank > 0 ? json_integer(h->dense_rank) : json_null());
	return v;
}

static json_t *search_terms_json(const struct desk_search_result *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_terms; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:f}", "term", r->terms[i].text, "df",
						      (json_int_t)r->terms[i].df, "idf", r->terms[i].idf));
	return list;
}

static void search_print_json(struct ctl *c, const struct desk_search_told *t)
{
	json_t *hits = json_array(), *all;

	for (size_t i = 0; i < t->result.n; i++)
		json_array_append_new(hits, search_hit_json(&t->result.hits[i], (int)i + 1));
	if (ctl_option(c, "explain") == NULL) {
		ctl_print_json(desk_json_keep(c->arena, hits));
		return;
	}
	all = json_pack("{s:s, s:b, s:I, s:o, s:o, s:f, s:f, s:{s:I, s:I, s:I, s:I}, s:o}", "language", t->language, "dense",
			t->result.dense, "chunks", (json_int_t)t->result.chunks, "terms", search_terms_json(&t->result),
			"top_cosine", search_real(t->result.top_cosine), "coverage", t->result.coverage, "unknown",
			t->result.unknown, "microseconds", "embed", (json_int_t)t->embed_us, "lists",
			(json_int_t)t->result.lists_us, "rank", (json_int_t)t->result.rank_us, "contents",
			(json_int_t)t->result.contents_us, "hits", hits);
	ctl_print_json(desk_json_keep(c->arena, all));
}

static const char *search_place(struct ctl *c, const struct desk_hit *h)
{
	if (h->page > 0)
		return desk_arena_printf(c->arena, "%s p. %d", h->source, h->page);
	return h->source;
}

static const char *search_number(struct ctl *c, double v, int rank)
{
	if (rank == 0)
		return "-";
	return desk_arena_printf(c->arena, "%.4f #%d", v, rank);
}

static void search_print(struct ctl *c, const struct desk_search_told *t)
{
	static const char *const plain[] = { ">", "score", "where", "text", NULL };
	static const char *const explained[] = { ">", "score", ">lexical", ">dense", ">words", "where", "text", NULL };
	bool explain = ctl_option(c, "explain") != NULL;
	struct ctl_table *table = ctl_table_new(c->arena, explain ? explained : plain);

	for (size_t i = 0; i < t->result.n; i++) {
		const struct desk_hit *h = &t->result.hits[i];
		const char *rank = desk_arena_printf(c->arena, "%zu", i + 1);
		const char *score = desk_arena_printf(c->arena, "%.4f", h->score), *where = search_place(c, h);
		const char *text = ctl_clip(c->arena, h->content, explain ? 40 : 70);
		const char *const row[] = { rank, score, where, text };
		const char *const long_row[] = { rank, score, search_number(c, h->lexical, h->lexical_rank),
						 search_number(c, h->cosine, h->dense_rank),
						 desk_arena_printf(c->arena, "%.0f%%", 100 * h->coverage), where, text };

		ctl_table_add(table, explain ? long_row : row);
	}
	if (t->result.n == 0)
		puts("nothing found");
	else
		ctl_table_print(table, stdout);
	if (!explain)
		return;
	printf("\nlanguage %s, %lld chunks, vectors %s\nwords:", *t->language != '\0' ? t->language : "unknown",
	       (long long)t->result.chunks, t->result.dense ? "have a vote" : "have no vote");
	for (size_t i = 0; i < t->result.n_terms; i++)
		printf(" %s (in %lld, idf %.2f)", ctl_clip(c->arena, t->result.terms[i].text, 40),
		       (long long)t->result.terms[i].df, t->result.terms[i].idf);
	printf("\ntime: embed %.2f ms%s, lists %.2f, rank %.2f, contents %.2f\n", (double)t->embed_us / 1e3,
	       t->vector_cached ? " (cached)" : "", (double)t->result.lists_us / 1e3, (double)t->result.rank_us / 1e3,
	       (double)t->result.contents_us / 1e3);
}

static bool search_internal(struct ctl *c)
{
	const char *audience = ctl_option(c, "audience");

	return audience == NULL || strcmp(audience, "public") != 0;
}

static enum desk_status search_one(struct ctl *c, int top_k)
{
	struct desk_search_ask ask = { .text = desk_str_of(c->args[0]), .top_k = top_k, .internal = search_internal(c) };
	struct desk_fusion_options room;
	struct desk_search_told told;
	enum desk_status rc = ctl_open_services(c);

	if (rc == DESK_OK)
		rc = ctl_fusion(c, &room, &ask.fusion);
	if (rc == DESK_OK)
		rc = desk_services_search(&c->cx, c->services, &ask, &told);
	if (rc != DESK_OK)
		return rc;
	if (c->json)
		search_print_json(c, &told);
	else
		search_print(c, &told);
	return DESK_OK;
}

/* A TREC run: query Q0 document rank score tag. */
static enum desk_status search_run_each(void *arg, const struct ctl_question *q,
					const struct desk_ranked_documents *docs)
{
	FILE *to = arg;

	for (size_t i = 0; i < docs->n; i++)
		fprintf(to, "%s Q0 %s %zu %.9g frontdesk\n", q->id, docs->at[i].source, i + 1, docs->at[i].score);
	return DESK_OK;
}

static enum desk_status search_run(struct ctl *c, const char *queries, const char *path, int top_k)
{
	struct ctl_rank_options o = { .top_k = top_k, .internal = search_internal(c), .each = search_run_each };
	struct desk_fusion_options room;
	struct ctl_questions qs;
	enum desk_status rc = ctl_questions_load(c, queries, &qs);
	FILE *to;

	if (rc == DESK_OK)
		rc = ctl_open_services(c);
	if (rc == DESK_OK)
		rc = ctl_fusion(c, &room, &o.fusion);
	if (rc != DESK_OK)
		return rc;
	to = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
	if (to == NULL)
		return desk_fail(&c->cx, DESK_E_IO, "cannot write %s: %s", path, strerror(errno));
	o.arg = to;
	rc = ctl_questions_rank(c, &qs, &o);
	if (to != stdout && fclose(to) != 0 && rc == DESK_OK)
		rc = desk_fail(&c->cx, DESK_E_IO, "cannot write %s: %s", path, strerror(errno));
	if (rc == DESK_OK && c->json)
		ctl_print_json(desk_json_keep(c->arena, json_pack("{s:I, s:s}", "questions", (json_int_t)qs.n, "run", path)));
	return rc;
}

static enum desk_status search_exec(struct ctl *c)
{
	const char *queries = ctl_option(c, "queries"), *run = ctl_option(c, "run");
	const char *audience = ctl_option(c, "audience");
	int64_t top_k = 0;
	enum desk_status rc = ctl_option_int(c, "top-k", 1, 1000, &top_k);

	if (rc != DESK_OK)
		return rc;
	if (audience != NULL && strcmp(audience, "public") != 0 && strcmp(audience, "internal") != 0)
		return desk_fail(&c->cx, DESK_E_INPUT, "--audience \"%s\" is neither public nor internal", audience);
	if ((queries != NULL) == (c->n_args == 1))
		return desk_fail(&c->cx, DESK_E_INPUT, "give a question, or --queries FILE with --run FILE");
	if (queries != NULL)
		return search_run(c, queries, run != NULL ? run : "-", top_k > 0 ? (int)top_k : 10);
	return search_one(c, (int)top_k);
}

static const struct ctl_option search_options[] = {
	{ "tenant", "DOMAIN", "whose documents; domain or UUID" },
	{ "top-k", "K", "how many (default: the tenant's setting; 10 for --queries)" },
	{ "explain", NULL, "ranks and scores of both lists, the question's words, times" },
	{ "audience", "WHO", "public: only what customers see; internal: all (default)" },
	{ "fusion", "NAME", "rrf or convex, instead of the tenant's setting" },
	{ "weight-dense", "W", "0 to 1, instead of the tenant's setting" },
	{ "queries", "FILE", "many questions, {\"_id\", \"text\"} a line" },
	{ "run", "FILE", "with --queries: write a TREC run there, by document (- is standard output)" },
	{ NULL, NULL, NULL },
};

const struct ctl_command cmd_search = {
	.name = "search",
	.args = "--tenant DOMAIN QUESTION | --tenant DOMAIN --queries FILE --run FILE",
	.summary = "Search a tenant's documents",
	.notes = "Prints the best chunks. With --queries it ranks documents, each by its best chunk.",
	.options = search_options,
	.min_args = 0,
	.max_args = 1,
	.needs = DESK_NEED_DB,
	.exec = search_exec,
};
