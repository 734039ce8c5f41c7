/* lib/chat/terms.c - the question's words, as they look in a document's language. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <string.h>
#include <strings.h>

/* What asks for a number, a price, a date or a time; and what asks for a way to get in touch. */
static const char *const terms_number[] = {
	"how many",  "how much",  "how long",   "how often", "how far",  "how large", "how big",
	"how heavy", "how old",   "how fast",   "how high",  "how soon", "how late",  "what time",
	"what year", "what date", "when ",      "cost",      "price",    "percent",   "maximum",
	"minimum",   "limit",     "deadline",   "fee",       "wie viel", "wie lange", "wie oft",
	"wie hoch",  "wie groß",  "wie schwer", "wie weit",  "wann ",    "kostet",    "preis",
	"cuánt",     "cuando",    "cuándo",     "precio",    "cuesta",   "combien",   "quand",
	"prix",      "сколько",   "когда",      "цена",      "多少",     "多久",      "几",
	"何时",      "كم",        "متى",
};
static const char *const terms_contact[] = {
	"e-mail",  "email",    "phone",  "contact",  "reach",     "website",  "telefon",
	"kontakt", "teléfono", "correo", "contacto", "téléphone", "courriel",
};

static bool terms_has_any(const char *text, const char *const *cues, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasestr(text, cues[i]) != NULL)
			return true;
	return false;
}

/* Which of the question's words it is; n_terms for none. */
static size_t terms_find(const struct chat_question *q, const struct chat_wording *w,
			 struct desk_str word)
{
	size_t t;

	for (t = 0; t < q->found->n_terms; t++)
		if (w->stems[t].n == word.n && word.n > 0 &&
		    memcmp(w->stems[t].p, word.p, word.n) == 0)
			break;
	return t;
}

static void terms_pairs(struct desk_arena *a, const struct chat_question *q, struct chat_wording *w)
{
	size_t none = q->found->n_terms, before = none;
	struct desk_terms words;

	desk_analyze(q->retrieval, a, w->lang, q->text, &words);
	for (size_t i = 0; i < words.n && w->n_pairs < CHAT_PAIRS_MAX; i++) {
		size_t t = terms_find(q, w, words.at[i]);

		if (t < none && before < none && t != before && t < 256 && before < 256) {
			w->pairs[w->n_pairs][0] = (uint8_t)before;
			w->pairs[w->n_pairs++][1] = (uint8_t)t;
		}
		before = t;
	}
}

/* The question's words in a language, made at the first text in it. */
static const struct chat_wording *terms_in(struct desk_arena *a, struct chat_question *q,
					   const char *lang)
{
	const struct desk_search_result *f = q->found;
	struct chat_wording *w;
	struct desk_str *stems;
	size_t i;

	for (i = 0; i < q->n_languages; i++)
		if (strcmp(q->languages[i].lang, lang) == 0)
			return &q->languages[i];
	if (i == CHAT_LANGUAGES_MAX)
		i = CHAT_LANGUAGES_MAX - 1;	/* the last slot takes turns */
	w = &q->languages[i];
	stems = desk_arena_array(a, f->n_terms + 1, sizeof(*stems));
	for (size_t t = 0; t < f->n_terms; t++) {
		struct desk_terms one;

		desk_analyze(q->retrieval, a, lang, desk_str_of(f->terms[t].text), &one);
		if (one.n > 0)
			stems[t] = one.at[0];
	}
	*w = (struct chat_wording){ .lang = lang, .stems = stems };
	q->n_languages = i + 1;
	terms_pairs(a, q, w);
	return w;
}

void chat_question_init(struct desk_arena *a, struct desk_retrieval *r, struct desk_str text,
			const struct desk_search_result *found, struct chat_question *out)
{
	const char *s = desk_arena_strndup(a, text.p, text.n);

	memset(out, 0, sizeof(*out));
	out->text = text;
	out->retrieval = r;
	out->found = found;
	for (size_t i = 0; i < found->n_terms; i++)
		out->weight += found->terms[i].df > 0 ? found->terms[i].idf : 0;
	out->wants_number = terms_has_any(s, terms_number, DESK_ARRAY_LEN(terms_number));
	out->wants_contact = terms_has_any(s, terms_contact, DESK_ARRAY_LEN(terms_contact));
}

struct chat_mask chat_question_match(struct desk_arena *a, struct chat_question *q,
				     const char *lang, struct desk_str text)
{
	const struct chat_wording *w = terms_in(a, q, lang != NULL ? lang : "");
	size_t none = q->found->n_terms, before = none;
	struct chat_mask m = { .pairs = 0 };
	struct desk_terms words;

	desk_analyze(q->retrieval, a, lang, text, &words);
	for (size_t i = 0; i < words.n; i++) {
		size_t t = terms_find(q, w, words.at[i]);

		if (t < none)
			m.bits[t / 64] |= (uint64_t)1 << t % 64;
		for (size_t p = 0; t < none && before < none && p < w->n_pairs; p++)
			if (w->pairs[p][0] == before && w->pairs[p][1] == t)
				m.pairs |= (uint64_t)1 << p;
		before = t;
	}
	return m;
}

double chat_question_pairs(const struct chat_question *q, const struct chat_mask *m)
{
	size_t n = q->n_languages > 0 ? q->languages[0].n_pairs : 0, have = 0;

	for (size_t i = 0; i < n; i++)
		have += m->pairs >> i & 1;
	return n > 0 ? (double)have / (double)n : -1;
}

double chat_question_share(const struct chat_question *q, const struct chat_mask *m)
{
	double sum = 0;

	for (size_t t = 0; t < q->found->n_terms; t++)
		if ((m->bits[t / 64] >> t % 64 & 1) != 0 && q->found->terms[t].df > 0)
			sum += q->found->terms[t].idf;
	return q->weight > 0 ? sum / q->weight : 0;
}

void chat_mask_add(struct chat_mask *m, const struct chat_mask *other)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(m->bits); i++)
		m->bits[i] |= other->bits[i];
	m->pairs |= other->pairs;
}
