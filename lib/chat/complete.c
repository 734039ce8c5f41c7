/* lib/chat/complete.c - sentences that a chunk's edge cut are made whole from the document's pages. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"
#include "db/db.h"

#include <string.h>
#include <unicode/uchar.h>

#define COMPLETE_REACH 400	/* code points looked at on either side */

/* Does the piece begin in the middle of a sentence? Where a chunk starts, capitals tell. */
static bool complete_wants_head(const struct chat_pick *p)
{
	uint32_t cp = 0;

	if (!p->open_head || desk_utf8_decode(p->text.p, p->text.n, &cp) == 0)
		return false;
	return u_islower((UChar32)cp) || u_ispunct((UChar32)cp);
}

static enum desk_status complete_send(struct desk_ctx *cx, const struct chat_pick *p)
{
	/* The page that the piece begins on, and of it only the part around the piece. */
	static const char sql[] =
		"SELECT greatest(start_offset, $2::int - $4::int),"
		"       substr(content, greatest($2::int - $4::int - start_offset, 0) + 1,"
		"              $3::int - greatest(start_offset, $2::int - $4::int) + $4::int)"
		"  FROM document_pages WHERE document_id = $1::uuid AND start_offset <= $2::int"
		" ORDER BY start_offset DESC LIMIT 1";

	return desk_db_send(cx, sql, desk_p_text(p->passage->hit->document), desk_p_int32(p->start),
			    desk_p_int32(p->end), desk_p_int32(COMPLETE_REACH));
}

/* The units of the window that the piece touches; only its open ends move. */
static void complete_apply(struct desk_arena *a, struct chat_pick *p, struct desk_str window,
			   int from, bool head)
{
	size_t b = desk_utf8_offset(window.p, window.n, (size_t)(p->start - from)),
	       e = b + p->text.n;
	struct chat_units units;
	size_t nb = b, ne = e;

	if (p->start < from || e > window.n || memcmp(window.p + b, p->text.p, p->text.n) != 0)
		return;	/* the document was replaced meanwhile */
	chat_units_split(a, p->passage->hit->language, window, &units);
	for (size_t i = 0; i < units.n; i++) {
		const struct chat_unit *u = &units.at[i];

		if (head && u->kind != CHAT_HEADING && u->at < b && u->at + u->n > b)
			nb = u->at;
		if (p->open_tail && u->at < e && u->at + u->n > e && u->closed)
			ne = u->at + u->n;
	}
	p->text = (struct desk_str){ window.p + nb, ne - nb };
	p->start = from + (int)desk_utf8_count(window.p, nb);
	p->end = p->start + (int)desk_utf8_count(p->text.p, p->text.n);
}

enum desk_status chat_extract_complete(struct desk_ctx *cx, struct chat_extract *x)
{
	enum desk_status rc = DESK_OK;
	bool head[CHAT_PICKS_MAX];

	for (size_t i = 0; rc == DESK_OK && i < x->n; i++) {
		head[i] = complete_wants_head(&x->picks[i]);
		if (head[i] || x->picks[i].open_tail)
			rc = complete_send(cx, &x->picks[i]);
	}
	for (size_t i = 0; rc == DESK_OK && i < x->n; i++) {
		struct desk_rows *rows;

		if (!head[i] && !x->picks[i].open_tail)
			continue;
		rc = desk_db_next(cx, &rows);
		if (rc == DESK_OK && desk_rows_count(rows) == 1)
			complete_apply(cx->arena, &x->picks[i],
				       desk_str_of(desk_rows_text(rows, 0, 1)),
				       (int)desk_rows_int64(rows, 0, 0), head[i]);
	}
	return rc;
}
