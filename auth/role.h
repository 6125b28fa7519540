/* Inside of the auth role, for its tests: what auth_role_main() does after hardening the process. */
#ifndef AUTH_ROLE_H
#define AUTH_ROLE_H

/* Serves the socket until its other end is closed. Returns the exit code. */
int auth_role_serve(int fd);

#endif
