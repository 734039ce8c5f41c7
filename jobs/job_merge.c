/* jobs/job_merge.c - kind "merge": the lexical index's small segments become larger ones. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "db/db.h"
#include "jobd.h"
#include "retrieval/retrieval.h"
#include "tenancy/tenancy.h"

static enum desk_status merge_run(struct job_run *r)
{
	bool more = true;
	enum desk_status rc = DESK_OK;

	while (rc == DESK_OK && more && !r->put_back) {
		rc = desk_lexical_merge(r->cx, &more);
		r->put_back = rc == DESK_OK && more && job_pool_stopping(r->d);
	}
	if (rc != DESK_OK || r->put_back)
		return rc;
	rc = desk_tenant_begin(r->cx);
	if (rc == DESK_OK)
		rc = desk_jobs_settle(r->cx, &r->d->worker, r->ids, r->n);
	return rc == DESK_OK ? desk_db_commit(r->cx) : rc;
}

const struct job_kind job_merge = { .name = DESK_JOB_MERGE, .most = 1, .run = merge_run };
