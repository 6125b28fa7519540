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

static bool is_opaque(const uint8_t *d, size_t len)
{
	/* Packages and disk images that libclamav has no reader for. */
	if (starts(d, len, 0, "!<arch>\ndebian-binary", 21) || starts(d, len, 0, "\xed\xab\xee\xdb", 4) ||
		starts(d, len, 0, "hsqs", 4) || starts(d, len, 0, "vhdxfile", 8) || starts(d, len, 0, "KDMV", 4) ||
		starts(d, len, 0, "QFI\xfb", 4) || starts(d, len, 0, "conectix", 8) ||
		(len > 512 && starts(d, len, len - 512, "conectix", 8)))
		return true;
	return starts(d, len, 0, "\x28\xb5\x2f\xfd", 4) ||  /* zstd */
		starts(d, len, 0, "\x04\x22\x4d\x18", 4) || /* lz4 */
		starts(d, len, 0, "LZIP\x01", 5) || starts(d, len, 7, "**ACE**", 7) ||
		starts(d, len, 0, "MSWIM\0\0\0", 8) || starts(d, len, 0, "zPQ", 3) ||
		/* compress: 9 to 16 bits, reserved bits zero */
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

static bool is_encrypted(const uint8_t *d, size_t len)
{
	static const char pgp[] = "-----BEGIN PGP MESSAGE-----";

	return starts(d, len, 0, pgp, sizeof(pgp) - 1) || is_cms_encrypted(d, len);
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

/* APPNOTE.TXT 4.3.16: the end record, before it the directory of the size that it tells. */
bool shape_has_zip_end(const uint8_t *data, size_t len)
{
	static const uint8_t end[] = {'P', 'K', 5, 6}, entry[] = {'P', 'K', 1, 2};
	size_t from = len > 65557 ? len - 65557 : 0; /* the record and the longest comment */

	if (len < 22)
		return false;
	for (const uint8_t *p = data + from; (p = memmem(p, (size_t)(data + len - p), end, sizeof(end))); p++) {
		size_t at = (size_t)(p - data);
		if (len - at < 22)
			return false;
		size_t size = p[12] | (size_t)p[13] << 8 | (size_t)p[14] << 16 | (size_t)p[15] << 24;
		if (size >= 46 && size <= at && memcmp(p - size, entry, sizeof(entry)) == 0)
			return true;
	}
	return false;
}

bool shape_is_empty_stream(const char *type, const uint8_t *data, size_t len)
{
	if (strcmp(type, "CL_TYPE_GZ") == 0)
		return len >= 18 && len < 600 && data[len - 4] <= 5 && !data[len - 3] && !data[len - 2] && !data[len - 1];
	return len <= 64;
}
