/* tests/fuzz/fuzz_eml.c - any bytes as an e-mail. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define FUZZ_FORMAT "eml"
#include "fuzz_extract.h"
