/* tests/support/corpus.c - documents straight into a tenant: chunks, words and vectors, no daemon. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/corpus.h"

#include <stdlib.h>
#include <string.h>

#include "ingestion/work.h"

#define CORPUS_BATCH 64

static enum desk_status corpus_tenant(struct corpus *c, const char *sql, const char *domain)
{
	struct desk_db_options o = { .conninfo = c->config->DATABASE_ADMIN_URL.value, .program = "test",
				     .pool_size = 1, .statement_timeout_ms = 60000,
				     .prepare = c->config->DB_PREPARED_STATEMENTS };
	struct desk_migrate_options m = { .dir = sql };
	struct desk_tenant_spec spec = { .domain = domain, .name = domain };
	struct desk_tenant_row row;
	struct desk_db *db;
	enum desk_status rc = desk_db_open(&o, &db, &c->cx.err);

	if (rc != DESK_OK)
		return rc;
	c->cx.db = db;
	rc = desk_migrate_up(&c->cx, &m);
	if (rc == DESK_OK && desk_tenant_add(&c->cx, &spec, &row) != DESK_OK) {
		rc = c->cx.err.code == DESK_E_CONFLICT ? DESK_OK : c->cx.err.code;
		if (rc == DESK_OK)	/* it is there already */
			desk_error_clear(&c->cx.err);
		desk_db_rollback(&c->cx);
	}
	desk_arena_reset(c->arena);
	desk_db_free(db);
	return rc;
}

enum desk_status corpus_open(struct corpus *c, const char *sql, const char *domain, struct desk_log *log)
{
	enum desk_status rc;

	memset(c, 0, sizeof(*c));
	c->arena = desk_arena_new();
	desk_ctx_init(&c->cx, c->arena, NULL);
	rc = desk_config_load(NULL, DESK_NEED_DB | DESK_NEED_ADMIN_DB, &c->config, &c->cx.err);
	if (rc == DESK_OK)
		rc = corpus_tenant(c, sql, domain);
	if (rc == DESK_OK)
		rc = desk_services_open(c->config, log, "test", &c->services, &c->cx.err);
	if (rc == DESK_OK) {
		desk_services_ctx(c->services, c->arena, &c->cx);
		rc = desk_tenant_enter(&c->cx, NULL, domain);
	}
	return rc;
}

void corpus_close(struct corpus *c)
{
	desk_arena_free(c->arena);
	desk_services_free(c->services);
	desk_config_free(c->config);
}

struct desk_ctx *corpus_turn(struct corpus *c, const char *domain)
{
	desk_arena_reset(c->arena);
	desk_services_ctx(c->services, c->arena, &c->cx);
	return desk_tenant_enter(&c->cx, c->services->tenants, domain) == DESK_OK ? &c->cx : NULL;
}

static enum desk_status corpus_write(struct desk_ctx *cx, const char *id, struct desk_str text)
{
	struct desk_extract_part part = { .text = text, .chars = desk_utf8_count(text.p, text.n) };
	struct desk_text_writer *w = desk_arena_alloc(cx->arena, sizeof(*w));
	enum desk_status rc;

	desk_text_begin(w, id);
	rc = desk_text_add(cx, w, &part);
	if (rc == DESK_OK)
		rc = desk_text_end(cx, w);
	desk_text_done(w);
	return rc;
}

struct corpus_chunks {
	struct corpus              *c;
	const struct desk_document *doc;
	struct desk_work_chunk     *at;	/* owned */
	size_t                      n, cap;
};

static enum desk_status corpus_chunk(void *arg, const struct desk_split_chunk *c)
{
	struct corpus_chunks *l = arg;

	if (l->n == l->cap) {
		l->cap = l->cap > 0 ? l->cap * 2 : 64;
		l->at = desk_xrealloc(l->at, l->cap, sizeof(*l->at));
	}
	l->at[l->n++] = (struct desk_work_chunk){
		.doc = l->doc, .content = desk_arena_strndup(l->c->arena, c->content.p, c->content.n),
		.index = (int)c->index, .start = c->start, .end = c->end,
	};
	return DESK_OK;
}

/* Chunks and words, in the transaction that makes the document findable. */
static enum desk_status corpus_index(struct corpus_chunks *l)
{
	struct desk_ctx *cx = &l->c->cx;
	struct desk_index_item *items = desk_arena_array(l->c->arena, l->n + 1, sizeof(*items));
	struct desk_index_batch batch = { l->doc->audience, l->doc->language, items, l->n };
	int64_t first;
	enum desk_status rc = desk_work_chunks_add(cx, l->at, l->n, &first);

	for (size_t i = 0; rc == DESK_OK && i < l->n; i++)
		items[i] = (struct desk_index_item){ first + (int64_t)i, desk_str_of(l->doc->title),
						     desk_str_of(l->at[i].content) };
	return rc == DESK_OK ? desk_lexical_add(cx, l->c->services->retrieval, &batch) : rc;
}

static enum desk_status corpus_publish(struct corpus *c, struct desk_document *doc, struct desk_str text)
{
	struct corpus_chunks l = { .c = c, .doc = doc };
	bool embed = desk_embedder_speaks(c->services->embedder, doc->language);
	enum desk_status rc = desk_split(NULL, text, corpus_chunk, &l, &c->cx.err);

	doc->chunks = (int)l.n;
	embed = embed && l.n > 0;
	if (rc == DESK_OK)
		rc = desk_tenant_begin(&c->cx);
	if (rc == DESK_OK && l.n > 0)
		rc = corpus_index(&l);
	if (rc == DESK_OK)
		rc = desk_work_publish(&c->cx, doc, &embed, 1);
	if (rc == DESK_OK)
		rc = desk_db_commit(&c->cx);
	free(l.at);
	return rc;
}

static enum desk_status corpus_embed(struct corpus *c)
{
	struct desk_embedder *e = c->services->embedder;
	size_t dim = desk_embedder_dim(e);

	for (;;) {
		struct desk_unembedded todo;
		struct desk_str texts[CORPUS_BATCH];
		float *vectors = desk_arena_array(c->arena, CORPUS_BATCH * dim, sizeof(float));
		enum desk_status rc = desk_chunks_unembedded(&c->cx, 0, INT64_MAX, CORPUS_BATCH, &todo);

		if (rc != DESK_OK || todo.n == 0)
			return rc;
		for (size_t i = 0; i < todo.n; i++)
			texts[i] = desk_index_text(c->arena, todo.at[i].title, todo.at[i].content);
		rc = desk_embed_texts(e, texts, todo.n, vectors, (struct desk_deadline){ 0 }, &c->cx.err);
		if (rc == DESK_OK)
			rc = desk_tenant_begin(&c->cx);
		if (rc == DESK_OK)
			rc = desk_chunks_embed(&c->cx, &todo, vectors, dim);
		if (rc == DESK_OK)
			rc = desk_db_commit(&c->cx);
		if (rc != DESK_OK)
			return rc;
	}
}

static enum desk_status corpus_add_one(struct corpus *c, const struct corpus_document *d)
{
	struct desk_document_spec spec = { .source = d->source, .title = d->title, .mime = DESK_MIME_TEXT,
					   .audience = d->audience, .text = d->text };
	struct desk_put_result put;
	struct desk_document doc;
	char lang[DESK_LANGUAGE_LEN + 1] = "";
	enum desk_status rc = desk_document_put_texts(&c->cx, &spec, 1, &put);

	if (rc != DESK_OK || put.how == DESK_PUT_SAME)
		return rc;
	rc = desk_document_start(&c->cx, put.id, &doc);
	if (rc != DESK_OK)
		return rc;
	if (d->language != NULL)
		desk_copy(lang, sizeof(lang), d->language);
	else
		desk_language_detect(c->services->retrieval, d->text, NULL, lang);
	doc.language = lang;
	rc = corpus_write(&c->cx, put.id, d->text);
	return rc == DESK_OK ? corpus_publish(c, &doc, d->text) : rc;
}

enum desk_status corpus_add(struct corpus *c, const struct corpus_document *docs, size_t n)
{
	const struct desk_tenant *tenant = c->cx.tenant;
	char *domain = desk_xstrdup(tenant->domain);
	enum desk_status rc = DESK_OK;

	for (size_t i = 0; rc == DESK_OK && i < n; i++) {
		if (i % CORPUS_BATCH == 0 && corpus_turn(c, domain) == NULL)
			rc = DESK_E_BUG;
		c->cx.deadline = (struct desk_deadline){ 0 };
		if (rc == DESK_OK)
			rc = corpus_add_one(c, &docs[i]);
	}
	if (rc == DESK_OK)
		rc = corpus_embed(c);
	free(domain);
	return rc;
}
