/* tests/fuzz/fuzz_epub.c - any bytes as an e-book's parts. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define FUZZ_FORMAT "epub"
#define FUZZ_MEMBER "OEBPS/text.xhtml"
#include "fuzz_extract.h"
