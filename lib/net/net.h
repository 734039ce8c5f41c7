/* lib/net/net.h - outgoing HTTP: one guard for every address, deadlines, caps, careful retries. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file      duty
 * --------  -----------------------------------------------------------------
 * net.c     open, the pool of curl handles (each keeps its connections), free
 * send.c    one request: headers, body, cap, deadline; retries around it
 * guard.c   which URLs and which resolved addresses may be reached
 */
#ifndef DESK_NET_H
#define DESK_NET_H

#include "base/base.h"
#include "config/config.h"

#pragma GCC visibility push(default)

/*
 * Who may be reached. Public addresses always may. Private, loopback and shared ones only with
 * allow_private, or where the host (or host:port) is named in allow_hosts or is that of a trusted
 * URL. Link-local ones, where clouds keep their metadata, only when named. The address is checked
 * when the socket is made, after the name was resolved: a name that changes its mind gains nothing.
 * Strings are borrowed for the open.
 */
struct desk_net_options {
	bool               allow_private;	/* EGRESS_ALLOW_PRIVATE */
	const char        *allow_hosts;	/* EGRESS_ALLOW_HOSTS: "host, host:port, [::1]:80" */
	const char *const *trusted_urls;	/* set by the operator, e.g. OPENAI_BASE_URL; NULL-ended */
	const char        *user_agent;	/* default "frontdesk" */
};

/* Owned, thread-safe. Open it after fork: connections must not be shared by processes. */
struct desk_net;
DESK_MUST_CHECK enum desk_status desk_net_open(const struct desk_net_options *o, struct desk_net **out,
					       struct desk_error *err);
/* The same by the settings: EGRESS_ALLOW_PRIVATE, EGRESS_ALLOW_HOSTS; what OPENAI_BASE_URL and
 * AZURE_OPENAI_ENDPOINT name is trusted, as only the operator can set them. */
DESK_MUST_CHECK enum desk_status desk_net_open_config(const struct desk_config *c, struct desk_net **out,
						      struct desk_error *err);
void desk_net_free(struct desk_net *net);	/* NULL is fine */

struct desk_net_header {
	const char *name, *value;	/* never logged; a value with a line break is DESK_E_INPUT */
};

/* All borrowed for the call. */
struct desk_net_request {
	const char                   *method;	/* NULL: POST with a body, else GET */
	const char                   *url;	/* http or https, without user:password@ */
	const struct desk_net_header *headers;
	size_t                        n_headers;
	struct desk_str               body;
	const char                   *content_type;	/* of the body; NULL: application/json */
	size_t                        reply_max;	/* bytes; 0: 8 MiB */
	int                           timeout_ms;	/* of one try; 0: only the deadline counts */
	int                           retries;	/* more tries after 429, 500, 502, 503, 504 or no answer */
	struct desk_deadline          deadline;	/* of it all, waiting included; none: 60 s */
};

struct desk_net_reply {
	int             status;	/* 200, 404, ...; redirects are not followed */
	struct desk_str body;	/* arena; NUL-terminated one past n */
	const char     *content_type;	/* arena; "" when there is none */
	int64_t         retry_after_ms;	/* -1: the server did not say */
	int             tries;
};

/*
 * Any HTTP status is DESK_OK: reading it is the caller's part. Retries wait as long as Retry-After
 * says, else 250 ms doubling, with jitter, and are left out where the deadline does not allow them.
 * DESK_E_TIMEOUT past the deadline; DESK_E_FORBIDDEN when the guard says no (the text says how to
 * allow it); DESK_E_TOO_LARGE past reply_max; DESK_E_INPUT for a bad URL; DESK_E_UPSTREAM when no
 * whole answer came (refused, reset, no such host, TLS).
 */
DESK_MUST_CHECK enum desk_status desk_net_send(struct desk_net *net, const struct desk_net_request *rq,
					       struct desk_arena *a, struct desk_net_reply *out,
					       struct desk_error *err);

/*
 * `base` (without a slash at its end, or with) + `path`; arena. For "https://x/v1/" and "/chat".
 */
char *desk_net_join(struct desk_arena *a, const char *base, const char *path);
char *desk_net_escape(struct desk_arena *a, const char *s);	/* percent-encoded; arena */

#pragma GCC visibility pop
#endif
