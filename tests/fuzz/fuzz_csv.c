/* tests/fuzz/fuzz_csv.c - any bytes as CSV. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define FUZZ_FORMAT "csv"
#include "fuzz_extract.h"
