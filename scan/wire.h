/* Messages inside the role, between processes that do not trust each other: the master and the workers, the
 * master and a generation.
 *
 * The sockets are SOCK_SEQPACKET, so that one system call takes a whole message or nothing: a worker that
 * sends half a message cannot hold the master, which base's stream framing would allow. Bodies are built and
 * read with base/msg.h. One thread a socket. */
#ifndef SCAN_WIRE_H
#define SCAN_WIRE_H

#include "base/msg.h"

/* Larger messages are refused by both ends. The fullest reply fits. */
#define WIRE_MAX (384u << 10)

/* What the processes of the role say to each other beside scan.h's messages. */
enum wire_message {
	WIRE_LOADING = 0x280, /* generation → master: path; it is the next to be read */
	WIRE_REFUSED,         /* generation → master: path, why; it is left out */
	WIRE_LOADED,          /* generation → master: a SCAN_INFO_REPLY body */
	WIRE_FORK,            /* master → generation: one more worker */
	WIRE_WORKER,          /* generation → master: pid, with the worker's socket; -errno when there is none */
	WIRE_KILL,            /* master → generation: pid */
	WIRE_DIED,            /* generation → master: pid, wait status */
};

int wire_pair(int fds[2], struct err *err);
/* 0, or -1 with errno (EPIPE: the peer is gone; EAGAIN: its buffer is full). m's descriptors are closed after
 * sending and stay m's on failure. */
int wire_send(int fd, struct msg *m, bool wait);
/* 1 a message, 0 end of file, -1 with errno (EAGAIN: nothing there; EBADMSG: malformed). m is initialised. */
int wire_recv(int fd, struct msg *m, bool wait);

#endif
