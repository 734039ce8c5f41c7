/* tests/fuzz/fuzz_fcgi_body.c - any bytes as the body of a question and of a search. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void body_check_refusal(const struct desk_ctx *cx)
{
	if (cx->err.code != DESK_E_INPUT && cx->err.code != DESK_E_SYNTAX)
		abort();
	if (cx->err.code == DESK_E_INPUT && cx->err.field[0] == '\0')
		abort();
}

static void body_check_said(struct desk_str s)
{
	if (s.n == 0 || !desk_utf8_valid(s.p, s.n) || desk_utf8_count(s.p, s.n) > 4000 ||
	    memchr(s.p, '\0', s.n) != NULL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct desk_str body = { (const char *)data, n };
	struct desk_arena *a = desk_arena_new();
	struct search_in search;
	struct query_in query;
	struct desk_ctx cx;

	desk_ctx_init(&cx, a, NULL);
	if (query_in_parse(&cx, body, &query) == DESK_OK) {
		body_check_said(query.message);
		if (query.tenant == NULL || query.channel == NULL || strlen(query.channel) > 50)
			abort();
		if (query.conversation != NULL && !desk_uuid_valid(query.conversation))
			abort();
	} else {
		body_check_refusal(&cx);
	}
	desk_error_clear(&cx.err);
	if (search_in_parse(&cx, body, &search) == DESK_OK) {
		body_check_said(search.query);
		if (search.top_k < 0 || search.top_k > 50)
			abort();
	} else {
		body_check_refusal(&cx);
	}
	desk_arena_free(a);
	return 0;
}
