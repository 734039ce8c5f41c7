/* lib/ingestion/child/mime.c - the codings of e-mail: quoted-printable, base64, encoded words. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/mime.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static int mime_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A byte as =41 at s[i], or -1. */
static int mime_escaped(struct desk_str s, size_t i)
{
	int high = i + 2 < s.n ? mime_hex(s.p[i + 1]) : -1;
	int low = high >= 0 ? mime_hex(s.p[i + 2]) : -1;

	return low >= 0 ? high * 16 + low : -1;
}

/* Bytes after the = of a soft line break, 0 when it is none. */
static size_t mime_soft_break(struct desk_str s, size_t i)
{
	if (i + 1 < s.n && s.p[i + 1] == '\n')
		return 1;
	return i + 2 < s.n && s.p[i + 1] == '\r' && s.p[i + 2] == '\n' ? 2 : 0;
}

/* RFC 2045, 6.7; word is RFC 2047's Q, where _ is a space. */
static void mime_qp(struct desk_str s, bool word, struct desk_buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		int byte = c == '=' ? mime_escaped(s, i) : -1;
		size_t soft = c == '=' && !word ? mime_soft_break(s, i) : 0;

		if (byte >= 0)
			desk_buf_addc(out, (char)byte), i += 2;
		else if (soft > 0)
			i += soft;
		else
			desk_buf_addc(out, word && c == '_' ? ' ' : c);
	}
}

static void mime_base64(struct desk_str s, struct desk_buf *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, have = 0;

	for (size_t i = 0; i < s.n && s.p[i] != '='; i++) {
		const char *at = s.p[i] != '\0' ? strchr(digits, s.p[i]) : NULL;

		if (at == NULL)
			continue;
		bits = bits << 6 | (unsigned)(at - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			desk_buf_addc(out, (char)(bits >> have & 0xFF));
		}
	}
}

void mime_decode(struct desk_str body, const char *coding, struct desk_buf *out)
{
	if (strcasecmp(coding, "quoted-printable") == 0)
		mime_qp(body, false, out);
	else if (strcasecmp(coding, "base64") == 0)
		mime_base64(body, out);
	else
		desk_buf_add(out, body.p, body.n);
}

static void mime_append(void *arg, const char *p, size_t n)
{
	desk_buf_add(arg, p, n);
}

void mime_to_utf8(struct desk_str bytes, const char *charset, struct desk_buf *out)
{
	struct extract_decoder dec;
	const char *name = extract_charset_guess(bytes, charset, desk_utf8_valid(bytes.p, bytes.n));

	extract_decoder_init(&dec, name, mime_append, out);
	extract_decode(&dec, bytes.p, bytes.n, true);
	extract_decoder_done(&dec);
}

/* =?charset?Q?text?= at the start of s: its length, with its text added to out; 0 when none. */
static size_t mime_word(struct desk_str s, struct desk_buf *out)
{
	const char *end = s.p + s.n, *p = s.p + 2, *coding, *text, *close;
	char charset[64];
	struct desk_buf raw;
	size_t n;

	if (s.n < 8 || memcmp(s.p, "=?", 2) != 0)
		return 0;
	coding = memchr(p, '?', (size_t)(end - p));
	if (coding == NULL || end - coding < 4 || coding[2] != '?')
		return 0;
	text = coding + 3;
	close = memmem(text, (size_t)(end - text), "?=", 2);
	n = (size_t)(coding - p);
	if (close == NULL || n >= sizeof(charset))
		return 0;
	memcpy(charset, p, n);
	charset[n] = '\0';
	charset[strcspn(charset, "*")] = '\0';	/* RFC 2231: a language follows */
	desk_buf_init(&raw, out->max);
	if ((coding[1] | 32) == 'b')
		mime_base64((struct desk_str){ text, (size_t)(close - text) }, &raw);
	else
		mime_qp((struct desk_str){ text, (size_t)(close - text) }, true, &raw);
	mime_to_utf8((struct desk_str){ raw.p != NULL ? raw.p : "", raw.n }, charset, out);
	desk_buf_done(&raw);
	return (size_t)(close + 2 - s.p);
}

void mime_header_text(struct desk_str value, struct desk_buf *out)
{
	struct desk_buf plain;
	size_t i = 0;

	desk_buf_init(&plain, value.n + 1);
	while (i < value.n) {
		size_t n = mime_word((struct desk_str){ value.p + i, value.n - i }, out), gap;

		if (n == 0) {
			desk_buf_clear(&plain);
			while (i < value.n && (plain.n == 0 || value.n - i < 2 ||
					       memcmp(value.p + i, "=?", 2) != 0))
				desk_buf_addc(&plain, value.p[i++]);
			/* raw bytes: too few of them to guess by are taken for western */
			mime_to_utf8(desk_buf_str(&plain), plain.n < 40 ? "windows-1252" : "", out);
			continue;
		}
		i += n;
		for (gap = i; gap < value.n && isspace((unsigned char)value.p[gap]); gap++)
			;
		if (gap + 2 < value.n && memcmp(value.p + gap, "=?", 2) == 0)
			i = gap;	/* white space between two encoded words is none */
	}
	desk_buf_done(&plain);
}

/* Where the parameter's = is; s.n when there is none. *extended when its name ends with a star. */
static size_t mime_param_find(struct desk_str s, const char *name, bool *extended)
{
	size_t n = strlen(name), at = 0;
	const char *semicolon;

	while ((semicolon = memchr(s.p + at, ';', s.n - at)) != NULL) {
		at = (size_t)(semicolon - s.p) + 1;
		while (at < s.n && isspace((unsigned char)s.p[at]))
			at++;
		if (at + n >= s.n || strncasecmp(s.p + at, name, n) != 0)
			continue;
		*extended = s.p[at + n] == '*';
		for (at += n; at < s.n && (s.p[at] == '*' || isdigit((unsigned char)s.p[at])); at++)
			;
		if (at < s.n && s.p[at] == '=')
			return at;
	}
	return s.n;
}

/* RFC 2231: charset'lang'%41%42, the charset being left to the guess. */
static void mime_param_extended(struct desk_buf *value)
{
	const char *tick = value->n > 0 ? memrchr(value->p, '\'', value->n) : NULL;
	struct desk_buf raw;

	desk_buf_init(&raw, value->max);
	for (char *p = value->p; p != NULL && *p != '\0'; p++)
		*p = *p == '%' ? '=' : *p;
	mime_qp(tick != NULL ? desk_str_of(tick + 1) : desk_buf_str(value), false, &raw);
	desk_buf_clear(value);
	desk_buf_add(value, raw.p != NULL ? raw.p : "", raw.n);
	desk_buf_done(&raw);
}

void mime_param(struct desk_str s, const char *name, struct desk_buf *out)
{
	bool extended = false, quoted;
	size_t at = mime_param_find(s, name, &extended) + 1;

	quoted = at < s.n && s.p[at] == '"';
	for (at += quoted; at < s.n; at++) {
		if (quoted ? s.p[at] == '"' : s.p[at] == ';' || isspace((unsigned char)s.p[at]))
			break;
		desk_buf_addc(out, s.p[at]);
	}
	if (extended && !quoted && out->n > 0)
		mime_param_extended(out);
}
