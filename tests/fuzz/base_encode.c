/* Decoders take anything; what they cleaned is valid UTF-8; times and URLs of any form are read or refused. */
#include "base/encode.h"
#include "base/timeutil.h"
#include "base/units.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 22), text = BUF_INIT(1 << 22);
	int64_t v;

	if (base64_decode(&out, s, size) < 0)
		buf_clear(&out);
	buf_clear(&out);
	if (url_decode(&out, s, size, true) < 0)
		buf_clear(&out);
	buf_clear(&out);
	if (utf8_clean(&out, s, size, size & 1) == 0)
		for (size_t i = 0, n; i < out.len; i += n)
			if ((n = utf8_length(out.data + i, out.len - i)) == 0)
				__builtin_trap();
	if (buf_add(&text, s, size) == 0) {
		buf_clear(&out);
		form_get(buf_str(&text), "a", &out);
		time_parse(buf_str(&text), &v);
		time_parse_http(buf_str(&text), &v);
		units_size(buf_str(&text), &v);
		units_duration(buf_str(&text), &v);
	}
	return 0;
}
