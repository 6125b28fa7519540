/* OOXML documents with a password: an OLE2 file with the encrypted package in it ([MS-OFFCRYPTO] 2.3.4.5 standard and 2.3.4.10
 * agile encryption). libgsf reads the container, libxml2 the description, OpenSSL hashes and deciphers; here is only the order
 * that the specification gives them. In workers, on untrusted bytes. */
#ifndef SCAN_OFFICE_H
#define SCAN_OFFICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before the cage closes, once for all workers. */
void office_init(void);

/* Has it an encrypted package? */
bool office_is_encrypted(const uint8_t *data, size_t len);

/* The document as it was before, into out (never longer than the file). -1: another password, or nothing we know. */
int office_open(const uint8_t *data, size_t len, const char *password, uint8_t *out, size_t size, size_t *ret_len);

#endif
