/* fcgi/socket.c - the listening socket: a unix path, or host:port. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fcgi_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SOCKET_BACKLOG = 1024 };

bool fcgi_socket_is_listening(int fd)
{
	int on = 0;
	socklen_t n = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on != 0;
}

static bool socket_is_path(const char *where)
{
	return strchr(where, '/') != NULL || strchr(where, ':') == NULL;
}

static enum desk_status socket_bad(int fd, const char *where, const char *what,
				   struct desk_error *err)
{
	desk_error_set(err, DESK_E_CONFIG, "setting FCGI_SOCKET: cannot %s %s: %s", what, where,
		       strerror(errno));
	if (fd >= 0)
		close(fd);
	return DESK_E_CONFIG;
}

/* A socket file that nobody answers at is what a killed master left behind. */
static bool socket_is_taken(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool taken = fd >= 0 && (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 ||
				 errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return taken;
}

static enum desk_status socket_unix(const char *path, const char *mode, int *out,
				    struct desk_error *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t old;
	int fd, rc;

	if (strlen(path) >= sizeof(a.sun_path))
		return desk_error_set(err, DESK_E_CONFIG,
				      "setting FCGI_SOCKET: longer than the %zu bytes of a socket's path",
				      sizeof(a.sun_path) - 1);
	desk_copy(a.sun_path, sizeof(a.sun_path), path);
	if (socket_is_taken(&a))
		return desk_error_set(err, DESK_E_CONFIG,
				      "setting FCGI_SOCKET: a program listens on %s already", path);
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return desk_error_set(err, DESK_E_CONFIG,
				      "setting FCGI_SOCKET: %s is there and is no socket", path);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return socket_bad(fd, path, "make", err);
	old = umask(0177);	/* nobody connects before the mode is set */
	rc = bind(fd, (const struct sockaddr *)&a, sizeof(a));
	umask(old);
	if (rc != 0)
		return socket_bad(fd, path, "bind", err);
	if (chmod(path, (mode_t)strtol(mode, NULL, 8)) != 0)
		return socket_bad(fd, path, "set the mode of", err);
	if (listen(fd, SOCKET_BACKLOG) != 0)
		return socket_bad(fd, path, "listen on", err);
	*out = fd;
	return DESK_OK;
}

static enum desk_status socket_tcp(const char *where, int *out, struct desk_error *err)
{
	const char *colon = strrchr(where, ':');
	struct sockaddr_in a = { .sin_family = AF_INET };
	char host[64];
	int64_t port;
	int fd, on = 1;

	desk_copy(host, sizeof(host), colon > where ? where : "127.0.0.1");
	if (colon > where && (size_t)(colon - where) < sizeof(host))
		host[colon - where] = '\0';
	if (!desk_parse_int64(colon + 1, &port) || port < 1 || port > 65535 ||
	    inet_pton(AF_INET, host, &a.sin_addr) != 1)
		return desk_error_set(err, DESK_E_CONFIG,
				      "setting FCGI_SOCKET: must be a path, or an IPv4 address and a port "
				      "like 127.0.0.1:9000");
	a.sin_port = htons((uint16_t)port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return socket_bad(fd, where, "make", err);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
		return socket_bad(fd, where, "bind", err);
	if (listen(fd, SOCKET_BACKLOG) != 0)
		return socket_bad(fd, where, "listen on", err);
	*out = fd;
	return DESK_OK;
}

enum desk_status fcgi_socket_open(const char *where, const char *mode, int *fd,
				  struct desk_error *err)
{
	if (where[0] == '\0')
		return desk_error_set(err, DESK_E_CONFIG, "setting FCGI_SOCKET: is empty");
	return socket_is_path(where) ? socket_unix(where, mode, fd, err) : socket_tcp(where, fd, err);
}

void fcgi_socket_unlink(const char *where)
{
	if (socket_is_path(where))
		unlink(where);
}
