/* YAML configuration read through libyaml, with the place of each node, so that every complaint has line and
 * column. Scalars are strings; anchors, tags and several documents are refused. Depth and size are bounded.
 *
 * The tree belongs to the document. A reader asks for keys by name; yaml_unknown_keys() then complains of
 * what nobody asked for, naming the nearest known key. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/buf.h"
#include "base/err.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	int line, column; /* from 1 */
	const char *text; /* of a scalar */
	bool quoted;      /* a scalar in quotes: never a number, null or bool */
	const char *key;  /* when it is a map's value */
	int key_line, key_column;
	struct yaml_node *child, *next; /* of lists and maps, in order */
};

struct yaml_doc;

/* name: for messages ("connections.yaml"). Errors: REMOTE "bad_config", message "name:line:column: …". */
int yaml_parse(const char *name, const char *text, size_t len, struct yaml_doc **ret, struct err *err);
int yaml_load(const char *path, struct yaml_doc **ret, struct err *err);
void yaml_free(struct yaml_doc *doc);
DEFINE_CLEANUP(struct yaml_doc *, yaml_free)

const char *yaml_name(const struct yaml_doc *doc);
struct yaml_node *yaml_root(const struct yaml_doc *doc);
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key); /* NULL when missing */

/* "name:line:column: …", class REMOTE, code "bad_config". Returns -1. */
int yaml_complain(const struct yaml_doc *doc, const struct yaml_node *at, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* keys: the known ones, ended by NULL. Complains at the first other key, and of a node that is no map. */
int yaml_unknown_keys(const struct yaml_doc *doc, const struct yaml_node *map, const char *const *keys, struct err *err);
/* The nearest of the words by edit distance, or NULL when none is near. */
const char *yaml_nearest(const char *word, const char *const *words);

#endif
