/* ID tokens: whatever bytes come, taking them apart reads nothing beyond them, and nothing unsigned is taken. */
#include "auth/idtoken.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char keys[] =
	"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"k\",\"e\":\"AQAB\",\"n\":\"u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0_"
	"IzW7yWR7QkrmBL7jTKEn5u-qKhbwKfBstIs-bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRniWaoLcyehkd3qqGElvW_VDL5AaWTg0nLVkjRo9z-"
	"40RQzuVaE8AkAFmxZzow3x-VJYKdjykkJ0iT9wCS0DRTXu269V264Vf_3jvredZiKRkgwlL9xNAwxXFg0x_XFw005UWVRIkdgcKWTjpBP2dPwVZ4WWC-9aGVd-"
	"Gyn1o0CLelf4rEjGoXbAAEgAqeGUxrcIlbjXfbcmw\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct idtoken_want want = {"https://i.example", "us", "n", 1795000000};
	_cleanup_json_ cJSON *set = NULL, *claims = NULL;
	char *token = strndup((const char *)data, size);
	struct err err;

	if (!token || json_parse(keys, strlen(keys), &set, &err) < 0)
		__builtin_trap();
	if (idtoken_verify(token, set, &want, &claims, &err) == 0)
		__builtin_trap();
	free(token);
	return 0;
}
