/* tests/fuzz/fuzz_extract.h - any bytes as a document of FUZZ_FORMAT: what comes out keeps the rules. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packages are fuzzed through their XML: an input that is no ZIP itself is the text of members,
 * "@@name" lines parting them, and is packed here. What is before the first @@ is FUZZ_MEMBER.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ingestion/child/child.h"

#ifndef FUZZ_NAME
#define FUZZ_NAME "document." FUZZ_FORMAT
#endif
#ifndef FUZZ_MEMBER
#define FUZZ_MEMBER ""
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint32_t fuzz_crc(const uint8_t *p, size_t n)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xEDB88320u & -(crc & 1));
	}
	return ~crc;
}

static void fuzz_u16(struct desk_buf *b, unsigned v)
{
	desk_buf_addc(b, (char)v);
	desk_buf_addc(b, (char)(v >> 8));
}

static void fuzz_u32(struct desk_buf *b, uint32_t v)
{
	fuzz_u16(b, v & 0xFFFF);
	fuzz_u16(b, v >> 16);
}

struct fuzz_zip {
	struct desk_buf file, directory;
	unsigned        members;
};

/* A stored member (APPNOTE 4.3.7 and 4.3.12). */
static void fuzz_member(struct fuzz_zip *z, struct desk_str name, struct desk_str body)
{
	uint32_t crc = fuzz_crc((const uint8_t *)body.p, body.n), at = (uint32_t)z->file.n;

	for (int central = 0; central < 2; central++) {
		struct desk_buf *b = central ? &z->directory : &z->file;

		fuzz_u32(b, central ? 0x02014B50 : 0x04034B50);
		if (central)
			fuzz_u16(b, 20);
		fuzz_u16(b, 20), fuzz_u16(b, 0), fuzz_u16(b, 0), fuzz_u32(b, 0x210000), fuzz_u32(b, crc);
		fuzz_u32(b, (uint32_t)body.n), fuzz_u32(b, (uint32_t)body.n);
		fuzz_u16(b, (unsigned)name.n), fuzz_u16(b, 0);
		if (central) {
			fuzz_u16(b, 0), fuzz_u16(b, 0), fuzz_u16(b, 0), fuzz_u32(b, 0);
			fuzz_u32(b, at);
		}
		desk_buf_add(b, name.p, name.n);
	}
	desk_buf_add(&z->file, body.p, body.n);
	z->members++;
}

static void fuzz_zip_end(struct fuzz_zip *z)
{
	uint32_t at = (uint32_t)z->file.n;

	desk_buf_add(&z->file, z->directory.p, z->directory.n);
	fuzz_u32(&z->file, 0x06054B50);
	fuzz_u16(&z->file, 0), fuzz_u16(&z->file, 0);
	fuzz_u16(&z->file, z->members), fuzz_u16(&z->file, z->members);
	fuzz_u32(&z->file, (uint32_t)z->directory.n), fuzz_u32(&z->file, at);
	fuzz_u16(&z->file, 0);
}

static void fuzz_pack(struct fuzz_zip *z, struct desk_str in)
{
	struct desk_str name = DESK_STR(FUZZ_MEMBER);

	while (in.n > 0 && z->members < 50) {
		const char *mark = memmem(in.p, in.n, "@@", 2);
		struct desk_str body = { in.p, mark != NULL ? (size_t)(mark - in.p) : in.n };
		const char *nl;

		if (body.n > 0 || mark == NULL)
			fuzz_member(z, name, body);
		in.p += body.n, in.n -= body.n;
		if (mark == NULL)
			break;
		nl = memchr(mark, '\n', in.n);
		name = (struct desk_str){ mark + 2, nl != NULL ? (size_t)(nl - mark) - 2 : in.n - 2 };
		if (name.n > 200)
			name.n = 200;
		in.n -= nl != NULL ? (size_t)(nl + 1 - in.p) : in.n;
		in.p = nl != NULL ? nl + 1 : in.p;
	}
	fuzz_zip_end(z);
}

/* What the child would write must be what the parent takes, and text as the door promises it. */
static enum desk_status fuzz_taken(void *arg, const struct frame *f)
{
	(void)arg;
	for (size_t i = 0; f->type == FRAME_TEXT && i < f->body.n; i++)
		if ((unsigned char)f->body.p[i] < ' ' && f->body.p[i] != '\n' && f->body.p[i] != '\t')
			abort();
	return DESK_OK;
}

static bool fuzz_emit(void *arg, enum frame_type type, uint32_t page, struct desk_str body)
{
	unsigned char head[FRAME_HEAD];
	struct desk_error err = { 0 };

	frame_head_write(head, type, page, (uint32_t)body.n);
	if (frame_read(arg, (struct desk_str){ (const char *)head, FRAME_HEAD }, fuzz_taken, NULL,
		       &err) != DESK_OK ||
	    frame_read(arg, body, fuzz_taken, NULL, &err) != DESK_OK)
		abort();
	return true;
}

static void fuzz_document(int fd)
{
	struct frame_reader reader;
	struct desk_error err = { 0 };
	struct extract_out out;
	struct extract_doc doc;

	if (extract_doc_open(&doc, fd, FUZZ_NAME, &err) != DESK_OK)
		return;
	frame_reader_init(&reader);
	extract_out_init(&out, fuzz_emit, &reader, 4 << 20);
	fuzz_emit(&reader, FRAME_FORMAT, 0, DESK_STR(FUZZ_FORMAT));
	if (extract_format_named(FUZZ_FORMAT)->extract(&doc, &out, &err) == DESK_OK)
		extract_flush(&out);
	else if (err.text[0] == '\0')
		abort();	/* a failure has a reason */
	if (!desk_utf8_valid(out.title, strlen(out.title)) ||
	    !desk_utf8_valid(out.heading, strlen(out.heading)))
		abort();
	extract_out_done(&out);
	frame_reader_done(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct desk_str in = { (const char *)data, n };
	struct fuzz_zip z = { .members = 0 };
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	desk_buf_init(&z.file, 16 << 20);
	desk_buf_init(&z.directory, 1 << 20);
	if (FUZZ_MEMBER[0] != '\0' && (n < 4 || memcmp(data, "PK", 2) != 0)) {
		fuzz_pack(&z, in);
		in = desk_buf_str(&z.file);
	}
	if (fd >= 0 && write(fd, in.p, in.n) == (ssize_t)in.n)
		fuzz_document(fd);
	close(fd);
	desk_buf_done(&z.file);
	desk_buf_done(&z.directory);
	return 0;
}
