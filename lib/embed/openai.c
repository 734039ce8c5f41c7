/* lib/embed/openai.c - providers `openai` (and any compatible server) and `azure`: POST /embeddings. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "embed/embed_int.h"
#include "net/net.h"

#include <stdlib.h>
#include <string.h>

#define OPENAI_TEXT_BYTES_MAX 8000	/* at most as many tokens; the servers take 8191 */
#define OPENAI_REPLY_MAX (64u << 20)
#define OPENAI_TRY_MS 30000
#define OPENAI_RETRIES 2
#define OPENAI_DIM_MAX 16000

struct openai {
	struct desk_net *net;	/* borrowed */
	char            *url, *model;	/* owned */
	char            *key_header, *key_value;	/* owned; NULL: none is sent */
	bool             send_model;	/* azure names the deployment in the URL */
	bool             send_dim;
};

/* text-embedding-3-* can be asked for shorter vectors; servers of other models may refuse the word. */
static bool openai_wants_dim(const char *model, size_t dim)
{
	if (strncmp(model, "text-embedding-3-", 17) != 0)
		return false;
	return dim != (strcmp(model + 17, "large") == 0 ? 3072u : 1536u);
}

static enum desk_status openai_need(const char *value, const char *what, const char *setting,
				    struct desk_error *err)
{
	if (value != NULL && *value != '\0')
		return DESK_OK;
	return desk_error_set(err, DESK_E_CONFIG, "%s is missing: set %s", what, setting);
}

/* A part of a URL that needs no escaping. */
static bool openai_is_plain(const char *s)
{
	return *s != '\0' && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
				     strlen(s);
}

static char *openai_text(struct desk_arena *a, const char *before, const char *value)
{
	return desk_xstrdup(desk_arena_printf(a, "%s%s", before, value));
}

static enum desk_status openai_open_common(struct desk_embedder *e, const struct desk_embed_options *o,
					   struct desk_error *err)
{
	struct openai *s = e->state = desk_xcalloc(1, sizeof(*s));

	if (o->net == NULL)
		return desk_error_set(err, DESK_E_BUG, "embedding provider \"%s\" was opened without net",
				      e->ops->name);
	s->net = o->net;
	e->dim = o->dim > 0 ? o->dim : 1536;
	if (e->dim > OPENAI_DIM_MAX)
		return desk_error_set(err, DESK_E_CONFIG, "an embedding dimension of %zu is too great, %d at "
				      "most", e->dim, OPENAI_DIM_MAX);
	e->languages = o->languages != NULL && *o->languages != '\0' ? desk_xstrdup(o->languages) : NULL;
	return DESK_OK;
}

static enum desk_status openai_open(struct desk_embedder *e, const struct desk_embed_options *o,
				    struct desk_error *err)
{
	const char *base = o->base_url != NULL && *o->base_url != '\0' ? o->base_url :
									  "https://api.openai.com/v1";
	enum desk_status rc = openai_open_common(e, o, err);
	struct openai *s = e->state;
	struct desk_arena *a;

	if (rc != DESK_OK)
		return rc;
	a = desk_arena_new();
	s->model = desk_xstrdup(o->model != NULL && *o->model != '\0' ? o->model :
									"text-embedding-3-small");
	s->url = desk_xstrdup(desk_net_join(a, base, "/embeddings"));
	e->origin = s->url;
	s->send_model = true;
	s->send_dim = openai_wants_dim(s->model, e->dim);
	e->name = openai_text(a, "openai/", s->model);
	if (o->api_key != NULL && *o->api_key != '\0') {
		s->key_header = desk_xstrdup("Authorization");
		s->key_value = openai_text(a, "Bearer ", o->api_key);
	}
	desk_arena_free(a);
	return DESK_OK;
}

static enum desk_status openai_open_azure(struct desk_embedder *e, const struct desk_embed_options *o,
					  struct desk_error *err)
{
	const char *version = o->api_version != NULL ? o->api_version : "2024-10-21";
	enum desk_status rc = openai_open_common(e, o, err);
	struct openai *s = e->state;
	struct desk_arena *a;

	if (rc == DESK_OK)
		rc = openai_need(o->base_url, "the Azure endpoint", "AZURE_OPENAI_ENDPOINT", err);
	if (rc == DESK_OK)
		rc = openai_need(o->model, "the embedding deployment",
				 "AZURE_OPENAI_EMBEDDING_DEPLOYMENT", err);
	if (rc == DESK_OK)
		rc = openai_need(o->api_key, "the Azure key", "AZURE_OPENAI_KEY", err);
	if (rc == DESK_OK && (!openai_is_plain(o->model) || !openai_is_plain(version)))
		rc = desk_error_set(err, DESK_E_CONFIG,
				    "the Azure deployment \"%s\" or api-version \"%s\" has characters "
				    "that do not go into a URL", o->model, version);
	if (rc != DESK_OK)
		return rc;
	a = desk_arena_new();
	s->model = desk_xstrdup(o->model);
	s->url = desk_xstrdup(desk_net_join(a, o->base_url,
					    desk_arena_printf(a, "/openai/deployments/%s/embeddings"
							      "?api-version=%s", o->model, version)));
	e->origin = s->url;
	s->key_header = desk_xstrdup("api-key");
	s->key_value = desk_xstrdup(o->api_key);
	e->name = openai_text(a, "azure/", o->model);
	desk_arena_free(a);
	return DESK_OK;
}

static void openai_free(struct desk_embedder *e)
{
	struct openai *s = e->state;

	free(s->url);
	free(s->model);
	free(s->key_header);
	free(s->key_value);
	free(s);
}

/* Valid UTF-8, not empty (the servers refuse that) and not past what they read. */
static json_t *openai_input(struct desk_arena *a, struct desk_str text)
{
	size_t n = text.n < OPENAI_TEXT_BYTES_MAX ? text.n : OPENAI_TEXT_BYTES_MAX;
	char *clean;

	while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xC0) == 0x80)
		n--;	/* on a whole character */
	clean = desk_utf8_clean(a, text.p, n, &n);
	return n > 0 ? json_stringn(clean, n) : json_string(" ");
}

static char *openai_body(struct desk_arena *a, const struct openai *s, const struct embed_work *w,
			 size_t dim)
{
	json_t *body = desk_json_keep(a, json_object()), *input = json_array();

	for (size_t i = 0; i < w->n; i++)
		json_array_append_new(input, openai_input(a, w->texts[i]));
	if (s->send_model)
		json_object_set_new(body, "model", json_string(s->model));
	json_object_set_new(body, "input", input);
	json_object_set_new(body, "encoding_format", json_string("float"));
	if (s->send_dim)
		json_object_set_new(body, "dimensions", json_integer((json_int_t)dim));
	return desk_json_dump(a, body);
}

/* What a status other than 200 means; the server's text may repeat ours, so only its code is told. */
static enum desk_status openai_refused(const struct desk_net_reply *r, struct desk_arena *a,
				       struct desk_error *err)
{
	json_t *doc = NULL;
	const char *code = "";
	enum desk_status rc = r->status == 429 ? DESK_E_LIMIT : DESK_E_UPSTREAM;

	if (desk_json_parse(a, r->body.p, r->body.n, &doc, NULL) == DESK_OK)
		code = desk_json_string(json_object_get(doc, "error"), "code", "");
	if (r->status == 401 || r->status == 403)
		return desk_error_set(err, rc, "the embedding server refused the key (%d %.60s)",
				      r->status, code);
	return desk_error_set(err, rc, "the embedding server answered %d %.60s after %d tries", r->status,
			      code, r->tries);
}

static enum desk_status openai_texts(struct desk_embedder *e, const struct embed_work *w,
				     struct desk_error *err)
{
	const struct openai *s = e->state;
	struct desk_arena *a = desk_arena_new();
	struct desk_net_header key = { s->key_header, s->key_value };
	struct desk_net_request rq = {
		.method = "POST", .url = s->url, .headers = &key, .n_headers = s->key_value != NULL,
		.body = desk_str_of(openai_body(a, s, w, e->dim)), .reply_max = OPENAI_REPLY_MAX,
		.timeout_ms = OPENAI_TRY_MS, .retries = OPENAI_RETRIES, .deadline = w->dl,
	};
	struct desk_net_reply reply;
	enum desk_status rc = desk_net_send(s->net, &rq, a, &reply, err);

	if (rc == DESK_OK && reply.status != 200)
		rc = openai_refused(&reply, a, err);
	else if (rc == DESK_OK)
		rc = embed_reply_parse(reply.body, w->n, e->dim, w->out, err);
	desk_arena_free(a);
	return rc;
}

/* 32 is what text-embeddings-inference takes at most unless told otherwise. */
const struct embed_provider embed_provider_openai = {
	.name = "openai", .batch_max = 32, .open = openai_open, .free = openai_free,
	.texts = openai_texts,
};

const struct embed_provider embed_provider_azure = {
	.name = "azure", .batch_max = 32, .open = openai_open_azure, .free = openai_free,
	.texts = openai_texts,
};
