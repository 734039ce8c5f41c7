/* lib/chat/rewrite.c - a follow-up -> a question that stands alone. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <string.h>
#include <strings.h>

#define REWRITE_WORDS_MAX 64
#define REWRITE_BORROW_MAX 12	/* words taken over from the question before */
#define REWRITE_LONG 9	/* a question of more words of its own stands alone */

/* What a follow-up begins with. */
static const char *const rewrite_openings[] = {
	"and ",
	"and,",
	"but ",
	"or ",
	"also ",
	"what about",
	"how about",
	"what if",
	"then ",
	"so ",
	"why not",
	"why?",
	"und ",
	"aber ",
	"oder ",
	"was ist mit",
	"wie ist es mit",
	"auch ",
	"y ",
	"¿y ",
	"pero ",
	"o ",
	"¿qué pasa con",
	"también ",
	"et ",
	"mais ",
	"ou ",
	"qu'en est-il",
	"aussi ",
	"а ",
	"А ",
	"и ",
	"И ",
	"но ",
	"那",
	"还有",
	"但",
	"و",
	"ماذا عن",
};
/* Words that point back. */
static const char *const rewrite_pronouns[] = {
	"it",    "its",    "they",   "them",  "their", "this",  "that", "these", "those",
	"there", "he",     "she",    "him",   "her",   "one",   "ones", "same",  "else",
	"more",  "es",     "er",     "sie",   "ihn",   "ihm",   "ihr",  "das",   "dies",
	"diese", "dieser", "dieses", "dafür", "damit", "davon", "dort", "dazu",  "dabei",
	"eso",   "esto",   "esta",   "este",  "ellos", "ellas", "lo",   "ahí",   "allí",
	"il",    "elle",   "ils",    "elles", "cela",  "ça",    "ceci", "y",     "en",
	"он",    "она",    "оно",    "они",   "это",   "этот",  "там",
};

struct words {
	struct desk_str at[REWRITE_WORDS_MAX];
	size_t          n;
};

static bool rewrite_is_edge(char c)
{
	return strchr(" \t\r\n.,;:!?\"()[]", c) != NULL;
}

static void rewrite_words(struct desk_str text, struct words *out)
{
	out->n = 0;
	for (size_t i = 0; i < text.n && out->n < REWRITE_WORDS_MAX;) {
		size_t b;

		while (i < text.n && rewrite_is_edge(text.p[i]))
			i++;
		b = i;
		while (i < text.n && !rewrite_is_edge(text.p[i]))
			i++;
		if (i > b)
			out->at[out->n++] = (struct desk_str){ text.p + b, i - b };
	}
}

static bool rewrite_word_in(struct desk_str w, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i]) == w.n && strncasecmp(list[i], w.p, w.n) == 0)
			return true;
	return false;
}

static bool rewrite_opens(struct desk_str text)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(rewrite_openings); i++) {
		size_t n = strlen(rewrite_openings[i]);

		if (text.n >= n && strncasecmp(text.p, rewrite_openings[i], n) == 0)
			return true;
	}
	return false;
}

/* Words that carry meaning: what the analyzer leaves of them, pointing words aside. */
static size_t rewrite_content(struct desk_arena *a, struct desk_retrieval *r, const char *lang,
			      const struct words *w, struct words *out)
{
	out->n = 0;
	for (size_t i = 0; i < w->n; i++) {
		struct desk_terms t;

		if (rewrite_word_in(w->at[i], rewrite_pronouns, DESK_ARRAY_LEN(rewrite_pronouns)))
			continue;
		desk_analyze(r, a, lang, w->at[i], &t);
		if (t.n > 0)
			out->at[out->n++] = w->at[i];
	}
	return out->n;
}

static bool rewrite_leans(const struct words *all, size_t content, struct desk_str message)
{
	bool points = false;

	if (content > REWRITE_LONG)
		return false;
	for (size_t i = 0; i < all->n; i++)
		points |= rewrite_word_in(all->at[i], rewrite_pronouns,
					  DESK_ARRAY_LEN(rewrite_pronouns));
	return rewrite_opens(message) || (points && content <= 5) || content <= 1;
}

/* The customer's last question, as it was searched for. */
static const char *rewrite_before(const struct chat_history *h)
{
	for (size_t i = h->n; i > 0; i--)
		if (h->at[i - 1].customer)
			return h->at[i - 1].standalone != NULL ? h->at[i - 1].standalone
							       : h->at[i - 1].text;
	return NULL;
}

static bool rewrite_has(const struct words *w, struct desk_str word)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->at[i].n == word.n && strncasecmp(w->at[i].p, word.p, word.n) == 0)
			return true;
	return false;
}

/* Of the words before, the last ones are kept where there are too many: nearest to what is meant. */
static struct desk_str rewrite_join(struct desk_arena *a, const struct words *borrowed,
				    const struct words *own, struct desk_str message)
{
	struct desk_buf b;
	struct desk_str out;
	size_t from = borrowed->n > REWRITE_BORROW_MAX ? borrowed->n - REWRITE_BORROW_MAX : 0;

	desk_buf_init(&b, (size_t)32 * 1024);
	for (size_t i = from; i < borrowed->n; i++) {
		if (rewrite_has(own, borrowed->at[i]))
			continue;
		desk_buf_add(&b, borrowed->at[i].p, borrowed->at[i].n);
		desk_buf_addc(&b, ' ');
	}
	desk_buf_add(&b, message.p, message.n);
	out = (struct desk_str){ desk_arena_strndup(a, desk_buf_str(&b).p, b.n), b.n };
	desk_buf_done(&b);
	return out;
}

struct desk_str chat_rewrite(struct desk_arena *a, struct desk_retrieval *r, const char *lang,
			     const struct chat_history *h, struct desk_str message)
{
	const char *before = rewrite_before(h);
	struct words all, own, earlier, borrowed;

	if (before == NULL)
		return message;
	rewrite_words(message, &all);
	if (!rewrite_leans(&all, rewrite_content(a, r, lang, &all, &own), message))
		return message;
	rewrite_words(desk_str_of(before), &earlier);
	rewrite_content(a, r, lang, &earlier, &borrowed);
	return rewrite_join(a, &borrowed, &own, message);
}
