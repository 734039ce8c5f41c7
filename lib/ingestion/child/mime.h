/* lib/ingestion/child/mime.h - the codings of e-mail, for eml.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_INGESTION_MIME_H
#define DESK_INGESTION_MIME_H

#include "ingestion/child/child.h"

/* Undo a Content-Transfer-Encoding; an unknown one leaves the bytes as they are. */
void mime_decode(struct desk_str body, const char *coding, struct desk_buf *out);
/* Bytes of a declared ("" for none) or guessed character set, added as UTF-8. */
void mime_to_utf8(struct desk_str bytes, const char *charset, struct desk_buf *out);
/* A header's value with its encoded words (RFC 2047) read. */
void mime_header_text(struct desk_str value, struct desk_buf *out);
/* A parameter of a structured header: mime_param(type, "charset", &b). Missing adds nothing. */
void mime_param(struct desk_str value, const char *name, struct desk_buf *out);

#endif
