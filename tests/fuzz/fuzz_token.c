/* tests/fuzz/fuzz_token.c - any bytes as an Authorization header: refused, or a principal that is whole. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct desk_secret secret = { "a secret of the fuzz target, 32 bytes and more" };
	struct desk_arena *a = desk_arena_new();
	struct desk_principal p;
	struct desk_ctx cx;
	char *header = desk_arena_strndup(a, (const char *)data, n);

	desk_ctx_init(&cx, a, NULL);
	if (desk_auth_header(&cx, secret, header) == DESK_OK) {
		/* nobody knows the secret: only the caller without a header may pass */
		if (header[0] != '\0' || !cx.principal->anonymous)
			abort();
	} else if (cx.principal != NULL || cx.err.code != DESK_E_AUTH) {
		abort();
	}
	desk_ctx_init(&cx, a, NULL);
	if (desk_token_verify(&cx, secret, (struct desk_str){ (const char *)data, n }, &p) == DESK_OK)
		abort();
	desk_arena_free(a);
	return 0;
}
