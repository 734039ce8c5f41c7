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

/* RFC 2045, 6.7; word is RFC 2047's Q, where _ is a space. */
static void mime_qp(struct desk_str s, bool word, struct desk_buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '=' && i + 2 < s.n + 0 && mime_hex(s.p[i + 1]) >= 0 &&
		    mime_hex(s.p[i + 2]) >= 0) {
			desk_buf_addc(out, (char)(mime_hex(s.p[i + 1]) * 16 + mime_hex(s.p[i + 2])));
			i += 2;
		} else if (c == '=' && !word && i + 1 < s.n && s.p[i + 1] == '\n') {
			i++;
		} else if (c == '=' && !word && i + 2 < s.n && s.p[i + 1] == '\r' && s.p[i + 2] == '\n') {
			i += 2;
		} else {
			desk_buf_addc(out, word && c == '_' ? ' ' : c);
		}
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
			mime_to_utf8(desk_buf_str(&plain), "", out);
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

/* The value of a parameter: plain, quoted, or RFC 2231's name*=charset'lang'%41. */
void mime_param(struct desk_str value, const char *name, struct desk_buf *out)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n + 1 < value.n; i++) {
		bool extended;
		size_t at = i + 1 + n;

		if (value.p[i] != ';')
			continue;
		while (i + n + 1 < value.n && (value.p[i + 1] == ' ' || value.p[i + 1] == '\t' ||
					       value.p[i + 1] == '\r' || value.p[i + 1] == '\n'))
			i++;
		at = i + 1 + n;
		if (at >= value.n || strncasecmp(value.p + i + 1, name, n) != 0)
			continue;
		extended = value.p[at] == '*';
		while (at < value.n && value.p[at] != '=' && value.p[at] != ';')
			at++;
		if (at >= value.n || value.p[at] != '=')
			continue;
		at++;
		if (at < value.n && value.p[at] == '"') {
			for (at++; at < value.n && value.p[at] != '"'; at++)
				desk_buf_addc(out, value.p[at]);
			return;
		}
		for (; at < value.n && value.p[at] != ';' && !isspace((unsigned char)value.p[at]); at++)
			desk_buf_addc(out, extended && value.p[at] == '%' ? '=' : value.p[at]);
		if (extended) {
			struct desk_buf raw;
			const char *tick = out->n > 0 ? memrchr(out->p, '\'', out->n) : NULL;

			desk_buf_init(&raw, out->max);
			mime_qp(tick != NULL ? desk_str_of(tick + 1) : desk_buf_str(out), false, &raw);
			desk_buf_clear(out);
			desk_buf_add(out, raw.p != NULL ? raw.p : "", raw.n);
			desk_buf_done(&raw);
		}
		return;
	}
}
