/* fcgi/gate.c - holds a request back until it is whole and well-formed. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Nearly always a request is in the socket as a whole when its connection is accepted: one look
 * (MSG_PEEK), and libfcgi reads it. One that comes in pieces is taken into the connection's own
 * buffer, piece by piece, while no thread waits for it.
 */
#include "fcgi_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GATE_LOOK = 16 * 1024 };

void fcgi_gate_init(struct fcgi_gate *g, size_t body_max, int timeout_ms)
{
	memset(g, 0, sizeof(*g));
	g->body_max = body_max;
	g->timeout_ms = timeout_ms;
	g->look = desk_xmalloc(GATE_LOOK);
}

void fcgi_gate_done(struct fcgi_gate *g)
{
	free(g->look);
	g->look = NULL;
}

void fcgi_conn_free(struct fcgi_conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->buf);
	free(c);
}

/*
 * Room for more. Records of one byte each carry eight bytes of header for it: a body in pieces as
 * small as that may be eight times as long, and more is nobody's.
 */
static bool gate_grow(const struct fcgi_gate *g, struct fcgi_conn *c)
{
	size_t max = 2 * FCGI_PARAMS_MAX + 16 * g->body_max;

	if (c->n < c->cap)
		return true;
	if (c->cap >= max)
		return false;
	c->cap = c->cap > 0 ? c->cap * 2 : GATE_LOOK;
	c->buf = desk_xrealloc(c->buf, c->cap, 1);
	return true;
}

/* The body goes: what is left is a request without one, and its CONTENT_LENGTH tells the size. */
static enum fcgi_gate_verdict gate_cut(struct fcgi_gate *g, struct fcgi_conn *c)
{
	const struct fcgi_scan *s = &c->scan;
	const unsigned char end[8] = { 1, 5, (unsigned char)(s->id >> 8), (unsigned char)s->id };

	/* the header that was too much is behind stdin_at, so there is room for another */
	memcpy(c->buf + s->stdin_at, end, sizeof(end));
	c->n = s->stdin_at + sizeof(end);
	g->large = true;
	return FCGI_GATE_TAKEN;
}

static enum fcgi_gate_verdict gate_judge(struct fcgi_gate *g, struct fcgi_conn *c)
{
	switch (fcgi_scan(&c->scan, c->buf, c->n)) {
	case FCGI_SCAN_MORE:
		return FCGI_GATE_WAIT;
	case FCGI_SCAN_DONE:
		g->trailing = c->n > c->scan.at;
		g->body = c->scan.body;
		c->n = c->scan.at;
		return FCGI_GATE_TAKEN;
	case FCGI_SCAN_LARGE:
		return gate_cut(g, c);
	default:
		return FCGI_GATE_CLOSED;
	}
}

static enum fcgi_gate_verdict gate_take(struct fcgi_gate *g, struct fcgi_conn *c)
{
	enum fcgi_gate_verdict v = FCGI_GATE_WAIT;

	if (c->n == 0) {
		c->scan = (struct fcgi_scan){ .body_max = g->body_max };
		c->until_us = desk_mono_us(NULL) + (int64_t)g->timeout_ms * 1000;
		c->idle = false;
	}
	while (v == FCGI_GATE_WAIT) {
		ssize_t got;

		if (!gate_grow(g, c))
			return FCGI_GATE_CLOSED;
		got = recv(c->fd, c->buf + c->n, c->cap - c->n, MSG_DONTWAIT);
		if (got < 0 && errno == EAGAIN)
			return FCGI_GATE_WAIT;
		if (got == 0 || (got < 0 && errno != EINTR))
			return FCGI_GATE_CLOSED;
		if (got > 0) {
			c->n += (size_t)got;
			v = gate_judge(g, c);
		}
	}
	return v;
}

enum fcgi_gate_verdict fcgi_gate_look(struct fcgi_gate *g, struct fcgi_conn *c)
{
	struct fcgi_scan s = { .body_max = g->body_max };
	ssize_t got;

	g->trailing = g->large = false;
	g->body = 0;
	if (c->n > 0)
		return gate_take(g, c);
	got = recv(c->fd, g->look, GATE_LOOK, MSG_PEEK | MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return FCGI_GATE_WAIT;
	if (got <= 0)
		return FCGI_GATE_CLOSED;
	switch (fcgi_scan(&s, g->look, (size_t)got)) {
	case FCGI_SCAN_DONE:
		g->trailing = (size_t)got > s.at;
		g->body = s.body;
		return FCGI_GATE_QUEUED;
	case FCGI_SCAN_MORE:
	case FCGI_SCAN_LARGE:
		return gate_take(g, c);
	default:
		return FCGI_GATE_CLOSED;
	}
}
