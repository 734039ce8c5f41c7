/* lib/db/db.h - Postgres: a pool, one short transaction at a time, pipelined statements. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file       duty
 * ---------  ----------------------------------------------------------------
 * pool.c     connections of a process, taken for one transaction and given back
 * tx.c       begin, the tenant's preamble, commit, rollback
 * query.c    send, receive, pipeline, prepared statements, deadlines
 * param.c    typed binds, arrays, halfvec
 * rows.c     typed readers of a result
 * listen.c   LISTEN on a connection of its own
 * migrate.c  migrations of platform and tenant schemas: up, down, status; migrate_files.c reads them
 */
#ifndef DESK_DB_H
#define DESK_DB_H

#include "base/base.h"

#pragma GCC visibility push(default)

struct desk_db_options {
	const char *conninfo;	/* borrowed for the open; a URL or key=value pairs */
	const char *program;	/* application_name */
	unsigned    pool_size;
	unsigned    statement_timeout_ms;
	bool        prepare;	/* false behind a transaction pooler without prepared statements */
};

/* Thread-safe. Connects at the first use, not here. *out is owned. */
DESK_MUST_CHECK enum desk_status desk_db_open(const struct desk_db_options *o, struct desk_db **out,
					      struct desk_error *err);
void desk_db_free(struct desk_db *db);

/*
 * A transaction. One of these, then queries, then commit or rollback; a transaction that was left
 * open when the arena dies is rolled back. The preamble (BEGIN, role, search_path, tenant id)
 * travels with the first query and costs no round trip of its own. Waits for a free connection up
 * to cx->deadline. NEVER hold one over a model, embedding or channel call.
 *
 * _begin_platform runs as the login role, that has no right on a tenant's table.
 * _begin runs as cx->tenant's role, in its schema, with app.current_tenant_id set: three walls.
 */
DESK_MUST_CHECK enum desk_status desk_db_begin_platform(struct desk_ctx *cx);
DESK_MUST_CHECK enum desk_status desk_db_begin_as(struct desk_ctx *cx, const char *role,
						  const char *schema, const char *tenant_id);
DESK_MUST_CHECK enum desk_status desk_db_commit(struct desk_ctx *cx);
/* Is cx->db's login role one that no wall stands open for: no superuser, no BYPASSRLS, NOINHERIT? */
DESK_MUST_CHECK enum desk_status desk_db_login_is_weak(struct desk_ctx *cx, bool *out);
/* Ends the transaction, if there is one; what it wrote is gone. Never fails. */
void desk_db_rollback(struct desk_ctx *cx);

/* ---- binds -------------------------------------------------------------- */

/* One bound value. Make them with DESK_P_...; pointers are borrowed until the call returns. */
struct desk_param {
	unsigned    oid;	/* 0: the server infers it from the statement's cast */
	bool        binary, null;
	int         len;
	const void *ptr;	/* NULL: the value is in num */
	char        num[8];
};
struct desk_param desk_p_text(const char *s);	/* NULL is SQL's NULL; type by the statement: $1::uuid etc. */
struct desk_param desk_p_str(struct desk_arena *a, struct desk_str s);
struct desk_param desk_p_int64(int64_t v);
struct desk_param desk_p_int32(int32_t v);
struct desk_param desk_p_double(double v);
struct desk_param desk_p_bool(bool v);
struct desk_param desk_p_bytea(const void *p, size_t n);
struct desk_param desk_p_json(struct desk_arena *a, const json_t *v);	/* cast with $n::jsonb */
struct desk_param desk_p_text_array(struct desk_arena *a, const char *const *v, size_t n);
struct desk_param desk_p_int64_array(struct desk_arena *a, const int64_t *v, size_t n);
struct desk_param desk_p_int32_array(struct desk_arena *a, const int32_t *v, size_t n);
struct desk_param desk_p_double_array(struct desk_arena *a, const double *v, size_t n);
struct desk_param desk_p_bytea_array(struct desk_arena *a, const struct desk_str *v, size_t n);
/* pgvector's halfvec in its binary form; cast with $n::halfvec. */
struct desk_param desk_p_halfvec(struct desk_arena *a, const float *v, size_t dim);
struct desk_param desk_p_null(void);

/* ---- queries ------------------------------------------------------------ */

/* A result; lives in cx->arena. */
struct desk_rows;

/*
 * Run one statement and wait. `sql` is static text: its address is its identity for prepared
 * statements, which are kept by connection, statement and tenant (a search_path of its own makes
 * a plan of its own). `rows` may be NULL for statements without a result.
 * DESK_E_DB with the SQLSTATE in cx->err; DESK_E_CONFLICT for a unique violation (23505);
 * DESK_E_TIMEOUT when the deadline passed (the statement is cancelled); DESK_E_UNAVAILABLE when
 * there is no server or no free connection.
 */
#define desk_db_query(cx, rows, sql, ...)                                                  \
	desk_db_query_n((cx), (rows), (sql),                                               \
			(const struct desk_param[]){ { 0 } __VA_OPT__(,) __VA_ARGS__ } + 1,   \
			sizeof((const struct desk_param[]){ { 0 } __VA_OPT__(,) __VA_ARGS__ }) / \
					sizeof(struct desk_param) - 1)
DESK_MUST_CHECK enum desk_status desk_db_query_n(struct desk_ctx *cx, struct desk_rows **rows,
						 const char *sql, const struct desk_param *p, size_t n);
#define desk_db_exec(cx, ...) desk_db_query((cx), NULL, __VA_ARGS__)	/* (cx, sql, binds…) */

/*
 * Pipelined: send several, then take their results in the same order with desk_db_next; all of it
 * is one round trip. desk_db_commit also takes what was sent and not yet received (checking it).
 */
#define desk_db_send(cx, sql, ...)                                                         \
	desk_db_send_n((cx), (sql), (const struct desk_param[]){ { 0 } __VA_OPT__(,) __VA_ARGS__ } + 1, \
		       sizeof((const struct desk_param[]){ { 0 } __VA_OPT__(,) __VA_ARGS__ }) /  \
				       sizeof(struct desk_param) - 1)
DESK_MUST_CHECK enum desk_status desk_db_send_n(struct desk_ctx *cx, const char *sql,
						const struct desk_param *p, size_t n);
DESK_MUST_CHECK enum desk_status desk_db_next(struct desk_ctx *cx, struct desk_rows **rows);
/* Several statements in one text, no binds, no result: migrations only. */
DESK_MUST_CHECK enum desk_status desk_db_script(struct desk_ctx *cx, const char *sql);

/* ---- results ------------------------------------------------------------ */

size_t desk_rows_count(const struct desk_rows *r);
int64_t desk_rows_affected(const struct desk_rows *r);	/* rows an INSERT, UPDATE or DELETE touched */
/* Column numbers from 0. Asking for a column of another kind is a caller's bug: assert. */
bool desk_rows_null(const struct desk_rows *r, size_t row, int col);
int64_t desk_rows_int64(const struct desk_rows *r, size_t row, int col);	/* int2, int4, int8; NULL is 0 */
double desk_rows_double(const struct desk_rows *r, size_t row, int col);	/* float4, float8, ints */
bool desk_rows_bool(const struct desk_rows *r, size_t row, int col);
/* text, varchar, name, uuid, json, jsonb, enum: arena; NULL is NULL. */
const char *desk_rows_text(const struct desk_rows *r, size_t row, int col);
struct desk_str desk_rows_bytea(const struct desk_rows *r, size_t row, int col);	/* borrowed from the result */
int64_t desk_rows_time_us(const struct desk_rows *r, size_t row, int col);	/* timestamptz, since 1970 */
/* A jsonb column, parsed; NULL is NULL. */
json_t *desk_rows_json(const struct desk_rows *r, size_t row, int col);

/* ---- notifications ------------------------------------------------------ */

/* One thread's; `db` and `channel` are borrowed. Connects at the first wait, again when it was lost. */
struct desk_db_listener;
struct desk_db_listener *desk_db_listener_new(struct desk_db *db, const char *channel);	/* owned */
void desk_db_listener_free(struct desk_db_listener *l);
/*
 * Wait for a NOTIFY on the channel, for `wake_fd` (-1: none) to be readable, or for the time.
 * True when something was heard, or may have been missed while there was no connection.
 */
bool desk_db_listener_wait(struct desk_db_listener *l, int timeout_ms, int wake_fd);

/* ---- migrations --------------------------------------------------------- */

struct desk_migration {
	const char *scope;	/* "platform" or "tenant" */
	int64_t     version;
	const char *name;
	bool        applied;	/* to all schemas of its scope */
	size_t      pending;	/* tenant schemas that lack it */
};
struct desk_migrations {
	struct desk_migration *at;
	size_t                 n;
};
/* `dir` holds platform/NNNN_name.{up,down}.sql and tenant/…; told() is called after each file. */
struct desk_migrate_options {
	const char *dir;
	int64_t     to;	/* down: the version of either scope to stop at; -1: one step */
	bool        lose_data;	/* down: go on though tenants would lose data */
	void (*told)(void *arg, const char *schema, const char *file);
	void *arg;
};
/*
 * cx->db is the owner's. Takes an advisory lock, runs each file in a transaction of its own,
 * records its sha256, goes through all tenant schemas, can be stopped and run again, and refuses
 * (DESK_E_CONFLICT) when a file that was applied has changed.
 */
DESK_MUST_CHECK enum desk_status desk_migrate_up(struct desk_ctx *cx, const struct desk_migrate_options *o);
DESK_MUST_CHECK enum desk_status desk_migrate_down(struct desk_ctx *cx, const struct desk_migrate_options *o);
DESK_MUST_CHECK enum desk_status desk_migrate_status(struct desk_ctx *cx, const char *dir,
						     struct desk_migrations *out);
/* With the login role, for readiness: how many files or tenants are behind what `dir` has. */
DESK_MUST_CHECK enum desk_status desk_migrate_pending(struct desk_ctx *cx, const char *dir, size_t *pending);

#pragma GCC visibility pop
#endif
