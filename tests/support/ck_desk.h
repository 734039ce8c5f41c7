/* tests/support/ck_desk.h - what every Check test of the house starts from. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CK_DESK_H
#define CK_DESK_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

/* The call succeeds; its error text is shown otherwise. */
#define ck_ok(call, err) \
	ck_assert_msg((call) == DESK_OK, "%s: %s", #call, (err)->text)
/* The call fails with this status, and its text has this part. */
#define ck_fails(call, status, err, part)                                               \
	do {                                                                             \
		ck_assert_int_eq((call), (status));                                      \
		ck_assert_msg(strstr((err)->text, (part)) != NULL, "got: %s", (err)->text); \
	} while (0)

/* One suite, one runner: int main(void) { return ck_run("room", cases, n); } */
static inline int ck_run_suite(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
