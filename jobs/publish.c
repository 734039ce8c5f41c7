/* jobs/publish.c - the one transaction that makes documents searchable. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In it: the jobs are settled, chunks and their postings inserted, older versions removed, states
 * set, vectors queued. All of it or nothing. Memory: a page's part and a batch of chunks.
 */
#include <stdlib.h>
#include <string.h>

#include "embed/embed.h"
#include "ingestion/work.h"
#include "jobd.h"
#include "retrieval/retrieval.h"
#include "tenancy/tenancy.h"

#define PUBLISH_BATCH 1024	/* chunks that are inserted together */
#define PUBLISH_EMBED 256	/* chunks of one job for vectors */

struct publish {
	struct job_run         *r;
	struct desk_document   *docs;
	bool                   *embed;	/* by document: its language is the model's */
	size_t                  n_docs;
	struct desk_work_chunk  chunk[PUBLISH_BATCH];
	size_t                  doc_of[PUBLISH_BATCH];
	size_t                  n;
	size_t                  doc;	/* whose text is being split */
	const struct desk_text_part *part;
	struct desk_arena      *batch;	/* what chunks hold; reset with each flush */
	struct desk_buf         refs;	/* NUL-parted "first-last" */
	size_t                  n_refs;
};

/* ---- a batch ------------------------------------------------------------ */

/* Rows [from, to) of the batch are one audience and language: one segment. */
static enum desk_status publish_index(struct publish *p, size_t from, size_t to, int64_t first)
{
	struct desk_index_item *items = desk_arena_array(p->batch, to - from, sizeof(*items));
	const struct desk_document *doc = p->chunk[from].doc;

	for (size_t i = from; i < to; i++)
		items[i - from] = (struct desk_index_item){
			.chunk = first + (int64_t)i,
			.title = desk_str_of(p->chunk[i].doc->title),
			.content = desk_str_of(p->chunk[i].content),
		};
	return desk_lexical_add(p->r->cx, p->r->d->retrieval,
				&(struct desk_index_batch){ .audience = doc->audience, .language = doc->language,
							    .items = items, .n = to - from });
}

static void publish_ref(struct publish *p, int64_t first, int64_t last)
{
	(void)desk_buf_addf(&p->refs, "%lld-%lld", (long long)first, (long long)last);
	(void)desk_buf_addc(&p->refs, '\0');
	p->n_refs++;
}

/* Jobs for the vectors of rows [from, to), where they are to have any. */
static void publish_embed(struct publish *p, size_t from, size_t to, int64_t first)
{
	for (size_t i = from; i < to && p->embed[p->doc_of[from]]; i += PUBLISH_EMBED) {
		size_t end = i + PUBLISH_EMBED < to ? i + PUBLISH_EMBED : to;

		publish_ref(p, first + (int64_t)i, first + (int64_t)end - 1);
	}
}

static bool publish_alike(const struct desk_document *a, const struct desk_document *b)
{
	return a == b || (strcmp(a->audience, b->audience) == 0 && strcmp(a->language, b->language) == 0);
}

static enum desk_status publish_flush_in(struct publish *p)
{
	int64_t first = 0;
	enum desk_status rc = desk_work_chunks_add(p->r->cx, p->chunk, p->n, &first);
	size_t from = 0;

	for (size_t i = 1; rc == DESK_OK && i <= p->n; i++) {
		if (i < p->n && publish_alike(p->chunk[from].doc, p->chunk[i].doc))
			continue;
		rc = publish_index(p, from, i, first);
		publish_embed(p, from, i, first);
		from = i;
	}
	return rc;
}

static enum desk_status publish_flush(struct publish *p)
{
	struct desk_arena *own = p->r->cx->arena;
	enum desk_status rc;

	if (p->n == 0)
		return DESK_OK;
	p->r->cx->arena = p->batch;	/* binds and results go with the batch */
	rc = publish_flush_in(p);
	p->r->cx->arena = own;
	desk_arena_reset(p->batch);
	p->n = 0;
	return rc;
}

/* ---- a document's text -------------------------------------------------- */

static enum desk_status publish_chunk(void *arg, const struct desk_split_chunk *c)
{
	struct publish *p = arg;
	struct desk_document *doc = &p->docs[p->doc];

	p->chunk[p->n] = (struct desk_work_chunk){
		.doc = doc, .content = desk_arena_strndup(p->batch, c->content.p, c->content.n),
		.index = doc->chunks++, .page = p->part->page,
		.start = p->part->start + c->start, .end = p->part->start + c->end,
	};
	p->doc_of[p->n++] = p->doc;
	return p->n == PUBLISH_BATCH ? publish_flush(p) : DESK_OK;
}

static enum desk_status publish_part(struct publish *p, const struct desk_text_part *part)
{
	p->part = part;
	return desk_split(NULL, part->text, publish_chunk, p, &p->r->cx->err);
}

/* All parts of a file's text, each in an arena of its own. */
static enum desk_status publish_file_text(struct publish *p)
{
	struct desk_arena *own = p->r->cx->arena, *part_arena = desk_arena_new();
	struct desk_text_part part = { 0 };
	enum desk_status rc;

	do {
		p->r->cx->arena = part_arena;
		rc = desk_text_next(p->r->cx, p->docs[0].id, &part);
		p->r->cx->arena = own;
		if (rc == DESK_OK && part.text.n > 0)
			rc = publish_part(p, &part);
		desk_arena_reset(part_arena);
	} while (rc == DESK_OK && part.text.n > 0);
	desk_arena_free(part_arena);
	return rc;
}

static int publish_by_kin(const void *a, const void *b)
{
	const struct desk_document *x = a, *y = b;
	int order = strcmp(x->language, y->language);

	return order != 0 ? order : strcmp(x->audience, y->audience);
}

/* Documents that came as text: their language first, then in an order that makes few segments. */
static enum desk_status publish_texts(struct publish *p, const char *const *ids)
{
	struct desk_ctx *cx = p->r->cx;
	struct desk_work_page *pages = NULL;
	size_t n = 0;
	enum desk_status rc = desk_work_texts(cx, ids, p->n_docs);

	if (rc == DESK_OK)
		rc = desk_work_first_pages(cx, ids, p->n_docs, &pages, &n);
	for (size_t i = 0; rc == DESK_OK && i < n; i++) {
		char *language = desk_arena_alloc(cx->arena, DESK_LANGUAGE_LEN + 1);

		desk_language_detect(p->r->d->retrieval, pages[i].text, cx->tenant->settings.languages, language);
		for (size_t k = 0; k < p->n_docs; k++) {
			if (strcmp(p->docs[k].id, pages[i].document) == 0)
				p->docs[k].language = language;
		}
	}
	qsort(p->docs, p->n_docs, sizeof(*p->docs), publish_by_kin);
	for (size_t k = 0; k < p->n_docs; k++)
		p->embed[k] = desk_embedder_speaks(p->r->d->embedder, p->docs[k].language);
	for (p->doc = 0; rc == DESK_OK && p->doc < p->n_docs; p->doc++) {
		for (size_t i = 0; rc == DESK_OK && i < n; i++) {
			if (strcmp(p->docs[p->doc].id, pages[i].document) == 0)
				rc = publish_part(p, &(struct desk_text_part){ .page = pages[i].page, .start = pages[i].start,
									       .text = pages[i].text });
		}
	}
	return rc;
}

/* ---- the transaction ---------------------------------------------------- */

static enum desk_status publish_remove_older(struct publish *p, const char *const *ids)
{
	const char **older = NULL;
	size_t n = 0;
	enum desk_status rc = desk_work_older(p->r->cx, ids, p->n_docs, &older, &n);

	for (size_t i = 0; rc == DESK_OK && i < n; i++) {
		rc = desk_lexical_remove_document(p->r->cx, older[i]);
		if (rc == DESK_OK)
			rc = desk_document_delete(p->r->cx, older[i]);
	}
	return rc;
}

static enum desk_status publish_enqueue(struct publish *p)
{
	const char **refs = desk_arena_array(p->r->cx->arena, p->n_refs + 1, sizeof(*refs));
	const char *at = p->refs.p;
	enum desk_status rc = DESK_OK;

	for (size_t i = 0; i < p->n_refs; i++) {
		refs[i] = at;
		at += strlen(at) + 1;
	}
	if (p->n_refs > 0)
		rc = desk_jobs_enqueue(p->r->cx, DESK_JOB_EMBED, refs, p->n_refs, false);
	return rc == DESK_OK ? desk_job_enqueue(p->r->cx, DESK_JOB_MERGE, "") : rc;
}

static enum desk_status publish_documents(struct publish *p, const struct publish_file *file)
{
	struct desk_ctx *cx = p->r->cx;
	const char **ids = desk_arena_array(cx->arena, p->n_docs + 1, sizeof(*ids));
	enum desk_status rc;

	for (size_t i = 0; i < p->n_docs; i++)
		ids[i] = p->docs[i].id;
	p->embed = desk_arena_array(cx->arena, p->n_docs + 1, sizeof(*p->embed));
	if (p->n_docs == 0)
		return DESK_OK;
	if (file != NULL) {
		if (*file->title != '\0')
			p->docs[0].title = file->title;
		p->docs[0].language = file->language;
		p->docs[0].pages = file->pages;
		p->embed[0] = desk_embedder_speaks(p->r->d->embedder, file->language);
		rc = publish_file_text(p);
	} else {
		rc = publish_texts(p, ids);
	}
	if (rc == DESK_OK)
		rc = publish_flush(p);
	for (size_t i = 0; i < p->n_docs; i++)
		p->embed[i] = p->embed[i] && p->docs[i].chunks > 0;
	if (rc == DESK_OK)
		rc = desk_work_publish(cx, p->docs, p->embed, p->n_docs);
	if (rc == DESK_OK)
		rc = publish_remove_older(p, ids);
	return rc == DESK_OK ? publish_enqueue(p) : rc;
}

static enum desk_status publish_in(struct publish *p, const struct publish_file *file)
{
	struct job_run *r = p->r;
	const char **ids = desk_arena_array(r->cx->arena, r->n, sizeof(*ids));
	struct desk_document_list docs;
	enum desk_status rc = desk_tenant_begin(r->cx);

	for (size_t i = 0; i < r->n; i++)
		ids[i] = r->jobs[i].ref;
	if (rc == DESK_OK)
		rc = desk_jobs_settle(r->cx, &r->d->worker, r->ids, r->n);
	if (rc == DESK_OK)
		rc = desk_work_claim(r->cx, ids, r->n, &docs);
	if (rc != DESK_OK)
		return rc;
	p->docs = docs.at;
	p->n_docs = docs.n;
	rc = publish_documents(p, file);
	return rc == DESK_OK ? desk_db_commit(r->cx) : rc;
}

enum desk_status job_publish(struct job_run *r, const struct publish_file *file)
{
	struct publish *p = desk_xcalloc(1, sizeof(*p));
	enum desk_status rc;

	p->r = r;
	p->batch = desk_arena_new();
	desk_buf_init(&p->refs, (size_t)16 << 20);
	rc = publish_in(p, file);
	desk_db_rollback(r->cx);
	desk_buf_done(&p->refs);
	desk_arena_free(p->batch);
	free(p);
	return rc;
}
