/* fcgi/fields.h - typed fields of a JSON body. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FCGI_FIELDS_H
#define FCGI_FIELDS_H

#include "fcgi.h"

/* A member that is a string. */
struct fcgi_text_rule {
	const char *key;
	const char *name;	/* as refusals call it: "context.conversation_id" */
	bool        required;	/* else a missing or null member is an empty view */
	size_t      max;	/* code points */
	bool (*fits)(struct desk_str s);	/* NULL: anything not empty */
	const char *say;	/* what it must be */
};

/*
 * The body as an object. DESK_E_SYNTAX when it is not JSON (RFC 8259) in UTF-8: duplicate names,
 * NULs, lone surrogates and numbers that no machine holds are refused too. DESK_E_INPUT when it is
 * another kind of value. No text of the body gets into cx->err.
 */
DESK_MUST_CHECK enum desk_status fcgi_body_object(struct desk_ctx *cx, struct desk_str body, json_t **out);

/* Each sets cx->err with the field's name and the reason. *out is borrowed from `object`. */
DESK_MUST_CHECK enum desk_status fcgi_field_text(struct desk_ctx *cx, const json_t *object,
						 const struct fcgi_text_rule *rule, struct desk_str *out);
/* `object` may be NULL, and so may *out be where the member is missing or null. */
DESK_MUST_CHECK enum desk_status fcgi_field_object(struct desk_ctx *cx, const json_t *object,
						   const char *key, const json_t **out);
/*
 * Refuses members that are not in `keys` (NULL-terminated): a misspelt one would be lost in silence.
 * `name` is the object's. NULL objects have none.
 */
DESK_MUST_CHECK enum desk_status fcgi_fields_known(struct desk_ctx *cx, const json_t *object,
						   const char *name, const char *const *keys);
/* Whole number; *out is left alone where it is missing or null. */
DESK_MUST_CHECK enum desk_status fcgi_field_int(struct desk_ctx *cx, const json_t *object,
						const char *key, const int64_t range[2], int *out);

/* For rules: a UUID or a domain; more than white space; no control characters; a word; a UUID. */
bool fcgi_fits_tenant(struct desk_str s);
bool fcgi_fits_said(struct desk_str s);
bool fcgi_fits_name(struct desk_str s);
bool fcgi_fits_word(struct desk_str s);
bool fcgi_fits_uuid(struct desk_str s);

extern const struct fcgi_text_rule fcgi_rule_tenant;

/* ---- bodies -------------------------------------------------------------- */

struct query_in {
	const char     *tenant;	/* UUID or domain; arena */
	struct desk_str message;	/* borrowed from the body */
	const char     *channel, *user_id, *conversation;	/* arena; the last two may be NULL */
};
DESK_MUST_CHECK enum desk_status query_in_parse(struct desk_ctx *cx, struct desk_str body,
						struct query_in *out);

struct search_in {
	const char     *tenant;
	struct desk_str query;
	int             top_k;	/* 0: the tenant's */
};
DESK_MUST_CHECK enum desk_status search_in_parse(struct desk_ctx *cx, struct desk_str body,
						 struct search_in *out);

/* ---- tenant.c ------------------------------------------------------------ */

/*
 * Enters the tenant that this caller may ask: the credential's, which must be the one named in the
 * body, or for anonymous callers the named one where its settings allow it. To them a tenant that
 * does not exist and one that does not want them look the same.
 */
DESK_MUST_CHECK enum desk_status fcgi_tenant_enter(struct desk_ctx *cx, const struct fcgi_req *req,
						   struct fcgi_resp *resp, const char *named);

#endif
