/* lib/ingestion/child/charset.c - which character set is it; any of them to UTF-8. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/child.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>
#include <unicode/utf16.h>

#define CHARSET_STEP 65536

const char *extract_charset_bom(struct desk_str head)
{
	static const struct {
		const char *bytes, *name;
		size_t      n;
	} bom[] = {
		{ "\xFF\xFE\0\0", "UTF-32LE", 4 }, { "\0\0\xFE\xFF", "UTF-32BE", 4 },
		{ "\xEF\xBB\xBF", "UTF-8", 3 }, { "\xFF\xFE", "UTF-16LE", 2 },
		{ "\xFE\xFF", "UTF-16BE", 2 },
	};

	for (size_t i = 0; i < DESK_ARRAY_LEN(bom); i++)
		if (head.n >= bom[i].n && memcmp(head.p, bom[i].bytes, bom[i].n) == 0)
			return bom[i].name;
	return NULL;
}

bool extract_charset_known(const char *name)
{
	UErrorCode status = U_ZERO_ERROR;
	UConverter *c = ucnv_open(name, &status);

	ucnv_close(c);
	return U_SUCCESS(status) && name[0] != '\0';
}

/* The whole file is UTF-8 (ASCII is, too); a character cut by a step's end is looked at again. */
bool extract_is_utf8(const struct extract_doc *d)
{
	char *part = desk_xmalloc(CHARSET_STEP);
	bool ok = true;

	for (uint64_t at = 0; at < d->size && ok;) {
		size_t n = extract_read(d, at, part, CHARSET_STEP), cut = n;

		if (n == 0)
			break;
		if (n == CHARSET_STEP && at + n < d->size) {
			while (cut > n - 4 && ((unsigned char)part[cut - 1] & 0xC0) == 0x80)
				cut--;
			if (cut > n - 4 && (unsigned char)part[cut - 1] >= 0xC0)
				cut--;
		}
		ok = desk_utf8_valid(part, cut);
		at += cut;
	}
	free(part);
	return ok;
}

/* UTF-16 without a BOM: every other byte of western text is zero. */
static const char *charset_utf16(struct desk_str head)
{
	size_t even = 0, odd = 0;

	for (size_t i = 0; i < head.n; i++)
		if (head.p[i] == '\0')
			*(i % 2 == 0 ? &even : &odd) += 1;
	if (even + odd <= head.n / 5)
		return NULL;
	return odd > even ? "UTF-16LE" : "UTF-16BE";
}

/* Greek, Hebrew and Arabic: ICU knows them better than the Cyrillic guess does. */
static bool charset_is_sure(const char *name, int confidence)
{
	static const char *const names[] = { "ISO-8859-6", "ISO-8859-7", "ISO-8859-8", "ISO-8859-8-I",
					     "windows-1253", "windows-1255", "windows-1256" };

	for (size_t i = 0; i < DESK_ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return confidence >= 30;
	return false;
}

/* The detector's names are static. ISO-8859-1 in the wild is windows-1252. */
static const char *charset_detect(struct desk_str head)
{
	UErrorCode status = U_ZERO_ERROR;
	UCharsetDetector *det = ucsdet_open(&status);
	const char *name = NULL, *cyrillic = extract_charset_cyrillic(head);
	const UCharsetMatch *m;
	int confidence = 0;

	ucsdet_setText(det, head.p, (int32_t)head.n, &status);
	m = ucsdet_detect(det, &status);
	if (U_SUCCESS(status) && m != NULL) {
		name = ucsdet_getName(m, &status);
		confidence = ucsdet_getConfidence(m, &status);
	}
	if (U_FAILURE(status) || name == NULL || confidence < 10 || strcmp(name, "ISO-8859-1") == 0)
		name = "windows-1252";
	ucsdet_close(det);
	return cyrillic != NULL && !charset_is_sure(name, confidence) ? cyrillic : name;
}

const char *extract_charset_guess(struct desk_str head, const char *declared, bool all_utf8)
{
	const char *name = extract_charset_bom(head);

	if (name != NULL)
		return name;
	name = charset_utf16(head);
	if (name != NULL)
		return name;
	if (strncasecmp(declared, "iso-2022", 8) == 0 || strcasecmp(declared, "utf-7") == 0 ||
	    strncasecmp(declared, "hz", 2) == 0)
		return declared;	/* seven bits: looks like ASCII */
	if (all_utf8)
		return memchr(head.p, 0x1B, head.n) != NULL ? charset_detect(head) : "UTF-8";
	if (declared[0] != '\0' && strcasecmp(declared, "utf-8") != 0 &&
	    strcasecmp(declared, "utf8") != 0 && strncasecmp(declared, "utf-16", 6) != 0 &&
	    extract_charset_known(declared))
		return strcasecmp(declared, "iso-8859-1") == 0 ? "windows-1252" : declared;
	return charset_detect(head);
}

void extract_decoder_init(struct extract_decoder *d, const char *charset, extract_bytes_fn *fn,
			  void *arg)
{
	UErrorCode status = U_ZERO_ERROR;

	*d = (struct extract_decoder){ .fn = fn, .arg = arg };
	d->converter = ucnv_open(charset, &status);
	if (U_FAILURE(status)) {
		status = U_ZERO_ERROR;
		d->converter = ucnv_open("windows-1252", &status);
	}
}

/* UTF-16 to UTF-8; a lone surrogate becomes U+FFFD. */
static size_t charset_utf8(struct extract_decoder *d, const UChar *from, size_t n, char *to)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t c = from[i];

		if (U16_IS_LEAD(c)) {
			if (d->high != 0)
				at += desk_utf8_encode(0xFFFD, to + at);
			d->high = (uint16_t)c;
			continue;
		}
		if (d->high != 0) {
			if (U16_IS_TRAIL(c))
				c = (uint32_t)U16_GET_SUPPLEMENTARY(d->high, c);
			else
				at += desk_utf8_encode(0xFFFD, to + at);
			d->high = 0;
		}
		at += desk_utf8_encode(U16_IS_TRAIL(c) ? 0xFFFD : c, to + at);
	}
	return at;
}

void extract_decode(struct extract_decoder *d, const char *p, size_t n, bool last)
{
	const char *end = p + n;
	UErrorCode status;
	UChar wide[2048];
	char utf8[2048 * 4 + 8];

	do {
		UChar *to = wide;

		status = U_ZERO_ERROR;
		ucnv_toUnicode(d->converter, &to, wide + DESK_ARRAY_LEN(wide), &p, end, NULL,
			       (UBool)last, &status);
		if (to > wide)
			d->fn(d->arg, utf8, charset_utf8(d, wide, (size_t)(to - wide), utf8));
	} while (status == U_BUFFER_OVERFLOW_ERROR);
}

void extract_decoder_done(struct extract_decoder *d)
{
	ucnv_close(d->converter);
}

void extract_decode_file(const struct extract_doc *d, const char *charset, extract_bytes_fn *fn,
			 void *arg)
{
	struct extract_decoder dec;
	char *part = desk_xmalloc(CHARSET_STEP);
	uint64_t at = 0;
	size_t n;

	extract_decoder_init(&dec, charset, fn, arg);
	while ((n = extract_read(d, at, part, CHARSET_STEP)) > 0) {
		at += n;
		extract_decode(&dec, part, n, n < CHARSET_STEP);
	}
	extract_decoder_done(&dec);
	free(part);
}
