/* lib/embed/kernel.c - which kernels this processor runs. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "embed/embed_int.h"

#include <string.h>

/* Best first. */
static const struct embed_kernels *const kernel_table[] = {
#if defined(__x86_64__)
	&embed_kernels_avx512, &embed_kernels_avxvnni, &embed_kernels_avx2,
#endif
	&embed_kernels_plain,
};

const struct embed_kernels *embed_kernels_pick(const char *name)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(kernel_table); i++) {
		const struct embed_kernels *k = kernel_table[i];

		if ((name == NULL || strcmp(name, k->name) == 0) && k->runs_here())
			return k;
	}
	return NULL;
}

/* Keys turned, values and a block of scores; see kernel_attend(). 32: the widest two vectors. */
size_t embed_attend_scratch(size_t tokens)
{
	return (EMBED_HEAD + EMBED_HEAD + 8) * (tokens + 32);
}
