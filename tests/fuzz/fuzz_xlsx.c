/* tests/fuzz/fuzz_xlsx.c - any XML as a workbook's parts. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define FUZZ_FORMAT "xlsx"
#define FUZZ_MEMBER "xl/workbook.xml"
#include "fuzz_extract.h"
