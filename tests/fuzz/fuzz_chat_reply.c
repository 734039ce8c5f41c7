/* tests/fuzz/fuzz_chat_reply.c - any bytes as a model's words: claims, citations, units. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/readable.c"
#include "chat/reply.c"
#include "chat/sentence.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_llm_reply r = { .text = desk_arena_strndup(a, (const char *)data, size), .cut = size % 2 == 1 };
	struct desk_str text = { (const char *)data, size };
	struct chat_claims claims;
	struct chat_units units;

	chat_reply_parse(a, "en", &r, 3, &claims);
	for (size_t i = 0; !claims.unknown && i < claims.n; i++) {
		for (size_t k = 0; k < claims.at[i].n_cited; k++)
			if (claims.at[i].cited[k] >= 3)
				abort();
		if (strstr(claims.at[i].text.p, "](") != NULL || strstr(claims.at[i].text.p, "http://") != NULL)
			abort();
	}
	chat_units_split(a, "de", text, &units);
	for (size_t i = 0; i < units.n; i++)
		if (units.at[i].n == 0 || units.at[i].at + units.at[i].n > size)
			abort();
	(void)chat_readable(a, text, text);
	desk_arena_free(a);
	return 0;
}
