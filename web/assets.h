/* The console's files inside the binary; the table is made at build time by embed.py. */
#ifndef WEB_ASSETS_H
#define WEB_ASSETS_H

#include <stddef.h>

struct web_asset_file {
	const char *name, *type, *etag;
	const unsigned char *data;
	size_t len;
};
extern const struct web_asset_file web_asset_files[];
extern const unsigned web_n_asset_files;
extern const char web_assets_version[];

#endif
