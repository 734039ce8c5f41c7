/* lib/queue/queue.h - jobs: rows in Postgres, claimed with SKIP LOCKED, held by a lease. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file    duty
 * ------  -------------------------------------------------------------------
 * job.c   enqueue in a tenant's transaction; claim, extend, settle, retry, fail
 */
#ifndef DESK_QUEUE_H
#define DESK_QUEUE_H

#include "base/base.h"
#include "db/db.h"

#pragma GCC visibility push(default)

/* What a job is told of: NOTIFY on this channel, when one was enqueued. */
#define DESK_JOB_CHANNEL "frontdesk_jobs"

/* The kinds there are, and what their ref names. Ingestion goes before vectors: searchable first. */
#define DESK_JOB_INGEST "ingest"	/* a document's UUID */
#define DESK_JOB_EMBED "embed"	/* a range of chunk ids, "FIRST-LAST" */
#define DESK_JOB_MERGE "merge"	/* "": the tenant's lexical index */

struct desk_job {
	int64_t     id;
	const char *tenant_id;	/* arena */
	const char *kind;
	const char *ref;
	int         attempts;	/* this one included */
};

/* Who holds jobs: a name of this process's own, and how long it may be silent. */
struct desk_worker {
	const char *name;
	int         lease_s;
};

/*
 * Inside a tenant's open transaction, so that the job is there when and only when its reason is.
 * One job of a kind and ref waits at a time: a second enqueue is a no-op while the first is queued.
 * `small` ones may be claimed several together.
 */
DESK_MUST_CHECK enum desk_status desk_job_enqueue(struct desk_ctx *cx, const char *kind, const char *ref);
DESK_MUST_CHECK enum desk_status desk_jobs_enqueue(struct desk_ctx *cx, const char *kind,
						   const char *const *refs, size_t n, bool small);

/*
 * With the login role, each in a transaction of its own. A claimed job is ours until the lease
 * ends; extend it while working. When it has ended, another worker takes the job over and guard
 * and settle give DESK_E_CONFLICT: then what was not committed must be dropped.
 *
 * claim: at most `most` jobs, all of one tenant and kind; several only when all are small and
 * none was tried before. *n is 0 when nothing is due. Jobs live in cx->arena.
 * extend: *kept is how many of them are still ours.
 * retry, fail: put back or laid aside with a reason; no error when the job is not ours any more.
 */
DESK_MUST_CHECK enum desk_status desk_jobs_claim(struct desk_ctx *cx, const struct desk_worker *w, size_t most,
						 struct desk_job **out, size_t *n);
DESK_MUST_CHECK enum desk_status desk_jobs_extend(struct desk_ctx *cx, const struct desk_worker *w,
						  const int64_t *ids, size_t n, size_t *kept);
DESK_MUST_CHECK enum desk_status desk_job_retry(struct desk_ctx *cx, const struct desk_worker *w, int64_t id,
						int delay_s, const char *reason);
DESK_MUST_CHECK enum desk_status desk_job_fail(struct desk_ctx *cx, const struct desk_worker *w, int64_t id,
					       const char *reason);
/*
 * Inside the tenant's transaction that writes jobs' results: locks them and checks that they are
 * all still ours, so that a worker that lost its lease cannot write. DESK_E_CONFLICT otherwise.
 * settle: the same, and they are done: gone when and only when the result is committed.
 */
DESK_MUST_CHECK enum desk_status desk_jobs_guard(struct desk_ctx *cx, const struct desk_worker *w,
						 const int64_t *ids, size_t n);
DESK_MUST_CHECK enum desk_status desk_jobs_settle(struct desk_ctx *cx, const struct desk_worker *w,
						  const int64_t *ids, size_t n);

/* Inside a tenant's transaction: its jobs by state. */
struct desk_job_counts {
	int64_t queued, running, failed;
};
DESK_MUST_CHECK enum desk_status desk_jobs_count(struct desk_ctx *cx, struct desk_job_counts *out);

#pragma GCC visibility pop
#endif
