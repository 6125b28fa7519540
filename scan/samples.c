/* The samples of a try-out; see samples.h. Made by the master, which hands them to a throw-away worker: small
 * files of the commonest kinds, clean, and EICAR as it comes. A database that finds a threat in the clean ones,
 * misses the bad ones, or crashes, does not serve. */
#include "scan/samples.h"

#include "scan/builtin.h"

#include "base/encode.h"
#include "base/ioutil.h"

#include <string.h>
#include <zlib.h>

static const struct sample samples[] = {
	{"eicar.com", VERDICT_THREAT},
	{"eicar.zip", VERDICT_THREAT},
	{"eicar.eml", VERDICT_THREAT},
	{"note.txt", VERDICT_CLEAN},
	{"page.html", VERDICT_CLEAN},
	{"mail.eml", VERDICT_CLEAN},
	{"letter.docx", VERDICT_CLEAN},
	{"sheet.pdf", VERDICT_CLEAN},
	{"point.png", VERDICT_CLEAN},
	{"script.js", VERDICT_CLEAN},
};

static const char page[] = "<!DOCTYPE html>\n<html><head><title>Timetable</title></head><body><h1>Timetable</h1>"
			   "<p>Monday 9:00 meeting, <a href=\"https://www.example.com/\">agenda</a>.</p></body></html>\n";
static const char mail[] = "From: a@aoba.example\r\nTo: b@aoba.example\r\nSubject: =?UTF-8?B?5Lya6K2w?=\r\n"
			   "Date: Mon, 02 Nov 2026 09:00:00 +0900\r\nMessage-ID: <1@aoba.example>\r\nMIME-Version: 1.0\r\n"
			   "Content-Type: multipart/mixed; boundary=\"b1\"\r\n\r\n--b1\r\n"
			   "Content-Type: text/plain; charset=ISO-2022-JP\r\n\r\n\x1b$B2q5D\x1b(B\r\n--b1\r\n"
			   "Content-Type: text/plain; name=\"note.txt\"\r\nContent-Disposition: attachment\r\n\r\n"
			   "The meeting is on Monday.\r\n--b1--\r\n";
static const char pdf[] = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>"
			  "endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>endobj\n"
			  "4 0 obj<</Length 41>>stream\nBT /F1 12 Tf 20 100 Td (Timetable) Tj ET  \nendstream endobj\n"
			  "xref\n0 5\ntrailer<</Size 5/Root 1 0 R>>\nstartxref\n0\n%%EOF\n";
static const char script[] = "function total(rows) {\n\tlet sum = 0;\n\tfor (const row of rows)\n\t\tsum += row.price * "
			     "row.count;\n\treturn sum;\n}\nmodule.exports = { total };\n";
static const unsigned char png[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0, 0, 0, 1, 0,
	0, 0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, 'I', 'D', 'A', 'T', 0x78, 0x9c, 0x63, 0x60, 0,
	0, 0, 2, 0, 1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};

const struct sample *sample_get(int index)
{
	return index >= 0 && index < (int)ARRAY_SIZE(samples) ? &samples[index] : NULL;
}

static void add16(struct buf *b, unsigned v)
{
	buf_addc(b, (char)(v & 0xff));
	buf_addc(b, (char)(v >> 8 & 0xff));
}

static void add32(struct buf *b, unsigned long v)
{
	add16(b, v & 0xffff);
	add16(b, v >> 16 & 0xffff);
}

struct zip {
	struct buf *out;
	struct buf directory;
	unsigned members;
};

/* A stored member (APPNOTE.TXT 4.3.7 and 4.3.12). */
static void zip_add(struct zip *z, const char *name, const void *data, size_t len)
{
	unsigned long at = z->out->len, crc = crc32(0, data, (unsigned)len);
	struct buf *to[2] = {z->out, &z->directory};

	for (int i = 0; i < 2; i++) {
		add32(to[i], i == 0 ? 0x04034b50 : 0x02014b50);
		if (i == 1)
			add16(to[i], 20);
		add16(to[i], 20);
		add16(to[i], 0);
		add16(to[i], 0);
		add32(to[i], 0x58210000); /* 2024-01-01 */
		add32(to[i], crc);
		add32(to[i], len);
		add32(to[i], len);
		add16(to[i], (unsigned)strlen(name));
		add16(to[i], 0);
		if (i == 1) {
			for (int n = 0; n < 3; n++)
				add16(to[i], 0);
			add32(to[i], 0);
			add32(to[i], at);
		}
		buf_adds(to[i], name);
	}
	buf_add(z->out, data, len);
	z->members++;
}

static int zip_end(struct zip *z)
{
	unsigned long at = z->out->len;

	buf_add(z->out, z->directory.data, z->directory.len);
	add32(z->out, 0x06054b50);
	add32(z->out, 0);
	add16(z->out, z->members);
	add16(z->out, z->members);
	add32(z->out, z->directory.len);
	add32(z->out, at);
	add16(z->out, 0);
	buf_free(&z->directory);
	return z->out->len > at + 21 ? 0 : -1;
}

static int make_letter(struct buf *out)
{
	static const char types[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Types xmlns=\"http://schemas.openxmlformats.org/"
				    "package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd."
				    "openxmlformats-package.relationships+xml\"/><Override PartName=\"/word/document.xml\" "
				    "ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document."
				    "main+xml\"/></Types>";
	static const char rels[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Relationships xmlns=\"http://schemas."
				   "openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"http://"
				   "schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" "
				   "Target=\"word/document.xml\"/></Relationships>";
	static const char document[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<w:document xmlns:w=\"http://schemas."
				       "openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r><w:t>Timetable"
				       "</w:t></w:r></w:p></w:body></w:document>";
	struct zip z = {.out = out, .directory = BUF_INIT(65536)};

	zip_add(&z, "[Content_Types].xml", types, sizeof(types) - 1);
	zip_add(&z, "_rels/.rels", rels, sizeof(rels) - 1);
	zip_add(&z, "word/document.xml", document, sizeof(document) - 1);
	return zip_end(&z);
}

static int make_eicar_mail(struct buf *out, const struct buf *eicar)
{
	buf_adds(out, "From: a@aoba.example\r\nTo: b@aoba.example\r\nSubject: test\r\nMIME-Version: 1.0\r\n"
		      "Content-Type: multipart/mixed; boundary=\"b2\"\r\n\r\n--b2\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
		      "--b2\r\nContent-Type: application/octet-stream; name=\"eicar.com\"\r\n"
		      "Content-Transfer-Encoding: base64\r\n\r\n");
	base64_encode(out, eicar->data, eicar->len);
	return buf_adds(out, "\r\n--b2--\r\n");
}

static int make(int index, struct buf *out)
{
	_cleanup_buf_ struct buf eicar = BUF_INIT(128);
	struct zip z = {.out = out, .directory = BUF_INIT(65536)};

	if (builtin_eicar(&eicar) < 0)
		return -1;
	switch (index) {
	case 0:
		return buf_add(out, eicar.data, eicar.len);
	case 1:
		zip_add(&z, "eicar.com", eicar.data, eicar.len);
		return zip_end(&z);
	case 2:
		return make_eicar_mail(out, &eicar);
	case 3:
		return buf_adds(out, "The quarterly meeting takes place on Monday at nine in the large room.\n");
	case 4:
		return buf_add(out, page, sizeof(page) - 1);
	case 5:
		return buf_add(out, mail, sizeof(mail) - 1);
	case 6:
		return make_letter(out);
	case 7:
		return buf_add(out, pdf, sizeof(pdf) - 1);
	case 8:
		return buf_add(out, png, sizeof(png));
	case 9:
		return buf_add(out, script, sizeof(script) - 1);
	default:
		return -1;
	}
}

int sample_open(int index, int *ret_fd, int64_t *ret_size, struct err *err)
{
	_cleanup_buf_ struct buf content = BUF_INIT(1 << 20);

	if (make(index, &content) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	_cleanup_close_ int fd = io_memfd("sample", err);
	if (fd < 0)
		return -1;
	if (io_write_all(fd, content.data, content.len) < 0)
		return err_errno(err, "memory file");
	if (io_memfd_seal(fd, err) < 0)
		return -1;
	*ret_size = (int64_t)content.len;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
