/* jobs/job_embed.c - kind "embed": vectors for a range of chunks, a batch a transaction. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "db/db.h"
#include "embed/embed.h"
#include "ingestion/ingestion.h"
#include "jobd.h"
#include "retrieval/retrieval.h"
#include "tenancy/tenancy.h"

#define EMBED_BATCH 64
#define EMBED_TIMEOUT_MS 120000

/* "FIRST-LAST" */
static bool embed_range(const char *ref, int64_t *first, int64_t *last)
{
	char *end;

	errno = 0;
	*first = strtoll(ref, &end, 10);
	if (errno != 0 || end == ref || *end != '-')
		return false;
	return desk_parse_int64(end + 1, last) && *first <= *last;
}

static enum desk_status embed_vectors(struct job_run *r, const struct desk_unembedded *of, float **out)
{
	struct desk_arena *a = r->cx->arena;
	struct desk_str *texts = desk_arena_array(a, of->n, sizeof(*texts));

	for (size_t i = 0; i < of->n; i++)
		texts[i] = desk_index_text(a, of->at[i].title, of->at[i].content);
	*out = desk_arena_array(a, of->n * desk_embedder_dim(r->d->embedder), sizeof(**out));
	return desk_embed_texts(r->d->embedder, texts, of->n, *out, desk_deadline_in_ms(NULL, EMBED_TIMEOUT_MS),
				&r->cx->err);
}

/* The vectors of a batch; with the last one the job is done as well. */
static enum desk_status embed_store(struct job_run *r, const struct desk_unembedded *of,
				    const float *vectors, bool last)
{
	struct desk_ctx *cx = r->cx;
	enum desk_status rc = desk_tenant_begin(cx);

	if (rc == DESK_OK && last)
		rc = desk_jobs_settle(cx, &r->d->worker, r->ids, r->n);
	else if (rc == DESK_OK)
		rc = desk_jobs_guard(cx, &r->d->worker, r->ids, r->n);
	if (rc == DESK_OK && of->n > 0)
		rc = desk_chunks_embed(cx, of, vectors, desk_embedder_dim(r->d->embedder));
	return rc == DESK_OK ? desk_db_commit(cx) : rc;
}

static enum desk_status embed_batch(struct job_run *r, int64_t first, int64_t last, bool *more)
{
	struct desk_unembedded of;
	float *vectors = NULL;
	enum desk_status rc = desk_chunks_unembedded(r->cx, first, last, EMBED_BATCH, &of);

	if (rc == DESK_OK && of.n > 0)
		rc = embed_vectors(r, &of, &vectors);
	*more = rc == DESK_OK && of.n == EMBED_BATCH && of.at[of.n - 1].id < last;
	return rc == DESK_OK ? embed_store(r, &of, vectors, !*more) : rc;
}

static enum desk_status embed_run(struct job_run *r)
{
	struct desk_arena *own = r->cx->arena, *batch = desk_arena_new();
	int64_t first, last;
	bool more = true;
	enum desk_status rc = DESK_OK;

	if (!embed_range(r->jobs[0].ref, &first, &last)) {
		desk_arena_free(batch);
		return desk_job_fail(r->cx, &r->d->worker, r->jobs[0].id, "not a range of chunks");
	}
	if ((size_t)r->cx->tenant->settings.embedding_dim != desk_embedder_dim(r->d->embedder))
		rc = desk_fail(r->cx, DESK_E_CONFIG,
			       "the tenant's vectors have %d dimensions, those of %s have %zu: set EMBEDDING_PROVIDER"
			       " to the model that the tenant was made for", r->cx->tenant->settings.embedding_dim,
			       desk_embedder_name(r->d->embedder), desk_embedder_dim(r->d->embedder));
	while (rc == DESK_OK && more && !r->put_back) {
		r->cx->arena = batch;
		rc = embed_batch(r, first, last, &more);
		if (rc != DESK_OK)
			desk_db_rollback(r->cx);
		r->cx->arena = own;
		desk_arena_reset(batch);
		r->put_back = rc == DESK_OK && more && job_pool_stopping(r->d);
	}
	desk_arena_free(batch);
	return rc;
}

const struct job_kind job_embed = { .name = DESK_JOB_EMBED, .most = 1, .run = embed_run };
