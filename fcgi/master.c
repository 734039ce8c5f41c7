/* fcgi/master.c - forks workers, restarts the dead with back-off, drains, reloads. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fcgi_int.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

enum { MASTER_YOUNG_US = 5000000, MASTER_GIVE_UP = 5, MASTER_TICK_MS = 100, MASTER_GRACE_S = 5 };

/*
 * A generation is the workers of one reading of the settings. During a reload there are two: the
 * old one serves until all of the new one accept; when the new one can't start, the old one stays.
 */
struct master {
	const struct fcgi_options *options;
	struct desk_config        *config, *old_config;	/* owned; old_config only during a reload */
	struct desk_log           *log;
	int                        listen_fd, signal_fd, ready[2], log_fd;
	char                      *socket;	/* owned; as it was opened: a reload does not move it */
	struct fcgi_children       children;
	unsigned                   generation, old_generation;
	unsigned                   fails;	/* workers that died young, one after another */
	int64_t                    retry_us;	/* monotonic: no new worker before */
	bool                       stopping, reloading, reload_again, ever_ready;
	int                        status;
};

static sigset_t master_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (const int *s = (const int[]){ SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGCHLD, 0 };
	     *s != 0; s++)
		sigaddset(&set, *s);
	return set;
}

static size_t master_wanted(const struct master *m)
{
	cpu_set_t set;

	if (m->config->FCGI_WORKERS > 0)
		return (size_t)m->config->FCGI_WORKERS;
	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
}

static DESK_NORETURN void master_child(const struct master *m, pid_t master)
{
	struct fcgi_worker_options o = {
		.config = m->config, .log = m->log, .log_fd = m->log_fd, .routes = m->options->routes,
		.listen_fd = m->listen_fd, .ready_fd = m->ready[1],
		.threads = (unsigned)m->config->FCGI_THREADS,
	};

	/* a master that is killed leaves nobody behind */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != master)
		exit(EXIT_FAILURE);
	close(m->signal_fd);
	close(m->ready[0]);
	exit(fcgi_worker_run(&o));
}

static void master_spawn(struct master *m)
{
	pid_t me = getpid(), pid = fork();

	if (pid == 0)
		master_child(m, me);
	if (pid < 0) {
		desk_log_event(m->log, DESK_LOG_ERROR, "fork_failed", DESK_L_STR("reason", strerror(errno)));
		m->retry_us = desk_mono_us(NULL) + 1000000;
		return;
	}
	fcgi_children_add(&m->children, pid, m->generation);
}

static void master_fill(struct master *m)
{
	size_t have = fcgi_children_count(&m->children, m->generation, FCGI_CHILD_STARTING) +
		      fcgi_children_count(&m->children, m->generation, FCGI_CHILD_READY);

	while (!m->stopping && have < master_wanted(m) && desk_mono_us(NULL) >= m->retry_us) {
		master_spawn(m);
		have++;
	}
}

static void master_drain(struct fcgi_child *c, int signo)
{
	if (c->state == FCGI_CHILD_DRAINING)
		return;
	c->state = FCGI_CHILD_DRAINING;
	c->since_us = desk_mono_us(NULL);
	kill(c->pid, signo);
}

static void master_drain_generation(struct master *m, unsigned generation)
{
	for (size_t i = 0; i < m->children.n; i++) {
		if (m->children.at[i].generation == generation)
			master_drain(&m->children.at[i], SIGTERM);
	}
}

/* SIGTERM: nobody comes after us, so the workers empty the backlog too. A second one kills. */
static void master_stop(struct master *m)
{
	if (!m->stopping)
		desk_log_event(m->log, DESK_LOG_INFO, "stopping", DESK_L_INT("workers", m->children.n));
	for (size_t i = 0; i < m->children.n; i++) {
		if (m->stopping)
			kill(m->children.at[i].pid, SIGKILL);
		else
			master_drain(&m->children.at[i], SIGQUIT);
	}
	if (!m->stopping)
		fcgi_socket_unlink(m->socket);
	m->stopping = true;
}

/* ---- reload ------------------------------------------------------------- */

static void master_reload(struct master *m)
{
	struct desk_error err = { 0 };
	struct desk_config *fresh;
	int fd;

	if (m->stopping || m->reloading) {
		m->reload_again = m->reloading;
		return;
	}
	if (desk_config_load(m->options->config_path, DESK_NEED_DB | DESK_NEED_JWT, &fresh, &err) != DESK_OK ||
	    (fd = fcgi_log_open(fresh, &err)) < 0) {
		desk_log_event(m->log, DESK_LOG_ERROR, "reload_refused", DESK_L_STR("reason", err.text));
		return;
	}
	m->old_config = m->config;
	m->config = fresh;
	m->old_generation = m->generation++;
	m->reloading = true;
	m->fails = 0;
	m->retry_us = 0;
	fcgi_log_switch(fresh, fd, &m->log, &m->log_fd);
	desk_log_event(m->log, DESK_LOG_INFO, "reloading", DESK_L_INT("generation", m->generation));
}

static void master_reload_end(struct master *m, bool good)
{
	desk_log_event(m->log, good ? DESK_LOG_INFO : DESK_LOG_ERROR, good ? "reloaded" : "reload_failed",
		       DESK_L_INT("generation", m->generation));
	if (good) {
		master_drain_generation(m, m->old_generation);
		desk_config_free(m->old_config);
	} else {
		master_drain_generation(m, m->generation);
		desk_config_free(m->config);
		m->config = m->old_config;
		/* numbers are not used twice: the old ones are today's again, under the newest number */
		for (size_t i = 0; i < m->children.n; i++) {
			if (m->children.at[i].generation == m->old_generation)
				m->children.at[i].generation = m->generation + 1;
		}
		m->generation++;
	}
	m->old_config = NULL;
	m->reloading = false;
	m->fails = 0;
	m->retry_us = 0;
	if (m->reload_again) {
		m->reload_again = false;
		master_reload(m);
	}
}

/* ---- children ----------------------------------------------------------- */

static void master_ready(struct master *m)
{
	struct fcgi_child *c;
	pid_t pid;

	while (read(m->ready[0], &pid, sizeof(pid)) == (ssize_t)sizeof(pid)) {
		c = fcgi_children_find(&m->children, pid);
		if (c != NULL && c->state == FCGI_CHILD_STARTING) {
			c->state = FCGI_CHILD_READY;
			m->ever_ready = true;
		}
	}
	if (m->reloading &&
	    fcgi_children_count(&m->children, m->generation, FCGI_CHILD_READY) >= master_wanted(m))
		master_reload_end(m, true);
}

static void master_died(struct master *m, struct fcgi_child *c, int status)
{
	int64_t lived_us = desk_mono_us(NULL) - c->since_us;
	bool expected = c->state == FCGI_CHILD_DRAINING;

	desk_log_event(m->log, expected ? DESK_LOG_INFO : DESK_LOG_ERROR,
		       expected ? "worker_ended" : "worker_died", DESK_L_INT("worker", c->pid),
		       DESK_L_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
		       DESK_L_INT("exit", WIFEXITED(status) ? WEXITSTATUS(status) : 0));
	fcgi_children_remove(&m->children, c);
	if (expected)
		return;
	m->fails = lived_us < MASTER_YOUNG_US ? m->fails + 1 : 0;
	m->retry_us = desk_mono_us(NULL) + fcgi_children_backoff_ms(m->fails) * 1000;
	if (m->reloading && m->fails >= MASTER_GIVE_UP) {
		master_reload_end(m, false);
	} else if (!m->ever_ready && m->fails >= MASTER_GIVE_UP) {
		m->status = EXIT_FAILURE;
		master_stop(m);
	}
}

static void master_reap(struct master *m)
{
	int status;
	pid_t pid;

	master_ready(m);	/* who told that he is ready before he died, was ready */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct fcgi_child *c = fcgi_children_find(&m->children, pid);

		if (c != NULL)
			master_died(m, c, status);
	}
}

/* A worker that does not end by itself in its time, and some more, is killed. */
static bool master_hurry(struct master *m)
{
	int64_t limit_us = (m->config->FCGI_DRAIN_SECONDS + MASTER_GRACE_S) * 1000000;
	bool any = false;

	for (size_t i = 0; i < m->children.n; i++) {
		struct fcgi_child *c = &m->children.at[i];

		if (c->state != FCGI_CHILD_DRAINING)
			continue;
		any = true;
		if (desk_mono_us(NULL) - c->since_us > limit_us)
			kill(c->pid, SIGKILL);
	}
	return any;
}

/* ---- the loop ----------------------------------------------------------- */

static void master_signal(struct master *m, int signo)
{
	switch (signo) {
	case SIGCHLD:
		master_reap(m);
		break;
	case SIGHUP:
		master_reload(m);
		break;
	case SIGUSR1:
		fcgi_log_reopen(m->config, m->log_fd);
		for (size_t i = 0; i < m->children.n; i++)
			kill(m->children.at[i].pid, SIGUSR1);
		break;
	default:
		master_stop(m);
	}
}

static void master_loop(struct master *m)
{
	struct pollfd p[] = { { .fd = m->signal_fd, .events = POLLIN },
			      { .fd = m->ready[0], .events = POLLIN } };

	while (!m->stopping || m->children.n > 0) {
		struct signalfd_siginfo si;
		bool waiting;

		master_fill(m);
		waiting = master_hurry(m) || m->retry_us > desk_mono_us(NULL);
		poll(p, DESK_ARRAY_LEN(p), waiting ? MASTER_TICK_MS : -1);
		master_ready(m);
		while (read(m->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
			master_signal(m, (int)si.ssi_signo);
	}
}

static void master_pid_file(const struct master *m)
{
	char text[32];
	int fd, n;

	if (m->options->pid_file == NULL)
		return;
	fd = open(m->options->pid_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (fd < 0 || write(fd, text, (size_t)n) != n)
		desk_log_event(m->log, DESK_LOG_WARN, "pid_file_failed",
			       DESK_L_STR("path", m->options->pid_file), DESK_L_STR("reason", strerror(errno)));
	if (fd >= 0)
		close(fd);
}

static enum desk_status master_open(struct master *m, struct desk_error *err)
{
	sigset_t set = master_signals();
	enum desk_status rc;

	sigprocmask(SIG_BLOCK, &set, NULL);
	rc = fcgi_socket_open(m->socket, m->config->FCGI_SOCKET_MODE, &m->listen_fd, err);
	if (rc != DESK_OK)
		return rc;
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signal_fd < 0 || pipe2(m->ready, O_CLOEXEC) != 0)
		return desk_error_set(err, DESK_E_IO, "cannot start: %s", strerror(errno));
	fcntl(m->ready[0], F_SETFL, O_NONBLOCK);
	return DESK_OK;
}

int fcgi_master_run(const struct fcgi_options *o, struct desk_config *config, int log_fd,
		    struct desk_log *log)
{
	struct master m = { .options = o, .config = config, .log = log, .log_fd = log_fd };
	struct desk_error err = { 0 };

	m.socket = desk_xstrdup(o->socket != NULL ? o->socket : config->FCGI_SOCKET);
	if (master_open(&m, &err) == DESK_OK) {
		master_pid_file(&m);
		desk_log_event(m.log, DESK_LOG_INFO, "listening", DESK_L_STR("socket", m.socket),
			       DESK_L_INT("workers", master_wanted(&m)));
		master_loop(&m);
		desk_log_event(m.log, DESK_LOG_INFO, "stopped", DESK_L_INT("status", m.status));
		if (o->pid_file != NULL)
			unlink(o->pid_file);
		close(m.listen_fd);
	} else {
		fprintf(stderr, "frontdesk-fcgi: %s\n", err.text);
		m.status = desk_status_exit(err.code);
	}
	free(m.children.at);
	free(m.socket);
	desk_config_free(m.config);
	desk_log_free(m.log);
	return m.status;
}
