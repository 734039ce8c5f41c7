/* lib/base/base.h - the ground: memory, errors, text, ids, time, JSON and the request context. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file        duty
 * ----------  ---------------------------------------------------------------
 * status.h    the status codes: one row each, with HTTP status and client text
 * error.c     struct desk_error: first error wins
 * alloc.c     checked allocators; out of memory ends the process
 * arena.c     request memory with clean-up callbacks
 * buf.c       growable bytes that state their maximum at birth
 * text.c      UTF-8, hex, number parsing, string views
 * id.c        random bytes, UUIDs, correlation ids
 * clock.c     wall and monotonic time, injectable; deadlines
 * json.c      jansson helpers: arena-owned documents, typed getters
 * ctx.c       struct desk_ctx: what a request or a job carries
 */
#ifndef DESK_BASE_H
#define DESK_BASE_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define DESK_MUST_CHECK __attribute__((warn_unused_result))
#define DESK_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define DESK_NORETURN __attribute__((noreturn))
#define DESK_EXPORT __attribute__((visibility("default")))
#define DESK_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Everything a door declares is exported; the rest of the library is built hidden. */
#pragma GCC visibility push(default)

/* ---- errors ------------------------------------------------------------- */

/*
 * What went wrong, for the log; the client gets only the fixed text of its status. Set once,
 * where the reason is known: the first error wins. A NULL receiver is allowed everywhere.
 */
struct desk_error {
	enum desk_status code;	/* DESK_OK while nothing went wrong */
	char             sqlstate[6];	/* five characters when Postgres said no, else "" */
	const char      *file;	/* __FILE__ of the place that set it */
	int              line;
	char             field[64];	/* DESK_E_INPUT: the field of the body at fault, or "" */
	char             text[512];
};

#define desk_error_set(err, code, ...) \
	desk_error_set_at((err), (code), __FILE__, __LINE__, __VA_ARGS__)

/* Gives back `code`, so that a caller may return the call. */
enum desk_status desk_error_set_at(struct desk_error *err, enum desk_status code, const char *file,
				   int line, const char *fmt, ...) DESK_PRINTF(5, 6);
/* The same, naming the field of the input that is wrong. Sets DESK_E_INPUT. */
#define desk_error_field(err, field, ...) \
	desk_error_field_at((err), (field), __FILE__, __LINE__, __VA_ARGS__)
enum desk_status desk_error_field_at(struct desk_error *err, const char *field, const char *file,
				     int line, const char *fmt, ...) DESK_PRINTF(5, 6);
void desk_error_clear(struct desk_error *err);

const char *desk_status_name(enum desk_status code);	/* "DESK_E_INPUT" */
int desk_status_http(enum desk_status code);
const char *desk_status_client_text(enum desk_status code);
int desk_status_exit(enum desk_status code);	/* sysexits.h */

/* ---- memory ------------------------------------------------------------- */

/* Checked allocators: never NULL; out of memory ends the process. free() gives back. */
void *desk_xmalloc(size_t n);
void *desk_xcalloc(size_t n, size_t size);
void *desk_xrealloc(void *p, size_t n, size_t size);	/* n * size, overflow checked */
char *desk_xstrdup(const char *s);
char *desk_xstrndup(const char *s, size_t n);

/* Memory that lives as long as a request or a job. Not thread-safe: one thread, one arena. */
struct desk_arena;

struct desk_arena *desk_arena_new(void);	/* owned */
void desk_arena_free(struct desk_arena *a);	/* runs clean-ups, last added first; NULL is fine */
void desk_arena_reset(struct desk_arena *a);	/* as free, but keeps one block for reuse */
void *desk_arena_alloc(struct desk_arena *a, size_t n);	/* zeroed, 16-byte aligned */
void *desk_arena_array(struct desk_arena *a, size_t n, size_t size);
char *desk_arena_strdup(struct desk_arena *a, const char *s);	/* NULL gives NULL */
char *desk_arena_strndup(struct desk_arena *a, const char *s, size_t n);
char *desk_arena_printf(struct desk_arena *a, const char *fmt, ...) DESK_PRINTF(2, 3);
void desk_arena_cleanup(struct desk_arena *a, void (*fn)(void *), void *arg);
size_t desk_arena_used(const struct desk_arena *a);	/* bytes handed out, for tests */

/* ---- bytes -------------------------------------------------------------- */

/* A view: borrowed bytes, not NUL-terminated. */
struct desk_str {
	const char *p;
	size_t      n;
};
#define DESK_STR(lit) ((struct desk_str){ (lit), sizeof(lit) - 1 })
struct desk_str desk_str_of(const char *s);	/* NULL gives an empty view */
bool desk_str_eq(struct desk_str a, struct desk_str b);
bool desk_str_is(struct desk_str a, const char *s);

/* Growable bytes, always NUL-terminated one past `n`. Past `max` every append fails and sticks. */
struct desk_buf {
	char  *p;	/* owned by the buffer */
	size_t n, cap, max;
	bool   overflow;
};
void desk_buf_init(struct desk_buf *b, size_t max);
void desk_buf_done(struct desk_buf *b);
void desk_buf_clear(struct desk_buf *b);
bool desk_buf_add(struct desk_buf *b, const void *p, size_t n);	/* false once over the maximum */
bool desk_buf_adds(struct desk_buf *b, const char *s);
bool desk_buf_addc(struct desk_buf *b, char c);
bool desk_buf_addf(struct desk_buf *b, const char *fmt, ...) DESK_PRINTF(2, 3);
void *desk_buf_reserve(struct desk_buf *b, size_t n);	/* room for n more bytes, or NULL */
struct desk_str desk_buf_str(const struct desk_buf *b);

/* ---- text --------------------------------------------------------------- */

/* Decode one code point at s (n > 0 bytes): its length in bytes, 0 when not UTF-8 (RFC 3629). */
size_t desk_utf8_decode(const char *s, size_t n, uint32_t *cp);
size_t desk_utf8_encode(uint32_t cp, char out[4]);	/* bytes written, 0 for no scalar value */
bool desk_utf8_valid(const char *s, size_t n);
size_t desk_utf8_count(const char *s, size_t n);	/* code points; s is valid UTF-8 */
/* Byte offset of code point `cps`, at most n. */
size_t desk_utf8_offset(const char *s, size_t n, size_t cps);
/* Copy with invalid bytes replaced by U+FFFD and NUL dropped; arena. */
char *desk_utf8_clean(struct desk_arena *a, const char *s, size_t n, size_t *out_n);

DESK_MUST_CHECK bool desk_parse_int64(const char *s, int64_t *out);	/* whole string, base 10 */
DESK_MUST_CHECK bool desk_parse_double(const char *s, double *out);	/* "C" locale, finite */
void desk_hex(const void *p, size_t n, char *out);	/* 2n + 1 bytes */
bool desk_equal_ct(const void *a, const void *b, size_t n);	/* constant time */
size_t desk_copy(char *dst, size_t cap, const char *src);	/* truncating copy on a whole
								   code point; length copied */

/* ---- ids and time ------------------------------------------------------- */

#define DESK_UUID_LEN 36
void desk_random(void *p, size_t n);	/* getrandom(2) */
void desk_uuid_v4(char out[DESK_UUID_LEN + 1]);
bool desk_uuid_valid(const char *s);	/* 8-4-4-4-12 hex digits, any case */
/* A correlation id from outside is kept when it is 1..128 of [A-Za-z0-9._-], else a new one. */
void desk_correlation_id(const char *given, char out[129]);

struct desk_clock {
	int64_t (*wall_us)(const struct desk_clock *);	/* since 1970, UTC */
	int64_t (*mono_us)(const struct desk_clock *);
};
extern const struct desk_clock desk_clock_system;
int64_t desk_now_us(const struct desk_clock *c);	/* wall; NULL is the system clock */
int64_t desk_mono_us(const struct desk_clock *c);
void desk_time_iso(int64_t wall_us, char out[32]);	/* 2026-11-23T21:36:11.123456Z */

/* A point of monotonic time after which work is given up; at_us 0 means never. */
struct desk_deadline {
	int64_t at_us;
};
struct desk_deadline desk_deadline_in_ms(const struct desk_clock *c, int64_t ms);
/* Milliseconds left, 0 when passed; `cap` when there is no deadline or more than cap is left. */
int desk_deadline_left_ms(const struct desk_clock *c, struct desk_deadline d, int cap);
bool desk_deadline_passed(const struct desk_clock *c, struct desk_deadline d);

/* ---- JSON --------------------------------------------------------------- */

/* Parse; the document dies with the arena. DESK_E_INPUT with line and reason otherwise. */
DESK_MUST_CHECK enum desk_status desk_json_parse(struct desk_arena *a, const char *p, size_t n,
						 json_t **out, struct desk_error *err);
json_t *desk_json_keep(struct desk_arena *a, json_t *owned);	/* decref with the arena */
char *desk_json_dump(struct desk_arena *a, const json_t *v);	/* compact, keys in order */
/* Getters with a default for a missing or wrong-typed member. Strings are borrowed. */
const char *desk_json_string(const json_t *o, const char *key, const char *dflt);
int64_t desk_json_int(const json_t *o, const char *key, int64_t dflt);
double desk_json_double(const json_t *o, const char *key, double dflt);
bool desk_json_bool(const json_t *o, const char *key, bool dflt);

/* ---- context ------------------------------------------------------------ */

struct desk_db;
struct desk_db_tx;
struct desk_log;
struct desk_tenant;
struct desk_principal;

/*
 * What a request or a job carries through the service rooms. One thread uses one at a time.
 * All pointers are borrowed but the arena's content.
 */
struct desk_ctx {
	struct desk_arena           *arena;
	const struct desk_clock     *clock;	/* never NULL */
	struct desk_deadline         deadline;
	struct desk_error            err;
	struct desk_log             *log;	/* NULL: nothing is logged */
	struct desk_db              *db;
	struct desk_db_tx           *tx;	/* the open transaction, or NULL */
	const struct desk_tenant    *tenant;	/* NULL until lib/tenancy resolved it */
	const char                  *tenant_id;	/* the same, as text for the log; NULL until then */
	const struct desk_principal *principal;	/* NULL until lib/auth knows the caller */
	char                         correlation_id[129];
};

/* The arena is borrowed; clock NULL means the system's. Makes a correlation id. */
void desk_ctx_init(struct desk_ctx *cx, struct desk_arena *arena, const struct desk_clock *clock);
#define desk_fail(cx, code, ...) desk_error_set(&(cx)->err, (code), __VA_ARGS__)

#pragma GCC visibility pop
#endif
