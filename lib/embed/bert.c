/* lib/embed/bert.c - the layers of a BERT encoder over a packed batch of tokens. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "embed/embed_int.h"

#include <stdlib.h>
#include <string.h>

/* All buffers of one inference, in one allocation; rows are tokens, of all texts back to back. */
struct embed_scratch {
	const struct embed_model   *m;
	const struct embed_kernels *k;
	void             *memory;	/* owned */
	float            *x;	/* [rows][hidden] what the layers hand on */
	float            *qkv;	/* [rows][3 * hidden] */
	float            *y;	/* [rows][hidden] what a layer adds */
	float            *wide;	/* [EMBED_BLOCK][ffn] */
	float            *attend;
	struct embed_rows q;	/* [rows][hidden] or [EMBED_BLOCK][ffn], whichever is more */
};

static size_t bert_round(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

struct embed_scratch *embed_scratch_new(const struct embed_model *m, const struct embed_kernels *k)
{
	struct embed_scratch *s = desk_xcalloc(1, sizeof(*s));
	size_t rows = EMBED_ROWS_MAX, acts = rows * m->hidden;
	size_t part[8], total = 64;
	char *p;

	s->m = m;
	s->k = k;
	if (acts < EMBED_BLOCK * m->ffn)
		acts = EMBED_BLOCK * m->ffn;
	part[0] = rows * m->hidden * sizeof(float);
	part[1] = 3 * rows * m->hidden * sizeof(float);
	part[2] = rows * m->hidden * sizeof(float);
	part[3] = EMBED_BLOCK * m->ffn * sizeof(float);
	part[4] = embed_attend_scratch(m->positions) * sizeof(float);
	part[5] = acts * k->act_bytes;
	part[6] = rows * sizeof(float);
	part[7] = rows * sizeof(int32_t);
	for (size_t i = 0; i < DESK_ARRAY_LEN(part); i++)
		total += bert_round(part[i]);
	s->memory = desk_xmalloc(total);
	p = (char *)bert_round((size_t)s->memory);
	for (size_t i = 0; i < DESK_ARRAY_LEN(part); i++) {
		void *at = p;

		p += bert_round(part[i]);
		switch (i) {
		case 0: s->x = at; break;
		case 1: s->qkv = at; break;
		case 2: s->y = at; break;
		case 3: s->wide = at; break;
		case 4: s->attend = at; break;
		case 5: s->q.q = at; break;
		case 6: s->q.scale = at; break;
		default: s->q.zero = at; break;
		}
	}
	return s;
}

void embed_scratch_free(struct embed_scratch *s)
{
	if (s == NULL)
		return;
	free(s->memory);
	free(s);
}

static void bert_attention(struct embed_scratch *s, const struct embed_layer *l,
			   const struct embed_pass *pass)
{
	const struct embed_kernels *k = s->k;
	size_t hidden = s->m->hidden, rows = pass->rows;

	k->quantise(s->x, l->qk.pre, rows, hidden, &s->q);
	k->product(&s->q, rows, &l->qk, s->qkv, 3 * hidden);
	k->quantise(s->x, l->v.pre, rows, hidden, &s->q);
	k->product(&s->q, rows, &l->v, s->qkv + 2 * hidden, 3 * hidden);
	for (size_t at = 0, i = 0; i < pass->texts; at += pass->len[i++])
		k->attend(s->qkv + at * 3 * hidden, pass->len[i], s->m->heads, s->attend,
			  s->y + at * hidden);
	k->quantise(s->y, l->mix.pre, rows, hidden, &s->q);
	k->product(&s->q, rows, &l->mix, s->y, hidden);
	k->add_norm(s->x, s->y, rows, hidden, &l->mix_norm);
}

/* In blocks of rows, so that the wide middle stays small and near. */
static void bert_feed_forward(struct embed_scratch *s, const struct embed_layer *l, size_t rows)
{
	const struct embed_kernels *k = s->k;
	size_t hidden = s->m->hidden;
	size_t blocks = (rows + EMBED_BLOCK - 1) / EMBED_BLOCK, most = (rows + blocks - 1) / blocks;

	for (size_t at = 0, n; at < rows; at += n) {
		float *x = s->x + at * hidden;

		n = rows - at < most ? rows - at : most;
		k->quantise(x, l->up.pre, n, hidden, &s->q);
		k->product(&s->q, n, &l->up, s->wide, s->m->ffn);
		k->gelu_quantise(s->wide, n, s->m->ffn, &s->q);
		k->product(&s->q, n, &l->down, s->y, hidden);
		k->add_norm(x, s->y, n, hidden, &l->down_norm);
	}
}

void embed_bert(struct embed_scratch *s, const struct embed_pass *pass, float *out)
{
	const struct embed_model *m = s->m;
	size_t row = 0;

	if (pass->rows == 0)
		return;
	for (size_t i = 0; i < pass->texts; i++)
		for (size_t at = 0; at < pass->len[i]; at++, row++)
			s->k->lookup(m, pass->ids[row], at, s->x + row * m->hidden);
	for (size_t i = 0; i < m->layers; i++) {
		bert_attention(s, &m->layer[i], pass);
		bert_feed_forward(s, &m->layer[i], pass->rows);
	}
	for (size_t at = 0, i = 0; i < pass->texts; at += pass->len[i++])
		s->k->pool(s->x + at * m->hidden, pass->len[i], m->hidden, out + i * m->hidden);
}
