/* The wire form of scan.h's records: the only code that knows the order of the fields. Pure functions on
 * messages, used by core (through client.c), by the role and by its workers; any thread. Every reader checks
 * each count, length and enumeration, and leaves its output untouched when something is wrong. */
#include "scan/scan.h"

#include "base/encode.h"

#include <string.h>

static const char *const reasons[] = {"", "encrypted_archive", "encrypted_document", "size_limit",
	"part_size_limit", "total_size_limit", "depth_limit", "parts_limit", "time_limit", "not_unpacked", "crashed",
	"timeout", "memory", "sandbox", "error", "corrupt"};

const char *scan_verdict_name(enum scan_verdict v)
{
	switch (v) {
	case VERDICT_CLEAN:
		return "clean";
	case VERDICT_THREAT:
		return "threat";
	case VERDICT_UNKNOWN:
		break;
	}
	return "unknown";
}

const char *scan_field_name(enum scan_field f)
{
	static const char *const names[] = {"from", "sender", "reply_to", "return_path", "to", "cc"};

	return names[f];
}

void scan_limits_default(struct scan_limits *ret)
{
	*ret = (struct scan_limits){
		.item = 100ll << 20,
		.part = 100ll << 20,
		.total = 400ll << 20,
		.depth = 17,
		.parts = 10000,
		.time_ms = 120000,
		.worker_memory = 768ll << 20,
		.worker_tmpfs = 640ll << 20,
		.worker_items = 2000,
	};
}

/* Text of the other side into a field of ours: it must fit, be UTF-8 and hold no control characters. */
static bool get_text(struct msg *m, char *out, size_t size)
{
	const char *s = msg_get_str(m);

	if (!s)
		return false;
	size_t len = strlen(s);
	if (len >= size)
		return false;
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(s + i, len - i);
		if (n == 0 || (unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
		i += n;
	}
	memcpy(out, s, len + 1);
	return true;
}

static bool get_bool(struct msg *m, bool *ret)
{
	uint32_t v = msg_get_u32(m);

	*ret = v == 1;
	return v <= 1;
}

static bool get_count(struct msg *m, int64_t max, int *ret)
{
	int64_t v = msg_get_i64(m);

	if (v < 0 || v > max)
		return false;
	*ret = (int)v;
	return true;
}

int scan_request_put(struct msg *m, const struct scan_request *req, int fd)
{
	msg_put_str(m, req->tenant ? req->tenant : "");
	msg_put_str(m, req->name);
	msg_put_i64(m, req->size);
	msg_put_i64(m, req->deadline_ms);
	msg_put_u32(m, req->words);
	msg_put_u32(m, req->tell_passwords);
	msg_put_i64(m, req->n_passwords);
	for (int i = 0; i < req->n_passwords; i++)
		msg_put_str(m, req->passwords[i]);
	if (m->broken)
		return -1;
	return msg_put_fd(m, fd);
}

int scan_request_get(struct msg *m, struct scan_request *ret, int *ret_fd)
{
	struct scan_request r = {0};

	r.tenant = msg_get_str(m);
	r.name = msg_get_str(m);
	r.size = msg_get_i64(m);
	r.deadline_ms = msg_get_i64(m);
	if (!get_bool(m, &r.words) || !get_bool(m, &r.tell_passwords) || !get_count(m, SCAN_MAX_PASSWORDS, &r.n_passwords))
		return -1;
	for (int i = 0; i < r.n_passwords; i++)
		if (!(r.passwords[i] = msg_get_str(m)) || strlen(r.passwords[i]) >= SCAN_PASSWORD_MAX)
			return -1;
	if (msg_end(m) < 0 || !r.tenant || strlen(r.tenant) > 255 || (r.name && strlen(r.name) > 4096) || r.size < 0 ||
		r.deadline_ms < 0 || m->n_fds != 1 || m->fds[0] < 0)
		return -1;
	*ret_fd = msg_take_fd(m);
	*ret = r;
	return 0;
}

static void put_mail(struct msg *m, const struct scan_mail *h)
{
	msg_put_u32(m, h->present);
	if (!h->present)
		return;
	msg_put_str(m, h->subject);
	msg_put_str(m, h->message_id);
	msg_put_str(m, h->list_id);
	msg_put_str(m, h->thread);
	msg_put_i64(m, h->date);
	msg_put_i64(m, h->n_addresses);
	msg_put_i64(m, h->addresses_seen);
	for (int i = 0; i < h->n_addresses; i++) {
		msg_put_u32(m, (uint32_t)h->addresses[i].field);
		msg_put_str(m, h->addresses[i].name);
		msg_put_str(m, h->addresses[i].address);
		msg_put_str(m, h->addresses[i].host);
		msg_put_str(m, h->addresses[i].domain);
		msg_put_str(m, h->addresses[i].skeleton);
		msg_put_str(m, h->addresses[i].keys);
	}
	msg_put_i64(m, h->n_auth);
	msg_put_i64(m, h->auth_seen);
	for (int i = 0; i < h->n_auth; i++) {
		const struct scan_auth *a = &h->auth[i];
		msg_put_str(m, a->server);
		msg_put_u32(m, (uint32_t)a->spf);
		msg_put_u32(m, (uint32_t)a->dkim);
		msg_put_u32(m, (uint32_t)a->dmarc);
		msg_put_u32(m, (uint32_t)a->compauth);
		msg_put_str(m, a->spf_domain);
		msg_put_str(m, a->dkim_domain);
		msg_put_str(m, a->dmarc_domain);
	}
	msg_put_str(m, h->auth_as);
}

const char *scan_auth_name(enum scan_auth_result r)
{
	static const char *const names[] = {"none", "pass", "fail", "softfail", "neutral", "error"};

	return names[r];
}

/* How many of a list are kept, and how many there were. */
static bool get_counts(struct msg *m, int max, int *ret, int *ret_seen)
{
	return get_count(m, max, ret) && get_count(m, 1 << 30, ret_seen) && *ret <= *ret_seen;
}

static bool get_result(struct msg *m, enum scan_auth_result *ret)
{
	uint32_t v = msg_get_u32(m);

	*ret = (enum scan_auth_result)v;
	return v <= SCAN_AUTH_ERROR;
}

static bool get_auth(struct msg *m, struct scan_auth *a)
{
	return get_text(m, a->server, sizeof(a->server)) && get_result(m, &a->spf) && get_result(m, &a->dkim) &&
		get_result(m, &a->dmarc) && get_result(m, &a->compauth) && get_text(m, a->spf_domain, sizeof(a->spf_domain)) &&
		get_text(m, a->dkim_domain, sizeof(a->dkim_domain)) && get_text(m, a->dmarc_domain, sizeof(a->dmarc_domain));
}

static bool get_mail(struct msg *m, struct scan_mail *h)
{
	if (!get_bool(m, &h->present))
		return false;
	if (!h->present)
		return true;
	if (!get_text(m, h->subject, sizeof(h->subject)) || !get_text(m, h->message_id, sizeof(h->message_id)) ||
		!get_text(m, h->list_id, sizeof(h->list_id)) || !get_text(m, h->thread, sizeof(h->thread)))
		return false;
	h->date = msg_get_i64(m);
	if (h->date < 0 || !get_counts(m, SCAN_MAX_ADDRESSES, &h->n_addresses, &h->addresses_seen))
		return false;
	for (int i = 0; i < h->n_addresses; i++) {
		struct scan_address *a = &h->addresses[i];
		uint32_t field = msg_get_u32(m);
		if (field > SCAN_FIELD_CC || !get_text(m, a->name, sizeof(a->name)) ||
			!get_text(m, a->address, sizeof(a->address)) || !get_text(m, a->host, sizeof(a->host)) ||
			!get_text(m, a->domain, sizeof(a->domain)) || !get_text(m, a->skeleton, sizeof(a->skeleton)) ||
			!get_text(m, a->keys, sizeof(a->keys)))
			return false;
		a->field = (enum scan_field)field;
	}
	if (!get_counts(m, SCAN_MAX_AUTH, &h->n_auth, &h->auth_seen))
		return false;
	for (int i = 0; i < h->n_auth; i++)
		if (!get_auth(m, &h->auth[i]))
			return false;
	return get_text(m, h->auth_as, sizeof(h->auth_as));
}

static void put_links(struct msg *m, const struct scan_reply *r)
{
	msg_put_i64(m, r->n_links);
	msg_put_i64(m, r->links_seen);
	for (int i = 0; i < r->n_links; i++) {
		msg_put_str(m, r->links[i].url);
		msg_put_str(m, r->links[i].text);
		msg_put_i64(m, r->links[i].part);
		msg_put_u32(m, r->links[i].flags);
		msg_put_str(m, r->links[i].host);
		msg_put_str(m, r->links[i].domain);
		msg_put_str(m, r->links[i].skeleton);
		msg_put_str(m, r->links[i].text_host);
		msg_put_str(m, r->links[i].text_domain);
	}
}

static bool get_links(struct msg *m, struct scan_reply *r)
{
	if (!get_counts(m, SCAN_MAX_LINKS, &r->n_links, &r->links_seen))
		return false;
	for (int i = 0; i < r->n_links; i++) {
		struct scan_link *l = &r->links[i];
		if (!get_text(m, l->url, sizeof(l->url)) || !l->url[0] || !get_text(m, l->text, sizeof(l->text)) ||
			!get_count(m, SCAN_MAX_PARTS, &l->part) || l->part >= r->n_parts)
			return false;
		l->flags = msg_get_u32(m);
		if ((l->flags & ~SCAN_LINK_ALL) || !get_text(m, l->host, sizeof(l->host)) || !get_text(m, l->domain, sizeof(l->domain)) ||
			!get_text(m, l->skeleton, sizeof(l->skeleton)) || !get_text(m, l->text_host, sizeof(l->text_host)) ||
			!get_text(m, l->text_domain, sizeof(l->text_domain)))
			return false;
	}
	return true;
}

static void put_hits(struct msg *m, const struct scan_reply *r)
{
	msg_put_i64(m, r->n_hits);
	msg_put_i64(m, r->hits_seen);
	for (int i = 0; i < r->n_hits; i++) {
		msg_put_str(m, r->hits[i].detector);
		msg_put_i64(m, r->hits[i].part);
		msg_put_i64(m, r->hits[i].count);
		msg_put_i64(m, r->hits[i].distinct);
		msg_put_i64(m, r->hits[i].offset);
		msg_put_str(m, r->hits[i].masked);
		msg_put_str(m, r->hits[i].hash);
		msg_put_u32(m, r->hits[i].near);
	}
}

static bool is_detector(const char *id)
{
	return id[0] && id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

static bool get_hits(struct msg *m, struct scan_reply *r)
{
	if (!get_counts(m, SCAN_MAX_HITS, &r->n_hits, &r->hits_seen))
		return false;
	for (int i = 0; i < r->n_hits; i++) {
		struct scan_hit *h = &r->hits[i];
		if (!get_text(m, h->detector, sizeof(h->detector)) || !is_detector(h->detector) ||
			!get_count(m, SCAN_MAX_PARTS, &h->part) || h->part >= r->n_parts || !get_count(m, 1 << 30, &h->count) ||
			!get_count(m, 1 << 30, &h->distinct) || h->distinct < 1 || h->distinct > h->count)
			return false;
		h->offset = msg_get_i64(m);
		if (h->offset < 0 || !get_text(m, h->masked, sizeof(h->masked)) || !get_text(m, h->hash, sizeof(h->hash)) ||
			strspn(h->hash, "0123456789abcdef") != 32 || !get_bool(m, &h->near))
			return false;
	}
	return true;
}

int scan_reply_put(struct msg *m, const struct scan_reply *r)
{
	msg_put_u32(m, (uint32_t)r->status);
	msg_put_u32(m, (uint32_t)r->verdict);
	msg_put_str(m, r->reason);
	msg_put_i64(m, r->n_threats);
	for (int i = 0; i < r->n_threats; i++) {
		msg_put_str(m, r->threats[i].name);
		msg_put_str(m, r->threats[i].part);
	}
	msg_put_i64(m, r->n_parts);
	msg_put_i64(m, r->parts_seen);
	for (int i = 0; i < r->n_parts; i++) {
		const struct scan_part *p = &r->parts[i];
		msg_put_str(m, p->name);
		msg_put_str(m, p->type);
		msg_put_str(m, p->true_type);
		msg_put_str(m, p->sha256);
		msg_put_str(m, p->sha1);
		msg_put_str(m, p->md5);
		msg_put_i64(m, p->size);
		msg_put_i64(m, p->depth);
		msg_put_i64(m, p->parent);
		msg_put_u32(m, p->encrypted);
		msg_put_u32(m, p->opened);
		msg_put_u32(m, p->executable);
		msg_put_u32(m, p->mismatch);
		msg_put_u32(m, p->macros);
		msg_put_u32(m, p->rtl_override);
		msg_put_u32(m, p->double_extension);
	}
	put_mail(m, &r->mail);
	put_links(m, r);
	put_hits(m, r);
	msg_put_u32(m, r->announces_password);
	msg_put_i64(m, r->n_passwords);
	for (int i = 0; i < r->n_passwords; i++)
		msg_put_str(m, r->passwords[i]);
	msg_put_str(m, r->engine);
	msg_put_str(m, r->signatures);
	msg_put_i64(m, r->elapsed_us);
	msg_put_i64(m, r->cpu_us);
	return m->broken ? -1 : 0;
}

static bool is_digest(const char *s, size_t len)
{
	size_t n = strspn(s, "0123456789abcdef");

	return s[n] == '\0' && (n == 0 || n == len);
}

/* A tree: one root, at the front; every other node below one that stands before it, and deeper. */
static bool get_part(struct msg *m, const struct scan_reply *r, int index, struct scan_part *p)
{
	if (!get_text(m, p->name, sizeof(p->name)) || !get_text(m, p->type, sizeof(p->type)) || !get_text(m, p->true_type, sizeof(p->true_type)) ||
		!get_text(m, p->sha256, sizeof(p->sha256)) || !is_digest(p->sha256, 64) || !get_text(m, p->sha1, sizeof(p->sha1)) ||
		!is_digest(p->sha1, 40) || !get_text(m, p->md5, sizeof(p->md5)) || !is_digest(p->md5, 32))
		return false;
	p->size = msg_get_i64(m);
	if (p->size < 0 || !get_count(m, 1000, &p->depth))
		return false;
	int64_t parent = msg_get_i64(m);
	if (parent < -1 || parent >= index || (parent == -1) != (index == 0) || (index == 0 && p->depth != 0) ||
		(index > 0 && p->depth <= r->parts[parent].depth))
		return false;
	p->parent = (int)parent;
	return get_bool(m, &p->encrypted) && get_bool(m, &p->opened) && get_bool(m, &p->executable) && get_bool(m, &p->mismatch) && get_bool(m, &p->macros) && get_bool(m, &p->rtl_override) &&
		get_bool(m, &p->double_extension);
}

static bool known_reason(const char *reason)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (strcmp(reason, reasons[i]) == 0)
			return true;
	return false;
}

/* A verdict must agree with what stands beside it: only a threat names threats, only an unknown has a reason,
 * and clean goes with OK alone. */
static bool consistent(const struct scan_reply *r)
{
	if (!known_reason(r->reason))
		return false;
	switch (r->verdict) {
	case VERDICT_CLEAN:
		return r->status == SCAN_OK && r->n_threats == 0 && r->reason[0] == '\0';
	case VERDICT_THREAT:
		return r->n_threats > 0 && r->reason[0] == '\0';
	case VERDICT_UNKNOWN:
		return r->n_threats == 0 && r->reason[0] != '\0';
	}
	return false;
}

static bool get_passwords(struct msg *m, struct scan_reply *r)
{
	if (!get_bool(m, &r->announces_password) || !get_count(m, SCAN_MAX_FOUND, &r->n_passwords))
		return false;
	for (int i = 0; i < r->n_passwords; i++)
		if (!get_text(m, r->passwords[i], sizeof(r->passwords[i])) || !r->passwords[i][0])
			return false;
	return true;
}

int scan_reply_get(struct msg *m, struct scan_reply *ret)
{
	struct scan_reply r = {0};
	uint32_t status = msg_get_u32(m), verdict = msg_get_u32(m);

	if (status > SCAN_ERROR || verdict < VERDICT_CLEAN || verdict > VERDICT_UNKNOWN)
		return -1;
	r.status = (enum scan_status)status;
	r.verdict = (enum scan_verdict)verdict;
	if (!get_text(m, r.reason, sizeof(r.reason)) || !get_count(m, SCAN_MAX_THREATS, &r.n_threats))
		return -1;
	for (int i = 0; i < r.n_threats; i++)
		if (!get_text(m, r.threats[i].name, sizeof(r.threats[i].name)) || !r.threats[i].name[0] ||
			!get_text(m, r.threats[i].part, sizeof(r.threats[i].part)))
			return -1;
	if (!get_count(m, SCAN_MAX_PARTS, &r.n_parts) || !get_count(m, 1 << 30, &r.parts_seen) ||
		r.n_parts > r.parts_seen)
		return -1;
	for (int i = 0; i < r.n_parts; i++)
		if (!get_part(m, &r, i, &r.parts[i]))
			return -1;
	if (!get_mail(m, &r.mail) || !get_links(m, &r) || !get_hits(m, &r) ||
		!get_passwords(m, &r) || !get_text(m, r.engine, sizeof(r.engine)) || !get_text(m, r.signatures, sizeof(r.signatures)))
		return -1;
	r.elapsed_us = msg_get_i64(m);
	r.cpu_us = msg_get_i64(m);
	if (msg_end(m) < 0 || r.elapsed_us < 0 || r.cpu_us < 0 || !consistent(&r))
		return -1;
	*ret = r;
	return 0;
}

int scan_info_put(struct msg *m, const struct scan_info *info)
{
	msg_put_str(m, info->engine);
	msg_put_str(m, info->signatures);
	msg_put_i64(m, info->count);
	msg_put_i64(m, info->built_at);
	msg_put_i64(m, info->loaded_at);
	msg_put_u32(m, info->builtin_only);
	msg_put_i64(m, info->workers);
	msg_put_str(m, info->refused);
	msg_put_str(m, info->sandbox);
	msg_put_u32(m, info->loading);
	return m->broken ? -1 : 0;
}

int scan_info_get(struct msg *m, struct scan_info *ret)
{
	struct scan_info i = {0};

	if (!get_text(m, i.engine, sizeof(i.engine)) || !get_text(m, i.signatures, sizeof(i.signatures)))
		return -1;
	i.count = msg_get_i64(m);
	i.built_at = msg_get_i64(m);
	i.loaded_at = msg_get_i64(m);
	if (!get_bool(m, &i.builtin_only) || !get_count(m, 1 << 20, &i.workers) ||
		!get_text(m, i.refused, sizeof(i.refused)) || !get_text(m, i.sandbox, sizeof(i.sandbox)) ||
		!get_bool(m, &i.loading))
		return -1;
	if (msg_end(m) < 0 || i.count < 0 || i.built_at < 0 || i.loaded_at < 0)
		return -1;
	*ret = i;
	return 0;
}

int scan_config_put(struct msg *m, const struct scan_config *c)
{
	const struct scan_limits *l = &c->limits;

	msg_put_i64(m, l->item);
	msg_put_i64(m, l->part);
	msg_put_i64(m, l->total);
	msg_put_i64(m, l->depth);
	msg_put_i64(m, l->parts);
	msg_put_i64(m, l->time_ms);
	msg_put_i64(m, l->worker_memory);
	msg_put_i64(m, l->worker_tmpfs);
	msg_put_i64(m, l->worker_items);
	msg_put_i64(m, c->workers);
	msg_put_i64(m, c->n_dirs);
	for (int i = 0; i < c->n_dirs; i++)
		msg_put_str(m, c->dirs[i]);
	msg_put_str(m, c->state);
	msg_put_u32(m, c->sandbox);
	msg_put_str(m, c->hit_key);
	msg_put_i64(m, c->watch_ms);
	msg_put_i64(m, c->settle_ms);
	return m->broken ? -1 : 0;
}

static bool get_limit(struct msg *m, int64_t min, int64_t max, int64_t *ret)
{
	int64_t v = msg_get_i64(m);

	if (v < min || v > max)
		return false;
	*ret = v;
	return true;
}

int scan_config_get(struct msg *m, struct scan_config *ret)
{
	struct scan_config c = {0};
	struct scan_limits *l = &c.limits;
	const int64_t day = 86400000;

	if (!get_limit(m, 1, 1ll << 40, &l->item) || !get_limit(m, 1, 1ll << 40, &l->part) ||
		!get_limit(m, 1, 1ll << 40, &l->total) || !get_count(m, 100, &l->depth) ||
		!get_count(m, 1000000, &l->parts) || !get_limit(m, 1, day, &l->time_ms) ||
		!get_limit(m, 1, 1ll << 40, &l->worker_memory) || !get_limit(m, 1, 1ll << 40, &l->worker_tmpfs) ||
		!get_count(m, 1 << 30, &l->worker_items) || !get_count(m, 256, &c.workers) ||
		!get_count(m, SCAN_MAX_DIRS, &c.n_dirs))
		return -1;
	for (int i = 0; i < c.n_dirs; i++)
		if (!get_text(m, c.dirs[i], sizeof(c.dirs[i])))
			return -1;
	if (!get_text(m, c.state, sizeof(c.state)) || !get_bool(m, &c.sandbox) || !get_text(m, c.hit_key, sizeof(c.hit_key)) ||
		!is_digest(c.hit_key, 64) || !get_limit(m, 0, day, &c.watch_ms) ||
		!get_limit(m, 0, day, &c.settle_ms) || msg_end(m) < 0 || l->depth < 1 || l->parts < 1 ||
		l->worker_items < 1 || !c.state[0])
		return -1;
	*ret = c;
	return 0;
}
