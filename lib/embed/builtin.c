/* lib/embed/builtin.c - provider `builtin`: the mapped model, run in this process. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * No more inferences at once than cores: each has a scratch of about 3 MB. Two are kept for the next
 * ones, so that a process at rest stays small on a machine of many cores. Who comes when all are
 * taken waits, until its deadline.
 */
#include "embed/embed_int.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUILTIN_PARALLEL_MAX 256
#define BUILTIN_IDLE_MAX 2

struct builtin {
	struct embed_model          model;
	const struct embed_kernels *kernels;
	pthread_mutex_t             lock;
	pthread_cond_t              freed;	/* on the monotonic clock */
	unsigned                    parallel, busy;
	struct embed_scratch       *idle[BUILTIN_IDLE_MAX];	/* owned; the first n_idle are there */
	size_t                      n_idle;
};

static unsigned builtin_cores(void)
{
	cpu_set_t set;
	int n = 0;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	if (n <= 0)
		n = (int)sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (unsigned)n : 1;
}

/* NULL when the deadline passes first. */
static struct embed_scratch *builtin_take(struct builtin *b, struct desk_deadline dl)
{
	struct timespec until = { .tv_sec = dl.at_us / 1000000, .tv_nsec = dl.at_us % 1000000 * 1000 };
	struct embed_scratch *s = NULL;
	int rc = 0;

	pthread_mutex_lock(&b->lock);
	while (b->busy >= b->parallel && rc == 0)
		rc = dl.at_us == 0 ? pthread_cond_wait(&b->freed, &b->lock) :
				     pthread_cond_timedwait(&b->freed, &b->lock, &until);
	if (b->busy < b->parallel) {
		b->busy++;
		s = b->n_idle > 0 ? b->idle[--b->n_idle] : NULL;
		rc = 0;
	} else {
		rc = ETIMEDOUT;
	}
	pthread_mutex_unlock(&b->lock);
	if (rc == 0 && s == NULL)
		s = embed_scratch_new(&b->model, b->kernels);
	return s;
}

static void builtin_give(struct builtin *b, struct embed_scratch *s)
{
	pthread_mutex_lock(&b->lock);
	b->busy--;
	if (b->n_idle < BUILTIN_IDLE_MAX) {
		b->idle[b->n_idle++] = s;
		s = NULL;
	}
	pthread_cond_signal(&b->freed);
	pthread_mutex_unlock(&b->lock);
	embed_scratch_free(s);
}

static enum desk_status builtin_run(struct builtin *b, struct embed_pass *pass, float *out,
				    struct desk_deadline dl, struct desk_error *err)
{
	struct embed_scratch *s;

	if (desk_deadline_passed(NULL, dl) || (s = builtin_take(b, dl)) == NULL)
		return desk_error_set(err, DESK_E_TIMEOUT, "no time left to embed the text");
	embed_bert(s, pass, out);
	builtin_give(b, s);
	pass->texts = pass->rows = 0;
	return DESK_OK;
}

/* Texts go into a pass as they come; one that does not fit any more starts the next. */
static enum desk_status builtin_texts(struct desk_embedder *e, const struct embed_work *w,
				      struct desk_error *err)
{
	struct builtin *b = e->state;
	struct embed_pass pass = { .texts = 0 };
	uint32_t ids[EMBED_ROWS_MAX];
	float *out = w->out;
	enum desk_status rc;

	for (size_t i = 0; i < w->n; i++) {
		size_t len = embed_wordpiece(&b->model.vocab, w->texts[i], ids, b->model.positions);

		if (pass.rows + len > EMBED_ROWS_MAX) {
			size_t done = pass.texts;

			rc = builtin_run(b, &pass, out, w->dl, err);
			if (rc != DESK_OK)
				return rc;
			out += done * e->dim;
		}
		memcpy(pass.ids + pass.rows, ids, len * sizeof(*ids));
		pass.len[pass.texts++] = len;
		pass.rows += len;
	}
	return pass.texts == 0 ? DESK_OK : builtin_run(b, &pass, out, w->dl, err);
}

static size_t builtin_tokens(const struct desk_embedder *e, struct desk_str text, uint32_t *ids,
			     size_t max)
{
	const struct builtin *b = e->state;

	if (max > b->model.positions)
		max = b->model.positions;
	return max < 2 ? 0 : embed_wordpiece(&b->model.vocab, text, ids, max);
}

static enum desk_status builtin_open(struct desk_embedder *e, const struct desk_embed_options *o,
				     struct desk_error *err)
{
	struct builtin *b = e->state = desk_xcalloc(1, sizeof(*b));
	pthread_condattr_t attr;
	struct desk_buf name;
	enum desk_status rc;

	pthread_mutex_init(&b->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->freed, &attr);
	pthread_condattr_destroy(&attr);
	b->kernels = embed_kernels_pick(o->kernels);
	if (b->kernels == NULL)
		return desk_error_set(err, DESK_E_CONFIG, "kernels \"%s\" do not run on this processor",
				      o->kernels);
	rc = embed_model_open(o->model_path != NULL ? o->model_path : DESK_MODEL_FILE, &b->model, err);
	if (rc != DESK_OK)
		return rc;
	b->parallel = o->parallel > 0 ? o->parallel : builtin_cores();
	if (b->parallel > BUILTIN_PARALLEL_MAX)
		b->parallel = BUILTIN_PARALLEL_MAX;
	desk_buf_init(&name, 128);
	desk_buf_addf(&name, "builtin/%s-int8", b->model.name);
	e->name = name.p;
	e->dim = b->model.hidden;
	e->kernels = b->kernels->name;
	e->languages = desk_xstrdup("en");
	return DESK_OK;
}

static void builtin_free(struct desk_embedder *e)
{
	struct builtin *b = e->state;

	for (size_t i = 0; i < b->n_idle; i++)
		embed_scratch_free(b->idle[i]);
	embed_model_close(&b->model);
	pthread_cond_destroy(&b->freed);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

const struct embed_provider embed_provider_builtin = {
	.name = "builtin", .batch_max = 64, .open = builtin_open, .free = builtin_free,
	.texts = builtin_texts, .tokens = builtin_tokens,
};
