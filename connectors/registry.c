/* The list of connectors, and where a connection's endpoints come from. Read-only; any thread.
 * A connector takes part when its folder is there at build time (meson.build defines HAVE_…). */
#include "connectors/connector.h"

#include <string.h>

#ifdef HAVE_MICROSOFT
extern const struct connector connector_microsoft;
#endif
#ifdef HAVE_GOOGLE
extern const struct connector connector_google;
#endif
#ifdef HAVE_BOX
extern const struct connector connector_box;
#endif
#ifdef HAVE_DROPBOX
extern const struct connector connector_dropbox;
#endif

static const struct connector *const connectors[] = {
#ifdef HAVE_MICROSOFT
	&connector_microsoft,
#endif
#ifdef HAVE_GOOGLE
	&connector_google,
#endif
#ifdef HAVE_BOX
	&connector_box,
#endif
#ifdef HAVE_DROPBOX
	&connector_dropbox,
#endif
	NULL,
};

const struct connector *const *connector_all(void)
{
	return connectors;
}

const struct connector *connector_find(const char *name)
{
	for (const struct connector *const *c = connectors; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

const char *connection_endpoint(const struct connection_config *c, const char *name)
{
	for (int i = 0; i < c->n_endpoints; i++)
		if (strcmp(c->endpoints[i].name, name) == 0 && c->endpoints[i].url[0])
			return c->endpoints[i].url;

	const struct connector *connector = connector_find(c->provider);
	for (const char *const *e = connector ? connector->endpoints : NULL; e && e[0]; e += 2)
		if (strcmp(e[0], name) == 0)
			return e[1];
	return NULL;
}
