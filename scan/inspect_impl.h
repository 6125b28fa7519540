/* What the files of one scan under watch share: its state, which inspect.c owns and the callbacks change, and the
 * reply's tree of parts (parts.c). For those two files only; in a worker, on its one thread. */
#ifndef SCAN_INSPECT_IMPL_H
#define SCAN_INSPECT_IMPL_H

#include "scan/clean.h"
#include "scan/inspect.h"
#include "scan/members.h"
#include "scan/reason.h"
#include "scan/shape.h"

#define MAX_LOOKED 64  /* containers of one item remembered against a second look */
#define MAX_LAYERS 128 /* deeper than any depth limit with libclamav's own layers between */

struct layer {
	char type[48];
	char name[256];
	uint32_t level;
	int64_t size;
	int part; /* index in the reply's parts, -1 */
	enum shape shape;
	bool empty_stream;
	bool derived;  /* normalised by libclamav from the layer above, or a second look at a part: none of the item's */
	bool zip_behind; /* no ZIP by its beginning, but one by its end */
	bool mail;     /* the reader has it open */
	bool parent;   /* something came out of it, or was announced */
	bool has_key;
	struct clean_key key;
	uint8_t digest[32]; /* of the content, with has_key */
	unsigned reasons; /* of the whole scan when it was opened */
	unsigned found;
	struct members members;
};

struct inspect {
	struct scan_limits limits;
	bool image_hashes;
	struct clean_table *clean;
	struct members_store *store;
	struct reader *reader;
	const char *name; /* of the item, as its owner calls it */
	uint32_t base; /* added to libclamav's level: what lies beside a mail's parts is scanned on its own, as below the mail */
	struct layer layers[MAX_LAYERS];
	int n_layers;
	struct clean_key looked[MAX_LOOKED];
	int n_looked;
	unsigned n_reasons, n_found; /* how often one was noted */
	enum reason reason;
	bool top_seen;
	int64_t total;
	struct scan_reply *reply;
};

/* Why the item is not clean; of several the first of enum reason stays. */
void inspect_note(struct inspect *i, enum reason reason);

/* ---- the reply's parts (parts.c) ---- */

/* The part of the nearest layer around that is described, -1. The item is, as the first. */
int parts_parent(const struct inspect *i, int layer);
/* Counts the innermost layer against the limits and describes it, while there is room. */
void parts_add(struct inspect *i, struct layer *l, int64_t size);
/* A member that nobody can look into is told nevertheless: its name is what there is of it. Twice told, once here. */
void parts_add_encrypted(struct inspect *i, const struct layer *l, const char *name, int64_t size);
/* The hashes by which new signatures find what was seen, without its bytes. */
void parts_hash(struct scan_reply *r, int part, const void *data, size_t len);
void parts_mark_encrypted(struct inspect *i, const struct layer *l);
/* Marks the innermost layer and the document around it (the project within an OOXML file). */
void parts_mark_macros(struct inspect *i);
/* What the layer's name betrays. */
void parts_look_at_name(struct inspect *i, struct layer *l);
/* What it really is, whatever its name says. After its name is known. */
void parts_look_at_type(struct inspect *i, struct layer *l, const uint8_t *data, size_t len);
/* "outer.zip/inner.doc": the names of the layers, without the item's own. */
void parts_path(const struct inspect *i, char *out, size_t size);

#endif
