/* lib/net/guard.c - which URLs and which resolved addresses may be reached. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/net_int.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* IANA's special-purpose registries, and the addresses where clouds answer with credentials. */
static const struct {
	uint32_t       net;
	int            bits;
	enum net_reach reach;
} guard_v4[] = {
	{ 0x00000000, 8, NET_PRIVATE },	/* this host */
	{ 0x0a000000, 8, NET_PRIVATE },
	{ 0x646464c8, 32, NET_METADATA },	/* 100.100.100.200 */
	{ 0x64400000, 10, NET_PRIVATE },	/* carrier's NAT */
	{ 0x7f000000, 8, NET_PRIVATE },	/* loopback */
	{ 0xa83f8110, 32, NET_METADATA },	/* 168.63.129.16 */
	{ 0xa9fe0000, 16, NET_METADATA },	/* link-local */
	{ 0xac100000, 12, NET_PRIVATE },
	{ 0xc0000000, 24, NET_PRIVATE },
	{ 0xc0000200, 24, NET_PRIVATE },	/* documentation */
	{ 0xc0a80000, 16, NET_PRIVATE },
	{ 0xc6120000, 15, NET_PRIVATE },	/* benchmarks */
	{ 0xc6336400, 24, NET_PRIVATE },
	{ 0xcb007100, 24, NET_PRIVATE },
	{ 0xe0000000, 3, NET_PRIVATE },	/* multicast, reserved, broadcast */
};

static enum net_reach guard_reach_v4(uint32_t ip)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(guard_v4); i++) {
		uint32_t mask =
			guard_v4[i].bits == 32 ? 0xffffffffu : ~(0xffffffffu >> guard_v4[i].bits);

		if ((ip & mask) == guard_v4[i].net)
			return guard_v4[i].reach;
	}
	return NET_PUBLIC;
}

static uint32_t guard_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* IPv6 prefixes; `v4` is where an IPv4 address is carried inside, -1 for none. */
static const struct {
	uint8_t        net[16];
	int            bits;
	int            v4;
	enum net_reach reach;
} guard_v6[] = {
	{ { [15] = 1 }, 128, -1, NET_PRIVATE },
	{ { [10] = 0xff, [11] = 0xff }, 96, 12, NET_PRIVATE },	/* v4-mapped */
	{ { 0 }, 96, 12, NET_PRIVATE },	/* v4-compatible, :: */
	{ { 0x00, 0x64, 0xff, 0x9b }, 96, 12, NET_PRIVATE },	/* NAT64 */
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, -1, NET_PRIVATE },
	{ { 0x01, 0x00 }, 64, -1, NET_PRIVATE },	/* discard */
	{ { 0x20, 0x01, 0x00, 0x00 }, 23, -1, NET_PRIVATE },	/* Teredo and the like */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, -1, NET_PRIVATE },	/* documentation */
	{ { 0x20, 0x02 }, 16, 2, NET_PRIVATE },	/* 6to4 */
	{ { 0xfd, 0x00, 0x0e, 0xc2 }, 32, -1, NET_METADATA },
	{ { 0xfc }, 7, -1, NET_PRIVATE },
	{ { 0xfe, 0x80 }, 10, -1, NET_METADATA },
	{ { 0xfe, 0xc0 }, 10, -1, NET_PRIVATE },
	{ { 0xff }, 8, -1, NET_PRIVATE },
};

static bool guard_prefix(const uint8_t *ip, const uint8_t *net, int bits)
{
	int whole = bits / 8, rest = bits % 8;

	if (memcmp(ip, net, (size_t)whole) != 0)
		return false;
	return rest == 0 || ((ip[whole] ^ net[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
}

static enum net_reach guard_reach_v6(const uint8_t *ip)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(guard_v6); i++)
		if (guard_prefix(ip, guard_v6[i].net, guard_v6[i].bits))
			return guard_v6[i].v4 >= 0 ? guard_reach_v4(guard_u32(ip + guard_v6[i].v4))
						   : guard_v6[i].reach;
	return NET_PUBLIC;
}

enum net_reach net_reach_of(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		return guard_reach_v4(ntohl(in.sin_addr.s_addr));
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		return guard_reach_v6(in6.sin6_addr.s6_addr);
	}
	return NET_METADATA;
}

bool net_host_is_named(const struct desk_net *net, const struct net_host *at)
{
	for (size_t i = 0; i < net->n_hosts; i++)
		if (strcmp(net->hosts[i].host, at->host) == 0 &&
		    (net->hosts[i].port == 0 || net->hosts[i].port == at->port))
			return true;
	return false;
}

bool net_may_reach(const struct desk_net *net, const struct net_host *at, enum net_reach reach)
{
	if (reach == NET_PUBLIC || (reach == NET_PRIVATE && net->allow_private))
		return true;
	return net_host_is_named(net, at);
}

/* "[::1]" -> "::1", "Host." -> "host". */
static bool guard_host_set(struct net_host *h, const char *s, size_t n)
{
	if (n >= 2 && s[0] == '[' && s[n - 1] == ']') {
		s++;
		n -= 2;
	}
	if (n > 0 && s[n - 1] == '.')
		n--;
	if (n == 0 || n >= sizeof(h->host))
		return false;
	for (size_t i = 0; i < n; i++)
		h->host[i] = (char)tolower((unsigned char)s[i]);
	h->host[n] = '\0';
	return true;
}

static enum desk_status guard_part(CURLU *u, CURLUPart part, unsigned flags, char **out)
{
	*out = NULL;
	return curl_url_get(u, part, out, flags) == CURLUE_OK ? DESK_OK : DESK_E_INPUT;
}

static enum desk_status guard_fill(struct net_target *t, struct desk_error *err)
{
	char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL, *user = NULL;
	enum desk_status rc = DESK_E_INPUT;
	int64_t number;

	if (guard_part(t->url, CURLUPART_SCHEME, 0, &scheme) != DESK_OK ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
		desk_error_set(err, rc, "scheme \"%.20s\" is not http or https",
			       scheme ? scheme : "");
		goto out;
	}
	if (guard_part(t->url, CURLUPART_USER, 0, &user) == DESK_OK) {
		desk_error_set(err, rc, "a URL may not carry user and password");
		goto out;
	}
	if (guard_part(t->url, CURLUPART_HOST, 0, &host) != DESK_OK ||
	    guard_part(t->url, CURLUPART_PORT, CURLU_DEFAULT_PORT, &port) != DESK_OK ||
	    guard_part(t->url, CURLUPART_PATH, 0, &path) != DESK_OK ||
	    !desk_parse_int64(port, &number) || !guard_host_set(&t->at, host, strlen(host))) {
		desk_error_set(err, rc, "URL has no host that can be reached");
		goto out;
	}
	t->at.port = (int)number;
	snprintf(t->shown, sizeof(t->shown), "%s://%.200s:%s%.120s", scheme, host, port, path);
	rc = DESK_OK;
out:
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_free(user);
	return rc;
}

enum desk_status net_target_parse(const char *url, struct net_target *out, struct desk_error *err)
{
	enum desk_status rc;
	CURLUcode code;

	memset(out, 0, sizeof(*out));
	out->url = curl_url();
	if (out->url == NULL)
		abort();
	code = curl_url_set(out->url, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
	if (code != CURLUE_OK)
		rc = desk_error_set(err, DESK_E_INPUT, "not a URL: %s", curl_url_strerror(code));
	else
		rc = guard_fill(out, err);
	if (rc != DESK_OK)
		net_target_done(out);
	return rc;
}

void net_target_done(struct net_target *t)
{
	curl_url_cleanup(t->url);
	t->url = NULL;
}

static void guard_append(struct desk_net *net, const struct net_host *h)
{
	net->hosts = desk_xrealloc(net->hosts, net->n_hosts + 1, sizeof(*net->hosts));
	net->hosts[net->n_hosts++] = *h;
}

/* One entry: host, host:port, [v6], [v6]:port, or a bare v6 address. */
static bool guard_entry(const char *s, size_t n, struct net_host *out)
{
	const char *colon = memrchr(s, ':', n);
	const char *close = memrchr(s, ']', n);
	bool bare_v6 = colon != NULL && close == NULL && memchr(s, ':', n) != colon;
	char digits[8];
	int64_t port;

	memset(out, 0, sizeof(*out));
	if (colon == NULL || bare_v6 || (close != NULL && close > colon))
		return guard_host_set(out, s, n);
	if ((size_t)(s + n - colon - 1) >= sizeof(digits))
		return false;
	memcpy(digits, colon + 1, (size_t)(s + n - colon - 1));
	digits[s + n - colon - 1] = '\0';
	if (!desk_parse_int64(digits, &port) || port < 1 || port > 65535)
		return false;
	out->port = (int)port;
	return guard_host_set(out, s, (size_t)(colon - s));
}

enum desk_status net_hosts_add_list(struct desk_net *net, const char *list, struct desk_error *err)
{
	static const char gaps[] = ", \t\r\n";

	while (list != NULL && *(list += strspn(list, gaps)) != '\0') {
		size_t n = strcspn(list, gaps);
		struct net_host h;

		if (!guard_entry(list, n, &h))
			return desk_error_set(
				err, DESK_E_CONFIG,
				"EGRESS_ALLOW_HOSTS: \"%.*s\" is not host or host:port",
				n > 100 ? 100 : (int)n, list);
		guard_append(net, &h);
		list += n;
	}
	return DESK_OK;
}

enum desk_status net_hosts_add_url(struct desk_net *net, const char *url, struct desk_error *err)
{
	struct net_target t;
	struct desk_error why = { 0 };

	if (net_target_parse(url, &t, &why) != DESK_OK)
		return desk_error_set(err, DESK_E_CONFIG, "address of a model server: %s",
				      why.text);
	guard_append(net, &t.at);
	net_target_done(&t);
	return DESK_OK;
}
