/* lib/auth/principal.c - questions to a principal. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/auth.h"

#include <string.h>

bool desk_principal_is_internal(const struct desk_principal *p)
{
	return p != NULL && !p->anonymous && p->user_type != NULL &&
	       strcmp(p->user_type, DESK_USER_INTERNAL) == 0;
}
