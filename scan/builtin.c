/* The built-in set; see builtin.h. Used by generations while loading, and by whoever needs EICAR.
 * Source of EICAR: eicar.org, "Anti-Malware Testfile". */
#include "scan/builtin.h"

#include "builtin_rules.h"

#include "base/encode.h"

#include <string.h>

static const char *const files[] = {"sekisho.hsb", "sekisho.ndb", "sekisho-eicar.yar", "sekisho.yar"};

const char *builtin_file(int index)
{
	return index >= 0 && index < (int)ARRAY_SIZE(files) ? files[index] : NULL;
}

int builtin_eicar(struct buf *out)
{
	/* Each byte one higher than it is. */
	static const char shifted[] = "Y6P\"Q&ABQ\\5]Q[Y65)Q_*8DD*8~%FJDBS.TUBOEBSE.BOUJWJSVT.UFTU.GJMF\"%I,I+";

	for (size_t i = 0; i < sizeof(shifted) - 1; i++)
		if (buf_addc(out, (char)(shifted[i] - 1)) < 0)
			return -1;
	return 0;
}

static int add_hex(struct buf *out, const char *data, size_t len, bool wide, bool reverse)
{
	int r = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[reverse ? len - 1 - i : i];
		r |= buf_addf(out, wide ? "%02x00" : "%02x", c);
	}
	return r;
}

/* The base64 text that stands for the data at each of the three alignments, without the characters that the
 * bytes before and behind it have a share in. */
static int add_base64(struct buf *out, const char *data, size_t len, size_t before)
{
	_cleanup_buf_ struct buf padded = BUF_INIT(256), text = BUF_INIT(512);

	for (size_t i = 0; i < before; i++)
		buf_addc(&padded, 'x');
	if (buf_add(&padded, data, len) < 0 || base64_encode(&text, padded.data, padded.len / 3 * 3) < 0)
		return -1;
	size_t skip = before ? before + 1 : 0;
	return add_hex(out, text.data + skip, text.len - skip, false, false);
}

/* Anywhere in a small file: beside text, in UTF-16, backwards, in base64 that no mail or archive explains. */
static int add_eicar_rules(struct buf *out, const struct buf *eicar)
{
	int r = buf_adds(out, "rule Sekisho_EICAR_Disguised\n{\n\tstrings:\n");

	r |= buf_adds(out, "\t\t$plain = { ") | add_hex(out, eicar->data, eicar->len, false, false);
	r |= buf_adds(out, " }\n\t\t$wide = { ") | add_hex(out, eicar->data, eicar->len, true, false);
	r |= buf_adds(out, " }\n\t\t$back = { ") | add_hex(out, eicar->data, eicar->len, false, true);
	for (size_t i = 0; i < 3; i++) {
		r |= buf_addf(out, " }\n\t\t$base%zu = { ", i);
		r |= add_base64(out, eicar->data, eicar->len, i);
	}
	return r | buf_adds(out, " }\n\tcondition:\n\t\tfilesize < 8192 and any of them\n}\n");
}

static int add_hashes(struct buf *out)
{
	/* eicar_com.zip and eicarcom2.zip as eicar.org hands them out, for readers that do not unpack. */
	return buf_adds(out, "2546dcffc5ad854d4ddc64fbf056871cd5a00f2471cb7a5bfd4ac23b6e9eedad:184:Sekisho.EICAR-Zip\n"
			     "e1105070ba828007508566e28a2b8d4c65d192e9eaf3b7868382b7cae747b397:308:Sekisho.EICAR-Zip2\n");
}

int builtin_text(int index, struct buf *out)
{
	_cleanup_buf_ struct buf eicar = BUF_INIT(128);

	if (builtin_eicar(&eicar) < 0)
		return -1;
	switch (index) {
	case 0:
		return add_hashes(out);
	case 1:
		/* At the beginning, where eicar.org wants it, of a file of any type. */
		if (buf_adds(out, "Sekisho.EICAR-Test-File:0:0:") < 0 ||
			add_hex(out, eicar.data, eicar.len, false, false) < 0)
			return -1;
		return buf_addc(out, '\n');
	case 2:
		return add_eicar_rules(out, &eicar);
	case 3:
		return buf_add(out, builtin_rules, sizeof(builtin_rules));
	default:
		return -1;
	}
}
