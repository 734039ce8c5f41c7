/* lib/chat/support.c - does the cited text support the sentence? */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <ctype.h>
#include <string.h>

#define SUPPORT_SHARE 0.5	/* of the claim's words that must be in the cited sentences */
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
		else if (!(strchr(",.' ", t.p[i]) != NULL && i + 3 < t.n && isdigit((unsigned char)t.p[i + 1]) &&
			   isdigit((unsigned char)t.p[i + 2]) && isdigit((unsigned char)t.p[i + 3])))
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
	struct desk_terms          claim;
	const struct chat_passage *p;
	struct chat_units          units;
	struct desk_terms         *terms;	/* of each unit */
};

/* Share of the claim's different words that units first..last have. */
static double support_share(const struct supporter *s, size_t first, size_t last)
{
	size_t have = 0, all = 0;

	for (size_t i = 0; i < s->claim.n; i++) {
		const struct desk_terms before = { s->claim.at, i };
		bool found = false;

		if (support_has_term(&before, s->claim.at[i]))
			continue;
		all++;
		for (size_t u = first; u <= last && !found; u++)
			found = support_has_term(&s->terms[u], s->claim.at[i]);
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
	double share = support_share(s, first, last), worth = share - 0.08 * (double)(last - first);

	if (share < SUPPORT_SHARE || worth <= out->share || !chat_support_numbers(claim, text))
		return;
	*out = (struct chat_support){ true, s->p, text, 0, 0, worth };
	out->start = s->p->start + (int)desk_utf8_count(s->p->text.p, b->at);
	out->end = out->start + (int)desk_utf8_count(text.p, text.n);
}

void chat_support_find(struct desk_arena *a, struct desk_retrieval *r, struct desk_str claim,
		       const struct chat_passage *p, struct chat_support *out)
{
	struct supporter s = { .p = p };
	const char *lang = p->hit->language;

	memset(out, 0, sizeof(*out));
	desk_analyze(r, a, lang, claim, &s.claim);
	chat_units_split(a, lang, p->text, &s.units);
	s.terms = desk_arena_array(a, s.units.n + 1, sizeof(*s.terms));
	for (size_t i = 0; i < s.units.n; i++)
		desk_analyze(r, a, lang, (struct desk_str){ p->text.p + s.units.at[i].at, s.units.at[i].n },
			     &s.terms[i]);
	for (size_t i = 0; i < s.units.n; i++)
		for (size_t last = i; last < s.units.n && last < i + SUPPORT_SPAN; last++)
			support_try(&s, claim, i, last, out);
}
