/* Check digits; see checks.h. Sources: ISO/IEC 7812-1 (Luhn), the networks' published ranges; Ordinance No. 85 of 2014 of
 * the Ministry of Internal Affairs and Communications, article 5 (the individual number's check digit); Ordinance No. 70 of
 * 2014 of the Ministry of Finance, article 2 (the corporate number's); ISO 13616 and its register (IBAN); the Social Security
 * Administration's rules of 2011; the numbering plan of telephones of Japan. Of the driving licence's digit there is no law:
 * weights 5 4 3 2 7 6 5 4 3 2, modulus 11, as it is generally described. */
#include "scan/detect/checks.h"

#include <string.h>

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

bool check_jan(const char *digits, size_t n)
{
	int sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (digits[i] - '0') * (i % 2 ? 3 : 1);
	return n == 13 && sum % 10 == 0;
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

bool check_corporate(const char *digits, size_t n)
{
	int sum = 0;

	if (n != 13 || digits[0] == '0' || all_same(digits, n))
		return false;
	for (int k = 1; k <= 12; k++)
		sum += (digits[13 - k] - '0') * (k % 2 ? 1 : 2);
	return digits[0] - '0' == 9 - sum % 9;
}

bool check_licence(const char *digits, size_t n)
{
	/* Which second digits the first one has: of the public safety commission that issued the first licence. */
	static const char *const second[] = {"", "01234", "012345", "0", "0123456789", "012345", "012345", "01234", "0123", "01234567"};
	static const int weights[] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2};
	int sum = 0;

	if (n != 12 || !strchr(second[digits[0] - '0'], digits[1]))
		return false;
	for (int i = 0; i < 10; i++)
		sum += (digits[i] - '0') * weights[i];
	return digits[10] - '0' == (11 - sum % 11) % 10;
}

bool check_ssn(const char *digits, size_t n)
{
	/* On cards in shop windows and in advertisements: nobody's. */
	static const char *const never[] = {"078051120", "219099999", "457555462", "123456789"};

	if (n != 9 || digits[0] == '9' || memcmp(digits, "000", 3) == 0 || memcmp(digits, "666", 3) == 0 ||
		memcmp(digits + 3, "00", 2) == 0 || memcmp(digits + 5, "0000", 4) == 0 || all_same(digits, n))
		return false;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (memcmp(digits, never[i], 9) == 0)
			return false;
	return true;
}

bool check_phone(const char *d, size_t n, size_t first, size_t second)
{
	if (n < 10 || n > 11 || d[0] != '0' || d[1] == '0' || all_same(d + 1, n - 1))
		return false;
	if (memcmp(d, "0120", 4) == 0 || memcmp(d, "0570", 4) == 0)
		return n == 10 && (first == 0 || first == 4);
	if (memcmp(d, "0800", 4) == 0)
		return n == 11 && (first == 0 || (first == 4 && second == 3));
	if (d[2] == '0' && (d[1] == '5' || d[1] == '7' || d[1] == '8' || d[1] == '9'))
		return n == 11 && (first == 0 || (first == 3 && second == 4));
	/* A line's: the code of its area and that of its exchange have six digits together. */
	return n == 10 && d[1] != '0' && (first == 0 || (first >= 2 && first <= 5 && first + second == 6));
}

size_t check_iban_length(const char country[2])
{
	static const char list[] = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18"
				   "FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25"
				   "MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24"
				   "SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

	for (const char *p = list; *p; p += 4)
		if (p[0] == country[0] && p[1] == country[1])
			return (size_t)(p[2] - '0') * 10 + (size_t)(p[3] - '0');
	return 0;
}

bool check_iban(const char *s, size_t n)
{
	unsigned rest = 0;

	if (n < 15 || n != check_iban_length(s))
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = s[(i + 4) % n];
		if (c >= '0' && c <= '9')
			rest = (rest * 10 + (unsigned)(c - '0')) % 97;
		else if (c >= 'A' && c <= 'Z')
			rest = (rest * 100 + (unsigned)(c - 'A') + 10) % 97;
		else
			return false;
	}
	return rest == 1;
}
