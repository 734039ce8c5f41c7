/* tests/fuzz/fuzz_analyzer.c - any bytes as a text of the analyzer and of language detection. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "retrieval/retrieval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const languages[] = { "", "en", "de", "fr", "tr", "ar", "el", "ru" };
	static struct desk_retrieval *r;	/* opened once */
	struct desk_str text = { (const char *)data, size };
	struct desk_arena *a = desk_arena_new();
	char code[DESK_LANGUAGE_LEN + 1];
	struct desk_error err = { 0 };
	struct desk_terms t;

	if (r == NULL && desk_retrieval_open(NULL, &r, &err) != DESK_OK) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	desk_analyze(r, a, languages[size % DESK_ARRAY_LEN(languages)], text, &t);
	for (size_t i = 0; i < t.n; i++) {
		if (t.at[i].n == 0 || t.at[i].n > 192 || !desk_utf8_valid(t.at[i].p, t.at[i].n) ||
		    memchr(t.at[i].p, '\0', t.at[i].n) != NULL)
			abort();
	}
	desk_language_detect(r, text, NULL, code);
	if (strlen(code) > DESK_LANGUAGE_LEN)
		abort();
	desk_arena_free(a);
	return 0;
}
