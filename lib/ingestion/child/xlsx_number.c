/* lib/ingestion/child/xlsx_number.c - a cell's number as a person sees it: dates, percents, plain. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ECMA-376 part 1, 18.8.30 (number formats) and 18.17.4.1 (dates are days since the epoch). */
#include "ingestion/child/child.h"

#include <math.h>
#include <string.h>

enum number_kind { NUMBER_PLAIN, NUMBER_PERCENT, NUMBER_DATE, NUMBER_TIME, NUMBER_DATETIME };

/* Past what is quoted, bracketed or escaped at p; p itself when nothing is. NULL: no end to it. */
static const char *number_skip(const char *p)
{
	const char *end;

	if (*p == '\\' && p[1] != '\0')
		return p + 2;
	if (*p != '"' && *p != '[')
		return p;
	end = strchr(p + 1, *p == '"' ? '"' : ']');
	return end != NULL ? end + 1 : NULL;
}

/* By the letters of a format's code; [h] is hours beyond a day. */
static enum number_kind number_of_code(const char *code)
{
	bool day = false, clock = strstr(code, "[h") != NULL || strstr(code, "[m") != NULL;
	bool percent = false;

	for (const char *p = code; p != NULL && *p != '\0' && *p != ';';) {
		const char *next = number_skip(p);

		if (next != p) {
			p = next;
			continue;
		}
		day |= strchr("yYdD", *p) != NULL;
		clock |= strchr("hHsS", *p) != NULL;
		percent |= *p == '%';
		p++;
	}
	if (day && clock)
		return NUMBER_DATETIME;
	if (day || clock)
		return day ? NUMBER_DATE : NUMBER_TIME;
	return percent ? NUMBER_PERCENT : NUMBER_PLAIN;
}

/* The built-in formats. */
static enum number_kind number_of_id(int64_t id)
{
	static const struct {
		int64_t          from, to;
		enum number_kind kind;
	} rows[] = {
		{ 9, 10, NUMBER_PERCENT }, { 14, 17, NUMBER_DATE }, { 18, 21, NUMBER_TIME },
		{ 22, 22, NUMBER_DATETIME }, { 27, 31, NUMBER_DATE }, { 32, 35, NUMBER_TIME },
		{ 36, 36, NUMBER_DATE }, { 45, 47, NUMBER_TIME }, { 50, 58, NUMBER_DATE },
	};

	for (size_t i = 0; i < DESK_ARRAY_LEN(rows); i++)
		if (id >= rows[i].from && id <= rows[i].to)
			return rows[i].kind;
	return NUMBER_PLAIN;
}

/* Days since 1970 to a date of the civil calendar. */
static void number_civil(int64_t days, int *y, int *m, int *d)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = (int)(yoe + era * 400 + (*m <= 2));
}

static void number_date(double v, enum number_kind kind, bool date1904, struct desk_buf *out)
{
	int64_t day = (int64_t)floor(v), seconds = llround((v - floor(v)) * 86400);
	int y, m, d;

	if (seconds == 86400)
		day++, seconds = 0;
	if (!date1904 && day < 60)
		day++;	/* the 29 February 1900 that never was */
	number_civil(day - (date1904 ? 24107 : 25569), &y, &m, &d);
	if (kind != NUMBER_TIME)
		desk_buf_addf(out, "%04d-%02d-%02d", y, m, d);
	if (kind == NUMBER_TIME || (kind == NUMBER_DATETIME && seconds != 0)) {
		if (kind == NUMBER_DATETIME)
			desk_buf_addc(out, ' ');
		desk_buf_addf(out, "%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60));
		if (seconds % 60 != 0)
			desk_buf_addf(out, ":%02d", (int)(seconds % 60));
	}
}

void extract_xlsx_number(struct desk_str raw, int64_t fmt_id, const char *fmt, bool date1904,
			 struct desk_buf *out)
{
	enum number_kind kind = fmt[0] != '\0' ? number_of_code(fmt) : number_of_id(fmt_id);
	char digits[64];
	double v;

	if (raw.n >= sizeof(digits)) {
		desk_buf_add(out, raw.p, raw.n);
		return;
	}
	memcpy(digits, raw.p, raw.n);
	digits[raw.n] = '\0';
	if (!desk_parse_double(digits, &v))
		desk_buf_add(out, raw.p, raw.n);
	else if (kind == NUMBER_PERCENT)
		desk_buf_addf(out, "%.10g%%", v * 100);
	else if (kind != NUMBER_PLAIN && v >= 0 && v < 2958466)
		number_date(v, kind, date1904, out);
	else
		desk_buf_addf(out, fabs(v) < 1e15 && v == floor(v) ? "%.0f" : "%.15g", v);
}
