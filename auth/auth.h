/* The contract of the auth role: the only process that holds keys, secrets and refresh tokens.
 *
 * Wire: msg (base/msg.h) over the socket to core; auth/client.h wraps it. First message: AUTH_CONFIG.
 *   AUTH_CONFIG   str state folder, str key file or NULL (systemd credential, else STATE/key), str CA file or NULL, str the
 *                 operator's applications or NULL (JSON, see auth/apps.h; auth opens the files that it names itself)
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
 * What the console needs; each takes strings and answers AUTH_TEXT u32 n, n × str (or AUTH_ERR):
 *   AUTH_APPS             → JSON: the public facts of each configured application, by name
 *   AUTH_KEY_MAKE         key id, tenant, common name, days → certificate (PEM), SHA-1 thumbprint as Entra shows it (hex)
 *                         A grant of AUTH_PUT may then say "made_key": key id in place of certificate_file and key_file, and
 *                         "app": name to use the operator's application by reference. AUTH_FORGET ends a made key.
 *   AUTH_CODE_BEGIN       kind, stage, tenant, redirect address, session → state, address to send the browser to
 *   AUTH_CODE_END         kind, session, parameters of the callback (JSON, strings only) → facts (JSON)
 *   AUTH_PASSWORD_MAKE    password → hash (Argon2id, PHC string)
 *   AUTH_PASSWORD_CHECK   hash, password → "yes", "again" (right, and the hash is to be made anew) or "no"
 *   AUTH_TOTP_MAKE        account, label → secret (base32), otpauth address
 *   AUTH_TOTP_CHECK       account, code, the last step that was used ("0": none) → the step that the code belongs to
 *   AUTH_TOTP_FORGET      account →
 *   AUTH_KEEP             id (a UUID), tenant, secret → : a text that is tried on what others encrypted, not a grant
 *   AUTH_KEPT             id → secret                         AUTH_UNKEEP  id → : 0 also when there was none
 *   AUTH_ROTATE           tenant ("*": all) → number of values sealed anew, under new data keys
 *   AUTH_ROTATE_KEK       → where the new key-encryption key lies; one descriptor with the new key, or none: made
 *   AUTH_BACKUP           passphrase → number of records; one descriptor that is written to
 *   AUTH_RESTORE          passphrase → number of records; one descriptor that is read
 * AUTH_CODE_*: kind is "microsoft_consent", "dropbox", "box" or "oidc:ID". State, PKCE verifier (RFC 7636) and nonce are made
 * here, live in memory for five minutes, are bound to kind and session, and are used once: a callback that does not fit
 * spoils its state. "iss" is checked where it came, and wanted where the server says that it sends it (RFC 9207). Of a
 * code for a connection the secrets are kept under `stage`, as AUTH_PUT keeps them, when core then sends AUTH_PUT with
 * "code_of": the stage. Facts: microsoft_consent {directory}; dropbox {team_id, scope}; box {}; oidc {issuer, subject, email,
 * email_verified, name}. Errors: REMOTE "state_unknown" (unknown, used or foreign), "no_app", "state_expired", "mix_up" (another issuer),
 * "access_denied" and the provider's other codes, "bad_id_token"; AUTH, RETRY as AUTH_TOKEN.
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
	AUTH_TEXT,
	AUTH_APPS,
	AUTH_KEY_MAKE,
	AUTH_CODE_BEGIN,
	AUTH_CODE_END,
	AUTH_PASSWORD_MAKE,
	AUTH_PASSWORD_CHECK,
	AUTH_TOTP_MAKE,
	AUTH_TOTP_CHECK,
	AUTH_TOTP_FORGET,
	AUTH_ROTATE,
	AUTH_ROTATE_KEK,
	AUTH_BACKUP,
	AUTH_RESTORE,
	AUTH_KEEP,
	AUTH_KEPT,
	AUTH_UNKEEP,
};

/* The role's main; fd is the socket to core. Returns the exit code when the socket closes. */
int auth_role_main(int fd);

#endif
