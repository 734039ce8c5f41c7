/* tests/fuzz/fuzz_docx.c - any XML as a Word document's parts. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define FUZZ_FORMAT "docx"
#define FUZZ_MEMBER "word/document.xml"
#include "fuzz_extract.h"
