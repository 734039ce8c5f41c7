/* fcgi/fcgi.h - the FastCGI application: processes, threads, requests, routes. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file            duty
 * --------------  -----------------------------------------------------------
 * main.c          options, settings, which mode we were started in
 * master.c        forks workers, restarts the dead, drains, reloads
 * children.c      the master's list of workers: look up, count, back-off
 * logfile.c       where log lines go; opening the file again
 * socket.c        the listening socket: unix or TCP
 * worker.c        one process: threads, log reopening, draining
 * serve.c         one connection: gate, FCGX_Accept_r, dispatch, finish
 * gate.c          holds a request back until it is whole and well-formed
 * park.c          connections that no thread holds
 * scan.c          the parser of FastCGI records behind the gate
 * uri.c           REQUEST_URI to a path
 * request.c       the parameters of a request, its body
 * response.c      status, headers, body; problem+json
 * dispatch.c      route, limits, credential, handler, one log line
 * routes.c        the table of routes
 * fields.c        typed fields of a JSON body, each refusal with field and reason
 * query_in.c      the body of a question
 * search_in.c     the body of a search
 * tenant.c        which tenant a caller may ask
 * route_NAME.c    one route
 */
#ifndef FCGI_FCGI_H
#define FCGI_FCGI_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/base.h"
#include "config/config.h"
#include "log/log.h"

/* ---- request and response ------------------------------------------------ */

struct desk_services;
struct fcgi_app;
struct fcgi_route;

/* One request; all of it lives in the request's arena or in libfcgi until it is finished. */
struct fcgi_req {
	const struct fcgi_app   *app;
	const struct fcgi_route *route;	/* NULL when none fits */
	char                   **params;	/* "NAME=value", NULL-terminated, borrowed */
	const char              *method;
	const char              *path;	/* decoded, no query string; NULL when it is malformed */
	struct desk_str          body;
	bool                     body_large, body_short;	/* over the route's cap; cut off by the client */
};

const char *fcgi_req_param(const struct fcgi_req *req, const char *name);	/* borrowed; NULL: none */

struct fcgi_resp {
	int             status;	/* 0 until somebody sets it */
	const char     *content_type;	/* borrowed */
	const char     *detail;	/* what the client is told when the handler fails; borrowed or arena */
	struct desk_buf headers;	/* further "Name: value\r\n" lines */
	struct desk_buf body;
};

void fcgi_resp_init(struct fcgi_resp *resp);
void fcgi_resp_clear(struct fcgi_resp *resp);
void fcgi_resp_done(struct fcgi_resp *resp);
/* The value must be a header's: no control characters, or the header is left out. */
void fcgi_resp_header(struct fcgi_resp *resp, const char *name, const char *value);
void fcgi_resp_json(struct fcgi_resp *resp, int status, const json_t *body);	/* borrowed */
/* application/problem+json (RFC 9457); `err` may name the field at fault. What was there goes. */
void fcgi_resp_problem(struct fcgi_resp *resp, int status, const char *detail,
		       const struct desk_error *err);
const char *fcgi_status_phrase(int status);
/* All that goes to the web server but the body. */
void fcgi_resp_head(const struct fcgi_resp *resp, const char *correlation_id, struct desk_buf *out);

/* The path of a REQUEST_URI, percent-decoded; NULL when it is none that a route could have. */
char *fcgi_uri_path(struct desk_arena *a, const char *uri);

/* ---- routes -------------------------------------------------------------- */

enum fcgi_auth { FCGI_AUTH_NONE, FCGI_AUTH_CUSTOMER };

/* A handler fills resp and gives DESK_OK, or fails with cx->err set. */
struct fcgi_route {
	const char    *method, *path;
	enum fcgi_auth auth;
	size_t         body_max;	/* 0: takes no body */
	const char    *fail_detail;	/* all a client is told of a failure that is ours; NULL: the status's */
	enum desk_status (*handle)(struct desk_ctx *cx, const struct fcgi_req *req,
				   struct fcgi_resp *resp);
};

extern const struct fcgi_route *const fcgi_routes[];	/* NULL-terminated */
size_t fcgi_routes_body_max(const struct fcgi_route *const *routes);

/* What a worker process has; immutable while its threads run. */
struct fcgi_app {
	const struct desk_config        *config;
	struct desk_log                 *log;
	const struct fcgi_route *const  *routes;
	const struct desk_services      *services;
};

/* Fills resp, logs one line. cx, req->params and resp are the caller's, fresh. */
void fcgi_dispatch(struct desk_ctx *cx, struct fcgi_req *req, struct fcgi_resp *resp);

/* ---- the wire ------------------------------------------------------------ */

#define FCGI_PARAMS_MAX (64 * 1024)	/* all parameters of a request */

/* How far a request has been seen; zeroed before its first byte. See FastCGI 1.0, 3.3 and 5. */
struct fcgi_scan {
	enum { FCGI_SCAN_BEGIN, FCGI_SCAN_PARAMS, FCGI_SCAN_STDIN } phase;
	size_t   at;	/* first byte that was not judged yet */
	size_t   stdin_at;	/* where the first STDIN record begins */
	size_t   params, body;	/* content bytes so far */
	size_t   body_max;	/* set by the caller */
	unsigned id;
	struct {
		unsigned char lengths[8];
		unsigned      have;	/* of lengths */
		size_t        skip;	/* bytes of name and value left */
	} pair;
};
enum fcgi_scan_verdict {
	FCGI_SCAN_MORE,	/* not yet a whole request */
	FCGI_SCAN_DONE,	/* whole; it ends at `at` */
	FCGI_SCAN_LARGE,	/* the body is over body_max; the parameters are whole */
	FCGI_SCAN_ABORTED,	/* the web server gave it up */
	FCGI_SCAN_BAD,	/* not a request of a responder, or one that libfcgi cannot read safely */
};
enum fcgi_scan_verdict fcgi_scan(struct fcgi_scan *s, const unsigned char *p, size_t n);

/* A connection of the web server. */
struct fcgi_conn {
	int               fd;
	unsigned char    *buf;	/* owned: the part of a request that was taken off the socket, or NULL */
	size_t            cap, n;
	struct fcgi_scan  scan;	/* of buf */
	int64_t           until_us;	/* monotonic: nobody waits longer for its next bytes */
	bool              known;	/* to the epoll set */
	bool              idle;	/* kept by the web server, and nothing of a next request came yet */
	struct fcgi_conn *prev, *next;	/* among the parked */
};
void fcgi_conn_free(struct fcgi_conn *c);	/* closes */

/* One a thread. */
struct fcgi_gate {
	unsigned char *look;	/* owned */
	size_t         body_max;
	int            timeout_ms;	/* for a whole request to arrive */
	/* of the last request: */
	size_t         body;	/* bytes of its body */
	bool           large;	/* its body was over body_max, and was left away */
	bool           trailing;	/* more bytes came behind it: do not keep the connection */
};
enum fcgi_gate_verdict {
	FCGI_GATE_WAIT,	/* not all of a request is here */
	FCGI_GATE_QUEUED,	/* whole, and still in the socket: let libfcgi read it */
	FCGI_GATE_TAKEN,	/* whole, or its parameters are, and taken: it is in the connection's buf */
	FCGI_GATE_CLOSED,	/* no request: closed, or garbage */
};
void fcgi_gate_init(struct fcgi_gate *g, size_t body_max, int timeout_ms);
void fcgi_gate_done(struct fcgi_gate *g);
/* Looks at what is there, and never waits. */
enum fcgi_gate_verdict fcgi_gate_look(struct fcgi_gate *g, struct fcgi_conn *c);

/* ---- processes ----------------------------------------------------------- */

/* A thread that serves requests. */
struct fcgi_thread {
	struct fcgi_worker *worker;
	struct desk_arena  *arena;
	struct fcgi_resp    resp;
	struct desk_buf     head;
	struct fcgi_gate    gate;
};

/* Connections that no thread holds: silent, half a request, or kept for a next one. */
struct fcgi_parked {
	pthread_mutex_t   lock;
	struct fcgi_conn *first;
	size_t            n, owed;	/* owed: those that are not idle, a request is to be expected */
};

struct fcgi_worker {
	struct fcgi_app    app;
	int                listen_fd;
	int                epoll_fd;	/* watches the other three */
	int                wake_fd, conn_fd;	/* conn_fd is the parked connections' epoll set */
	struct fcgi_parked parked;
	atomic_bool        draining;
	atomic_bool        last;	/* nobody else accepts after us: empty the backlog first */
};

/* Serve until the worker drains, and what is owed then. */
void fcgi_serve(struct fcgi_thread *t);
/* Waits for connections, or goes to the end of the queue of those that do. */
bool fcgi_serve_watch(struct fcgi_worker *w);

/* Gives a connection to the epoll set; false when there are too many, and it is still the caller's. */
bool fcgi_park(struct fcgi_worker *w, struct fcgi_conn *c);
/* One that has news, now the caller's; NULL when there is none within the time. */
struct fcgi_conn *fcgi_unpark(struct fcgi_worker *w, int timeout_ms);
/* Shuts those whose time is over; threads then find them closed. Gives the number owed. */
size_t fcgi_parked_expire(struct fcgi_worker *w);
void fcgi_parked_free(struct fcgi_worker *w);

struct fcgi_options {
	const char *config_path;	/* NULL: $FRONTDESK_ENV */
	const char *socket;	/* NULL: the setting's */
	const char *pid_file;	/* NULL: none */
	const struct fcgi_route *const *routes;
};

/*
 * What to tell a worker: SIGTERM to drain and leave the backlog to others; SIGQUIT to serve the
 * backlog too, as nobody comes after it; SIGUSR1 to open its log file again.
 */
struct fcgi_worker_options {
	struct desk_config *config;	/* borrowed */
	struct desk_log    *log;
	const struct fcgi_route *const *routes;
	int                 listen_fd;
	int                 log_fd;
	int                 ready_fd;	/* gets our pid when we accept; -1: nobody waits */
	unsigned            threads;
};
/* Runs a worker in this process; its exit status. */
int fcgi_worker_run(const struct fcgi_worker_options *o);

/* The master; config and log become its own. */
int fcgi_master_run(const struct fcgi_options *o, struct desk_config *config, int log_fd,
		    struct desk_log *log);

/* The log's descriptor: LOG_FILE, or standard error. -1 with err set when it cannot be opened. */
int fcgi_log_open(const struct desk_config *config, struct desk_error *err);
struct desk_log *fcgi_log_new(const struct desk_config *config, int fd);	/* owned */
/* Opens LOG_FILE again on the same descriptor; nothing when lines go to standard error. */
void fcgi_log_reopen(const struct desk_config *config, int fd);

/* "/path" or "host:port" with a numeric host. DESK_E_CONFIG when somebody listens there already. */
DESK_MUST_CHECK enum desk_status fcgi_socket_open(const char *where, const char *mode, int *fd,
						  struct desk_error *err);
void fcgi_socket_unlink(const char *where);
bool fcgi_socket_is_listening(int fd);

#endif
