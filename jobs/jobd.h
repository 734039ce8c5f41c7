/* jobs/jobd.h - frontdesk-jobd: worker threads that claim jobs and do them. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file         duty
 * -----------  --------------------------------------------------------------
 * main.c       arguments, settings, what a process holds, signals
 * pool.c       the threads: claim, run, retry; leases; wake-ups; draining
 * job_ingest.c kind "ingest": file or text to a searchable document
 * publish.c    the one transaction that makes documents searchable
 * job_embed.c  kind "embed": vectors for a range of chunks
 * job_merge.c  kind "merge": the lexical index's segments
 */
#ifndef JOBD_H
#define JOBD_H

#include "base/base.h"
#include "config/config.h"
#include "queue/queue.h"

struct jobd {
	struct desk_config       *config;
	struct desk_log          *log;
	struct desk_db           *db;
	struct desk_net          *net;
	struct desk_retrieval    *retrieval;
	struct desk_embedder     *embedder;
	struct desk_tenant_cache *tenants;
	const char               *extractor;	/* NULL: the installed one */
	struct desk_worker        worker;	/* the process's name in leases */
	struct job_pool          *pool;
};

/* Jobs that one thread works on: one, or several small ones of a kind and tenant. */
struct job_run {
	struct jobd           *d;
	struct desk_ctx       *cx;	/* in the tenant; its arena dies with the run */
	const struct desk_job *jobs;
	const int64_t         *ids;	/* of the jobs */
	size_t                 n;
	bool                   put_back;	/* set by run: not done for now, no fault of its own */
};

/*
 * A kind of job. run ends its jobs itself, by desk_jobs_settle in the transaction of their result.
 * DESK_E_CONFLICT: they are somebody else's now. Any other failure puts them back, later and later.
 */
struct job_kind {
	const char *name;
	size_t      most;	/* jobs a run */
	enum desk_status (*run)(struct job_run *r);
};
extern const struct job_kind job_ingest, job_embed, job_merge;

/* pool.c: threads run until `stop_fd` is readable, then end at their next commit. */
DESK_MUST_CHECK enum desk_status job_pool_run(struct jobd *d, unsigned threads, int stop_fd);
bool job_pool_stopping(const struct jobd *d);

/* publish.c: make documents of these jobs searchable; texts of files are in the database already. */
struct desk_document;
struct publish_file {	/* a file that was extracted; NULL: documents that came as text */
	const char *title, *language;
	int         pages;
};
DESK_MUST_CHECK enum desk_status job_publish(struct job_run *r, const struct publish_file *file);

#endif
