/* fcgi/gate.c - holds a request back until it is whole and well-formed. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Nearly always a request is in the socket as a whole when its connection is accepted: one look
 * (MSG_PEEK), and libfcgi reads it. One that comes in pieces is read here, against a clock, so
 * that a slow client costs a thread no more than timeout_ms.
 */
#include "fcgi.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { GATE_LOOK = 16 * 1024, GATE_OVERHEAD = 1024 * 1024 };

void fcgi_gate_init(struct fcgi_gate *g, size_t body_max, int timeout_ms)
{
	memset(g, 0, sizeof(*g));
	g->body_max = body_max;
	g->timeout_ms = timeout_ms;
	g->cap = GATE_LOOK;
	g->buf = desk_xmalloc(g->cap);
}

void fcgi_gate_done(struct fcgi_gate *g)
{
	free(g->buf);
	g->buf = NULL;
}

/* Back to the small buffer, when the last request needed a large one. */
static void gate_shrink(struct fcgi_gate *g)
{
	if (g->cap > GATE_LOOK) {
		free(g->buf);
		g->cap = GATE_LOOK;
		g->buf = desk_xmalloc(g->cap);
	}
	g->n = 0;
}

static bool gate_readable(int fd, struct desk_deadline deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int rc;

	do {
		int left = desk_deadline_left_ms(NULL, deadline, 60000);

		rc = left > 0 ? poll(&p, 1, left) : 0;
	} while (rc < 0 && errno == EINTR);
	return rc > 0;
}

/* Records of one byte each would need eight times the body: more than that is nobody's. */
static bool gate_grow(struct fcgi_gate *g)
{
	if (g->n < g->cap)
		return true;
	if (g->cap >= g->body_max + GATE_OVERHEAD)
		return false;
	g->cap *= 2;
	g->buf = desk_xrealloc(g->buf, g->cap, 1);
	return true;
}

/* The body goes: what is left is a request without one, and its CONTENT_LENGTH tells the size. */
static enum fcgi_gate_verdict gate_cut(struct fcgi_gate *g, const struct fcgi_scan *s)
{
	const unsigned char end[8] = { 1, 5, (unsigned char)(s->id >> 8), (unsigned char)s->id };

	g->n = s->stdin_at;
	while (g->cap < g->n + sizeof(end)) {
		g->cap *= 2;
		g->buf = desk_xrealloc(g->buf, g->cap, 1);
	}
	memcpy(g->buf + g->n, end, sizeof(end));
	g->n += sizeof(end);
	g->large = true;
	return FCGI_GATE_TAKEN;
}

static enum fcgi_gate_verdict gate_take(struct fcgi_gate *g, int fd)
{
	struct desk_deadline deadline = desk_deadline_in_ms(NULL, g->timeout_ms);
	struct fcgi_scan s = { .body_max = g->body_max };

	g->n = 0;
	while (gate_grow(g) && gate_readable(fd, deadline)) {
		ssize_t got = recv(fd, g->buf + g->n, g->cap - g->n, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			break;
		if (got < 0)
			continue;
		g->n += (size_t)got;
		switch (fcgi_scan(&s, g->buf, g->n)) {
		case FCGI_SCAN_MORE:
			continue;
		case FCGI_SCAN_DONE:
			g->trailing = g->n > s.at;
			g->n = s.at;
			g->body = s.body;
			return FCGI_GATE_TAKEN;
		case FCGI_SCAN_LARGE:
			return gate_cut(g, &s);
		default:
			return FCGI_GATE_CLOSED;
		}
	}
	return FCGI_GATE_CLOSED;
}

enum fcgi_gate_verdict fcgi_gate_wait(struct fcgi_gate *g, int fd)
{
	struct fcgi_scan s = { .body_max = g->body_max };
	ssize_t got;

	gate_shrink(g);
	g->trailing = g->large = false;
	g->body = 0;
	got = recv(fd, g->buf, g->cap, MSG_PEEK | MSG_DONTWAIT);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		return FCGI_GATE_CLOSED;
	switch (got < 0 ? FCGI_SCAN_MORE : fcgi_scan(&s, g->buf, (size_t)got)) {
	case FCGI_SCAN_DONE:
		g->trailing = (size_t)got > s.at;
		g->body = s.body;
		return FCGI_GATE_QUEUED;
	case FCGI_SCAN_MORE:
	case FCGI_SCAN_LARGE:
		return gate_take(g, fd);
	default:
		return FCGI_GATE_CLOSED;
	}
}
