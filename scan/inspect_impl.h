/* What the files of one scan under watch share: its state, which inspect.c owns and the callbacks change, and the
 * reply's tree of parts (parts.c). For those two files only; in a worker, on its one thread. */
#ifndef SCAN_INSPECT_IMPL_H
#define SCAN_INSPECT_IMPL_H

#include "scan/clean.h"
#include "scan/inspect.h"
#include "scan/members.h"
#include "scan/open.h"
#include "scan/reason.h"
#include "scan/shape.h"

#define MAX_LOOKED 64  /* containers of one item remembered against a second look */
#define MAX_KEPT 32    /* encrypted contents of one item that are tried */
#define MAX_LAYERS 128 /* deeper than any depth limit with libclamav's own layers between */

struct layer {
	char type[48];
	char name[256];
	uint32_t level;
	int64_t size;
	int part; /* index in the reply's parts, -1 */
	int kept; /* index in kept, -1 */
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

/* Something encrypted that will be tried (inspect_open.c). */
struct kept {
	enum open_kind kind;
	enum reason reason; /* when it stays closed */
	int part;
	uint32_t level;
	int n_encrypted;    /* members that libclamav told of */
	bool closed;        /* libclamav could not look into it */
	bool tried;
	char type[48];
	char path[256];
	const uint8_t *data;
	uint8_t *copy;      /* owned; NULL: the item itself */
	size_t len;
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
	struct kept kept[MAX_KEPT];
	int n_kept;
	size_t kept_bytes;
	unsigned told, unkept; /* bits by enum open_kind: libclamav named one; there was one beyond what is kept */
	struct passwords passwords; /* while things are opened */
	int tries;
	const char *opened_name; /* of what was opened and is scanned now; NULL: nothing is */
	unsigned n_reasons, n_found; /* how often one was noted */
	enum reason reason;
	bool top_seen;
	int64_t total;
	struct scan_reply *reply;
};

/* Why the item is not clean; of several the first of enum reason stays. */
void inspect_note(struct inspect *i, enum reason reason);

/* Scans what lies in memory, below the layers that are there. */
void inspect_scan(struct inspect *i, struct cl_engine *engine, const void *data, size_t len, int64_t deadline_ms);

/* ---- what is encrypted (inspect_open.c) ---- */

/* The layer, which is the innermost, if it is something that passwords may open. Sets its kept. */
void kept_add(struct inspect *i, struct layer *l, const uint8_t *data, size_t len);
/* It could not be looked into, for this reason: noted at once where nothing can be tried. */
void inspect_closed(struct inspect *i, enum reason reason);
/* libclamav reports something encrypted by this name; kept_told(), after each scan, says what that means. */
void inspect_told(struct inspect *i, const char *name, enum reason reason);
void kept_told(struct inspect *i);
/* The layer closes; before its members are compared. */
void kept_close(struct inspect *i, const struct layer *l);
/* Tries all that is closed, and scans what comes out. */
void kept_open(struct inspect *i, struct cl_engine *engine, const struct scan_request *req, int64_t until);
void kept_clear(struct inspect *i);

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
/* All parts of a type (its beginning) of which no member is known: their directory is encrypted. */
void parts_mark_closed(struct inspect *i, const char *type);
/* The member below that part that was told as encrypted by this name and is not opened yet; -1. */
int parts_find_closed(const struct inspect *i, int parent, const char *name);
/* Marks the innermost layer and the document around it (the project within an OOXML file). */
void parts_mark_macros(struct inspect *i);
/* What the layer's name betrays. */
void parts_look_at_name(struct inspect *i, struct layer *l);
/* What it really is, whatever its name says. After its name is known. */
void parts_look_at_type(struct inspect *i, struct layer *l, const uint8_t *data, size_t len);
/* "outer.zip/inner.doc": the names of the layers, without the item's own. */
void parts_path(const struct inspect *i, char *out, size_t size);

#endif
