/* lib/base/status.h - the status codes of the house, one row each. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_STATUS_H
#define DESK_STATUS_H

/*
 * X(code, HTTP status, exit code by sysexits.h, client text)
 * The client text is all that a caller outside may see for the codes of 500 and above.
 */
#define DESK_STATUS_ROWS(X)                                                          \
	X(DESK_OK,            200,  0, "OK")                                         \
	X(DESK_E_INPUT,       422, 65, "Invalid input")                              \
	X(DESK_E_SYNTAX,      400, 65, "Malformed request")                          \
	X(DESK_E_AUTH,        401, 77, "Not authenticated")                          \
	X(DESK_E_FORBIDDEN,   403, 77, "Forbidden")                                  \
	X(DESK_E_NOT_FOUND,   404, 66, "Not found")                                  \
	X(DESK_E_CONFLICT,    409, 73, "Conflict")                                   \
	X(DESK_E_TOO_LARGE,   413, 65, "Request body too large")                     \
	X(DESK_E_LIMIT,       429, 75, "Too many requests")                          \
	X(DESK_E_TIMEOUT,     504, 75, "Timed out")                                  \
	X(DESK_E_UPSTREAM,    502, 69, "Upstream failed")                            \
	X(DESK_E_DB,          500, 69, "Internal error")                             \
	X(DESK_E_UNAVAILABLE, 503, 69, "Service unavailable")                        \
	X(DESK_E_CONFIG,      500, 78, "Internal error")                             \
	X(DESK_E_IO,          500, 74, "Internal error")                             \
	X(DESK_E_BUG,         500, 70, "Internal error")

#define DESK_STATUS_ENUM(code, http, ex, text) code,
enum desk_status { DESK_STATUS_ROWS(DESK_STATUS_ENUM) DESK_STATUS_COUNT };
#undef DESK_STATUS_ENUM

#endif
