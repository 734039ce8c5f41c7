/* fcgi/request.c - the parameters of a request. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fcgi_int.h"

#include <string.h>

const char *fcgi_req_param(const struct fcgi_req *req, const char *name)
{
	size_t n = strlen(name);

	for (char **p = req->params; p != NULL && *p != NULL; p++) {
		if (strncmp(*p, name, n) == 0 && (*p)[n] == '=')
			return *p + n + 1;
	}
	return NULL;
}
