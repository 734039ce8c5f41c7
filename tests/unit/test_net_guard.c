/* tests/unit/test_net_guard.c - which addresses may be reached. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/guard.c"

#include "support/ck_desk.h"

static const struct { const char *ip; enum net_reach reach; } addresses[] = {
	{ "93.184.216.34", NET_PUBLIC }, { "8.8.8.8", NET_PUBLIC }, { "172.32.0.1", NET_PUBLIC },
	{ "172.15.255.255", NET_PUBLIC }, { "192.169.0.1", NET_PUBLIC }, { "100.128.0.1", NET_PUBLIC },
	{ "223.255.255.255", NET_PUBLIC }, { "168.63.129.17", NET_PUBLIC },
	{ "127.0.0.1", NET_PRIVATE }, { "127.255.255.254", NET_PRIVATE }, { "0.0.0.0", NET_PRIVATE },
	{ "10.1.2.3", NET_PRIVATE }, { "172.16.0.1", NET_PRIVATE }, { "172.31.255.255", NET_PRIVATE },
	{ "192.168.1.1", NET_PRIVATE }, { "100.64.0.1", NET_PRIVATE }, { "198.18.0.1", NET_PRIVATE },
	{ "198.19.255.1", NET_PRIVATE }, { "224.0.0.1", NET_PRIVATE }, { "255.255.255.255", NET_PRIVATE },
	{ "169.254.169.254", NET_METADATA }, { "169.254.0.1", NET_METADATA },
	{ "100.100.100.200", NET_METADATA }, { "168.63.129.16", NET_METADATA },
	{ "2606:2800:220:1:248:1893:25c8:1946", NET_PUBLIC }, { "2003::1", NET_PUBLIC },
	{ "::1", NET_PRIVATE }, { "::", NET_PRIVATE }, { "fc00::1", NET_PRIVATE }, { "fdff::1", NET_PRIVATE },
	{ "fec0::1", NET_PRIVATE }, { "ff02::1", NET_PRIVATE }, { "2001:db8::1", NET_PRIVATE },
	{ "2001:0:1::1", NET_PRIVATE }, { "fe80::1", NET_METADATA }, { "febf::1", NET_METADATA },
	{ "fd00:ec2::254", NET_METADATA },
	{ "::ffff:127.0.0.1", NET_PRIVATE }, { "::ffff:169.254.169.254", NET_METADATA },
	{ "::ffff:8.8.8.8", NET_PUBLIC }, { "::127.0.0.1", NET_PRIVATE },
	{ "64:ff9b::a9fe:a9fe", NET_METADATA }, { "64:ff9b::808:808", NET_PUBLIC },
	{ "2002:7f00:1::", NET_PRIVATE }, { "2002:a9fe:a9fe::1", NET_METADATA },
};

START_TEST(address_has_its_reach)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const char *ip = addresses[_i].ip;
	enum net_reach got;

	if (inet_pton(AF_INET, ip, &in.sin_addr) == 1)
		got = net_reach_of((struct sockaddr *)&in);
	else if (inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1)
		got = net_reach_of((struct sockaddr *)&in6);
	else
		ck_abort_msg("%s", ip);
	ck_assert_msg(got == addresses[_i].reach, "%s: %d", ip, got);
}
END_TEST

START_TEST(other_families_are_refused)
{
	struct sockaddr sa = { .sa_family = AF_UNIX };

	ck_assert_int_eq(net_reach_of(&sa), NET_METADATA);
}
END_TEST

static const struct { const char *list, *host; int port; bool named; } lists[] = {
	{ "models.lan", "models.lan", 80, true },
	{ "models.lan:8080", "models.lan", 8080, true },
	{ "models.lan:8080", "models.lan", 80, false },
	{ "a, Models.LAN. ,b", "models.lan", 1, true },
	{ "[::1]:9", "::1", 9, true },
	{ "[::1]:9", "::1", 10, false },
	{ "::1", "::1", 10, true },
	{ "[::1]", "::1", 10, true },
	{ "", "models.lan", 80, false },
	{ "models.lan", "evil.models.lan", 80, false },
	{ "models.lan", "models.lan.evil", 80, false },
};

START_TEST(list_names_hosts)
{
	struct desk_net net = { 0 };
	struct desk_error err = { 0 };
	struct net_host at = { .port = lists[_i].port };

	snprintf(at.host, sizeof(at.host), "%s", lists[_i].host);
	ck_ok(net_hosts_add_list(&net, lists[_i].list, &err), &err);
	ck_assert_int_eq(net_host_is_named(&net, &at), lists[_i].named);
	ck_assert_int_eq(net_may_reach(&net, &at, NET_METADATA), lists[_i].named);
	ck_assert_int_eq(net_may_reach(&net, &at, NET_PRIVATE), lists[_i].named);
	ck_assert(net_may_reach(&net, &at, NET_PUBLIC));
	free(net.hosts);
}
END_TEST

START_TEST(private_allowed_is_not_metadata_allowed)
{
	struct desk_net net = { .allow_private = true };
	struct net_host at = { .host = "x", .port = 80 };

	ck_assert(net_may_reach(&net, &at, NET_PRIVATE));
	ck_assert(!net_may_reach(&net, &at, NET_METADATA));
}
END_TEST

static const char *const bad_lists[] = { "host:port", "host:0", "host:65536", ":80", "host:123456789" };

START_TEST(bad_list_is_a_config_error)
{
	struct desk_net net = { 0 };
	struct desk_error err = { 0 };

	ck_fails(net_hosts_add_list(&net, bad_lists[_i], &err), DESK_E_CONFIG, &err, "EGRESS_ALLOW_HOSTS");
	free(net.hosts);
}
END_TEST

static const struct { const char *url, *complaint; } bad_urls[] = {
	{ "ftp://host/x", "scheme" }, { "file:///etc/passwd", "scheme" }, { "gopher://host/", "scheme" },
	{ "http://user:secret@host/", "user and password" }, { "http://user@host/", "user and password" },
	{ "", "not a URL" }, { "http://", "URL" }, { "/path", "URL" }, { "http://host:99999/", "URL" },
	{ "http://ho st/", "URL" },
};

START_TEST(bad_url_is_refused)
{
	struct net_target t;
	struct desk_error err = { 0 };

	ck_fails(net_target_parse(bad_urls[_i].url, &t, &err), DESK_E_INPUT, &err, bad_urls[_i].complaint);
	ck_assert_ptr_null(strstr(err.text, "secret"));
}
END_TEST

static const struct { const char *url, *host; int port; } urls[] = {
	{ "https://API.example.com/v1?key=secret", "api.example.com", 443 },
	{ "http://[::1]:8080/x", "::1", 8080 },
	{ "http://127.1/", "127.0.0.1", 80 },
	{ "http://0x7f000001/", "127.0.0.1", 80 },
	{ "http://2130706433/", "127.0.0.1", 80 },
	{ "http://host.:81/", "host", 81 },
};

START_TEST(url_has_host_and_port)
{
	struct net_target t;
	struct desk_error err = { 0 };

	ck_ok(net_target_parse(urls[_i].url, &t, &err), &err);
	ck_assert_str_eq(t.at.host, urls[_i].host);
	ck_assert_int_eq(t.at.port, urls[_i].port);
	ck_assert_ptr_null(strstr(t.shown, "secret"));
	net_target_done(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("net_guard");
	TCase *tc = tcase_create("guard");

	tcase_add_loop_test(tc, address_has_its_reach, 0, DESK_ARRAY_LEN(addresses));
	tcase_add_test(tc, other_families_are_refused);
	tcase_add_loop_test(tc, list_names_hosts, 0, DESK_ARRAY_LEN(lists));
	tcase_add_test(tc, private_allowed_is_not_metadata_allowed);
	tcase_add_loop_test(tc, bad_list_is_a_config_error, 0, DESK_ARRAY_LEN(bad_lists));
	tcase_add_loop_test(tc, bad_url_is_refused, 0, DESK_ARRAY_LEN(bad_urls));
	tcase_add_loop_test(tc, url_has_host_and_port, 0, DESK_ARRAY_LEN(urls));
	suite_add_tcase(s, tc);
	return ck_run_suite(s);
}
