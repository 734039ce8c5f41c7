/* fcgi/worker.c - one process: threads that serve, and one that listens to signals. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fcgi_int.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "chat/services.h"

enum { WORKER_STACK = 512 * 1024, WORKER_HEAD_MAX = 64 * 1024, WORKER_ARENAS = 4 };
enum { WORKER_READ_MS = 15000, WORKER_TICK_SECONDS = 5 };

static void *worker_thread(void *arg)
{
	struct fcgi_worker *w = arg;
	struct fcgi_thread t = { .worker = w, .arena = desk_arena_new() };

	fcgi_resp_init(&t.resp);
	desk_buf_init(&t.head, WORKER_HEAD_MAX);
	fcgi_gate_init(&t.gate, fcgi_routes_body_max(w->app.routes), WORKER_READ_MS);
	fcgi_serve(&t);
	fcgi_gate_done(&t.gate);
	desk_buf_done(&t.head);
	fcgi_resp_done(&t.resp);
	desk_arena_free(t.arena);
	return NULL;
}

static bool worker_watch(struct fcgi_worker *w)
{
	struct epoll_event waking = { .events = EPOLLIN }, parked = { .events = EPOLLIN };

	pthread_mutex_init(&w->parked.lock, NULL);
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	w->conn_fd = parked.data.fd = epoll_create1(EPOLL_CLOEXEC);
	w->wake_fd = waking.data.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fcntl(w->listen_fd, F_SETFL, fcntl(w->listen_fd, F_GETFL) | O_NONBLOCK);
	return w->epoll_fd >= 0 && w->wake_fd >= 0 && w->conn_fd >= 0 &&
	       epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->conn_fd, &parked) == 0 &&
	       epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->wake_fd, &waking) == 0 && fcgi_serve_watch(w);
}

static unsigned worker_start(struct fcgi_worker *w, pthread_t *threads, unsigned n)
{
	pthread_attr_t attr;
	unsigned made = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK);
	while (made < n && pthread_create(&threads[made], &attr, worker_thread, w) == 0)
		made++;
	pthread_attr_destroy(&attr);
	return made;
}

static void worker_wake(struct fcgi_worker *w, bool last)
{
	uint64_t one = 1;

	atomic_store(&w->last, last);
	atomic_store(&w->draining, true);
	epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, w->listen_fd, NULL);
	if (write(w->wake_fd, &one, sizeof(one)) < 0)
		abort();	/* an eventfd takes a 1 */
}

/* Joins them all within the time; the number that would not end. */
static unsigned worker_join(pthread_t *threads, unsigned n, int64_t seconds)
{
	struct timespec until;
	unsigned left = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	for (unsigned i = 0; i < n; i++)
		left += pthread_timedjoin_np(threads[i], NULL, &until) != 0;
	return left;
}

/* Until we are told to end; the signal that did. */
static int worker_wait(struct fcgi_worker *w, int log_fd)
{
	const struct timespec tick = { .tv_sec = WORKER_TICK_SECONDS };
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGUSR1);
	for (;;) {
		got = sigtimedwait(&set, NULL, &tick);
		if (got == SIGUSR1)
			fcgi_log_reopen(w->app.config, log_fd);
		else if (got > 0)
			return got;
		fcgi_parked_expire(w);
	}
}

static void worker_ready(int fd)
{
	pid_t me = getpid();

	if (fd >= 0) {
		if (write(fd, &me, sizeof(me)) < 0)
			exit(EXIT_FAILURE);	/* the master is gone */
		close(fd);
	}
}

/* Signals are taken by sigwait alone; libfcgi's own handlers stay without effect. */
static void worker_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	FCGX_Init();
	signal(SIGPIPE, SIG_IGN);
}

int fcgi_worker_run(const struct fcgi_worker_options *o)
{
	struct fcgi_worker w = { .listen_fd = o->listen_fd };
	pthread_t *threads = desk_xcalloc(o->threads, sizeof(*threads));
	struct desk_services *services = NULL;
	struct desk_error err = { 0 };
	unsigned made, left;
	int told;

	mallopt(M_ARENA_MAX, WORKER_ARENAS);	/* 32 threads do not need 32 heaps */
	worker_signals();
	w.app = (struct fcgi_app){ .config = o->config, .log = o->log, .routes = o->routes };
	if (desk_services_open(o->config, o->log, "frontdesk-fcgi", &services, &err) != DESK_OK ||
	    !worker_watch(&w)) {
		desk_log_event(o->log, DESK_LOG_ERROR, "worker_failed", DESK_L_STR("reason", err.text),
			       DESK_L_INT("errno", errno));
		free(threads);
		return EXIT_FAILURE;
	}
	w.app.services = services;
	made = worker_start(&w, threads, o->threads);
	if (made > 0) {
		worker_ready(o->ready_fd);
		desk_log_event(o->log, DESK_LOG_INFO, "worker_ready", DESK_L_INT("threads", made));
		told = worker_wait(&w, o->log_fd);
		worker_wake(&w, told == SIGQUIT);
	}
	left = worker_join(threads, made, o->config->FCGI_DRAIN_SECONDS);
	desk_log_event(o->log, left > 0 ? DESK_LOG_WARN : DESK_LOG_INFO, "worker_drained",
		       DESK_L_INT("threads_given_up", left));
	if (left > 0)
		_exit(EXIT_SUCCESS);	/* they hold what a tidy end would free */
	free(threads);
	fcgi_parked_free(&w);
	close(w.epoll_fd);
	close(w.conn_fd);
	close(w.wake_fd);
	desk_services_free(services);
	return made > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
