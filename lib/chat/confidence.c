/* lib/chat/confidence.c - features of a retrieval -> confidence and relevance, by one table. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <math.h>

const char *const desk_chat_feature_names[DESK_CHAT_FEATURES] = {
	"top_cosine", "best_coverage", "unknown", "lexical", "agreement", "sentence", "pairs",
};

/*
 * Logistic models: bias, then a weight a feature in the order above; one row where vectors had a vote,
 * one for words alone. Fitted by tools/confidence/fit.py on halves of stackfaq, stackfaq_answers_only,
 * xquad/en, cranfield, scifact and azure_hr_benefits (dense), of xquad in de, es, ru, zh and ar (lexical):
 * questions whose documents are in the half against those whose are in the other, and strangers.
 * AUROC of azure_hr_benefits/unanswerable.jsonl, which is in no fit: .856 without that set, .861 with.
 */
static const double confidence_dense[1 + DESK_CHAT_FEATURES] = { -5.23, 6.31, 1.68, -0.52, 0.00, 1.38, 0.00, 0.80 };
static const double confidence_lexical[1 + DESK_CHAT_FEATURES] = { -4.51, 0.00, 7.10, -0.63, 7.96, 0.00, 0.14, 1.60 };

/* Of a citation: bias, cosine of its chunk, its coverage, its BM25 share; on the same sets' qrels. */
static const double relevance_dense[4] = { -3.52, 4.50, 1.31, 0.00 };
static const double relevance_lexical[4] = { -4.91, 0.00, 5.25, 8.66 };

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

void chat_features(const struct desk_search_result *found, const struct chat_extract *e,
		   struct desk_chat_features *out)
{
	double *x = out->x;

	*out = (struct desk_chat_features){ .dense = found->dense };
	x[0] = isnan(found->top_cosine) ? 0 : found->top_cosine;
	for (size_t i = 0; i < found->n; i++) {
		x[1] = fmax(x[1], found->hits[i].coverage);
		x[3] = fmax(x[3], confidence_lexical_share(found, &found->hits[i]));
	}
	x[2] = found->unknown;
	if (found->n > 0 && found->hits[0].lexical_rank > 0 && found->hits[0].dense_rank > 0)
		x[4] = 1 / sqrt((double)found->hits[0].lexical_rank * found->hits[0].dense_rank);
	x[5] = e->share;
	x[6] = e->pairs >= 0 ? e->pairs : x[1];	/* a single word has no pair */
}

double chat_confidence(const struct desk_chat_features *f)
{
	const double *w = f->dense ? confidence_dense : confidence_lexical;
	double z = w[0];

	for (size_t i = 0; i < DESK_CHAT_FEATURES; i++)
		z += w[1 + i] * f->x[i];
	return confidence_logistic(z);
}

double chat_relevance(const struct desk_search_result *found, const struct desk_hit *h)
{
	const double *w = isnan(h->cosine) ? relevance_lexical : relevance_dense;

	return confidence_logistic(w[0] + w[1] * (isnan(h->cosine) ? 0 : h->cosine) + w[2] * h->coverage +
				   w[3] * confidence_lexical_share(found, h));
}
