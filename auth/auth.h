/* The contract of the auth role: the only process that holds keys, secrets and refresh tokens.
 *
 * Wire: msg (base/msg.h) over the socket to core; auth/client.h wraps it. First message: AUTH_CONFIG.
 *   AUTH_CONFIG   str state folder, str key file or NULL (systemd credential, else STATE/key), str CA file or NULL
 *                 → AUTH_OK or AUTH_ERR (the vault cannot be opened)
 *   AUTH_TOKEN    str connection, str subject, u32 renew → AUTH_TOKEN_REPLY str token, i64 expires_at | AUTH_ERR
 *   AUTH_PUT      str connection, str tenant, str provider, str grant (JSON, no secrets: type and the public
 *                 keys of the connections file, plus "token_url"), u32 n, n × str name; n descriptors in the same order
 *                 (files of secrets as named in the connections file: "key_file", "client_secret_file", …)
 *                 → AUTH_PUT_REPLY str public facts (JSON: client_id, subject, enterprise_id, key_ends_at, …) | AUTH_ERR
 *   AUTH_FORGET   str connection → AUTH_OK: the secrets are overwritten and gone
 *   AUTH_REVOKE   str connection → AUTH_OK revoked at the provider and proven dead | AUTH_ERR REMOTE "no_revocation"
 *                 when the provider has no such call
 *   AUTH_LIST     → AUTH_LIST_REPLY u32 n, n × (str connection, i64 ends_at)
 * AUTH_ERR carries msg_put_err(). The caller stages AUTH_PUT under another connection id (ID + "~new") to prove a
 * grant before it replaces the old one: AUTH_RENAME str from, str to → AUTH_OK. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

enum auth_message {
	AUTH_CONFIG = 0x100,
	AUTH_OK,
	AUTH_ERR,
	AUTH_TOKEN,
	AUTH_TOKEN_REPLY,
	AUTH_PUT,
	AUTH_PUT_REPLY,
	AUTH_FORGET,
	AUTH_REVOKE,
	AUTH_LIST,
	AUTH_LIST_REPLY,
	AUTH_RENAME,
};

/* The role's main; fd is the socket to core. Returns the exit code when the socket closes. */
int auth_role_main(int fd);

#endif
