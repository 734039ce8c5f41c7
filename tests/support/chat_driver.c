/* tests/support/chat_driver.c - the chat room from the command line: load, ask, features. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * chat_driver DOMAIN load FILE.jsonl [LANG]     {"_id","title","text"} a line
 * chat_driver DOMAIN ask < questions            a line each; the answer as JSON
 * chat_driver DOMAIN features FILE.jsonl        {"_id","text"} a line; id, row, confidence, features
 * chat_driver DOMAIN hits FILE.jsonl            id, source, and what relevance is computed from
 * Settings from the environment, as the programs' own.
 */
#include "support/corpus.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct corpus corpus;
static const char *domain;

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, corpus.cx.err.text);
	return 1;
}

static json_t *read_lines(const char *path)
{
	json_t *list = json_array(), *one;
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;

	while (f != NULL && getline(&line, &cap, f) > 0)
		if ((one = json_loads(line, 0, NULL)) != NULL)
			json_array_append_new(list, one);
	if (f != NULL)
		fclose(f);
	free(line);
	return list;
}

static int load(const char *path, const char *lang)
{
	json_t *list = read_lines(path), *one;
	size_t n = json_array_size(list), i;
	struct corpus_document *docs = desk_xcalloc(n + 1, sizeof(*docs));

	json_array_foreach(list, i, one)
		docs[i] = (struct corpus_document){
			.source = desk_json_string(one, "_id", ""), .title = desk_json_string(one, "title", ""),
			.language = lang, .text = desk_str_of(desk_json_string(one, "text", "")),
		};
	if (corpus_add(&corpus, docs, n) != DESK_OK)
		return fail("load");
	free(docs);
	json_decref(list);
	return 0;
}

static int features(const char *path)
{
	json_t *list = read_lines(path), *one;
	size_t i;

	printf("id\tdense\tconfidence");
	for (i = 0; i < DESK_CHAT_FEATURES; i++)
		printf("\t%s", desk_chat_feature_names[i]);
	printf("\n");
	json_array_foreach(list, i, one) {
		struct desk_chat_score s;
		struct desk_ctx *cx = corpus_turn(&corpus, domain);

		if (desk_chat_confidence(cx, &corpus.services->chat, desk_str_of(desk_json_string(one, "text", "")),
					 true, &s) != DESK_OK)
			return fail("features");
		printf("%s\t%d\t%.6f", desk_json_string(one, "_id", ""), s.features.dense, s.confidence);
		for (size_t k = 0; k < DESK_CHAT_FEATURES; k++)
			printf("\t%.6f", s.features.x[k]);
		printf("\n");
	}
	json_decref(list);
	return 0;
}

static int hits(const char *path)
{
	json_t *list = read_lines(path), *one;
	size_t i;

	json_array_foreach(list, i, one) {
		struct desk_search_told told;
		struct desk_search_ask ask = { .text = desk_str_of(desk_json_string(one, "text", "")), .internal = true };
		struct desk_ctx *cx = corpus_turn(&corpus, domain);
		double idf = 0;

		if (desk_services_search(cx, corpus.services, &ask, &told) != DESK_OK)
			return fail("hits");
		for (size_t t = 0; t < told.result.n_terms; t++)
			idf += told.result.terms[t].idf * told.result.terms[t].count;
		for (size_t h = 0; h < told.result.n; h++) {
			const struct desk_hit *hit = &told.result.hits[h];

			printf("%s\t%s\t%.6f\t%.6f\t%.6f\n", desk_json_string(one, "_id", ""), hit->source,
			       isnan(hit->cosine) ? -9 : hit->cosine, hit->coverage, idf > 0 ? hit->lexical / idf : 0);
		}
	}
	json_decref(list);
	return 0;
}

static void print_answer(const char *question, const struct desk_answer *a)
{
	json_t *cites = json_array(), *o;

	for (size_t i = 0; i < a->n_citations; i++) {
		const struct desk_citation *c = &a->citations[i];

		json_array_append_new(cites, json_pack("{s:s, s:s, s:f, s:i, s:i, s:i, s:s}", "source", c->source, "title",
						       c->title, "relevance", c->relevance, "page", c->page, "start",
						       c->start, "end", c->end, "quote", c->quote));
	}
	o = json_pack("{s:s, s:s, s:f, s:b, s:s, s:s, s:s, s:o}", "question", question, "response", a->response,
		      "confidence", a->confidence, "requires_human", (int)a->requires_human, "conversation_id",
		      a->conversation_id, "answered_by", a->answered_by, "language", a->language, "citations", cites);
	json_dumpf(o, stdout, JSON_ENSURE_ASCII * 0);
	printf("\n");
	json_decref(o);
}

static int ask(const char *conversation)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		struct desk_ctx *cx = corpus_turn(&corpus, domain);
		struct desk_chat_turn turn = { .channel = "TEST", .conversation = conversation, .internal = true };
		struct desk_answer answer;

		line[n - 1] = line[n - 1] == '\n' ? '\0' : line[n - 1];
		turn.message = desk_str_of(line);
		if (desk_chat_answer(cx, &corpus.services->chat, &turn, &answer) != DESK_OK)
			return fail(line);
		print_answer(line, &answer);
	}
	free(line);
	return 0;
}

int main(int argc, char **argv)
{
	struct desk_log *log = desk_log_new(2, "chat_driver", DESK_LOG_INFO);
	const char *what = argc > 2 ? argv[2] : "", *file = argc > 3 ? argv[3] : NULL;
	int rc = 64;

	domain = argc > 1 ? argv[1] : "";
	if (corpus_open(&corpus, DESK_TEST_SQL, domain, log) != DESK_OK)
		return fail("open");
	if (strcmp(what, "load") == 0 && file != NULL)
		rc = load(file, argc > 4 ? argv[4] : NULL);
	else if (strcmp(what, "features") == 0 && file != NULL)
		rc = features(file);
	else if (strcmp(what, "hits") == 0 && file != NULL)
		rc = hits(file);
	else if (strcmp(what, "ask") == 0)
		rc = ask(file);
	corpus_close(&corpus);
	desk_log_free(log);
	return rc;
}
