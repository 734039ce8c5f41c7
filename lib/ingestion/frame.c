/* lib/ingestion/frame.c - the records on the child's pipe: written by the child, parsed by us. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/frame.h"

#include <string.h>

static uint32_t frame_u32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void frame_put_u32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

void frame_head_write(unsigned char head[FRAME_HEAD], enum frame_type type, uint32_t page,
		      uint32_t n)
{
	head[0] = 'F', head[1] = 'D', head[2] = (unsigned char)type, head[3] = 0;
	frame_put_u32(head + 4, page);
	frame_put_u32(head + 8, n);
}

void frame_reader_init(struct frame_reader *r)
{
	memset(r, 0, sizeof(*r));
	desk_buf_init(&r->body, FRAME_TEXT_MAX);
}

void frame_reader_done(struct frame_reader *r)
{
	desk_buf_done(&r->body);
}

/* What a record of each type may look like, and what must have come before it. */
static const struct frame_rule {
	enum frame_type type;
	uint32_t        min, max;	/* bytes of body */
	bool            paged;	/* its page may be other than 0 */
	bool            opens;	/* is the first record, */
	bool            anywhere;	/* or may be, */
	bool            after_title;	/* may come after the title */
} frame_rules[] = {
	{ FRAME_FORMAT, 1, 16, false, true, false, false },
	{ FRAME_TEXT, 1, FRAME_TEXT_MAX, true, false, false, false },
	{ FRAME_TITLE, 1, FRAME_NOTE_MAX, false, false, false, false },
	{ FRAME_FAIL, 1, FRAME_NOTE_MAX, false, false, true, true },
	{ FRAME_END, 0, 0, true, false, false, true },
};

static bool frame_fits(const struct frame_rule *rule, const struct frame_reader *r, uint32_t page,
		       uint32_t n)
{
	if (n < rule->min || n > rule->max || (page > 0 && !rule->paged))
		return false;
	if (!rule->anywhere && rule->opens == r->any)
		return false;
	return rule->after_title || !r->titled;
}

static bool frame_head_ok(const struct frame_reader *r, uint32_t page, uint32_t n)
{
	if (r->head[0] != 'F' || r->head[1] != 'D' || r->head[3] != 0 || r->ended)
		return false;
	if (page > FRAME_PAGE_MAX || (r->head[2] == FRAME_TEXT && page < r->last_page))
		return false;
	for (size_t i = 0; i < DESK_ARRAY_LEN(frame_rules); i++)
		if (r->head[2] == frame_rules[i].type)
			return frame_fits(&frame_rules[i], r, page, n);
	return false;
}

static enum desk_status frame_whole(struct frame_reader *r, frame_fn *fn, void *arg,
				    struct desk_error *err)
{
	struct frame f = { .type = (enum frame_type)r->head[2], .page = frame_u32(r->head + 4),
			   .body = { r->body.p != NULL ? r->body.p : "", r->body.n } };
	enum desk_status rc;

	if (memchr(f.body.p, '\0', f.body.n) != NULL || !desk_utf8_valid(f.body.p, f.body.n))
		return desk_error_set(err, DESK_E_UPSTREAM, "the extractor sent bytes that are no text");
	r->any = true;
	r->titled |= f.type == FRAME_TITLE;
	r->ended |= f.type == FRAME_END || f.type == FRAME_FAIL;
	if (f.type == FRAME_TEXT)
		r->last_page = f.page;
	rc = fn(arg, &f);
	desk_buf_clear(&r->body);
	r->have = 0;
	return rc;
}

enum desk_status frame_read(struct frame_reader *r, struct desk_str bytes, frame_fn *fn, void *arg,
			    struct desk_error *err)
{
	enum desk_status rc = DESK_OK;

	while (bytes.n > 0 && rc == DESK_OK) {
		bool in_head = r->have < FRAME_HEAD;
		size_t n = in_head ? FRAME_HEAD - r->have : r->want;

		if (n > bytes.n)
			n = bytes.n;
		if (in_head) {
			memcpy(r->head + r->have, bytes.p, n);
			r->have += n;
		} else {
			desk_buf_add(&r->body, bytes.p, n);
			r->want -= (uint32_t)n;
		}
		bytes.p += n, bytes.n -= n;
		if (r->have < FRAME_HEAD)
			break;
		if (in_head) {
			r->want = frame_u32(r->head + 8);
			if (!frame_head_ok(r, frame_u32(r->head + 4), r->want))
				return desk_error_set(err, DESK_E_UPSTREAM,
						      "the extractor broke the record format");
		}
		if (r->want == 0)
			rc = frame_whole(r, fn, arg, err);
	}
	return rc;
}
