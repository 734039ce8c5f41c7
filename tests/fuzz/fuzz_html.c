/* tests/fuzz/fuzz_html.c - any bytes as HTML. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define FUZZ_FORMAT "html"
#include "fuzz_extract.h"
