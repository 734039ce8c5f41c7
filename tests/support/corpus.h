/* tests/support/corpus.h - documents straight into a tenant: chunks, words and vectors, no daemon. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CORPUS_H
#define CORPUS_H

#include "chat/services.h"
#include "ingestion/ingestion.h"

/* A stack of the test's own: what the environment says, opened. */
struct corpus {
	struct desk_config   *config;
	struct desk_services *services;
	struct desk_arena    *arena;
	struct desk_ctx       cx;
};

struct corpus_document {
	const char     *source, *title, *audience, *language;	/* audience, language: NULL for PUBLIC, detected */
	struct desk_str text;
};

/*
 * Settings come from the environment; the schema is made with DATABASE_ADMIN_URL, and the tenant
 * where there is none of that domain. DESK_OK, or cx.err says why.
 */
enum desk_status corpus_open(struct corpus *c, const char *sql, const char *domain, struct desk_log *log);
void corpus_close(struct corpus *c);
/* READY when it comes back. */
enum desk_status corpus_add(struct corpus *c, const struct corpus_document *docs, size_t n);
/* A fresh context for one question: the arena is emptied. */
struct desk_ctx *corpus_turn(struct corpus *c, const char *domain);

#endif
