/* lib/ingestion/child/zip.c - members of a package, streamed, with guards against bombs. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/child.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#define ZIP_MEMBERS_MAX 20000
#define ZIP_TOTAL_MAX (2ull << 30)	/* bytes inflated in a document */
#define ZIP_FREE (32ull << 20)	/* a member's bytes before its ratio counts */
#define ZIP_RATIO_MAX 250
#define ZIP_LOAD_MAX (64u << 20)
#define ZIP_STEP 32768

static enum desk_status zip_damaged(struct desk_error *err)
{
	return desk_error_set(err, DESK_E_INPUT, "the file is damaged (its ZIP container is broken): "
			      "open and save it again with its program and upload that");
}

enum desk_status extract_zip_open(struct extract_zip *z, const struct extract_doc *d,
				  struct desk_error *err)
{
	int fd = dup(d->fd), code = 0;
	zip_t *zip;

	*z = (struct extract_zip){ 0 };
	if (fd < 0)
		return desk_error_set(err, DESK_E_IO, "no file descriptor left");
	lseek(fd, 0, SEEK_SET);
	zip = zip_fdopen(fd, 0, &code);
	if (zip == NULL) {
		close(fd);
		return zip_damaged(err);
	}
	if (zip_get_num_entries(zip, 0) > ZIP_MEMBERS_MAX) {
		zip_discard(zip);
		return desk_error_set(err, DESK_E_INPUT, "the file has more than %d members: it does not "
				      "look like a document", ZIP_MEMBERS_MAX);
	}
	z->zip = zip;
	return DESK_OK;
}

void extract_zip_close(struct extract_zip *z)
{
	if (z->zip != NULL)
		zip_discard(z->zip);
	z->zip = NULL;
}

static zip_int64_t zip_find(const struct extract_zip *z, const char *member)
{
	while (*member == '/')
		member++;
	return zip_name_locate(z->zip, member, ZIP_FL_NOCASE);
}

bool extract_zip_has(const struct extract_zip *z, const char *member)
{
	return zip_find(z, member) >= 0;
}

static enum desk_status zip_guard(struct extract_zip *z, uint64_t got, uint64_t packed,
				  struct desk_error *err)
{
	if (z->inflated > ZIP_TOTAL_MAX ||
	    (got > ZIP_FREE && got / ZIP_RATIO_MAX > (packed > 0 ? packed : 1)))
		return desk_error_set(err, DESK_E_INPUT, "the file unpacks to far more than a document "
				      "holds (a ZIP bomb?): it was not read");
	return DESK_OK;
}

/* A member being read. */
struct zip_member {
	zip_file_t      *f;
	uint64_t         packed;
	extract_feed_fn *fn;
	void            *arg;
};

static enum desk_status zip_pour(struct extract_zip *z, const struct zip_member *m,
				 struct desk_error *err)
{
	char *part = desk_xmalloc(ZIP_STEP);
	enum desk_status rc = DESK_OK;
	uint64_t got = 0;
	zip_int64_t n = 0;

	while (rc == DESK_OK && (n = zip_fread(m->f, part, ZIP_STEP)) > 0) {
		got += (uint64_t)n;
		z->inflated += (uint64_t)n;
		rc = zip_guard(z, got, m->packed, err);
		if (rc == DESK_OK && !m->fn(m->arg, part, (size_t)n))
			break;
	}
	free(part);
	if (rc == DESK_OK && n < 0)
		rc = zip_damaged(err);
	return rc;
}

enum desk_status extract_zip_read(struct extract_zip *z, const char *member, extract_feed_fn *fn,
				  void *arg, struct desk_error *err)
{
	zip_int64_t i = zip_find(z, member);
	struct zip_member m = { .fn = fn, .arg = arg };
	enum desk_status rc;
	zip_stat_t st;

	if (i < 0 || zip_stat_index(z->zip, (zip_uint64_t)i, 0, &st) != 0)
		return desk_error_set(err, DESK_E_NOT_FOUND, "the file is damaged: %s is missing in it",
				      member);
	if ((st.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && st.encryption_method != ZIP_EM_NONE)
		return desk_error_set(err, DESK_E_INPUT,
				      "password-protected file: remove the password and upload again");
	m.f = zip_fopen_index(z->zip, (zip_uint64_t)i, 0);
	if (m.f == NULL)
		return zip_damaged(err);
	m.packed = (st.valid & ZIP_STAT_COMP_SIZE) != 0 ? st.comp_size : 0;
	rc = zip_pour(z, &m, err);
	zip_fclose(m.f);
	return rc;
}

static bool zip_keep(void *arg, const char *p, size_t n)
{
	return desk_buf_add(arg, p, n);
}

enum desk_status extract_zip_load(struct extract_zip *z, const char *member, struct desk_buf *b,
				  struct desk_error *err)
{
	desk_buf_init(b, ZIP_LOAD_MAX);
	return extract_zip_read(z, member, zip_keep, b, err);
}

bool extract_zip_sniff(const struct extract_doc *d)
{
	return d->head_n > 30 && memcmp(d->head, "PK\3\4", 4) == 0;
}
