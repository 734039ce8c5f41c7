/* lib/net/net_int.h - what the files of lib/net share. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_NET_INT_H
#define DESK_NET_INT_H

#include "net/net.h"

#include <curl/curl.h>
#include <pthread.h>
#include <sys/socket.h>

#define NET_IDLE_MAX 64
#define NET_HOST_MAX 256

/* A host that may be reached though its address is not public. */
struct net_host {
	char host[NET_HOST_MAX];	/* lower case, without brackets and last dot */
	int  port;	/* 0: any */
};

struct desk_net {
	bool             allow_private;
	struct net_host *hosts;
	size_t           n_hosts;
	char            *user_agent;
	pthread_mutex_t  lock;	/* of the two below */
	CURL            *idle[NET_IDLE_MAX];
	size_t           n_idle;
};

CURL *net_handle_take(struct desk_net *net);
void net_handle_give(struct desk_net *net, CURL *h);

/* ---- guard.c ---- */

enum net_reach {
	NET_PUBLIC,
	NET_PRIVATE,	/* private, loopback, shared, reserved: allow_private or a named host */
	NET_METADATA,	/* link-local and where clouds keep credentials: only a named host */
};
enum net_reach net_reach_of(const struct sockaddr *sa);

/* A URL taken apart, by the parser that will also fetch it. */
struct net_target {
	CURLU          *url;	/* owned */
	struct net_host at;
	char            shown[400];	/* scheme, host, port and path: fit for messages */
};
DESK_MUST_CHECK enum desk_status net_target_parse(const char *url, struct net_target *out,
						  struct desk_error *err);
void net_target_done(struct net_target *t);

bool net_host_is_named(const struct desk_net *net, const struct net_host *at);
bool net_may_reach(const struct desk_net *net, const struct net_host *at, enum net_reach reach);
/* Append the hosts of a list, or of a URL, to net->hosts. */
DESK_MUST_CHECK enum desk_status net_hosts_add_list(struct desk_net *net, const char *list,
						    struct desk_error *err);
DESK_MUST_CHECK enum desk_status net_hosts_add_url(struct desk_net *net, const char *url,
						   struct desk_error *err);

#endif
