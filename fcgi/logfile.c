/* fcgi/logfile.c - where log lines go, and opening the file again after it was rotated. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fcgi_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int fcgi_log_open(const struct desk_config *config, struct desk_error *err)
{
	int fd = STDERR_FILENO;

	if (config->LOG_FILE[0] != '\0')
		fd = open(config->LOG_FILE, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0)
		desk_error_set(err, DESK_E_CONFIG, "setting LOG_FILE: cannot open %s: %s",
			       config->LOG_FILE, strerror(errno));
	return fd;
}

struct desk_log *fcgi_log_new(const struct desk_config *config, int fd)
{
	enum desk_log_level level = DESK_LOG_INFO;

	if (!desk_log_level_parse(config->LOG_LEVEL, &level))
		level = DESK_LOG_INFO;
	return desk_log_new(fd, "frontdesk-fcgi", level);
}

void fcgi_log_switch(const struct desk_config *config, int fd, struct desk_log **log, int *log_fd)
{
	if (*log_fd != STDERR_FILENO)
		close(*log_fd);
	desk_log_free(*log);
	*log = fcgi_log_new(config, fd);
	*log_fd = fd;
}

void fcgi_log_reopen(const struct desk_config *config, int fd)
{
	int fresh;

	if (config->LOG_FILE[0] == '\0')
		return;
	fresh = fcgi_log_open(config, NULL);
	if (fresh < 0)
		return;	/* the old file goes on */
	dup3(fresh, fd, O_CLOEXEC);
	close(fresh);
}
