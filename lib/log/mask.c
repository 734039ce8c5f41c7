/* lib/log/mask.c - what a secret looks like, so that none reaches a line. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log/log.h"

#include <string.h>
#include <strings.h>

#define MASK_URL_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

/* After one of these, up to white space, quote, '&' or ',', stands a secret. */
static const char *const mask_marks[] = {
	"password=", "passwd=", "bearer ", "google ", "facebook ", "api_key=", "api-key: ", "token=",
	"secret=", "\"password\":\"", "\"api_key\":\"",
};
/* A word that starts so is a secret itself. "eyJ" is how every JWT starts ({" in base64url). */
static const char *const mask_heads[] = { "eyJ", "sk-", "xoxb-", "xoxp-", "xapp-", "EAA", "ya29.", "ghp_" };

struct mask_out {
	char  *p;
	size_t n, cap;
};

static void mask_put(struct mask_out *o, const char *s, size_t n)
{
	for (size_t i = 0; i < n && o->n + 1 < o->cap; i++)
		o->p[o->n++] = s[i];
}

/* Bytes of a mark that `s` starts with, 0 for none. */
static size_t mask_mark(const char *s)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(mask_marks); i++) {
		size_t n = strlen(mask_marks[i]);

		if (strncasecmp(s, mask_marks[i], n) == 0)
			return n;
	}
	return 0;
}

/* Bytes of a secret word at `s`, 0 when it is none. Short words with such a head are words. */
static size_t mask_word(const char *s)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(mask_heads); i++) {
		if (strncmp(s, mask_heads[i], strlen(mask_heads[i])) == 0) {
			size_t n = strspn(s, MASK_URL_CHARS);

			return n >= 16 ? n : 0;
		}
	}
	return 0;
}

/* "scheme://user:secret@host": bytes of the secret when `s` stands behind "://", 0 otherwise. */
static size_t mask_userinfo(const char *s, size_t *head)
{
	size_t all = strcspn(s, "/ \t\n\"'");
	const char *at = NULL, *colon;

	for (size_t i = 0; i < all; i++) {
		if (s[i] == '@')
			at = s + i;
	}
	colon = at != NULL ? memchr(s, ':', (size_t)(at - s)) : NULL;
	if (colon == NULL)
		return 0;
	*head = (size_t)(colon - s) + 1;
	return (size_t)(at - colon) - 1;
}

void desk_log_mask(const char *text, char *out, size_t cap)
{
	struct mask_out o = { out, 0, cap };
	bool start = true;

	if (cap == 0)
		return;
	while (*text != '\0' && o.n + 1 < cap) {
		size_t mark = mask_mark(text), word = start ? mask_word(text) : 0, head, n;

		if (mark > 0) {
			mask_put(&o, text, mark);
			text += mark;
			n = strcspn(text, " \t\r\n\"'&,");
			if (n > 0)
				mask_put(&o, "***", 3);
			text += n;
		} else if (word > 0) {
			mask_put(&o, "***", 3);
			text += word;
		} else if (strncmp(text, "://", 3) == 0 && (n = mask_userinfo(text + 3, &head)) > 0) {
			mask_put(&o, text, 3 + head);
			mask_put(&o, "***", 3);
			text += 3 + head + n;
		} else {
			start = strchr(MASK_URL_CHARS, *text) == NULL;
			mask_put(&o, text++, 1);
		}
	}
	out[o.n] = '\0';
}
