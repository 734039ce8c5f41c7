/* lib/cache/cache.c - Redis: a pool, a circuit breaker, get, set, ping. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cache/cache_int.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CACHE_IDLE_MAX 16
#define CACHE_TIMEOUT_US 100000
#define CACHE_PAUSE_MIN_US 1000000
#define CACHE_PAUSE_MAX_US 30000000

struct desk_cache {
	struct desk_arena *arena;	/* holds where's strings; not used after the open */
	struct cache_where where;
	pthread_mutex_t    lock;	/* of all below */
	redisContext      *idle[CACHE_IDLE_MAX];
	size_t             n_idle;
	int64_t            closed_until_us;	/* the breaker: monotonic; 0 while all is well */
	int64_t            pause_us;	/* of the last failure; 0 while all is well */
};

enum desk_status desk_cache_open(const char *url, struct desk_cache **out, struct desk_error *err)
{
	struct desk_arena *a;
	struct cache_where where;
	struct desk_cache *c;

	*out = NULL;
	if (url == NULL || *url == '\0')
		return DESK_OK;
	a = desk_arena_new();
	if (cache_url_parse(a, url, &where, err) != DESK_OK) {
		desk_arena_free(a);
		return DESK_E_CONFIG;
	}
	c = desk_xcalloc(1, sizeof(*c));
	c->arena = a;
	c->where = where;
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return DESK_OK;
}

static void cache_drain(struct desk_cache *c)
{
	while (c->n_idle > 0)
		redisFree(c->idle[--c->n_idle]);
}

void desk_cache_free(struct desk_cache *c)
{
	if (c == NULL)
		return;
	cache_drain(c);
	pthread_mutex_destroy(&c->lock);
	desk_arena_free(c->arena);
	free(c);
}

/* ---- the breaker --------------------------------------------------------- */

/*
 * An idle connection, or NULL with `fresh` saying whether one may be made. Where the breaker was
 * closed and its pause is over, this caller alone tries: the others wait for another pause.
 */
static redisContext *cache_take(struct desk_cache *c, bool force, bool *fresh)
{
	int64_t now = desk_mono_us(NULL);
	redisContext *r = NULL;

	pthread_mutex_lock(&c->lock);
	*fresh = force || c->closed_until_us == 0 || now >= c->closed_until_us;
	if (*fresh && c->closed_until_us != 0)
		c->closed_until_us = now + c->pause_us;
	if (*fresh && c->n_idle > 0)
		r = c->idle[--c->n_idle];
	pthread_mutex_unlock(&c->lock);
	return r;
}

static void cache_give(struct desk_cache *c, redisContext *r)
{
	pthread_mutex_lock(&c->lock);
	c->closed_until_us = 0;
	c->pause_us = 0;
	if (c->n_idle < CACHE_IDLE_MAX) {
		c->idle[c->n_idle++] = r;
		r = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	if (r != NULL)
		redisFree(r);
}

/* Between a half and the whole of the doubled pause, so that processes do not come in step. */
static void cache_failed(struct desk_cache *c)
{
	uint16_t dice;

	desk_random(&dice, sizeof(dice));
	pthread_mutex_lock(&c->lock);
	c->pause_us = c->pause_us == 0 ? CACHE_PAUSE_MIN_US : c->pause_us * 2;
	if (c->pause_us > CACHE_PAUSE_MAX_US)
		c->pause_us = CACHE_PAUSE_MAX_US;
	c->closed_until_us = desk_mono_us(NULL) + c->pause_us / 2 + c->pause_us / 2 * dice / 65535;
	cache_drain(c);
	pthread_mutex_unlock(&c->lock);
}

/* ---- connecting ------------------------------------------------------------ */

static bool cache_said_ok(redisReply *reply)
{
	bool ok = reply != NULL && reply->type != REDIS_REPLY_ERROR;

	freeReplyObject(reply);
	return ok;
}

static bool cache_login(redisContext *r, const struct cache_where *w)
{
	if (*w->user != '\0' && !cache_said_ok(redisCommand(r, "AUTH %s %s", w->user, w->password)))
		return false;
	if (*w->user == '\0' && *w->password != '\0' &&
	    !cache_said_ok(redisCommand(r, "AUTH %s", w->password)))
		return false;
	return w->db == 0 || cache_said_ok(redisCommand(r, "SELECT %d", w->db));
}

static redisContext *cache_connect(const struct cache_where *w, struct desk_error *err)
{
	struct timeval tv = { .tv_usec = CACHE_TIMEOUT_US };
	redisContext *r = *w->path != '\0' ? redisConnectUnixWithTimeout(w->path, tv) :
					     redisConnectWithTimeout(w->host, w->port, tv);

	if (r == NULL)
		abort();
	if (r->err == 0 && redisSetTimeout(r, tv) == REDIS_OK && cache_login(r, w))
		return r;
	if (r->err != 0)
		desk_error_set(err, DESK_E_UNAVAILABLE, "Redis cannot be reached: %s", r->errstr);
	else
		desk_error_set(err, DESK_E_UNAVAILABLE,
			       "Redis refuses the login or the database of REDIS_URL");
	redisFree(r);
	return NULL;
}

/* ---- commands -------------------------------------------------------------- */

struct cache_command {
	int         n;
	const char *argv[5];
	size_t      len[5];
};

/* Has the server hung up while the connection lay idle? Writing to it then would be a SIGPIPE. */
static bool cache_is_alive(const redisContext *r)
{
	char c;

	return recv(r->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* Run a command. On success *out is the reply (owned); whatever else happens closes the breaker. */
static enum desk_status cache_run(struct desk_cache *c, const struct cache_command *cmd, bool force,
				  redisReply **out, struct desk_error *err)
{
	redisContext *r;
	bool may;

	if (c == NULL)
		return desk_error_set(err, DESK_E_UNAVAILABLE,
				      "there is no Redis: REDIS_URL is empty");
	r = cache_take(c, force, &may);
	if (!may)
		return desk_error_set(err, DESK_E_UNAVAILABLE, "Redis was down a moment ago");
	if (r == NULL || !cache_is_alive(r)) {
		redisFree(r);
		r = cache_connect(&c->where, err);
	}
	*out = r != NULL ? redisCommandArgv(r, cmd->n, (const char **)cmd->argv, cmd->len) : NULL;
	if (*out == NULL) {
		desk_error_set(err, DESK_E_UNAVAILABLE, "Redis does not answer: %s",
			       r != NULL ? r->errstr : "");
		redisFree(r);
		cache_failed(c);
		return DESK_E_UNAVAILABLE;
	}
	cache_give(c, r);
	return DESK_OK;
}

static enum desk_status cache_refused(redisReply *reply, struct desk_error *err)
{
	enum desk_status rc = desk_error_set(
		err, DESK_E_UNAVAILABLE, "Redis says: %.200s",
		reply->type == REDIS_REPLY_ERROR ? reply->str : "something unexpected");

	freeReplyObject(reply);
	return rc;
}

enum desk_status desk_cache_get(struct desk_cache *c, struct desk_str key, struct desk_arena *a,
				struct desk_str *out, struct desk_error *err)
{
	struct cache_command cmd = { 2, { "GET", key.p }, { 3, key.n } };
	redisReply *reply = NULL;
	enum desk_status rc = cache_run(c, &cmd, false, &reply, err);

	if (rc != DESK_OK)
		return rc;
	if (reply->type == REDIS_REPLY_NIL) {
		freeReplyObject(reply);
		return DESK_E_NOT_FOUND;
	}
	if (reply->type != REDIS_REPLY_STRING)
		return cache_refused(reply, err);
	out->n = (size_t)reply->len;
	out->p = memcpy(desk_arena_alloc(a, out->n + 1), reply->str, out->n);
	freeReplyObject(reply);
	return DESK_OK;
}

enum desk_status desk_cache_set(struct desk_cache *c, struct desk_str key, struct desk_str value,
				int ttl_s, struct desk_error *err)
{
	struct desk_buf ttl;
	redisReply *reply = NULL;
	enum desk_status rc;

	desk_buf_init(&ttl, 16);
	desk_buf_addf(&ttl, "%d", ttl_s);
	rc = cache_run(c,
		       &(struct cache_command){ 5,
						{ "SET", key.p, value.p, "EX", ttl.p },
						{ 3, key.n, value.n, 2, ttl.n } },
		       false, &reply, err);
	desk_buf_done(&ttl);
	if (rc != DESK_OK)
		return rc;
	if (reply->type != REDIS_REPLY_STATUS)
		return cache_refused(reply, err);
	freeReplyObject(reply);
	return DESK_OK;
}

enum desk_status desk_cache_ping(struct desk_cache *c, struct desk_error *err)
{
	struct cache_command cmd = { 1, { "PING" }, { 4 } };
	redisReply *reply = NULL;
	enum desk_status rc = cache_run(c, &cmd, true, &reply, err);

	if (rc != DESK_OK)
		return rc;
	if (reply->type != REDIS_REPLY_STATUS)
		return cache_refused(reply, err);
	freeReplyObject(reply);
	return DESK_OK;
}
