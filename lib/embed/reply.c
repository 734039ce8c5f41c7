/* lib/embed/reply.c - the answer of /embeddings: every vector there, once, of the right length. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "embed/embed_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One {"index": i, "embedding": [numbers]}. */
static enum desk_status reply_vector(const json_t *list, size_t dim, float *out, struct desk_error *err)
{
	double sum = 0;

	if (!json_is_array(list))
		return desk_error_set(err, DESK_E_UPSTREAM, "embedding reply has no embedding list");
	if (json_array_size(list) != dim)
		return desk_error_set(err, DESK_E_UPSTREAM,
				      "embedding reply has %zu dimensions where %zu were expected; set "
				      "the model's dimension", json_array_size(list), dim);
	for (size_t i = 0; i < dim; i++) {
		const json_t *x = json_array_get(list, i);
		double v = json_number_value(x);

		if (!json_is_number(x) || !(fabs(v) < 1e30))
			return desk_error_set(err, DESK_E_UPSTREAM,
					      "embedding reply has something else than numbers");
		out[i] = (float)v;
		sum += v * v;
	}
	if (sum < 1e-12)
		return desk_error_set(err, DESK_E_UPSTREAM, "embedding reply has a vector of zeros");
	return DESK_OK;
}

static enum desk_status reply_rows(const json_t *data, size_t n, size_t dim, float *out,
				   struct desk_error *err)
{
	enum desk_status rc = DESK_OK;
	bool *seen;

	if (!json_is_array(data) || json_array_size(data) != n)
		return desk_error_set(err, DESK_E_UPSTREAM,
				      "embedding reply has %zu vectors where %zu were asked for",
				      json_array_size(data), n);
	seen = desk_xcalloc(n, sizeof(*seen));
	for (size_t i = 0; i < n && rc == DESK_OK; i++) {
		const json_t *row = json_array_get(data, i);
		int64_t at = desk_json_int(row, "index", (int64_t)i);

		if (at < 0 || (uint64_t)at >= n || seen[at]) {
			rc = desk_error_set(err, DESK_E_UPSTREAM, "embedding reply has a wrong index");
			break;
		}
		seen[at] = true;
		rc = reply_vector(json_object_get(row, "embedding"), dim, out + (size_t)at * dim, err);
	}
	free(seen);
	return rc;
}

enum desk_status embed_reply_parse(struct desk_str body, size_t n, size_t dim, float *out,
				   struct desk_error *err)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_error why = { 0 };
	enum desk_status rc;
	json_t *doc;

	if (desk_json_parse(a, body.p, body.n, &doc, &why) != DESK_OK)
		rc = desk_error_set(err, DESK_E_UPSTREAM, "embedding reply is not JSON: %s", why.text);
	else
		rc = reply_rows(json_object_get(doc, "data"), n, dim, out, err);
	desk_arena_free(a);
	return rc;
}
