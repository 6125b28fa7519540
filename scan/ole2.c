/* A reader of OLE2 directories; see ole2.h. Called from the inspection callback in a worker.
 * Sources: [MS-CFB] 2.2 header, 2.6 directory entry; [MS-OFFCRYPTO] 2.3; [MS-DOC] 2.5.1 FibBase (fEncrypted);
 * [MS-XLS] 2.4.117 FilePass; [MS-PPT] 2.3.2 CurrentUserAtom (headerToken). */
#include "scan/ole2.h"

#include <stdint.h>
#include <string.h>

#define MAX_CHAIN 4096u /* sectors followed in one chain */
#define END_OF_CHAIN 0xfffffffau /* this and above are no sectors */

struct ole2 {
	const uint8_t *data;
	size_t len;
	size_t sector; /* bytes */
	uint32_t mini_cutoff;
	uint32_t mini_start; /* the first sector of the stream that holds small streams */
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static const uint8_t *sector_at(const struct ole2 *o, uint32_t n)
{
	uint64_t at = ((uint64_t)n + 1) * o->sector;

	if (n >= END_OF_CHAIN || at + o->sector > o->len)
		return NULL;
	return o->data + at;
}

/* The sector behind n, by the allocation table; only the table sectors that the header lists (109, enough for
 * 6.8 MB with small sectors) and those of the first DIFAT sectors are looked up. */
static uint32_t next_sector(const struct ole2 *o, uint32_t n)
{
	size_t per = o->sector / 4;
	uint32_t table = (uint32_t)(n / per), fat = END_OF_CHAIN;

	if (table < 109) {
		fat = get32(o->data + 76 + 4 * table);
	} else {
		uint32_t difat = get32(o->data + 68), left = table - 109;
		for (int i = 0; i < 64; i++) {
			const uint8_t *p = sector_at(o, difat);
			if (!p)
				return END_OF_CHAIN;
			if (left < per - 1) {
				fat = get32(p + 4 * left);
				break;
			}
			left -= (uint32_t)per - 1;
			difat = get32(p + 4 * (per - 1));
		}
	}
	const uint8_t *p = sector_at(o, fat);
	return p ? get32(p + 4 * (n % per)) : END_OF_CHAIN;
}

static bool name_is(const uint8_t *entry, const char *name)
{
	size_t len = strlen(name);

	if (get16(entry + 64) != 2 * (len + 1))
		return false;
	for (size_t i = 0; i < len; i++)
		if (entry[2 * i] != (uint8_t)name[i] || entry[2 * i + 1] != 0)
			return false;
	return true;
}

/* The first bytes of a stream, and how many lie in one piece: of a small one those of its first 64, which lie in the
 * stream of small ones. */
static const uint8_t *stream_start(const struct ole2 *o, const uint8_t *entry, size_t *ret_len)
{
	uint32_t start = get32(entry + 116), size = get32(entry + 120), sector = o->mini_start;

	if (size >= o->mini_cutoff) {
		*ret_len = o->sector;
		return sector_at(o, start);
	}
	size_t at = (size_t)start * 64;
	if (start >= MAX_CHAIN)
		return NULL;
	for (; at >= o->sector; at -= o->sector)
		sector = next_sector(o, sector);
	const uint8_t *p = sector_at(o, sector);
	*ret_len = size < 64 ? size : 64;
	return p ? p + at : NULL;
}

/* Excel: a FilePass record among the first ones of the workbook. */
static bool has_filepass(const uint8_t *p, size_t len)
{
	size_t at = 0;

	for (int i = 0; i < 16 && at + 4 <= len; i++) {
		if (get16(p + at) == 0x002f)
			return true;
		at += 4u + get16(p + at + 2);
	}
	return false;
}

/* The one that says most: a workbook within a Word file lies deeper, but the directory is flat here, so the first counts. */
static void look_at_kind(const uint8_t *entry, struct ole2_facts *ret)
{
	static const struct {
		const char *name;
		enum ole2_kind kind;
	} names[] = {{"EncryptedPackage", OLE2_ENCRYPTED}, {"WordDocument", OLE2_WORD}, {"Workbook", OLE2_EXCEL}, {"Book", OLE2_EXCEL},
		{"PowerPoint Document", OLE2_POWERPOINT}, {"__properties_version1.0", OLE2_OUTLOOK}, {"JSRV_SegmentInformation", OLE2_ICHITARO},
		{"DocumentText", OLE2_ICHITARO}, {"HwpSummaryInformation", OLE2_HWP}};

	for (size_t i = 0; ret->kind == OLE2_OTHER && i < sizeof(names) / sizeof(names[0]); i++)
		if (name_is(entry, names[i].name))
			ret->kind = names[i].kind;
}

static void look_at_entry(const struct ole2 *o, const uint8_t *entry, struct ole2_facts *ret)
{
	const uint8_t *p;
	size_t len;

	look_at_kind(entry, ret);
	if (name_is(entry, "EncryptedPackage") || name_is(entry, "EncryptedSummary") || name_is(entry, "\tDRMContent"))
		ret->encrypted = true;
	else if (name_is(entry, "_VBA_PROJECT") || name_is(entry, "_VBA_PROJECT_CUR"))
		ret->macros = true;
	else if (name_is(entry, "WordDocument") && (p = stream_start(o, entry, &len)) && len >= 12 && get16(p) == 0xa5ec)
		ret->encrypted |= (get16(p + 10) & 0x0100) != 0;
	else if ((name_is(entry, "Workbook") || name_is(entry, "Book")) && (p = stream_start(o, entry, &len)))
		ret->encrypted |= has_filepass(p, len);
	else if (name_is(entry, "Current User") && (p = stream_start(o, entry, &len)) && len >= 16)
		ret->encrypted |= get32(p + 12) == 0xf3d1c4dfu;
}

void ole2_look(const void *data, size_t len, struct ole2_facts *ret)
{
	static const uint8_t magic[8] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};
	struct ole2 o = {.data = data, .len = len};

	*ret = (struct ole2_facts){0};
	if (len < 512 || memcmp(data, magic, sizeof(magic)) != 0)
		return;
	unsigned shift = get16(o.data + 30);
	if (shift != 9 && shift != 12)
		return;
	o.sector = (size_t)1 << shift;
	o.mini_cutoff = get32(o.data + 56);
	uint32_t n = get32(o.data + 48);
	/* The root comes first in the directory, and its stream holds the small ones. */
	const uint8_t *root = sector_at(&o, n);
	if (!root)
		return;
	o.mini_start = get32(root + 116);
	/* The class of installers, their patches and transforms: {000C108x-0000-0000-C000-000000000046} */
	if (memcmp(root + 81, "\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", 15) == 0 && root[80] >= 0x82 && root[80] <= 0x86)
		ret->kind = OLE2_MSI;
	for (unsigned i = 0; i < MAX_CHAIN; i++) {
		const uint8_t *p = sector_at(&o, n);
		if (!p)
			return;
		for (size_t at = 0; at < o.sector; at += 128)
			if (p[at + 66])
				look_at_entry(&o, p + at, ret);
		n = next_sector(&o, n);
	}
}
