/* lib/queue/job.c - jobs: enqueue in a tenant's transaction; claim, extend, settle, retry, fail. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "queue/queue.h"

/* Higher goes first; kinds that are not here have 0. */
static const struct {
	const char *kind;
	int         priority;
} job_priorities[] = {
	{ DESK_JOB_INGEST, 10 },
	{ DESK_JOB_MERGE, 5 },
	{ DESK_JOB_EMBED, 0 },
};

static int job_priority(const char *kind)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(job_priorities); i++) {
		if (strcmp(job_priorities[i].kind, kind) == 0)
			return job_priorities[i].priority;
	}
	return 0;
}

enum desk_status desk_jobs_enqueue(struct desk_ctx *cx, const char *kind, const char *const *refs,
				   size_t n, bool small)
{
	return desk_db_exec(cx, "SELECT platform.jobs_enqueue($1::text, $2::text[], $3::int, $4::bool)",
			    desk_p_text(kind), desk_p_text_array(cx->arena, refs, n),
			    desk_p_int32(job_priority(kind)), desk_p_bool(small));
}

enum desk_status desk_job_enqueue(struct desk_ctx *cx, const char *kind, const char *ref)
{
	return desk_jobs_enqueue(cx, kind, &ref, 1, false);
}

static enum desk_status job_end(struct desk_ctx *cx, enum desk_status rc)
{
	if (rc == DESK_OK)
		return desk_db_commit(cx);
	desk_db_rollback(cx);
	return rc;
}

enum desk_status desk_jobs_claim(struct desk_ctx *cx, const struct desk_worker *w, size_t most,
				 struct desk_job **out, size_t *n)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_begin_platform(cx);

	if (rc == DESK_OK)
		rc = desk_db_query(cx, &rows,
				   "SELECT id, tenant_id, kind, ref, attempts"
				   " FROM platform.jobs_claim($1::text, $2::int, $3::int) ORDER BY id",
				   desk_p_text(w->name), desk_p_int32(w->lease_s), desk_p_int32((int32_t)most));
	rc = job_end(cx, rc);
	if (rc != DESK_OK)
		return rc;
	*n = desk_rows_count(rows);
	*out = desk_arena_array(cx->arena, *n + 1, sizeof(**out));
	for (size_t i = 0; i < *n; i++) {
		(*out)[i] = (struct desk_job){
			.id = desk_rows_int64(rows, i, 0), .tenant_id = desk_rows_text(rows, i, 1),
			.kind = desk_rows_text(rows, i, 2), .ref = desk_rows_text(rows, i, 3),
			.attempts = (int)desk_rows_int64(rows, i, 4),
		};
	}
	return DESK_OK;
}

enum desk_status desk_jobs_extend(struct desk_ctx *cx, const struct desk_worker *w,
				  const int64_t *ids, size_t n, size_t *kept)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_begin_platform(cx);

	if (rc == DESK_OK)
		rc = desk_db_query(cx, &rows, "SELECT platform.jobs_extend($1::bigint[], $2::text, $3::int)",
				   desk_p_int64_array(cx->arena, ids, n), desk_p_text(w->name), desk_p_int32(w->lease_s));
	if (rc == DESK_OK)
		*kept = (size_t)desk_rows_int64(rows, 0, 0);
	return job_end(cx, rc);
}

enum desk_status desk_job_retry(struct desk_ctx *cx, const struct desk_worker *w, int64_t id, int delay_s,
				const char *reason)
{
	enum desk_status rc = desk_db_begin_platform(cx);

	if (rc == DESK_OK)
		rc = desk_db_exec(cx, "SELECT platform.job_retry($1::bigint, $2::text, $3::int, $4::text)",
				  desk_p_int64(id), desk_p_text(w->name), desk_p_int32(delay_s), desk_p_text(reason));
	return job_end(cx, rc);
}

enum desk_status desk_job_fail(struct desk_ctx *cx, const struct desk_worker *w, int64_t id, const char *reason)
{
	enum desk_status rc = desk_db_begin_platform(cx);

	if (rc == DESK_OK)
		rc = desk_db_exec(cx, "SELECT platform.job_fail($1::bigint, $2::text, $3::text)",
				  desk_p_int64(id), desk_p_text(w->name), desk_p_text(reason));
	return job_end(cx, rc);
}

/* Both functions of the database give back how many were ours. */
static enum desk_status job_all_ours(struct desk_ctx *cx, enum desk_status rc, const struct desk_rows *rows,
				     size_t n)
{
	if (rc != DESK_OK)
		return rc;
	if (desk_rows_int64(rows, 0, 0) != (int64_t)n)
		return desk_fail(cx, DESK_E_CONFLICT, "a job was taken over by another worker");
	return DESK_OK;
}

enum desk_status desk_jobs_guard(struct desk_ctx *cx, const struct desk_worker *w, const int64_t *ids, size_t n)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_query(cx, &rows, "SELECT platform.jobs_guard($1::bigint[], $2::text)",
					    desk_p_int64_array(cx->arena, ids, n), desk_p_text(w->name));

	return job_all_ours(cx, rc, rows, n);
}

enum desk_status desk_jobs_settle(struct desk_ctx *cx, const struct desk_worker *w, const int64_t *ids, size_t n)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_query(cx, &rows, "SELECT platform.jobs_settle($1::bigint[], $2::text)",
					    desk_p_int64_array(cx->arena, ids, n), desk_p_text(w->name));

	return job_all_ours(cx, rc, rows, n);
}

enum desk_status desk_jobs_count(struct desk_ctx *cx, struct desk_job_counts *out)
{
	struct desk_rows *rows = NULL;
	enum desk_status rc = desk_db_query(cx, &rows, "SELECT queued, running, failed FROM platform.jobs_count()");

	if (rc == DESK_OK)
		*out = (struct desk_job_counts){ desk_rows_int64(rows, 0, 0), desk_rows_int64(rows, 0, 1),
						 desk_rows_int64(rows, 0, 2) };
	return rc;
}
