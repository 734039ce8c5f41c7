/* tests/fuzz/fuzz_llm_reply.c - any bytes as a chat model's HTTP body. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "llm/reply.c"
#include "llm/request.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_str body = { (const char *)data, size };
	struct desk_net_reply http = { .status = 500, .body = body };
	struct llm_dialect d = { false, false };
	struct desk_llm_reply r;
	struct desk_error err = { 0 };

	if (llm_reply_parse(a, body, &r, &err) == DESK_OK && (*r.text == '\0' || !desk_utf8_valid(r.text, strlen(r.text))))
		abort();
	if (llm_reply_refused(a, &http, NULL) == DESK_OK)
		abort();
	(void)llm_dialect_adapt(a, body, &d);
	desk_arena_free(a);
	return 0;
}
