/* tests/unit/test_retrieval_metrics.c - the metrics, against values worked out by hand. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "retrieval/retrieval.h"

#include <math.h>

#include "support/ck_desk.h"

static const int ranked[] = { 0, 2, 0, 1, 0, 3 };
static const int judged[] = { 1, 3, 2, 1 };
static const struct desk_judged case_graded = { ranked, 6, judged, 4 };

START_TEST(ndcg_is_linear_in_the_grade_and_logarithmic_in_the_rank)
{
	double dcg = 2 / log2(3) + 1 / log2(5) + 3 / log2(7);
	double ideal = 3 + 2 / log2(3) + 1 / log2(4) + 1 / log2(5);

	ck_assert_double_eq_tol(desk_metric_ndcg(&case_graded, 10), dcg / ideal, 1e-12);
	ck_assert_double_eq_tol(desk_metric_ndcg(&case_graded, 10), 0.531755, 1e-6);
	ck_assert_double_eq_tol(desk_metric_ndcg(&case_graded, 3), 2 / log2(3) / (3 + 2 / log2(3) + 0.5), 1e-12);
}
END_TEST

START_TEST(recall_counts_what_was_found_of_all_that_is_relevant)
{
	ck_assert_double_eq(desk_metric_recall(&case_graded, 5), 0.5);
	ck_assert_double_eq(desk_metric_recall(&case_graded, 1), 0);
	ck_assert_double_eq(desk_metric_recall(&case_graded, 100), 0.75);
}
END_TEST

START_TEST(the_reciprocal_rank_is_of_the_first_relevant_one)
{
	ck_assert_double_eq(desk_metric_rr(&case_graded), 0.5);
}
END_TEST

START_TEST(a_question_without_judgements_or_answers_scores_nothing)
{
	const struct desk_judged none = { ranked, 6, NULL, 0 }, empty = { NULL, 0, judged, 4 };

	ck_assert_double_eq(desk_metric_ndcg(&none, 10), 0);
	ck_assert_double_eq(desk_metric_recall(&none, 5), 0);
	ck_assert_double_eq(desk_metric_ndcg(&empty, 10), 0);
	ck_assert_double_eq(desk_metric_rr(&empty), 0);
}
END_TEST

START_TEST(auroc_is_the_share_of_pairs_in_order)
{
	double p[] = { 0.9, 0.4, 0.5 }, n[] = { 0.5, 0.1 };

	ck_assert_double_eq_tol(desk_metric_auroc(p, 3, n, 2), 4.5 / 6, 1e-12);
	ck_assert(isnan(desk_metric_auroc(p, 0, n, 2)));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("retrieval: metrics");
	TCase *t = tcase_create("metrics");

	tcase_add_test(t, ndcg_is_linear_in_the_grade_and_logarithmic_in_the_rank);
	tcase_add_test(t, recall_counts_what_was_found_of_all_that_is_relevant);
	tcase_add_test(t, the_reciprocal_rank_is_of_the_first_relevant_one);
	tcase_add_test(t, a_question_without_judgements_or_answers_scores_nothing);
	tcase_add_test(t, auroc_is_the_share_of_pairs_in_order);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
