/* tests/fuzz/fuzz_fcgi_records.c - any bytes as FastCGI records: the same verdict whole or in pieces. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "fcgi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fcgi_scan whole = { .body_max = 64 * 1024 }, piece = whole;
	enum fcgi_scan_verdict v = fcgi_scan(&whole, data, n), w = FCGI_SCAN_MORE;
	size_t step = n > 0 ? 1 + data[n - 1] % 13 : 1;

	if (whole.at > n || whole.params > FCGI_PARAMS_MAX + 65535 || whole.stdin_at > n)
		abort();
	if (v == FCGI_SCAN_DONE && (whole.phase != FCGI_SCAN_STDIN || whole.id == 0 || whole.body > whole.body_max))
		abort();
	for (size_t have = 0; have < n && w == FCGI_SCAN_MORE;) {
		uint8_t *exact;

		have = have + step < n ? have + step : n;
		exact = malloc(have);	/* a sanitizer sees a look behind what has come */
		if (exact == NULL)
			abort();
		for (size_t i = 0; i < have; i++)
			exact[i] = data[i];
		w = fcgi_scan(&piece, exact, have);
		free(exact);
		if (have > 4096)
			step = n;
	}
	/* in pieces a large body or a wrong record may be told earlier, never something else */
	if (w != v && !(n == 0 && w == FCGI_SCAN_MORE))
		abort();
	if (v == FCGI_SCAN_DONE && (whole.at != piece.at || whole.body != piece.body))
		abort();
	return 0;
}
