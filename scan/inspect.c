/* One scan under watch; see inspect.h. Runs in a worker, on untrusted content, below libclamav.
 *
 * Layers come as a stack: the inspection callback opens one, the post-scan callback closes it. A layer keeps
 * what its container announced (clcb_meta) and what came out of it; closing compares the two. What the reply tells of the
 * parts is written in parts.c. */
#include "scan/inspect.h"

#include "scan/hidden.h"
#include "scan/inspect_impl.h"
#include "scan/names.h"
#include "scan/ole2.h"
#include "scan/reader.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <string.h>

struct inspect *inspect_new(const struct scan_limits *limits, bool image_hashes, struct detect *detect)
{
	struct inspect *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->limits = *limits;
	i->image_hashes = image_hashes;
	i->clean = clean_new();
	i->store = members_store_new();
	i->reader = reader_new(limits, detect);
	if (!i->clean || !i->store || !i->reader) {
		inspect_free(i);
		return NULL;
	}
	return i;
}

void inspect_free(struct inspect *i)
{
	if (!i)
		return;
	clean_free(i->clean);
	members_store_free(i->store);
	reader_free(i->reader);
	free(i);
}

void inspect_forget(struct inspect *i)
{
	reader_forget(i->reader);
}

void inspect_note(struct inspect *i, enum reason reason)
{
	if (reason == REASON_NONE)
		return;
	i->n_reasons++;
	if (reason < i->reason)
		i->reason = reason;
}

static struct layer *top(struct inspect *i)
{
	return i->n_layers ? &i->layers[i->n_layers - 1] : NULL;
}

static void close_layer(struct inspect *i, cl_error_t result)
{
	struct layer *l = top(i);

	if (!l)
		return;
	kept_close(i, l);
	inspect_note(i, members_compare(i->store, &l->members));
	if (!l->parent && (l->shape == SHAPE_ARCHIVE || (l->shape == SHAPE_STREAM && !l->empty_stream)))
		inspect_note(i, REASON_NOT_UNPACKED);
	if (result == CL_CLEAN && l->has_key && !l->parent && l->reasons == i->n_reasons && l->found == i->n_found)
		clean_add(i->clean, &l->key);
	else if (l->has_key && l->parent && l->level > 0 && i->n_looked < MAX_LOOKED)
		i->looked[i->n_looked++] = l->key;
	if (l->mail)
		reader_mail_close(i->reader);
	i->n_layers--;
}

static void look_at_content(struct inspect *i, struct layer *l, const uint8_t *data, size_t len)
{
	if (l->derived)
		return;
	l->shape = shape_of(l->type, data, len);
	l->zip_behind = !shape_is_zip(l->type) && shape_has_zip_end(data, len);
	l->empty_stream = l->shape == SHAPE_STREAM && shape_is_empty_stream(l->type, data, len);
	if (l->shape == SHAPE_OPAQUE || (shape_is_zip(l->type) && hidden_in_zip(data, len)) ||
		hidden_in_text(l->type, data, len))
		inspect_note(i, REASON_NOT_UNPACKED);
	kept_add(i, l, data, len);
	if (i->n_layers > 1 && shape_is_encrypted_manifest(l->name, data, len)) {
		inspect_note(i, REASON_ENCRYPTED_DOCUMENT);
		parts_mark_encrypted(i, &i->layers[i->n_layers - 2]);
	}
	if (l->shape == SHAPE_ENCRYPTED) {
		inspect_note(i, REASON_ENCRYPTED_DOCUMENT);
		parts_mark_encrypted(i, l);
	}
	if (strcmp(l->type, "CL_TYPE_MSOLE2") == 0 || strcmp(l->type, "CL_TYPE_HWPOLE2") == 0) {
		struct ole2_facts facts;
		ole2_look(data, len, &facts);
		if (facts.encrypted) {
			inspect_closed(i, REASON_ENCRYPTED_DOCUMENT);
			parts_mark_encrypted(i, l);
		}
		if (facts.macros)
			parts_mark_macros(i);
	}
}

/* The types around a part are part of what it was found clean as. */
static void make_key(struct inspect *i, struct layer *l, uint32_t attributes, const void *data, size_t len)
{
	char context[160];
	const char *up1 = i->n_layers > 1 ? i->layers[i->n_layers - 2].type : "";
	const char *up2 = i->n_layers > 2 ? i->layers[i->n_layers - 3].type : "";

	snprintf(context, sizeof(context), "%s|%s|%s|%u", l->type, up1, up2, attributes);
	l->has_key = clean_key(i->clean, context, data, len, &l->key, l->digest);
	if (l->has_key && l->part >= 0) {
		hex_encode(i->reply->parts[l->part].sha256, l->digest, sizeof(l->digest));
		parts_hash(i->reply, l->part, data, len);
	}
}

/* What is read beside the scan, of which the part's real name comes. A mail within a mail is read with that. */
static void read_part(struct inspect *i, struct layer *l, const uint8_t *data, size_t len)
{
	const struct layer *up = i->n_layers > 1 ? &i->layers[i->n_layers - 2] : NULL;
	bool beside = up && up->derived && l->derived && i->base == l->level;

	if (l->derived && !beside)
		return;
	if (!beside) {
		/* What is beyond the described parts counts as what holds it. */
		const char *name = reader_part(i->reader, l->part >= 0 ? l->part : parts_parent(i, i->n_layers - 1), l->type, data, len, l->has_key ? l->digest : NULL);
		if (name)
			snprintf(l->name, sizeof(l->name), "%s", name);
		if (name && l->part >= 0)
			snprintf(i->reply->parts[l->part].name, sizeof(i->reply->parts[l->part].name), "%s", name);
	}
	if ((up && up->mail && !beside) || !reader_is_mail(l->type, data, len))
		return;
	l->mail = true;
	inspect_note(i, reader_mail_open(i->reader, beside ? up->part : l->part, l->level == 0, data, len));
}

/* The second look at a container of this item (see on_part): what it gave is noted already. */
static bool looked_before(const struct inspect *i, const struct layer *l)
{
	for (int n = 0; l->derived && n < i->n_looked; n++)
		if (memcmp(&i->looked[n], &l->key, sizeof(l->key)) == 0)
			return true;
	return false;
}

static cl_error_t on_part(int fd, const char *type, const char **ancestors, size_t parent_size, const char *name,
	size_t size, const char *data, uint32_t level, uint32_t attributes, void *context)
{
	struct inspect *i = context;

	if (!i || !i->reply)
		return CL_CLEAN;
	/* Each layer is closed by the post-scan callback; the level is the check. */
	level += i->base;
	while (i->n_layers && i->layers[i->n_layers - 1].level >= level)
		close_layer(i, CL_ERROR);
	if (i->n_layers == MAX_LAYERS) {
		inspect_note(i, REASON_DEPTH);
		return CL_CLEAN;
	}
	struct layer *up = top(i), *l = &i->layers[i->n_layers];
	*l = (struct layer){.level = level, .kept = -1, .size = (int64_t)size, .derived = (attributes & LAYER_ATTRIBUTES_NORMALIZED) != 0,
		.reasons = i->n_reasons, .found = i->n_found};
	snprintf(l->type, sizeof(l->type), "%s", type ? type : "");
	snprintf(l->name, sizeof(l->name), "%s", name && level > 0 && !name_is_made_up(name) ? name : "");
	if (level == i->base)
		i->top_seen = true;
	if (i->base && level == i->base && !i->opened_name)
		l->derived = true;
	if (i->opened_name && level == i->base)
		snprintf(l->name, sizeof(l->name), "%s", i->opened_name);
	/* Raw scanning of an OOXML file finds its stored members once more, below a layer that is not told. */
	if (up && level > up->level + 1 && members_known(i->store, &up->members, name, (int64_t)size))
		l->derived = true;
	if (up && !l->derived) {
		up->parent = true;
		if (members_seen(i->store, &up->members, name, (int64_t)size) < 0)
			inspect_note(i, REASON_MEMORY);
	}
	members_open(i->store, &l->members);
	i->n_layers++;
	parts_add(i, l, (int64_t)size);
	if (!data && size) {
		inspect_note(i, REASON_ERROR);
		return CL_CLEAN;
	}
	look_at_content(i, l, (const uint8_t *)data, size);
	make_key(i, l, attributes, data, size);
	read_part(i, l, (const uint8_t *)data, size);
	parts_look_at_name(i, l);
	parts_look_at_type(i, l, (const uint8_t *)data, size);
	if (l->has_key && (clean_has(i->clean, &l->key) || looked_before(i, l))) {
		l->parent = true; /* nothing need come out of it, and it is in the table already */
		return CL_BREAK;
	}
	return CL_CLEAN;
}

static cl_error_t on_part_end(int fd, int result, const char *name, void *context)
{
	struct inspect *i = context;

	if (i && i->reply)
		close_layer(i, (cl_error_t)result);
	return CL_CLEAN;
}

/* Programs that read archives hold their signatures, and what follows one there is no member. */
static bool is_plausible(const struct layer *l, unsigned long packed, const char *name)
{
	if (l->zip_behind)
		return true;
	if (!name || !*name || packed == 0 || packed > (unsigned long)l->size)
		return false;
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < 0x20)
			return false;
	return true;
}

/* clcb_meta: a container announces a member, before it is unpacked or instead. */
static cl_error_t on_member(const char *type, unsigned long packed, const char *name, unsigned long size,
	int encrypted, unsigned int position, void *context)
{
	struct inspect *i = context;
	struct layer *l = i && i->reply ? top(i) : NULL;

	if (!l)
		return CL_CLEAN;
	/* Position 0: a member found by its header alone, in raw bytes. In a ZIP it is one that the directory told
	 * already; behind other content its sizes may stand where libclamav does not read them. */
	bool zip = type && shape_is_zip(type), raw = zip && position == 0;
	if (raw && (shape_is_zip(l->type) || !is_plausible(l, packed, name)))
		return CL_CLEAN;
	l->parent = true;
	if (encrypted) {
		inspect_closed(i, REASON_ENCRYPTED_ARCHIVE);
		parts_mark_encrypted(i, l);
		parts_add_encrypted(i, l, name, size > INT64_MAX ? INT64_MAX : (int64_t)size);
	}
	if (size > (unsigned long)i->limits.part)
		inspect_note(i, REASON_PART_SIZE);
	if (raw && l->zip_behind && size == 0 && packed == 0 && name && *name && name[strlen(name) - 1] != '/')
		inspect_note(i, REASON_NOT_UNPACKED);
	const struct member m = {.size = size > INT64_MAX ? INT64_MAX : (int64_t)size,
		.packed = packed > INT64_MAX ? INT64_MAX : (int64_t)packed, .position = position, .encrypted = encrypted != 0};
	if (members_announced(i->store, &l->members, name, &m, zip && !raw) < 0)
		inspect_note(i, REASON_MEMORY);
	if (members_count(&l->members) > i->limits.parts)
		inspect_note(i, REASON_PARTS);
	return CL_CLEAN;
}

/* What libclamav makes of shown and real addresses (databases .pdb and .wdb): a guess for rules to weigh, no malware. */
static void add_phishing(struct inspect *i, const char *name)
{
	static const char detector[] = "phishing.clamav";
	struct scan_reply *r = i->reply;
	int part = parts_parent(i, i->n_layers);

	if (part < 0)
		return;
	r->hits_seen++;
	for (int n = 0; n < r->n_hits; n++) {
		if (r->hits[n].part == part && strcmp(r->hits[n].detector, detector) == 0) {
			r->hits[n].count++;
			return;
		}
	}
	if (r->n_hits == SCAN_MAX_HITS)
		return;
	struct scan_hit *h = &r->hits[r->n_hits++];
	*h = (struct scan_hit){.part = part, .count = 1, .distinct = 1};
	memcpy(h->detector, detector, sizeof(detector));
	name_copy(h->masked, sizeof(h->masked), strncmp(name, "Heuristics.", 11) == 0 ? name + 11 : name, SIZE_MAX);
	snprintf(h->hash, sizeof(h->hash), "%.32s", r->parts[part].sha256[0] ? r->parts[part].sha256 : "00000000000000000000000000000000");
}

static void on_found(int fd, const char *name, void *context)
{
	struct inspect *i = context;
	enum reason reason = REASON_NONE;

	if (!i || !i->reply || !name)
		return;
	struct scan_reply *r = i->reply;
	i->n_found++;
	switch (reason_of_name(name, &reason)) {
	case FOUND_REASON:
		if (reason == REASON_ENCRYPTED_ARCHIVE || reason == REASON_ENCRYPTED_DOCUMENT)
			inspect_told(i, name, reason);
		else
			inspect_note(i, reason);
		return;
	case FOUND_MACROS:
		for (int n = 0; n < r->n_parts; n++)
			if (strncmp(r->parts[n].type, "CL_TYPE_MSOLE2", 14) == 0)
				r->parts[n].macros = true;
		return;
	case FOUND_PHISHING:
		add_phishing(i, name);
		return;
	case FOUND_NOTHING:
		return;
	case FOUND_THREAT:
		break;
	}
	struct scan_threat t;
	name_copy(t.name, sizeof(t.name), name, SIZE_MAX);
	parts_path(i, t.part, sizeof(t.part));
	if (!t.name[0])
		snprintf(t.name, sizeof(t.name), "unnamed");
	for (int n = 0; n < r->n_threats; n++)
		if (strcmp(r->threats[n].name, t.name) == 0 && strcmp(r->threats[n].part, t.part) == 0)
			return;
	if (r->n_threats < SCAN_MAX_THREATS)
		r->threats[r->n_threats++] = t;
}

/* libclamav hands a macro's text here, whatever the document is. */
static int on_macro(const unsigned char *const data, const size_t len, void *context)
{
	struct inspect *i = context;

	if (i && i->reply)
		parts_mark_macros(i);
	return CL_SUCCESS;
}

void inspect_attach(struct cl_engine *engine)
{
	cl_engine_set_clcb_file_inspection(engine, on_part);
	cl_engine_set_clcb_post_scan(engine, on_part_end);
	cl_engine_set_clcb_meta(engine, on_member);
	cl_engine_set_clcb_virus_found(engine, on_found);
	cl_engine_set_clcb_vba(engine, on_macro);
}

void inspect_message(struct inspect *i, enum cl_msg severity, const char *text)
{
	if (i && i->reply && severity >= CL_MSG_WARN)
		inspect_note(i, reason_of_message(text));
}

void inspect_scan(struct inspect *i, struct cl_engine *engine, const void *data, size_t len, int64_t deadline_ms)
{
	/* All matches: a limit that was reached must be told even when another heuristic was reported too. */
	struct cl_scan_options options = {
		.general = CL_SCAN_GENERAL_ALLMATCHES | CL_SCAN_GENERAL_HEURISTICS,
		.parse = ~(uint32_t)CL_SCAN_PARSE_IMAGE_FUZZY_HASH,
		.heuristic = CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE |
			CL_SCAN_HEURISTIC_ENCRYPTED_DOC | CL_SCAN_HEURISTIC_MACROS,
	};
	const char *name = NULL;
	unsigned long scanned = 0;
	int64_t started = time_monotonic_ms();

	if (i->image_hashes)
		options.parse |= CL_SCAN_PARSE_IMAGE_FUZZY_HASH;
	cl_engine_set_num(engine, CL_ENGINE_MAX_SCANTIME, deadline_ms);
	cl_fmap_t *map = cl_fmap_open_memory(data, len);
	if (!map) {
		inspect_note(i, REASON_MEMORY);
		return;
	}
	cl_error_t rc = cl_scanmap_callback(map, NULL, &name, &scanned, engine, &options, i);
	cl_fmap_close(map);
	while (i->n_layers)
		close_layer(i, CL_ERROR);
	kept_told(i);
	inspect_note(i, reason_of_result(rc));
	if (time_monotonic_ms() - started >= deadline_ms)
		inspect_note(i, REASON_TIME);
	if (!i->top_seen)
		inspect_note(i, REASON_ERROR);
	if (rc == CL_VIRUS && !i->n_found)
		inspect_note(i, REASON_ERROR); /* found something that it did not name */
}

/* What lies beside the parts of mails, each as a mail below the one that it was found in. More may be found on the way. */
static void scan_beside(struct inspect *i, struct cl_engine *engine, int64_t until)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int part;

	while ((text = reader_next_beside(i->reader, &len, &part))) {
		int64_t left = until - time_monotonic_ms();
		if (left <= 0) {
			inspect_note(i, REASON_TIME);
			return;
		}
		i->base = part < i->reply->n_parts ? (uint32_t)i->reply->parts[part].depth + 1 : 1;
		i->top_seen = false;
		i->layers[0] = (struct layer){.level = i->base - 1, .kept = -1, .part = part < i->reply->n_parts ? part : -1, .derived = true};
		members_open(i->store, &i->layers[0].members);
		i->n_layers = 1;
		inspect_scan(i, engine, text, len, left);
		free(TAKE_PTR(text));
	}
}

/* To core, which asked for them because another mail of the same people is closed. */
static void tell_passwords(struct inspect *i, const struct scan_request *req)
{
	const struct passwords *p = reader_passwords(i->reader);

	for (int n = 0; req->tell_passwords && n < p->n && n < SCAN_MAX_FOUND; n++)
		snprintf(i->reply->passwords[i->reply->n_passwords++], SCAN_PASSWORD_MAX, "%s", p->of[n]);
}

void inspect_run(struct inspect *i, struct cl_engine *engine, const struct scan_request *req, const void *data, size_t len,
	struct scan_reply *ret)
{
	*ret = (struct scan_reply){.status = SCAN_OK};
	i->reply = ret;
	i->n_layers = 0;
	i->n_reasons = i->n_found = 0;
	i->reason = REASON_NONE;
	i->top_seen = false;
	i->total = 0;
	i->n_looked = 0;
	i->base = 0;
	i->opened_name = NULL;
	i->name = req->name ? name_base(req->name) : "";
	members_store_clear(i->store);
	reader_begin(i->reader, req->words, ret);
	/* Nothing of up to five bytes is looked at by libclamav, and no signature is that short: clean by rule. */
	if ((int64_t)len > i->limits.item)
		inspect_note(i, REASON_SIZE);
	else if (len > 5) {
		int64_t until = time_monotonic_ms() + req->deadline_ms;
		inspect_scan(i, engine, data, len, req->deadline_ms);
		scan_beside(i, engine, until);
		kept_open(i, engine, req, until);
		scan_beside(i, engine, until);
	}
	kept_clear(i);
	tell_passwords(i, req);
	reader_end(i->reader);
	i->reply = NULL;
	if (ret->n_threats) {
		ret->verdict = VERDICT_THREAT;
	} else if (i->reason != REASON_NONE) {
		ret->verdict = VERDICT_UNKNOWN;
		snprintf(ret->reason, sizeof(ret->reason), "%s", reason_name(i->reason));
	} else {
		ret->verdict = VERDICT_CLEAN;
	}
	if (reason_is_limit(i->reason))
		ret->status = SCAN_LIMIT;
	else if (i->reason == REASON_ERROR)
		ret->status = SCAN_ERROR;
}
