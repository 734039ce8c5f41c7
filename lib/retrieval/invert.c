/* lib/retrieval/invert.c - chunks of a commit to packed postings. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "retrieval/retrieval_int.h"

#include <stdlib.h>
#include <string.h>

/* A term's postings as they grow; the last one is of the chunk at hand or of an earlier one. */
struct invert_term {
	char           *text;	/* arena */
	uint64_t        hash;
	struct posting *at;	/* owned */
	size_t          n, cap;
};

struct invert_table {
	struct desk_arena  *arena;
	struct invert_term *at;	/* owned; open addressing, text NULL is empty */
	size_t              cap, n;
	uint32_t           *slots;	/* owned: slots of the terms of the chunk at hand */
	size_t              n_slots, cap_slots;
};

static size_t invert_slot(const struct invert_table *t, struct desk_str term, uint64_t hash)
{
	size_t i = hash & (t->cap - 1);

	while (t->at[i].text != NULL &&
	       (t->at[i].hash != hash || strncmp(t->at[i].text, term.p, term.n) != 0 ||
		t->at[i].text[term.n] != '\0'))
		i = (i + 1) & (t->cap - 1);
	return i;
}

static void invert_grow(struct invert_table *t)
{
	struct invert_term *old = t->at;
	size_t cap = t->cap;

	t->cap *= 2;
	t->at = desk_xcalloc(t->cap, sizeof(*t->at));
	for (size_t i = 0; i < cap; i++) {
		if (old[i].text != NULL)
			t->at[invert_slot(t, desk_str_of(old[i].text), old[i].hash)] = old[i];
	}
	free(old);
}

static struct invert_term *invert_term(struct invert_table *t, struct desk_str term)
{
	uint64_t hash = retrieval_hash(term.p, term.n);
	size_t i = invert_slot(t, term, hash);

	if (t->at[i].text == NULL) {
		t->at[i].text = desk_arena_strndup(t->arena, term.p, term.n);
		t->at[i].hash = hash;
		t->n++;
	}
	return &t->at[i];
}

static void invert_count(struct invert_table *t, struct desk_str term, uint32_t chunk)
{
	struct invert_term *e = invert_term(t, term);

	if (e->n > 0 && e->at[e->n - 1].chunk == chunk) {
		e->at[e->n - 1].tf = (uint16_t)(e->at[e->n - 1].tf + (e->at[e->n - 1].tf < UINT16_MAX));
		return;
	}
	if (e->n == e->cap) {
		e->cap = e->cap == 0 ? 2 : e->cap * 2;
		e->at = desk_xrealloc(e->at, e->cap, sizeof(*e->at));
	}
	e->at[e->n++] = (struct posting){ chunk, 1, 0 };
	if (t->n_slots == t->cap_slots) {
		t->cap_slots = t->cap_slots * 2 + 256;
		t->slots = desk_xrealloc(t->slots, t->cap_slots, sizeof(*t->slots));
	}
	t->slots[t->n_slots++] = (uint32_t)(e - t->at);
}

static size_t invert_text(struct invert_table *t, struct analyzer *a, int language, struct desk_str text,
			  uint32_t chunk)
{
	size_t count = 0;

	segment_text(&a->seg, text);
	for (size_t i = 0; i < a->seg.n; i++) {
		struct desk_str term = analyzer_term(a, language, &a->seg.at[i]);

		if (term.n == 0)
			continue;
		invert_count(t, term, chunk);
		count++;
	}
	return count;
}

/* One chunk: the table has room for its terms, so that slots stay where they are. */
static uint16_t invert_chunk(struct invert_table *t, struct analyzer *a, int language,
			     const struct desk_index_item *item)
{
	size_t most = item->title.n + item->content.n * 2 + 2, length;

	while ((t->n + most) * 2 > t->cap)
		invert_grow(t);
	t->n_slots = 0;
	length = invert_text(t, a, language, item->title, (uint32_t)item->chunk);
	length += invert_text(t, a, language, item->content, (uint32_t)item->chunk);
	if (length > UINT16_MAX)
		length = UINT16_MAX;
	invert_count(t, DESK_STR(""), (uint32_t)item->chunk);
	for (size_t i = 0; i < t->n_slots; i++) {
		struct invert_term *e = &t->at[t->slots[i]];

		e->at[e->n - 1].length = (uint16_t)length;
	}
	return (uint16_t)length;
}

void invert(struct desk_arena *arena, struct analyzer *a, const struct desk_index_batch *batch,
	    struct inverted *out)
{
	struct invert_table t = { .arena = arena, .cap = 1024 };
	int language = retrieval_language_find(batch->language);

	t.at = desk_xcalloc(t.cap, sizeof(*t.at));
	*out = (struct inverted){ .n = 0 };
	for (size_t i = 0; i < batch->n; i++)
		out->total_length += invert_chunk(&t, a, language, &batch->items[i]);
	out->terms = desk_arena_array(arena, t.n + 1, sizeof(*out->terms));
	out->data = desk_arena_array(arena, t.n + 1, sizeof(*out->data));
	for (size_t i = 0; i < t.cap; i++) {
		size_t bytes = t.at[i].n * sizeof(struct posting);
		char *copy;

		if (t.at[i].text == NULL)
			continue;
		copy = desk_arena_alloc(arena, bytes);
		memcpy(copy, t.at[i].at, bytes);
		out->terms[out->n] = t.at[i].text;
		out->data[out->n++] = (struct desk_str){ copy, bytes };
		free(t.at[i].at);
	}
	free(t.at);
	free(t.slots);
}
