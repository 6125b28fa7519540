/* Names; see names.h. */
#include "scan/names.h"

#include "scan/charset.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

void name_copy(char *out, size_t size, const char *s, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT(65536);
	size_t n = 0;

	out[0] = '\0';
	if (!s || utf8_clean(&b, s, strnlen(s, len < 8192 ? len : 8192), true) < 0)
		return;
	while (n < b.len) {
		size_t step = utf8_length(b.data + n, b.len - n);
		if (step == 0 || n + step >= size)
			break;
		n += step;
	}
	memcpy(out, buf_str(&b), n);
	out[n] = '\0';
}

void name_of_member(char *out, size_t size, const char *s)
{
	_cleanup_buf_ struct buf b = BUF_INIT(65536);
	size_t len = s ? strnlen(s, 4096) : 0, n = 0;

	for (size_t step; n < len && (step = utf8_length(s + n, len - n)) > 0;)
		n += step;
	if (n == len || charset_exact(&b, "CP932", s, len) < 0) {
		buf_clear(&b);
		name_copy(out, size, s, SIZE_MAX);
		return;
	}
	name_copy(out, size, buf_str(&b), b.len);
}

/* Bodies of mails; or 32 hexadecimal digits, with "clamav-" and ".tmp" around or a number behind. */
bool name_is_made_up(const char *name)
{
	const char *p = strncmp(name, "clamav-", 7) == 0 ? name + 7 : name;
	size_t hex = strspn(p, "0123456789abcdef");

	if (strcmp(name, "mixedtextportion") == 0 || strcmp(name, "textportion") == 0)
		return true;
	if (hex != 32)
		return false;
	p += hex;
	return *p == '\0' || strcmp(p, ".tmp") == 0 || (*p == '_' && p[1 + strspn(p + 1, "0123456789")] == '\0');
}

const char *name_base(const char *path)
{
	const char *base = path;

	for (const char *p = path; *p; p++)
		if ((*p == '/' || *p == '\\') && p[1])
			base = p + 1;
	return base;
}

static bool listed(const char *ext, size_t len, const char *const *list)
{
	for (; *list; list++)
		if (strlen(*list) == len && strncasecmp(ext, *list, len) == 0)
			return true;
	return false;
}

/* LRE, RLE, PDF, LRO, RLO; LRI, RLI, FSI, PDI: as they are, and as name_copy() shows them. */
static bool has_override(const char *s)
{
	for (const char *p = s; (p = strstr(p, "\\u20")); p++)
		if ((p[4] == '2' && p[5] >= 'a' && p[5] <= 'e') || (p[4] == '6' && p[5] >= '6' && p[5] <= '9'))
			return true;
	for (const char *p = s; (p = strstr(p, "\xe2\x80")); p++)
		if ((unsigned char)p[2] >= 0xaa && (unsigned char)p[2] <= 0xae)
			return true;
	for (const char *p = s; (p = strstr(p, "\xe2\x81")); p++)
		if ((unsigned char)p[2] >= 0xa6 && (unsigned char)p[2] <= 0xa9)
			return true;
	return false;
}

static bool all_digits(const char *s, size_t len)
{
	return len > 0 && strspn(s, "0123456789") >= len;
}

static bool is_later_volume(const char *name, const char *dot)
{
	static const char *const split[] = {"7z", "zip", "rar", "tar", "gz", "tgz", "bz2", "xz", "exe", "iso", "lzh", "zipx", "arj", NULL};
	const char *ext = dot + 1, *before = dot;
	size_t len = strlen(ext);

	while (before > name && before[-1] != '.')
		before--;
	/* "x.z01" is the first in number and still no beginning: the directory lies in "x.zip". */
	if (len >= 3 && len <= 4 && strchr("zrZR", *ext) && all_digits(ext + 1, len - 1))
		return true;
	if (len == 3 && all_digits(ext, 3) && strcmp(ext, "000") > 0 && strcmp(ext, "001") != 0)
		return before > name && listed(before, (size_t)(dot - before), split);
	if (strcasecmp(ext, "rar") == 0 && before > name && strncasecmp(before, "part", 4) == 0 &&
		all_digits(before + 4, (size_t)(dot - before) - 4))
		return strtol(before + 4, NULL, 10) > 1;
	return len == 3 && (*ext == 'a' || *ext == 'A') && all_digits(ext + 1, 2) && ext[1] <= '9' && before > name &&
		listed(before, (size_t)(dot - before), split);
}

void name_look(const char *name, struct name_facts *ret)
{
	static const char *const programs[] = {"exe", "scr", "com", "pif", "bat", "cmd", "js", "jse", "vbs", "vbe", "wsf", "wsh",
		"hta", "lnk", "ps1", "jar", "msi", "cpl", "dll", "chm", "reg", "iso", "img", "vhd", "url", "app", "xll", NULL};
	static const char *const documents[] = {"pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "rtf", "csv", "jpg", "jpeg",
		"png", "gif", "bmp", "tif", "tiff", "mp3", "mp4", "avi", "mov", "htm", "html", "zip", "eml", "msg", "xml", "odt", "ods", "jtd", NULL};
	const char *base = name_base(name), *dot = strrchr(base, '.');

	*ret = (struct name_facts){.rtl = has_override(name)};
	if (!dot)
		return;
	ret->later_volume = is_later_volume(base, dot);
	if (!listed(dot + 1, strlen(dot + 1), programs))
		return;
	/* Spaces push the last one out of sight. */
	const char *end = dot;
	while (end > base && (end[-1] == ' ' || end[-1] == '_' || end[-1] == '.'))
		end--;
	const char *before = end;
	while (before > base && before[-1] != '.')
		before--;
	ret->double_extension = before > base && listed(before, (size_t)(end - before), documents);
}
