/* YAML configuration read through libyaml, with the place of each node, so that every complaint has line and
 * column. Scalars are strings; anchors, tags and several documents are refused. Depth and size are bounded.
 *
 * The tree belongs to the document. A reader asks for keys by name; conf_unknown_keys() then complains of
 * what nobody asked for, naming the nearest known key. */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/buf.h"
#include "base/err.h"

enum conf_kind { CONF_SCALAR, CONF_LIST, CONF_MAP };

struct conf_node {
	enum conf_kind kind;
	int line, column; /* from 1 */
	const char *text; /* of a scalar */
	bool quoted;      /* a scalar in quotes: never a number, null or bool */
	const char *key;  /* when it is a map's value */
	int key_line, key_column;
	struct conf_node *child, *next; /* of lists and maps, in order */
};

struct conf_doc;

/* name: for messages ("connections.yaml"). Errors: REMOTE "bad_config", message "name:line:column: …". */
int conf_parse(const char *name, const char *text, size_t len, struct conf_doc **ret, struct err *err);
int conf_load(const char *path, struct conf_doc **ret, struct err *err);
void conf_free(struct conf_doc *doc);
DEFINE_CLEANUP(struct conf_doc *, conf_free)

const char *conf_name(const struct conf_doc *doc);
struct conf_node *conf_root(const struct conf_doc *doc);
struct conf_node *conf_get(const struct conf_node *map, const char *key); /* NULL when missing */

/* "name:line:column: …", class REMOTE, code "bad_config". Returns -1. */
int conf_complain(const struct conf_doc *doc, const struct conf_node *at, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* keys: the known ones, ended by NULL. Complains at the first other key, and of a node that is no map. */
int conf_unknown_keys(const struct conf_doc *doc, const struct conf_node *map, const char *const *keys, struct err *err);
/* The nearest of the words by edit distance, or NULL when none is near. */
const char *conf_nearest(const char *word, const char *const *words);

#endif
