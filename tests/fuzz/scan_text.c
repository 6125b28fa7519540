/* Fuzz target: words of documents in each format. The first byte chooses one; a PDF's streams are parted by zero bytes. What comes
 * out is made NFKC, which is UTF-8 whatever went in, and bounded. */
#include "scan/plain.h"
#include "scan/text/formats.h"

#include "base/encode.h"

#include <gsf/gsf-utils.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_pdf(struct buf *out, const char *data, size_t len)
{
	static struct pdf_text *p;

	if (!p && !(p = pdf_text_new()))
		return;
	for (size_t at = 0; at < len;) {
		const char *end = memchr(data + at, 0, len - at);
		size_t n = end ? (size_t)(end - data) - at : len - at;
		pdf_text_add(p, data + at, n);
		at += n + 1;
	}
	pdf_text_end(p, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	_cleanup_buf_ struct buf words = BUF_INIT(1 << 18), plain = BUF_INIT(1 << 19);

	if (!ready)
		gsf_init();
	ready = true;
	if (size < 1)
		return 0;
	/* A copy of its own length, so that one byte beyond is noticed. */
	size_t len = size - 1;
	char *copy = malloc(len ? len : 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, len);
	switch (data[0] % 6) {
	case 0:
		plain_xml(&words, copy, len);
		break;
	case 1:
		read_pdf(&words, copy, len);
		break;
	case 2:
		text_rtf(&words, copy, len);
		break;
	case 3:
		text_biff(&words, (const uint8_t *)copy, len);
		break;
	case 4:
		text_ole2(&words, (const uint8_t *)copy, len);
		break;
	default:
		buf_add(&words, copy, len);
	}
	free(copy);
	if (words.len > words.max)
		__builtin_trap();
	plain_normal(&plain, buf_str(&words), words.len);
	for (size_t i = 0; i < plain.len;) {
		size_t n = utf8_length(plain.data + i, plain.len - i);
		if (n == 0 && i + 4 < plain.len)
			__builtin_trap();
		i += n ? n : 1;
	}
	return 0;
}
