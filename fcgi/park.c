/* fcgi/park.c - connections that no thread holds: silent, half a request, or kept for a next one. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A parked connection is in the list and armed in the epoll set for one event; the thread that gets
 * the event takes it out of the list, and then it is that thread's alone.
 */
#include "fcgi_int.h"

#include <sys/epoll.h>
#include <sys/socket.h>

enum { PARK_MAX = 1024 };

static void park_unlink(struct fcgi_parked *p, struct fcgi_conn *c)
{
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		p->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	c->prev = c->next = NULL;
	p->n--;
	p->owed -= !c->idle;
}

static bool park_link(struct fcgi_parked *p, struct fcgi_conn *c)
{
	bool room;

	pthread_mutex_lock(&p->lock);
	room = p->n < PARK_MAX;
	if (room) {
		c->prev = NULL;
		c->next = p->first;
		if (c->next != NULL)
			c->next->prev = c;
		p->first = c;
		p->n++;
		p->owed += !c->idle;
	}
	pthread_mutex_unlock(&p->lock);
	return room;
}

bool fcgi_park(struct fcgi_worker *w, struct fcgi_conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = c };
	int op = c->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (!park_link(&w->parked, c))
		return false;
	c->known = true;
	if (epoll_ctl(w->conn_fd, op, c->fd, &ev) == 0)
		return true;	/* from here on it may be another thread's */
	pthread_mutex_lock(&w->parked.lock);
	park_unlink(&w->parked, c);
	pthread_mutex_unlock(&w->parked.lock);
	return false;
}

struct fcgi_conn *fcgi_unpark(struct fcgi_worker *w, int timeout_ms)
{
	struct epoll_event ev;
	struct fcgi_conn *c;

	if (epoll_wait(w->conn_fd, &ev, 1, timeout_ms) < 1)
		return NULL;
	c = ev.data.ptr;
	pthread_mutex_lock(&w->parked.lock);
	park_unlink(&w->parked, c);
	pthread_mutex_unlock(&w->parked.lock);
	return c;
}

size_t fcgi_parked_expire(struct fcgi_worker *w)
{
	int64_t now_us = desk_mono_us(NULL);
	size_t owed;

	pthread_mutex_lock(&w->parked.lock);
	for (struct fcgi_conn *c = w->parked.first; c != NULL; c = c->next) {
		if (now_us > c->until_us)
			shutdown(c->fd, SHUT_RDWR);
	}
	owed = w->parked.owed;
	pthread_mutex_unlock(&w->parked.lock);
	return owed;
}

void fcgi_parked_free(struct fcgi_worker *w)
{
	while (w->parked.first != NULL) {
		struct fcgi_conn *c = w->parked.first;

		park_unlink(&w->parked, c);
		fcgi_conn_free(c);
	}
}
