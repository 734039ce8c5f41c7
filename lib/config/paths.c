/* lib/config/paths.c - where what was installed lies, or lies in the build tree. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <unistd.h>

#include "config/config.h"

#ifndef DESK_PKGDATADIR
#define DESK_PKGDATADIR "/usr/share/frontdesk"
#endif
#define PATHS_MAX 4096

/* The folder of this program's file, without libtool's .libs; NULL when the kernel does not say. */
static char *paths_program_dir(struct desk_arena *a)
{
	char buf[PATHS_MAX];
	ssize_t n = readlink("/proc/self/exe", buf, sizeof(buf) - 1);
	char *slash;
	size_t len;

	if (n <= 0)
		return NULL;
	buf[n] = '\0';
	slash = strrchr(buf, '/');
	if (slash == NULL)
		return NULL;
	*slash = '\0';
	len = desk_str_of(buf).n;
	if (len > 6 && strcmp(buf + len - 6, "/.libs") == 0)
		buf[len - 6] = '\0';
	return desk_arena_strdup(a, buf);
}

const char *desk_config_data_path(const struct desk_config *c, struct desk_arena *a, const char *name)
{
	const char *dir, *path;

	if (c != NULL && *c->DATA_DIR != '\0')
		return desk_arena_printf(a, "%s/%s", c->DATA_DIR, name);
	dir = paths_program_dir(a);
	if (dir != NULL) {
		path = desk_arena_printf(a, "%s/../%s", dir, name);
		if (access(path, R_OK) == 0)
			return path;	/* the build tree */
		path = desk_arena_printf(a, "%s/../share/frontdesk/%s", dir, name);
		if (access(path, R_OK) == 0)
			return path;	/* an installed tree that was moved */
	}
	return desk_arena_printf(a, "%s/%s", DESK_PKGDATADIR, name);
}

const char *desk_config_extract_program(const struct desk_config *c, struct desk_arena *a)
{
	static const char *const beside[] = { "../lib/frontdesk-extract", "../libexec/frontdesk/frontdesk-extract" };
	const char *dir;

	if (c != NULL && *c->EXTRACT_PROGRAM != '\0')
		return c->EXTRACT_PROGRAM;
	dir = paths_program_dir(a);
	for (size_t i = 0; dir != NULL && i < DESK_ARRAY_LEN(beside); i++) {
		const char *path = desk_arena_printf(a, "%s/%s", dir, beside[i]);

		if (access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}
