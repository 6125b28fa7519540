/* What uploads in one request and in chunks share. State lock held. */
#ifndef FAKECLOUD_BOX_UPLOAD_H
#define FAKECLOUD_BOX_UPLOAD_H

#include "fakecloud/box/box.h"

/* The folder for a new file of that name; NULL after an error (404, 403, 409, 400) was answered. */
struct bx_item *bx_upload_target(struct bx_ctx *c, const cJSON *parent, const char *name);
/* The file of the path for a new version, under a new name when one is given; NULL after an error. */
struct bx_item *bx_upload_existing(struct bx_ctx *c, const char *name);
/* Make the file or version and answer with it. attributes: content times and description, may be NULL. */
void bx_upload_new(struct bx_ctx *c, struct bx_item *to, const char *name, struct fc_blob *blob,
	const cJSON *attributes);
void bx_upload_version(struct bx_ctx *c, struct bx_item *it, const char *name, struct fc_blob *blob,
	const cJSON *attributes, int status);

#endif
