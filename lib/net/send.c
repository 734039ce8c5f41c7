/* lib/net/send.c - one request: headers, body, cap, deadline; and careful retries around it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/net_int.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NET_DEADLINE_MS 60000
#define NET_CONNECT_MS 5000
#define NET_REPLY_MAX ((size_t)8 * 1024 * 1024)
#define NET_BACKOFF_MS 250

/* One try, and what its callbacks note down. */
struct net_try {
	struct desk_net               *net;
	const struct desk_net_request *rq;
	const struct net_target       *to;
	struct desk_buf                body;
	bool                           refused;	/* by the guard */
	char                           why[CURL_ERROR_SIZE];
};

static size_t send_on_body(char *p, size_t size, size_t n, void *arg)
{
	struct net_try *t = arg;

	return desk_buf_add(&t->body, p, size * n) ? size * n : 0;
}

/* The address is what the socket will really be connected to; checked here, and only here. */
static curl_socket_t send_on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *sa)
{
	struct net_try *t = arg;

	if (purpose != CURLSOCKTYPE_IPCXN ||
	    !net_may_reach(t->net, &t->to->at, net_reach_of(&sa->addr))) {
		t->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(sa->family, sa->socktype | SOCK_CLOEXEC, sa->protocol);
}

static enum desk_status send_header(struct curl_slist **list, const char *name, const char *value,
				    struct desk_error *err)
{
	struct desk_buf line;
	struct curl_slist *longer;

	if (strpbrk(name, "\r\n:") != NULL || strpbrk(value, "\r\n") != NULL)
		return desk_error_set(err, DESK_E_INPUT, "header \"%.40s\" has a line break", name);
	desk_buf_init(&line, 64 * 1024);
	desk_buf_addf(&line, *value != '\0' ? "%s: %s" : "%s;", name, value);
	longer = line.overflow ? NULL : curl_slist_append(*list, line.p);
	desk_buf_done(&line);
	if (longer == NULL)
		return desk_error_set(err, DESK_E_INPUT, "header \"%.40s\" is too long", name);
	*list = longer;
	return DESK_OK;
}

static enum desk_status send_headers(const struct desk_net_request *rq, struct curl_slist **list,
				     struct desk_error *err)
{
	enum desk_status rc = DESK_OK;

	*list = curl_slist_append(NULL, "Expect:");	/* no 100-continue round trip */
	if (rq->body.p != NULL)
		rc = send_header(list, "Content-Type",
				 rq->content_type != NULL ? rq->content_type : "application/json",
				 err);
	for (size_t i = 0; rc == DESK_OK && i < rq->n_headers; i++)
		rc = send_header(list, rq->headers[i].name, rq->headers[i].value, err);
	return rc;
}

static void send_setup(CURL *h, struct net_try *t, struct curl_slist *headers, int ms)
{
	const struct desk_net_request *rq = t->rq;

	curl_easy_setopt(h, CURLOPT_CURLU, t->to->url);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h, CURLOPT_PROXY, "");	/* a proxy would see the name, not we the address */
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_USERAGENT, t->net->user_agent);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, send_on_socket);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, send_on_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, t->why);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)ms);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(ms < NET_CONNECT_MS ? ms : NET_CONNECT_MS));
	curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(h, CURLOPT_ACCEPT_ENCODING, "");
	if (rq->body.p != NULL) {
		curl_easy_setopt(h, CURLOPT_POST, 1L);
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.n);
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, rq->body.p);
	}
	if (rq->method != NULL)
		curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, rq->method);
}

static enum desk_status send_failed(const struct net_try *t, CURLcode code, struct desk_error *err)
{
	const char *shown = t->to->shown;

	if (t->refused)
		return desk_error_set(
			err, DESK_E_FORBIDDEN,
			"\"%.200s\" is at an address that is not public: if it is meant, add it to EGRESS_ALLOW_HOSTS",
			t->to->at.host);
	if (t->body.overflow)
		return desk_error_set(err, DESK_E_TOO_LARGE, "answer of %s is over %zu bytes",
				      shown, t->body.max);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return desk_error_set(err, DESK_E_TIMEOUT, "%s did not answer in time", shown);
	return desk_error_set(err, DESK_E_UPSTREAM, "no answer from %s: %s", shown,
			      t->why[0] != '\0' ? t->why : curl_easy_strerror(code));
}

static void send_result(CURL *h, const struct net_try *t, struct desk_arena *a,
			struct desk_net_reply *out)
{
	long status = 0;
	char *type = NULL;
	curl_off_t after = 0;
	struct desk_str body = desk_buf_str(&t->body);

	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(h, CURLINFO_CONTENT_TYPE, &type);
	curl_easy_getinfo(h, CURLINFO_RETRY_AFTER, &after);
	out->status = (int)status;
	out->body = (struct desk_str){ desk_arena_strndup(a, body.p, body.n), body.n };
	out->content_type = desk_arena_strdup(a, type != NULL ? type : "");
	out->retry_after_ms = after > 0 ? (int64_t)(after < 86400 ? after : 86400) * 1000 : -1;
}

static enum desk_status send_once(struct net_try *t, int ms, struct desk_arena *a,
				  struct desk_net_reply *out, struct desk_error *err)
{
	struct curl_slist *headers = NULL;
	CURL *h = net_handle_take(t->net);
	enum desk_status rc = send_headers(t->rq, &headers, err);

	desk_buf_init(&t->body, t->rq->reply_max > 0 ? t->rq->reply_max : NET_REPLY_MAX);
	t->refused = false;
	t->why[0] = '\0';
	if (rc == DESK_OK) {
		CURLcode code;

		send_setup(h, t, headers, ms);
		code = curl_easy_perform(h);
		if (code == CURLE_OK)
			send_result(h, t, a, out);
		else
			rc = send_failed(t, code, err);
	}
	net_handle_give(t->net, h);
	curl_slist_free_all(headers);
	desk_buf_done(&t->body);
	return rc;
}

static bool send_worth_again(enum desk_status rc, const struct desk_net_reply *r)
{
	if (rc != DESK_OK)
		return rc == DESK_E_UPSTREAM;
	return r->status == 429 || r->status == 500 || (r->status >= 502 && r->status <= 504);
}

/* Between 50 and 100 % of the pause, so that many do not come back at once. */
static int64_t send_pause_ms(int tries, int64_t retry_after_ms)
{
	int64_t ms = (int64_t)NET_BACKOFF_MS << tries;
	uint16_t dice;

	if (retry_after_ms >= 0)
		return retry_after_ms;
	desk_random(&dice, sizeof(dice));
	return ms / 2 + ms / 2 * dice / 65535;
}

static int send_left_ms(const struct desk_net_request *rq, struct desk_deadline overall)
{
	int left = desk_deadline_left_ms(NULL, overall, NET_DEADLINE_MS * 10);

	return rq->timeout_ms > 0 && rq->timeout_ms < left ? rq->timeout_ms : left;
}

static enum desk_status send_tries(struct net_try *t, struct desk_arena *a,
				   struct desk_net_reply *out, struct desk_error *err)
{
	struct desk_deadline dl = t->rq->deadline;

	if (dl.at_us == 0)
		dl = desk_deadline_in_ms(NULL, NET_DEADLINE_MS);
	for (int tries = 0;; tries++) {
		struct desk_error why = { 0 };
		int ms = send_left_ms(t->rq, dl);
		enum desk_status rc;
		int64_t pause;

		if (ms <= 0)
			return desk_error_set(err, DESK_E_TIMEOUT, "no time left to ask %s",
					      t->to->shown);
		out->retry_after_ms = -1;
		rc = send_once(t, ms, a, out, &why);
		out->tries = tries + 1;
		pause = send_pause_ms(tries, out->retry_after_ms);
		if (tries >= t->rq->retries || !send_worth_again(rc, out) ||
		    pause >= desk_deadline_left_ms(NULL, dl, 3600 * 1000)) {
			if (rc != DESK_OK)
				desk_error_set(err, rc, "%s", why.text);
			return rc;
		}
		poll(NULL, 0, (int)pause);
	}
}

enum desk_status desk_net_send(struct desk_net *net, const struct desk_net_request *rq,
			       struct desk_arena *a, struct desk_net_reply *out,
			       struct desk_error *err)
{
	struct net_target to;
	struct net_try t = { .net = net, .rq = rq, .to = &to };
	enum desk_status rc = net_target_parse(rq->url, &to, err);

	memset(out, 0, sizeof(*out));
	if (rc != DESK_OK)
		return rc;
	rc = send_tries(&t, a, out, err);
	net_target_done(&to);
	return rc;
}
