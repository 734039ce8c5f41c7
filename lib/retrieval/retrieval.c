/* lib/retrieval/retrieval.c - what a process holds: analyzers, fingerprints of languages, notes. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "retrieval/retrieval_int.h"

#include <errno.h>
#include <libexttextcat/textcat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRIEVAL_FINGERPRINTS "/usr/share/libexttextcat"
#define RETRIEVAL_BATCH_CHUNKS 600000

static char *retrieval_path(const char *dir, const char *name)
{
	size_t n = strlen(dir) + strlen(name) + 2;
	char *p = desk_xmalloc(n);

	snprintf(p, n, "%s/%s", dir, name);
	return p;
}

enum desk_status desk_retrieval_open(const struct desk_retrieval_options *options,
				     struct desk_retrieval **out, struct desk_error *err)
{
	const char *dir = RETRIEVAL_FINGERPRINTS;
	struct desk_retrieval *r;

	if (options != NULL && options->fingerprints != NULL)
		dir = options->fingerprints;
	r = desk_xcalloc(1, sizeof(*r));
	r->batch_chunks = RETRIEVAL_BATCH_CHUNKS;
	if (options != NULL && options->batch_chunks > 0)
		r->batch_chunks = options->batch_chunks;
	r->fingerprints = retrieval_path(dir, "");
	r->fingerprints_list = retrieval_path(dir, "fpdb.conf");
	pthread_mutex_init(&r->lock, NULL);
	pthread_mutex_init(&r->textcat_lock, NULL);
	if (access(r->fingerprints_list, R_OK) != 0) {
		(void)desk_error_set(err, DESK_E_IO,
				     "the fingerprints of languages \"%s\" can't be read: %s; install "
				     "libexttextcat-data", r->fingerprints_list, strerror(errno));
		desk_retrieval_free(r);
		return DESK_E_IO;
	}
	for (size_t i = 0; i < retrieval_stops_count; i++) {
		int language = retrieval_language_find(retrieval_stops[i].code);

		if (language >= 0)
			word_set_fill(&r->stops[language], retrieval_stops[i].words,
				      retrieval_languages[language].fold);
	}
	*out = r;
	return DESK_OK;
}

void desk_retrieval_free(struct desk_retrieval *r)
{
	if (r == NULL)
		return;
	while (r->idle != NULL) {
		struct analyzer *a = r->idle;

		r->idle = a->next;
		analyzer_free(a);
	}
	for (size_t i = 0; i < RETRIEVAL_LANGUAGES_MAX; i++)
		word_set_done(&r->stops[i]);
	recall_done(r);
	if (r->textcat != NULL)
		textcat_Done(r->textcat);
	pthread_mutex_destroy(&r->textcat_lock);
	pthread_mutex_destroy(&r->lock);
	free(r->fingerprints);
	free(r->fingerprints_list);
	free(r);
}

/* ---- notes on tenants ------------------------------------------------------ */

static struct tenant_note *tenant_note_slot(struct desk_retrieval *r, const char *id)
{
	return &r->notes[retrieval_hash(id, strlen(id)) & (TENANT_NOTES - 1)];
}

bool tenant_note_get(struct desk_retrieval *r, const char *id, struct tenant_note *out)
{
	struct tenant_note *slot = tenant_note_slot(r, id);
	bool found;

	pthread_mutex_lock(&r->lock);
	found = slot->at_us != 0 && strcmp(slot->id, id) == 0;
	if (found)
		*out = *slot;
	pthread_mutex_unlock(&r->lock);
	return found;
}

void tenant_note_put(struct desk_retrieval *r, const char *id, const struct language_list *languages,
		     int64_t now_us)
{
	struct tenant_note *slot = tenant_note_slot(r, id);

	pthread_mutex_lock(&r->lock);
	desk_copy(slot->id, sizeof(slot->id), id);
	slot->at_us = now_us;
	slot->languages = *languages;
	pthread_mutex_unlock(&r->lock);
}
