/* tests/support/embed_files.h - where the tests of lib/embed find the model and the fixtures. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef EMBED_FILES_H
#define EMBED_FILES_H

#include <stdio.h>

#include "embed/embed.h"
#include "support/ck_desk.h"

#define EMBED_MODEL "models/all-minilm-l6-v2.int8.desk"
#define EMBED_SMALL "tests/cases/embed/small.desk"
#define EMBED_GOLDEN "tests/cases/embed/golden.json"

/* A path below the tree's top; static memory of the caller's. */
static inline const char *embed_file(const char *name, char out[4096])
{
	const char *top = getenv("top_srcdir");

	snprintf(out, 4096, "%s/%s", top != NULL ? top : "..", name);
	return out;
}

/* An embedder of the real model, or with the test failed; kernels may be NULL. */
static inline struct desk_embedder *embed_open_kernels(const char *kernels)
{
	char path[4096];
	struct desk_embed_options o = { .model_path = embed_file(EMBED_MODEL, path),
					.kernels = kernels, .parallel = 2 };
	struct desk_embedder *e = NULL;
	struct desk_error err = { 0 };
	enum desk_status rc = desk_embedder_open(&o, &e, &err);

	/* A processor without these kernels: the caller has nothing to compare. */
	ck_assert_msg(rc == DESK_OK || (kernels != NULL && rc == DESK_E_CONFIG), "%s", err.text);
	return e;
}

static inline json_t *embed_golden(void)
{
	char path[4096];
	json_error_t why;
	json_t *all = json_load_file(embed_file(EMBED_GOLDEN, path), 0, &why);

	ck_assert_msg(all != NULL, "%s: %s", path, why.text);
	return all;
}

static inline double embed_cosine(const float *a, const float *b, size_t n)
{
	double ab = 0, aa = 0, bb = 0;

	for (size_t i = 0; i < n; i++) {
		ab += (double)a[i] * (double)b[i];
		aa += (double)a[i] * (double)a[i];
		bb += (double)b[i] * (double)b[i];
	}
	return ab / (aa > 0 && bb > 0 ? __builtin_sqrt(aa * bb) : 1);
}

#endif
