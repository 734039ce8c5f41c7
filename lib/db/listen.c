/* lib/db/listen.c - LISTEN on a connection of its own. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <poll.h>
#include <stdlib.h>

#include "db/db_int.h"

struct desk_db_listener {
	struct desk_db *db;
	const char     *channel;
	PGconn         *pg;	/* NULL: to be connected at the next wait */
};

struct desk_db_listener *desk_db_listener_new(struct desk_db *db, const char *channel)
{
	struct desk_db_listener *l = desk_xcalloc(1, sizeof(*l));

	l->db = db;
	l->channel = channel;
	return l;
}

void desk_db_listener_free(struct desk_db_listener *l)
{
	if (l == NULL)
		return;
	PQfinish(l->pg);
	free(l);
}

static void listen_drop(struct desk_db_listener *l)
{
	PQfinish(l->pg);
	l->pg = NULL;
}

static bool listen_connect(struct desk_db_listener *l)
{
	char *name, sql[96];
	struct desk_buf b;
	PGresult *res;
	bool ok;

	l->pg = db_connect(l->db, NULL);
	if (l->pg == NULL)
		return false;
	name = PQescapeIdentifier(l->pg, l->channel, desk_str_of(l->channel).n);
	desk_buf_init(&b, sizeof(sql) - 1);
	ok = name != NULL && desk_buf_addf(&b, "LISTEN %s", name);
	PQfreemem(name);
	res = ok ? PQexec(l->pg, b.p) : NULL;
	ok = PQresultStatus(res) == PGRES_COMMAND_OK;
	PQclear(res);
	desk_buf_done(&b);
	if (!ok)
		listen_drop(l);
	return ok;
}

bool desk_db_listener_wait(struct desk_db_listener *l, int timeout_ms, int wake_fd)
{
	struct pollfd p[2] = { { .fd = -1, .events = POLLIN }, { .fd = wake_fd, .events = POLLIN } };
	PGnotify *note;
	bool heard = false;

	if (l->pg == NULL && listen_connect(l))
		heard = true;	/* what was said while nobody listened */
	if (l->pg != NULL)
		p[0].fd = PQsocket(l->pg);
	if (poll(p, 2, heard ? 0 : timeout_ms) <= 0 || p[0].revents == 0)
		return heard;
	if (PQconsumeInput(l->pg) != 1) {
		listen_drop(l);
		return heard;
	}
	while ((note = PQnotifies(l->pg)) != NULL) {
		heard = true;
		PQfreemem(note);
	}
	return heard;
}
