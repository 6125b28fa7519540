/* Between the two halves of the server: server.c (connections, requests) and answer.c (responses). */
#ifndef FAKECLOUD_SERVER_H
#define FAKECLOUD_SERVER_H

#include "fakecloud/core.h"

/* For a response with a blob: settles status, range and headers. */
void answer_range(const struct fc_request *req, struct fc_response *res);
/* The Date header by the providers' clock, which POST /clock moves. */
void answer_date(struct fc_response *res);
enum MHD_Result answer_queue(struct MHD_Connection *mhd, struct fc_response *res);

#endif
