/* lib/retrieval/bm25.c - packed postings to the best chunks, in bounded memory. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * BM25 as Lucene has it: k1 1.2, b 0.75, without the constant factor (k1 + 1), so that a chunk's score
 * is at most the sum of the question's idf. Lists are added up a window of chunk ids at a time.
 */
#include "retrieval/retrieval_int.h"

#include <stdlib.h>
#include <string.h>

#define BM25_K1 1.2
#define BM25_B 0.75
#define BM25_WINDOW 8192	/* chunk ids added up at once: they stay in the nearest caches */
#define BM25_NORMS 1024	/* chunks shorter than this have their norm in a table */

double bm25_idf(int64_t chunks, int64_t df)
{
	return log(1.0 + ((double)(chunks - df) + 0.5) / ((double)df + 0.5));
}

static double bm25_norm(double average_length, unsigned length)
{
	return BM25_K1 * (1.0 - BM25_B + BM25_B * (double)length / average_length);
}

double bm25_score(const struct bm25_weights *w, unsigned word, const struct posting *p)
{
	return w->idf[word] * (double)p->tf / ((double)p->tf + bm25_norm(w->average_length, p->length));
}

size_t bm25_live(struct desk_arena *a, const struct posting **at, size_t n, const uint32_t *deleted,
		 size_t n_deleted)
{
	struct posting *copy;
	size_t out = 0, k = 0;

	if (n_deleted == 0 || n == 0 || deleted[0] > (*at)[n - 1].chunk ||
	    deleted[n_deleted - 1] < (*at)[0].chunk)
		return n;
	copy = desk_arena_array(a, n, sizeof(*copy));
	for (size_t i = 0; i < n; i++) {
		while (k < n_deleted && deleted[k] < (*at)[i].chunk)
			k++;
		if (k == n_deleted || deleted[k] != (*at)[i].chunk)
			copy[out++] = (*at)[i];
	}
	*at = copy;
	return out;
}

const struct posting *bm25_find(const struct bm25_list *l, uint32_t chunk)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->at[mid].chunk < chunk)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && l->at[lo].chunk == chunk ? &l->at[lo] : NULL;
}

/* ---- the best k --------------------------------------------------------------- */

void bm25_top_init(struct bm25_top *top, struct desk_arena *a, size_t k)
{
	top->at = desk_arena_array(a, k + 1, sizeof(*top->at));
	top->n = 0;
	top->k = k;
}

static bool bm25_worse(const struct bm25_hit *a, const struct bm25_hit *b)
{
	return a->score < b->score || (a->score == b->score && a->chunk > b->chunk);
}

static void bm25_sink(struct bm25_top *top, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;
		struct bm25_hit swap;

		if (child >= top->n)
			return;
		if (child + 1 < top->n && bm25_worse(&top->at[child + 1], &top->at[child]))
			child++;
		if (!bm25_worse(&top->at[child], &top->at[i]))
			return;
		swap = top->at[i];
		top->at[i] = top->at[child];
		top->at[child] = swap;
		i = child;
	}
}

static void bm25_offer(struct bm25_top *top, struct bm25_hit hit)
{
	size_t i;

	if (top->n == top->k) {
		if (top->k == 0 || !bm25_worse(&top->at[0], &hit))
			return;
		top->at[0] = hit;
		bm25_sink(top, 0);
		return;
	}
	for (i = top->n++; i > 0 && bm25_worse(&hit, &top->at[(i - 1) / 2]); i = (i - 1) / 2)
		top->at[i] = top->at[(i - 1) / 2];
	top->at[i] = hit;
}

static int bm25_compare(const void *a, const void *b)
{
	return bm25_worse(a, b) ? 1 : bm25_worse(b, a) ? -1 : 0;
}

void bm25_top_sort(struct bm25_top *top)
{
	qsort(top->at, top->n, sizeof(*top->at), bm25_compare);
}

/* ---- adding up ------------------------------------------------------------------ */

struct bm25_run {
	const struct bm25_weights *w;
	double *sums;	/* BM25_WINDOW; only low..high are looked at, or were ever written */
	size_t  low, high;	/* of this window: where postings can be */
	double  norms[BM25_NORMS];
};

/* The list's postings below the window's end; the cursor moves behind them. */
static void bm25_add(struct bm25_run *run, const struct bm25_list *l, size_t *cursor, uint64_t base)
{
	const struct posting *p = l->at + *cursor, *end = l->at + l->n;
	double idf = run->w->idf[l->word];

	for (; p < end && p->chunk < base + BM25_WINDOW; p++) {
		double norm = p->length < BM25_NORMS ? run->norms[p->length] :
						       bm25_norm(run->w->average_length, p->length);

		run->sums[p->chunk - base] += idf * (double)p->tf / ((double)p->tf + norm);
	}
	*cursor = (size_t)(p - l->at);
}

static void bm25_collect(const struct bm25_run *run, uint64_t base, struct bm25_top *top)
{
	for (size_t i = run->low; i <= run->high; i++) {
		if (run->sums[i] > 0.0 && (top->n < top->k || run->sums[i] >= top->at[0].score))
			bm25_offer(top, (struct bm25_hit){ (int64_t)(base + i), run->sums[i] });
	}
}

/* Zeroes what this window's postings can fall on: a small tenant does not pay for a large window. */
static void bm25_window(struct bm25_run *run, const struct bm25_list *lists, const size_t *cursors, size_t n,
			uint64_t base)
{
	run->low = BM25_WINDOW - 1;
	run->high = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t first, last;

		if (cursors[i] == lists[i].n)
			continue;
		first = lists[i].at[cursors[i]].chunk;
		last = lists[i].at[lists[i].n - 1].chunk;
		if (first >= base + BM25_WINDOW)
			continue;
		if (first - base < run->low)
			run->low = (size_t)(first - base);
		if (last >= base + BM25_WINDOW)
			last = base + BM25_WINDOW - 1;
		if (last - base > run->high)
			run->high = (size_t)(last - base);
	}
	memset(run->sums + run->low, 0, (run->high - run->low + 1) * sizeof(*run->sums));
}

/* The window that the next posting of any list is in; UINT64_MAX behind the last. */
static uint64_t bm25_next(const struct bm25_list *lists, const size_t *cursors, size_t n)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < n; i++) {
		if (cursors[i] < lists[i].n && lists[i].at[cursors[i]].chunk < next)
			next = lists[i].at[cursors[i]].chunk;
	}
	return next == UINT64_MAX ? next : next & ~(uint64_t)(BM25_WINDOW - 1);
}

void bm25_rank(const struct bm25_weights *w, const struct bm25_list *lists, size_t n, struct bm25_top *top)
{
	struct bm25_run run = { .w = w };
	size_t *cursors;
	uint64_t base;

	if (n == 0 || top->k == 0)
		return;
	cursors = desk_xcalloc(n, sizeof(*cursors));
	run.sums = desk_xmalloc(BM25_WINDOW * sizeof(*run.sums));
	for (unsigned i = 0; i < BM25_NORMS; i++)
		run.norms[i] = bm25_norm(w->average_length, i);
	while ((base = bm25_next(lists, cursors, n)) != UINT64_MAX) {
		bm25_window(&run, lists, cursors, n, base);
		for (size_t i = 0; i < n; i++)
			bm25_add(&run, &lists[i], &cursors[i], base);
		bm25_collect(&run, base, top);
	}
	free(run.sums);
	free(cursors);
}
