/* The web role: this version serves /health only. It holds no token and does not write the store. */
#ifndef WEB_WEB_H
#define WEB_WEB_H

/* Wire: base/msg.h. Core sends WEB_CONFIG first: str where to listen ("127.0.0.1:8480", port 0 for any, "off").
 * The role answers once: WEB_LISTENING, str URL ("" when it does not listen). */
enum web_message { WEB_CONFIG = 0x400, WEB_LISTENING };

/* fd: the socket to core; the role ends when it closes. Returns the exit code. */
int web_role_main(int fd);

#endif
