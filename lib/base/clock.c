/* lib/base/clock.c - wall and monotonic time, injectable; deadlines. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base.h"

#include <stdio.h>
#include <time.h>

static int64_t clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t clock_wall(const struct desk_clock *c)
{
	(void)c;
	return clock_read(CLOCK_REALTIME);
}

static int64_t clock_mono(const struct desk_clock *c)
{
	(void)c;
	return clock_read(CLOCK_MONOTONIC);
}

const struct desk_clock desk_clock_system = { clock_wall, clock_mono };

int64_t desk_now_us(const struct desk_clock *c)
{
	return c != NULL ? c->wall_us(c) : clock_read(CLOCK_REALTIME);
}

int64_t desk_mono_us(const struct desk_clock *c)
{
	return c != NULL ? c->mono_us(c) : clock_read(CLOCK_MONOTONIC);
}

void desk_time_iso(int64_t wall_us, char out[32])
{
	time_t s = (time_t)(wall_us / 1000000);
	int us = (int)(wall_us % 1000000);
	struct tm tm;
	size_t n;

	if (us < 0) {
		us += 1000000;
		s--;
	}
	if (gmtime_r(&s, &tm) == NULL) {
		out[0] = '\0';
		return;
	}
	n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 32 - n, ".%06uZ", (unsigned)us % 1000000);
}

struct desk_deadline desk_deadline_in_ms(const struct desk_clock *c, int64_t ms)
{
	return (struct desk_deadline){ desk_mono_us(c) + ms * 1000 };
}

int desk_deadline_left_ms(const struct desk_clock *c, struct desk_deadline d, int cap)
{
	int64_t left;

	if (d.at_us == 0)
		return cap;
	left = (d.at_us - desk_mono_us(c) + 999) / 1000;
	if (left <= 0)
		return 0;
	return left < cap ? (int)left : cap;
}

bool desk_deadline_passed(const struct desk_clock *c, struct desk_deadline d)
{
	return d.at_us != 0 && desk_mono_us(c) >= d.at_us;
}
