/* tests/support/http_peer.h - a scripted HTTP server on loopback, in a thread of the test. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef HTTP_PEER_H
#define HTTP_PEER_H

#include <stdbool.h>
#include <stddef.h>

#define PEER_SCRIPT_MAX 8
#define PEER_REQUEST_MAX 65536

/* What the n-th request gets; the last row stands for all that follow. */
struct peer_row {
	int         status;	/* 0: the connection is closed without a word */
	const char *headers;	/* "Retry-After: 1\r\n", or NULL */
	const char *body;
	int         delay_ms;	/* before the answer */
	bool        cut;	/* promise more than the body, then close */
	size_t      repeat;	/* the body so many times; 0 is 1 */
};

struct peer {
	struct peer_row script[PEER_SCRIPT_MAX];
	size_t          n_script;
	char            url[64];	/* http://127.0.0.1:PORT */
	int             port;
	/* What came, newest last; read them after the answer. */
	char           *requests[64];
	size_t          n_requests;
	size_t          n_connections;
	struct peer_state *state;
};

void peer_start(struct peer *p, const struct peer_row *rows, size_t n);
void peer_stop(struct peer *p);

#endif
