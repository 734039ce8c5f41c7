/* fcgi/main.c - frontdesk-fcgi: options, settings, and which mode we were started in. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fcgi_int.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char main_usage[] =
	"usage: frontdesk-fcgi [--config FILE] [--socket PATH] [--pid-file FILE]\n"
	"\n"
	"Answers questions over FastCGI. A web server that starts it with its listening socket on\n"
	"fd 0 gets one process with one thread; else it is a master with worker processes.\n"
	"\n"
	"  --config FILE    settings (default: $FRONTDESK_ENV, else the environment alone)\n"
	"  --socket PATH    listen there, or on HOST:PORT, instead of FCGI_SOCKET\n"
	"  --pid-file FILE  write the master's process id there\n"
	"  --version        say the version and end\n"
	"\n"
	"SIGTERM drains, SIGHUP reads the settings again, SIGUSR1 opens LOG_FILE again.\n";

/* -1: go on; else an exit status. */
static int main_options(int argc, char **argv, struct fcgi_options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "pid-file", required_argument, NULL, 'p' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:s:p:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config_path = optarg;
			break;
		case 's':
			o->socket = optarg;
			break;
		case 'p':
			o->pid_file = optarg;
			break;
		case 'v':
			puts("frontdesk-fcgi " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(main_usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(main_usage, stderr);
			return 64;	/* EX_USAGE */
		}
	}
	if (optind < argc) {
		fprintf(stderr, "frontdesk-fcgi: unexpected argument \"%s\"\n%s", argv[optind], main_usage);
		return 64;
	}
	return -1;
}

/* mod_fcgid, lighttpd's bin-path: one request at a time on their socket. */
static int main_managed(struct desk_config *config, int log_fd, struct desk_log *log)
{
	struct fcgi_worker_options o = {
		.config = config, .log = log, .log_fd = log_fd, .routes = fcgi_routes,
		.listen_fd = STDIN_FILENO, .ready_fd = -1, .threads = 1,
	};
	int status = fcgi_worker_run(&o);

	desk_log_free(log);
	desk_config_free(config);
	return status;
}

int main(int argc, char **argv)
{
	struct fcgi_options o = { .routes = fcgi_routes };
	struct desk_error err = { 0 };
	struct desk_config *config;
	struct desk_log *log;
	int log_fd, status = main_options(argc, argv, &o);

	if (status >= 0)
		return status;
	if (desk_config_load(o.config_path, DESK_NEED_DB | DESK_NEED_JWT, &config, &err) != DESK_OK) {
		fprintf(stderr, "frontdesk-fcgi: %s\n", err.text);
		return desk_status_exit(err.code);
	}
	log_fd = fcgi_log_open(config, &err);
	if (log_fd < 0) {
		fprintf(stderr, "frontdesk-fcgi: %s\n", err.text);
		desk_config_free(config);
		return desk_status_exit(err.code);
	}
	log = fcgi_log_new(config, log_fd);
	if (o.socket == NULL && fcgi_socket_is_listening(STDIN_FILENO))
		return main_managed(config, log_fd, log);
	return fcgi_master_run(&o, config, log_fd, log);
}
