/* sd_notify(3): one datagram to the socket that systemd names; nothing without one. */
#ifndef CORE_NOTIFY_H
#define CORE_NOTIFY_H

void notify_send(const char *state);

#endif
