/* True types; see types.h. The decision goes from strong to weak: libclamav's type, the directories of ZIP and OLE2, first
 * bytes, words at the beginning of text, the extension of what is text. Whether a name lies is in type_names.c. */
#include "scan/types.h"

#include "scan/names.h"
#include "scan/ole2.h"
#include "scan/shape.h"
#include "scan/type_names.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define HEAD 4096 /* of text, looked at for what it begins with */

static bool begins(const uint8_t *d, size_t len, size_t at, const void *magic, size_t n)
{
	return len >= at + n && memcmp(d + at, magic, n) == 0;
}

static bool listed(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* ---- by libclamav's type ---- */

static const char *of_clamav(const char *type)
{
	static const char *const map[][2] = {
		{"MSEXE", "pe"}, {"ELF", "elf"}, {"MACHO", "macho"}, {"MACHO_UNIBIN", "macho"}, {"JAVA", "class"}, {"AUTOIT", "script.autoit"},
		{"SCRENC", "script.encoded"}, {"PYTHON_COMPILED", "pyc"}, {"LNK", "lnk"}, {"MSCHM", "chm"}, {"ISHIELD_MSI", "msi"},
		{"RAR", "rar"}, {"RARSFX", "rar"}, {"7Z", "7z"}, {"7ZSFX", "7z"}, {"GZ", "gz"}, {"BZ", "bz2"}, {"XZ", "xz"},
		{"POSIX_TAR", "tar"}, {"OLD_TAR", "tar"}, {"CPIO_OLD", "cpio"}, {"CPIO_ODC", "cpio"}, {"CPIO_NEWC", "cpio"},
		{"CPIO_CRC", "cpio"}, {"ARJ", "arj"}, {"ARJSFX", "arj"}, {"EGG", "egg"}, {"ALZ", "alz"}, {"LHA_LZH", "lha"}, {"MSCAB", "cab"},
		{"CABSFX", "cab"}, {"MSSZDD", "szdd"}, {"ISO9660", "iso"}, {"UDF", "iso"}, {"DMG", "dmg"}, {"XAR", "xar"}, {"MBR", "img"},
		{"GPT", "img"}, {"APM", "img"}, {"OOXML_WORD", "ooxml.word"}, {"OOXML_XL", "ooxml.excel"}, {"OOXML_PPT", "ooxml.powerpoint"},
		{"OOXML_HWP", "hwp"}, {"HWP3", "hwp"}, {"HWP5", "hwp"}, {"HWPOLE2", "hwp"}, {"XML_HWP", "hwp"}, {"PDF", "pdf"}, {"RTF", "rtf"}, {"PS", "ps"},
		{"XDP", "xml"}, {"XML_WORD", "xml.word"}, {"XML_XL", "xml.excel"}, {"MHTML", "mhtml"}, {"TNEF", "tnef"}, {"ONENOTE", "onenote"},
		{"PNG", "image"}, {"JPEG", "image"}, {"GIF", "image"}, {"TIFF", "image"}, {"GRAPHICS", "image"}, {"SWF", "swf"},
		{"UUENCODED", "uuencoded"}, {"BINHEX", "binhex"},
	};

	if (strncmp(type, "CL_TYPE_", 8) != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (strcmp(type + 8, map[i][0]) == 0)
			return map[i][1];
	return NULL;
}

/* ---- ZIP and what is built on it ---- */

static bool named(const struct zip_entry *e, const char *name)
{
	return e->name_len == strlen(name) && memcmp(e->name, name, e->name_len) == 0;
}

static bool below(const struct zip_entry *e, const char *folder)
{
	return e->name_len > strlen(folder) && memcmp(e->name, folder, strlen(folder)) == 0;
}

/* OpenDocument and EPUB say by their first member, stored, what they are. */
static const char *of_mimetype(const uint8_t *d, size_t len)
{
	static const char *const map[][2] = {
		{"application/vnd.oasis.opendocument.text", "odf.text"}, {"application/vnd.oasis.opendocument.spreadsheet", "odf.spreadsheet"},
		{"application/vnd.oasis.opendocument.presentation", "odf.presentation"}, {"application/vnd.oasis.opendocument.", "odf"},
		{"application/epub+zip", "epub"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (begins(d, len, 30, "mimetype", 8) && memmem(d + 38, len - 38 < 256 ? len - 38 : 256, map[i][0], strlen(map[i][0])))
			return map[i][1];
	return NULL;
}

static const char *of_zip(const uint8_t *d, size_t len)
{
	static const char *const parts[][2] = {{"word/", "ooxml.word"}, {"xl/", "ooxml.excel"}, {"ppt/", "ooxml.powerpoint"}, {"visio/", "ooxml.visio"}};
	bool jar = false, apk = false, appx = false, ooxml = false;
	const char *part = NULL, *mimetype = of_mimetype(d, len);
	struct zip_walk w;
	struct zip_entry e;

	if (mimetype)
		return mimetype;
	for (shape_zip_walk(d, len, &w); shape_zip_next(&w, &e);) {
		jar |= named(&e, "META-INF/MANIFEST.MF");
		apk |= named(&e, "AndroidManifest.xml");
		appx |= named(&e, "AppxManifest.xml") || named(&e, "AppxMetadata/AppxBundleManifest.xml");
		ooxml |= named(&e, "[Content_Types].xml");
		for (size_t i = 0; !part && i < ARRAY_SIZE(parts); i++)
			if (below(&e, parts[i][0]))
				part = parts[i][1];
	}
	return apk ? "apk" : appx ? "appx" : ooxml ? (part ? part : "ooxml") : jar ? "jar" : "zip";
}

static const char *of_ole2(const uint8_t *d, size_t len)
{
	static const char *const names[] = {[OLE2_OTHER] = "ole2", [OLE2_WORD] = "ole2.word", [OLE2_EXCEL] = "ole2.excel",
		[OLE2_POWERPOINT] = "ole2.powerpoint", [OLE2_OUTLOOK] = "ole2.outlook", [OLE2_ENCRYPTED] = "ole2.encrypted", [OLE2_MSI] = "msi",
		[OLE2_ICHITARO] = "ichitaro", [OLE2_HWP] = "hwp"};
	struct ole2_facts f;

	ole2_look(d, len, &f);
	return names[f.kind];
}

/* ---- by first bytes ---- */

static const char *of_magic(const uint8_t *d, size_t len)
{
	static const struct {
		uint8_t at, len;
		const char *bytes, *name;
	} magics[] = {
#define M(at, text, name) {at, sizeof(text) - 1, text, name}
		M(0, "MZ", "pe"), M(0, "\x7f" "ELF", "elf"), M(0, "L\0\0\0\x01\x14\x02\0", "lnk"), M(0, "ITSF", "chm"),
		M(0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "onenote"), M(0, "\xa1\x2f\xff\x43\xd9\xef\x76\x4c", "onenote"), M(0, "%PDF-", "pdf"),
		M(0, "{\\rt", "rtf"), M(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole2"), M(0, "vhdxfile", "vhd"), M(0, "conectix", "vhd"),
		M(0, "KDMV", "vmdk"), M(0, "QFI\xfb", "img"), M(64, "\x7f\x10\xda\xbe", "img"), M(0, "MSWIM\0\0\0", "wim"),
		M(0, "\x28\xb5\x2f\xfd", "zst"), M(0, "\x04\x22\x4d\x18", "lz4"), M(0, "LZIP\x01", "lzip"), M(0, "\x1f\x9d", "compress"),
		M(7, "**ACE**", "ace"), M(0, "hsqs", "squashfs"), M(0, "!<arch>\ndebian-binary", "deb"), M(0, "\xed\xab\xee\xdb", "rpm"), M(0, "Cr24", "crx"),
		M(0, "\0asm", "wasm"), M(0, "dex\n", "dex"), M(4, "Standard Jet DB", "access"), M(4, "Standard ACE DB", "access"),
		M(0, "SQLite format 3", "sqlite"), M(0, "ID3", "media"), M(0, "OggS", "media"), M(0, "fLaC", "media"), M(0, "\x1a\x45\xdf\xa3", "media"),
		M(0, "FLV\x01", "media"), M(0, "\0\0\x01\xba", "media"), M(0, "\0\0\x01\xb3", "media"), M(0, "\xff\xfb", "media"), M(0, "\xff\xf3", "media"),
		M(0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "media"), M(4, "ftypheic", "image"), M(4, "ftypheix", "image"), M(4, "ftypmif1", "image"),
		M(4, "ftypavif", "image"), M(4, "ftyp", "media"), M(4, "moov", "media"), M(8, "WEBP", "image"), M(8, "WAVE", "media"), M(8, "AVI ", "media"),
		M(0, "BM", "image"), M(0, "8BPS", "image"), M(0, "\0\0\x01\0", "image"), M(0, "\xff\xd8\xff", "image"), M(0, "\x89PNG", "image"),
		M(0, "GIF8", "image"), M(0, "II*\0", "image"), M(0, "MM\0*", "image"), M(0, "\0\x01\0\0\0", "font"), M(0, "OTTO", "font"),
		M(0, "wOFF", "font"), M(0, "wOF2", "font"), M(0, "\x89HDF", "data"), M(0, "age-encryption.org/v1", "encrypted"), M(0, "Salted__", "encrypted"),
		M(0, "\xc0\xb9\x07\x2e\x4f\x93\xf1\x46", "encrypted"), M(0, "LUKS\xba\xbe", "encrypted"),
#undef M
	};

	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (begins(d, len, magics[i].at, magics[i].bytes, magics[i].len))
			return magics[i].name;
	if (len > 512 && begins(d, len, len - 512, "conectix", 8))
		return "vhd";
	return len > 0x8006 && begins(d, len, 0x8001, "CD001", 5) ? "iso" : NULL;
}

/* ---- text ---- */

/* The beginning in lower case without zeros: UTF-16 reads like ASCII then. False: it is no text at all. */
static bool read_head(const uint8_t *d, size_t len, char head[HEAD + 1])
{
	size_t n = 0, bad = 0, seen = len < 2 * HEAD ? len : 2 * HEAD;

	for (size_t i = 0; i < seen; i++) {
		if (d[i] != 0 && n < HEAD)
			head[n++] = (char)tolower(d[i]);
		bad += (d[i] < 0x20 && d[i] && !strchr("\t\n\r\f\x1b\x0e\x0f\x1a", d[i])) || d[i] == 0x7f;
	}
	head[n] = '\0';
	bool wide = begins(d, len, 0, "\xff\xfe", 2) || begins(d, len, 0, "\xfe\xff", 2) || (len > 3 && (!d[1] != !d[0]) && (!d[3] != !d[2]));
	return bad == 0 && (wide || !memchr(d, 0, seen));
}

static const char *skip_mark(const char *s)
{
	static const char *const marks[] = {"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"};

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (strncmp(s, marks[i], strlen(marks[i])) == 0)
			s += strlen(marks[i]);
	return s + strspn(s, " \t\r\n");
}

static const char *of_shebang(const char *s)
{
	char line[128];

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(s, "\r\n"), s);
	return strstr(line, "python") ? "script.python" : strstr(line, "perl") ? "script.perl" : strstr(line, "ruby") ? "script.ruby" :
		strstr(line, "node") ? "script.js" : strstr(line, "pwsh") ? "script.ps1" : "script.sh";
}

/* What a text is by its own words, NULL: nothing special. */
static const char *of_words(const char *head)
{
	static const char *const starts[][2] = {
		{"%pdf-", "pdf"}, {"{\\rt", "rtf"}, {"windows registry editor version", "reg"}, {"regedit4\r", "reg"}, {"regedit4\n", "reg"},
		{"[internetshortcut", "url"}, {"id;p", "sylk"}, {"-----begin pgp message", "encrypted"},
		{"<svg", "svg"}, {"<html", "html"}, {"<!doctype html", "html"},
	};
	static const char *const within[][2] = {
		{"<hta:application", "hta"}, {"[internetshortcut]", "url"}, {"<librarydescription", "library-ms"},
		{"<searchconnectordescription", "searchconnector-ms"}, {"<pcsettings", "settingcontent-ms"},
	};
	const char *s = skip_mark(head);

	if (strncmp(s, "#!", 2) == 0 && s[2 + strspn(s + 2, " ")] == '/')
		return of_shebang(s);
	/* These must open a line or an element, so that a text about them is none of them. */
	for (size_t i = 0; i < ARRAY_SIZE(within); i++) {
		const char *p = strstr(s, within[i][0]);
		if (p && (p == s || p[-1] == '\n' || *p == '<') && (*p == '[' || *s == '<'))
			return within[i][1];
	}
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (strncmp(s, starts[i][0], strlen(starts[i][0])) == 0)
			return starts[i][1];
	/* That line and no sentence about it. */
	size_t echo = strncmp(s, "@echo off", 9) == 0 ? 9 : strncmp(s, "@echo on", 8) == 0 ? 8 : 0;
	if (echo && (s[echo + strspn(s + echo, " \t")] == '\0' || strchr("\r\n&>|", s[echo + strspn(s + echo, " \t")])))
		return "batch";
	if ((strncmp(s, "web\r\n1", 6) == 0 || strncmp(s, "web\n1", 5) == 0) && (strstr(s, "://") || strstr(s, "\\\\")))
		return "iqy";
	if (strncmp(s, "[shell]", 7) == 0 && strstr(s, "command="))
		return "scf";
	if (strncmp(s, "[version]", 9) == 0 && strstr(s, "signature"))
		return "inf";
	if (strncmp(s, "<?xml", 5) == 0)
		return strstr(s, "<svg") ? "svg" : strstr(s, "<html") ? "html" : strstr(s, "progid=\"word.document\"") ? "xml.word" :
			strstr(s, "progid=\"excel.sheet\"") ? "xml.excel" : "xml";
	return NULL;
}

void scan_type_look(const char *type, const uint8_t *data, size_t len, const char *name, struct type_facts *ret)
{
	char extension[TYPE_EXTENSION_MAX], head[HEAD + 1];
	bool page = strncmp(type, "CL_TYPE_HTML", 12) == 0, mail = strcmp(type, "CL_TYPE_MAIL") == 0;
	const char *found = of_clamav(type);

	scan_type_extension(name, extension, sizeof(extension));
	if (strcmp(type, "CL_TYPE_ZIP") == 0 || strcmp(type, "CL_TYPE_ZIPSFX") == 0 || (!found && begins(data, len, 0, "PK\x03\x04", 4)))
		found = of_zip(data, len);
	else if (begins(data, len, 0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8))
		found = of_ole2(data, len);
	else if (strcmp(type, "CL_TYPE_RIFF") == 0)
		found = len > 12 ? of_magic(data, len) : "media";
	else if (!found && !page && !mail)
		found = of_magic(data, len);
	/* A text that begins with MZ, BM, ID3 or Rar! is about them. */
	static const char *const lettered[] = {"pe", "image", "media", "rar", "chm", "vmdk", "font", NULL};
	if (found && listed(found, lettered) && read_head(data, len, head))
		found = NULL;
	if (!found && read_head(data, len, head)) {
		const char *words = of_words(head), *script = mail ? NULL : type_script(extension);
		/* A page or mail that quotes a shortcut is still one. */
		if (words && mail)
			words = NULL;
		if (words && page && strcmp(words, "hta") != 0)
			words = strcmp(words, "svg") == 0 ? words : NULL;
		found = script && (!words || strncmp(words, "script.", 7) != 0) ? script : words ? words : mail ? "mail" : page ? "html" : "text";
	}
	if (!found)
		found = mail ? "mail" : page ? "html" : "data";
	*ret = (struct type_facts){.name = found, .executable = type_runs(found), .mismatch = type_mismatch(extension, found)};
}
