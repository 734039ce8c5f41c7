/* lib/ingestion/child/main.c - frontdesk-extract: a document on fd 0, text records on fd 1. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Started by desk_extract_run: frontdesk-extract NAME MEMORY-MB SECONDS OUTPUT-MB.
 * Exit 0 when the last record is written, be it END or FAIL; anything else is a broken child.
 */
#include "ingestion/child/child.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef DESK_EXTRACT_SELFTEST
void extract_selftest(const struct extract_doc *d);
#endif

#if defined(__SANITIZE_ADDRESS__)
/* The leak check at exit starts a thread, which the sandbox forbids. */
DESK_EXPORT const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:allocator_may_return_null=0";
}
#endif

static bool main_emit(void *arg, enum frame_type type, uint32_t page, struct desk_str body)
{
	unsigned char head[FRAME_HEAD];
	struct iovec part[2] = { { head, FRAME_HEAD }, { (void *)(uintptr_t)body.p, body.n } };
	size_t left = FRAME_HEAD + body.n;

	(void)arg;
	frame_head_write(head, type, page, (uint32_t)body.n);
	while (left > 0) {
		ssize_t n = writev(STDOUT_FILENO, part, 2);

		if (n <= 0)
			return false;
		left -= (size_t)n;
		for (int i = 0; i < 2 && n > 0; i++) {
			size_t took = (size_t)n < part[i].iov_len ? (size_t)n : part[i].iov_len;

			part[i].iov_base = (char *)part[i].iov_base + took;
			part[i].iov_len -= took;
			n -= (ssize_t)took;
		}
	}
	return true;
}

static int main_fail(const struct desk_error *err)
{
	struct desk_arena *a = desk_arena_new();
	char why[FRAME_NOTE_MAX];

	/* Names out of the document may be in it. */
	desk_copy(why, sizeof(why), desk_utf8_clean(a, err->text, strlen(err->text), NULL));
	desk_arena_free(a);
	return main_emit(NULL, FRAME_FAIL, 0, desk_str_of(why[0] != '\0' ? why : "unknown reason")) ? 0 : 1;
}

static bool main_limits(char **argv, struct extract_limits *l)
{
	int64_t mb, s, out;

	if (!desk_parse_int64(argv[2], &mb) || !desk_parse_int64(argv[3], &s) ||
	    !desk_parse_int64(argv[4], &out) || mb < 64 || s < 1 || out < 1)
		return false;
	*l = (struct extract_limits){ (uint64_t)mb << 20, (uint32_t)s, (uint64_t)out << 20 };
	return true;
}

int main(int argc, char **argv)
{
	struct extract_limits limits;
	struct desk_error err = { 0 };
	struct extract_out out;
	struct extract_doc doc;
	const char *title;

	if (argc != 5 || !main_limits(argv, &limits))
		return 64;
	if (extract_sandbox(&limits, &err) != DESK_OK)
		return 71;	/* not the document's fault: the parent says so */
	if (extract_doc_open(&doc, STDIN_FILENO, argv[1], &err) != DESK_OK)
		return main_fail(&err);
#ifdef DESK_EXTRACT_SELFTEST
	extract_selftest(&doc);
#endif
	extract_out_init(&out, main_emit, NULL, limits.output);
	if (extract_document(&doc, &out, &err) != DESK_OK)
		return main_fail(&err);
	title = out.title[0] != '\0' ? out.title : out.heading;
	if (title[0] != '\0')
		main_emit(NULL, FRAME_TITLE, 0, desk_str_of(title));
	return main_emit(NULL, FRAME_END, doc.pages, (struct desk_str){ "", 0 }) ? 0 : 1;
}
