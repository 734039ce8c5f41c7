/* ctl/progress.c - a bar on standard error, where that is a terminal. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <unistd.h>

#include "ctl.h"

#define PROGRESS_WIDTH 30
#define PROGRESS_EVERY_US 100000

void ctl_progress_begin(struct ctl_progress *p, const char *what)
{
	*p = (struct ctl_progress){ .on = isatty(STDERR_FILENO) == 1, .what = what };
}

void ctl_progress_show(struct ctl_progress *p, double done, double all, const char *note)
{
	int64_t now_us = desk_mono_us(NULL);
	double part = all > 0 ? done / all : 0;
	int full;

	if (!p->on || now_us - p->drawn_us < PROGRESS_EVERY_US)
		return;
	p->drawn_us = now_us;
	part = part < 0 ? 0 : part > 1 ? 1 : part;
	full = (int)(part * PROGRESS_WIDTH);
	fprintf(stderr, "\r\033[K%s [", p->what);
	for (int i = 0; i < PROGRESS_WIDTH; i++)
		fputs(i < full ? "█" : "·", stderr);
	fprintf(stderr, "] %3d %%  %s", (int)(part * 100), note != NULL ? note : "");
	fflush(stderr);
}

void ctl_progress_end(struct ctl_progress *p)
{
	if (p->on && p->drawn_us != 0)
		fputs("\r\033[K", stderr);
	p->on = false;
}
