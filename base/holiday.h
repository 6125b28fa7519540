/* Japan's public holidays, for rules that ask whether somebody worked on one.
 *
 * Source: the Act on National Holidays (国民の祝日に関する法律, Act No. 178 of 1948) as it stood in each year, and the acts that
 * moved days in 2019 (accession and enthronement), 2020 and 2021 (Olympic Games); single days by their own acts (1989, 1990,
 * 1993). The equinoxes, which the government announces each February for the next year, follow the usual approximation of the
 * almanac, good from 1980 to 2099: before and after there are no holidays here.
 *
 * Pure functions, any thread. */
#ifndef BASE_HOLIDAY_H
#define BASE_HOLIDAY_H

#include <stdint.h>

#define HOLIDAY_FIRST_YEAR 1980
#define HOLIDAY_LAST_YEAR 2099

/* The Japanese name of the holiday on a day (month 1 to 12), or NULL when it is none or no day at all. A substitute is
 * "振替休日", a day between two holidays "国民の休日". */
const char *holiday_name(int year, int month, int day);

/* The same for an instant, as the calendar stands in Japan at that moment. */
const char *holiday_at(int64_t ms);

#endif
