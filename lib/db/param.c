/* lib/db/param.c - typed binds: numbers and arrays in Postgres's binary form. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <endian.h>
#include <string.h>

#include "db/db.h"

/* pg_type.dat; fixed for all versions. */
enum {
	OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT4 = 23, OID_TEXT = 25, OID_FLOAT8 = 701,
	OID_BYTEA_ARRAY = 1001, OID_INT4_ARRAY = 1007, OID_TEXT_ARRAY = 1009, OID_INT8_ARRAY = 1016,
	OID_FLOAT8_ARRAY = 1022,
};

struct desk_param desk_p_null(void)
{
	return (struct desk_param){ .null = true };
}

struct desk_param desk_p_text(const char *s)
{
	return (struct desk_param){ .null = s == NULL, .ptr = s };
}

struct desk_param desk_p_str(struct desk_arena *a, struct desk_str s)
{
	return desk_p_text(desk_arena_strndup(a, s.p, s.n));
}

static struct desk_param param_num(unsigned oid, const void *be, int len)
{
	struct desk_param p = { .oid = oid, .binary = true, .len = len };

	memcpy(p.num, be, (size_t)len);
	return p;
}

struct desk_param desk_p_int64(int64_t v)
{
	uint64_t be = htobe64((uint64_t)v);

	return param_num(OID_INT8, &be, 8);
}

struct desk_param desk_p_int32(int32_t v)
{
	uint32_t be = htobe32((uint32_t)v);

	return param_num(OID_INT4, &be, 4);
}

static uint64_t param_double_bits(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return htobe64(bits);
}

struct desk_param desk_p_double(double v)
{
	uint64_t be = param_double_bits(v);

	return param_num(OID_FLOAT8, &be, 8);
}

struct desk_param desk_p_bool(bool v)
{
	char c = v ? 1 : 0;

	return param_num(OID_BOOL, &c, 1);
}

struct desk_param desk_p_bytea(const void *p, size_t n)
{
	return (struct desk_param){ .oid = OID_BYTEA, .binary = true, .len = (int)n,
				    .ptr = p != NULL ? p : "" };
}

struct desk_param desk_p_json(struct desk_arena *a, const json_t *v)
{
	return desk_p_text(v != NULL ? desk_json_dump(a, v) : NULL);
}

static void param_put32(char **at, uint32_t v)
{
	v = htobe32(v);
	memcpy(*at, &v, 4);
	*at += 4;
}

/* array_send's form: dimensions, no NULLs, element type, then length and lower bound. */
static char *param_array(struct desk_arena *a, unsigned element, size_t n, size_t bytes, char **at)
{
	char *p = desk_arena_alloc(a, 20 + bytes);

	*at = p;
	param_put32(at, n > 0 ? 1 : 0);
	param_put32(at, 0);
	param_put32(at, element);
	if (n > 0) {
		param_put32(at, (uint32_t)n);
		param_put32(at, 1);
	}
	return p;
}

static struct desk_param param_done(unsigned oid, const char *p, const char *end)
{
	return (struct desk_param){ .oid = oid, .binary = true, .len = (int)(end - p), .ptr = p };
}

struct desk_param desk_p_int64_array(struct desk_arena *a, const int64_t *v, size_t n)
{
	char *at, *p = param_array(a, OID_INT8, n, n * 12, &at);

	for (size_t i = 0; i < n; i++) {
		uint64_t be = htobe64((uint64_t)v[i]);

		param_put32(&at, 8);
		memcpy(at, &be, 8);
		at += 8;
	}
	return param_done(OID_INT8_ARRAY, p, at);
}

struct desk_param desk_p_int32_array(struct desk_arena *a, const int32_t *v, size_t n)
{
	char *at, *p = param_array(a, OID_INT4, n, n * 8, &at);

	for (size_t i = 0; i < n; i++) {
		param_put32(&at, 4);
		param_put32(&at, (uint32_t)v[i]);
	}
	return param_done(OID_INT4_ARRAY, p, at);
}

struct desk_param desk_p_double_array(struct desk_arena *a, const double *v, size_t n)
{
	char *at, *p = param_array(a, OID_FLOAT8, n, n * 12, &at);

	for (size_t i = 0; i < n; i++) {
		uint64_t be = param_double_bits(v[i]);

		param_put32(&at, 8);
		memcpy(at, &be, 8);
		at += 8;
	}
	return param_done(OID_FLOAT8_ARRAY, p, at);
}

struct desk_param desk_p_bytea_array(struct desk_arena *a, const struct desk_str *v, size_t n)
{
	size_t bytes = 0;
	char *at, *p;

	for (size_t i = 0; i < n; i++)
		bytes += 4 + v[i].n;
	p = param_array(a, OID_BYTEA, n, bytes, &at);
	for (size_t i = 0; i < n; i++) {
		param_put32(&at, (uint32_t)v[i].n);
		if (v[i].n > 0)
			memcpy(at, v[i].p, v[i].n);
		at += v[i].n;
	}
	return param_done(OID_BYTEA_ARRAY, p, at);
}

/* A NULL string is SQL's NULL; the header's NULL flag is only a hint, set for all. */
struct desk_param desk_p_text_array(struct desk_arena *a, const char *const *v, size_t n)
{
	size_t bytes = 0;
	char *at, *p;

	for (size_t i = 0; i < n; i++)
		bytes += 4 + (v[i] != NULL ? strlen(v[i]) : 0);
	p = param_array(a, OID_TEXT, n, bytes, &at);
	p[7] = 1;
	for (size_t i = 0; i < n; i++) {
		size_t len = v[i] != NULL ? strlen(v[i]) : 0;

		param_put32(&at, v[i] != NULL ? (uint32_t)len : UINT32_MAX);
		if (len > 0)
			memcpy(at, v[i], len);
		at += len;
	}
	return param_done(OID_TEXT_ARRAY, p, at);
}

/* IEEE 754 binary16, round to nearest even; past its range the largest finite value. */
static uint16_t param_half(float f)
{
	uint32_t bits, sign, mag, shift;

	memcpy(&bits, &f, sizeof(bits));
	sign = bits >> 16 & 0x8000;
	mag = bits & 0x7FFFFFFF;
	if (mag >= 0x477FF000)	/* would round past 65504, or is not a number */
		return (uint16_t)(sign | 0x7BFF);
	if (mag >= 0x38800000) {
		mag += 0xFFF + (mag >> 13 & 1);
		return (uint16_t)(sign | (mag - 0x38000000) >> 13);
	}
	if (mag < 0x33000000)
		return (uint16_t)sign;
	shift = 126 - (mag >> 23);	/* a subnormal: units of 2^-24 */
	mag = (mag & 0x7FFFFF) | 0x800000;
	mag += (1u << (shift - 1)) - 1 + (mag >> shift & 1);
	return (uint16_t)(sign | mag >> shift);
}

/* pgvector's halfvec_recv: int16 dimension, int16 unused, then each half, big-endian. */
struct desk_param desk_p_halfvec(struct desk_arena *a, const float *v, size_t dim)
{
	uint16_t *p;

	if (v == NULL)
		return desk_p_null();
	p = desk_arena_array(a, dim + 2, sizeof(*p));
	p[0] = htobe16((uint16_t)dim);
	p[1] = 0;
	for (size_t i = 0; i < dim; i++)
		p[i + 2] = htobe16(param_half(v[i]));
	return (struct desk_param){ .binary = true, .len = (int)((dim + 2) * 2), .ptr = p };
}
