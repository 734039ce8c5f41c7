/* lib/queue/queue.h - jobs: rows in Postgres, claimed with SKIP LOCKED, held by a lease. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file    duty
 * ------  -------------------------------------------------------------------
 * job.c   enqueue in a tenant's transaction; claim, extend, finish, retry, fail
 */
#ifndef DESK_QUEUE_H
#define DESK_QUEUE_H

#include "base/base.h"
#include "db/db.h"

#pragma GCC visibility push(default)

struct desk_job {
	int64_t     id;
	const char *tenant_id;	/* arena */
	const char *kind;	/* "ingest", "embed", "merge", "remove" */
	const char *ref;	/* what it is about: a document's UUID, or "" */
	int         attempts;	/* this one included */
};

/*
 * Inside a tenant's open transaction, so that the job is there when and only when its reason is.
 * One job of a kind and ref waits at a time: a second enqueue is a no-op while the first is queued.
 */
DESK_MUST_CHECK enum desk_status desk_job_enqueue(struct desk_ctx *cx, const char *kind, const char *ref);

/*
 * With the login role, each in a transaction of its own. A claimed job is ours until the lease
 * ends; extend it while working. When it has ended, another worker takes the job over and
 * finish, retry and fail give DESK_E_CONFLICT: then what was not committed must be dropped.
 * claim: out->id is 0 when nothing is due.
 */
DESK_MUST_CHECK enum desk_status desk_job_claim(struct desk_ctx *cx, const char *worker, int lease_s,
						struct desk_job *out);
DESK_MUST_CHECK enum desk_status desk_job_extend(struct desk_ctx *cx, const char *worker, int lease_s,
						 int64_t id);
DESK_MUST_CHECK enum desk_status desk_job_finish(struct desk_ctx *cx, const char *worker, int64_t id);
DESK_MUST_CHECK enum desk_status desk_job_retry(struct desk_ctx *cx, const char *worker, int64_t id,
						int delay_s, const char *reason);
DESK_MUST_CHECK enum desk_status desk_job_fail(struct desk_ctx *cx, const char *worker, int64_t id,
					       const char *reason);
/*
 * Inside the tenant's transaction that writes a job's result: locks the job and checks that it is
 * still ours, so that a worker that lost its lease cannot write. DESK_E_CONFLICT otherwise.
 */
DESK_MUST_CHECK enum desk_status desk_job_guard(struct desk_ctx *cx, const char *worker, int64_t id);

#pragma GCC visibility pop
#endif
