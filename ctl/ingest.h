/* ctl/ingest.h - between cmd_ingest.c and ingest_jsonl.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_INGEST_H
#define CTL_INGEST_H

#include "ctl.h"
#include "ingestion/ingestion.h"

struct ingest_item {
	const char   *source, *id;
	enum desk_put how;
};

/* One run of the command: what was put, in order. */
struct ingest {
	struct ctl         *c;
	const char         *audience;
	struct ingest_item *at;	/* arena */
	size_t              n, cap, fresh;
	json_t             *refused;	/* files that never became a document */
	struct ctl_progress bar;
};

void ingest_note(struct ingest *in, const char *source, const struct desk_put_result *put);
/* Documents of a JSONL file, many in a transaction. */
DESK_MUST_CHECK enum desk_status ingest_jsonl(struct ingest *in, const char *path);

#endif
