/* What proves that digits are what they look like: check digits, ranges, lengths. Pure functions. */
#ifndef SCAN_DETECT_CHECKS_H
#define SCAN_DETECT_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

/* digits: n characters '0' to '9'. */
bool check_card(const char *digits, size_t n);      /* a payment card: range, length, Luhn */
bool check_jan(const char *digits, size_t n);       /* an article's number, which shares Visa's old range of 13 digits: JAN and EAN */
bool check_my_number(const char *digits, size_t n); /* an individual's number in Japan: 12 digits, check digit */
bool check_corporate(const char *digits, size_t n); /* a corporation's number in Japan: 13 digits, the first one checks */
bool check_licence(const char *digits, size_t n);   /* a driving licence of Japan: 12 digits, prefecture, the 11th checks */
bool check_ssn(const char *digits, size_t n);       /* of the United States: 9 digits, areas and groups that are given out */
bool check_phone(const char *digits, size_t n, size_t first, size_t second); /* of Japan, with the lengths of its first groups; 0: not grouped */

/* n characters of A-Z and 0-9: country, its length, mod 97. */
bool check_iban(const char *s, size_t n);
/* The length of the country's, 0 when it has none. */
size_t check_iban_length(const char country[2]);

#endif
