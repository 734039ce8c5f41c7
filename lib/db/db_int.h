/* lib/db/db_int.h - between the files of this room. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_DB_INT_H
#define DESK_DB_INT_H

#include <libpq-fe.h>

#include "db/db.h"

#define DB_STATEMENTS_MAX 1024	/* slots a connection; a power of two */

/* A statement that the server has prepared: its text's address and the schema it was planned in. */
struct db_statement {
	const char *sql;	/* NULL: an empty slot */
	uint64_t    schema;
	unsigned    number;
};

struct db_conn {
	struct db_conn     *next;	/* idle list */
	PGconn             *pg;	/* always in pipeline mode and non-blocking */
	struct db_statement statements[DB_STATEMENTS_MAX];
	unsigned            statement_count, statement_next;
	bool                forget;	/* a transaction failed: which statements the server has is not known */
};

/* What was sent and not yet received, in order. */
enum db_sent { DB_SENT_HIDDEN, DB_SENT_QUERY, DB_SENT_SYNC };

struct desk_db_tx {
	struct desk_db   *db;
	struct db_conn   *conn;	/* NULL once given back */
	struct desk_ctx  *cx;	/* valid while the transaction is open */
	uint64_t          schema;	/* hash of the schema's name, 0 for the platform */
	unsigned char    *sent;	/* ring of enum db_sent; arena */
	size_t            head, count, cap;
	bool              unsynced;	/* something was sent behind the last sync */
	bool              failed;
};

/* pool.c */
DESK_MUST_CHECK enum desk_status db_conn_take(struct desk_db *db, const struct desk_ctx *cx,
					      struct db_conn **out, struct desk_error *err);
void db_conn_give(struct desk_db *db, struct db_conn *c, bool broken);
bool db_prepares(const struct desk_db *db);
unsigned db_timeout_ms(const struct desk_db *db);
PGconn *db_connect(const struct desk_db *db, struct desk_error *err);	/* blocking mode, no pipeline */

/* query.c */
DESK_MUST_CHECK enum desk_status db_send(struct desk_db_tx *tx, enum db_sent kind, const char *sql,
					 const struct desk_param *p, size_t n);
/* Take results until the ring is empty; the first failure is kept. */
DESK_MUST_CHECK enum desk_status db_drain(struct desk_db_tx *tx);
/* Gives the code, and says why in err. */
enum desk_status db_fail_result(struct desk_error *err, const PGresult *res);

/* rows.c: takes the result over. */
struct desk_rows *db_rows_new(struct desk_arena *a, PGresult *res);

#endif
