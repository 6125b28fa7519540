/* Closed mails and those that tell passwords; see pairs.h.
 *
 * Whoever comes second finds the first: each notes itself before it looks. One that is closed asks the others' texts again, from the
 * provider, since no password is ever kept; one that tells puts the closed ones back into the live lane, where they ask it. Caps: PAIRS_MAILS
 * fetched for an item, BACK_MAX put back by a mail, each at most TRIES_MAX times, and none of people whose mails come faster than
 * NOTED_MAX an hour. */
#include "core/pairs.h"

#include "base/digest.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "core/kept.h"
#include "core/pair_keys.h"
#include "scan/client.h"
#include "store/policy.h"

#include <fcntl.h>
#include <string.h>

#define FOUND_MAX 64  /* looked through for different mails */
#define BACK_MAX 16
#define TRIES_MAX 8
#define NOTED_MAX 200 /* an hour */
#define HOUR_MS 3600000
#define QUEUE_MS 600000
#define ATTEMPTS 3    /* of the item, before a mail that cannot be fetched is passed over */

void secrets_wipe(struct secrets *s)
{
	explicit_bzero(s, sizeof(*s));
}

static void add(struct secrets *s, const char *password)
{
	size_t len = strlen(password);

	if (len == 0 || len >= SCAN_PASSWORD_MAX || s->n == SCAN_MAX_PASSWORDS)
		return;
	for (int i = 0; i < s->n; i++)
		if (strcmp(s->of[i], password) == 0)
			return;
	memcpy(s->of[s->n++], password, len + 1);
}

void pairs_list(struct work *w, struct secrets *ret)
{
	struct store_list_entry *list;
	struct err err;
	size_t n;

	if (store_list_all(w->c->store, w->l->config.tenant, LIST_PASSWORD, time_now_ms(), w->a, &list, &n, &err) < 0) {
		log_err(LOG_WARN_, "item.passwords", &err);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		_cleanup_wipe_ struct buf b = BUF_INIT(SCAN_PASSWORD_MAX);
		if (kept_get(w->c, list[i].value, &b, &err) == 0)
			add(ret, buf_str(&b));
		else
			log_err(LOG_WARN_, "item.passwords", &err);
	}
}

bool pairs_may_open(struct work *w)
{
	struct store_list_entry *list;
	struct err err;
	size_t n;

	return w->item.kind == ITEM_MESSAGE ||
		(store_list_all(w->c->store, w->l->config.tenant, LIST_PASSWORD, time_now_ms(), w->a, &list, &n, &err) == 0 && n > 0);
}

/* ---- who belongs together ---- */

bool pairs_closed(const struct work *w)
{
	return w->verdict == VERDICT_UNKNOWN && w->reason && strncmp(w->reason, "encrypted", 9) == 0;
}

/* False: it is no mail that could belong to another. */
static bool describe(struct work *w, struct store_pair *p)
{
	*p = (struct store_pair){.item = w->rec->id, .stream = w->rec->stream, .tenant = w->l->config.tenant};
	if (!w->reply || !w->reply->mail.present || w->item.kind != ITEM_MESSAGE)
		return false;
	p->flags = (pairs_closed(w) ? PAIR_CLOSED : 0) | (w->reply->announces_password ? PAIR_TELLS : 0);
	p->at = w->item.received_at > 0 ? w->item.received_at : w->item.changed_at > 0 ? w->item.changed_at : w->rec->seen_at;
	pair_keys(&w->reply->mail, w->rec->stream, p);
	return p->n_keys > 0;
}

static int note(struct work *w, const struct store_pair *p, struct err *err)
{
	int64_t now = time_now_ms();

	return STORE_WRITE(w->c, "pair.put", store_pair_put(w->c->store, p, now, now - w->c->set->retain_pairs, err), err);
}

/* Those that it belongs to, one of each Message-ID, its own mailbox's first; none when too many come. */
static int look(struct work *w, const struct store_pair *p, unsigned flags, size_t max, struct store_pair_found **ret, size_t *ret_n, struct err *err)
{
	struct store_pair_found *found;
	int64_t noted;
	size_t n, kept = 0;

	if (store_pair_find(w->c->store, p, flags, w->c->set->retain_pairs, time_now_ms() - HOUR_MS, FOUND_MAX, w->a, &found, &n, &noted, err) < 0)
		return -1;
	if (noted > NOTED_MAX) {
		log_warn("item.pairs", "noted=%lld hint=\"too many mails of the same people within an hour\"", (long long)noted);
		n = 0;
	}
	struct store_pair_found *of = arena_alloc(w->a, (n + 1) * sizeof(*of));
	if (!of)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	for (int own = 1; own >= 0; own--) {
		for (size_t i = 0; i < n && kept < max; i++) {
			bool known = false;
			/* A closed mail in each of many mailboxes is put back in each. */
			for (size_t k = 0; k < kept && (flags & PAIR_TELLS); k++)
				known |= memcmp(of[k].message, found[i].message, PAIR_KEY) == 0;
			if (!known && (found[i].stream == p->stream) == own)
				of[kept++] = found[i];
		}
	}
	*ret = of;
	*ret_n = kept;
	return 0;
}

/* ---- asking ---- */

/* What its text tells, from the provider. */
static int ask_one(struct work *w, int64_t id, struct secrets *s, struct err *err)
{
	_cleanup_(content_freep) struct content *content = NULL;
	_cleanup_(live_putp) struct live *l = NULL;
	struct scan_reply *reply = arena_alloc(w->a, sizeof(*reply));
	struct store_item rec;
	struct store_stream stream;
	struct stream_info info;
	struct content_info about = {0};
	struct digests digests;
	struct item item;

	if (!reply)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (store_item_get(w->c->store, id, w->a, &rec, err) < 0 || live_get(w->c, rec.connection, &l, err) < 0 ||
		store_stream_get(w->c->store, rec.stream, w->a, &stream, err) < 0)
		return -1;
	core_stream_info(&stream, &info);
	core_item(&rec, &item);
	if (content_new(w->c->budget, item.size, w->c->set->limits.item, DIGEST_SHA256, &content, err) < 0 ||
		l->connector->open_content(l->connection, &info, &item, content, &about, err) < 0 || content_finish(content, &digests, err) < 0)
		return -1;
	struct scan_request req = {.tenant = w->l->config.tenant, .size = content_size(content), .deadline_ms = w->c->set->limits.time_ms,
		.tell_passwords = true};
	struct peer_link *link = peer_get(&w->c->scan, 30000);
	if (!link)
		return err_set(err, ERR_RETRY, "peer_gone", "the scan role is restarting");
	struct scan_client client = {.rpc = link->rpc};
	int fd = fcntl(content_fd(content), F_DUPFD_CLOEXEC, 0);
	int r = fd < 0 ? err_errno(err, "dup") : scan_client_scan(&client, &req, fd, QUEUE_MS, reply, err);
	peer_put(link);
	for (int i = 0; r == 0 && i < reply->n_passwords; i++)
		add(s, reply->passwords[i]);
	explicit_bzero(reply->passwords, sizeof(reply->passwords));
	return r;
}

int pairs_ask(struct work *w, struct secrets *s, int *ret_mails, struct err *err)
{
	struct store_pair p;
	struct store_pair_found *found;
	size_t n;

	*ret_mails = 0;
	if (!pairs_closed(w) || !describe(w, &p))
		return 0;
	if (note(w, &p, err) < 0 || look(w, &p, PAIR_TELLS, PAIRS_MAILS, &found, &n, err) < 0)
		return -1;
	w->noted_closed = true;
	w->n_asked = 0;
	for (size_t i = 0; i < n; i++) {
		struct err local;
		w->asked[w->n_asked++] = found[i].item;
		if (ask_one(w, found[i].item, s, &local) == 0) {
			++*ret_mails;
			continue;
		}
		if (local.class == ERR_CANCELLED || (local.class == ERR_RETRY && w->rec->attempts < ATTEMPTS)) {
			*err = local;
			return -1;
		}
		log_err(LOG_INFO_, "item.pair", &local); /* it is gone, or not to be had */
	}
	return 0;
}

/* ---- afterwards ---- */

static void put_back(struct work *w, const int64_t *ids, size_t n)
{
	struct err err;
	int64_t count = 0;

	if (n == 0)
		return;
	if (STORE_WRITE(w->c, "pair.again", store_item_again(w->c->store, ids, n, LANE_LIVE, &count, &err), &err) < 0 ||
		STORE_WRITE(w->c, "pair.tried", store_pair_tried(w->c->store, w->l->config.tenant, ids, n, &err), &err) < 0)
		log_err(LOG_WARN_, "item.pairs", &err);
	else if (count)
		log_info("item.pairs", "again=%lld", (long long)count);
	wake_all(&w->c->wake);
}

static bool was_asked(const struct work *w, int64_t item)
{
	for (int i = 0; i < w->n_asked; i++)
		if (w->asked[i] == item)
			return true;
	return false;
}

void pairs_done(struct work *w)
{
	struct store_pair p;
	struct store_pair_found *found;
	struct err err;
	int64_t ids[BACK_MAX];
	size_t n = 0, count = 0;

	if (!w->scanned || !describe(w, &p) || (!p.flags && !w->noted_closed))
		return;
	if (note(w, &p, &err) < 0) {
		log_err(LOG_WARN_, "item.pairs", &err);
		return;
	}
	if ((p.flags & PAIR_TELLS) && look(w, &p, PAIR_CLOSED, FOUND_MAX, &found, &n, &err) == 0)
		for (size_t i = 0; i < n && count < BACK_MAX; i++)
			if (found[i].tries < TRIES_MAX)
				ids[count++] = found[i].item;
	put_back(w, ids, count);
	/* One that told while this one was scanned could not put it back: it was not done yet. */
	if ((p.flags & PAIR_CLOSED) && look(w, &p, PAIR_TELLS, PAIRS_MAILS, &found, &n, &err) == 0)
		for (size_t i = 0; i < n; i++)
			if (!was_asked(w, found[i].item)) {
				put_back(w, &p.item, 1);
				break;
			}
}
