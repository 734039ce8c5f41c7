/* tests/fuzz/fuzz_markdown.c - any bytes as Markdown, or as any text. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define FUZZ_FORMAT "markdown"
#include "fuzz_extract.h"
