/* jobs/pool.c - the threads: claim, run, retry; leases; wake-ups; draining. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "db/db.h"
#include "jobd.h"
#include "log/log.h"
#include "tenancy/tenancy.h"

#define POOL_IDLE_MS 2000	/* a wake-up that was lost costs so much */
#define POOL_DOWN_MS 5000	/* the database does not answer: ask again then */
#define POOL_BACKOFF_MAX_S 300
#define POOL_BATCH_MAX 128

static const struct job_kind *const pool_kinds[] = { &job_ingest, &job_embed, &job_merge };

/* A thread and the jobs it holds. */
struct pool_thread {
	struct jobd *d;
	pthread_t    id;
	int64_t      held[POOL_BATCH_MAX];	/* under the pool's lock */
	size_t       n_held;
};

struct job_pool {
	pthread_mutex_t     lock;
	pthread_cond_t      woken;
	unsigned            wakes;	/* grows; a thread that saw an older one looks again */
	bool                stopping, ticker_stop;
	struct pool_thread *threads;
	unsigned            n_threads;
};

bool job_pool_stopping(const struct jobd *d)
{
	bool stopping;

	pthread_mutex_lock(&d->pool->lock);
	stopping = d->pool->stopping;
	pthread_mutex_unlock(&d->pool->lock);
	return stopping;
}

/* ---- one run ------------------------------------------------------------ */

static void pool_hold(struct pool_thread *t, const int64_t *ids, size_t n)
{
	pthread_mutex_lock(&t->d->pool->lock);
	for (size_t i = 0; i < n; i++)
		t->held[i] = ids[i];
	t->n_held = n;
	pthread_mutex_unlock(&t->d->pool->lock);
}

static const struct job_kind *pool_kind(const char *name)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(pool_kinds); i++) {
		if (strcmp(pool_kinds[i]->name, name) == 0)
			return pool_kinds[i];
	}
	return NULL;
}

static int pool_backoff_s(int attempts)
{
	int s = 1;

	while (--attempts > 0 && s < POOL_BACKOFF_MAX_S)
		s *= 2;
	return s < POOL_BACKOFF_MAX_S ? s : POOL_BACKOFF_MAX_S;
}

/* Put back what was not done. When even that fails, the lease's end does it. */
static void pool_put_back(struct job_run *r)
{
	struct desk_error why = r->cx->err;

	for (size_t i = 0; i < r->n; i++) {
		int delay_s = r->put_back ? 0 : pool_backoff_s(r->jobs[i].attempts);

		desk_error_clear(&r->cx->err);
		if (desk_job_retry(r->cx, &r->d->worker, r->jobs[i].id, delay_s, why.text) != DESK_OK)
			break;
	}
	r->cx->err = why;
}

static void pool_run(struct job_run *r)
{
	const struct job_kind *kind = pool_kind(r->jobs[0].kind);
	int64_t began_us = desk_mono_us(r->cx->clock);
	enum desk_status rc;

	if (kind == NULL) {
		(void)(desk_job_fail(r->cx, &r->d->worker, r->jobs[0].id, "no such kind of job") == DESK_OK);
		return;
	}
	rc = desk_tenant_enter(r->cx, r->d->tenants, r->jobs[0].tenant_id);
	if (rc == DESK_OK)
		rc = kind->run(r);
	desk_db_rollback(r->cx);
	if (rc == DESK_OK && !r->put_back) {
		desk_log_ctx(r->cx, DESK_LOG_INFO, "job_done", DESK_L_STR("kind", kind->name),
			     DESK_L_STR("ref", r->jobs[0].ref), DESK_L_INT("jobs", r->n),
			     DESK_L_INT("ms", (desk_mono_us(r->cx->clock) - began_us) / 1000));
		return;
	}
	if (rc != DESK_OK) {
		desk_log_error(r->cx, "job_failed");
		desk_log_ctx(r->cx, DESK_LOG_WARN, "job_put_back", DESK_L_STR("kind", kind->name),
			     DESK_L_STR("ref", r->jobs[0].ref), DESK_L_INT("jobs", r->n),
			     DESK_L_INT("attempts", r->jobs[0].attempts));
	}
	if (rc != DESK_E_CONFLICT)
		pool_put_back(r);
}

/* ---- threads ------------------------------------------------------------ */

/* Wait for news after `seen`; false when it is time to end. */
static bool pool_wait(struct job_pool *p, unsigned *seen, int ms)
{
	struct timespec until;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&p->lock);
	while (!p->stopping && p->wakes == *seen) {
		if (pthread_cond_timedwait(&p->woken, &p->lock, &until) != 0)
			break;
	}
	*seen = p->wakes;
	go_on = !p->stopping;
	pthread_mutex_unlock(&p->lock);
	return go_on;
}

/* Claim and run once. *ms is how long to wait before the next try, 0 when there was something. */
static void pool_step(struct pool_thread *t, struct desk_arena *a, int *ms)
{
	struct jobd *d = t->d;
	struct desk_job *jobs = NULL;
	struct desk_ctx cx;
	size_t n = 0;
	int64_t *ids;

	desk_ctx_init(&cx, a, NULL);
	cx.db = d->db;
	cx.log = d->log;
	if (desk_jobs_claim(&cx, &d->worker, POOL_BATCH_MAX, &jobs, &n) != DESK_OK) {
		desk_log_error(&cx, "claim_failed");
		*ms = POOL_DOWN_MS;
		return;
	}
	*ms = n > 0 ? 0 : POOL_IDLE_MS;
	if (n == 0)
		return;
	ids = desk_arena_array(a, n, sizeof(*ids));
	for (size_t i = 0; i < n; i++)
		ids[i] = jobs[i].id;
	pool_hold(t, ids, n);
	pool_run(&(struct job_run){ .d = d, .cx = &cx, .jobs = jobs, .ids = ids, .n = n });
	pool_hold(t, NULL, 0);
}

static void *pool_thread_main(void *arg)
{
	struct pool_thread *t = arg;
	struct desk_arena *a = desk_arena_new();
	unsigned seen = 0;
	int ms = 0;

	do {
		pool_step(t, a, &ms);
		desk_arena_reset(a);
	} while (ms == 0 ? !job_pool_stopping(t->d) : pool_wait(t->d->pool, &seen, ms));
	desk_arena_free(a);
	return NULL;
}

/* ---- leases ------------------------------------------------------------- */

static size_t pool_held(struct job_pool *p, struct desk_arena *a, int64_t **out)
{
	int64_t *ids = desk_arena_array(a, (size_t)p->n_threads * POOL_BATCH_MAX, sizeof(*ids));
	size_t n = 0;

	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++) {
		for (size_t k = 0; k < p->threads[i].n_held; k++)
			ids[n++] = p->threads[i].held[k];
	}
	pthread_mutex_unlock(&p->lock);
	*out = ids;
	return n;
}

static void pool_extend(struct jobd *d, struct desk_arena *a)
{
	struct desk_ctx cx;
	int64_t *ids;
	size_t n = pool_held(d->pool, a, &ids), kept = 0;

	if (n == 0)
		return;
	desk_ctx_init(&cx, a, NULL);
	cx.db = d->db;
	cx.log = d->log;
	cx.deadline = desk_deadline_in_ms(NULL, (int64_t)d->worker.lease_s * 1000);
	if (desk_jobs_extend(&cx, &d->worker, ids, n, &kept) != DESK_OK)
		desk_log_error(&cx, "lease_not_extended");
}

/* A third of the lease after another, so that two may be missed. */
static void *pool_ticker_main(void *arg)
{
	struct jobd *d = arg;
	struct job_pool *p = d->pool;
	struct desk_arena *a = desk_arena_new();
	int64_t every_us = (int64_t)d->worker.lease_s * 1000000 / 3, due_us = desk_mono_us(NULL) + every_us;
	bool stop = false;

	while (!stop) {
		struct timespec until = { due_us / 1000000, due_us % 1000000 * 1000 };

		pthread_mutex_lock(&p->lock);
		while (!p->ticker_stop && desk_mono_us(NULL) < due_us)
			(void)pthread_cond_timedwait(&p->woken, &p->lock, &until);
		stop = p->ticker_stop;
		pthread_mutex_unlock(&p->lock);
		if (!stop)
			pool_extend(d, a);
		desk_arena_reset(a);
		due_us = desk_mono_us(NULL) + every_us;
	}
	desk_arena_free(a);
	return NULL;
}

/* ---- the pool ----------------------------------------------------------- */

static void pool_wake(struct job_pool *p, bool stop)
{
	pthread_mutex_lock(&p->lock);
	p->wakes++;
	p->stopping = p->stopping || stop;
	pthread_cond_broadcast(&p->woken);
	pthread_mutex_unlock(&p->lock);
}

static bool pool_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static void pool_init(struct job_pool *p, struct jobd *d, unsigned threads)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->woken, &attr);
	pthread_condattr_destroy(&attr);
	p->threads = desk_xcalloc(threads, sizeof(*p->threads));
	p->n_threads = threads;
	for (unsigned i = 0; i < threads; i++)
		p->threads[i].d = d;
}

static void pool_done(struct job_pool *p)
{
	pthread_cond_destroy(&p->woken);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
}

enum desk_status job_pool_run(struct jobd *d, unsigned threads, int stop_fd)
{
	struct desk_db_listener *l = desk_db_listener_new(d->db, DESK_JOB_CHANNEL);
	struct job_pool p = { 0 };
	pthread_t ticker;
	unsigned started = 0;
	bool ticking;

	pool_init(&p, d, threads);
	/* cppcheck-suppress autoVariables ; who reads it is joined before p is gone */
	d->pool = &p;
	ticking = pthread_create(&ticker, NULL, pool_ticker_main, d) == 0;
	while (ticking && started < threads &&
	       pthread_create(&p.threads[started].id, NULL, pool_thread_main, &p.threads[started]) == 0)
		started++;
	while (started > 0 && !pool_readable(stop_fd)) {
		if (desk_db_listener_wait(l, POOL_IDLE_MS, stop_fd))
			pool_wake(&p, false);
	}
	pool_wake(&p, true);
	for (unsigned i = 0; i < started; i++)
		pthread_join(p.threads[i].id, NULL);
	pthread_mutex_lock(&p.lock);
	p.ticker_stop = true;
	pthread_cond_broadcast(&p.woken);
	pthread_mutex_unlock(&p.lock);
	if (ticking)
		pthread_join(ticker, NULL);
	desk_db_listener_free(l);
	pool_done(&p);
	return started > 0 ? DESK_OK : DESK_E_UNAVAILABLE;
}
