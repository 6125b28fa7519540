/* Judging again what was seen: new signatures are asked for the hashes of everything seen lately, without a call to a
 * provider; what they find is judged as new, everywhere it lies. Signatures that need bytes are heard for what is risky and
 * fresh, which is fetched once more behind everything else. And a content that turned out bad is looked for in the
 * tenant's other places, where it may have been judged clean.
 *
 * rejudge_job() runs on a thread of its own; rejudge_copies() on item threads. */
#include "core/core.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "core/content.h"
#include "core/scan_json.h"
#include "scan/recheck.h"
#include "store/hashes.h"
#include "store/policy.h"

#include <stdlib.h>
#include <string.h>

#define KEY "rejudge/signatures"
#define PAGE 5000       /* contents read at once */
#define FETCH_MAX 20000 /* items fetched again after one change of signatures */
#define RETRY_MS 30000
#define LOOK_MS 60000

struct pass {
	struct core *c;
	struct scan_info engine;
	struct recheck *recheck; /* NULL until there is something to ask */
	struct recheck_record *records;
	uint32_t *maybe;
	/* Whole contents that may be found, to be verified together: */
	struct recheck_record *doubtful;
	struct recheck_found *found;
	uint32_t n_doubtful;
	int64_t contents, bad, items;
};

static uint64_t size_of(const struct store_part_hash *p)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | p->size[i];
	return n;
}

static uint32_t add_records(struct recheck_record *out, const struct store_hashes *h, uint32_t content)
{
	for (size_t i = 0; i < h->n; i++) {
		out[i] = (struct recheck_record){.content = content, .size = size_of(&h->parts[i])};
		memcpy(out[i].sha256, h->parts[i].sha256, 32);
		memcpy(out[i].sha1, h->parts[i].sha1, 20);
		memcpy(out[i].md5, h->parts[i].md5, 16);
	}
	return (uint32_t)h->n;
}

/* The path of the part with this hash, as it was recorded; "" for the item itself or when that is not known. */
static const char *part_path(struct pass *p, const char *content, const char *part, struct arena *a, char *out, size_t size)
{
	struct scan_reply *r = arena_alloc(a, sizeof(*r));
	const char *json = NULL;
	struct err err;
	bool words;

	if (!r || store_content_get(p->c->store, content, "", a, &json, &err) < 0 || content_read(json, strlen(json), r, &words, &err) < 0)
		return "";
	for (int i = 1; i < r->n_parts; i++)
		if (strcmp(r->parts[i].sha256, part) == 0)
			return scan_part_path(r, i, out, size);
	return "";
}

/* The first record of a content is the content itself. */
static int found(struct pass *p, const struct recheck_record *content, const struct recheck_found *f, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(4 << 20);
	_cleanup_json_ cJSON *threats = cJSON_CreateArray();
	_cleanup_buf_ struct buf text = BUF_INIT(4096);
	char whole[65], part[65], path[1024];
	cJSON *t = cJSON_CreateObject();
	int64_t items = 0;

	if (!a)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	hex_encode(whole, content->sha256, 32);
	hex_encode(part, p->doubtful[f->record].sha256, 32);
	cJSON_AddStringToObject(t, "name", f->name);
	cJSON_AddStringToObject(t, "part", part_path(p, whole, part, a, path, sizeof(path)));
	cJSON_AddItemToArray(threats, t);
	json_print(threats, &text);
	if (STORE_WRITE(p->c, "rejudge.found",
		    store_hashes_found(p->c->store, content->sha256, (int64_t)content->size, buf_str(&text), p->engine.engine,
			    p->engine.signatures, time_now_ms(), &items, err),
		    err) < 0)
		return -1;
	log_info("rejudge.found", "sha256=%s threat=\"%s\" items=%ld", whole, f->name, (long)items);
	p->bad++;
	p->items += items;
	if (items)
		wake_all(&p->c->wake);
	return 0;
}

static int verify(struct pass *p, struct err *err)
{
	uint32_t n = 0, first = 0;

	if (p->n_doubtful == 0)
		return 0;
	if (recheck_verify(p->recheck, p->doubtful, p->n_doubtful, p->found, &n, err) < 0)
		return -1;
	/* One finding a content: the first that was named. Both lists are in order. */
	for (uint32_t i = 0, last = UINT32_MAX; i < n; i++) {
		uint32_t content = p->doubtful[p->found[i].record].content;
		if (content == last)
			continue;
		last = content;
		while (p->doubtful[first].content != content)
			first++;
		if (found(p, &p->doubtful[first], &p->found[i], err) < 0)
			return -1;
	}
	p->n_doubtful = 0;
	return 0;
}

static int doubt(struct pass *p, const struct recheck_record *records, uint32_t n, uint32_t index, struct err *err)
{
	uint32_t from = index, to = index;

	if (p->n_doubtful && p->doubtful[p->n_doubtful - 1].content == records[index].content)
		return 0;
	while (from > 0 && records[from - 1].content == records[index].content)
		from--;
	while (to < n && records[to].content == records[index].content)
		to++;
	if (p->n_doubtful + (to - from) > RECHECK_VERIFIES && verify(p, err) < 0)
		return -1;
	memcpy(&p->doubtful[p->n_doubtful], &records[from], (to - from) * sizeof(*records));
	p->n_doubtful += to - from;
	return 0;
}

static int look(struct pass *p, uint32_t n, struct err *err)
{
	uint32_t maybe = 0;

	if (n == 0)
		return 0;
	if (!p->recheck) {
		struct peer_link *link = peer_get(&p->c->scan, 30000);
		int64_t signatures;
		if (!link)
			return err_set(err, ERR_RETRY, "peer_gone", "the scan role is restarting");
		struct scan_client client = {.rpc = link->rpc};
		int r = recheck_open(&client, &p->recheck, &signatures, err);
		peer_put(link);
		if (r < 0)
			return -1;
	}
	if (recheck_look(p->recheck, p->records, n, p->maybe, &maybe, err) < 0)
		return -1;
	for (uint32_t i = 0; i < maybe; i++)
		if (doubt(p, p->records, n, p->maybe[i], err) < 0)
			return -1;
	return 0;
}

static int all(struct pass *p, struct err *err)
{
	int64_t since = time_now_ms() - p->c->set->rejudge_known, after = 0;
	uint32_t n = 0, number = 0;

	for (;;) {
		_cleanup_(arena_freep) struct arena *a = arena_new(128 << 20);
		struct store_hashes *list;
		size_t count;
		if (core_stopping(p->c))
			return err_set(err, ERR_CANCELLED, "stopping", "stopping");
		if (!a)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
		if (store_hashes_list(p->c->store, since, after, PAGE, a, &list, &count, err) < 0)
			return -1;
		for (size_t i = 0; i < count; i++) {
			if (n + list[i].n > RECHECK_BATCH) {
				if (look(p, n, err) < 0)
					return -1;
				n = 0;
			}
			n += add_records(p->records + n, &list[i], number++);
			after = list[i].id;
		}
		p->contents += (int64_t)count;
		if (count < PAGE)
			break;
	}
	return look(p, n, err) < 0 || verify(p, err) < 0 ? -1 : 0;
}

static int run(struct pass *p, struct err *err)
{
	struct core *c = p->c;
	int64_t from = time_monotonic_ms(), fetched = 0, now = time_now_ms();

	p->records = malloc((RECHECK_BATCH + STORE_PART_HASHES_MAX) * sizeof(*p->records));
	p->maybe = malloc(RECHECK_BATCH * sizeof(*p->maybe));
	p->doubtful = malloc(RECHECK_VERIFIES * sizeof(*p->doubtful));
	p->found = malloc(RECHECK_VERIFIES * sizeof(*p->found));
	if (!p->records || !p->maybe || !p->doubtful || !p->found)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (c->set->rejudge_known > 0 && all(p, err) < 0)
		return -1;
	if (c->set->rejudge_fetch > 0 &&
		STORE_WRITE(c, "rejudge.fetch", store_hashes_fetch(c->store, now - c->set->rejudge_fetch, FETCH_MAX, &fetched, err), err) < 0)
		return -1;
	int64_t keep = c->set->rejudge_known > c->set->rejudge_fetch ? c->set->rejudge_known : c->set->rejudge_fetch;
	if (STORE_WRITE(c, "rejudge.tidy", store_hashes_tidy(c->store, now - keep, err), err) < 0 ||
		STORE_WRITE(c, "rejudge.done", store_meta_put(c->store, KEY, p->engine.signatures, err), err) < 0)
		return -1;
	log_info("rejudge.done", "contents=%ld bad=%ld items=%ld fetched=%ld ms=%ld", (long)p->contents, (long)p->bad, (long)p->items,
		(long)fetched, (long)(time_monotonic_ms() - from));
	if (fetched)
		wake_all(&c->wake);
	return 0;
}

static void set_rejudged(struct core *c, const char *signatures)
{
	pthread_mutex_lock(&c->info_lock);
	snprintf(c->rejudged, sizeof(c->rejudged), "%s", signatures);
	pthread_mutex_unlock(&c->info_lock);
	wake_all(&c->wake);
}

bool rejudge_due(struct core *c, int *ret_failures)
{
	pthread_mutex_lock(&c->info_lock);
	bool due = !c->info.engine[0] || strcmp(c->rejudged, c->info.signatures) != 0;
	pthread_mutex_unlock(&c->info_lock);
	*ret_failures = atomic_load(&c->rejudge_failures);
	return due;
}

bool rejudge_job(struct core *c, int64_t *ret_next)
{
	_cleanup_buf_ struct buf known = BUF_INIT(sizeof(((struct scan_info *)0)->signatures));
	struct pass p = {.c = c};
	struct err err;
	int failures;

	*ret_next = time_now_ms() + LOOK_MS;
	if (core_info(c, &p.engine) < 0 || !rejudge_due(c, &failures))
		return false;
	if (store_meta_get(c->store, KEY, &known, &err) == 0 && strcmp(buf_str(&known), p.engine.signatures) == 0) {
		set_rejudged(c, p.engine.signatures);
		return false;
	}
	int r = run(&p, &err);
	recheck_close(p.recheck);
	free(p.records);
	free(p.maybe);
	free(p.doubtful);
	free(p.found);
	if (r == 0) {
		atomic_store(&c->rejudge_failures, 0);
		set_rejudged(c, p.engine.signatures);
		return true;
	}
	if (err.class != ERR_CANCELLED)
		log_err(LOG_WARN_, "rejudge", &err);
	*ret_next = http_backoff(atomic_fetch_add(&c->rejudge_failures, 1), 500, RETRY_MS);
	return false;
}

/* ---- of an item that was scanned ---- */

static bool is_risky(const struct scan_part *p)
{
	static const char *const types[] = {"pdf", "html", "rtf", "ole2", "onenote", "script", "lnk", "iso", "xml.flat"};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strncmp(p->true_type, types[i], strlen(types[i])) == 0)
			return true;
	return p->executable || p->macros;
}

size_t rejudge_hashes(const struct scan_reply *r, struct store_part_hash *out, bool *ret_risky)
{
	size_t n = 0;

	*ret_risky = false;
	if (r->n_parts == 0 || !r->parts[0].md5[0])
		return 0;
	for (int i = 0; i < r->n_parts && n < STORE_PART_HASHES_MAX; i++) {
		const struct scan_part *p = &r->parts[i];
		*ret_risky |= is_risky(p);
		if (!p->md5[0] || hex_decode(out[n].sha256, p->sha256, 32) < 0 || hex_decode(out[n].sha1, p->sha1, 20) < 0 ||
			hex_decode(out[n].md5, p->md5, 16) < 0)
			continue;
		for (int b = 0; b < 8; b++)
			out[n].size[b] = (unsigned char)((uint64_t)p->size >> (56 - 8 * b));
		n++;
	}
	return n;
}

void rejudge_copies(struct core *c, const char *tenant, const char *sha256)
{
	int64_t items = 0;
	struct err err;

	if (STORE_WRITE(c, "rejudge.copies", store_hashes_again(c->store, tenant, sha256, &items, &err), &err) < 0)
		log_err(LOG_WARN_, "rejudge.copies", &err);
	else if (items)
		log_info("rejudge.copies", "sha256=%s items=%ld", sha256, (long)items);
	if (items)
		wake_all(&c->wake);
}
