/* lib/chat/answer.c - the answer put together: from sentences, or from a model's claims that hold. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <string.h>

#define ANSWER_MAX ((size_t)64 * 1024)
/* A sentence that names no source gets one that carries it this well. */
#define ANSWER_ADOPT 0.6

/* The response as it grows. */
struct draft {
	struct desk_arena    *a;
	struct desk_buf       text;
	struct desk_citation *citations;
	size_t                n, cap;
};

static void draft_init(struct draft *d, struct desk_arena *a)
{
	*d = (struct draft){ .a = a, .cap = 8 };
	desk_buf_init(&d->text, ANSWER_MAX);
	d->citations = desk_arena_array(a, d->cap, sizeof(*d->citations));
}

/* The number of a citation, from 1; the same place has one number. */
static size_t draft_number(struct draft *d, const struct desk_citation *c)
{
	for (size_t i = 0; i < d->n; i++) {
		struct desk_citation *have = &d->citations[i];

		if (strcmp(have->document, c->document) != 0 || have->start != c->start ||
		    have->end != c->end)
			continue;
		if (c->relevance > have->relevance)
			have->relevance = c->relevance;
		return i + 1;
	}
	if (d->n == d->cap) {
		struct desk_citation *more = desk_arena_array(d->a, d->cap * 2, sizeof(*more));

		memcpy(more, d->citations, d->n * sizeof(*more));
		d->citations = more;
		d->cap *= 2;
	}
	d->citations[d->n++] = *c;
	return d->n;
}

static void draft_say(struct draft *d, const char *text, bool line)
{
	if (d->text.n > 0)
		desk_buf_addc(&d->text, line ? '\n' : ' ');
	desk_buf_adds(&d->text, text);
}

static void draft_done(struct draft *d, struct desk_answer *out)
{
	out->response = desk_arena_strdup(d->a, desk_buf_str(&d->text).p);
	out->citations = d->citations;
	out->n_citations = d->n;
	desk_buf_done(&d->text);
}

static struct desk_citation answer_citation(struct desk_arena *a, const struct chat_found *f,
					    const struct chat_support *at)
{
	const struct desk_hit *h = chat_passage_hit(at->passage, at->start);

	return (struct desk_citation){
		.document = h->document,
		.source = h->source,
		.title = h->title[0] != '\0' ? h->title : h->source,
		.page = h->page,
		.relevance = chat_relevance(&f->search, h),
		.start = at->start,
		.end = at->end,
		.quote = desk_arena_strndup(a, at->text.p, at->text.n),
	};
}

static void answer_unknown(const struct chat_found *f, struct desk_answer *out)
{
	out->response = chat_phrase(CHAT_DONT_KNOW, f->language);
	out->citations = NULL;
	out->n_citations = 0;
	out->decision = DESK_DECIDED_UNKNOWN;
}

void chat_answer_extractive(struct desk_ctx *cx, const struct chat_found *f,
			    struct desk_answer *out)
{
	struct draft d;

	out->answered_by = "extractive";
	out->confidence = f->confidence;
	if (f->extract.n == 0 || f->confidence < CHAT_UNKNOWN_BELOW) {
		answer_unknown(f, out);
		return;
	}
	draft_init(&d, cx->arena);
	for (size_t i = 0; i < f->extract.n; i++) {
		const struct chat_pick *p = &f->extract.picks[i];
		struct chat_support at = { true, p->passage, p->text, p->start, p->end, p->share };
		struct desk_citation c = answer_citation(cx->arena, f, &at);

		draft_say(&d, chat_readable(cx->arena, p->text, p->header), i > 0);
		desk_buf_addf(&d.text, " [%zu]", draft_number(&d, &c));
	}
	draft_done(&d, out);
	out->decision = DESK_DECIDED_ANSWER;
}

/* ---- a model's claims ------------------------------------------------------------- */

/* Where the languages differ, words cannot be compared: the passage stands for its sentence. */
static bool answer_languages_differ(const struct chat_found *f, const struct chat_passage *p)
{
	return *f->language != '\0' && *p->hit->language != '\0' &&
	       strcmp(f->language, p->hit->language) != 0;
}

static void answer_cite(struct draft *d, const struct chat_found *f, const struct chat_support *at)
{
	struct desk_citation c = answer_citation(d->a, f, at);

	desk_buf_addf(&d->text, "[%zu]", draft_number(d, &c));
}

/* The sources that the claim names and that carry it; their number. */
static size_t answer_supported(struct desk_arena *a, const struct chat_found *f,
			       const struct chat_claim *c, struct chat_support *out)
{
	const struct chat_statement st = { c->text, f->question };
	size_t n = 0;

	for (size_t i = 0; i < c->n_cited; i++) {
		const struct chat_passage *p = &f->passages.at[c->cited[i]];

		chat_support_find(a, f->chat->retrieval, &st, p, &out[n]);
		if (!out[n].found && answer_languages_differ(f, p) &&
		    chat_support_numbers(c->text, p->text))
			out[n] = (struct chat_support){ true, p, p->text, p->start, p->end, 0.5 };
		n += out[n].found;
	}
	return n;
}

/* A claim that names no source: the one that carries it best, where one does well. */
static size_t answer_adopted(struct desk_arena *a, const struct chat_found *f,
			     const struct chat_claim *c, struct chat_support *out)
{
	const struct chat_statement st = { c->text, f->question };
	struct chat_support best = { .found = false };

	for (size_t i = 0; i < f->passages.n && i < CHAT_CITED_MAX; i++) {
		struct chat_support s;

		chat_support_find(a, f->chat->retrieval, &st, &f->passages.at[i], &s);
		if (s.found && s.share >= ANSWER_ADOPT && s.share > best.share)
			best = s;
	}
	out[0] = best;
	return best.found;
}

static bool answer_has_digit(struct desk_str t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] >= '0' && t.p[i] <= '9')
			return true;
	return false;
}

/* The number of claims that are supported; a number that no source has is not said. */
static size_t answer_claims(struct draft *d, const struct chat_found *f,
			    const struct chat_claims *claims)
{
	size_t supported = 0;

	for (size_t i = 0; i < claims->n; i++) {
		const struct chat_claim *c = &claims->at[i];
		struct chat_support at[CHAT_CITED_MAX];
		size_t n = answer_supported(d->a, f, c, at);

		if (n == 0)
			n = answer_adopted(d->a, f, c, at);
		if (n == 0 && answer_has_digit(c->text))
			continue;
		draft_say(d, c->text.p, c->breaks);
		if (n > 0)
			desk_buf_addc(&d->text, ' ');
		for (size_t k = 0; k < n; k++)
			answer_cite(d, f, &at[k]);
		supported += n > 0;
	}
	return supported;
}

static struct desk_deadline answer_deadline(const struct desk_ctx *cx)
{
	struct desk_deadline d = cx->deadline;

	if (d.at_us != 0)
		d.at_us -= 1000 * 1000;	/* what storing and sending the answer may need */
	return d;
}

static enum desk_status answer_ask(struct desk_ctx *cx, const struct chat_found *f,
				   const struct chat_history *h, struct chat_claims *claims,
				   struct desk_error *why)
{
	const struct desk_llm *model = desk_llm_pick(f->chat->models, cx->tenant->settings.llm);
	struct desk_llm_request rq = { .deadline = answer_deadline(cx) };
	struct desk_llm_reply reply;
	struct chat_prompt_in in = { h, f->question, f->language, &f->passages };
	struct chat_prompt prompt;
	enum desk_status rc;

	chat_prompt_make(cx->arena, &in, &prompt);
	rq.messages = prompt.messages;
	rq.n = prompt.n;
	rc = desk_llm_chat(model, &rq, cx->arena, &reply, why);
	if (rc == DESK_OK)
		chat_reply_parse(cx->arena, f->language, &reply, f->passages.n, claims);
	return rc;
}

enum desk_status chat_answer_model(struct desk_ctx *cx, const struct chat_found *f,
				   const struct chat_history *h, struct desk_answer *out,
				   struct desk_error *why)
{
	const struct desk_llm *model = desk_llm_pick(f->chat->models, cx->tenant->settings.llm);
	struct chat_claims claims;
	struct draft d;
	size_t supported;
	enum desk_status rc = answer_ask(cx, f, h, &claims, why);

	if (rc != DESK_OK)
		return rc;
	if (claims.unknown) {
		answer_unknown(f, out);
		out->confidence = f->confidence * 0.3;	/* it read them, and says no */
		out->answered_by = desk_llm_name(model);
		return DESK_OK;
	}
	draft_init(&d, cx->arena);
	supported = answer_claims(&d, f, &claims);
	if (supported == 0) {
		desk_buf_done(&d.text);
		return desk_error_set(why, DESK_E_UPSTREAM,
				      "no sentence of the model's answer is in the sources");
	}
	draft_done(&d, out);
	out->decision = DESK_DECIDED_ANSWER;
	out->confidence = f->confidence * (0.6 + 0.4 * (double)supported / (double)claims.n);
	out->answered_by = desk_llm_name(model);
	return DESK_OK;
}
