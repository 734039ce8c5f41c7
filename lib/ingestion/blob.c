/* lib/ingestion/blob.c - a stored file back into a file. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/ingestion_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Nameless from the start, so that nothing is left behind whatever happens. */
static int blob_file(void)
{
	const char *dir = secure_getenv("TMPDIR");
	int fd = open(dir != NULL ? dir : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd;
}

static bool blob_write(int fd, struct desk_str s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s.p += n, s.n -= (size_t)n;
	}
	return true;
}

/* One part, in a transaction and an arena of its own; its bytes to the file. *more: there was one. */
static enum desk_status blob_part(struct desk_ctx *cx, const char *id, int part, int fd, bool *more)
{
	static const char sql[] = "SELECT data FROM document_blobs WHERE document_id = $1::uuid AND part = $2";
	struct desk_arena *outer = cx->arena;
	struct desk_rows *r = NULL;
	enum desk_status rc;

	cx->arena = desk_arena_new();
	rc = desk_tenant_begin(cx);
	if (rc == DESK_OK)
		rc = ingestion_end_tx(cx, desk_db_query(cx, &r, sql, desk_p_text(id), desk_p_int32(part)));
	*more = rc == DESK_OK && desk_rows_count(r) > 0;
	if (*more && !blob_write(fd, desk_rows_bytea(r, 0, 0)))
		rc = desk_fail(cx, DESK_E_IO, "cannot write a temporary file: %s", strerror(errno));
	desk_arena_free(cx->arena);
	cx->arena = outer;
	return rc;
}

enum desk_status desk_document_fetch(struct desk_ctx *cx, const char *id, int *fd)
{
	enum desk_status rc = DESK_OK;
	bool more = true;

	*fd = blob_file();
	if (*fd < 0)
		return desk_fail(cx, DESK_E_IO, "cannot make a temporary file: %s", strerror(errno));
	for (int part = 0; rc == DESK_OK && more; part++)
		rc = blob_part(cx, id, part, *fd, &more);
	if (rc == DESK_OK && lseek(*fd, 0, SEEK_SET) == 0)
		return DESK_OK;
	close(*fd);
	*fd = -1;
	return rc;
}
