/* jobs/job_ingest.c - kind "ingest": a file is read in the sandbox, texts are taken as they are. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <unistd.h>

#include "ingestion/work.h"
#include "jobd.h"
#include "log/log.h"
#include "retrieval/retrieval.h"
#include "tenancy/tenancy.h"

#define INGEST_TRIES 5	/* after that a document is given up */
#define INGEST_BROKEN_TRIES 2	/* the extractor was taken over, or broke its protocol */
#define INGEST_SAMPLE 4096	/* bytes of text whose language is detected */

/* What is known of a file while it is read. */
struct ingest_file {
	struct job_run         *r;
	struct desk_text_writer text;
	struct desk_buf         sample;
};

static enum desk_status ingest_part(void *arg, const struct desk_extract_part *part)
{
	struct ingest_file *f = arg;
	size_t room = INGEST_SAMPLE - f->sample.n, n = part->text.n < room ? part->text.n : room;

	while (n > 0 && n < part->text.n && ((unsigned char)part->text.p[n] & 0xC0) == 0x80)
		n--;	/* not amid a character */
	if (room > 0)
		(void)desk_buf_add(&f->sample, part->text.p, n);
	return desk_text_add(f->r->cx, &f->text, part);
}

static enum desk_status ingest_extract(struct ingest_file *f, const struct desk_document *doc,
				       struct desk_extract_result *out)
{
	struct desk_ctx *cx = f->r->cx;
	struct desk_extract_job job = { .name = doc->source, .program = f->r->d->extractor };
	enum desk_status rc = desk_document_fetch(cx, doc->id, &job.fd);

	if (rc != DESK_OK)
		return rc;
	rc = desk_extract_run(&job, ingest_part, f, out, &cx->err);
	close(job.fd);
	return rc == DESK_OK ? desk_text_end(cx, &f->text) : rc;
}

/* The document can't be read: it says why, and the job is done. */
static enum desk_status ingest_give_up(struct job_run *r, const char *reason)
{
	struct desk_ctx *cx = r->cx;
	enum desk_status rc;

	desk_error_clear(&cx->err);
	desk_log_ctx(cx, DESK_LOG_WARN, "document_failed", DESK_L_STR("document", r->jobs[0].ref),
		     DESK_L_STR("reason", reason));
	rc = desk_tenant_begin(cx);
	for (size_t i = 0; rc == DESK_OK && i < r->n; i++)
		rc = desk_work_failed(cx, r->jobs[i].ref, reason);
	if (rc == DESK_OK)
		rc = desk_jobs_settle(cx, &r->d->worker, r->ids, r->n);
	return rc == DESK_OK ? desk_db_commit(cx) : rc;
}

static enum desk_status ingest_settle(struct job_run *r)
{
	enum desk_status rc;

	desk_error_clear(&r->cx->err);
	rc = desk_tenant_begin(r->cx);
	if (rc == DESK_OK)
		rc = desk_jobs_settle(r->cx, &r->d->worker, r->ids, r->n);
	return rc == DESK_OK ? desk_db_commit(r->cx) : rc;
}

static bool ingest_hopeless(enum desk_status rc, const struct desk_job *job)
{
	return rc == DESK_E_INPUT || rc == DESK_E_TOO_LARGE ||
	       (rc == DESK_E_UPSTREAM && job->attempts >= INGEST_BROKEN_TRIES);
}

static enum desk_status ingest_file(struct job_run *r, const struct desk_document *doc)
{
	struct ingest_file f = { .r = r };
	struct desk_extract_result result = { 0 };
	struct publish_file file;
	char language[DESK_LANGUAGE_LEN + 1] = "";
	enum desk_status rc;

	desk_text_begin(&f.text, doc->id);
	desk_buf_init(&f.sample, INGEST_SAMPLE);
	rc = ingest_extract(&f, doc, &result);
	desk_language_detect(r->d->retrieval, desk_buf_str(&f.sample), r->cx->tenant->settings.languages, language);
	desk_text_done(&f.text);
	desk_buf_done(&f.sample);
	if (rc != DESK_OK && ingest_hopeless(rc, &r->jobs[0]))
		return ingest_give_up(r, desk_arena_strdup(r->cx->arena, r->cx->err.text));
	if (rc != DESK_OK)
		return rc;
	file = (struct publish_file){ .title = desk_arena_strdup(r->cx->arena, result.title),
				      .language = desk_arena_strdup(r->cx->arena, language),
				      .pages = (int)result.pages };
	return job_publish(r, &file);
}

static enum desk_status ingest_run(struct job_run *r)
{
	struct desk_document doc;
	enum desk_status rc;

	if (r->n > 1)
		return job_publish(r, NULL);	/* several together are texts */
	rc = desk_document_start(r->cx, r->jobs[0].ref, &doc);
	if (rc == DESK_E_NOT_FOUND || rc == DESK_E_CONFLICT)
		return ingest_settle(r);	/* removed, or done already */
	if (rc != DESK_OK)
		return rc;
	if (doc.bytes == 0)
		return ingest_give_up(r, desk_arena_printf(r->cx->arena, "%s: the file is empty: nothing to read", doc.source));
	if (r->jobs[0].attempts > INGEST_TRIES)
		return ingest_give_up(r, desk_arena_printf(r->cx->arena,
							   "%s: reading it was tried %d times and never came to an end;"
							   " see the log of frontdesk-jobd", doc.source, INGEST_TRIES));
	return strcmp(doc.mime, DESK_MIME_TEXT) == 0 ? job_publish(r, NULL) : ingest_file(r, &doc);
}

const struct job_kind job_ingest = { .name = DESK_JOB_INGEST, .most = 128, .run = ingest_run };
