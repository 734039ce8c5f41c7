/* lib/chat/reply.c - a model's text -> sentences with citations; links and images made harmless. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define REPLY_CLAIMS_MAX 40	/* sentences; a longer answer is cut there */

/* ---- links, images, markup --------------------------------------------------- */

/* The end of "](target)" or "][ref]" behind p[at] == ']'; at + 1 when there is none. */
static size_t reply_target_end(struct desk_str t, size_t at)
{
	size_t i = at + 1;
	char close;
	int depth = 1;

	if (i >= t.n || t.p[i] != '(')
		return at + 1;
	close = ')';
	for (i++; i < t.n && t.p[i] != '\n'; i++) {
		depth += t.p[i] == '(';
		depth -= t.p[i] == close;
		if (depth == 0)
			return i + 1;
	}
	return i;	/* unclosed: all that is left of the line was a target */
}

/* "scheme://…" or "www.…" at p: its length, 0 for none. */
static size_t reply_url(const char *p, size_t n)
{
	static const char *const starts[] = { "http://", "https://",    "ftp://", "www.",
					      "data:",   "javascript:", "file:" };
	size_t i;

	for (i = 0; i < DESK_ARRAY_LEN(starts); i++)
		if (n > strlen(starts[i]) && strncasecmp(p, starts[i], strlen(starts[i])) == 0)
			break;
	if (i == DESK_ARRAY_LEN(starts))
		return 0;
	for (i = 0; i < n && strchr(" \t\r\n<>\"'()[]", p[i]) == NULL; i++)
		;
	while (i > 0 && strchr(".,;:!?", p[i - 1]) != NULL)
		i--;
	return i;
}

/* "<tag …>" at the beginning: its length, 0 for none. */
static size_t reply_tag(struct desk_str t)
{
	const char *end;

	if (t.n < 2 || t.p[0] != '<' ||
	    !(isalpha((unsigned char)t.p[1]) || t.p[1] == '/' || t.p[1] == '!'))
		return 0;
	end = memchr(t.p, '>', t.n);
	return end != NULL ? (size_t)(end - t.p) + 1 : 0;
}

/* Bytes at the beginning that are not said. */
static size_t reply_dropped(struct desk_str t)
{
	size_t n = reply_url(t.p, t.n);

	if (n == 0)
		n = reply_tag(t);
	if (n > 0)
		return n;
	if (t.p[0] == '`' || (t.n > 1 && t.p[0] == '!' && t.p[1] == '['))
		return 1;
	return t.n > 1 && t.p[0] == '*' && t.p[1] == '*' ? 2 : 0;
}

/*
 * Text alone: "![alt](url)" and "[text](url)" lose their targets, bare URLs and HTML tags are dropped.
 * What a document smuggled into the model's mouth must not be fetched by whoever shows the answer.
 */
static void reply_clean(struct desk_buf *out, struct desk_str t)
{
	for (size_t i = 0; i < t.n;) {
		size_t dropped = reply_dropped((struct desk_str){ t.p + i, t.n - i });

		if (dropped > 0) {
			i += dropped;
			continue;
		}
		desk_buf_addc(out, t.p[i]);
		i = t.p[i] == ']' ? reply_target_end(t, i) : i + 1;
	}
}

/* ---- markers -------------------------------------------------------------------- */

static void reply_cite(struct chat_claim *c, unsigned long number, size_t n_sources)
{
	if (number < 1 || number > n_sources || c->n_cited == CHAT_CITED_MAX)
		return;
	for (size_t i = 0; i < c->n_cited; i++)
		if (c->cited[i] == number - 1)
			return;
	c->cited[c->n_cited++] = (uint8_t)(number - 1);
}

static size_t reply_open(const char *p, size_t n)
{
	if (n > 0 && p[0] == '[')
		return 1;
	return n >= 3 && memcmp(p, "\xE3\x80\x90", 3) == 0 ? 3 : 0; /* some models' own bracket */
}

static size_t reply_close(const char *p, size_t n)
{
	if (n > 0 && p[0] == ']')
		return 1;
	return n >= 3 && memcmp(p, "\xE3\x80\x91", 3) == 0 ? 3 : 0;
}

static size_t reply_number(const char *p, size_t n, unsigned long *out)
{
	size_t k;

	*out = 0;
	for (k = 0; k < n && k < 4 && isdigit((unsigned char)p[k]); k++)
		*out = *out * 10 + (unsigned long)(p[k] - '0');
	return k;
}

/* What may stand in a marker beside numbers: its length, 0 when it makes it no marker. */
static size_t reply_filler(const char *p, size_t n)
{
	static const char *const names[] = { "sources", "source", "quelle", "fuente", "n=" };

	for (size_t i = 0; i < DESK_ARRAY_LEN(names); i++)
		if (n > strlen(names[i]) && strncasecmp(p, names[i], strlen(names[i])) == 0)
			return strlen(names[i]);
	return *p != '\0' && strchr(" ,;^&#:-", *p) != NULL;
}

/* "[1]", "[1, 2]", "[Source 3]" at p: its length, 0 when it is no marker. Numbers go to c. */
static size_t reply_marker(const char *p, size_t n, struct chat_claim *c, size_t n_sources)
{
	struct chat_claim was = *c;
	size_t i = reply_open(p, n), digits = 0, filler = 1;

	if (i == 0)
		return 0;
	while (i < n && filler > 0 && reply_close(p + i, n - i) == 0) {
		unsigned long number;
		size_t k = reply_number(p + i, n - i, &number);

		if (k > 0)
			reply_cite(c, number, n_sources);
		digits += k;
		filler = k > 0 ? k : reply_filler(p + i, n - i);
		i += filler;
	}
	if (i >= n || filler == 0 || digits == 0) {
		*c = was;
		return 0;
	}
	return i + reply_close(p + i, n - i);
}

/* Takes the markers out of a sentence. */
static void reply_take_markers(struct desk_arena *a, struct desk_str s, size_t n_sources,
			       struct chat_claim *c)
{
	char *out = desk_arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = strspn(s.p, " \t\r\n"); i < s.n;) {
		size_t len = reply_marker(s.p + i, s.n - i, c, n_sources);

		if (len > 0) {
			i += len;
			while (n > 0 && out[n - 1] == ' ')
				n--;
			continue;
		}
		out[n++] = s.p[i++];
	}
	while (n > 0 && strchr(" \t\r\n", out[n - 1]) != NULL)
		out[--n] = '\0';
	out[n] = '\0';
	c->text = (struct desk_str){ out, n };
}

/* ---- sentences -------------------------------------------------------------------- */

static bool reply_is_empty(struct desk_str t)
{
	for (size_t i = 0; i < t.n; i++)
		if (isalnum((unsigned char)t.p[i]) || (unsigned char)t.p[i] >= 128)
			return false;
	return true;
}

/* Behind a sentence's end stand its markers: " [1][2]" belongs to what is before. */
static size_t reply_markers_behind(struct desk_str t, size_t at, struct chat_claim *c,
				   size_t n_sources)
{
	for (;;) {
		size_t i = at, len;

		while (i < t.n && (t.p[i] == ' ' || t.p[i] == '\t'))
			i++;
		len = reply_marker(t.p + i, t.n - i, c, n_sources);
		if (len == 0)
			return at;
		at = i + len;
		if (at < t.n && strchr(".,;", t.p[at]) != NULL)
			at++;
	}
}

static void reply_add(struct chat_claims *out, const struct chat_claim *c)
{
	if (!reply_is_empty(c->text)) {
		out->at[out->n++] = *c;
	} else if (out->n > 0) {
		/* markers on a line of their own belong to the sentence before */
		for (size_t i = 0; i < c->n_cited; i++)
			reply_cite(&out->at[out->n - 1], c->cited[i] + 1UL, CHAT_CITED_MAX);
	}
}

static void reply_split(struct desk_arena *a, const char *lang, struct desk_str text,
			size_t n_sources, struct chat_claims *out)
{
	struct chat_units units;
	size_t done = 0;

	chat_units_split(a, lang, text, &units);
	for (size_t i = 0; i < units.n && out->n < REPLY_CLAIMS_MAX; i++) {
		const struct chat_unit *u = &units.at[i];
		struct chat_claim c = { .n_cited = 0 };
		size_t b = u->at > done ? u->at : done, e = u->at + u->n;

		if (e <= done)
			continue;	/* nothing but markers, taken already */
		c.breaks = done > 0 && memchr(text.p + done, '\n', b - done) != NULL;
		reply_take_markers(a, (struct desk_str){ text.p + b, e - b }, n_sources, &c);
		done = reply_markers_behind(text, e, &c, n_sources);
		reply_add(out, &c);
	}
}

void chat_reply_parse(struct desk_arena *a, const char *lang, const struct desk_llm_reply *reply,
		      size_t n_sources, struct chat_claims *out)
{
	struct desk_buf b;
	struct desk_str clean, text = desk_str_of(reply->text);

	out->n = 0;
	out->at = desk_arena_array(a, REPLY_CLAIMS_MAX, sizeof(*out->at));
	text.p = desk_utf8_clean(a, text.p, text.n, &text.n);
	out->unknown = strstr(text.p, "NO_ANSWER") != NULL || strstr(text.p, "NO ANSWER") != NULL;
	if (out->unknown)
		return;
	desk_buf_init(&b, text.n + 1);
	reply_clean(&b, text);
	clean = (struct desk_str){ desk_arena_strndup(a, desk_buf_str(&b).p, b.n), b.n };
	desk_buf_done(&b);
	reply_split(a, lang, clean, n_sources < CHAT_CITED_MAX ? n_sources : CHAT_CITED_MAX, out);
	if (reply->cut && out->n > 1)
		out->n--;	/* the last sentence is a half one */
}
