/* tests/fuzz/fuzz_embed_reply.c - any bytes as an embedding server's answer. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "embed/reply.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct desk_str body = { (const char *)data, size };
	float out[2 * 3];

	for (size_t n = 1; n <= 2; n++) {
		if (embed_reply_parse(body, n, 3, out, NULL) != DESK_OK)
			continue;
		for (size_t i = 0; i < 3 * n; i++)
			if (!isfinite(out[i]))
				abort();
	}
	return 0;
}
