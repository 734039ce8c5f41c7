/* tests/fuzz/fuzz_odf.c - any XML as an OpenDocument's parts. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define FUZZ_FORMAT "odf"
#define FUZZ_MEMBER "content.xml"
#include "fuzz_extract.h"
