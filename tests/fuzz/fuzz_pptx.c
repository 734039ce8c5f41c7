/* tests/fuzz/fuzz_pptx.c - any XML as a presentation's parts. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define FUZZ_FORMAT "pptx"
#define FUZZ_MEMBER "ppt/presentation.xml"
#include "fuzz_extract.h"
