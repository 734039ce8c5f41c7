/* lib/config/envfile.c - the parser of NAME=value files, as systemd's EnvironmentFile reads them. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/config_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ENVFILE_MAX (256 * 1024)

static bool envfile_is_name(const char *s, size_t n)
{
	if (n == 0 || (s[0] >= '0' && s[0] <= '9'))
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '_'))
			return false;
	}
	return true;
}

/* A quoted value ends at its quote; in double quotes \n, \" and \\ are what they look like. */
static char *envfile_quoted(struct desk_arena *a, struct desk_str v, size_t *used)
{
	char quote = v.p[0], *out = desk_arena_alloc(a, v.n + 1);
	size_t o = 0, i = 1;

	for (; i < v.n && v.p[i] != quote; i++) {
		char c = v.p[i];

		if (quote == '"' && c == '\\' && i + 1 < v.n) {
			c = v.p[++i];
			if (c == 'n')
				c = '\n';
		}
		out[o++] = c;
	}
	*used = i < v.n ? i + 1 : 0;	/* 0: never closed */
	return out;
}

static struct desk_str envfile_trim(struct desk_str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL)
		s.n--;
	return s;
}

/* One line, or a quoted value over several; gives the bytes it took. */
static enum desk_status envfile_line(struct desk_arena *a, struct desk_str rest, size_t *used,
				     config_pair_fn *fn, void *arg, struct desk_error *err)
{
	const char *nl = memchr(rest.p, '\n', rest.n), *eq;
	struct desk_str line = envfile_trim((struct desk_str){
		rest.p, nl != NULL ? (size_t)(nl - rest.p) : rest.n });
	struct desk_str name, value;

	*used = nl != NULL ? (size_t)(nl - rest.p) + 1 : rest.n;
	if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
		return DESK_OK;
	if (line.n > 7 && memcmp(line.p, "export ", 7) == 0)
		line = envfile_trim((struct desk_str){ line.p + 7, line.n - 7 });
	eq = memchr(line.p, '=', line.n);
	name = envfile_trim((struct desk_str){ line.p, eq != NULL ? (size_t)(eq - line.p) : 0 });
	if (eq == NULL || !envfile_is_name(name.p, name.n))
		return desk_error_set(err, DESK_E_CONFIG, "is not NAME=value");
	value = envfile_trim((struct desk_str){ eq + 1, (size_t)(line.p + line.n - eq) - 1 });
	if (value.n > 0 && (value.p[0] == '"' || value.p[0] == '\'')) {
		size_t n;
		char *v = envfile_quoted(a, (struct desk_str){ value.p, (size_t)(rest.p + rest.n - value.p) }, &n);
		const char *after;

		if (n == 0)
			return desk_error_set(err, DESK_E_CONFIG, "has a quote that is never closed");
		after = memchr(value.p + n, '\n', (size_t)(rest.p + rest.n - value.p) - n);
		*used = after != NULL ? (size_t)(after - rest.p) + 1 : rest.n;
		return fn(arg, name.p, name.n, v, err);
	}
	return fn(arg, name.p, name.n, desk_arena_strndup(a, value.p, value.n), err);
}

enum desk_status config_envfile_parse(struct desk_arena *a, struct desk_str text, config_pair_fn *fn,
				      void *arg, struct desk_error *err)
{
	int line = 1;

	if (memchr(text.p, '\0', text.n) != NULL)
		return desk_error_set(err, DESK_E_CONFIG, "the env file has a NUL byte");
	while (text.n > 0) {
		struct desk_error why = { 0 };
		size_t used;
		enum desk_status rc = envfile_line(a, text, &used, fn, arg, &why);

		if (rc != DESK_OK)
			return desk_error_set(err, rc, "line %d of the env file %s", line, why.text);
		for (size_t i = 0; i < used; i++)
			line += text.p[i] == '\n';
		text.p += used;
		text.n -= used;
	}
	return DESK_OK;
}

enum desk_status config_envfile_read(struct desk_arena *a, const char *path, config_pair_fn *fn,
				     void *arg, struct desk_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum desk_status rc;
	struct desk_buf b;
	char *at;
	ssize_t n = 0;

	if (fd < 0)
		return desk_error_set(err, DESK_E_CONFIG, "env file \"%s\": %s", path, strerror(errno));
	desk_buf_init(&b, ENVFILE_MAX);
	while ((at = desk_buf_reserve(&b, 4096)) != NULL && (n = read(fd, at, 4096)) > 0)
		b.n += (size_t)n;
	if (at == NULL)
		rc = desk_error_set(err, DESK_E_CONFIG, "env file \"%s\": larger than %d bytes", path, ENVFILE_MAX);
	else if (n < 0)
		rc = desk_error_set(err, DESK_E_CONFIG, "env file \"%s\": %s", path, strerror(errno));
	else
		rc = config_envfile_parse(a, desk_buf_str(&b), fn, arg, err);
	desk_buf_done(&b);
	close(fd);
	return rc;
}
