/* Encrypted OOXML; see office.h. Numbers that a file gives are bounded before they are used: rounds, sizes, lengths. */
#include "scan/office.h"

#include "scan/ole2.h"

#include "base/cleanup.h"
#include "base/encode.h"

#include <gsf/gsf-infile-msole.h>
#include <gsf/gsf-infile.h>
#include <gsf/gsf-input-memory.h>
#include <gsf/gsf-utils.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <openssl/evp.h>
#include <string.h>

#define INFO_MAX 65536
#define ROUNDS_MAX 1000000
#define PASSWORD_MAX 255 /* characters, as Office takes */
#define SEGMENT 4096
#define DIGEST_MAX 64

/* What EncryptionInfo says. */
struct cipher {
	bool agile;
	const EVP_MD *key_hash, *data_hash;
	int rounds, key_len, data_block;
	uint8_t salt[64], data_salt[64];
	size_t salt_len, data_salt_len;
	uint8_t verifier[64], verifier_hash[80], key[80]; /* encrypted */
	size_t verifier_len, verifier_hash_len, key_value_len;
};

void office_init(void)
{
	gsf_init();
}

bool office_is_encrypted(const uint8_t *data, size_t len)
{
	struct ole2_facts f;

	ole2_look(data, len, &f);
	return f.kind == OLE2_ENCRYPTED;
}

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static GsfInput *open_stream(const uint8_t *data, size_t len, const char *name)
{
	GsfInput *memory = gsf_input_memory_new(data, (gsf_off_t)len, FALSE), *child = NULL;
	GsfInfile *file = memory ? gsf_infile_msole_new(memory, NULL) : NULL;

	if (file)
		child = gsf_infile_child_by_name(file, name);
	if (file)
		g_object_unref(file);
	if (memory)
		g_object_unref(memory);
	return child;
}

/* ---- what the file says of its encryption ---- */

static int attribute_number(xmlNode *n, const char *name, int max)
{
	xmlChar *v = xmlGetProp(n, (const xmlChar *)name);
	long l = v ? strtol((const char *)v, NULL, 10) : -1;

	xmlFree(v);
	return l < 0 || l > max ? -1 : (int)l;
}

static const EVP_MD *attribute_hash(xmlNode *n)
{
	static const char *const names[][2] = {{"SHA1", "SHA1"}, {"SHA-1", "SHA1"}, {"SHA256", "SHA256"}, {"SHA384", "SHA384"}, {"SHA512", "SHA512"}};
	xmlChar *v = xmlGetProp(n, (const xmlChar *)"hashAlgorithm");
	const EVP_MD *md = NULL;

	for (size_t i = 0; v && i < ARRAY_SIZE(names); i++)
		if (strcmp((const char *)v, names[i][0]) == 0)
			md = EVP_get_digestbyname(names[i][1]);
	xmlFree(v);
	return md;
}

static bool attribute_bytes(xmlNode *n, const char *name, uint8_t *out, size_t size, size_t *ret_len)
{
	xmlChar *v = xmlGetProp(n, (const xmlChar *)name);
	uint8_t raw[256];
	size_t len = v ? strlen((const char *)v) : 0, pad = 0;
	bool ok = len > 0 && len % 4 == 0 && len / 4 * 3 <= sizeof(raw) && EVP_DecodeBlock(raw, v, (int)len) == (int)(len / 4 * 3);

	while (ok && pad < 2 && v[len - 1 - pad] == '=')
		pad++;
	len = len / 4 * 3 - pad;
	xmlFree(v);
	if (!ok || len > size)
		return false;
	memcpy(out, raw, len);
	*ret_len = len;
	return true;
}

static bool is_aes_cbc(xmlNode *n)
{
	xmlChar *a = xmlGetProp(n, (const xmlChar *)"cipherAlgorithm"), *m = xmlGetProp(n, (const xmlChar *)"cipherChaining");
	bool is = a && m && strcmp((const char *)a, "AES") == 0 && strcmp((const char *)m, "ChainingModeCBC") == 0;

	xmlFree(a);
	xmlFree(m);
	return is;
}

/* The first element of that name, at any depth; documents are small and flat. */
static xmlNode *find_element(xmlNode *n, const char *name, int depth)
{
	for (; n && depth < 8; n = n->next) {
		if (n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0)
			return n;
		xmlNode *below = find_element(n->children, name, depth + 1);
		if (below)
			return below;
	}
	return NULL;
}

static bool read_agile(const uint8_t *d, size_t len, struct cipher *c)
{
	xmlDoc *doc = xmlReadMemory((const char *)d, (int)len, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlNode *data = doc ? find_element(xmlDocGetRootElement(doc), "keyData", 0) : NULL;
	xmlNode *key = doc ? find_element(xmlDocGetRootElement(doc), "encryptedKey", 0) : NULL;
	bool ok = data && key && is_aes_cbc(data) && is_aes_cbc(key);

	if (ok) {
		c->agile = true;
		c->data_hash = attribute_hash(data);
		c->key_hash = attribute_hash(key);
		c->rounds = attribute_number(key, "spinCount", ROUNDS_MAX);
		c->key_len = attribute_number(key, "keyBits", 256) / 8;
		c->data_block = attribute_number(data, "blockSize", 16);
		ok = c->data_hash && c->key_hash && c->rounds >= 0 && (c->key_len == 16 || c->key_len == 24 || c->key_len == 32) && c->data_block == 16 &&
			attribute_bytes(data, "saltValue", c->data_salt, sizeof(c->data_salt), &c->data_salt_len) &&
			attribute_bytes(key, "saltValue", c->salt, sizeof(c->salt), &c->salt_len) && c->salt_len >= 16 &&
			attribute_bytes(key, "encryptedVerifierHashInput", c->verifier, sizeof(c->verifier), &c->verifier_len) &&
			attribute_bytes(key, "encryptedVerifierHashValue", c->verifier_hash, sizeof(c->verifier_hash), &c->verifier_hash_len) &&
			attribute_bytes(key, "encryptedKeyValue", c->key, sizeof(c->key), &c->key_value_len);
	}
	xmlFreeDoc(doc);
	return ok && c->verifier_len % 16 == 0 && c->verifier_hash_len % 16 == 0 && c->key_value_len % 16 == 0 &&
		c->verifier_hash_len >= (size_t)EVP_MD_get_size(c->key_hash) && c->key_value_len >= (size_t)c->key_len;
}

/* Behind the version: flags, the header's size, the header, the verifier. */
static bool read_standard(const uint8_t *d, size_t len, struct cipher *c)
{
	size_t header = len > 12 ? get32(d + 8) : 0, at = 12 + header;

	if (header < 32 || header > len || len - 12 < header || len - at < 4 + 16 + 16 + 4 + 32 || get32(d + at) != 16)
		return false;
	uint32_t algorithm = get32(d + 12 + 8), bits = get32(d + 12 + 16);
	if (algorithm < 0x660e || algorithm > 0x6610 || (bits != 128 && bits != 192 && bits != 256))
		return false;
	c->key_hash = EVP_sha1();
	c->rounds = 50000;
	c->key_len = (int)bits / 8;
	c->salt_len = c->verifier_len = 16;
	c->verifier_hash_len = 32;
	memcpy(c->salt, d + at + 4, 16);
	memcpy(c->verifier, d + at + 20, 16);
	memcpy(c->verifier_hash, d + at + 40, 32);
	return true;
}

static bool read_info(const uint8_t *data, size_t len, struct cipher *ret)
{
	GsfInput *in = open_stream(data, len, "EncryptionInfo");
	gsf_off_t size = in ? gsf_input_size(in) : 0;
	bool ok = false;

	*ret = (struct cipher){0};
	if (size >= 8 && size <= INFO_MAX) {
		const uint8_t *d = gsf_input_read(in, (size_t)size, NULL);
		if (d && d[0] == 4 && d[2] == 4)
			ok = read_agile(d + 8, (size_t)size - 8, ret);
		else if (d && d[2] == 2)
			ok = read_standard(d, (size_t)size, ret);
	}
	if (in)
		g_object_unref(in);
	return ok;
}

/* ---- keys ---- */

struct piece {
	const void *data;
	size_t len;
};

static bool digest(const EVP_MD *md, const struct piece *p, size_t n, uint8_t out[DIGEST_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, md, NULL) == 1;

	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(ctx, p[i].data, p[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

static bool decipher(const EVP_CIPHER *type, const uint8_t *key, const uint8_t *iv, const uint8_t *in, size_t len, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, last = 0;
	bool ok = ctx && len <= INT32_MAX && EVP_DecryptInit_ex(ctx, type, NULL, key, iv) == 1 && EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
		EVP_DecryptUpdate(ctx, out, &n, in, (int)len) == 1 && EVP_DecryptFinal_ex(ctx, out + n, &last) == 1;

	EVP_CIPHER_CTX_free(ctx);
	return ok && (size_t)(n + last) == len;
}

static const EVP_CIPHER *aes(const struct cipher *c)
{
	if (c->agile)
		return c->key_len == 16 ? EVP_aes_128_cbc() : c->key_len == 24 ? EVP_aes_192_cbc() : EVP_aes_256_cbc();
	return c->key_len == 16 ? EVP_aes_128_ecb() : c->key_len == 24 ? EVP_aes_192_ecb() : EVP_aes_256_ecb();
}

/* The password in UTF-16, hashed with the salt, then so often again. */
static bool spin(const struct cipher *c, const char *password, uint8_t hash[DIGEST_MAX])
{
	glong n = 0;
	gunichar2 *wide = g_utf8_to_utf16(password, -1, NULL, &n, NULL);
	const size_t size = (size_t)EVP_MD_get_size(c->key_hash);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t round[4];

	bool ok = wide && ctx && n <= PASSWORD_MAX &&
		digest(c->key_hash, (struct piece[]){{c->salt, c->salt_len}, {wide, (size_t)n * 2}}, 2, hash);
	for (int i = 0; ok && i < c->rounds; i++) {
		put32(round, (uint32_t)i);
		ok = EVP_DigestInit_ex2(ctx, i == 0 ? c->key_hash : NULL, NULL) == 1 && EVP_DigestUpdate(ctx, round, 4) == 1 &&
			EVP_DigestUpdate(ctx, hash, size) == 1 && EVP_DigestFinal_ex(ctx, hash, NULL) == 1;
	}
	EVP_MD_CTX_free(ctx);
	if (wide)
		explicit_bzero(wide, (size_t)(n > 0 ? n : 0) * 2);
	g_free(wide);
	return ok;
}

/* One of the keys that agile encryption makes of it; what lacks is filled up. */
static bool block_key(const struct cipher *c, const uint8_t hash[DIGEST_MAX], const char block[8], uint8_t key[DIGEST_MAX])
{
	size_t size = (size_t)EVP_MD_get_size(c->key_hash);

	memset(key, 0x36, DIGEST_MAX);
	return digest(c->key_hash, (struct piece[]){{hash, size}, {block, 8}}, 2, key);
}

static bool agile_key(const struct cipher *c, const uint8_t hash[DIGEST_MAX], uint8_t key[80])
{
	uint8_t k[DIGEST_MAX], input[64], told[80], made[DIGEST_MAX];

	return block_key(c, hash, "\xfe\xa7\xd2\x76\x3b\x4b\x9e\x79", k) && decipher(aes(c), k, c->salt, c->verifier, c->verifier_len, input) &&
		block_key(c, hash, "\xd7\xaa\x0f\x6d\x30\x61\x34\x4e", k) && decipher(aes(c), k, c->salt, c->verifier_hash, c->verifier_hash_len, told) &&
		digest(c->key_hash, (struct piece[]){{input, c->verifier_len}}, 1, made) &&
		memcmp(made, told, (size_t)EVP_MD_get_size(c->key_hash)) == 0 && block_key(c, hash, "\x14\x6e\x0b\xe7\xab\xac\xd0\xd6", k) &&
		decipher(aes(c), k, c->salt, c->key, c->key_value_len, key);
}

static bool standard_key(const struct cipher *c, const uint8_t hash[DIGEST_MAX], uint8_t key[80])
{
	static const uint8_t block[4];
	uint8_t last[DIGEST_MAX], inner[64], outer[64], input[16], told[32], made[DIGEST_MAX];

	if (!digest(c->key_hash, (struct piece[]){{hash, 20}, {block, 4}}, 2, last))
		return false;
	memset(inner, 0x36, sizeof(inner));
	memset(outer, 0x5c, sizeof(outer));
	for (int i = 0; i < 20; i++) {
		inner[i] ^= last[i];
		outer[i] ^= last[i];
	}
	return digest(c->key_hash, (struct piece[]){{inner, 64}}, 1, made) && memcpy(key, made, 20) &&
		digest(c->key_hash, (struct piece[]){{outer, 64}}, 1, made) && memcpy(key + 20, made, 20) &&
		decipher(aes(c), key, NULL, c->verifier, 16, input) && decipher(aes(c), key, NULL, c->verifier_hash, 32, told) &&
		digest(c->key_hash, (struct piece[]){{input, 16}}, 1, made) && memcmp(made, told, 20) == 0;
}

/* ---- the package ---- */

static bool read_package(const struct cipher *c, const uint8_t *key, GsfInput *in, uint8_t *out, size_t size, size_t *ret_len)
{
	gsf_off_t whole = gsf_input_size(in);
	const uint8_t *head = whole > 8 ? gsf_input_read(in, 8, NULL) : NULL;
	size_t left = (size_t)(whole - 8) / 16 * 16, done = 0;
	uint64_t told;
	uint8_t iv[DIGEST_MAX], segment[4];

	if (!head || left > size)
		return false;
	told = get32(head) | (uint64_t)get32(head + 4) << 32;
	for (uint32_t i = 0; done < left; i++) {
		size_t n = left - done < SEGMENT ? left - done : SEGMENT;
		const uint8_t *p = gsf_input_read(in, n, NULL);
		put32(segment, i);
		if (!p || (c->agile && !digest(c->data_hash, (struct piece[]){{c->data_salt, c->data_salt_len}, {segment, 4}}, 2, iv)) ||
			!decipher(aes(c), key, iv, p, n, out + done))
			return false;
		done += n;
	}
	if (told > done)
		return false;
	*ret_len = (size_t)told;
	return true;
}

int office_open(const uint8_t *data, size_t len, const char *password, uint8_t *out, size_t size, size_t *ret_len)
{
	struct cipher c;
	uint8_t hash[DIGEST_MAX], key[80];
	size_t n = 0;

	if (!read_info(data, len, &c) || !spin(&c, password, hash) || !(c.agile ? agile_key(&c, hash, key) : standard_key(&c, hash, key)))
		return -1;
	GsfInput *in = open_stream(data, len, "EncryptedPackage");
	bool ok = in && read_package(&c, key, in, out, size, &n);
	if (in)
		g_object_unref(in);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(hash, sizeof(hash));
	if (!ok)
		return -1;
	*ret_len = n;
	return 0;
}
