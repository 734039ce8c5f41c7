/* lib/db/query.c - send and receive, pipelined, with prepared statements and deadlines. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "db/db_int.h"

#define QUERY_PARAMS_MAX 32
#define QUERY_WAIT_MS 600000	/* where the caller has no deadline; the server's own limit is shorter */

static const struct {
	const char      *prefix;	/* of the SQLSTATE */
	enum desk_status code;
} query_states[] = {
	{ "23505", DESK_E_CONFLICT }, { "57014", DESK_E_TIMEOUT }, { "P0002", DESK_E_NOT_FOUND },
	{ "22023", DESK_E_INPUT }, { "08", DESK_E_UNAVAILABLE }, { "57P", DESK_E_UNAVAILABLE },
	{ "53", DESK_E_UNAVAILABLE },
};

enum desk_status db_fail_result(struct desk_error *err, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	enum desk_status code = DESK_E_DB;

	for (size_t i = 0; state != NULL && i < DESK_ARRAY_LEN(query_states); i++) {
		if (strncmp(state, query_states[i].prefix, strlen(query_states[i].prefix)) == 0) {
			code = query_states[i].code;
			break;
		}
	}
	if (err != NULL && err->code == DESK_OK && state != NULL)
		desk_copy(err->sqlstate, sizeof(err->sqlstate), state);
	return desk_error_set(err, code, "%s", text != NULL ? text : PQresultErrorMessage(res));
}

static enum desk_status query_lost(struct desk_db_tx *tx)
{
	tx->failed = true;
	tx->count = 0;
	return desk_fail(tx->cx, DESK_E_UNAVAILABLE, "lost the connection to Postgres: %s",
			 PQerrorMessage(tx->conn->pg));
}

static void query_push(struct desk_db_tx *tx, enum db_sent kind)
{
	if (tx->count == tx->cap) {
		unsigned char *more = desk_arena_alloc(tx->cx->arena, tx->cap * 2);

		for (size_t i = 0; i < tx->count; i++)
			more[i] = tx->sent[(tx->head + i) % tx->cap];
		tx->sent = more;
		tx->head = 0;
		tx->cap *= 2;
	}
	tx->sent[(tx->head + tx->count++) % tx->cap] = (unsigned char)kind;
	tx->unsynced = kind != DB_SENT_SYNC;
}

/* The slot of a statement in this schema: the one that has it, or the free one for it. */
static struct db_statement *query_statement(struct db_conn *c, const char *sql, uint64_t schema)
{
	size_t i = (size_t)(((uintptr_t)sql >> 3) * 2654435761u ^ schema) & (DB_STATEMENTS_MAX - 1);

	while (c->statements[i].sql != NULL &&
	       (c->statements[i].sql != sql || c->statements[i].schema != schema))
		i = (i + 1) & (DB_STATEMENTS_MAX - 1);
	return &c->statements[i];
}

struct query_binds {
	Oid         types[QUERY_PARAMS_MAX];
	const char *values[QUERY_PARAMS_MAX];
	int         lengths[QUERY_PARAMS_MAX], formats[QUERY_PARAMS_MAX];
};

static void query_bind(struct query_binds *b, const struct desk_param *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		b->types[i] = p[i].oid;
		b->values[i] = p[i].null ? NULL : p[i].ptr != NULL ? p[i].ptr : p[i].num;
		b->lengths[i] = p[i].len;
		b->formats[i] = p[i].binary ? 1 : 0;
	}
}

/* Transaction control and one-off statements are not worth a plan kept by tenant. */
enum desk_status db_send(struct desk_db_tx *tx, enum db_sent kind, const char *sql,
			 const struct desk_param *p, size_t n)
{
	struct query_binds b;
	PGconn *pg = tx->conn->pg;
	struct db_statement *s = NULL;
	char name[16] = "";
	int ok = 1;

	if (n > QUERY_PARAMS_MAX)
		return desk_fail(tx->cx, DESK_E_BUG, "a statement with %zu binds", n);
	query_bind(&b, p, n);
	/* DEALLOCATE and friends have no binds and no schema: sent as they are */
	if (db_prepares(tx->db) && (kind == DB_SENT_QUERY || n > 0))
		s = query_statement(tx->conn, sql, tx->schema);
	if (s != NULL && s->sql == NULL) {
		s->sql = sql;
		s->schema = tx->schema;
		s->number = ++tx->conn->statement_next;
		tx->conn->statement_count++;
		snprintf(name, sizeof(name), "d%u", s->number);
		ok = PQsendPrepare(pg, name, sql, (int)n, b.types);
		if (ok)
			query_push(tx, DB_SENT_HIDDEN);
	}
	if (ok && s != NULL) {
		snprintf(name, sizeof(name), "d%u", s->number);
		ok = PQsendQueryPrepared(pg, name, (int)n, b.values, b.lengths, b.formats, 1);
	} else if (ok) {
		ok = PQsendQueryParams(pg, sql, (int)n, b.types, b.values, b.lengths, b.formats, 1);
	}
	if (!ok)
		return query_lost(tx);
	query_push(tx, kind);
	return DESK_OK;
}

/* Flush and read until a result can be taken without blocking. */
static enum desk_status query_wait(struct desk_db_tx *tx)
{
	PGconn *pg = tx->conn->pg;

	for (;;) {
		int unsent = PQflush(pg);
		struct pollfd p = { .fd = PQsocket(pg), .events = POLLIN };
		int left = desk_deadline_left_ms(tx->cx->clock, tx->cx->deadline, QUERY_WAIT_MS), got;

		if (unsent < 0)
			return query_lost(tx);
		if (unsent == 0 && !PQisBusy(pg))
			return DESK_OK;
		if (unsent > 0)
			p.events |= POLLOUT;
		got = left > 0 ? poll(&p, 1, left) : 0;
		if (got < 0 && errno != EINTR)
			return query_lost(tx);
		if (got == 0) {
			PGcancel *cancel = PQgetCancel(pg);
			char why[256];

			if (cancel != NULL)
				(void)PQcancel(cancel, why, sizeof(why));
			PQfreeCancel(cancel);
			tx->failed = true;
			tx->count = 0;
			PQfinish(pg);	/* its answer is of no use any more */
			tx->conn->pg = NULL;
			return desk_fail(tx->cx, DESK_E_TIMEOUT, "the deadline passed in a statement");
		}
		if (got > 0 && (p.revents & ~POLLOUT) != 0 && PQconsumeInput(pg) != 1)
			return query_lost(tx);
	}
}

/* The answer to the oldest entry. *res is NULL for a sync. */
static enum desk_status query_take(struct desk_db_tx *tx, enum db_sent *kind, PGresult **res)
{
	enum desk_status rc = query_wait(tx);
	PGresult *extra;

	*res = NULL;
	if (rc != DESK_OK)
		return rc;
	*kind = tx->sent[tx->head];
	*res = PQgetResult(tx->conn->pg);
	if (*res == NULL || PQstatus(tx->conn->pg) != CONNECTION_OK) {
		if (*res != NULL && PQresultStatus(*res) == PGRES_FATAL_ERROR)
			(void)db_fail_result(&tx->cx->err, *res);
		PQclear(*res);
		*res = NULL;
		return query_lost(tx);
	}
	tx->head = (tx->head + 1) % tx->cap;
	tx->count--;
	if (*kind == DB_SENT_SYNC) {
		PQclear(*res);
		*res = NULL;
		return DESK_OK;
	}
	rc = query_wait(tx);	/* the NULL that ends this statement's results */
	if (rc == DESK_OK && (extra = PQgetResult(tx->conn->pg)) != NULL) {
		PQclear(extra);
		rc = query_lost(tx);
	}
	if (rc != DESK_OK) {
		PQclear(*res);
		*res = NULL;
	}
	return rc;
}

static enum desk_status query_sync(struct desk_db_tx *tx)
{
	if (!tx->unsynced)
		return DESK_OK;
	if (PQpipelineSync(tx->conn->pg) != 1)
		return query_lost(tx);
	query_push(tx, DB_SENT_SYNC);
	return DESK_OK;
}

/* Look at a result; what failed fails the transaction and the first reason is kept. */
static enum desk_status query_judge(struct desk_db_tx *tx, const PGresult *res)
{
	switch (PQresultStatus(res)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
		return DESK_OK;
	case PGRES_PIPELINE_ABORTED:
		tx->failed = true;
		return desk_fail(tx->cx, DESK_E_DB, "an earlier statement of the pipeline failed");
	default:
		tx->failed = true;
		return db_fail_result(&tx->cx->err, res);
	}
}

enum desk_status db_drain(struct desk_db_tx *tx)
{
	enum desk_status rc = query_sync(tx), first = DESK_OK;

	if (rc != DESK_OK)
		return rc;
	while (tx->count > 0) {
		enum db_sent kind;
		PGresult *res;

		rc = query_take(tx, &kind, &res);
		if (rc != DESK_OK)
			return first != DESK_OK ? first : rc;
		rc = res != NULL ? query_judge(tx, res) : DESK_OK;
		PQclear(res);
		if (first == DESK_OK)
			first = rc;
	}
	return first;
}

enum desk_status desk_db_send_n(struct desk_ctx *cx, const char *sql, const struct desk_param *p,
				size_t n)
{
	if (cx->tx == NULL)
		return desk_fail(cx, DESK_E_BUG, "a statement outside a transaction");
	if (cx->tx->failed)
		return desk_fail(cx, DESK_E_DB, "the transaction has failed");
	return db_send(cx->tx, DB_SENT_QUERY, sql, p, n);
}

enum desk_status desk_db_next(struct desk_ctx *cx, struct desk_rows **rows)
{
	struct desk_db_tx *tx = cx->tx;
	enum desk_status rc;

	if (tx == NULL)
		return desk_fail(cx, DESK_E_BUG, "a result outside a transaction");
	rc = query_sync(tx);
	while (rc == DESK_OK && tx->count > 0) {
		enum db_sent kind;
		PGresult *res;

		rc = query_take(tx, &kind, &res);
		if (rc != DESK_OK || res == NULL)
			continue;
		rc = query_judge(tx, res);
		if (rc != DESK_OK || kind != DB_SENT_QUERY) {
			PQclear(res);
			continue;
		}
		if (rows != NULL)
			*rows = db_rows_new(cx->arena, res);
		else
			PQclear(res);
		return DESK_OK;
	}
	if (rc == DESK_OK)
		return desk_fail(cx, DESK_E_BUG, "no statement was sent for this result");
	if (tx->conn->pg != NULL && PQstatus(tx->conn->pg) == CONNECTION_OK)
		(void)(db_drain(tx) == DESK_OK);	/* the rest of a failed pipeline says nothing new */
	return rc;
}

enum desk_status desk_db_query_n(struct desk_ctx *cx, struct desk_rows **rows, const char *sql,
				 const struct desk_param *p, size_t n)
{
	enum desk_status rc = desk_db_send_n(cx, sql, p, n);

	return rc == DESK_OK ? desk_db_next(cx, rows) : rc;
}

enum desk_status desk_db_script(struct desk_ctx *cx, const char *sql)
{
	struct desk_db_tx *tx = cx->tx;
	enum desk_status rc;
	PGresult *res;

	if (tx == NULL)
		return desk_fail(cx, DESK_E_BUG, "a script outside a transaction");
	rc = db_drain(tx);
	if (rc != DESK_OK)
		return rc;
	if (PQexitPipelineMode(tx->conn->pg) != 1 || PQsetnonblocking(tx->conn->pg, 0) != 0)
		return query_lost(tx);
	res = PQexec(tx->conn->pg, sql);
	rc = query_judge(tx, res);
	PQclear(res);
	if (PQsetnonblocking(tx->conn->pg, 1) != 0 || PQenterPipelineMode(tx->conn->pg) != 1)
		return query_lost(tx);
	return rc;
}
