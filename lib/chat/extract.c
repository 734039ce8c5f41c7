/* lib/chat/extract.c - the extractive answerer: the sentences that answer the question. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <string.h>

#define EXTRACT_PASSAGES 8
#define EXTRACT_BYTES_MIN 12	/* less is no answer */
#define EXTRACT_PICKS 3	/* places that an answer is made of */
#define EXTRACT_PIECE_CPS 380	/* a place grows to so many code points */
#define EXTRACT_ALL_CPS 800
#define EXTRACT_ITEMS 8	/* of a list that a sentence announces */
/* What a unit says through the words around it, as a part of what it would say itself. */
#define EXTRACT_FROM_QUESTION 0.9
#define EXTRACT_FROM_HEADING 0.6
#define EXTRACT_FROM_BEFORE 0.35
#define EXTRACT_FROM_TITLE 0.5

/* A unit, judged. */
struct candidate {
	struct chat_mask own;
	double           share;	/* of the question's idf, surroundings included */
	double           score;
	bool             eligible, taken;
};
struct scored {
	const struct chat_passage *passage;
	struct chat_units          units;
	struct candidate          *at;
	struct chat_mask           all;	/* of its units */
};
struct extractor {
	struct desk_arena    *a;
	struct chat_question *q;
	struct scored         passages[EXTRACT_PASSAGES];
	size_t                n;
	double                top;	/* score of the best hit */
	struct chat_mask      said;
	size_t                cps;
};

static struct desk_str extract_text(const struct scored *s, size_t first, size_t last)
{
	const struct chat_unit *b = &s->units.at[first], *e = &s->units.at[last];

	return (struct desk_str){ s->passage->text.p + b->at, e->at + e->n - b->at };
}

static bool extract_has_number(struct desk_str t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] >= '0' && t.p[i] <= '9')
			return true;
	return false;
}

static bool extract_has_contact(struct desk_str t)
{
	return memchr(t.p, '@', t.n) != NULL || memmem(t.p, t.n, "http", 4) != NULL ||
	       memmem(t.p, t.n, "www.", 4) != NULL || extract_has_number(t);
}

/* What stands around a unit, as it is walked over: each mask without what nearer ones have. */
struct surroundings {
	struct chat_mask title, heading, asked, before;
	bool             has_asked;
	uint32_t         block;
};

static double extract_rest(const struct chat_question *q, struct chat_mask *covered,
			   const struct chat_mask *more, double part)
{
	double was = chat_question_share(q, covered);

	chat_mask_add(covered, more);
	return part * (chat_question_share(q, covered) - was);
}

static double extract_share(const struct extractor *x, const struct candidate *c,
			    const struct surroundings *s)
{
	struct chat_mask covered = c->own;
	double share = chat_question_share(x->q, &covered);

	if (s->has_asked)
		share += extract_rest(x->q, &covered, &s->asked, EXTRACT_FROM_QUESTION);
	share += extract_rest(x->q, &covered, &s->heading, EXTRACT_FROM_HEADING);
	share += extract_rest(x->q, &covered, &s->title, EXTRACT_FROM_TITLE);
	return share + extract_rest(x->q, &covered, &s->before, EXTRACT_FROM_BEFORE);
}

static double extract_score(const struct extractor *x, const struct scored *s, size_t i,
			    double share)
{
	const struct chat_unit *u = &s->units.at[i];
	struct desk_str text = extract_text(s, i, i);
	double score = share * (1 - 0.04 * (double)(s->passage->rank < 8 ? s->passage->rank : 8));

	if (x->top > 0)
		score += 0.1 * s->passage->hit->score / x->top;
	if ((x->q->wants_number && extract_has_number(text)) ||
	    (x->q->wants_contact && extract_has_contact(text)))
		score += 0.12;
	if (u->n < 20)
		score -= 0.08;
	else if (u->n > 400)
		score -= 0.05;
	return score;
}

/* The first row of a table, where it has no number, names the cells of those below. */
static bool extract_names_cells(const struct scored *s, size_t i)
{
	const struct chat_unit *u = s->units.at;

	return u[i].kind == CHAT_ROW && (i == 0 || u[i - 1].kind != CHAT_ROW) &&
	       i + 1 < s->units.n && u[i + 1].kind == CHAT_ROW &&
	       !extract_has_number(extract_text(s, i, i));
}

static void extract_walk(const struct extractor *x, struct scored *s)
{
	const struct desk_hit *hit = s->passage->hit;
	struct surroundings around = {
		.title = chat_question_match(x->a, x->q, hit->language, desk_str_of(hit->title)),
	};

	for (size_t i = 0; i < s->units.n; i++) {
		const struct chat_unit *u = &s->units.at[i];
		struct candidate *c = &s->at[i];

		c->own = chat_question_match(x->a, x->q, hit->language, extract_text(s, i, i));
		chat_mask_add(&s->all, &c->own);
		if (u->kind == CHAT_HEADING || u->question) {
			around.has_asked = u->question;
			if (u->question)
				around.asked = c->own;
			else
				around.heading = c->own;
			memset(&around.before, 0, sizeof(around.before));
			continue;
		}
		c->share = extract_share(x, c, &around);
		c->score = extract_score(x, s, i, c->share);
		c->eligible = u->n >= EXTRACT_BYTES_MIN && !extract_names_cells(s, i);
		if (u->kind != CHAT_ROW)
			around.before = c->own;
	}
}

static void extract_load(struct extractor *x, const struct chat_passages *passages)
{
	x->n = passages->n < EXTRACT_PASSAGES ? passages->n : EXTRACT_PASSAGES;
	x->top = x->n > 0 ? passages->at[0].hit->score : 0;
	for (size_t i = 0; i < x->n; i++) {
		struct scored *s = &x->passages[i];

		s->passage = &passages->at[i];
		chat_units_split(x->a, s->passage->hit->language, s->passage->text, &s->units);
		s->at = desk_arena_array(x->a, s->units.n + 1, sizeof(*s->at));
		extract_walk(x, s);
	}
}

/* ---- picking ------------------------------------------------------------------- */

/* Of what is left, the best; the earlier of equals. False when there is none. */
static bool extract_best(struct extractor *x, struct scored **in, size_t *at)
{
	double best = 0;
	bool found = false;

	for (size_t p = 0; p < x->n; p++) {
		struct scored *s = &x->passages[p];

		for (size_t i = 0; i < s->units.n; i++) {
			if (!s->at[i].eligible || s->at[i].taken ||
			    (found && s->at[i].score <= best + 1e-9))
				continue;
			best = s->at[i].score;
			*in = s;
			*at = i;
			found = true;
		}
	}
	return found;
}

static size_t extract_cps(const struct scored *s, size_t first, size_t last)
{
	struct desk_str t = extract_text(s, first, last);

	return desk_utf8_count(t.p, t.n);
}

/* May unit i be added behind a piece that ends with unit `last`? */
static bool extract_continues(const struct scored *s, size_t best, size_t last, size_t first)
{
	const struct chat_unit *a = &s->units.at[last], *b;
	size_t i = last + 1;

	if (i >= s->units.n || s->at[i].taken)
		return false;
	b = &s->units.at[i];
	if (b->kind == CHAT_HEADING || b->question)
		return false;
	if (s->passage->text.p[a->at + a->n - 1] == ':')
		return true;	/* what it announces */
	if (b->kind == CHAT_ITEM && a->kind == CHAT_ITEM && s->units.at[first].kind != CHAT_ITEM)
		return i - first <= EXTRACT_ITEMS;
	if (a->kind != CHAT_SENTENCE || b->kind != CHAT_SENTENCE)
		return a->block == b->block;
	return s->at[i].share >= 0.5 * s->at[best].share &&
	       (a->block == b->block || s->at[i].share > 0);
}

/* The first row of a table names the cells of those below. */
static struct desk_str extract_header(const struct scored *s, size_t row)
{
	size_t first = row;

	while (first > 0 && s->units.at[first].kind == CHAT_ROW &&
	       s->units.at[first - 1].kind == CHAT_ROW)
		first--;
	return first < row ? extract_text(s, first, first) : (struct desk_str){ NULL, 0 };
}

/* The unit and what belongs to it, as a piece. */
static void extract_grow(struct extractor *x, struct scored *s, size_t best, struct chat_pick *out)
{
	size_t last = best;

	while (extract_continues(s, best, last, best) &&
	       extract_cps(s, best, last + 1) <= EXTRACT_PIECE_CPS)
		last++;
	*out = (struct chat_pick){
		.passage = s->passage,
		.first = best,
		.last = last,
		.text = extract_text(s, best, last),
		.share = s->at[best].share,
		.header = extract_header(s, best),
	};
	out->start =
		s->passage->start + (int)desk_utf8_count(s->passage->text.p, s->units.at[best].at);
	out->end = out->start + (int)desk_utf8_count(out->text.p, out->text.n);
	out->page = chat_passage_hit(s->passage, out->start)->page;
	out->open_head = best == 0 && s->passage->start > 0 && s->units.at[0].kind == CHAT_SENTENCE;
	out->open_tail = last + 1 == s->units.n && !s->units.at[last].closed;
	for (size_t i = best; i <= last; i++) {
		s->at[i].taken = true;
		chat_mask_add(&x->said, &s->at[i].own);
	}
	x->cps += extract_cps(s, best, last);
}

/* Is it worth saying beside what is said already? */
static bool extract_adds(const struct extractor *x, const struct scored *s, size_t i, double best)
{
	struct chat_mask all = x->said;
	double was = chat_question_share(x->q, &all);

	if (s->at[i].score < 0.7 * best || x->cps + extract_cps(s, i, i) > EXTRACT_ALL_CPS)
		return false;
	chat_mask_add(&all, &s->at[i].own);
	return chat_question_share(x->q, &all) - was >= 0.15 ||
	       (s->at[i].score >= 0.9 * best && was < 0.6);
}

/* Best place first; places of one document in its order. */
static void extract_order(struct chat_extract *out)
{
	for (size_t i = 1; i < out->n; i++) {
		for (size_t j = i; j > 0; j--) {
			struct chat_pick *a = &out->picks[j - 1], *b = &out->picks[j], swap;

			if (a->passage != b->passage || a->start <= b->start)
				break;
			swap = *a;
			*a = *b;
			*b = swap;
		}
	}
}

void chat_extract(struct desk_arena *a, struct chat_question *q,
		  const struct chat_passages *passages, struct chat_extract *out)
{
	struct extractor *x = desk_arena_alloc(a, sizeof(*x));
	struct scored *s = NULL;
	double best = 0;
	size_t i = 0;

	memset(out, 0, sizeof(*out));
	x->a = a;
	x->q = q;
	extract_load(x, passages);
	out->pairs = -1;
	for (size_t p = 0; p < x->n; p++)
		if (chat_question_pairs(q, &x->passages[p].all) > out->pairs)
			out->pairs = chat_question_pairs(q, &x->passages[p].all);
	while (out->n < EXTRACT_PICKS && extract_best(x, &s, &i)) {
		if (out->n > 0 && !extract_adds(x, s, i, best)) {
			s->at[i].taken =
				true; /* looked at: the next best may still add something */
			if (s->at[i].score < 0.7 * best)
				break;
			continue;
		}
		if (out->n == 0) {
			best = s->at[i].score;
			out->share = s->at[i].share;
		}
		extract_grow(x, s, i, &out->picks[out->n++]);
	}
	extract_order(out);
}
