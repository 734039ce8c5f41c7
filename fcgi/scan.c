/* fcgi/scan.c - the parser of FastCGI records: is this a whole request, and one to be trusted? */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libfcgi believes its peer: lengths up to 2 GiB are allocated, a GET_VALUES record with many
 * names runs over a buffer on its stack, padding after an empty record is read as the next header.
 * So nothing reaches it that was not judged here.
 */
#include "fcgi.h"

#include <string.h>

enum { RECORD_BEGIN = 1, RECORD_ABORT = 2, RECORD_PARAMS = 4, RECORD_STDIN = 5 };
enum { ROLE_RESPONDER = 1, HEADER_LEN = 8 };

struct scan_record {
	unsigned             type, id, length, padding;
	const unsigned char *content;
};

static size_t scan_length(const unsigned char *p, unsigned n)
{
	if (n == 1)
		return p[0];
	return (size_t)(p[0] & 0x7F) << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

/* One byte of the two lengths of a pair; true while the pair is fine. */
static bool scan_pair_length(struct fcgi_scan *s, unsigned char c)
{
	const unsigned char *at = s->pair.lengths;
	unsigned name = s->pair.have > 0 && (at[0] & 0x80) != 0 ? 4 : 1, value;
	size_t total;

	s->pair.lengths[s->pair.have++] = c;
	name = (at[0] & 0x80) != 0 ? 4 : name;
	if (s->pair.have <= name)
		return true;
	value = (at[name] & 0x80) != 0 ? 4 : 1;
	if (s->pair.have < name + value)
		return true;
	total = scan_length(at, name) + scan_length(at + name, value);
	s->pair.have = 0;
	s->pair.skip = total;
	return scan_length(at, name) > 0 && total <= FCGI_PARAMS_MAX;
}

static bool scan_params(struct fcgi_scan *s, const struct scan_record *r)
{
	s->params += r->length;
	if (s->params > FCGI_PARAMS_MAX)
		return false;
	for (size_t i = 0; i < r->length;) {
		size_t left = r->length - i;

		if (s->pair.skip > 0) {
			size_t take = s->pair.skip < left ? s->pair.skip : left;

			s->pair.skip -= take;
			i += take;
		} else if (!scan_pair_length(s, r->content[i++])) {
			return false;
		}
	}
	/* the empty record ends the stream: no pair may be open */
	return r->length > 0 || (s->pair.have == 0 && s->pair.skip == 0);
}

static enum fcgi_scan_verdict scan_begin(struct fcgi_scan *s, const struct scan_record *r)
{
	if (r->type != RECORD_BEGIN || r->id == 0 || r->length != 8 || r->padding != 0 ||
	    r->content[0] != 0 || r->content[1] != ROLE_RESPONDER)
		return FCGI_SCAN_BAD;
	s->id = r->id;
	s->phase = FCGI_SCAN_PARAMS;
	return FCGI_SCAN_MORE;
}

static enum fcgi_scan_verdict scan_record(struct fcgi_scan *s, const struct scan_record *r)
{
	if (s->phase == FCGI_SCAN_BEGIN)
		return scan_begin(s, r);
	if (r->id != s->id)
		return FCGI_SCAN_BAD;
	if (r->type == RECORD_ABORT)
		return FCGI_SCAN_ABORTED;
	if (r->type != (s->phase == FCGI_SCAN_PARAMS ? RECORD_PARAMS : RECORD_STDIN))
		return FCGI_SCAN_BAD;
	if (r->length == 0 && r->padding != 0)
		return FCGI_SCAN_BAD;
	if (s->phase == FCGI_SCAN_PARAMS) {
		if (!scan_params(s, r))
			return FCGI_SCAN_BAD;
		if (r->length == 0) {
			s->phase = FCGI_SCAN_STDIN;
			s->stdin_at = s->at + HEADER_LEN;
		}
		return FCGI_SCAN_MORE;
	}
	s->body += r->length;
	if (s->body > s->body_max)
		return FCGI_SCAN_LARGE;
	return r->length == 0 ? FCGI_SCAN_DONE : FCGI_SCAN_MORE;
}

/* A header that is wrong is told at once, and a body that is too large before it is all here. */
static enum fcgi_scan_verdict scan_early(const struct fcgi_scan *s, const struct scan_record *r)
{
	if (s->phase == FCGI_SCAN_BEGIN && (r->type != RECORD_BEGIN || r->length != 8))
		return FCGI_SCAN_BAD;
	if (s->phase == FCGI_SCAN_STDIN && r->type == RECORD_STDIN && r->id == s->id &&
	    s->body + r->length > s->body_max)
		return FCGI_SCAN_LARGE;
	return FCGI_SCAN_MORE;
}

enum fcgi_scan_verdict fcgi_scan(struct fcgi_scan *s, const unsigned char *p, size_t n)
{
	enum fcgi_scan_verdict v = FCGI_SCAN_MORE;

	while (v == FCGI_SCAN_MORE && n - s->at >= HEADER_LEN) {
		const unsigned char *h = p + s->at;
		struct scan_record r = {
			.type = h[1],
			.id = (unsigned)h[2] << 8 | h[3],
			.length = (unsigned)h[4] << 8 | h[5],
			.padding = h[6],
			.content = h + HEADER_LEN,
		};

		if (h[0] != 1)
			return FCGI_SCAN_BAD;
		v = scan_early(s, &r);
		if (v != FCGI_SCAN_MORE || n - s->at < HEADER_LEN + r.length + r.padding)
			return v;
		v = scan_record(s, &r);
		s->at += HEADER_LEN + r.length + r.padding;
	}
	return v;
}
