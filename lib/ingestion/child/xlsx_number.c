/* lib/ingestion/child/xlsx_number.c - a cell's number as a person sees it: dates, percents, plain. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ECMA-376 part 1, 18.8.30 (number formats) and 18.17.4.1 (dates are days since the epoch). */
#include "ingestion/child/child.h"

#include <math.h>
#include <string.h>

enum number_kind { NUMBER_PLAIN, NUMBER_PERCENT, NUMBER_DATE, NUMBER_TIME, NUMBER_DATETIME };

/* Letters of a format's code outside quotes, brackets and escapes. */
static enum number_kind number_of_code(const char *code)
{
	bool day = false, clock = false, percent = false;

	for (const char *p = code; *p != '\0' && *p != ';'; p++) {
		if (*p == '"' || *p == '[') {
			const char *end = strchr(p + 1, *p == '"' ? '"' : ']');

			if (*p == '[' && (p[1] == 'h' || p[1] == 'm' || p[1] == 's'))
				clock = true;
			if (end == NULL)
				break;
			p = end;
		} else if (*p == '\\' && p[1] != '\0') {
			p++;
		} else if (strchr("yYdD", *p) != NULL) {
			day = true;
		} else if (strchr("hHsS", *p) != NULL) {
			clock = true;
		} else if (*p == '%') {
			percent = true;
		}
	}
	if (day || clock)
		return day && clock ? NUMBER_DATETIME : day ? NUMBER_DATE : NUMBER_TIME;
	return percent ? NUMBER_PERCENT : NUMBER_PLAIN;
}

static enum number_kind number_of_id(int64_t id)
{
	if (id == 9 || id == 10)
		return NUMBER_PERCENT;
	if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || (id >= 50 && id <= 58))
		return NUMBER_DATE;
	if ((id >= 18 && id <= 21) || (id >= 45 && id <= 47) || (id >= 32 && id <= 35))
		return NUMBER_TIME;
	return id == 22 ? NUMBER_DATETIME : NUMBER_PLAIN;
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
