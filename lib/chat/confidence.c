/* lib/chat/confidence.c - features of a retrieval -> confidence and relevance, by one table. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <math.h>

const char *const desk_chat_feature_names[DESK_CHAT_FEATURES] = {
	"top_cosine", "best_coverage", "coverage", "unknown", "lexical", "agreement", "margin", "sentence",
	"missing", "own", "pairs", "first_coverage",
};

/*
 * Logistic models: bias, then a weight a feature in the order above. One row where vectors had a
 * vote, one for words alone.
 * PLACEHOLDER
 */
static const double confidence_dense[1 + DESK_CHAT_FEATURES] = { -5, 4, 1, 1, -3, 2, .5, 1, 2 };
static const double confidence_lexical[1 + DESK_CHAT_FEATURES] = { -3, 0, 2, 1, -3, 2, 0, 0, 2 };

/* Of a citation: bias, cosine of its chunk, its coverage, its BM25 share, the cited text's share. */
static const double relevance_dense[5] = { -4, 6, 1, 1, 2 };
static const double relevance_lexical[5] = { -2, 0, 2, 2, 2 };

static double confidence_logistic(double z)
{
	return 1 / (1 + exp(-z));
}

static double confidence_sum_idf(const struct desk_search_result *found)
{
	double sum = 0;

	for (size_t i = 0; i < found->n_terms; i++)
		sum += found->terms[i].idf * found->terms[i].count;
	return sum;
}

static double confidence_lexical_share(const struct desk_search_result *found, const struct desk_hit *h)
{
	double sum = confidence_sum_idf(found);

	return sum > 0 ? h->lexical / sum : 0;
}

/* How far the best vector stands out from the other hits'. */
static double confidence_margin(const struct desk_search_result *found)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 1; i < found->n; i++) {
		if (!isnan(found->hits[i].cosine)) {
			sum += found->hits[i].cosine;
			n++;
		}
	}
	return n > 0 && !isnan(found->top_cosine) ? found->top_cosine - sum / (double)n : 0;
}

/* The rarest word of the question that its best chunk has not, 0 common .. 1 not in the corpus. */
static double confidence_missing(const struct desk_search_result *found, const struct desk_hit *best)
{
	double worst = 0, most = log(1 + ((double)found->chunks + 0.5) / 0.5);

	for (size_t t = 0; t < found->n_terms; t++)
		if ((best->matched[t / 64] >> t % 64 & 1) == 0)
			worst = fmax(worst, found->terms[t].idf);
	return most > 0 ? worst / most : 1;
}

/* The hit with the most of the question, the first of equals. */
static const struct desk_hit *confidence_best(const struct desk_search_result *found)
{
	const struct desk_hit *best = &found->hits[0];

	for (size_t i = 1; i < found->n; i++)
		if (found->hits[i].coverage > best->coverage)
			best = &found->hits[i];
	return best;
}

void chat_features(const struct desk_search_result *found, const struct chat_extract *e,
		   struct desk_chat_features *out)
{
	double *x = out->x;

	*out = (struct desk_chat_features){ .dense = found->dense };
	x[0] = isnan(found->top_cosine) ? 0 : found->top_cosine;
	for (size_t i = 0; i < found->n; i++) {
		double lexical = confidence_lexical_share(found, &found->hits[i]);

		x[1] = fmax(x[1], found->hits[i].coverage);
		x[4] = fmax(x[4], lexical);
	}
	x[2] = found->coverage;
	x[3] = found->unknown;
	if (found->n > 0 && found->hits[0].lexical_rank > 0 && found->hits[0].dense_rank > 0)
		x[5] = 1 / sqrt((double)found->hits[0].lexical_rank * found->hits[0].dense_rank);
	x[6] = confidence_margin(found);
	x[7] = e->share;
	x[8] = found->n > 0 ? confidence_missing(found, confidence_best(found)) : 1;
	x[9] = e->own;
	x[10] = e->pairs >= 0 ? e->pairs : x[1];	/* a single word has no pair */
	x[11] = found->n > 0 ? found->hits[0].coverage : 0;
}

double chat_confidence(const struct desk_chat_features *f)
{
	const double *w = f->dense ? confidence_dense : confidence_lexical;
	double z = w[0];

	for (size_t i = 0; i < DESK_CHAT_FEATURES; i++)
		z += w[1 + i] * f->x[i];
	return confidence_logistic(z);
}

double chat_relevance(const struct desk_search_result *found, const struct desk_hit *h, double share)
{
	const double *w = isnan(h->cosine) ? relevance_lexical : relevance_dense;

	return confidence_logistic(w[0] + w[1] * (isnan(h->cosine) ? 0 : h->cosine) + w[2] * h->coverage +
				   w[3] * confidence_lexical_share(found, h) + w[4] * share);
}
