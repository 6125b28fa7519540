/* YAML into a small tree with places, through libyaml's event parser; see conf.h. */
#include "base/conf.h"

#include "base/ioutil.h"

#include <stdarg.h>
#include <string.h>
#include <yaml.h>

#define CONF_DEPTH 32
#define CONF_BYTES (4u << 20)
#define CONF_KEYS 1000 /* of one map: each new one is compared with those before */

struct conf_doc {
	char name[256];
	struct arena *arena;
	struct conf_node *root;
};

struct builder {
	struct conf_doc *doc;
	yaml_parser_t parser;
	struct err *err;
};

static int complain_at(const struct conf_doc *doc, int line, int column, struct err *err, const char *fmt, va_list ap)
	__attribute__((format(printf, 5, 0)));
static int complain_mark(struct builder *b, yaml_mark_t mark, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int complain_at(const struct conf_doc *doc, int line, int column, struct err *err, const char *fmt, va_list ap)
{
	char text[240];

	vsnprintf(text, sizeof(text), fmt, ap);
	return err_set(err, ERR_REMOTE, "bad_config", "%s:%d:%d: %s", doc->name, line, column, text);
}

static int complain_mark(struct builder *b, yaml_mark_t mark, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int r = complain_at(b->doc, (int)mark.line + 1, (int)mark.column + 1, b->err, fmt, ap);
	va_end(ap);
	return r;
}

int conf_complain(const struct conf_doc *doc, const struct conf_node *at, struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int r = complain_at(doc, at ? at->line : 1, at ? at->column : 1, err, fmt, ap);
	va_end(ap);
	return r;
}

static int next_event(struct builder *b, yaml_event_t *e)
{
	if (yaml_parser_parse(&b->parser, e))
		return 0;
	yaml_mark_t mark = b->parser.problem_mark;
	return complain_mark(b, mark, "%s", b->parser.problem ? b->parser.problem : "not YAML");
}

static struct conf_node *new_node(struct builder *b, enum conf_kind kind, const yaml_event_t *e)
{
	struct conf_node *n = arena_alloc(b->doc->arena, sizeof(*n));

	if (n) {
		n->kind = kind;
		n->line = (int)e->start_mark.line + 1;
		n->column = (int)e->start_mark.column + 1;
	}
	return n;
}

static int build(struct builder *b, yaml_event_t *e, int depth, struct conf_node **ret);

static int build_scalar(struct builder *b, const yaml_event_t *e, struct conf_node **ret)
{
	const char *text = (const char *)e->data.scalar.value;

	if (e->data.scalar.anchor || (e->data.scalar.tag && strcmp((char *)e->data.scalar.tag, "!") != 0))
		return complain_mark(b, e->start_mark, "anchors and tags are not used here");
	if (strlen(text) != e->data.scalar.length)
		return complain_mark(b, e->start_mark, "a NUL character in a value");
	struct conf_node *n = new_node(b, CONF_SCALAR, e);
	if (!n || !(n->text = arena_dup(b->doc->arena, text)))
		return err_set(b->err, ERR_LOCAL, "memory", "out of memory");
	n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	*ret = n;
	return 0;
}

static int build_list(struct builder *b, const yaml_event_t *open, int depth, struct conf_node **ret)
{
	struct conf_node *list = new_node(b, CONF_LIST, open), **tail = list ? &list->child : NULL;

	if (!list)
		return err_set(b->err, ERR_LOCAL, "memory", "out of memory");
	for (;;) {
		yaml_event_t e;
		if (next_event(b, &e) < 0)
			return -1;
		bool end = e.type == YAML_SEQUENCE_END_EVENT;
		int r = end ? 0 : build(b, &e, depth + 1, tail);
		yaml_event_delete(&e);
		if (r < 0)
			return -1;
		if (end)
			break;
		tail = &(*tail)->next;
	}
	*ret = list;
	return 0;
}

/* One key (already read into e) and its value. */
static int build_pair(struct builder *b, const yaml_event_t *key, struct conf_node *map, int depth,
	struct conf_node **ret)
{
	yaml_event_t value;

	if (key->type != YAML_SCALAR_EVENT)
		return complain_mark(b, key->start_mark, "a key must be a word");
	if (key->data.scalar.anchor || key->data.scalar.tag)
		return complain_mark(b, key->start_mark, "anchors and tags are not used here");
	const char *name = (const char *)key->data.scalar.value;
	if (conf_get(map, name))
		return complain_mark(b, key->start_mark, "key '%.60s' stands here twice", name);
	if (next_event(b, &value) < 0)
		return -1;
	struct conf_node *n = NULL;
	int r = build(b, &value, depth + 1, &n);
	yaml_event_delete(&value);
	if (r < 0)
		return -1;
	n->key = arena_dup(b->doc->arena, name);
	n->key_line = (int)key->start_mark.line + 1;
	n->key_column = (int)key->start_mark.column + 1;
	if (!n->key)
		return err_set(b->err, ERR_LOCAL, "memory", "out of memory");
	*ret = n;
	return 0;
}

static int build_map(struct builder *b, const yaml_event_t *open, int depth, struct conf_node **ret)
{
	struct conf_node *map = new_node(b, CONF_MAP, open), **tail = map ? &map->child : NULL;
	int keys = 0;

	if (!map)
		return err_set(b->err, ERR_LOCAL, "memory", "out of memory");
	for (;;) {
		yaml_event_t e;
		if (next_event(b, &e) < 0)
			return -1;
		bool end = e.type == YAML_MAPPING_END_EVENT;
		int r = end ? 0 : ++keys > CONF_KEYS ? complain_mark(b, e.start_mark, "more than %d keys", CONF_KEYS) :
			build_pair(b, &e, map, depth, tail);
		yaml_event_delete(&e);
		if (r < 0)
			return -1;
		if (end)
			break;
		tail = &(*tail)->next;
	}
	*ret = map;
	return 0;
}

static int build(struct builder *b, yaml_event_t *e, int depth, struct conf_node **ret)
{
	if (depth > CONF_DEPTH)
		return complain_mark(b, e->start_mark, "nested deeper than %d", CONF_DEPTH);
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return build_scalar(b, e, ret);
	case YAML_SEQUENCE_START_EVENT:
		if (e->data.sequence_start.anchor || e->data.sequence_start.tag)
			return complain_mark(b, e->start_mark, "anchors and tags are not used here");
		return build_list(b, e, depth, ret);
	case YAML_MAPPING_START_EVENT:
		if (e->data.mapping_start.anchor || e->data.mapping_start.tag)
			return complain_mark(b, e->start_mark, "anchors and tags are not used here");
		return build_map(b, e, depth, ret);
	default:
		return complain_mark(b, e->start_mark, "aliases are not used here");
	}
}

static int build_document(struct builder *b)
{
	yaml_event_t e;
	bool opened = false;

	for (;;) {
		if (next_event(b, &e) < 0)
			return -1;
		int r = 0;
		yaml_event_type_t type = e.type;
		if (type == YAML_DOCUMENT_START_EVENT) {
			r = opened ? complain_mark(b, e.start_mark, "only one document is read") : 0;
			opened = true;
		} else if (type != YAML_STREAM_START_EVENT && type != YAML_STREAM_END_EVENT &&
			type != YAML_DOCUMENT_END_EVENT) {
			r = build(b, &e, 0, &b->doc->root);
		}
		yaml_event_delete(&e);
		if (r < 0)
			return -1;
		if (type == YAML_STREAM_END_EVENT)
			return 0;
	}
}

int conf_parse(const char *name, const char *text, size_t len, struct conf_doc **ret, struct err *err)
{
	_cleanup_(conf_freep) struct conf_doc *doc = calloc(1, sizeof(*doc));
	struct builder b = {.doc = doc, .err = err};

	if (!doc || !(doc->arena = arena_new(CONF_BYTES * 4)) || !yaml_parser_initialize(&b.parser))
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	snprintf(doc->name, sizeof(doc->name), "%s", name);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, len);
	int r = build_document(&b);
	yaml_parser_delete(&b.parser);
	if (r < 0)
		return -1;
	if (!doc->root) { /* an empty file is an empty map */
		doc->root = arena_alloc(doc->arena, sizeof(*doc->root));
		if (!doc->root)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
		*doc->root = (struct conf_node){.kind = CONF_MAP, .line = 1, .column = 1};
	}
	*ret = TAKE_PTR(doc);
	return 0;
}

int conf_load(const char *path, struct conf_doc **ret, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(CONF_BYTES);

	if (io_read_file(path, &text, err) < 0)
		return -1;
	return conf_parse(path, buf_str(&text), text.len, ret, err);
}

void conf_free(struct conf_doc *doc)
{
	if (!doc)
		return;
	arena_free(doc->arena);
	free(doc);
}

const char *conf_name(const struct conf_doc *doc)
{
	return doc->name;
}

struct conf_node *conf_root(const struct conf_doc *doc)
{
	return doc->root;
}

struct conf_node *conf_get(const struct conf_node *map, const char *key)
{
	if (!map || map->kind != CONF_MAP)
		return NULL;
	for (struct conf_node *n = map->child; n; n = n->next)
		if (n->key && strcmp(n->key, key) == 0)
			return n;
	return NULL;
}

/* Levenshtein distance, words cut at 40 bytes. */
static size_t distance(const char *a, const char *b)
{
	size_t la = strnlen(a, 40), lb = strnlen(b, 40), row[41];

	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			size_t shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
			row[j] = change < shift ? change : shift;
		}
	}
	return row[lb];
}

const char *conf_nearest(const char *word, const char *const *words)
{
	const char *best = NULL;
	size_t best_distance = strlen(word) / 2 + 1;

	for (; *words; words++) {
		size_t d = distance(word, *words);
		if (d < best_distance) {
			best_distance = d;
			best = *words;
		}
	}
	return best;
}

int conf_unknown_keys(const struct conf_doc *doc, const struct conf_node *map, const char *const *keys, struct err *err)
{
	if (map->kind != CONF_MAP)
		return conf_complain(doc, map, err, "keys and values expected here");
	for (const struct conf_node *n = map->child; n; n = n->next) {
		const char *const *k = keys;
		while (*k && strcmp(*k, n->key) != 0)
			k++;
		if (*k)
			continue;
		struct conf_node at = {.line = n->key_line, .column = n->key_column};
		const char *near = conf_nearest(n->key, keys);
		if (near)
			return conf_complain(doc, &at, err, "unknown key '%.60s'; did you mean '%s'?", n->key, near);
		_cleanup_buf_ struct buf list = BUF_INIT(160);
		for (k = keys; *k; k++)
			buf_addf(&list, "%s%s", k == keys ? "" : ", ", *k);
		return conf_complain(doc, &at, err, "unknown key '%.60s'; known here: %s", n->key, buf_str(&list));
	}
	return 0;
}
