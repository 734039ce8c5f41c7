/* fcgi/routes.h - the routes, one record a file. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FCGI_ROUTES_H
#define FCGI_ROUTES_H

#include "fcgi.h"

extern const struct fcgi_route route_health, route_ready, route_openapi, route_query, route_search;

#endif
