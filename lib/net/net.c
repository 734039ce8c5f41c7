/* lib/net/net.c - outgoing HTTP: open, the pool of curl handles, free. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/net_int.h"

#include <stdlib.h>
#include <string.h>

enum desk_status desk_net_open(const struct desk_net_options *o, struct desk_net **out,
			       struct desk_error *err)
{
	struct desk_net *net;
	enum desk_status rc;

	/* Counts its calls, and is thread-safe in the libcurl that we require. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return desk_error_set(err, DESK_E_UNAVAILABLE, "libcurl does not start");
	net = desk_xcalloc(1, sizeof(*net));
	pthread_mutex_init(&net->lock, NULL);
	net->allow_private = o->allow_private;
	net->user_agent = desk_xstrdup(o->user_agent != NULL ? o->user_agent : "frontdesk");
	rc = net_hosts_add_list(net, o->allow_hosts, err);
	for (size_t i = 0; rc == DESK_OK && o->trusted_urls != NULL && o->trusted_urls[i] != NULL;
	     i++)
		rc = net_hosts_add_url(net, o->trusted_urls[i], err);
	if (rc != DESK_OK) {
		desk_net_free(net);
		return rc;
	}
	*out = net;
	return DESK_OK;
}

enum desk_status desk_net_open_config(const struct desk_config *c, struct desk_net **out,
				      struct desk_error *err)
{
	const char *urls[3] = { NULL };
	size_t n = 0;
	struct desk_net_options o = {
		.allow_private = c->EGRESS_ALLOW_PRIVATE,
		.allow_hosts = c->EGRESS_ALLOW_HOSTS,
		.trusted_urls = urls,
	};

	if (c->OPENAI_BASE_URL[0] != '\0')
		urls[n++] = c->OPENAI_BASE_URL;
	if (c->AZURE_OPENAI_ENDPOINT[0] != '\0')
		urls[n++] = c->AZURE_OPENAI_ENDPOINT;
	return desk_net_open(&o, out, err);
}

void desk_net_free(struct desk_net *net)
{
	if (net == NULL)
		return;
	while (net->n_idle > 0)
		curl_easy_cleanup(net->idle[--net->n_idle]);
	pthread_mutex_destroy(&net->lock);
	free(net->hosts);
	free(net->user_agent);
	free(net);
	curl_global_cleanup();
}

/* The handle used last comes first: its connection is the one most likely still open. */
CURL *net_handle_take(struct desk_net *net)
{
	CURL *h = NULL;

	pthread_mutex_lock(&net->lock);
	if (net->n_idle > 0)
		h = net->idle[--net->n_idle];
	pthread_mutex_unlock(&net->lock);
	if (h == NULL)
		h = curl_easy_init();
	if (h == NULL)
		abort();
	return h;
}

void net_handle_give(struct desk_net *net, CURL *h)
{
	curl_easy_reset(h);	/* keeps its connections, drops what it was told, keys included */
	pthread_mutex_lock(&net->lock);
	if (net->n_idle < NET_IDLE_MAX) {
		net->idle[net->n_idle++] = h;
		h = NULL;
	}
	pthread_mutex_unlock(&net->lock);
	if (h != NULL)
		curl_easy_cleanup(h);
}

char *desk_net_join(struct desk_arena *a, const char *base, const char *path)
{
	size_t n = strlen(base);

	while (n > 0 && base[n - 1] == '/')
		n--;
	while (*path == '/')
		path++;
	return desk_arena_printf(a, "%.*s/%s", (int)n, base, path);
}

char *desk_net_escape(struct desk_arena *a, const char *s)
{
	char *escaped = curl_easy_escape(NULL, s, 0), *out;

	if (escaped == NULL)
		abort();
	out = desk_arena_strdup(a, escaped);
	curl_free(escaped);
	return out;
}
