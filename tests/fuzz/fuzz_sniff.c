/* tests/fuzz/fuzz_sniff.c - any bytes under any name: one format, or a reason. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ingestion/child/child.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const names[] = { "a", "a.txt", "a.docx", "a.pdf", "a.html", "a.eml", "a.epub", "a.csv" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct desk_error err = { 0 };
	struct extract_doc doc;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (n > 0 && write(fd, data + 1, n - 1) == (ssize_t)n - 1 &&
	    extract_doc_open(&doc, fd, names[data[0] % DESK_ARRAY_LEN(names)], &err) == DESK_OK &&
	    extract_format_find(&doc, &err) == NULL && err.text[0] == '\0')
		abort();
	close(fd);
	return 0;
}
