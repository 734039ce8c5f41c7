/* lib/db/pool.c - the connections of a process, taken for one transaction and given back. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db/db_int.h"

#define POOL_WAIT_MS 10000	/* for a free connection, where the caller has no deadline */

struct desk_db {
	char           *conninfo, *program;
	unsigned        pool_size, statement_timeout_ms;
	bool            prepare;
	pthread_mutex_t lock;
	pthread_cond_t  freed;
	struct db_conn *idle;	/* the last used first: its caches are warm */
	unsigned        open;	/* idle ones and taken ones */
};

enum desk_status desk_db_open(const struct desk_db_options *o, struct desk_db **out,
			      struct desk_error *err)
{
	PQconninfoOption *parsed;
	pthread_condattr_t attr;
	struct desk_db *db;
	char *why = NULL;

	parsed = PQconninfoParse(o->conninfo, &why);
	if (parsed == NULL) {
		desk_error_set(err, DESK_E_CONFIG, "the database address is not one: %s",
			       why != NULL ? why : "out of memory");
		PQfreemem(why);
		return DESK_E_CONFIG;
	}
	PQconninfoFree(parsed);
	db = desk_xcalloc(1, sizeof(*db));
	db->conninfo = desk_xstrdup(o->conninfo);
	db->program = desk_xstrdup(o->program != NULL ? o->program : "frontdesk");
	db->pool_size = o->pool_size > 0 ? o->pool_size : 1;
	db->statement_timeout_ms = o->statement_timeout_ms;
	db->prepare = o->prepare;
	pthread_mutex_init(&db->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&db->freed, &attr);
	pthread_condattr_destroy(&attr);
	*out = db;
	return DESK_OK;
}

static void pool_conn_free(struct db_conn *c)
{
	PQfinish(c->pg);
	free(c);
}

void desk_db_free(struct desk_db *db)
{
	if (db == NULL)
		return;
	while (db->idle != NULL) {
		struct db_conn *c = db->idle;

		db->idle = c->next;
		pool_conn_free(c);
	}
	pthread_cond_destroy(&db->freed);
	pthread_mutex_destroy(&db->lock);
	free(db->conninfo);
	free(db->program);
	free(db);
}

bool db_prepares(const struct desk_db *db)
{
	return db->prepare;
}

unsigned db_timeout_ms(const struct desk_db *db)
{
	return db->statement_timeout_ms;
}

static void pool_no_notice(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

/* What the address says wins over our defaults: it stands behind them. */
PGconn *db_connect(const struct desk_db *db, struct desk_error *err)
{
	const char *const keys[] = { "connect_timeout", "client_encoding", "fallback_application_name",
				     "dbname", NULL };
	const char *const values[] = { "5", "UTF8", db->program, db->conninfo, NULL };
	PGconn *pg = PQconnectdbParams(keys, values, 1);

	if (pg == NULL || PQstatus(pg) != CONNECTION_OK) {
		desk_error_set(err, DESK_E_UNAVAILABLE, "no connection to Postgres: %s",
			       pg != NULL ? PQerrorMessage(pg) : "out of memory");
		PQfinish(pg);
		return NULL;
	}
	PQsetNoticeReceiver(pg, pool_no_notice, NULL);
	return pg;
}

static struct db_conn *pool_conn_new(const struct desk_db *db, struct desk_error *err)
{
	PGconn *pg = db_connect(db, err);
	struct db_conn *c;

	if (pg == NULL)
		return NULL;
	if (PQsetnonblocking(pg, 1) != 0 || PQenterPipelineMode(pg) != 1) {
		desk_error_set(err, DESK_E_UNAVAILABLE, "no pipeline to Postgres: %s", PQerrorMessage(pg));
		PQfinish(pg);
		return NULL;
	}
	c = desk_xcalloc(1, sizeof(*c));
	c->pg = pg;
	return c;
}

/*
 * An idle connection that the server has closed is readable: what it said last ("terminating
 * connection"), and then its end. Nobody else talks on an idle one; a changed setting of the
 * server's does, and costs a new connection.
 */
static bool pool_conn_alive(const struct db_conn *c)
{
	struct pollfd p = { .fd = PQsocket(c->pg), .events = POLLIN };

	if (p.fd < 0 || PQstatus(c->pg) != CONNECTION_OK)
		return false;
	return poll(&p, 1, 0) == 0;
}

/* With the lock held: an idle one, or leave to open one (*out NULL), or wait. */
static enum desk_status pool_wait(struct desk_db *db, const struct desk_ctx *cx, struct db_conn **out,
				  struct desk_error *err)
{
	int wait_ms = desk_deadline_left_ms(cx->clock, cx->deadline, POOL_WAIT_MS);
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	while (db->idle == NULL && db->open >= db->pool_size) {
		if (pthread_cond_timedwait(&db->freed, &db->lock, &until) == ETIMEDOUT)
			return desk_error_set(err, DESK_E_UNAVAILABLE,
					      "no free database connection: all %u are in use",
					      db->pool_size);
	}
	*out = db->idle;
	if (*out != NULL)
		db->idle = (*out)->next;
	else
		db->open++;
	return DESK_OK;
}

enum desk_status db_conn_take(struct desk_db *db, const struct desk_ctx *cx, struct db_conn **out,
			      struct desk_error *err)
{
	struct db_conn *c = NULL;
	enum desk_status rc;

	pthread_mutex_lock(&db->lock);
	rc = pool_wait(db, cx, &c, err);
	pthread_mutex_unlock(&db->lock);
	if (rc != DESK_OK)
		return rc;
	if (c != NULL && !pool_conn_alive(c)) {
		pool_conn_free(c);
		c = NULL;
	}
	if (c == NULL)
		c = pool_conn_new(db, err);
	if (c == NULL) {
		pthread_mutex_lock(&db->lock);
		db->open--;
		pthread_cond_signal(&db->freed);
		pthread_mutex_unlock(&db->lock);
		return DESK_E_UNAVAILABLE;
	}
	*out = c;
	return DESK_OK;
}

void db_conn_give(struct desk_db *db, struct db_conn *c, bool broken)
{
	broken = broken || PQstatus(c->pg) != CONNECTION_OK;
	pthread_mutex_lock(&db->lock);
	if (broken) {
		db->open--;
	} else {
		c->next = db->idle;
		db->idle = c;
	}
	pthread_cond_signal(&db->freed);
	pthread_mutex_unlock(&db->lock);
	if (broken)
		pool_conn_free(c);
}
