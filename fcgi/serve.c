/* fcgi/serve.c - one thread: wait for a connection, one request of it at a time. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All threads of a process wait in one epoll set, which holds the listening socket and the parked
 * connections: one that is silent, slow, or kept open (FCGI_KEEP_CONN) costs no thread.
 * The connection is accepted here, not by libfcgi, whose accept can't be called off. It is handed
 * over in FCGX_Request.ipcFd, with listen_sock -1, so that FCGX_Accept_r never accepts another.
 */
#include "fcgi_int.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "chat/services.h"

enum { SERVE_SEND_SECONDS = 30, SERVE_LINGER_MS = 2000, SERVE_IDLE_SECONDS = 300, SERVE_DRAIN_TICK_MS = 20 };

/* What was taken off the connection, as a file that libfcgi can read. */
static int serve_feed(const struct fcgi_conn *c)
{
	int fd = memfd_create("frontdesk-request", MFD_CLOEXEC);
	size_t at = 0;

	while (fd >= 0 && at < c->n) {
		ssize_t put = write(fd, c->buf + at, c->n - at);

		if (put <= 0) {
			close(fd);
			return -1;
		}
		at += (size_t)put;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static void serve_body(struct fcgi_thread *t, FCGX_Request *fx, struct fcgi_req *req)
{
	size_t want = t->gate.body;
	char *p = desk_arena_alloc(t->arena, want + 1);
	int got = want > 0 ? FCGX_GetStr(p, (int)want, fx->in) : 0;

	FCGX_GetChar(fx->in);	/* the end of the stream, so that nothing is left unread */
	req->body = (struct desk_str){ p, got > 0 ? (size_t)got : 0 };
	req->body_large = t->gate.large;
}

static void serve_send(struct fcgi_thread *t, FCGX_Request *fx, const struct fcgi_req *req,
		       const char *correlation_id)
{
	desk_buf_clear(&t->head);
	fcgi_resp_head(&t->resp, correlation_id, &t->head);
	FCGX_PutStr(t->head.p, (int)t->head.n, fx->out);
	if (t->resp.body.n > 0 && strcmp(req->method, "HEAD") != 0)
		FCGX_PutStr(t->resp.body.p, (int)t->resp.body.n, fx->out);
}

/* Parameters are there, the body too; leaves the response in libfcgi's buffer or on the wire. */
static void serve_answer(struct fcgi_thread *t, FCGX_Request *fx, int fd)
{
	const struct fcgi_app *app = &t->worker->app;
	struct fcgi_req req = { .app = app, .params = fx->envp };
	struct desk_ctx cx;

	desk_services_ctx(app->services, t->arena, &cx);
	serve_body(t, fx, &req);
	if (fx->ipcFd != fd)	/* it was fed: from here on it is the connection itself */
		dup3(fd, fx->ipcFd, O_CLOEXEC);
	fcgi_resp_clear(&t->resp);
	fcgi_dispatch(&cx, &req, &t->resp);
	serve_send(t, fx, &req, cx.correlation_id);
}

/* True when the connection may carry another request; c->fd is -1 where libfcgi closed it. */
static bool serve_request(struct fcgi_thread *t, struct fcgi_conn *c, bool taken)
{
	int in = taken ? serve_feed(c) : c->fd;
	FCGX_Request fx;
	bool keep;

	if (in < 0)
		return false;
	FCGX_InitRequest(&fx, -1, 0);
	fx.ipcFd = in;
	fx.keepConnection = 1;	/* or FCGX_Accept_r would close what it is given */
	if (FCGX_Accept_r(&fx) != 0) {
		c->fd = in == c->fd ? -1 : c->fd;
		return false;
	}
	keep = fx.keepConnection != 0 && !t->gate.large && !t->gate.trailing &&
	       !atomic_load(&t->worker->draining);
	serve_answer(t, &fx, c->fd);
	fx.keepConnection = 1;	/* closing is ours */
	fx.detached = 1;	/* where libfcgi closes all the same, it shall not linger for seconds */
	FCGX_Finish_r(&fx);
	desk_arena_reset(t->arena);
	if (in == c->fd) {
		c->fd = fx.ipcFd;
		return keep && c->fd >= 0;
	}
	if (fx.ipcFd >= 0)
		close(fx.ipcFd);
	return keep && fx.ipcFd >= 0;
}

/* The client may still be sending a body that nobody wants: a close now could lose our answer. */
static void serve_linger(int fd)
{
	struct desk_deadline deadline = desk_deadline_in_ms(NULL, SERVE_LINGER_MS);
	struct timeval wait = { .tv_usec = 200000 };
	char trash[16384];

	shutdown(fd, SHUT_WR);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	while (!desk_deadline_passed(NULL, deadline)) {
		ssize_t got = read(fd, trash, sizeof(trash));

		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			break;
	}
}

/* Ready for another request. */
static void serve_again(struct fcgi_conn *c)
{
	free(c->buf);
	c->buf = NULL;
	c->cap = c->n = 0;
	c->idle = true;
	c->until_us = desk_mono_us(NULL) + (int64_t)SERVE_IDLE_SECONDS * 1000000;
}

static void serve_connection(struct fcgi_thread *t, struct fcgi_conn *c)
{
	enum fcgi_gate_verdict v = fcgi_gate_look(&t->gate, c);
	bool stays = v == FCGI_GATE_WAIT;

	if (v == FCGI_GATE_QUEUED || v == FCGI_GATE_TAKEN) {
		stays = serve_request(t, c, v == FCGI_GATE_TAKEN);
		if (stays)
			serve_again(c);
		else if (t->gate.large && c->fd >= 0)
			serve_linger(c->fd);
	}
	if (!stays || !fcgi_park(t->worker, c))
		fcgi_conn_free(c);
}

/*
 * Watching the listening socket: of all threads of all processes that wait for it, one connection
 * wakes one (edge-triggered, exclusive). The kernel always asks the same process first, so who has
 * accepted goes to the end of its queue, and they take turns; adding tells of what is still in the
 * backlog, so that no edge is lost. Threads that do this at the same time get ENOENT or EEXIST.
 */
bool fcgi_serve_watch(struct fcgi_worker *w)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, .data.fd = w->listen_fd };

	epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, w->listen_fd, NULL);
	return atomic_load(&w->draining) || epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->listen_fd, &ev) == 0;
}

/* False when there is nothing to accept. */
static bool serve_accept(struct fcgi_thread *t)
{
	struct timeval limit = { .tv_sec = SERVE_SEND_SECONDS };
	int fd = accept4(t->worker->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct fcgi_conn *c;

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			usleep(10000);	/* the others must finish first */
		return errno == EINTR || errno == ECONNABORTED;
	}
	fcgi_serve_watch(t->worker);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	c = desk_xcalloc(1, sizeof(*c));
	c->fd = fd;
	c->until_us = desk_mono_us(NULL) + (int64_t)t->gate.timeout_ms * 1000;
	serve_connection(t, c);
	return true;
}

static void serve_parked(struct fcgi_thread *t, int timeout_ms)
{
	struct fcgi_conn *c = fcgi_unpark(t->worker, timeout_ms);

	if (c != NULL)
		serve_connection(t, c);
}

void fcgi_serve(struct fcgi_thread *t)
{
	struct fcgi_worker *w = t->worker;
	struct epoll_event ev;

	for (;;) {
		if (epoll_wait(w->epoll_fd, &ev, 1, -1) < 1)
			continue;
		if (ev.data.fd == w->wake_fd)
			break;
		if (ev.data.fd == w->listen_fd)
			serve_accept(t);
		else
			serve_parked(t, 0);
	}
	/* an edge that was ours is nobody else's: what is in the backlog now is served here */
	while (serve_accept(t))
		continue;
	/* what was accepted is owed an answer, and so is all of the backlog where nobody comes after us */
	do {
		serve_parked(t, SERVE_DRAIN_TICK_MS);
		while (atomic_load(&w->last) && serve_accept(t))
			continue;
	} while (fcgi_parked_expire(w) > 0);
}
