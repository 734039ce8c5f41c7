/* ctl/cmd_ingest.c - frontdeskctl ingest: files, folders and JSON lines into a tenant's documents. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "ingest.h"
#include "log/log.h"

#define INGEST_SUFFIX_HIDDEN '.'

/* ---- the report --------------------------------------------------------- */

static const char *const ingest_how[] = {
	[DESK_PUT_NEW] = "new", [DESK_PUT_REPLACES] = "replaces", [DESK_PUT_SAME] = "same",
};

void ingest_note(struct ingest *in, const char *source, const struct desk_put_result *put)
{
	if (in->n == in->cap) {
		struct ingest_item *grown;

		in->cap = in->cap > 0 ? 2 * in->cap : 256;
		grown = desk_arena_array(in->c->arena, in->cap, sizeof(*grown));
		for (size_t i = 0; i < in->n; i++)
			grown[i] = in->at[i];
		in->at = grown;
	}
	in->at[in->n++] = (struct ingest_item){
		.source = desk_arena_strdup(in->c->arena, source),
		.id = desk_arena_strdup(in->c->arena, put->id),
		.how = put->how,
	};
	in->fresh += put->how != DESK_PUT_SAME;
}

/* A name as the database can have it: bytes that are not UTF-8 as %FF. */
static const char *ingest_name(struct desk_arena *a, const char *name)
{
	size_t left = strlen(name), n;
	struct desk_buf b;
	uint32_t cp;

	if (desk_utf8_valid(name, left))
		return name;
	desk_buf_init(&b, 3 * left + 1);
	for (; left > 0; name += n, left -= n) {
		n = desk_utf8_decode(name, left, &cp);
		if (n > 0)
			(void)desk_buf_add(&b, name, n);
		else
			(void)desk_buf_addf(&b, "%%%02X", (unsigned char)*name);
		n = n > 0 ? n : 1;
	}
	name = desk_arena_strndup(a, b.p, b.n);
	desk_buf_done(&b);
	return name;
}

/* A file that never became a document. The others go on. */
static void ingest_refused(struct ingest *in, const char *source)
{
	char text[sizeof(in->c->cx.err.text)];
	bool named;

	desk_log_mask(in->c->cx.err.text, text, sizeof(text));
	named = strstr(text, source) != NULL;
	fprintf(stderr, "frontdeskctl ingest: %s%s%s\n", named ? "" : ctl_clip(in->c->arena, source, 200), named ? "" : ": ",
		ctl_clip(in->c->arena, text, SIZE_MAX));
	json_array_append_new(in->refused, json_pack("{s:n, s:s, s:s, s:s}", "id", "source", source, "status", "FAILED",
						     "reason", text));
	desk_error_clear(&in->c->cx.err);
}

/* ---- files -------------------------------------------------------------- */

/* source: what people see. A file's name, or its way below the folder that was named. */
static enum desk_status ingest_file(struct ingest *in, const char *path, const char *source)
{
	struct ctl *c = in->c;
	char *real = realpath(path, NULL);
	const char *origin = real != NULL ? ingest_name(c->arena, real) : NULL, *shown = ingest_name(c->arena, path);
	struct desk_put_result put;
	struct stat st;
	enum desk_status rc;
	int fd = real != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = desk_fail(&c->cx, DESK_E_IO, "%s: cannot be read: %s", shown,
			       fd < 0 ? strerror(errno) : "not a regular file");
	else if (st.st_size > c->config->DOCUMENT_MAX_MB << 20)
		rc = desk_fail(&c->cx, DESK_E_TOO_LARGE, "%s: larger than %lld MB: split it, or raise DOCUMENT_MAX_MB",
			       shown, (long long)c->config->DOCUMENT_MAX_MB);
	else
		rc = desk_document_put(&c->cx, &(struct desk_document_spec){ .source = source, .origin = origin,
									     .audience = in->audience }, fd, &put);
	if (fd >= 0)
		close(fd);
	free(real);
	if (rc == DESK_OK) {
		ingest_note(in, source, &put);
		ctl_progress_show(&in->bar, (double)in->n, (double)in->n + 1, ctl_clip(c->arena, source, 60));
	} else if (rc == DESK_E_IO || rc == DESK_E_INPUT || rc == DESK_E_TOO_LARGE) {
		ingest_refused(in, source);
		rc = DESK_OK;
	}
	return rc;
}

static int ingest_by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static enum desk_status ingest_entry(struct ingest *in, FTS *fts, FTSENT *e, size_t root)
{
	const char *below = e->fts_path + root, *shown = ingest_name(in->c->arena, e->fts_path);

	if (e->fts_level > 0 && e->fts_name[0] == INGEST_SUFFIX_HIDDEN) {
		(void)fts_set(fts, e, FTS_SKIP);
		return DESK_OK;
	}
	switch (e->fts_info) {
	case FTS_DEFAULT:	/* a pipe, a device: nobody meant those of a folder, but one that was named */
		if (e->fts_level > 0)
			return DESK_OK;
		/* fall through */
	case FTS_SLNONE:
	case FTS_F:
		below += strspn(below, "/");
		return ingest_file(in, e->fts_path, ingest_name(in->c->arena, *below != '\0' ? below : e->fts_name));
	case FTS_SL:	/* it may lead out of the folder, to what nobody meant to publish */
		(void)desk_fail(&in->c->cx, DESK_E_INPUT, "%s: is a link: name what it points to, if that is meant", shown);
		ingest_refused(in, shown);
		return DESK_OK;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		(void)desk_fail(&in->c->cx, DESK_E_IO, "%s: cannot be read: %s", shown, strerror(e->fts_errno));
		ingest_refused(in, shown);
		return DESK_OK;
	default:
		return DESK_OK;
	}
}

static enum desk_status ingest_path(struct ingest *in, const char *path)
{
	char *const roots[] = { desk_arena_strdup(in->c->arena, path), NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, ingest_by_name);
	enum desk_status rc = DESK_OK;
	FTSENT *e;

	if (fts == NULL)
		return desk_fail(&in->c->cx, DESK_E_IO, "%s: cannot be read: %s", path, strerror(errno));
	while (rc == DESK_OK && (e = fts_read(fts)) != NULL)
		rc = ingest_entry(in, fts, e, e->fts_level > 0 ? strlen(path) : e->fts_pathlen);
	fts_close(fts);
	return rc;
}

/* ---- waiting ------------------------------------------------------------ */

static const char **ingest_ids(const struct ingest *in)
{
	const char **ids = desk_arena_array(in->c->arena, in->n + 1, sizeof(*ids));

	for (size_t i = 0; i < in->n; i++)
		ids[i] = in->at[i].id;
	return ids;
}

#define INGEST_POLL_US 200000
#define INGEST_STALLED_US 30000000

static void ingest_show(struct ingest *in, const struct desk_document_progress *p)
{
	double all = (double)in->n, done = (double)(p->ready + p->failed);
	int64_t waiting = p->pending + p->extracting;

	if (p->chunks > 0)	/* a searchable one counts half, and the rest by its vectors */
		done += (double)p->searchable * (0.5 + 0.5 * (double)p->embedded / (double)p->chunks);
	ctl_progress_show(&in->bar, done, all,
			  desk_arena_printf(in->c->arena, "%lld ready, %lld searchable, %lld waiting, %lld failed",
					    (long long)p->ready, (long long)p->searchable,
					    (long long)waiting, (long long)p->failed));
}

/* Until each document is READY or FAILED, or gone: overtaken by a newer version. */
static enum desk_status ingest_wait(struct ingest *in)
{
	struct desk_arena *own = in->c->arena, *a = desk_arena_new();
	const char **ids = ingest_ids(in);
	struct desk_document_progress p = { 0 }, before = { 0 };
	int64_t moved_us = desk_mono_us(NULL);
	enum desk_status rc = DESK_OK;
	bool warned = false;

	for (;;) {
		in->c->cx.arena = in->c->arena = a;
		rc = desk_document_progress_of(&in->c->cx, ids, in->n, &p);
		if (rc == DESK_OK)
			ingest_show(in, &p);
		in->c->cx.arena = in->c->arena = own;
		desk_arena_reset(a);
		if (rc != DESK_OK || p.pending + p.extracting + p.searchable == 0)
			break;
		if (memcmp(&p, &before, sizeof(p)) != 0)
			moved_us = desk_mono_us(NULL);
		before = p;
		if (!warned && desk_mono_us(NULL) - moved_us > INGEST_STALLED_US) {
			fputs("frontdeskctl ingest: nothing has moved for 30 s: is frontdesk-jobd running, and what does its log say?\n", stderr);
			warned = true;
		}
		usleep(INGEST_POLL_US);
	}
	desk_arena_free(a);
	return rc;
}

/* ---- the end ------------------------------------------------------------ */

static json_t *ingest_item_json(const struct ingest_item *item, const struct desk_document *d)
{
	return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:s, s:I}", "id", item->id, "source", item->source,
			 "title", d != NULL ? d->title : NULL, "status", d != NULL ? d->status : NULL,
			 "reason", d != NULL ? d->reason : NULL, "result", ingest_how[item->how],
			 "chunk_count", (json_int_t)(d != NULL ? d->chunks : 0));
}

static int ingest_by_id(const void *a, const void *b)
{
	return strcmp(((const struct desk_document *)a)->id, ((const struct desk_document *)b)->id);
}

static enum desk_status ingest_report(struct ingest *in, bool waited)
{
	json_t *list = in->refused;
	struct desk_document_list docs;
	size_t ready = 0, failed = json_array_size(in->refused);
	enum desk_status rc = desk_document_load(&in->c->cx, ingest_ids(in), in->n, &docs);

	if (rc != DESK_OK)
		return rc;
	qsort(docs.at, docs.n, sizeof(*docs.at), ingest_by_id);
	for (size_t i = 0; i < in->n; i++) {
		const struct desk_document key = { .id = in->at[i].id },
					   *d = bsearch(&key, docs.at, docs.n, sizeof(key), ingest_by_id);
		bool bad = d != NULL && strcmp(d->status, "FAILED") == 0;

		ready += d != NULL && strcmp(d->status, "READY") == 0;
		failed += bad;
		if (bad)
			fprintf(stderr, "frontdeskctl ingest: %s\n", ctl_clip(in->c->arena, d->reason != NULL ? d->reason : d->source, SIZE_MAX));
		if (in->c->json)
			json_array_append_new(list, ingest_item_json(&in->at[i], d));
	}
	if (in->c->json)
		ctl_print_json(list);
	else
		printf("%zu document%s: %zu new, %zu there already%s", in->n, in->n == 1 ? "" : "s", in->fresh,
		       in->n - in->fresh, waited ? "" : "; frontdesk-jobd reads them in the background\n");
	if (!in->c->json && waited)
		printf("; %zu ready, %zu failed\n", ready, failed);
	if (failed > 0)
		in->c->exit_code = desk_status_exit(DESK_E_INPUT);
	return DESK_OK;
}

static enum desk_status ingest_audience(struct ctl *c, const char **out)
{
	const char *said = ctl_option(c, "audience");

	*out = "PUBLIC";
	if (said == NULL || strcasecmp(said, "public") == 0)
		return DESK_OK;
	*out = "INTERNAL";
	if (strcasecmp(said, "internal") == 0)
		return DESK_OK;
	return desk_fail(&c->cx, DESK_E_INPUT, "--audience \"%s\" is neither public nor internal", said);
}

static enum desk_status ingest_exec(struct ctl *c)
{
	struct ingest in = { .c = c, .refused = desk_json_keep(c->arena, json_array()) };
	const char *jsonl = ctl_option(c, "jsonl");
	bool wait = ctl_option(c, "wait") != NULL;
	enum desk_status rc = ingest_audience(c, &in.audience);

	if (rc == DESK_OK && (jsonl != NULL) == (c->n_args > 0))
		rc = desk_fail(&c->cx, DESK_E_INPUT, "say which files: PATH…, or --jsonl FILE");
	if (rc == DESK_OK)
		rc = ctl_open_tenant(c);
	if (rc != DESK_OK)
		return rc;
	ctl_progress_begin(&in.bar, "storing");
	if (jsonl != NULL)
		rc = ingest_jsonl(&in, jsonl);
	for (int i = 0; rc == DESK_OK && i < c->n_args; i++)
		rc = ingest_path(&in, c->args[i]);
	ctl_progress_end(&in.bar);
	if (rc != DESK_OK)
		return rc;
	ctl_progress_begin(&in.bar, "reading");
	if (wait)
		rc = ingest_wait(&in);
	ctl_progress_end(&in.bar);
	return rc == DESK_OK ? ingest_report(&in, wait) : rc;
}

static const struct ctl_option ingest_options[] = {
	{ "tenant", "DOMAIN", "whose documents" },
	{ "audience", "WHO", "public (default), or internal: for staff only" },
	{ "jsonl", "FILE", "one document a line: {\"_id\", \"title\", \"text\"}; - is standard input" },
	{ "wait", NULL, "until each is READY or FAILED; exits with 65 when one has failed" },
	{ NULL, NULL, NULL },
};

const struct ctl_command cmd_ingest = {
	.name = "ingest",
	.args = "--tenant DOMAIN PATH… | --tenant DOMAIN --jsonl FILE",
	.summary = "Bring files, folders or JSON lines in",
	.notes = "Folders are read with all below them, but for hidden files. The same content is one document; a file of\n"
		 "the same path and other content replaces the old one when it is searchable.",
	.options = ingest_options,
	.max_args = -1,
	.needs = DESK_NEED_DB,
	.exec = ingest_exec,
};
