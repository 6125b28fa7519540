/* The `q` of Gmail's lists: the terms of its search box that programs use, with -, OR, {} and (). */
#include "fakecloud/google/gmail.h"

#include "base/units.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DEPTH 20
#define PACIFIC_MS (8 * 3600000LL) /* dates are midnight in Pacific time */

enum kind {
	Q_AND,
	Q_OR,
	Q_AFTER,
	Q_BEFORE,
	Q_LABEL,
	Q_ALL,
	Q_NONE,
	Q_ID,
	Q_FROM,
	Q_TO,
	Q_CC,
	Q_SUBJECT,
	Q_ATTACHMENT,
	Q_LARGER,
	Q_SMALLER,
	Q_FILENAME,
	Q_TEXT,
	Q_USERLABELS
};

struct gm_query {
	enum kind kind;
	bool not ;
	int64_t number;
	unsigned label;
	const char *text;
	struct gm_query *child, *next;
};

struct parser {
	struct arena *arena;
	struct gm_box *box;
	const char *p;
};

static int64_t parse_time(const char *s)
{
	int64_t n;
	int y, m, d;

	if (units_int(s, 0, INT64_MAX / 1000, &n) == 0 && strlen(s) > 6)
		return n * 1000;
	if (sscanf(s, "%d%*1[/-]%d%*1[/-]%d", &y, &m, &d) != 3)
		return 0;
	struct tm tm = {.tm_year = y - 1900, .tm_mon = m - 1, .tm_mday = d};
	return (int64_t)timegm(&tm) * 1000 + PACIFIC_MS;
}

/* "2d", "3m", "1y" back from now. */
static int64_t parse_age(const char *s)
{
	char *end;
	long n = strtol(s, &end, 10);
	int64_t day = 86400000LL;

	return fc_now() - n * (*end == 'y'	    ? 365 * day
				      : *end == 'm' ? 30 * day
				      : *end == 'h' ? 3600000LL
						    : day);
}

static int64_t parse_size(const char *s)
{
	char *end;
	long long n = strtoll(s, &end, 10);

	return n * (*end == 'm' || *end == 'M' ? 1 << 20 : *end == 'k' || *end == 'K' ? 1 << 10 : 1);
}

static bool label_name_is(const char *name, const char *want)
{
	for (; *name && *want; name++, want++) {
		char a = *name == '/' || *name == ' ' ? '-' : *name,
		     b = *want == '/' || *want == ' ' ? '-' : *want;
		if (strncasecmp(&a, &b, 1) != 0)
			return false;
	}
	return !*name && !*want;
}

static void set_label(struct gm_query *q, const struct gm_box *box, const char *name)
{
	static const struct {
		const char *word, *id;
	} words[] = {{"inbox", "INBOX"}, {"sent", "SENT"}, {"drafts", "DRAFT"}, {"draft", "DRAFT"},
		{"spam", "SPAM"}, {"trash", "TRASH"}, {"unread", "UNREAD"}, {"starred", "STARRED"},
		{"important", "IMPORTANT"}, {"chats", "CHAT"}, {"chat", "CHAT"}};

	q->kind = Q_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcasecmp(words[i].word, name))
			name = words[i].id;
	}
	for (size_t i = 0; i < box->nlabels; i++) {
		const struct gm_label *l = box->labels[i];
		if (!l->gone && (label_name_is(l->name, name) || !strcmp(l->id, name))) {
			q->kind = Q_LABEL;
			q->label = (unsigned)i;
			return;
		}
	}
}

static void set_term(struct parser *ps, struct gm_query *q, const char *key, const char *value)
{
	q->text = value;
	if (!strcasecmp(key, "after") || !strcasecmp(key, "newer")) {
		q->kind = Q_AFTER;
		q->number = parse_time(value);
	} else if (!strcasecmp(key, "before") || !strcasecmp(key, "older")) {
		q->kind = Q_BEFORE;
		q->number = parse_time(value);
	} else if (!strcasecmp(key, "newer_than")) {
		q->kind = Q_AFTER;
		q->number = parse_age(value);
	} else if (!strcasecmp(key, "older_than")) {
		q->kind = Q_BEFORE;
		q->number = parse_age(value);
	} else if (!strcasecmp(key, "in") && !strcasecmp(value, "anywhere")) {
		q->kind = Q_ALL;
	} else if (!strcasecmp(key, "is") && !strcasecmp(value, "read")) {
		set_label(q, ps->box, "UNREAD");
		q->not = !q->not ;
	} else if (!strcasecmp(key, "in") || !strcasecmp(key, "label") || !strcasecmp(key, "is")) {
		set_label(q, ps->box, value);
	} else if (!strcasecmp(key, "category")) {
		set_label(q, ps->box,
			arena_printf(ps->arena, "CATEGORY_%s",
				!strcasecmp(value, "primary") ? "PERSONAL" : value));
	} else if (!strcasecmp(key, "rfc822msgid")) {
		q->kind = Q_ID;
		size_t n = strlen(value);
		if (n > 1 && value[0] == '<' && value[n - 1] == '>')
			q->text = arena_dupn(ps->arena, value + 1, n - 2);
	} else if (!strcasecmp(key, "from")) {
		q->kind = Q_FROM;
	} else if (!strcasecmp(key, "to") || !strcasecmp(key, "deliveredto")) {
		q->kind = Q_TO;
	} else if (!strcasecmp(key, "cc")) {
		q->kind = Q_CC;
	} else if (!strcasecmp(key, "subject")) {
		q->kind = Q_SUBJECT;
	} else if (!strcasecmp(key, "has")) {
		q->kind = !strcasecmp(value, "attachment")     ? Q_ATTACHMENT
			  : !strcasecmp(value, "userlabels")   ? Q_USERLABELS
			  : !strcasecmp(value, "nouserlabels") ? Q_USERLABELS
							       : Q_NONE;
		q->not ^= !strcasecmp(value, "nouserlabels");
	} else if (!strcasecmp(key, "larger") || !strcasecmp(key, "size") ||
		   !strcasecmp(key, "larger_than")) {
		q->kind = Q_LARGER;
		q->number = parse_size(value);
	} else if (!strcasecmp(key, "smaller") || !strcasecmp(key, "smaller_than")) {
		q->kind = Q_SMALLER;
		q->number = parse_size(value);
	} else if (!strcasecmp(key, "filename")) {
		q->kind = Q_FILENAME;
	} else {
		q->kind = Q_TEXT;
	}
}

static const char *take_value(struct parser *ps)
{
	size_t n;

	if (*ps->p == '"' || (*ps->p == '(' && strchr(ps->p, ')'))) {
		char close = *ps->p == '"' ? '"' : ')';
		const char *from = ++ps->p;
		while (*ps->p && *ps->p != close)
			ps->p++;
		const char *v = arena_dupn(ps->arena, from, (size_t)(ps->p - from));
		ps->p += *ps->p != 0;
		return v;
	}
	n = strcspn(ps->p, " (){}\t");
	const char *v = arena_dupn(ps->arena, ps->p, n);
	ps->p += n;
	return v;
}

static struct gm_query *parse_group(struct parser *ps, enum kind kind, char close, int depth);

static struct gm_query *parse_one(struct parser *ps, int depth)
{
	struct gm_query *q;
	bool not = false;

	while (*ps->p == '-' || *ps->p == '+') {
		not ^= *ps->p == '-';
		ps->p++;
	}
	if (depth < DEPTH && (*ps->p == '(' || *ps->p == '{')) {
		bool or = *ps->p++ == '{';
		q = parse_group(ps, or ? Q_OR : Q_AND, or ? '}' : ')', depth + 1);
		q->not = not ;
		return q;
	}
	q = arena_alloc(ps->arena, sizeof(*q));
	q->not = not ;
	size_t key = strcspn(ps->p, ": \"(){}");
	if (key && ps->p[key] == ':') {
		const char *name = arena_dupn(ps->arena, ps->p, key);
		ps->p += key + 1;
		set_term(ps, q, name, take_value(ps));
	} else {
		q->kind = Q_TEXT;
		q->text = take_value(ps);
		if (!*q->text && *ps->p)
			ps->p++; /* a stray bracket */
	}
	return q;
}

/* Terms up to `close`: all must hold, "a OR b" binds tighter. */
static struct gm_query *parse_group(struct parser *ps, enum kind kind, char close, int depth)
{
	struct gm_query *group = arena_alloc(ps->arena, sizeof(*group)), **tail = &group->child, *last = NULL;

	group->kind = kind;
	for (;;) {
		ps->p += strspn(ps->p, " \t");
		if (!*ps->p || *ps->p == close) {
			ps->p += *ps->p != 0;
			return group;
		}
		if (last && kind == Q_AND && !strncmp(ps->p, "OR ", 3)) {
			ps->p += 3 + strspn(ps->p + 3, " ");
			struct gm_query *right = parse_one(ps, depth);
			if (last->kind != Q_OR || last->not ) {
				struct gm_query *left = arena_alloc(ps->arena, sizeof(*left));
				*left = *last;
				left->next = NULL;
				*last = (struct gm_query){.kind = Q_OR, .child = left};
			}
			struct gm_query **end = &last->child;
			while (*end)
				end = &(*end)->next;
			*end = right;
			continue;
		}
		if (!strncmp(ps->p, "AND ", 4)) {
			ps->p += 4;
			continue;
		}
		last = *tail = parse_one(ps, depth);
		tail = &last->next;
	}
}

struct gm_query *gm_query_parse(struct arena *a, struct gm_box *box, const char *text)
{
	struct parser ps = {.arena = a, .box = box, .p = text};

	return parse_group(&ps, Q_AND, 0, 0);
}

bool gm_query_spam_trash(const struct gm_query *q)
{
	if (q->kind == Q_ALL ||
		(q->kind == Q_LABEL && !q->not &&(q->label == GM_SPAM || q->label == GM_TRASH)))
		return true;
	for (const struct gm_query *c = q->child; c; c = c->next) {
		if (gm_query_spam_trash(c))
			return true;
	}
	return false;
}

static bool part_named(const struct gm_part *p, const char *name)
{
	for (; p; p = p->next) {
		if (*p->filename && (!name || gg_contains_ci(p->filename, name)))
			return true;
		if (p->child && part_named(p->child, name))
			return true;
	}
	return false;
}

static bool has_attachment(struct gm_message *m, const char *name)
{
	if (!name && m->has_attachment >= 0)
		return m->has_attachment;
	_cleanup_(arena_freep) struct arena *a = arena_new((size_t)1 << 30);
	_cleanup_buf_ struct buf b = BUF_INIT((size_t)1 << 30);
	if (!a || gm_message_data(m, &b) < 0)
		return false;
	bool found = part_named(gm_mime_parse(a, buf_str(&b), b.len), name);
	if (!name)
		m->has_attachment = found;
	return found;
}

static bool user_labels(const struct gm_message *m)
{
	for (size_t i = 0; i < m->nlabels; i++) {
		if (m->labels[i] >= GM_SYSTEM_COUNT)
			return true;
	}
	return false;
}

static bool holds(struct arena *a, const struct gm_query *q, struct gm_message *m)
{
	switch (q->kind) {
	case Q_AND:
	case Q_OR:
		for (const struct gm_query *c = q->child; c; c = c->next) {
			if (gm_query_match(a, c, m) == (q->kind == Q_OR))
				return q->kind == Q_OR;
		}
		return q->kind == Q_AND;
	case Q_AFTER:
		return m->date >= q->number;
	case Q_BEFORE:
		return m->date < q->number;
	case Q_LABEL:
		return gm_has(m, q->label);
	case Q_ALL:
		return true;
	case Q_NONE:
		return false;
	case Q_ID: {
		size_t n = m->message_id ? strlen(m->message_id) : 0;
		const char *id = m->message_id;
		return n > 2 && id[0] == '<' ? n - 2 == strlen(q->text) && !strncmp(id + 1, q->text, n - 2)
					     : n && !strcmp(id, q->text);
	}
	case Q_FROM:
		return gg_contains_ci(m->from, q->text);
	case Q_TO:
		return gg_contains_ci(m->to, q->text);
	case Q_CC:
		return gg_contains_ci(m->cc, q->text);
	case Q_SUBJECT:
		return gg_contains_ci(m->subject, q->text);
	case Q_ATTACHMENT:
		return has_attachment(m, NULL);
	case Q_FILENAME:
		return has_attachment(m, q->text);
	case Q_LARGER:
		return fc_blob_size(m->blob) > q->number;
	case Q_SMALLER:
		return fc_blob_size(m->blob) < q->number;
	case Q_USERLABELS:
		return user_labels(m);
	case Q_TEXT:
		return gg_contains_ci(m->subject, q->text) || gg_contains_ci(m->from, q->text) ||
		       gg_contains_ci(m->to, q->text) || gg_contains_ci(m->snippet, q->text);
	}
	return false;
}

bool gm_query_match(struct arena *a, const struct gm_query *q, struct gm_message *m)
{
	return holds(a, q, m) != q->not ;
}
