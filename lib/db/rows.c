/* lib/db/rows.c - typed readers of a result in Postgres's binary form. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "db/db_int.h"

enum {
	OID_BOOL = 16, OID_BYTEA = 17, OID_CHAR = 18, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23,
	OID_FLOAT4 = 700, OID_FLOAT8 = 701, OID_TIMESTAMPTZ = 1184, OID_UUID = 2950, OID_JSONB = 3802,
};

#define ROWS_EPOCH_US 946684800000000LL	/* 2000-01-01, from where Postgres counts, since 1970 */

struct desk_rows {
	PGresult          *res;
	struct desk_arena *arena;
};

static void rows_clear(void *arg)
{
	PQclear(arg);
}

struct desk_rows *db_rows_new(struct desk_arena *a, PGresult *res)
{
	struct desk_rows *r = desk_arena_alloc(a, sizeof(*r));

	r->res = res;
	r->arena = a;
	desk_arena_cleanup(a, rows_clear, res);
	return r;
}

size_t desk_rows_count(const struct desk_rows *r)
{
	return (size_t)PQntuples(r->res);
}

int64_t desk_rows_affected(const struct desk_rows *r)
{
	int64_t n;

	return desk_parse_int64(PQcmdTuples(r->res), &n) ? n : 0;
}

bool desk_rows_null(const struct desk_rows *r, size_t row, int col)
{
	return PQgetisnull(r->res, (int)row, col) != 0;
}

static uint64_t rows_be(const struct desk_rows *r, size_t row, int col, int len)
{
	const char *p = PQgetvalue(r->res, (int)row, col);
	uint64_t v = 0;

	assert(PQgetlength(r->res, (int)row, col) == len);
	for (int i = 0; i < len; i++)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

int64_t desk_rows_int64(const struct desk_rows *r, size_t row, int col)
{
	if (desk_rows_null(r, row, col))
		return 0;
	switch (PQftype(r->res, col)) {
	case OID_INT8:
		return (int64_t)rows_be(r, row, col, 8);
	case OID_INT4:
		return (int32_t)rows_be(r, row, col, 4);
	case OID_INT2:
		return (int16_t)rows_be(r, row, col, 2);
	default:
		assert(!"column is not an integer");
		return 0;
	}
}

double desk_rows_double(const struct desk_rows *r, size_t row, int col)
{
	uint64_t bits;
	uint32_t bits4;
	double d;
	float f;

	if (desk_rows_null(r, row, col))
		return 0;
	switch (PQftype(r->res, col)) {
	case OID_FLOAT8:
		bits = rows_be(r, row, col, 8);
		memcpy(&d, &bits, sizeof(d));
		return d;
	case OID_FLOAT4:
		bits4 = (uint32_t)rows_be(r, row, col, 4);
		memcpy(&f, &bits4, sizeof(f));
		return f;
	default:
		return (double)desk_rows_int64(r, row, col);
	}
}

bool desk_rows_bool(const struct desk_rows *r, size_t row, int col)
{
	assert(PQftype(r->res, col) == OID_BOOL);
	return !desk_rows_null(r, row, col) && *PQgetvalue(r->res, (int)row, col) != 0;
}

static const char *rows_uuid(const struct desk_rows *r, const char *p)
{
	char hex[33];

	desk_hex(p, 16, hex);
	return desk_arena_printf(r->arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
				 hex + 20);
}

const char *desk_rows_text(const struct desk_rows *r, size_t row, int col)
{
	const char *p = PQgetvalue(r->res, (int)row, col);

	if (desk_rows_null(r, row, col))
		return NULL;
	switch (PQftype(r->res, col)) {
	case OID_UUID:
		return rows_uuid(r, p);
	case OID_JSONB:
		return p + 1;	/* behind its version byte */
	case OID_INT2:
	case OID_INT4:
	case OID_INT8:
		return desk_arena_printf(r->arena, "%lld", (long long)desk_rows_int64(r, row, col));
	case OID_BOOL:
	case OID_BYTEA:
	case OID_FLOAT4:
	case OID_FLOAT8:
	case OID_TIMESTAMPTZ:
		assert(!"column is not text");
		return NULL;
	default:
		return p;	/* libpq ends every value with a NUL; it lives as long as the result */
	}
}

struct desk_str desk_rows_bytea(const struct desk_rows *r, size_t row, int col)
{
	return (struct desk_str){ PQgetvalue(r->res, (int)row, col),
				  (size_t)PQgetlength(r->res, (int)row, col) };
}

int64_t desk_rows_time_us(const struct desk_rows *r, size_t row, int col)
{
	assert(PQftype(r->res, col) == OID_TIMESTAMPTZ);
	if (desk_rows_null(r, row, col))
		return 0;
	return (int64_t)rows_be(r, row, col, 8) + ROWS_EPOCH_US;
}

json_t *desk_rows_json(const struct desk_rows *r, size_t row, int col)
{
	const char *text = desk_rows_text(r, row, col);
	json_t *v = NULL;

	if (text == NULL ||
	    desk_json_parse(r->arena, text, strlen(text), &v, NULL) != DESK_OK)
		return NULL;
	return v;
}
