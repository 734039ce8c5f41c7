/* lib/db/migrate_int.h - between migrate.c and migrate_files.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_DB_MIGRATE_INT_H
#define DESK_DB_MIGRATE_INT_H

#include "db/db.h"

/* One migration as it lies in the folder; strings are arena. */
struct migrate_file {
	const char *scope;	/* "platform" or "tenant": static */
	int64_t     version;
	const char *name;	/* "0001_platform" */
	const char *up, *down;	/* the SQL */
	char        checksum[65];	/* sha256 of up, hex */
	bool        keeps_data;	/* the way down says "keeps data" in its first line */
};
struct migrate_files {
	struct migrate_file *at;	/* platform's by version, then tenant's */
	size_t               n;
};

/* DESK_E_CONFIG when a folder is missing or its numbers have a gap, DESK_E_IO when it cannot be read. */
DESK_MUST_CHECK enum desk_status migrate_files_load(struct desk_arena *a, const char *dir,
						    struct migrate_files *out, struct desk_error *err);
/* NULL for none. */
const struct migrate_file *migrate_files_find(const struct migrate_files *f, const char *scope,
					      int64_t version);
#endif
