/* tests/fuzz/fuzz_embed_model.c - any bytes as a model file: refused, or it tokenizes and embeds. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "embed/model.c"

#include "embed/wordpiece.c"

#include <stdlib.h>

/* The checksum is set right: else nothing after it would ever be tried. */
static void *fuzz_aligned(const uint8_t *data, size_t size)
{
	struct model_head *h;
	void *p = NULL;

	if (posix_memalign(&p, 64, size) != 0)
		abort();
	memcpy(p, data, size);
	h = p;
	if (size >= sizeof(*h))
		h->checksum = model_checksum((unsigned char *)p + MODEL_CHECKED_FROM, size - MODEL_CHECKED_FROM);
	return p;
}

/* As the plain kernels would touch it: every byte of every tensor that is pointed to. */
static unsigned fuzz_touch(const void *p, size_t n)
{
	const unsigned char *b = p;
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += b[i];
	return sum;
}

static unsigned fuzz_touch_linear(const struct embed_linear *l)
{
	return fuzz_touch(l->w, l->n * l->k) + fuzz_touch(l->scale, 4 * l->n) + fuzz_touch(l->sum, 4 * l->n) +
	       fuzz_touch(l->bias, 4 * l->n) + (l->pre != NULL ? fuzz_touch(l->pre, 4 * l->k) : 0);
}

static unsigned fuzz_touch_norm(const struct embed_norm *n, size_t hidden)
{
	return fuzz_touch(n->gain, 4 * hidden) + fuzz_touch(n->shift, 4 * hidden);
}

static unsigned fuzz_touch_model(const struct embed_model *m)
{
	unsigned sum = fuzz_touch(m->word, m->vocab.words * m->hidden) +
		       fuzz_touch(m->word_scale, (size_t)m->vocab.words * 4) +
		       fuzz_touch(m->place, m->positions * m->hidden * 4) +
		       fuzz_touch_norm(&m->place_norm, m->hidden);

	for (size_t i = 0; i < m->layers; i++) {
		const struct embed_layer *l = &m->layer[i];

		sum += fuzz_touch_linear(&l->qk) + fuzz_touch_linear(&l->v) + fuzz_touch_linear(&l->mix) +
		       fuzz_touch_linear(&l->up) + fuzz_touch_linear(&l->down) +
		       fuzz_touch_norm(&l->mix_norm, m->hidden) + fuzz_touch_norm(&l->down_norm, m->hidden);
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char text[] = "a ab!A[SEP]\xC4\x80 b\xE2\x82\xAC\xF0\x9F\x98\x80 abbbb";
	void *p;
	struct embed_model m;
	uint32_t ids[EMBED_ROWS_MAX];
	volatile unsigned sum = 0;

	if (size == 0)
		return 0;
	p = fuzz_aligned(data, size);
	if (embed_model_parse(p, size, "fuzz", &m, NULL) == DESK_OK) {
		size_t n = embed_wordpiece(&m.vocab, (struct desk_str){ text, sizeof(text) - 1 }, ids,
					   m.positions);

		for (size_t i = 0; i < n; i++)
			if (ids[i] >= m.vocab.words)
				abort();
		sum = fuzz_touch_model(&m);
		(void)sum;
	}
	free(p);
	return 0;
}
