/* ctl/cmd_eval.c - frontdeskctl eval: nDCG@10, recall@5, MRR, and AUROC of the confidence. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "questions.h"

#define EVAL_QRELS_MAX (256u << 20)
#define EVAL_RANKED 100

struct eval {
	const json_t *qrels;	/* query id -> document id -> grade */
	size_t        asked, skipped;	/* skipped: nothing relevant is known */
	double        ndcg, recall, rr;	/* sums */
};

/* "query<TAB>document<TAB>grade", with or without a header; TREC's four columns as well. */
static enum desk_status eval_qrel(struct ctl *c, json_t *all, char *line, size_t number)
{
	char *save = NULL, *word[5];
	int n = 0;
	int64_t grade;
	json_t *of;

	for (char *w = strtok_r(line, " \t\r", &save); w != NULL && n < 5; w = strtok_r(NULL, " \t\r", &save))
		word[n++] = w;
	if (n == 0)
		return DESK_OK;
	if (n != 3 && n != 4)
		return desk_fail(&c->cx, DESK_E_INPUT, "qrels line %zu is not query, document, grade", number);
	if (!desk_parse_int64(word[n - 1], &grade)) {
		if (number == 1)
			return DESK_OK;	/* the header */
		return desk_fail(&c->cx, DESK_E_INPUT, "qrels line %zu: the grade is not a whole number", number);
	}
	of = json_object_get(all, word[0]);
	if (of == NULL) {
		of = json_object();
		json_object_set_new(all, word[0], of);
	}
	json_object_set_new(of, word[n - 2], json_integer(grade));
	return DESK_OK;
}

static enum desk_status eval_qrels(struct ctl *c, const char *path, json_t **out)
{
	json_t *all = desk_json_keep(c->arena, json_object());
	struct desk_str text;
	enum desk_status rc = ctl_read_file(c, path, EVAL_QRELS_MAX, &text);
	char *at;

	if (rc != DESK_OK)
		return rc;
	at = desk_arena_strndup(c->arena, text.p, text.n);
	for (size_t number = 1; at != NULL && rc == DESK_OK; number++) {
		char *nl = strchr(at, '\n');

		if (nl != NULL)
			*nl = '\0';
		rc = eval_qrel(c, all, at, number);
		at = nl != NULL ? nl + 1 : NULL;
	}
	*out = all;
	return rc;
}

static enum desk_status eval_each(void *arg, const struct ctl_question *q, const struct desk_ranked_documents *docs)
{
	struct eval *e = arg;
	const json_t *grades = json_object_get(e->qrels, q->id);
	int ranked[EVAL_RANKED], *judged;
	size_t n_judged = 0, n = docs->n < EVAL_RANKED ? docs->n : EVAL_RANKED;
	struct desk_judged j;
	const char *key;
	json_t *v;

	judged = desk_xcalloc(json_object_size(grades) + 1, sizeof(*judged));
	json_object_foreach((json_t *)grades, key, v) {
		if (json_integer_value(v) > 0)
			judged[n_judged++] = (int)json_integer_value(v);
	}
	for (size_t i = 0; i < n; i++) {
		int64_t grade = desk_json_int(grades, docs->at[i].source, 0);

		ranked[i] = grade > 0 ? (int)grade : 0;
	}
	j = (struct desk_judged){ ranked, n, judged, n_judged };
	if (n_judged == 0) {
		e->skipped++;
	} else {
		e->asked++;
		e->ndcg += desk_metric_ndcg(&j, 10);
		e->recall += desk_metric_recall(&j, 5);
		e->rr += desk_metric_rr(&j);
	}
	free(judged);
	return DESK_OK;
}

/* The confidence of each question of the list. */
static enum desk_status eval_confidence(struct ctl *c, const struct ctl_questions *qs, double *out)
{
	struct desk_arena *arena = desk_arena_new();
	enum desk_status rc = DESK_OK;

	for (size_t i = 0; i < qs->n && rc == DESK_OK; i++) {
		struct desk_ctx cx = c->cx;
		struct desk_chat_score score;

		cx.arena = arena;
		rc = desk_chat_confidence(&cx, &c->services->chat, qs->at[i].text, true, &score);
		if (rc != DESK_OK)
			c->cx.err = cx.err;
		out[i] = score.confidence;
		desk_arena_reset(arena);
	}
	desk_arena_free(arena);
	return rc;
}

static enum desk_status eval_auroc(struct ctl *c, const struct ctl_questions *good, const char *path, double *out)
{
	struct ctl_questions bad;
	double *p, *q;
	enum desk_status rc = ctl_questions_load(c, path, &bad);

	if (rc != DESK_OK)
		return rc;
	p = desk_arena_array(c->arena, good->n + 1, sizeof(*p));
	q = desk_arena_array(c->arena, bad.n + 1, sizeof(*q));
	rc = eval_confidence(c, good, p);
	if (rc == DESK_OK)
		rc = eval_confidence(c, &bad, q);
	if (rc == DESK_OK)
		*out = desk_metric_auroc(p, good->n, q, bad.n);
	return rc;
}

static void eval_print(struct ctl *c, const struct eval *e, double auroc)
{
	double n = e->asked > 0 ? (double)e->asked : 1;
	json_t *v;

	if (!c->json) {
		printf("questions  %zu\nnDCG@10    %.4f\nrecall@5   %.4f\nMRR        %.4f\n", e->asked, e->ndcg / n,
		       e->recall / n, e->rr / n);
		if (!isnan(auroc))
			printf("AUROC      %.4f\n", auroc);
		if (e->skipped > 0)
			printf("%zu questions without a relevant document in the qrels were left out\n", e->skipped);
		return;
	}
	v = json_pack("{s:I, s:I, s:f, s:f, s:f}", "questions", (json_int_t)e->asked, "skipped", (json_int_t)e->skipped,
		      "ndcg_at_10", e->ndcg / n, "recall_at_5", e->recall / n, "mrr", e->rr / n);
	if (!isnan(auroc))
		json_object_set_new(v, "auroc", json_real(auroc));
	ctl_print_json(desk_json_keep(c->arena, v));
}

static enum desk_status eval_exec(struct ctl *c)
{
	const char *queries, *qrels, *unanswerable = ctl_option(c, "unanswerable");
	struct desk_fusion_options room;
	struct ctl_rank_options o = { .top_k = EVAL_RANKED, .internal = true, .each = eval_each };
	struct eval e = { 0 };
	struct ctl_questions qs;
	double auroc = NAN;
	json_t *grades;
	enum desk_status rc = ctl_option_need(c, "queries", &queries);

	if (rc == DESK_OK)
		rc = ctl_option_need(c, "qrels", &qrels);
	if (rc == DESK_OK)
		rc = ctl_questions_load(c, queries, &qs);
	if (rc == DESK_OK)
		rc = eval_qrels(c, qrels, &grades);
	if (rc == DESK_OK)
		rc = ctl_open_services(c);
	if (rc == DESK_OK)
		rc = ctl_fusion(c, &room, &o.fusion);
	if (rc != DESK_OK)
		return rc;
	e.qrels = grades;
	o.arg = &e;
	rc = ctl_questions_rank(c, &qs, &o);
	if (rc == DESK_OK && unanswerable != NULL)
		rc = eval_auroc(c, &qs, unanswerable, &auroc);
	if (rc == DESK_OK)
		eval_print(c, &e, auroc);
	return rc;
}

static const struct ctl_option eval_options[] = {
	{ "tenant", "DOMAIN", "whose documents; their _id (source) is what the qrels name" },
	{ "queries", "FILE", "questions, {\"_id\", \"text\"} a line" },
	{ "qrels", "FILE", "query, document, grade, parted by tabs" },
	{ "unanswerable", "FILE", "questions that the documents don't answer: prints the confidence's AUROC" },
	{ "fusion", "NAME", "rrf or convex, instead of the tenant's setting" },
	{ "weight-dense", "W", "0 to 1, instead of the tenant's setting" },
	{ NULL, NULL, NULL },
};

const struct ctl_command cmd_eval = {
	.name = "eval",
	.args = "--tenant DOMAIN --queries FILE --qrels FILE [--unanswerable FILE]",
	.summary = "Measure search: nDCG@10, recall@5, MRR",
	.notes = "Documents are ranked by their best chunk, 100 deep. Figures are means over the questions that have\n"
		 "a relevant document in the qrels.",
	.options = eval_options,
	.min_args = 0,
	.max_args = 0,
	.needs = DESK_NEED_DB,
	.exec = eval_exec,
};
