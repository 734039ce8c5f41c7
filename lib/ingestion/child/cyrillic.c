/* lib/ingestion/child/cyrillic.c - telling the Cyrillic code pages apart, which ICU does in part only. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ICU's detector does not know IBM866 and Mac Cyrillic. Each page maps the same letters to other
 * bytes, so the right one is where bytes become the letters that Russian, Ukrainian or Bulgarian
 * text is made of: mostly lower case, and most of those among ten.
 */
#include "ingestion/child/child.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/ucnv.h>

#define CYRILLIC_HEAD 4096

static const char *const cyrillic_pages[] = {
	"windows-1251", "IBM866", "KOI8-U", "ISO-8859-5", "x-mac-cyrillic",
};

static bool cyrillic_is_frequent(UChar c)
{
	static const UChar frequent[] = { 0x43E, 0x435, 0x430, 0x438, 0x43D, 0x442,
					  0x441, 0x440, 0x432, 0x43B };

	for (size_t i = 0; i < DESK_ARRAY_LEN(frequent); i++)
		if (frequent[i] == c)
			return true;
	return false;
}

/* Points of one character beyond ASCII, given what came before. */
static int cyrillic_points(UChar before, UChar c)
{
	if (c < 0x400 || c > 0x4FF)
		return u_isalpha(c) || c == 0xFFFD || c < 0xA0 || (c >= 0x2500 && c < 0x2600) ? -3 : -1;
	if (u_islower(c))
		return cyrillic_is_frequent(c) ? 3 : 1;
	return u_islower(before) ? -3 : 0;	/* a capital in mid-word */
}

/* Per 100 characters beyond ASCII. */
static int cyrillic_score(const char *page, struct desk_str head)
{
	UErrorCode status = U_ZERO_ERROR;
	UConverter *c = ucnv_open(page, &status);
	UChar wide[CYRILLIC_HEAD];
	int32_t n;
	int points = 0, high = 0;

	if (U_FAILURE(status))
		return 0;
	n = ucnv_toUChars(c, wide, CYRILLIC_HEAD, head.p, (int32_t)head.n, &status);
	ucnv_close(c);
	for (int32_t i = 0; i < n && i < CYRILLIC_HEAD; i++) {
		if (wide[i] < 0x80)
			continue;
		points += cyrillic_points(i > 0 ? wide[i - 1] : ' ', wide[i]);
		high++;
	}
	return high < 8 ? 0 : points * 100 / high;
}

const char *extract_charset_cyrillic(struct desk_str head)
{
	const char *best = NULL;
	int top = 140;	/* running text has 200; other languages' bytes stay under 100 */

	if (head.n > CYRILLIC_HEAD)
		head.n = CYRILLIC_HEAD;
	for (size_t i = 0; i < DESK_ARRAY_LEN(cyrillic_pages); i++) {
		int score = cyrillic_score(cyrillic_pages[i], head);

		if (score > top) {
			top = score;
			best = cyrillic_pages[i];
		}
	}
	return best;
}
