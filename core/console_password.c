/* Passwords: which are good enough, and what auth does with them. OWASP ASVS 5, 6.2 and 11.4; NIST SP 800-63B. Any thread. */
#include "core/console_impl.h"

#include <ctype.h>

#define PASSWORD_MIN 12 /* characters */
#define PASSWORD_MAX 512

/* What most guessed passwords are made of; digits and signs around them and in place of letters do not count. */
static const char *const common[] = {"password", "passw", "passphrase", "qwerty", "qwertyuiop", "asdfghjkl", "zxcvbnm",
	"letmein", "welcome", "iloveyou", "admin", "administrator", "root", "login", "master", "monkey", "dragon", "sunshine", "princess",
	"football", "baseball", "superman", "batman", "trustno", "changeme", "default", "secret", "sekisho", "sakura", "tokyo", "nippon",
	"kanrisha", "abc", "abcdefgh", "abcdefghijkl", "test", "testtest", "guest", "company", "office", "microsoft", "google", "dropbox"};

static int weak(struct err *err, const char *why)
{
	return err_set(err, ERR_REMOTE, "weak_password", "%s", why);
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Letters alone, lower case, with the usual stand-ins undone. */
static void letters_of(const char *s, char *out, size_t size)
{
	static const char from[] = "013457@$!", to[] = "oleastasi";
	size_t n = 0;

	for (; *s && n + 1 < size; s++) {
		const char *stand_in = strchr(from, *s);
		if (isalpha((unsigned char)*s))
			out[n++] = (char)tolower((unsigned char)*s);
		else if (stand_in && *stand_in)
			out[n++] = to[stand_in - from];
	}
	out[n] = '\0';
}

/* "aaaaaaaa", "abcabcabc": a short piece again and again. */
static bool repeats(const char *s)
{
	size_t len = strlen(s);

	for (size_t unit = 1; unit <= 4 && unit < len; unit++) {
		size_t i = unit;
		while (i < len && s[i] == s[i - unit])
			i++;
		if (i == len)
			return true;
	}
	return false;
}

/* "12345678", "lkjihg": each one beside the one before. */
static bool runs(const char *s)
{
	int up = 0, down = 0;
	size_t len = strlen(s);

	for (size_t i = 1; i < len; i++) {
		up += s[i] == s[i - 1] + 1 || (s[i - 1] == '9' && s[i] == '0');
		down += s[i] == s[i - 1] - 1;
	}
	return up + 3 >= (int)len || down + 3 >= (int)len;
}

int console_password_ok(const char *password, const char *login, struct err *err)
{
	char plain[PASSWORD_MAX + 1], name[260];

	if (strlen(password) > PASSWORD_MAX)
		return weak(err, "a password has at most 512 bytes");
	if (characters(password) < PASSWORD_MIN)
		return weak(err, "a password has at least 12 characters; a sentence is easy to remember");
	letters_of(password, plain, sizeof(plain));
	for (size_t i = 0; i < ARRAY_SIZE(common); i++) {
		const char *at = strstr(plain, common[i]);
		if (at && strlen(plain) < strlen(common[i]) + 5)
			return weak(err, "this password is among those that are tried first");
	}
	/* Digits alone have few letters; what is not ASCII is not judged by its letters. */
	if (repeats(password) || runs(password))
		return weak(err, "this password is among those that are tried first");
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(login, "@"), login);
	if (strlen(name) >= 4 && strcasestr(password, name) && characters(password) < strlen(name) + 8)
		return weak(err, "a password must not be made of the login");
	return 0;
}

int console_password_store(struct core *c, const char *account, const char *password, struct err *err)
{
	_cleanup_texts_ struct auth_texts t = {0};

	if (console_ask(c, AUTH_PASSWORD_MAKE, AUTH_ASK(password), &t, err) < 0)
		return -1;
	if (t.n < 1)
		return err_set(err, ERR_REMOTE, "bad_answer", "auth made no hash");
	return store_password_set(c->store, account, t.text[0], time_now_ms(), err);
}

static int wrong(struct err *err)
{
	return err_set(err, ERR_AUTH, "bad_password", "login or password is wrong");
}

/* For accounts that are not there or have no password: as much work as for one that is. */
static int in_vain(struct core *c, const char *password, struct err *err)
{
	_cleanup_texts_ struct auth_texts t = {0};

	return console_ask(c, AUTH_PASSWORD_MAKE, AUTH_ASK(password), &t, err) < 0 ? -1 : wrong(err);
}

int console_password_check(struct core *c, const char *account, const char *password, struct err *err)
{
	_cleanup_buf_ struct buf hash = BUF_INIT(4096);
	_cleanup_texts_ struct auth_texts t = {0};

	if (strlen(password) > PASSWORD_MAX)
		return wrong(err);
	if (!*account)
		return in_vain(c, password, err);
	if (store_password_get(c->store, account, &hash, err) < 0)
		return err->class == ERR_GONE ? in_vain(c, password, err) : -1;
	if (console_ask(c, AUTH_PASSWORD_CHECK, AUTH_ASK(buf_str(&hash), password), &t, err) < 0)
		return -1;
	if (t.n < 1 || strcmp(t.text[0], "no") == 0)
		return wrong(err);
	if (strcmp(t.text[0], "again") == 0 && console_password_store(c, account, password, err) < 0)
		log_err(LOG_WARN_, "console.rehash", err);
	return 0;
}
