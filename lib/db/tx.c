/* lib/db/tx.c - a transaction: begin with the tenant's preamble, commit, rollback. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "db/db_int.h"

#define TX_RING_FIRST 32

/* FNV-1a; statements are told apart by it, a clash costs only a new plan. */
static uint64_t tx_hash(const char *s)
{
	uint64_t h = 14695981039346656037ULL;

	while (*s != '\0')
		h = (h ^ (unsigned char)*s++) * 1099511628211ULL;
	return h | 1;
}

/* The connection goes back, its transaction having ended, or is closed with it. */
static void tx_release(struct desk_db_tx *tx, bool broken)
{
	struct db_conn *c = tx->conn;

	if (c == NULL)
		return;
	tx->conn = NULL;
	if (tx->cx != NULL && tx->cx->tx == tx)
		tx->cx->tx = NULL;
	if (tx->failed)
		c->forget = true;
	db_conn_give(tx->db, c, broken || PQtransactionStatus(c->pg) != PQTRANS_IDLE);
}

/* The arena dies with a transaction open: the context may be gone, so nothing is said to it. */
static void tx_abandon(void *arg)
{
	struct desk_db_tx *tx = arg;

	tx->cx = NULL;
	tx_release(tx, true);
}

static enum desk_status tx_open(struct desk_ctx *cx, struct desk_db_tx **out)
{
	struct desk_db_tx *tx;
	enum desk_status rc;

	if (cx->tx != NULL)
		return desk_fail(cx, DESK_E_BUG, "a transaction is open already");
	if (cx->db == NULL)
		return desk_fail(cx, DESK_E_BUG, "the context has no database");
	tx = desk_arena_alloc(cx->arena, sizeof(*tx));
	tx->db = cx->db;
	tx->cx = cx;
	tx->cap = TX_RING_FIRST;
	tx->sent = desk_arena_alloc(cx->arena, tx->cap);
	rc = db_conn_take(cx->db, cx, &tx->conn, &cx->err);
	if (rc != DESK_OK)
		return rc;
	desk_arena_cleanup(cx->arena, tx_abandon, tx);
	cx->tx = tx;
	*out = tx;
	return DESK_OK;
}

static enum desk_status tx_begin(struct desk_db_tx *tx)
{
	static const char begin[] = "BEGIN", deallocate[] = "DEALLOCATE ALL";
	struct db_conn *c = tx->conn;
	enum desk_status rc = DESK_OK;

	if (c->forget || c->statement_count > DB_STATEMENTS_MAX * 3 / 4) {
		memset(c->statements, 0, sizeof(c->statements));
		c->statement_count = 0;
		c->forget = false;
		if (db_prepares(tx->db))
			rc = db_send(tx, DB_SENT_HIDDEN, deallocate, NULL, 0);
	}
	return rc == DESK_OK ? db_send(tx, DB_SENT_HIDDEN, begin, NULL, 0) : rc;
}

enum desk_status desk_db_begin_platform(struct desk_ctx *cx)
{
	static const char preamble[] =
		"SELECT set_config('statement_timeout', $1, true), set_config('jit', 'off', true)";
	struct desk_db_tx *tx;
	char timeout[16];
	enum desk_status rc = tx_open(cx, &tx);
	struct desk_param p[1];

	if (rc != DESK_OK)
		return rc;
	snprintf(timeout, sizeof(timeout), "%u", db_timeout_ms(cx->db));
	p[0] = desk_p_text(timeout);
	rc = tx_begin(tx);
	if (rc == DESK_OK)
		rc = db_send(tx, DB_SENT_HIDDEN, preamble, p, DESK_ARRAY_LEN(p));
	if (rc != DESK_OK)
		tx_release(tx, true);
	return rc;
}

/*
 * The walls: the tenant's role (which has rights in its schema only), its schema first in the
 * path with pg_temp last, its id for row-level security. All LOCAL: they end with the transaction.
 */
enum desk_status desk_db_begin_as(struct desk_ctx *cx, const char *role, const char *schema,
				  const char *tenant_id)
{
	static const char preamble[] =
		"SELECT set_config('role', $1, true),"
		" set_config('search_path', quote_ident($2) || ', public, pg_temp', true),"
		" set_config('app.current_tenant_id', $3, true),"
		" set_config('statement_timeout', $4, true), set_config('jit', 'off', true)";
	struct desk_db_tx *tx;
	char timeout[16];
	enum desk_status rc = tx_open(cx, &tx);
	struct desk_param p[4];

	if (rc != DESK_OK)
		return rc;
	snprintf(timeout, sizeof(timeout), "%u", db_timeout_ms(cx->db));
	p[0] = desk_p_text(role);
	p[1] = desk_p_text(schema);
	p[2] = desk_p_text(tenant_id);
	p[3] = desk_p_text(timeout);
	rc = tx_begin(tx);
	if (rc == DESK_OK)
		rc = db_send(tx, DB_SENT_HIDDEN, preamble, p, DESK_ARRAY_LEN(p));
	tx->schema = tx_hash(schema);	/* the preamble itself is the same for all */
	if (rc != DESK_OK)
		tx_release(tx, true);
	return rc;
}

enum desk_status desk_db_commit(struct desk_ctx *cx)
{
	static const char commit[] = "COMMIT";
	struct desk_db_tx *tx = cx->tx;
	enum desk_status rc;

	if (tx == NULL)
		return desk_fail(cx, DESK_E_BUG, "no transaction is open");
	if (tx->failed) {
		desk_db_rollback(cx);
		return desk_fail(cx, DESK_E_DB, "commit of a failed transaction");
	}
	rc = db_send(tx, DB_SENT_HIDDEN, commit, NULL, 0);
	if (rc == DESK_OK)
		rc = db_drain(tx);
	if (rc != DESK_OK) {
		desk_db_rollback(cx);
		return rc;
	}
	tx_release(tx, false);
	return DESK_OK;
}

void desk_db_rollback(struct desk_ctx *cx)
{
	static const char rollback[] = "ROLLBACK";
	struct desk_db_tx *tx = cx->tx;
	struct desk_error kept;
	bool clean;

	if (tx == NULL)
		return;
	kept = cx->err;
	desk_error_clear(&cx->err);	/* for what the clean-up itself meets */
	clean = PQstatus(tx->conn->pg) == CONNECTION_OK;
	if (clean && tx->count > 0)
		clean = db_drain(tx) == DESK_OK || PQstatus(tx->conn->pg) == CONNECTION_OK;
	if (clean) {
		desk_error_clear(&cx->err);
		clean = db_send(tx, DB_SENT_HIDDEN, rollback, NULL, 0) == DESK_OK &&
			db_drain(tx) == DESK_OK;
	}
	cx->err = kept;
	tx_release(tx, !clean);
}

enum desk_status desk_db_login_is_weak(struct desk_ctx *cx, bool *out)
{
	static const char sql[] =
		"SELECT NOT (rolsuper OR rolbypassrls OR rolinherit) FROM pg_roles WHERE rolname = session_user";
	struct desk_rows *rows;
	enum desk_status rc = desk_db_begin_platform(cx);

	if (rc == DESK_OK)
		rc = desk_db_query(cx, &rows, sql);
	if (rc != DESK_OK)
		return rc;
	*out = desk_rows_count(rows) == 1 && desk_rows_bool(rows, 0, 0);
	return desk_db_commit(cx);
}
