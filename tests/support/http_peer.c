/* tests/support/http_peer.c - a scripted HTTP server on loopback, in a thread of the test. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/http_peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer_state {
	pthread_t thread;
	int       listener, wake[2];
};

/* False when the peer is to stop before fd is readable. */
static bool peer_wait(const struct peer *p, int fd, int ms)
{
	struct pollfd f[2] = { { fd, POLLIN, 0 }, { p->state->wake[0], POLLIN, 0 } };

	return poll(f, 2, ms) >= 0 && f[1].revents == 0;
}

/* One whole request into buf; 0 when the client is gone. */
static size_t peer_read(const struct peer *p, int fd, char *buf)
{
	size_t n = 0, want = 0;

	while (n + 1 < PEER_REQUEST_MAX && (want == 0 || n < want)) {
		const char *end, *length;
		ssize_t got;

		if (!peer_wait(p, fd, -1))
			return 0;
		got = read(fd, buf + n, PEER_REQUEST_MAX - 1 - n);
		if (got <= 0)
			return 0;
		n += (size_t)got;
		buf[n] = '\0';
		end = strstr(buf, "\r\n\r\n");
		if (end == NULL)
			continue;
		length = strcasestr(buf, "\r\nContent-Length:");
		want = (size_t)(end + 4 - buf);
		if (length != NULL && length < end)
			want += strtoul(length + 17, NULL, 10);
	}
	return n;
}

static void peer_write(int fd, const char *s, size_t n)
{
	while (n > 0) {
		ssize_t did = send(fd, s, n, MSG_NOSIGNAL);

		if (did <= 0)
			return;
		s += did;
		n -= (size_t)did;
	}
}

/* False when the connection is to be closed. */
static bool peer_answer(const struct peer *p, int fd, const struct peer_row *row)
{
	const char *body = row->body != NULL ? row->body : "";
	size_t n = strlen(body), times = row->repeat > 0 ? row->repeat : 1;
	char head[1024];

	if (row->delay_ms > 0)
		peer_wait(p, -1, row->delay_ms);
	if (row->status == 0)
		return false;
	snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n",
		 row->status, row->headers != NULL ? row->headers : "", n * times + (row->cut ? 100 : 0));
	peer_write(fd, head, strlen(head));
	for (size_t i = 0; i < times; i++)
		peer_write(fd, body, n);
	return !row->cut;
}

static void peer_serve(struct peer *p, int fd)
{
	static char buf[PEER_REQUEST_MAX];

	while (peer_read(p, fd, buf) > 0) {
		size_t at = p->n_requests < p->n_script ? p->n_requests : p->n_script - 1;

		if (p->n_requests < 64)
			p->requests[p->n_requests++] = strdup(buf);
		if (!peer_answer(p, fd, &p->script[at]))
			return;
	}
}

static void *peer_main(void *arg)
{
	struct peer *p = arg;

	while (peer_wait(p, p->state->listener, -1)) {
		int fd = accept(p->state->listener, NULL, NULL);

		if (fd < 0)
			continue;
		p->n_connections++;
		peer_serve(p, fd);
		close(fd);
	}
	return NULL;
}

void peer_start(struct peer *p, const struct peer_row *rows, size_t n)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);

	memset(p, 0, sizeof(*p));
	memcpy(p->script, rows, n * sizeof(*rows));
	p->n_script = n;
	p->state = calloc(1, sizeof(*p->state));
	p->state->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(p->state->listener, (struct sockaddr *)&in, sizeof(in)) != 0 ||
	    listen(p->state->listener, 8) != 0 || pipe(p->state->wake) != 0 ||
	    getsockname(p->state->listener, (struct sockaddr *)&in, &len) != 0)
		abort();
	p->port = ntohs(in.sin_port);
	snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%d", p->port);
	if (pthread_create(&p->state->thread, NULL, peer_main, p) != 0)
		abort();
}

void peer_stop(struct peer *p)
{
	if (write(p->state->wake[1], "x", 1) != 1)
		abort();
	pthread_join(p->state->thread, NULL);
	close(p->state->listener);
	close(p->state->wake[0]);
	close(p->state->wake[1]);
	for (size_t i = 0; i < p->n_requests; i++)
		free(p->requests[i]);
	free(p->state);
}
