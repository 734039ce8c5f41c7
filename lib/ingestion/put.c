/* lib/ingestion/put.c - a file or many texts into the store, once. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/ingestion_int.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue/queue.h"

#define PUT_PART (1024 * 1024)

struct put_content {
	unsigned char sha256[32];
	int64_t       bytes;
};

/* Read part i of the file; less than PUT_PART at its end, -1 when it can't be read. */
static ssize_t put_read(int fd, int64_t i, char *part)
{
	size_t have = 0;

	while (have < PUT_PART) {
		ssize_t n = pread(fd, part + have, PUT_PART - have, (off_t)(i * PUT_PART + (int64_t)have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

static enum desk_status put_hash(struct desk_ctx *cx, const char *source, int fd,
				 struct put_content *out)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	char *part = desk_xmalloc(PUT_PART);
	ssize_t n = PUT_PART;

	out->bytes = 0;
	EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	for (int64_t i = 0; n == PUT_PART; i++) {
		n = put_read(fd, i, part);
		if (n > 0) {
			EVP_DigestUpdate(md, part, (size_t)n);
			out->bytes += n;
		}
	}
	EVP_DigestFinal_ex(md, out->sha256, NULL);
	EVP_MD_CTX_free(md);
	free(part);
	if (n < 0)
		return desk_fail(cx, DESK_E_IO, "cannot read %s: %s", source, strerror(errno));
	return DESK_OK;
}

static const char *put_audience(const struct desk_document_spec *spec)
{
	return spec->audience != NULL ? spec->audience : "PUBLIC";
}

static const char *put_origin(const struct desk_document_spec *spec)
{
	return spec->origin != NULL ? spec->origin : "";
}

static enum desk_status put_check(struct desk_ctx *cx, const struct desk_document_spec *spec)
{
	const char *audience = put_audience(spec);

	if (strcmp(audience, "PUBLIC") != 0 && strcmp(audience, "INTERNAL") != 0)
		return desk_error_field(&cx->err, "audience", "audience is \"%s\", not PUBLIC or INTERNAL",
					audience);
	if (spec->source == NULL || spec->source[0] == '\0' || strlen(spec->source) > 2000)
		return desk_error_field(&cx->err, "source", "a document needs a source of 1..2000 bytes");
	if (!desk_utf8_valid(spec->source, strlen(spec->source)))
		return desk_error_field(&cx->err, "source", "the source is not UTF-8");
	return DESK_OK;
}

static const char *put_title(struct desk_ctx *cx, const struct desk_document_spec *spec)
{
	const char *title = spec->title, *slash = strrchr(spec->source, '/');

	if (title == NULL || title[0] == '\0')
		title = slash != NULL && slash[1] != '\0' ? slash + 1 : spec->source;
	return desk_utf8_clean(cx->arena, title, strlen(title), NULL);
}

/* The document that has this content already; a failed one is put back to be tried again. */
static enum desk_status put_same(struct desk_ctx *cx, const struct desk_document_spec *spec,
				 const struct put_content *content, struct desk_put_result *out)
{
	static const char sql[] =
		"SELECT id, status FROM documents"
		" WHERE sha256 = $1 AND audience = $2 AND mime <> $4 AND NOT EXISTS (SELECT 1 FROM documents o"
		"  WHERE o.origin = $5 AND (o.origin <> '' OR o.source = $3) AND o.sha256 <> $1 AND o.status <> 'FAILED')"
		" ORDER BY origin <> $5, source <> $3, status = 'FAILED', created_at LIMIT 1";
	static const char again[] =
		"UPDATE documents SET status = 'PENDING', reason = NULL, updated_at = now() WHERE id = $1::uuid";
	struct desk_rows *rows;
	enum desk_status rc;

	rc = desk_db_query(cx, &rows, sql, desk_p_bytea(content->sha256, 32),
			   desk_p_text(put_audience(spec)), desk_p_text(spec->source),
			   desk_p_text(DESK_MIME_TEXT), desk_p_text(put_origin(spec)));
	if (rc != DESK_OK || desk_rows_count(rows) == 0)
		return rc;
	desk_copy(out->id, sizeof(out->id), desk_rows_text(rows, 0, 0));
	out->how = DESK_PUT_SAME;
	if (strcmp(desk_rows_text(rows, 0, 1), "FAILED") != 0)
		return DESK_OK;
	rc = desk_db_exec(cx, again, desk_p_text(out->id));
	return rc == DESK_OK ? desk_job_enqueue(cx, DESK_JOB_INGEST, out->id) : rc;
}

static enum desk_status put_row(struct desk_ctx *cx, const struct desk_document_spec *spec,
				const struct put_content *content, struct desk_put_result *out)
{
	static const char sql[] =
		"INSERT INTO documents (id, tenant_id, source, title, mime, audience, sha256, byte_size, origin)"
		" VALUES ($1::uuid, public.get_current_tenant_id(), $2, $3, $4, $5, $6, $7, $8)"
		" RETURNING EXISTS (SELECT 1 FROM documents o WHERE o.origin = $8 AND ($8 <> '' OR o.source = $2))";
	struct desk_rows *rows;
	enum desk_status rc;

	desk_uuid_v4(out->id);
	rc = desk_db_query(cx, &rows, sql, desk_p_text(out->id), desk_p_text(spec->source),
			   desk_p_text(put_title(cx, spec)),
			   desk_p_text(spec->mime != NULL ? spec->mime : ""),
			   desk_p_text(put_audience(spec)), desk_p_bytea(content->sha256, 32),
			   desk_p_int64(content->bytes), desk_p_text(put_origin(spec)));
	if (rc == DESK_OK)
		out->how = desk_rows_bool(rows, 0, 0) ? DESK_PUT_REPLACES : DESK_PUT_NEW;
	return rc;
}

static enum desk_status put_parts(struct desk_ctx *cx, const struct put_content *content, int fd,
				  const char *id)
{
	static const char sql[] = "INSERT INTO document_blobs (document_id, tenant_id, part, data)"
				  " VALUES ($1::uuid, public.get_current_tenant_id(), $2, $3)";
	char *part = desk_xmalloc(PUT_PART);
	enum desk_status rc = DESK_OK;
	int64_t sent = 0;

	for (int64_t i = 0; rc == DESK_OK && sent < content->bytes; i++) {
		ssize_t n = put_read(fd, i, part);

		if (n <= 0 || sent + n > content->bytes) {
			rc = desk_fail(cx, DESK_E_CONFLICT, "the file changed while it was read");
			break;
		}
		rc = desk_db_exec(cx, sql, desk_p_text(id), desk_p_int32((int32_t)i),
				  desk_p_bytea(part, (size_t)n));
		sent += n;
	}
	free(part);
	return rc;
}

/* Two puts of one source, or of one content, come one after the other. */
static enum desk_status put_lock(struct desk_ctx *cx)
{
	static const char sql[] = "SELECT pg_advisory_xact_lock(hashtextextended("
				  "'documents ' || public.get_current_tenant_id()::text, 0))";

	return desk_db_exec(cx, sql);
}

static enum desk_status put_in_tx(struct desk_ctx *cx, const struct desk_document_spec *spec,
				  const struct put_content *content, int fd, struct desk_put_result *out)
{
	enum desk_status rc = put_lock(cx);

	out->id[0] = '\0';
	if (rc == DESK_OK)
		rc = put_same(cx, spec, content, out);
	if (rc != DESK_OK || out->id[0] != '\0')
		return rc;
	rc = put_row(cx, spec, content, out);
	if (rc == DESK_OK)
		rc = put_parts(cx, content, fd, out->id);
	return rc == DESK_OK ? desk_job_enqueue(cx, DESK_JOB_INGEST, out->id) : rc;
}

enum desk_status desk_document_put(struct desk_ctx *cx, const struct desk_document_spec *spec, int fd,
				   struct desk_put_result *out)
{
	struct put_content content;
	enum desk_status rc = put_check(cx, spec);

	if (rc == DESK_OK)
		rc = put_hash(cx, spec->source, fd, &content);
	if (rc == DESK_OK)
		rc = desk_tenant_begin(cx);
	if (rc != DESK_OK)
		return rc;
	rc = put_in_tx(cx, spec, &content, fd, out);
	if (rc == DESK_OK)
		return desk_db_commit(cx);
	desk_db_rollback(cx);
	return rc;
}

/* ---- many texts ---------------------------------------------------------- */

/* Texts are told apart by source as well: a line of a JSONL file is a document of its own. */
static void put_text_hash(const struct desk_document_spec *spec, const char *title,
			  unsigned char out[32])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	EVP_DigestUpdate(md, spec->source, strlen(spec->source) + 1);
	EVP_DigestUpdate(md, title, strlen(title) + 1);
	EVP_DigestUpdate(md, spec->text.p, spec->text.n);
	EVP_DigestFinal_ex(md, out, NULL);
	EVP_MD_CTX_free(md);
}

/* The columns of n documents, as arrays for one statement. */
struct put_columns {
	const char     **id, **source, **title, **audience;
	struct desk_str *sha256, *text;
};

static enum desk_status put_columns_fill(struct desk_ctx *cx, const struct desk_document_spec *spec,
					 size_t n, struct put_columns *c)
{
	struct desk_arena *a = cx->arena;

	c->id = desk_arena_array(a, n, sizeof(*c->id));
	c->source = desk_arena_array(a, n, sizeof(*c->source));
	c->title = desk_arena_array(a, n, sizeof(*c->title));
	c->audience = desk_arena_array(a, n, sizeof(*c->audience));
	c->sha256 = desk_arena_array(a, n, sizeof(*c->sha256));
	c->text = desk_arena_array(a, n, sizeof(*c->text));
	for (size_t i = 0; i < n; i++) {
		char uuid[DESK_UUID_LEN + 1];
		unsigned char *hash = desk_arena_alloc(a, 32);
		enum desk_status rc = put_check(cx, &spec[i]);

		if (rc != DESK_OK)
			return rc;
		if (!desk_utf8_valid(spec[i].text.p, spec[i].text.n) ||
		    memchr(spec[i].text.p, '\0', spec[i].text.n) != NULL || spec[i].text.n == 0)
			return desk_fail(cx, DESK_E_INPUT, "%s: the text is empty, is not UTF-8 or holds a NUL",
					 spec[i].source);
		desk_uuid_v4(uuid);
		c->id[i] = desk_arena_strdup(a, uuid);
		c->source[i] = spec[i].source;
		c->title[i] = spec[i].title != NULL ? desk_utf8_clean(a, spec[i].title, strlen(spec[i].title), NULL) : "";
		c->audience[i] = put_audience(&spec[i]);
		put_text_hash(&spec[i], c->title[i], hash);
		c->sha256[i] = (struct desk_str){ (const char *)hash, 32 };
		c->text[i] = spec[i].text;
	}
	return DESK_OK;
}

/*
 * One statement for the rows: what is there already is named, the rest inserted with its text;
 * and one for the jobs.
 */
static enum desk_status put_texts_in_tx(struct desk_ctx *cx, size_t n, const struct put_columns *c,
					struct desk_put_result *out)
{
	static const char sql[] =
		"WITH given AS ("
		"  SELECT g.id, g.source, g.title, g.audience, g.sha256, g.data, g.ord,"
		"    (SELECT d.id FROM documents d WHERE d.sha256 = g.sha256 AND d.source = g.source"
		"       AND d.audience = g.audience AND d.status <> 'FAILED' LIMIT 1) AS same,"
		"    EXISTS (SELECT 1 FROM documents d WHERE d.source = g.source) AS older"
		"  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])"
		"    WITH ORDINALITY AS g (id, source, title, audience, sha256, data, ord)"
		"), d AS ("
		"  INSERT INTO documents (id, tenant_id, source, title, mime, audience, sha256, byte_size)"
		"  SELECT id, public.get_current_tenant_id(), source, title, $7, audience, sha256, length(data)"
		"  FROM given WHERE same IS NULL"
		"), b AS ("
		"  INSERT INTO document_blobs (document_id, tenant_id, part, data)"
		"  SELECT id, public.get_current_tenant_id(), 0, data FROM given WHERE same IS NULL"
		")"
		" SELECT coalesce(same, id), same IS NOT NULL, older FROM given ORDER BY ord";
	struct desk_arena *a = cx->arena;
	const char **fresh = desk_arena_array(a, n, sizeof(*fresh));
	struct desk_rows *rows;
	enum desk_status rc = put_lock(cx);
	size_t n_fresh = 0;

	if (rc == DESK_OK)
		rc = desk_db_query(cx, &rows, sql, desk_p_text_array(a, c->id, n),
				   desk_p_text_array(a, c->source, n), desk_p_text_array(a, c->title, n),
				   desk_p_text_array(a, c->audience, n), desk_p_bytea_array(a, c->sha256, n),
				   desk_p_bytea_array(a, c->text, n), desk_p_text(DESK_MIME_TEXT));
	for (size_t i = 0; rc == DESK_OK && i < n; i++) {
		desk_copy(out[i].id, sizeof(out[i].id), desk_rows_text(rows, i, 0));
		out[i].how = desk_rows_bool(rows, i, 1) ? DESK_PUT_SAME :
			     desk_rows_bool(rows, i, 2) ? DESK_PUT_REPLACES : DESK_PUT_NEW;
		if (out[i].how != DESK_PUT_SAME)
			fresh[n_fresh++] = out[i].id;
	}
	return rc == DESK_OK && n_fresh > 0 ?
		       desk_jobs_enqueue(cx, DESK_JOB_INGEST, fresh, n_fresh, true) : rc;
}

enum desk_status desk_document_put_texts(struct desk_ctx *cx, const struct desk_document_spec *spec,
					 size_t n, struct desk_put_result *out)
{
	struct put_columns c;
	enum desk_status rc;

	if (n == 0)
		return DESK_OK;
	rc = put_columns_fill(cx, spec, n, &c);
	if (rc == DESK_OK)
		rc = desk_tenant_begin(cx);
	if (rc != DESK_OK)
		return rc;
	rc = put_texts_in_tx(cx, n, &c, out);
	if (rc == DESK_OK)
		return desk_db_commit(cx);
	desk_db_rollback(cx);
	return rc;
}
