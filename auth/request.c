/* Reads requests to the auth role; see request.h. Runs on the role's reader thread; pure. */
#include "auth/request.h"

#include <string.h>

static void refuse(struct err *err, const char *what)
{
	if (err->class == ERR_NONE)
		err_set(err, ERR_REMOTE, "bad_request", "%s", what);
}

static bool printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return false;
	return true;
}

/* Ids become file names, log fields and part of what values are tied to: words without white space. */
static const char *get_word(struct msg *m, size_t max, const char *what, struct err *err)
{
	const char *s = msg_get_str(m);

	if (!s || !*s || strlen(s) > max || !printable(s))
		refuse(err, what);
	return s ? s : "";
}

static const char *get_connection(struct msg *m, struct err *err)
{
	return get_word(m, 90, "the connection's id is missing or too long", err);
}

static void get_token(struct msg *m, struct auth_request *r, struct err *err)
{
	r->connection = get_connection(m, err);
	r->subject = msg_get_str(m);
	r->renew = msg_get_u32(m) != 0;
	if (!r->subject)
		r->subject = "";
	if (strlen(r->subject) > 320 || !printable(r->subject))
		refuse(err, "the subject is no user's address");
}

static void get_config(struct msg *m, struct auth_request *r, struct err *err)
{
	r->state = msg_get_str(m);
	r->key_file = msg_get_str(m);
	r->ca_file = msg_get_str(m);
	r->apps = msg_get_str(m);
	if (!r->state || !*r->state)
		refuse(err, "the state folder is missing");
}

static void get_put(struct msg *m, struct auth_request *r, struct err *err)
{
	r->connection = get_connection(m, err);
	r->tenant = get_word(m, 63, "the tenant is missing or too long", err);
	r->provider = get_word(m, 15, "the provider is missing or too long", err);
	r->grant = msg_get_str(m);
	uint32_t n = msg_get_u32(m);
	if (!r->grant || strlen(r->grant) > 65000)
		refuse(err, "the grant is missing or too long");
	if (n > MSG_MAX_FDS) {
		m->broken = true;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		r->names[r->n_names++] = get_word(m, 31, "the name of a secret is missing or too long", err);
	if ((int)n != m->n_fds)
		refuse(err, "names and descriptors do not fit");
	for (int i = 0; i < r->n_names; i++) {
		bool taken = strcmp(r->names[i], "grant") == 0; /* what the vault calls the public part */
		for (int k = 0; k < i; k++)
			taken = taken || strcmp(r->names[i], r->names[k]) == 0;
		if (taken)
			refuse(err, "the name of a secret stands twice");
	}
}

/* The console's requests: strings of at most so many bytes each, none of them missing. */
static const struct {
	enum auth_message type;
	size_t max[5]; /* ended by 0 */
	int fds;
} texts[] = {
	{AUTH_APPS, {0}, 0},
	{AUTH_KEY_MAKE, {90, 63, 64, 5}, 0},
	{AUTH_CODE_BEGIN, {47, 90, 63, 599, 71}, 0},
	{AUTH_CODE_END, {47, 71, 65000}, 0},
	{AUTH_PASSWORD_MAKE, {1024}, 0},
	{AUTH_PASSWORD_CHECK, {127, 1024}, 0},
	{AUTH_TOTP_MAKE, {64, 200}, 0},
	{AUTH_TOTP_CHECK, {64, 16, 20}, 0},
	{AUTH_TOTP_FORGET, {64}, 0},
	{AUTH_KEEP, {36, 63, 1024}, 0},
	{AUTH_KEPT, {36}, 0},
	{AUTH_UNKEEP, {36}, 0},
	{AUTH_ROTATE, {63}, 0},
	{AUTH_ROTATE_KEK, {0}, 1},
	{AUTH_BACKUP, {1024}, 1},
	{AUTH_RESTORE, {1024}, 1},
};

/* -1: no such request. */
static int get_texts(struct msg *m, struct auth_request *r, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (m->type != (uint32_t)texts[i].type)
			continue;
		for (int k = 0; k < 5 && texts[i].max[k]; k++) {
			r->args[k] = msg_get_str(m);
			if (!r->args[k] || strlen(r->args[k]) > texts[i].max[k])
				refuse(err, "a text is missing or too long");
			if (!r->args[k])
				r->args[k] = "";
		}
		return m->n_fds <= texts[i].fds ? 0 : -1;
	}
	return -1;
}

int auth_request_parse(struct msg *m, struct auth_request *ret, struct err *ret_err)
{
	struct auth_request r = {.type = (enum auth_message)m->type};
	struct err err = {0};

	switch (m->type) {
	case AUTH_CONFIG:
		get_config(m, &r, &err);
		break;
	case AUTH_TOKEN:
		get_token(m, &r, &err);
		break;
	case AUTH_PUT:
		get_put(m, &r, &err);
		break;
	case AUTH_FORGET:
	case AUTH_REVOKE:
		r.connection = get_connection(m, &err);
		break;
	case AUTH_RENAME:
		r.connection = get_connection(m, &err);
		r.to = get_connection(m, &err);
		break;
	case AUTH_LIST:
		break;
	default:
		if (get_texts(m, &r, &err) < 0)
			return -1;
		break;
	}
	if (msg_end(m) < 0 || (m->type != AUTH_PUT && m->type < AUTH_TEXT && m->n_fds))
		return -1;
	*ret = r;
	*ret_err = err;
	return 0;
}
