/* connect PROVIDER: the questions of one connection, asked on the terminal. Secrets are never typed: they are files. */
#ifndef CORE_ASK_H
#define CORE_ASK_H

#include "base/buf.h"

/* Writes a connections file's text (YAML) with the answers to out; adds what the command line says already. Errors: GONE
 * "no_answer" when the input ends; REMOTE "unknown_provider". */
int ask_connection(const char *provider, const char *tenant, const char *connection, struct buf *out, struct err *err);

#endif
