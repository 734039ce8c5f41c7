/* fcgi/children.c - the master's list of workers. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fcgi_int.h"

struct fcgi_child *fcgi_children_add(struct fcgi_children *c, pid_t pid, unsigned generation)
{
	struct fcgi_child *child;

	if (c->n == c->cap) {
		c->cap = c->cap > 0 ? c->cap * 2 : 16;
		c->at = desk_xrealloc(c->at, c->cap, sizeof(*c->at));
	}
	child = &c->at[c->n++];
	*child = (struct fcgi_child){ .pid = pid, .generation = generation,
				      .since_us = desk_mono_us(NULL) };
	return child;
}

struct fcgi_child *fcgi_children_find(struct fcgi_children *c, pid_t pid)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->at[i].pid == pid)
			return &c->at[i];
	}
	return NULL;
}

void fcgi_children_remove(struct fcgi_children *c, struct fcgi_child *child)
{
	*child = c->at[--c->n];
}

size_t fcgi_children_count(const struct fcgi_children *c, unsigned generation,
			   enum fcgi_child_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->at[i].generation == generation && c->at[i].state == state;
	return n;
}

int64_t fcgi_children_backoff_ms(unsigned fails)
{
	if (fails == 0)
		return 0;
	return fails < 8 ? 50 << (fails - 1) : 10000;
}
