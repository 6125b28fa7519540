/* Encrypted samples; see scan_locked.h. The writing side of libarchive, qpdf and libgsf; the encryption of OOXML as [MS-OFFCRYPTO]
 * says it, forwards. */
#include "tests/unit/scan_locked.h"

#include "base/encode.h"

#include <archive.h>
#include <archive_entry.h>
#include <gsf/gsf-outfile-msole.h>
#include <gsf/gsf-output-memory.h>
#include <gsf/gsf-utils.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <qpdf/qpdf-c.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static la_ssize_t take(struct archive *a, void *context, const void *data, size_t len)
{
	return buf_add(context, data, len) < 0 ? -1 : (la_ssize_t)len;
}

void locked_zip(struct buf *out, const char *way, const char *password, const struct locked_file *files, size_t n)
{
	struct archive *a = archive_write_new();

	assert_non_null(a);
	assert_int_equal(archive_write_set_format_zip(a), ARCHIVE_OK);
	if (strcmp(way, "plain") != 0) {
		assert_int_equal(archive_write_set_format_option(a, "zip", "encryption", way), ARCHIVE_OK);
		assert_int_equal(archive_write_set_passphrase(a, password), ARCHIVE_OK);
	}
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open(a, out, NULL, take, NULL), ARCHIVE_OK);
	for (size_t i = 0; i < n; i++) {
		struct archive_entry *e = archive_entry_new();
		archive_entry_set_pathname(e, files[i].name);
		archive_entry_set_size(e, (la_int64_t)files[i].len);
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_perm(e, 0644);
		assert_true(archive_write_header(a, e) >= ARCHIVE_WARN);
		assert_int_equal(archive_write_data(a, files[i].data, files[i].len), files[i].len);
		archive_entry_free(e);
	}
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

void locked_pdf(struct buf *out, const char *password, const void *stream, size_t len)
{
	_cleanup_buf_ struct buf plain = BUF_INIT(1 << 20);
	qpdf_data q = qpdf_init();

	buf_addf(&plain, "%%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj\n"
		"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R>>\nendobj\n4 0 obj\n<</Length %zu>>\nstream\n", len);
	buf_add(&plain, stream, len);
	buf_adds(&plain, "\nendstream\nendobj\ntrailer\n<</Root 1 0 R/Size 5>>\n%%EOF\n");
	qpdf_silence_errors(q);
	assert_false(qpdf_read_memory(q, "plain", plain.data, plain.len, NULL) & QPDF_ERRORS);
	assert_false(qpdf_init_write_memory(q) & QPDF_ERRORS);
	qpdf_set_r6_encryption_parameters2(q, password, password, QPDF_TRUE, QPDF_TRUE, QPDF_TRUE, QPDF_TRUE, QPDF_TRUE, QPDF_TRUE, qpdf_r3p_full, QPDF_TRUE);
	assert_false(qpdf_write(q) & QPDF_ERRORS);
	buf_add(out, qpdf_get_buffer(q), qpdf_get_buffer_length(q));
	qpdf_cleanup(&q);
}

void locked_base64(struct buf *out, const struct buf *content)
{
	for (size_t at = 0; at < content->len; at += 57) {
		unsigned char line[80];
		size_t n = content->len - at < 57 ? content->len - at : 57;
		EVP_EncodeBlock(line, (const unsigned char *)content->data + at, (int)n);
		buf_addf(out, "%s\r\n", line);
	}
}

/* ---- OOXML ---- */

static void hash(const char *md, uint8_t *out, const void *a, size_t a_len, const void *b, size_t b_len)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	EVP_DigestInit_ex(c, EVP_get_digestbyname(md), NULL);
	EVP_DigestUpdate(c, a, a_len);
	EVP_DigestUpdate(c, b, b_len);
	EVP_DigestFinal_ex(c, out, NULL);
	EVP_MD_CTX_free(c);
}

static void cipher(const EVP_CIPHER *type, const uint8_t *key, const uint8_t *iv, const uint8_t *in, size_t len, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	EVP_EncryptInit_ex(c, type, NULL, key, iv);
	EVP_CIPHER_CTX_set_padding(c, 0);
	EVP_EncryptUpdate(c, out, &n, in, (int)len);
	assert_int_equal(n, len);
	EVP_CIPHER_CTX_free(c);
}

static void spin(const char *md, size_t size, int rounds, const uint8_t salt[16], const char *password, uint8_t h[64])
{
	glong n;
	gunichar2 *wide = g_utf8_to_utf16(password, -1, NULL, &n, NULL);

	hash(md, h, salt, 16, wide, (size_t)n * 2);
	for (uint32_t i = 0; i < (uint32_t)rounds; i++)
		hash(md, h, (uint8_t[]){(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16), 0}, 4, h, size);
	g_free(wide);
}

static void write_stream(GsfOutfile *file, const char *name, const void *data, size_t len)
{
	GsfOutput *o = gsf_outfile_new_child(file, name, FALSE);

	gsf_output_write(o, len, data);
	gsf_output_close(o);
	g_object_unref(o);
}

static void write_file(struct buf *out, const struct buf *info, const struct buf *package)
{
	gsf_init();
	GsfOutput *memory = gsf_output_memory_new();
	GsfOutfile *file = gsf_outfile_msole_new(memory);

	write_stream(file, "EncryptionInfo", info->data, info->len);
	write_stream(file, "EncryptedPackage", package->data, package->len);
	gsf_output_close(GSF_OUTPUT(file));
	g_object_unref(file);
	buf_add(out, gsf_output_memory_get_bytes(GSF_OUTPUT_MEMORY(memory)), (size_t)gsf_output_size(memory));
	g_object_unref(memory);
}

static void add_base64(struct buf *out, const char *name, const uint8_t *data, size_t len)
{
	unsigned char text[256];

	EVP_EncodeBlock(text, data, (int)len);
	buf_addf(out, " %s=\"%s\"", name, text);
}

static void agile_info(struct buf *info, const char *password, const uint8_t data_salt[16], const uint8_t key[32])
{
	uint8_t salt[16], h[64], k[64], input[16], made[64], out[64];

	RAND_bytes(salt, 16);
	RAND_bytes(input, 16);
	spin("SHA512", 64, 1000, salt, password, h);
	buf_add(info, "\4\0\4\0\x40\0\0\0", 8);
	buf_adds(info, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><encryption xmlns=\"http://schemas.microsoft.com/office/2006/encryption\"><keyData saltSize=\"16\""
		" blockSize=\"16\" keyBits=\"256\" hashSize=\"64\" cipherAlgorithm=\"AES\" cipherChaining=\"ChainingModeCBC\" hashAlgorithm=\"SHA512\"");
	add_base64(info, "saltValue", data_salt, 16);
	buf_adds(info, "/><keyEncryptors><keyEncryptor uri=\"http://schemas.microsoft.com/office/2006/keyEncryptor/password\"><p:encryptedKey"
		" xmlns:p=\"http://schemas.microsoft.com/office/2006/keyEncryptor/password\" spinCount=\"1000\" saltSize=\"16\" blockSize=\"16\""
		" keyBits=\"256\" hashSize=\"64\" cipherAlgorithm=\"AES\" cipherChaining=\"ChainingModeCBC\" hashAlgorithm=\"SHA512\"");
	add_base64(info, "saltValue", salt, 16);
	hash("SHA512", k, h, 64, "\xfe\xa7\xd2\x76\x3b\x4b\x9e\x79", 8);
	cipher(EVP_aes_256_cbc(), k, salt, input, 16, out);
	add_base64(info, "encryptedVerifierHashInput", out, 16);
	hash("SHA512", made, input, 16, "", 0);
	hash("SHA512", k, h, 64, "\xd7\xaa\x0f\x6d\x30\x61\x34\x4e", 8);
	cipher(EVP_aes_256_cbc(), k, salt, made, 64, out);
	add_base64(info, "encryptedVerifierHashValue", out, 64);
	hash("SHA512", k, h, 64, "\x14\x6e\x0b\xe7\xab\xac\xd0\xd6", 8);
	cipher(EVP_aes_256_cbc(), k, salt, key, 32, out);
	add_base64(info, "encryptedKeyValue", out, 32);
	buf_adds(info, "/></keyEncryptor></keyEncryptors></encryption>");
}

static void standard_info(struct buf *info, const char *password, uint8_t key[32])
{
	static const uint8_t header[32] = {0x24, 0, 0, 0, 0, 0, 0, 0, 0x0e, 0x66, 0, 0, 4, 0x80, 0, 0, 128, 0, 0, 0, 0x18};
	uint8_t salt[16], h[64], inner[64], input[16], made[32] = {0}, out[32];

	RAND_bytes(salt, 16);
	RAND_bytes(input, 16);
	spin("SHA1", 20, 50000, salt, password, h);
	hash("SHA1", h, h, 20, "\0\0\0\0", 4);
	memset(inner, 0x36, 64);
	for (int i = 0; i < 20; i++)
		inner[i] ^= h[i];
	hash("SHA1", key, inner, 64, "", 0);
	buf_add(info, "\4\0\2\0\x24\0\0\0\x20\0\0\0", 12);
	buf_add(info, header, 32);
	buf_add(info, "\x10\0\0\0", 4);
	buf_add(info, salt, 16);
	cipher(EVP_aes_128_ecb(), key, NULL, input, 16, out);
	buf_add(info, out, 16);
	buf_add(info, "\x14\0\0\0", 4);
	hash("SHA1", made, input, 16, "", 0);
	cipher(EVP_aes_128_ecb(), key, NULL, made, 32, out);
	buf_add(info, out, 32);
}

void locked_office(struct buf *out, bool agile, const char *password, const struct buf *package)
{
	_cleanup_buf_ struct buf info = BUF_INIT(65536), body = BUF_INIT(1 << 20);
	uint8_t data_salt[16], key[64], iv[64], size[8] = {0}, segment[4096], sealed[4096];

	RAND_bytes(data_salt, 16);
	RAND_bytes(key, 32);
	if (agile)
		agile_info(&info, password, data_salt, key);
	else
		standard_info(&info, password, key);
	for (int i = 0; i < 8; i++)
		size[i] = (uint8_t)((uint64_t)package->len >> (8 * i));
	buf_add(&body, size, 8);
	for (uint32_t i = 0; (size_t)i * 4096 < package->len; i++) {
		size_t n = package->len - (size_t)i * 4096 < 4096 ? package->len - (size_t)i * 4096 : 4096;
		memset(segment, 0, sizeof(segment));
		memcpy(segment, package->data + (size_t)i * 4096, n);
		hash("SHA512", iv, data_salt, 16, (uint8_t[]){(uint8_t)i, (uint8_t)(i >> 8), 0, 0}, 4);
		cipher(agile ? EVP_aes_256_cbc() : EVP_aes_128_ecb(), key, iv, segment, (n + 15) / 16 * 16, sealed);
		buf_add(&body, sealed, (n + 15) / 16 * 16);
	}
	write_file(out, &info, &body);
}
