/* See holiday.h. Days are counted since 1970-01-01, which was a Thursday. */
#include "base/holiday.h"

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

#define MS_DAY INT64_C(86400000)
#define MS_JAPAN INT64_C(32400000) /* nine hours ahead all year: no summer time since 1952 */
#define EVER HOLIDAY_LAST_YEAR

/* What the act names, by the years in which it did. A day of 0 is the Monday of that number (`monday`). */
static const struct fixed {
	short from, to;
	signed char month, day, monday;
	const char *name;
} fixed[] = {
	{1980, EVER, 1, 1, 0, "元日"},
	{1980, 1999, 1, 15, 0, "成人の日"},
	{2000, EVER, 1, 0, 2, "成人の日"},
	{1980, EVER, 2, 11, 0, "建国記念の日"},
	{2020, EVER, 2, 23, 0, "天皇誕生日"},
	{1980, 1988, 4, 29, 0, "天皇誕生日"},
	{1989, 2006, 4, 29, 0, "みどりの日"},
	{2007, EVER, 4, 29, 0, "昭和の日"},
	{1980, EVER, 5, 3, 0, "憲法記念日"},
	{2007, EVER, 5, 4, 0, "みどりの日"},
	{1980, EVER, 5, 5, 0, "こどもの日"},
	{1996, 2002, 7, 20, 0, "海の日"},
	{2003, 2019, 7, 0, 3, "海の日"},
	{2020, 2020, 7, 23, 0, "海の日"},
	{2021, 2021, 7, 22, 0, "海の日"},
	{2022, EVER, 7, 0, 3, "海の日"},
	{2016, 2019, 8, 11, 0, "山の日"},
	{2020, 2020, 8, 10, 0, "山の日"},
	{2021, 2021, 8, 8, 0, "山の日"},
	{2022, EVER, 8, 11, 0, "山の日"},
	{1980, 2002, 9, 15, 0, "敬老の日"},
	{2003, EVER, 9, 0, 3, "敬老の日"},
	{1980, 1999, 10, 10, 0, "体育の日"},
	{2000, 2019, 10, 0, 2, "体育の日"},
	{2020, 2020, 7, 24, 0, "スポーツの日"},
	{2021, 2021, 7, 23, 0, "スポーツの日"},
	{2022, EVER, 10, 0, 2, "スポーツの日"},
	{1980, EVER, 11, 3, 0, "文化の日"},
	{1980, EVER, 11, 23, 0, "勤労感謝の日"},
	{1989, 2018, 12, 23, 0, "天皇誕生日"},
	/* once, each by an act of its own */
	{1989, 1989, 2, 24, 0, "昭和天皇の大喪の礼"},
	{1990, 1990, 11, 12, 0, "即位礼正殿の儀"},
	{1993, 1993, 6, 9, 0, "皇太子徳仁親王の結婚の儀"},
	{2019, 2019, 5, 1, 0, "天皇の即位の日"},
	{2019, 2019, 10, 22, 0, "即位礼正殿の儀の行われる日"},
};

static bool leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
	static const signed char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && leap(year));
}

/* Days from 1970-01-01; years from 1970. */
static int days_from(int year, int month, int day)
{
	int before = year - 1, days = (year - 1970) * 365 + (before / 4 - before / 100 + before / 400) -
				      (1969 / 4 - 1969 / 100 + 1969 / 400);

	for (int m = 1; m < month; m++)
		days += month_days(year, m);
	return days + day - 1;
}

static bool is_sunday(int days)
{
	return (days + 4) % 7 == 0;
}

static int first_monday(int year, int month)
{
	int weekday = (days_from(year, month, 1) + 3) % 7; /* Monday 0 */

	return 1 + (7 - weekday) % 7;
}

/* The almanac's moment in millionths of a day, less the leap days. */
static int equinox(int year, int at_1980)
{
	int n = year - 1980;

	return (at_1980 + 242194 * n) / 1000000 - n / 4;
}

/* What the act names itself: "national holiday", from which the other two kinds follow. */
static const char *named(int year, int month, int day)
{
	if (month == 3 && day == equinox(year, 20843100))
		return "春分の日";
	if (month == 9 && day == equinox(year, 23248800))
		return "秋分の日";
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		const struct fixed *f = &fixed[i];
		if (year < f->from || year > f->to || month != f->month)
			continue;
		if (day == (f->day ? f->day : first_monday(year, month) + (f->monday - 1) * 7))
			return f->name;
	}
	return NULL;
}

/* The day before or after; none lies at the turn of a year (January 1st is never reached from below by a
 * rule, and December 31st is no holiday), so that the year is the same. */
static const char *named_beside(int year, int month, int day, int step)
{
	day += step;
	if (day < 1)
		day += --month >= 1 ? month_days(year, month) : 0;
	else if (day > month_days(year, month))
		day -= month_days(year, month++);
	return month >= 1 && month <= 12 ? named(year, month, day) : NULL;
}

/* Article 3, 2: the next day that is no holiday by itself after one that fell on a Sunday; until 2006 the
 * Monday only. */
static bool is_substitute(int year, int month, int day)
{
	int days = days_from(year, month, day);

	for (int back = 1; back <= (year < 2007 ? 1 : 6); back++) {
		if (!named_beside(year, month, day, -back))
			return false;
		if (is_sunday(days - back))
			return true;
	}
	return false;
}

const char *holiday_name(int year, int month, int day)
{
	if (year < HOLIDAY_FIRST_YEAR || year > HOLIDAY_LAST_YEAR || month < 1 || month > 12 || day < 1 ||
		day > month_days(year, month))
		return NULL;
	const char *name = named(year, month, day);
	if (name)
		return name;
	if (is_substitute(year, month, day))
		return "振替休日";
	/* Article 3, 3, since the end of 1985; until 2006 not on Sundays. */
	if (year >= 1986 && (year >= 2007 || !is_sunday(days_from(year, month, day))) &&
		named_beside(year, month, day, -1) && named_beside(year, month, day, 1))
		return "国民の休日";
	return NULL;
}

const char *holiday_at(int64_t ms)
{
	if (ms < 0 || ms > INT64_C(4102444800000)) /* 2100 */
		return NULL;
	int days = (int)((ms + MS_JAPAN) / MS_DAY), year = 1970, month = 1;
	for (int n; days >= (n = leap(year) ? 366 : 365); year++)
		days -= n;
	for (int n; days >= (n = month_days(year, month)); month++)
		days -= n;
	return holiday_name(year, month, days + 1);
}
