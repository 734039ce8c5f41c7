/* lib/db/migrate_files.c - reads the folder of migrations: numbers, texts, checksums. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/migrate_int.h"

#define MIGRATE_FILE_MAX (4u << 20)
#define MIGRATE_VERSION_DIGITS 4

static enum desk_status migrate_read(struct desk_arena *a, const char *path, const char **out,
				     struct desk_error *err)
{
	FILE *f = fopen(path, "re");
	struct desk_buf b;
	char part[8192];
	size_t n;
	enum desk_status rc = DESK_OK;

	if (f == NULL)
		return desk_error_set(err, DESK_E_IO, "cannot read migration %s: %s", path, strerror(errno));
	desk_buf_init(&b, MIGRATE_FILE_MAX);
	while ((n = fread(part, 1, sizeof(part), f)) > 0 && desk_buf_add(&b, part, n))
		;
	if (ferror(f) || b.overflow)
		rc = desk_error_set(err, DESK_E_IO, "cannot read migration %s: %s", path,
				    b.overflow ? "too large" : "read error");
	else
		*out = desk_arena_strndup(a, b.p, b.n);
	desk_buf_done(&b);
	fclose(f);
	return rc;
}

static void migrate_checksum(const char *text, char out[65])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_Digest(text, desk_str_of(text).n, md, &n, EVP_sha256(), NULL) != 1)
		abort();	/* libcrypto without sha256 */
	desk_hex(md, n, out);
}

/* "0001_platform.up.sql" is 1; 0 for anything else. */
static int64_t migrate_version_of(const char *file)
{
	static const char ending[] = ".up.sql";
	size_t n = desk_str_of(file).n;
	int64_t v = 0;

	if (n < MIGRATE_VERSION_DIGITS + sizeof(ending) || strcmp(file + n - sizeof(ending) + 1, ending) != 0)
		return 0;
	for (size_t i = 0; i < MIGRATE_VERSION_DIGITS; i++) {
		if (file[i] < '0' || file[i] > '9')
			return 0;
		v = v * 10 + (file[i] - '0');
	}
	return file[MIGRATE_VERSION_DIGITS] == '_' ? v : 0;
}

static enum desk_status migrate_file_load(struct desk_arena *a, const char *dir, const char *file,
					  struct migrate_file *m, struct desk_error *err)
{
	const char *base, *line_end;
	enum desk_status rc;

	m->version = migrate_version_of(file);
	m->name = desk_arena_strndup(a, file, desk_str_of(file).n - strlen(".up.sql"));
	base = desk_arena_printf(a, "%s/%s/%s", dir, m->scope, m->name);
	rc = migrate_read(a, desk_arena_printf(a, "%s.up.sql", base), &m->up, err);
	if (rc == DESK_OK)
		rc = migrate_read(a, desk_arena_printf(a, "%s.down.sql", base), &m->down, err);
	if (rc != DESK_OK)
		return rc;
	migrate_checksum(m->up, m->checksum);
	line_end = strchr(m->down, '\n');
	m->keeps_data = line_end != NULL &&
			memmem(m->down, (size_t)(line_end - m->down), "keeps data", 10) != NULL;
	return DESK_OK;
}

static int migrate_by_version(const void *a, const void *b)
{
	const struct migrate_file *x = a, *y = b;

	return (x->version > y->version) - (x->version < y->version);
}

static int migrate_is_up(const struct dirent *e)
{
	return migrate_version_of(e->d_name) > 0;
}

static enum desk_status migrate_scope_load(struct desk_arena *a, const char *dir, const char *scope,
					   struct migrate_files *out, struct desk_error *err)
{
	struct dirent **list = NULL;
	int n = scandir(desk_arena_printf(a, "%s/%s", dir, scope), &list, migrate_is_up, alphasort);
	struct migrate_file *grown;
	enum desk_status rc = DESK_OK;

	if (n < 0)
		return desk_error_set(err, DESK_E_CONFIG,
				      "no migrations in %s/%s: %s; set DATA_DIR to the folder that holds sql/",
				      dir, scope, strerror(errno));
	grown = desk_arena_array(a, out->n + (size_t)n + 1, sizeof(*grown));
	for (size_t i = 0; i < out->n; i++)
		grown[i] = out->at[i];
	for (int i = 0; i < n; i++) {
		grown[out->n + (size_t)i].scope = scope;
		if (rc == DESK_OK)
			rc = migrate_file_load(a, dir, list[i]->d_name, &grown[out->n + (size_t)i], err);
		free(list[i]);
	}
	free(list);
	if (rc != DESK_OK)
		return rc;
	qsort(grown + out->n, (size_t)n, sizeof(*grown), migrate_by_version);
	for (int64_t i = 0; i < n; i++) {
		if (grown[out->n + (size_t)i].version != i + 1)
			return desk_error_set(err, DESK_E_CONFIG, "migrations in %s/%s have a gap or a double before %s",
					      dir, scope, grown[out->n + (size_t)i].name);
	}
	out->at = grown;
	out->n += (size_t)n;
	return DESK_OK;
}

enum desk_status migrate_files_load(struct desk_arena *a, const char *dir, struct migrate_files *out,
				    struct desk_error *err)
{
	enum desk_status rc;

	*out = (struct migrate_files){ 0 };
	rc = migrate_scope_load(a, dir, "platform", out, err);
	return rc == DESK_OK ? migrate_scope_load(a, dir, "tenant", out, err) : rc;
}

const struct migrate_file *migrate_files_find(const struct migrate_files *f, const char *scope,
					      int64_t version)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->at[i].version == version && strcmp(f->at[i].scope, scope) == 0)
			return &f->at[i];
	}
	return NULL;
}
