/* True types by content and extension, and names that lie (scan/types.h). Pure. */
#include "scan/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define EXE "MZ\x90\0\x03\0\0\0\x04\0\0\0"
#define PDF "%PDF-1.7\n1 0 obj\n"
#define JPG "\xff\xd8\xff\xe0\0\x10JFIF"

struct probe {
	const char *type, *name, *content;
	size_t len; /* 0: strlen */
	const char *want;
	bool runs, lies;
};
#define T(type, name, content, want, runs, lies) {"CL_TYPE_" type, name, content, sizeof(content) - 1, want, runs, lies}

static void check(const struct probe *p)
{
	struct type_facts f;
	uint8_t *copy = malloc(p->len + 1);

	memcpy(copy, p->content, p->len);
	scan_type_look(p->type, copy, p->len, p->name, &f);
	free(copy);
	if (strcmp(f.name, p->want) != 0 || f.executable != p->runs || f.mismatch != p->lies)
		fail_msg("%s %s: %s%s%s, want %s%s%s", p->type, p->name, f.name, f.executable ? " runs" : "", f.mismatch ? " lies" : "", p->want,
			p->runs ? " runs" : "", p->lies ? " lies" : "");
}

static void test_types(void **state)
{
	static const struct probe probes[] = {
		T("MSEXE", "setup.exe", EXE, "pe", true, false),
		T("MSEXE", "請求書.pdf", EXE, "pe", true, true),
		T("MSEXE", "invoice.pdf . ", EXE, "pe", true, true),
		T("MSEXE", "addin.xll", EXE, "pe", true, false),
		T("MSEXE", "photo.JPG", EXE, "pe", true, true),
		T("MSEXE", "table.csv", EXE, "pe", true, true),
		T("MSEXE", "", EXE, "pe", true, false),
		T("MSEXE", "thing.xyz", EXE, "pe", true, false),
		T("ELF", "run", "\x7f" "ELF\x02\x01", "elf", true, false),
		T("PDF", "a.pdf", PDF, "pdf", false, false),
		T("BINARY_DATA", "a.pdf", PDF, "pdf", false, false),
		T("PDF", "a.docx", PDF, "pdf", false, true),
		T("HTML", "a.pdf", "<html><head></head>", "html", false, true),
		T("HTML", "a.html", "<html><head></head>", "html", false, false),
		T("HTML", "a.xls", "<html><table>", "html", false, false),
		T("HTML", "a.doc", "<html><body>", "html", false, false),
		T("HTML", "notes.txt", "<HTML>", "html", false, false),
		T("HTML", "menu.hta", "<html><script>", "hta", true, false),
		T("HTML", "menu.html", "<html><HTA:APPLICATION ID=x>", "hta", true, true),
		T("TEXT_ASCII", "list.csv", "a,b,c\n1,2,3\n", "text", false, false),
		T("TEXT_ASCII", "list.xls", "a\tb\tc\n", "text", false, false),
		T("TEXT_ASCII", "readme", "hello\n", "text", false, false),
		T("TEXT_ASCII", "run.vbs", "CreateObject(\"WScript.Shell\")\n", "script.vbs", true, false),
		T("TEXT_ASCII", "run.JS", "var a = 1;\n", "script.js", true, false),
		T("HTML", "page.js", "document.write('<html><script>')\n", "script.js", true, false),
		T("TEXT_UTF16LE", "run.ps1", "\xff\xfeG\0e\0t\0-\0D\0a\0t\0e\0\n\0", "script.ps1", true, false),
		T("TEXT_ASCII", "run.txt", "Get-Date\n", "text", false, false),
		T("TEXT_ASCII", "run.cmd", "dir\r\n", "batch", true, false),
		T("TEXT_ASCII", "run.txt", "@echo off\r\ndir\r\n", "batch", true, false),
		T("TEXT_ASCII", "memo.txt", "@echo off is the first line of batch files\n", "text", false, false),
		T("TEXT_ASCII", "memo.txt", "Windows Registry Editor is started so:\n", "text", false, false),
		T("TEXT_ASCII", "list.csv", "WEB\n1\n2\n", "text", false, false),
		T("TEXT_ASCII", "a.iqy", "WEB\r\n1\r\nhttps://a.example/\r\n", "iqy", true, false),
		T("MSEXE", "memo.txt", "MZ is what programs of DOS begin with\n", "text", false, false),
		T("GRAPHICS", "memo.txt", "BMW owners club\n", "text", false, false),
		T("BINARY_DATA", "memo.txt", "ID3 tags explained\n", "text", false, false),
		T("TEXT_ASCII", "run.pdf", "@echo off\r\ndir\r\n", "batch", true, true),
		T("TEXT_ASCII", "tool", "#!/usr/bin/env python3\n", "script.python", true, false),
		T("TEXT_ASCII", "link.url", "[InternetShortcut]\r\nURL=https://example.jp/\r\n", "url", true, false),
		T("TEXT_ASCII", "note.txt", "About shortcuts: [InternetShortcut] is a word\n", "text", false, false),
		T("TEXT_ASCII", "at.scf", "[Shell]\r\nCommand=2\r\nIconFile=\\\\a\\b\r\n", "scf", true, false),
		T("TEXT_ASCII", "a.library-ms", "<?xml version=\"1.0\"?><libraryDescription xmlns=\"x\">", "library-ms", true, false),
		T("TEXT_ASCII", "a.xml", "<?xml version=\"1.0\"?><a/>", "xml", false, false),
		T("TEXT_ASCII", "logo.svg", "<?xml version=\"1.0\"?><svg xmlns=\"x\">", "svg", false, false),
		T("TEXT_ASCII", "a.reg", "Windows Registry Editor Version 5.00\r\n", "reg", true, false),
		T("LNK", "資料.lnk", "L\0\0\0\x01\x14\x02\0\0\0\0\0", "lnk", true, false),
		T("BINARY_DATA", "資料.pdf", "L\0\0\0\x01\x14\x02\0\0\0\0\0", "lnk", true, true),
		T("ISO9660", "a.iso", "x", "iso", false, false),
		T("ISO9660", "a.pdf", "x", "iso", false, true),
		T("BINARY_DATA", "disk.vhdx", "vhdxfile\0\0", "vhd", false, false),
		T("ONENOTE", "memo.one", "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "onenote", false, false),
		T("MSCHM", "help.chm", "ITSF\x03", "chm", true, false),
		T("JPEG", "a.jpg", JPG, "image", false, false),
		T("JPEG", "a.png", JPG, "image", false, false),
		T("JPEG", "a.zip", JPG, "image", false, true),
		T("BINARY_DATA", "a.heic", "\0\0\0\x18" "ftypheic", "image", false, false),
		T("IGNORED", "a.mp3", "ID3\x03", "media", false, false),
		T("RIFF", "a.webp", "RIFF\x10\0\0\0WEBPVP8 ", "image", false, false),
		T("BINARY_DATA", "a.docx", "\x01\x02\x03\x04\0\0", "data", false, false),
		T("BINARY_DATA", "run.js", "\x01\x02\x03\x04\0\0", "data", false, false),
		T("RAR", "a.zip", "Rar!\x1a\x07\0", "rar", false, false),
		T("RAR", "a.jpg", "Rar!\x1a\x07\0", "rar", false, true),
		T("MAIL", "a.eml", "From: a@b.jp\r\n\r\n[InternetShortcut]\n", "mail", false, false),
		T("RTF", "a.doc", "{\\rtf1", "rtf", false, false),
		T("RTF", "a.rtf", "{\\rtf1", "rtf", false, false),
		T("OOXML_WORD", "a.docx", "PK\x03\x04", "ooxml.word", false, false),
		T("OOXML_WORD", "a.doc", "PK\x03\x04", "ooxml.word", false, false),
		T("OOXML_XL", "a.pdf", "PK\x03\x04", "ooxml.excel", false, true),
	};

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		check(&probes[i]);
}

static void put(uint8_t *d, size_t *n, const void *bytes, size_t len)
{
	memcpy(d + *n, bytes, len);
	*n += len;
}

/* A ZIP with a directory of these names and no content. */
static size_t zip_of(const char *const *names, uint8_t *d)
{
	uint8_t local[30] = "PK\x03\x04\x14", entry[46] = "PK\x01\x02\x14\0\x14", end[22] = "PK\x05\x06";
	size_t n = 0, at;
	int count = 0;

	for (int i = 0; names[i]; i++, count++) {
		local[26] = (uint8_t)strlen(names[i]);
		put(d, &n, local, sizeof(local));
		put(d, &n, names[i], strlen(names[i]));
	}
	at = n;
	for (int i = 0; names[i]; i++) {
		entry[28] = (uint8_t)strlen(names[i]);
		put(d, &n, entry, sizeof(entry));
		put(d, &n, names[i], strlen(names[i]));
	}
	end[8] = end[10] = (uint8_t)count;
	end[12] = (uint8_t)(n - at);
	end[13] = (uint8_t)((n - at) >> 8);
	end[16] = (uint8_t)at;
	end[17] = (uint8_t)(at >> 8);
	put(d, &n, end, sizeof(end));
	return n;
}

static void test_zips(void **state)
{
	static const struct {
		const char *names[4], *file, *want;
		bool runs, lies;
	} zips[] = {
		{{"a.txt", "b/c.txt"}, "a.zip", "zip", false, false},
		{{"a.txt"}, "写真.jpg", "zip", false, true},
		{{"a.txt"}, "a.docx", "zip", false, true},
		{{"META-INF/MANIFEST.MF", "A.class"}, "a.jar", "jar", true, false},
		{{"lib/META-INF/MANIFEST.MF"}, "a.zip", "zip", false, false},
		{{"AndroidManifest.xml", "META-INF/MANIFEST.MF"}, "a.apk", "apk", true, false},
		{{"[Content_Types].xml", "word/document.xml"}, "a.docx", "ooxml.word", false, false},
		{{"[Content_Types].xml", "xl/workbook.bin"}, "a.xlsb", "ooxml.excel", false, false},
		{{"[Content_Types].xml", "ppt/x.xml"}, "a.pdf", "ooxml.powerpoint", false, true},
		{{"AppxManifest.xml", "[Content_Types].xml"}, "a.msix", "appx", true, false},
	};
	uint8_t d[2048];

	for (size_t i = 0; i < sizeof(zips) / sizeof(zips[0]); i++) {
		struct probe p = {"CL_TYPE_ZIP", zips[i].file, (const char *)d, zip_of(zips[i].names, d), zips[i].want, zips[i].runs, zips[i].lies};
		check(&p);
	}
}

/* One sector of header, one of directory: the root and one stream. */
static size_t ole2_of(const char *stream, bool msi, uint8_t *d)
{
	static const uint8_t magic[] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1}, clsid[] = {0x84, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46};
	uint8_t *root = d + 1024, *entry = root + 128;

	memset(d, 0, 2048);
	memcpy(d, magic, 8);
	d[30] = 9;
	d[57] = 0x10;
	d[48] = 1;
	memset(d + 76, 0xff, 436);
	memset(d + 68, 0xff, 4);
	root[66] = 5;
	if (msi)
		memcpy(root + 80, clsid, 16);
	for (size_t i = 0; stream[i]; i++)
		entry[2 * i] = (uint8_t)stream[i];
	entry[64] = (uint8_t)(2 * (strlen(stream) + 1));
	entry[66] = 2;
	return 2048;
}

static void test_ole2(void **state)
{
	static const struct {
		const char *stream, *file, *want;
		bool msi, runs, lies;
	} files[] = {
		{"WordDocument", "a.doc", "ole2.word", false, false, false},
		{"Workbook", "a.xls", "ole2.excel", false, false, false},
		{"PowerPoint Document", "a.ppt", "ole2.powerpoint", false, false, false},
		{"EncryptedPackage", "a.docx", "ole2.encrypted", false, false, false},
		{"WordDocument", "a.docx", "ole2.word", false, false, true},
		{"__properties_version1.0", "a.msg", "ole2.outlook", false, false, false},
		{"x", "a.msi", "msi", true, true, false},
		{"x", "a.pdf", "msi", true, true, true},
		{"DocumentText", "a.jtd", "ichitaro", false, false, false},
	};
	uint8_t d[2048];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct probe p = {"CL_TYPE_MSOLE2", files[i].file, (const char *)d, ole2_of(files[i].stream, files[i].msi, d), files[i].want,
			files[i].runs, files[i].lies};
		check(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_types), cmocka_unit_test(test_zips), cmocka_unit_test(test_ole2)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
