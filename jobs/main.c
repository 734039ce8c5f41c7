/* jobs/main.c - frontdesk-jobd: settings, what the process holds, signals. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "db/db.h"
#include "embed/embed.h"
#include "jobd.h"
#include "log/log.h"
#include "net/net.h"
#include "retrieval/retrieval.h"
#include "tenancy/tenancy.h"

#define MAIN_EX_USAGE 64

static unsigned main_threads(const struct desk_config *c)
{
	cpu_set_t set;
	int n = 1;

	if (c->JOBS_CONCURRENCY > 0)
		return (unsigned)c->JOBS_CONCURRENCY;
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	return n > 0 ? (unsigned)n : 1;
}

static enum desk_status main_log(struct jobd *d, struct desk_error *err)
{
	enum desk_log_level level = DESK_LOG_INFO;
	int fd = STDERR_FILENO;

	if (!desk_log_level_parse(d->config->LOG_LEVEL, &level))
		return desk_error_set(err, DESK_E_CONFIG, "LOG_LEVEL \"%s\" is none of debug, info, warn, error",
				      d->config->LOG_LEVEL);
	if (*d->config->LOG_FILE != '\0')
		fd = open(d->config->LOG_FILE, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return desk_error_set(err, DESK_E_CONFIG, "LOG_FILE %s: %s", d->config->LOG_FILE, strerror(errno));
	d->log = desk_log_new(fd, "frontdesk-jobd", level);
	return DESK_OK;
}

/* "host:pid:random": a name that no other process, now or after a restart, has. */
static const char *main_worker_name(struct desk_arena *a)
{
	char host[64] = "", random[9];
	unsigned char bytes[4];

	(void)gethostname(host, sizeof(host) - 1);
	desk_random(bytes, sizeof(bytes));
	desk_hex(bytes, sizeof(bytes), random);
	return desk_arena_printf(a, "%s:%ld:%s", host, (long)getpid(), random);
}

static enum desk_status main_open(struct jobd *d, struct desk_arena *a, struct desk_error *err)
{
	struct desk_db_options o = {
		.conninfo = d->config->DATABASE_URL.value, .program = "frontdesk-jobd",
		.pool_size = main_threads(d->config) + 2,
		.statement_timeout_ms = 0,	/* a large document's rows take what they take */
		.prepare = d->config->DB_PREPARED_STATEMENTS,
	};
	enum desk_status rc = main_log(d, err);

	if (rc == DESK_OK)
		rc = desk_db_open(&o, &d->db, err);
	if (rc == DESK_OK)
		rc = desk_net_open_config(d->config, &d->net, err);
	if (rc == DESK_OK)
		rc = desk_retrieval_open(NULL, &d->retrieval, err);
	if (rc == DESK_OK)
		rc = desk_embedder_open_config(d->config, d->net, &d->embedder, err);
	d->tenants = desk_tenant_cache_new();
	d->extractor = desk_config_extract_program(d->config, a);
	d->worker.name = main_worker_name(a);
	d->worker.lease_s = (int)d->config->JOB_LEASE_SECONDS;
	return rc;
}

static void main_close(struct jobd *d)
{
	desk_tenant_cache_free(d->tenants);
	desk_embedder_free(d->embedder);
	desk_retrieval_free(d->retrieval);
	desk_net_free(d->net);
	desk_db_free(d->db);
	desk_log_free(d->log);
	desk_config_free(d->config);
}

/* SIGTERM and SIGINT become a descriptor; all threads inherit the mask. */
static int main_signals(void)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static enum desk_status main_run(struct jobd *d, const char *config_path, struct desk_arena *a,
				 struct desk_error *err)
{
	int stop_fd = main_signals();
	enum desk_status rc = desk_config_load(config_path, DESK_NEED_DB, &d->config, err);

	if (stop_fd < 0)
		return desk_error_set(err, DESK_E_BUG, "no signals: %s", strerror(errno));
	if (rc == DESK_OK)
		rc = main_open(d, a, err);
	if (rc == DESK_OK) {
		desk_log_event(d->log, DESK_LOG_INFO, "jobd_started", DESK_L_STR("worker", d->worker.name),
			       DESK_L_INT("threads", main_threads(d->config)),
			       DESK_L_STR("embedding_model", desk_embedder_name(d->embedder)));
		rc = job_pool_run(d, main_threads(d->config), stop_fd);
		desk_log_event(d->log, DESK_LOG_INFO, "jobd_stopped", DESK_L_STR("worker", d->worker.name));
	}
	close(stop_fd);
	return rc;
}

int main(int argc, char **argv)
{
	struct desk_arena *a = desk_arena_new();
	struct desk_error err = { 0 };
	struct jobd d = { 0 };
	const char *config_path = NULL;
	enum desk_status rc;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
			config_path = argv[++i];
		} else {
			bool help = strcmp(argv[i], "--help") == 0;

			fputs("frontdesk-jobd [--config FILE]: brings documents in, in the background\n",
			      help ? stdout : stderr);
			return help ? 0 : MAIN_EX_USAGE;
		}
	}
	mallopt(M_ARENA_MAX, 2);	/* few threads, and memory that goes back */
	rc = main_run(&d, config_path, a, &err);
	if (rc != DESK_OK) {
		char text[sizeof(err.text)];

		desk_log_mask(err.text, text, sizeof(text));
		fprintf(stderr, "frontdesk-jobd: %s\n", text);
	}
	main_close(&d);
	desk_arena_free(a);
	return desk_status_exit(rc);
}
