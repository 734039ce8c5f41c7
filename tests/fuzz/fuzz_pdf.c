/* tests/fuzz/fuzz_pdf.c - any bytes as a PDF. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define FUZZ_FORMAT "pdf"
#include "fuzz_extract.h"
