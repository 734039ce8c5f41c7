/* fcgi/fcgi_int.h - what the files of fcgi/ share and tests need not know. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FCGI_FCGI_INT_H
#define FCGI_FCGI_INT_H

#include "fcgi.h"

/* ---- logfile.c ----------------------------------------------------------- */

/* Lines go to `fd` from now on, at config's level. */
void fcgi_log_switch(const struct desk_config *config, int fd, struct desk_log **log, int *log_fd);

/* ---- children.c: the master's workers ------------------------------------ */

enum fcgi_child_state { FCGI_CHILD_STARTING, FCGI_CHILD_READY, FCGI_CHILD_DRAINING };

struct fcgi_child {
	pid_t                 pid;
	unsigned              generation;	/* of the settings it runs with */
	enum fcgi_child_state state;
	int64_t               since_us;	/* monotonic: started, or told to drain */
};

struct fcgi_children {
	struct fcgi_child *at;	/* owned */
	size_t             n, cap;
};

struct fcgi_child *fcgi_children_add(struct fcgi_children *c, pid_t pid, unsigned generation);
struct fcgi_child *fcgi_children_find(struct fcgi_children *c, pid_t pid);	/* NULL: not ours */
void fcgi_children_remove(struct fcgi_children *c, struct fcgi_child *child);
size_t fcgi_children_count(const struct fcgi_children *c, unsigned generation,
			   enum fcgi_child_state state);
/* Milliseconds to wait before the next start when the last `fails` ones died young. */
int64_t fcgi_children_backoff_ms(unsigned fails);

#endif
