/* fcgi/routes.c - the table of routes; contracts/openapi.yaml describes each. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "routes.h"

const struct fcgi_route *const fcgi_routes[] = {
	&route_query,
	&route_search,
	&route_health,
	&route_ready,
	&route_openapi,
	NULL,
};

size_t fcgi_routes_body_max(const struct fcgi_route *const *routes)
{
	size_t max = 0;

	for (; *routes != NULL; routes++) {
		if ((*routes)->body_max > max)
			max = (*routes)->body_max;
	}
	return max;
}
