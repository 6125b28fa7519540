/* Static files and the shell of the pages; see assets.h. Any thread. */
#include "web/assets.h"

#include "web/impl.h"

#include <string.h>

/* Addresses of pages: the shell's own script reads the rest of the address. */
static const char *const pages[] = {"/", "/sign-in", "/setup", "/password", "/invitation", "/connections", "/connect", "/findings",
	"/quarantine", "/policy", "/lists", "/alerts", "/audit", "/tenants", "/accounts", "/invitations", "/me", "/problem"};

static const struct web_asset_file *find(const char *name)
{
	for (unsigned i = 0; i < web_n_asset_files; i++)
		if (strcmp(web_asset_files[i].name, name) == 0)
			return &web_asset_files[i];
	return NULL;
}

static bool is_page(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		size_t n = strlen(pages[i]);
		/* "/connections" and "/connections/ID", and no more levels. */
		if (strncmp(path, pages[i], n) == 0 && (!path[n] || (n > 1 && path[n] == '/' && !strchr(path + n + 1, '/'))))
			return true;
	}
	return false;
}

bool web_asset(struct web_call *c)
{
	const struct web_asset_file *f = NULL;
	const char *path = c->q->path;
	size_t n = strlen(web_assets_version);

	if (strcmp(path, "/favicon.ico") == 0)
		f = find("icon.svg");
	else if (strcmp(path, "/api/v1/openapi.json") == 0)
		f = find("openapi.json");
	else if (is_page(path))
		f = find("index.html");
	else if (strncmp(path, "/assets/", 8) == 0 && strncmp(path + 8, web_assets_version, n) == 0 && path[8 + n] == '/') {
		f = find(path + 8 + n + 1);
		c->a->cache = "public, max-age=31536000, immutable";
	}
	if (!f)
		return false;
	if (!c->a->cache)
		c->a->cache = "no-cache";
	c->a->etag = f->etag;
	c->a->type = f->type;
	if (strcmp(c->q->if_none_match, f->etag) == 0) {
		c->a->status = 304;
		return true;
	}
	c->a->status = 200;
	c->a->fixed = f->data;
	c->a->fixed_len = f->len;
	return true;
}
