/* lib/chat/support.c - does the cited text support the sentence? */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <ctype.h>
#include <string.h>

#define SUPPORT_SHARE 0.5	/* of the claim's words that must be in the cited sentences */
#define SUPPORT_BRIEF 4	/* a claim of fewer words is read with its question */
#define SUPPORT_SPAN 3	/* sentences that together may carry one of a model's */

static bool support_has_term(const struct desk_terms *t, struct desk_str w)
{
	for (size_t i = 0; i < t->n; i++)
		if (desk_str_eq(t->at[i], w))
			return true;
	return false;
}

/* A number's digits, "1,000.50" as "1000.50"; the next place to look in *at. */
static size_t support_number(struct desk_str t, size_t *at, char *out, size_t cap)
{
	size_t n = 0, i = *at;

	while (i < t.n && !isdigit((unsigned char)t.p[i]))
		i++;
	while (i < t.n && n + 1 < cap) {
		if (isdigit((unsigned char)t.p[i]))
			out[n++] = t.p[i];
		else if (!(strchr(",.' ", t.p[i]) != NULL && i + 3 < t.n &&
			   isdigit((unsigned char)t.p[i + 1]) &&
			   isdigit((unsigned char)t.p[i + 2]) &&
			   isdigit((unsigned char)t.p[i + 3])))
			break;
		i++;
	}
	*at = i;
	out[n] = '\0';
	return n;
}

static bool support_has_number(struct desk_str t, const char *number)
{
	char other[32];
	size_t at = 0;

	while (support_number(t, &at, other, sizeof(other)) > 0)
		if (strcmp(other, number) == 0)
			return true;
	return false;
}

/* Every number of the claim stands in the text: a wrong one is the worst that a model can say. */
bool chat_support_numbers(struct desk_str claim, struct desk_str text)
{
	char number[32];
	size_t at = 0;

	while (support_number(claim, &at, number, sizeof(number)) > 0)
		if (!support_has_number(text, number))
			return false;
	return true;
}

struct supporter {
	struct desk_terms          claim;	/* with its question's, where it is brief */
	struct desk_terms          own;	/* its own alone */
	const struct chat_passage *p;
	struct chat_units          units;
	struct desk_terms         *terms;	/* of each unit */
};

/* Share of different words that units first..last have. */
static double support_share(const struct supporter *s, const struct desk_terms *of, size_t first,
			    size_t last)
{
	size_t have = 0, all = 0;

	for (size_t i = 0; i < of->n; i++) {
		const struct desk_terms before = { of->at, i };
		bool found = false;

		if (support_has_term(&before, of->at[i]))
			continue;
		all++;
		for (size_t u = first; u <= last && !found; u++)
			found = support_has_term(&s->terms[u], of->at[i]);
		have += found;
	}
	return all > 0 ? (double)have / (double)all : 0;
}

static void support_try(const struct supporter *s, struct desk_str claim, size_t first, size_t last,
			struct chat_support *out)
{
	const struct chat_unit *b = &s->units.at[first], *e = &s->units.at[last];
	struct desk_str text = { s->p->text.p + b->at, e->at + e->n - b->at };
	/* more sentences must carry clearly more: a citation is as short as it can be */
	double share = support_share(s, &s->claim, first, last),
	       worth = share - 0.08 * (double)(last - first);

	if (share < SUPPORT_SHARE || worth <= out->share ||
	    support_share(s, &s->own, first, last) < SUPPORT_SHARE ||
	    !chat_support_numbers(claim, text))
		return;
	*out = (struct chat_support){ true, s->p, text, 0, 0, worth };
	out->start = s->p->start + (int)desk_utf8_count(s->p->text.p, b->at);
	out->end = out->start + (int)desk_utf8_count(text.p, text.n);
}

/* "According to source 1, the answer is": the frame of a claim says nothing. */
static void support_drop_frame(struct desk_terms *t)
{
	static const char *const frame[] = { "answer",  "sourc",  "accord",   "document", "base",
					     "inform",  "provid", "question", "state",    "quell",
					     "antwort", "fuent",  "respuest" };
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		bool framed = false;

		for (size_t k = 0; k < DESK_ARRAY_LEN(frame); k++)
			framed |= desk_str_is(t->at[i], frame[k]);
		if (!framed)
			t->at[n++] = t->at[i];
	}
	t->n = n;
}

static void support_terms(struct desk_arena *a, struct desk_retrieval *r,
			  const struct chat_statement *st, struct supporter *out)
{
	const char *lang = out->p->hit->language;
	struct desk_terms asked, *own = &out->own, *both = &out->claim;

	desk_analyze(r, a, lang, st->claim, own);
	support_drop_frame(own);
	*both = *own;
	if (own->n == 0 || own->n >= SUPPORT_BRIEF)
		return;
	desk_analyze(r, a, lang, st->question, &asked);
	both->n = 0;
	both->at = desk_arena_array(a, own->n + asked.n, sizeof(*both->at));
	for (size_t i = 0; i < own->n; i++)
		both->at[both->n++] = own->at[i];
	for (size_t i = 0; i < asked.n; i++)
		both->at[both->n++] = asked.at[i];
}

void chat_support_find(struct desk_arena *a, struct desk_retrieval *r,
		       const struct chat_statement *st, const struct chat_passage *p,
		       struct chat_support *out)
{
	struct supporter s = { .p = p };
	const char *lang = p->hit->language;

	memset(out, 0, sizeof(*out));
	support_terms(a, r, st, &s);
	chat_units_split(a, lang, p->text, &s.units);
	s.terms = desk_arena_array(a, s.units.n + 1, sizeof(*s.terms));
	for (size_t i = 0; i < s.units.n; i++)
		desk_analyze(r, a, lang,
			     (struct desk_str){ p->text.p + s.units.at[i].at, s.units.at[i].n },
			     &s.terms[i]);
	for (size_t i = 0; i < s.units.n; i++)
		for (size_t last = i; last < s.units.n && last < i + SUPPORT_SPAN; last++)
			support_try(&s, st->claim, i, last, out);
}
