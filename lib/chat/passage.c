/* lib/chat/passage.c - hits -> passages: chunks of one document that overlap become one text. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <stdlib.h>
#include <string.h>

/* By document, then place. */
static int passage_compare(const void *a, const void *b)
{
	const struct desk_hit *x = *(const struct desk_hit *const *)a,
			      *y = *(const struct desk_hit *const *)b;
	int c = strcmp(x->document, y->document);

	if (c != 0)
		return c;
	return x->start != y->start ? (x->start > y->start) - (x->start < y->start)
				    : x->end - y->end;
}

static int passage_by_rank(const void *a, const void *b)
{
	const struct chat_passage *x = a, *y = b;

	return (x->rank > y->rank) - (x->rank < y->rank);
}

static void passage_begin(struct chat_passage *p, const struct desk_hit *h, size_t rank)
{
	*p = (struct chat_passage){
		.text = desk_str_of(h->content), .start = h->start, .end = h->end,
		.rank = rank, .hit = h, .n_parts = 1,
	};
	p->parts[0] = (struct chat_part){ h, h->start, h->end };
}

/*
 * Joins h to p where they overlap, and so are one text for sure; false otherwise. (Between chunks
 * that only touch, white space was cut off that we do not know.)
 */
static bool passage_join(struct desk_arena *a, struct chat_passage *p, const struct desk_hit *h,
			 size_t rank)
{
	struct desk_str more = desk_str_of(h->content);
	size_t over;
	char *text;

	if (strcmp(p->hit->document, h->document) != 0 || h->start >= p->end ||
	    p->n_parts == CHAT_PARTS_MAX)
		return false;
	over = desk_utf8_offset(more.p, more.n, (size_t)(p->end - h->start));
	if (h->end > p->end) {
		if (over > p->text.n || memcmp(p->text.p + p->text.n - over, more.p, over) != 0)
			return false;
		text = desk_arena_alloc(a, p->text.n + more.n - over + 1);
		memcpy(text, p->text.p, p->text.n);
		memcpy(text + p->text.n, more.p + over, more.n - over);
		p->text = (struct desk_str){ text, p->text.n + more.n - over };
		p->end = h->end;
	}
	p->parts[p->n_parts++] = (struct chat_part){ h, h->start, h->end };
	if (rank < p->rank) {
		p->rank = rank;
		p->hit = h;
	}
	return true;
}

void chat_passages_make(struct desk_arena *a, const struct desk_search_result *found,
			struct chat_passages *out)
{
	const struct desk_hit **order =
		desk_arena_array(a, found->n + 1, sizeof(struct desk_hit *));

	out->n = 0;
	out->at = desk_arena_array(a, found->n + 1, sizeof(*out->at));
	for (size_t i = 0; i < found->n; i++)
		order[i] = &found->hits[i];
	qsort(order, found->n, sizeof(struct desk_hit *), passage_compare);
	for (size_t i = 0; i < found->n; i++) {
		size_t rank = (size_t)(order[i] - found->hits);

		if (out->n == 0 || !passage_join(a, &out->at[out->n - 1], order[i], rank))
			passage_begin(&out->at[out->n++], order[i], rank);
	}
	qsort(out->at, out->n, sizeof(*out->at), passage_by_rank);
}

const struct desk_hit *chat_passage_hit(const struct chat_passage *p, int start)
{
	const struct desk_hit *h = p->parts[0].hit;

	for (size_t i = 0; i < p->n_parts; i++)
		if (p->parts[i].start <= start)
			h = p->parts[i].hit;
	return h;
}
