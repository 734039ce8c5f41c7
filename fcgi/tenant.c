/* fcgi/tenant.c - which tenant a caller may ask. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fields.h"

#include <strings.h>

#include "auth/auth.h"
#include "chat/services.h"

static enum desk_status tenant_anonymous(struct desk_ctx *cx, const struct desk_services *s,
					 const char *named)
{
	enum desk_status rc = desk_tenant_enter(cx, s->tenants, named);

	if (rc == DESK_OK && cx->tenant->settings.anonymous)
		return DESK_OK;
	if (rc != DESK_OK && rc != DESK_E_NOT_FOUND)
		return rc;
	desk_error_clear(&cx->err);
	cx->tenant = NULL;
	cx->tenant_id = NULL;	/* nothing may be logged under the name of a tenant that was only guessed */
	return desk_fail(cx, DESK_E_AUTH, "no credential, and no tenant that takes anonymous callers");
}

enum desk_status fcgi_tenant_enter(struct desk_ctx *cx, const struct fcgi_req *req,
				   struct fcgi_resp *resp, const char *named)
{
	const struct desk_services *s = req->app->services;
	enum desk_status rc;

	if (cx->principal->anonymous)
		return tenant_anonymous(cx, s, named);
	rc = desk_tenant_enter(cx, s->tenants, cx->principal->tenant_id);
	if (rc == DESK_E_NOT_FOUND) {
		desk_error_clear(&cx->err);
		return desk_fail(cx, DESK_E_AUTH, "token: its tenant does not exist");
	}
	if (rc != DESK_OK)
		return rc;
	if (strcasecmp(named, cx->tenant->id) == 0 || strcasecmp(named, cx->tenant->domain) == 0)
		return DESK_OK;
	resp->detail = "Access denied to specified tenant";
	return desk_fail(cx, DESK_E_FORBIDDEN, "the body names another tenant than the credential");
}
