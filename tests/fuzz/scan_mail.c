/* Fuzz target: a mail is read, its texts made UTF-8, its pages and links taken apart; names. What is kept stays in its
 * bounds and is UTF-8. */
#include "scan/charset.h"
#include "scan/mail.h"
#include "scan/names.h"

#include "base/encode.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	mail_init();
	page_init();
	return 0;
}

static void check(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(s + i, len - i);
		if (n == 0)
			__builtin_trap();
		i += n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const charsets[] = {"", "iso-2022-jp", "utf-16", "shift_jis", "utf-8", "big5"};
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 20);
	struct scan_link list[SCAN_MAX_LINKS];
	struct links links = {.list = list};
	struct scan_mail head = {0};
	struct name_facts facts;
	struct mail m;
	char name[256];

	if (size < 1)
		return 0;
	charset_to_utf8(&text, charsets[data[0] % ARRAY_SIZE(charsets)], data + 1, size - 1);
	check(buf_str(&text), text.len);
	name_copy(name, sizeof(name), buf_str(&text), text.len);
	check(name, strlen(name));
	name_look(name, &facts);
	mail_is(data + 1, size - 1);
	if (mail_read(data + 1, size - 1, 0, 100, &head, &links, &m) < 0)
		return 0;
	check(head.subject, strlen(head.subject));
	check(buf_str(&m.text), m.text.len);
	for (int i = 0; i < links.n; i++)
		check(list[i].url, strlen(list[i].url));
	if (m.n_leaves > 100 || links.n > links.seen || head.n_addresses > head.addresses_seen)
		__builtin_trap();
	mail_free(&m);
	return 0;
}
