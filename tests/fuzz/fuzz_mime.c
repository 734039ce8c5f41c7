/* tests/fuzz/fuzz_mime.c - any bytes as encoded words, parameters and bodies. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "ingestion/child/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const codings[] = { "quoted-printable", "base64", "8bit" };
	struct desk_str in = { (const char *)data, n };
	struct desk_buf b;

	desk_buf_init(&b, 1 << 20);
	mime_header_text(in, &b);
	if (b.n > 0 && !desk_utf8_valid(b.p, b.n))
		abort();
	desk_buf_clear(&b);
	mime_param(in, "charset", &b);
	for (size_t i = 0; i < DESK_ARRAY_LEN(codings); i++) {
		desk_buf_clear(&b);
		mime_decode(in, codings[i], &b);
		if (b.n > n)
			abort();	/* decoding never grows */
	}
	desk_buf_done(&b);
	return 0;
}
