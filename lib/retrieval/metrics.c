/* lib/retrieval/metrics.c - nDCG, recall, reciprocal rank as trec_eval has them; AUROC. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "retrieval/retrieval.h"

static int metric_descending(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x < y) - (x > y);
}

static double metric_dcg(const int *grades, size_t n, size_t k)
{
	double sum = 0;

	for (size_t i = 0; i < n && i < k; i++) {
		if (grades[i] > 0)
			sum += grades[i] / log2((double)i + 2.0);
	}
	return sum;
}

double desk_metric_ndcg(const struct desk_judged *j, size_t k)
{
	int *ideal;
	double best;

	if (j->n_judged == 0)
		return 0;
	ideal = desk_xcalloc(j->n_judged, sizeof(*ideal));
	memcpy(ideal, j->judged, j->n_judged * sizeof(*ideal));
	qsort(ideal, j->n_judged, sizeof(*ideal), metric_descending);
	best = metric_dcg(ideal, j->n_judged, k);
	free(ideal);
	return best > 0 ? metric_dcg(j->ranked, j->n_ranked, k) / best : 0;
}

double desk_metric_recall(const struct desk_judged *j, size_t k)
{
	size_t found = 0, relevant = 0;

	for (size_t i = 0; i < j->n_judged; i++)
		relevant += j->judged[i] > 0;
	for (size_t i = 0; i < j->n_ranked && i < k; i++)
		found += j->ranked[i] > 0;
	return relevant > 0 ? (double)found / (double)relevant : 0;
}

double desk_metric_rr(const struct desk_judged *j)
{
	for (size_t i = 0; i < j->n_ranked; i++) {
		if (j->ranked[i] > 0)
			return 1.0 / (double)(i + 1);
	}
	return 0;
}

static int metric_ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double desk_metric_auroc(double *positive, size_t n_positive, double *negative, size_t n_negative)
{
	double wins = 0;

	if (n_positive == 0 || n_negative == 0)
		return NAN;
	qsort(positive, n_positive, sizeof(*positive), metric_ascending);
	qsort(negative, n_negative, sizeof(*negative), metric_ascending);
	for (size_t i = 0, below = 0, upto = 0; i < n_positive; i++) {
		while (below < n_negative && negative[below] < positive[i])
			below++;
		if (upto < below)
			upto = below;
		while (upto < n_negative && negative[upto] <= positive[i])
			upto++;
		wins += (double)below + 0.5 * (double)(upto - below);
	}
	return wins / ((double)n_positive * (double)n_negative);
}
