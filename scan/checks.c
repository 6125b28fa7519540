/* Check digits; see checks.h. Sources: ISO/IEC 7812-1 (Luhn), the networks' published ranges; Ordinance No. 85 of 2014 of
 * the Ministry of Internal Affairs and Communications, article 5 (the individual number's check digit). */
#include "scan/checks.h"

static bool luhn(const char *digits, size_t n)
{
	int sum = 0;

	for (size_t i = 0; i < n; i++) {
		int d = digits[n - 1 - i] - '0';
		if (i % 2)
			d = d > 4 ? 2 * d - 9 : 2 * d;
		sum += d;
	}
	return sum % 10 == 0;
}

/* A number of one digit throughout is what people type into forms. */
static bool all_same(const char *digits, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (digits[i] != digits[0])
			return false;
	return true;
}

bool check_card(const char *digits, size_t n)
{
	static const struct {
		int from, to; /* first four digits */
		unsigned lengths; /* a bit each */
	} ranges[] = {
		{4000, 4999, 1u << 13 | 1u << 16 | 1u << 19}, /* Visa */
		{5100, 5599, 1u << 16},                       /* Mastercard */
		{2221, 2720, 1u << 16},
		{3400, 3499, 1u << 15}, /* American Express */
		{3700, 3799, 1u << 15},
		{3528, 3589, 1u << 16 | 1u << 17 | 1u << 18 | 1u << 19}, /* JCB */
		{3000, 3059, 1u << 14},                                  /* Diners Club */
		{3095, 3095, 1u << 14},
		{3600, 3699, 1u << 14},
		{3800, 3999, 1u << 14},
		{6011, 6011, 1u << 16 | 1u << 19}, /* Discover */
		{6440, 6599, 1u << 16 | 1u << 19},
		{6200, 6299, 1u << 16 | 1u << 17 | 1u << 18 | 1u << 19}, /* UnionPay */
	};
	int first = 0;

	if (n < 13 || n > 19)
		return false;
	for (int i = 0; i < 4; i++)
		first = first * 10 + (digits[i] - '0');
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (first >= ranges[i].from && first <= ranges[i].to && (ranges[i].lengths >> n & 1))
			return luhn(digits, n);
	return false;
}

bool check_my_number(const char *digits, size_t n)
{
	int sum = 0;

	if (n != 12 || all_same(digits, n))
		return false;
	for (int k = 1; k <= 11; k++)
		sum += (digits[11 - k] - '0') * (k <= 6 ? k + 1 : k - 5);
	int rest = sum % 11;
	return digits[11] - '0' == (rest <= 1 ? 0 : 11 - rest);
}
