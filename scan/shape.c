/* Formats that hide content; see shape.h. Called from the inspection callback in a worker.
 * Sources: RFC 8878 (zstd), the LZ4 and lzip frame formats, RFC 5652 (CMS), RFC 9580 (OpenPGP), bzip2's block magic. */
#include "scan/shape.h"

#include "base/cleanup.h"

#include <string.h>
#include <zlib.h>

static bool type_is(const char *type, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(type, names[i]) == 0)
			return true;
	return false;
}

bool shape_is_zip(const char *type)
{
	static const char *const names[] = {"CL_TYPE_ZIP", "CL_TYPE_ZIPSFX", "CL_TYPE_OOXML_WORD",
		"CL_TYPE_OOXML_XL", "CL_TYPE_OOXML_PPT", "CL_TYPE_OOXML_HWP"};

	return type_is(type, names, ARRAY_SIZE(names));
}

static bool starts(const uint8_t *data, size_t len, size_t at, const void *magic, size_t n)
{
	return len >= at + n && memcmp(data + at, magic, n) == 0;
}

struct magic {
	uint8_t at, len;
	const char *bytes;
};

#define MAGIC(at, text) {at, sizeof(text) - 1, text}

static bool has_magic(const uint8_t *d, size_t len, const struct magic *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (starts(d, len, list[i].at, list[i].bytes, list[i].len))
			return true;
	return false;
}

/* What .lzma files begin with: properties, the dictionary's size (a round one), the size of the content or none, and
 * the coder's first byte, which is always zero. */
static bool is_lzma(const uint8_t *d, size_t len)
{
	bool endless = starts(d, len, 5, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);

	return len > 14 && d[0] == 0x5d && d[1] == 0 && (d[2] & 0x0f) == 0 && d[4] < 0x40 && (d[3] || d[4] || d[2]) &&
		(endless || (d[10] == 0 && d[11] == 0 && d[12] == 0)) && d[13] == 0;
}

/* Packed, and libclamav has no reader for it. */
static bool is_opaque(const uint8_t *d, size_t len)
{
	static const struct magic magics[] = {
		/* packages, file systems and disk images */
		MAGIC(0, "!<arch>\ndebian-binary"), MAGIC(0, "\xed\xab\xee\xdb"), MAGIC(0, "hsqs"), MAGIC(0, "sqsh"),
		MAGIC(0, "\x45\x3d\xcd\x28"), MAGIC(0, "\x28\xcd\x3d\x45"), MAGIC(0, "vhdxfile"), MAGIC(0, "KDMV"),
		MAGIC(0, "QFI\xfb"), MAGIC(0, "conectix"), MAGIC(64, "\x7f\x10\xda\xbe"), /* VirtualBox */
		MAGIC(0, "MSWIM\0\0\0"),
		/* compressors */
		MAGIC(0, "\x28\xb5\x2f\xfd"), MAGIC(0, "\x04\x22\x4d\x18"), MAGIC(0, "\x02\x21\x4c\x18"), /* zstd, lz4 */
		MAGIC(0, "LZIP\x01"), MAGIC(0, "\x89LZO\0\r\n\x1a\n"), MAGIC(0, "\xff\x06\0\0sNaPpY"), MAGIC(0, "LRZI\0"),
		MAGIC(0, "RZIP\x02"), MAGIC(0, "\x1f\x1e"), MAGIC(0, "\x1f\x9f"), MAGIC(0, "\x1f\xa0"),
		MAGIC(0, "KWAJ\x88\xf0\x27\xd1"), MAGIC(0, "SZ \x88\xf0\x27\x33\xd1"), MAGIC(0, "zPQ"), MAGIC(0, "7kSt"),
		/* archivers */
		MAGIC(7, "**ACE**"), MAGIC(20, "\xdc\xa7\xc4\xfd"), MAGIC(0, "ArC\x01"), MAGIC(0, "UHA\x06"),
		MAGIC(0, "SIT!"), MAGIC(0, "StuffIt (c)"),
	};

	if (has_magic(d, len, magics, ARRAY_SIZE(magics)) || is_lzma(d, len) ||
		(len > 512 && starts(d, len, len - 512, "conectix", 8)))
		return true;
	/* zstd and lz4 files may begin with a frame to be skipped; compress: 9 to 16 bits, reserved bits zero */
	return (len > 12 && (d[0] & 0xf0) == 0x50 && starts(d, len, 1, "\x2a\x4d\x18", 3)) ||
		(starts(d, len, 0, "\x1f\x9d", 2) && len > 8 && (d[2] & 0x60) == 0 && (d[2] & 0x1f) >= 9 &&
			(d[2] & 0x1f) <= 16);
}

/* CMS EnvelopedData or EncryptedData in DER or BER: SEQUENCE, then the object identifier. */
static bool is_cms_encrypted(const uint8_t *d, size_t len)
{
	static const uint8_t oid[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07};
	size_t at = 2;

	if (len < 20 || d[0] != 0x30)
		return false;
	if (d[1] & 0x80)
		at += d[1] & 0x7f;
	return at <= 6 && starts(d, len, at, oid, sizeof(oid)) && len > at + sizeof(oid) &&
		(d[at + sizeof(oid)] == 3 || d[at + sizeof(oid)] == 6);
}

/* An OpenPGP message in binary: the first packet is a session key, encrypted to a key (tag 1, version 3) or by a
 * password (tag 3, version 4). */
static bool is_pgp_encrypted(const uint8_t *d, size_t len)
{
	size_t at = 2;
	unsigned tag;

	if (len < 32 || !(d[0] & 0x80))
		return false;
	if (d[0] & 0x40) {
		tag = d[0] & 0x3f;
		at = d[1] < 192 ? 2 : 3;
	} else {
		tag = d[0] >> 2 & 0x0f;
		at = (d[0] & 3) == 0 ? 2 : 3;
		if ((d[0] & 3) > 1)
			return false;
	}
	if (tag == 1)
		return d[at] == 3 && (d[at + 9] <= 3 || d[at + 9] == 16 || d[at + 9] == 18 || d[at + 9] == 25) && d[at + 9] > 0;
	return tag == 3 && d[at] == 4 && d[at + 1] >= 1 && d[at + 1] <= 13 && d[at + 2] <= 3 && d[at + 2] != 2 &&
		d[at + 3] >= 1 && d[at + 3] <= 14;
}

static bool is_encrypted(const uint8_t *d, size_t len)
{
	static const struct magic magics[] = {
		MAGIC(0, "-----BEGIN PGP MESSAGE-----"), MAGIC(0, "age-encryption.org/v1\n"),
		MAGIC(0, "-----BEGIN AGE ENCRYPTED FILE-----"), MAGIC(0, "Salted__"), MAGIC(0, "U2FsdGVkX1"), /* openssl enc */
		MAGIC(0, "$ANSIBLE_VAULT;"), MAGIC(0, "LUKS\xba\xbe"), MAGIC(3, "-FVE-FS-"), /* BitLocker */
		MAGIC(0, "\xc0\xb9\x07\x2e\x4f\x93\xf1\x46\xa0\x15\x79\x2c\xa1\xd9\xe8\x21"), /* AxCrypt */
		MAGIC(0, "\x2epfile"), /* Azure Rights Management */
	};

	return has_magic(d, len, magics, ARRAY_SIZE(magics)) || is_cms_encrypted(d, len) || is_pgp_encrypted(d, len);
}

/* A bzip2 file may be several streams in a row (pbzip2 writes them so); libclamav looks at the first one alone.
 * In gzip and xz files it takes all. */
static bool has_more_streams(const char *type, const uint8_t *d, size_t len)
{
	static const uint8_t block[] = {0x31, 0x41, 0x59, 0x26, 0x53, 0x59};
	const uint8_t *p = d, *end = d + len;

	if (strcmp(type, "CL_TYPE_BZ") != 0)
		return false;
	while ((p = memmem(p, (size_t)(end - p), block, sizeof(block)))) {
		if (p - d > 4 && memcmp(p - 4, "BZh", 3) == 0)
			return true;
		p++;
	}
	return false;
}

/* Signatures of archives occur in programs that read them: a find inside a program counts as an archive only
 * when the header behind the signature is whole. */
static bool is_real_sfx(const char *type, const uint8_t *d, size_t len)
{
	if (strcmp(type, "CL_TYPE_7ZSFX") == 0)
		return len >= 32 && d[8] + (uint32_t)d[9] * 0x100u + (uint32_t)d[10] * 0x10000u + (uint32_t)d[11] * 0x1000000u ==
			crc32(0, d + 12, 20);
	if (strcmp(type, "CL_TYPE_RARSFX") == 0)
		return starts(d, len, 0, "Rar!\x1a\x07", 6) && len > 20 &&
			((d[6] == 0 && d[9] == 0x73) || (d[6] == 1 && d[7] == 0));
	return false;
}

enum shape shape_of(const char *type, const uint8_t *data, size_t len)
{
	static const char *const archives[] = {"CL_TYPE_ZIP", "CL_TYPE_7Z", "CL_TYPE_RAR", "CL_TYPE_MSCAB",
		"CL_TYPE_POSIX_TAR", "CL_TYPE_OLD_TAR", "CL_TYPE_CPIO_OLD", "CL_TYPE_CPIO_ODC", "CL_TYPE_CPIO_NEWC",
		"CL_TYPE_CPIO_CRC", "CL_TYPE_ARJ", "CL_TYPE_EGG", "CL_TYPE_ALZ", "CL_TYPE_LHA_LZH", "CL_TYPE_ISO9660",
		"CL_TYPE_UDF", "CL_TYPE_DMG", "CL_TYPE_XAR", "CL_TYPE_MSCHM", "CL_TYPE_OOXML_WORD", "CL_TYPE_OOXML_XL",
		"CL_TYPE_OOXML_PPT", "CL_TYPE_OOXML_HWP"};
	static const char *const streams[] = {"CL_TYPE_GZ", "CL_TYPE_BZ", "CL_TYPE_XZ", "CL_TYPE_MSSZDD"};

	if (type_is(type, streams, ARRAY_SIZE(streams)))
		return has_more_streams(type, data, len) ? SHAPE_OPAQUE : SHAPE_STREAM;
	if (type_is(type, archives, ARRAY_SIZE(archives)) || is_real_sfx(type, data, len))
		return SHAPE_ARCHIVE;
	if (is_opaque(data, len))
		return SHAPE_OPAQUE;
	return is_encrypted(data, len) ? SHAPE_ENCRYPTED : SHAPE_PLAIN;
}

/* An OpenDocument file keeps its encrypted members as stored ones; the manifest alone says so. */
bool shape_is_encrypted_manifest(const char *name, const uint8_t *data, size_t len)
{
	size_t n = strlen(name);

	return (n >= 12 && strcmp(name + n - 12, "manifest.xml") == 0 && memmem(data, len, "encryption-data", 15)) ||
		(n >= 6 && strcmp(name + n - 6, ".iwpv2") == 0);
}

/* APPNOTE.TXT 4.3.16: the end record, before it the directory of the size that it tells. */
static const uint8_t *find_zip_end(const uint8_t *data, size_t len, size_t *ret_directory)
{
	static const uint8_t end[] = {'P', 'K', 5, 6}, entry[] = {'P', 'K', 1, 2};
	size_t from = len > 65557 ? len - 65557 : 0; /* the record and the longest comment */

	if (len < 22)
		return NULL;
	for (const uint8_t *p = data + from; (p = memmem(p, (size_t)(data + len - p), end, sizeof(end))); p++) {
		size_t at = (size_t)(p - data);
		if (len - at < 22)
			return NULL;
		size_t size = p[12] | (size_t)p[13] << 8 | (size_t)p[14] << 16 | (size_t)p[15] << 24;
		if (size >= 46 && size <= at && memcmp(p - size, entry, sizeof(entry)) == 0) {
			*ret_directory = at - size;
			return p;
		}
	}
	return NULL;
}

bool shape_has_zip_end(const uint8_t *data, size_t len)
{
	size_t directory;

	return find_zip_end(data, len, &directory) != NULL;
}

void shape_zip_walk(const uint8_t *data, size_t len, struct zip_walk *ret)
{
	size_t directory = 0;
	const uint8_t *end = find_zip_end(data, len, &directory);

	*ret = (struct zip_walk){end ? data + directory : NULL, end, end ? 65536 : 0};
}

bool shape_zip_next(struct zip_walk *w, struct zip_entry *ret)
{
	const uint8_t *p = w->at;

	if (w->left-- <= 0 || w->end - p < 46 || memcmp(p, "PK\x01\x02", 4) != 0)
		return false;
	size_t name = p[28] | (size_t)p[29] << 8, more = (p[30] | (size_t)p[31] << 8) + (p[32] | (size_t)p[33] << 8);
	if ((size_t)(w->end - p) < 46 + name)
		return false;
	*ret = (struct zip_entry){(const char *)p + 46, name, (uint16_t)(p[8] | p[9] << 8), (uint16_t)(p[10] | p[11] << 8)};
	w->at = (size_t)(w->end - p) < 46 + name + more ? w->end : p + 46 + name + more;
	return true;
}

bool shape_is_empty_stream(const char *type, const uint8_t *data, size_t len)
{
	if (strcmp(type, "CL_TYPE_GZ") == 0)
		return len >= 18 && len < 600 && data[len - 4] <= 5 && !data[len - 3] && !data[len - 2] && !data[len - 1];
	return len <= 64;
}
