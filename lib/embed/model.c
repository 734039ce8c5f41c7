/* lib/embed/model.c - the mapped model file: checked whole once, then only pointed into. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "embed/embed_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODEL_MAGIC "DESKEMB\n"
#define MODEL_VERSION 1
#define MODEL_LANES 1024
#define MODEL_TENSORS_MAX 512
#define MODEL_CHECKED_FROM 32	/* the checksum covers all from here */

enum model_type { MODEL_I8 = 1, MODEL_F32, MODEL_I32, MODEL_U32, MODEL_U8, MODEL_U16 };
static const size_t model_type_bytes[] = { 0, 1, 4, 4, 4, 1, 2 };

/* As tools/convert_minilm.py writes them; little-endian, no padding between members. */
struct model_head {
	char     magic[8];
	uint32_t version, body;	/* body: where the tensors begin */
	uint64_t bytes, checksum;
	uint32_t tensors, words, hidden, layers, heads, ffn, positions, panel;
	uint32_t special[5];	/* [PAD] [UNK] [CLS] [SEP] [MASK] */
	uint32_t longest;
	char     name[40];
};
struct model_row {
	char     name[32];
	uint32_t type, rows, cols, unused;
	uint64_t at, bytes;
};
_Static_assert(sizeof(struct model_head) == 128, "the file's head is 128 bytes");
_Static_assert(sizeof(struct model_row) == 64, "a row of the file's table is 64 bytes");

/* A parse under way. */
struct model_file {
	const unsigned char     *p;
	size_t                   n;
	const char              *name;	/* for messages */
	const struct model_head *head;
	const struct model_row  *row;
	char                     prefix[32];	/* before every name that is looked for */
	struct desk_error       *err;
	enum desk_status         rc;	/* the first failure */
};

static void model_refuse(struct model_file *f, const char *why, const char *what)
{
	if (f->rc != DESK_OK)
		return;
	f->rc = desk_error_set(f->err, DESK_E_IO,
			       "model file \"%s\" is not usable: %s%s; install the models again",
			       f->name, why, what);
}

/*
 * Not against malice, against a bad disk or a cut download: 1024 lanes of 64-bit multiply-xor, which
 * run as fast as memory, folded into one. The last words are filled up with zeros.
 */
static uint64_t model_checksum(const unsigned char *p, size_t n)
{
	uint64_t lane[MODEL_LANES], h = n;
	size_t at = 0;

	for (size_t i = 0; i < MODEL_LANES; i++)
		lane[i] = 0xCBF29CE484222325u;
	for (; at < n; at += sizeof(lane)) {
		uint64_t word[MODEL_LANES] = { 0 };
		size_t have = n - at < sizeof(word) ? n - at : sizeof(word);

		memcpy(word, p + at, have);
		for (size_t i = 0; i < MODEL_LANES; i++)
			lane[i] = (lane[i] ^ word[i]) * 0x9E3779B97F4A7C15u;
	}
	for (size_t i = 0; i < MODEL_LANES; i++) {
		h = (h ^ lane[i]) * 0x9E3779B97F4A7C15u;
		h ^= h >> 29;
	}
	return h;
}

static const struct model_row *model_find(const struct model_file *f, const char *name)
{
	size_t skip = strlen(f->prefix);

	for (uint32_t i = 0; i < f->head->tensors; i++)
		if (strncmp(f->row[i].name, f->prefix, skip) == 0 &&
		    strcmp(f->row[i].name + skip, name) == 0)
			return &f->row[i];
	return NULL;
}

/* The tensor of this name, type and shape, or NULL with f->rc set. */
static const void *model_tensor(struct model_file *f, const char *name, enum model_type type,
				size_t rows, size_t cols)
{
	const struct model_row *r = model_find(f, name);

	if (r == NULL) {
		model_refuse(f, "it lacks ", name);
		return NULL;
	}
	if (r->type != (uint32_t)type || r->rows != rows || r->cols != cols) {
		model_refuse(f, "wrong shape of ", name);
		return NULL;
	}
	return f->p + r->at;
}

static void model_check_head(struct model_file *f)
{
	const struct model_head *h = f->head;

	if (f->n < sizeof(*h) || memcmp(h->magic, MODEL_MAGIC, 8) != 0) {
		model_refuse(f, "not a Frontdesk model", "");
		return;
	}
	if (h->version != MODEL_VERSION)
		model_refuse(f, "a version that this program does not know", "");
	if (h->bytes != f->n)
		model_refuse(f, h->bytes > f->n ? "cut short" : "longer than it says", "");
	if (h->tensors == 0 || h->tensors > MODEL_TENSORS_MAX ||
	    h->body != sizeof(*h) + h->tensors * sizeof(struct model_row) || h->body > f->n)
		model_refuse(f, "a damaged table", "");
	if (f->rc == DESK_OK &&
	    model_checksum(f->p + MODEL_CHECKED_FROM, f->n - MODEL_CHECKED_FROM) != h->checksum)
		model_refuse(f, "its checksum is wrong", "");
}

/* What the kernels and the scratch can hold. */
static void model_check_dims(struct model_file *f)
{
	const struct model_head *h = f->head;
	const struct { uint32_t value, least, most, step; } dims[] = {
		{ h->panel, EMBED_PANEL, EMBED_PANEL, 1 },
		{ h->layers, 1, EMBED_LAYERS_MAX, 1 },
		{ h->heads, 1, 128, 1 },
		{ h->hidden, h->heads * EMBED_HEAD, h->heads * EMBED_HEAD, EMBED_PANEL },
		{ h->ffn, EMBED_PANEL, 16384, EMBED_PANEL },
		{ h->positions, 2, EMBED_ROWS_MAX, 1 },
		{ h->words, 1, 1u << 24, 1 },
		{ h->longest, 1, 1024, 1 },
	};

	for (size_t i = 0; i < DESK_ARRAY_LEN(dims); i++)
		if (dims[i].value < dims[i].least || dims[i].value > dims[i].most ||
		    dims[i].value % dims[i].step != 0)
			model_refuse(f, "sizes that this program does not run", "");
	for (size_t i = 0; i < DESK_ARRAY_LEN(h->special); i++)
		if (h->special[i] >= h->words)
			model_refuse(f, "a special word past the vocabulary", "");
	if (memchr(h->name, '\0', sizeof(h->name)) == NULL)
		model_refuse(f, "a damaged name", "");
}

static void model_check_rows(struct model_file *f)
{
	for (uint32_t i = 0; i < f->head->tensors && f->rc == DESK_OK; i++) {
		const struct model_row *r = &f->row[i];

		if (memchr(r->name, '\0', sizeof(r->name)) == NULL || r->type < MODEL_I8 ||
		    r->type > MODEL_U16 || r->at % 64 != 0 || r->at < f->head->body ||
		    r->at > f->n || r->bytes > f->n - r->at ||
		    r->bytes != (uint64_t)r->rows * r->cols * model_type_bytes[r->type])
			model_refuse(f, "a tensor outside of the file", "");
	}
}

static void model_load_norm(struct model_file *f, struct embed_norm *out)
{
	out->gain = model_tensor(f, "gain", MODEL_F32, 1, f->head->hidden);
	out->shift = model_tensor(f, "shift", MODEL_F32, 1, f->head->hidden);
}

/* out->n and out->k are given; norm is what follows it, or NULL. */
static void model_load_linear(struct model_file *f, size_t layer, const char *what,
			      struct embed_linear *out, struct embed_norm *norm)
{
	snprintf(f->prefix, sizeof(f->prefix), "l%u.%s.", (unsigned char)layer, what);
	out->w = model_tensor(f, "w", MODEL_I8, out->n, out->k);
	out->scale = model_tensor(f, "scale", MODEL_F32, 1, out->n);
	out->sum = model_tensor(f, "sum", MODEL_I32, 1, out->n);
	out->bias = model_tensor(f, "bias", MODEL_F32, 1, out->n);
	out->pre = model_find(f, "pre") != NULL ? model_tensor(f, "pre", MODEL_F32, 1, out->k) : NULL;
	if (norm != NULL)
		model_load_norm(f, norm);
	f->prefix[0] = '\0';
}

static void model_load_network(struct model_file *f, struct embed_model *m)
{
	size_t hidden = m->hidden;

	m->word = model_tensor(f, "word", MODEL_I8, f->head->words, hidden);
	m->word_scale = model_tensor(f, "word.scale", MODEL_F32, 1, f->head->words);
	m->place = model_tensor(f, "place", MODEL_F32, m->positions, hidden);
	snprintf(f->prefix, sizeof(f->prefix), "place.");
	model_load_norm(f, &m->place_norm);
	for (size_t i = 0; i < m->layers; i++) {
		struct embed_layer *l = &m->layer[i];

		l->qk.n = 2 * hidden;
		l->v.n = l->mix.n = l->down.n = hidden;
		l->up.n = l->down.k = m->ffn;
		l->qk.k = l->v.k = l->mix.k = l->up.k = hidden;
		model_load_linear(f, i, "qk", &l->qk, NULL);
		model_load_linear(f, i, "v", &l->v, NULL);
		model_load_linear(f, i, "mix", &l->mix, &l->mix_norm);
		model_load_linear(f, i, "up", &l->up, NULL);
		model_load_linear(f, i, "down", &l->down, &l->down_norm);
	}
}

/* Every offset in order and inside the text, every slot a word, one slot free to end a search. */
static void model_check_vocab(struct model_file *f, const struct embed_vocab *v, size_t text)
{
	size_t used = 0;

	for (uint32_t i = 0; i < v->words; i++)
		if (v->offset[i] > v->offset[i + 1] || v->offset[i + 1] - v->offset[i] > v->longest)
			model_refuse(f, "a damaged vocabulary", "");
	if (v->offset[v->words] != text)
		model_refuse(f, "a damaged vocabulary", "");
	for (uint32_t i = 0; i < v->slots; i++) {
		if (v->slot[i] > v->words)
			model_refuse(f, "a damaged vocabulary", "");
		used += v->slot[i] != 0;
	}
	if (used >= v->slots)
		model_refuse(f, "a damaged vocabulary", "");
}

/* Every character's entry leads to a sequence that is inside of `many`. */
static void model_check_chars(struct model_file *f, const struct embed_vocab *v, size_t blocks,
			      size_t many)
{
	for (size_t i = 0; i < 0x1100; i++)
		if (v->char_index[i] >= blocks)
			model_refuse(f, "a damaged character table", "");
	for (size_t i = 0; i < blocks * 256; i++) {
		uint32_t e = v->char_block[i], at = e & 0x7FFFFFFF;

		if (e >> 31 == 0 ? (e >> 24) > 2 :
				   (at >= many || v->char_many[at] >= many - at))
			model_refuse(f, "a damaged character table", "");
	}
}

static void model_load_vocab(struct model_file *f, struct embed_vocab *v)
{
	const struct model_head *h = f->head;
	const struct model_row *text = model_find(f, "vocab.text"), *slot = model_find(f, "vocab.slot"),
			       *block = model_find(f, "char.block"), *many = model_find(f, "char.many");

	if (text == NULL || slot == NULL || block == NULL || many == NULL) {
		model_refuse(f, "it lacks a vocabulary", "");
		return;
	}
	v->words = h->words;
	v->longest = h->longest;
	v->unk = h->special[1];
	v->cls = h->special[2];
	v->sep = h->special[3];
	memcpy(v->special, h->special, sizeof(v->special));
	v->slots = slot->cols;
	v->text = model_tensor(f, "vocab.text", MODEL_U8, 1, text->cols);
	v->offset = model_tensor(f, "vocab.offset", MODEL_U32, 1, (size_t)v->words + 1);
	v->slot = model_tensor(f, "vocab.slot", MODEL_U32, 1, slot->cols);
	v->char_index = model_tensor(f, "char.index", MODEL_U16, 1, 0x1100);
	v->char_block = model_tensor(f, "char.block", MODEL_U32, block->rows, 256);
	v->char_many = model_tensor(f, "char.many", MODEL_U32, 1, many->cols);
	if (v->slots == 0 || (v->slots & (v->slots - 1)) != 0)
		model_refuse(f, "a damaged vocabulary", "");
	if (f->rc == DESK_OK)
		model_check_vocab(f, v, text->cols);
	if (f->rc == DESK_OK)
		model_check_chars(f, v, block->rows, many->cols);
}

enum desk_status embed_model_parse(const void *p, size_t n, const char *name, struct embed_model *out,
				   struct desk_error *err)
{
	struct model_file f = { .p = p, .n = n, .name = name, .head = p, .err = err, .rc = DESK_OK };

	memset(out, 0, sizeof(*out));
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	model_refuse(&f, "this processor is big-endian", "");
#endif
	model_check_head(&f);
	if (f.rc == DESK_OK)
		model_check_dims(&f);
	if (f.rc != DESK_OK)
		return f.rc;
	f.row = (const struct model_row *)(const void *)(f.p + sizeof(*f.head));
	model_check_rows(&f);
	if (f.rc != DESK_OK)
		return f.rc;
	memcpy(out->name, f.head->name, sizeof(out->name));
	out->hidden = f.head->hidden;
	out->heads = f.head->heads;
	out->ffn = f.head->ffn;
	out->layers = f.head->layers;
	out->positions = f.head->positions;
	model_load_vocab(&f, &out->vocab);
	if (f.rc == DESK_OK)
		model_load_network(&f, out);
	return f.rc;
}

enum desk_status embed_model_open(const char *path, struct embed_model *out, struct desk_error *err)
{
	struct stat st;
	void *p;
	enum desk_status rc;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return desk_error_set(err, DESK_E_IO, "cannot open model file \"%s\": %s", path,
				      strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct model_head)) {
		close(fd);
		return desk_error_set(err, DESK_E_IO,
				      "model file \"%s\" is not usable: not a Frontdesk model", path);
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return desk_error_set(err, DESK_E_IO, "cannot map model file \"%s\": %s", path,
				      strerror(errno));
	rc = embed_model_parse(p, (size_t)st.st_size, path, out, err);
	if (rc != DESK_OK) {
		munmap(p, (size_t)st.st_size);
		return rc;
	}
	out->map = p;
	out->map_bytes = (size_t)st.st_size;
	return DESK_OK;
}

void embed_model_close(struct embed_model *m)
{
	if (m->map != NULL)
		munmap(m->map, m->map_bytes);
	m->map = NULL;
}
