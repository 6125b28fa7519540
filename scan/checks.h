/* What proves that digits are what they look like: check digits, ranges, lengths. Pure functions. */
#ifndef SCAN_CHECKS_H
#define SCAN_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

/* digits: n characters '0' to '9'. */
bool check_card(const char *digits, size_t n);      /* a payment card: range, length, Luhn */
bool check_my_number(const char *digits, size_t n); /* an individual's number in Japan: 12 digits, check digit */

#endif
