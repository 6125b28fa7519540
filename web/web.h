/* The web role: console, JSON API, callbacks of the providers. It holds no token and no secret and never writes the
 * store: it reads the store by itself (opened read-only) and asks core for everything else. What it reads for a person
 * it checks with console_may() of store/console.h, as core does for what it changes.
 *
 * Wire: base/msg.h over the socket to core, base/rpc.h on both ends (core sends WEB_CONFIG with rpc_notify()).
 *   WEB_CONFIG     core → web, first: str JSON object
 *                  {"listen": "127.0.0.1:8480" | "unix:/path" | "off", "public_url": "https://…" or "" (then the address
 *                  it listens at), "state": folder, "store": "sqlite:…", "language": "ja", "time_zone": "Asia/Tokyo",
 *                  "sign_in": [{"id", "title"}], "apps": {"microsoft": {public facts}, …}} (apps only those configured)
 *   WEB_LISTENING  web → core, once: str URL, "" when it does not listen
 *   WEB_REQUEST    web → core: str command, str args (JSON object), str session (hex SHA-256 of the cookie's token, ""
 *                  without one), str address of the client, str user agent (at most 200 bytes, for the list of sessions)
 *   WEB_RESULT     core → web: i64 exit code (0 done, 9 nothing to do: it is so already), str result (JSON object), at
 *                  most one descriptor (a download: a sealed memfd). On failure the result is
 *                  {"error": {"class", "code", "message", "status", "request_id", "retry_at"}}; the codes that are not
 *                  a provider's are in core/console.h.
 * Commands, their arguments and results: core/console.h. A request may take as long as a provider does: two minutes. */
#ifndef WEB_WEB_H
#define WEB_WEB_H

enum web_message { WEB_CONFIG = 0x400, WEB_LISTENING, WEB_REQUEST, WEB_RESULT };

#define WEB_REQUEST_MS 180000

/* fd: the socket to core; the role ends when it closes. Returns the exit code. */
int web_role_main(int fd);

#endif
