/* Detectors that rule files define: words and patterns which the scan role's workers look for. Here they are read, and their patterns
 * proven: vectorscan compiles each in a child process with limits on processor time, memory and the size of what comes out, so that
 * a pattern that explodes costs its author an error, and nobody else anything. Compiling, one thread. */
#include "policy/impl.h"

#include "base/i18n.h"
#include "base/json.h"
#include "base/timeutil.h"

#include <errno.h>
#include <fcntl.h>
#include <hs.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define MAX_WORDS 500 /* of a list */
#define ALL_WORDS 1800 /* of all lists and patterns: what a worker takes of a tenant */
#define WORD_BYTES 200
#define PROOF_SECONDS 3           /* of processor time for all patterns of a rule set */
#define PROOF_DEADLINE_MS 20000   /* of waiting for them */
#define PROOF_MEMORY (512u << 20) /* beyond what this process has */
#define PATTERN_DATABASE (1u << 20) /* bytes that one pattern may become */
#define WHOLE_DATABASE (8u << 20)   /* and all together */

bool detector_known(const struct policy *p, const char *id)
{
	for (const char *const *w = facts_find(&facts_hit, "detector")->words; *w; w++)
		if (strcmp(*w, id) == 0)
			return true;
	for (uint32_t i = 0; i < p->n_detectors; i++)
		if (strcmp(p->detectors[i].id, id) == 0)
			return true;
	return false;
}

static int read_words(struct compiler *c, const struct conf_node *n, const char *const **ret)
{
	size_t count;
	const char *const *texts = texts_read(c, n, &count);

	if (!texts)
		return -1;
	if (count > MAX_WORDS)
		return complain(c, n, _("more than %d words"), MAX_WORDS);
	if ((c->p->n_words += (uint32_t)count) > ALL_WORDS)
		return complain(c, n, _("more than %d words in all detectors"), ALL_WORDS);
	for (size_t i = 0; i < count; i++)
		if (strlen(texts[i]) > WORD_BYTES || strlen(texts[i]) < 2)
			return complain(c, n, _("a word has 2 to %d bytes"), WORD_BYTES);
	*ret = texts;
	return 0;
}

static int read_id(struct compiler *c, const struct conf_node *n, const char **ret)
{
	size_t len = n && n->kind == CONF_SCALAR ? strlen(n->text) : 0;

	if (len == 0 || len > 47 || strspn(n->text, "abcdefghijklmnopqrstuvwxyz0123456789._-") != len)
		return complain(c, n, "%s", _("a detector wants an id of up to 47 of a-z, 0-9, '.', '_' and '-'"));
	if (detector_known(c->p, n->text))
		return complain(c, n, _("there is a detector '%s' already"), n->text);
	*ret = n->text;
	return 0;
}

static int detector_read(struct compiler *c, const struct conf_node *n)
{
	static const char *const keys[] = {"id", "words", "pattern", "near", "caseless", NULL};
	struct detector d = {.file = c->file, .line = n->line, .column = n->column, .caseless = true};

	if (known_keys(c, n, keys) < 0)
		return -1;
	const struct conf_node *id = conf_get(n, "id"), *words = conf_get(n, "words"), *pattern = conf_get(n, "pattern"), *near = conf_get(n, "near"),
		*caseless = conf_get(n, "caseless");
	if (read_id(c, id ? id : n, &d.id) < 0)
		return -1;
	if (!words && !pattern)
		return complain(c, n, "%s", _("a detector wants words or a pattern"));
	if ((words && read_words(c, words, &d.words) < 0) || (near && read_words(c, near, &d.near) < 0))
		return -1;
	if (pattern) {
		if (pattern->kind != CONF_SCALAR || !*pattern->text || strlen(pattern->text) > POLICY_PATTERN_BYTES)
			return complain(c, pattern, _("a pattern is a regular expression of at most %d bytes"), POLICY_PATTERN_BYTES);
		d.pattern = pattern->text;
		c->p->n_words++;
		d.line = pattern->line;
		d.column = pattern->column;
	}
	if (caseless) {
		if (caseless->kind != CONF_SCALAR || (strcmp(caseless->text, "true") != 0 && strcmp(caseless->text, "false") != 0))
			return complain(c, caseless, "%s", _("true or false is expected here"));
		d.caseless = caseless->text[0] == 't';
	}
	if (c->p->n_detectors == POLICY_MAX_DETECTORS)
		return complain(c, n, _("more than %d detectors"), POLICY_MAX_DETECTORS);
	if (!c->p->detectors && !(c->p->detectors = calloc(POLICY_MAX_DETECTORS, sizeof(*c->p->detectors)))) {
		c->memory = true;
		return -1;
	}
	c->p->detectors[c->p->n_detectors++] = d;
	return 0;
}

int detectors_read(struct compiler *c, const struct conf_node *list)
{
	int r = 0;

	if (list->kind != CONF_LIST)
		return complain(c, list, "%s", _("detectors is a list: each begins with '- id:'"));
	for (const struct conf_node *n = list->child; n; n = n->next)
		r |= detector_read(c, n);
	return r;
}

static void add_texts(cJSON *o, const char *key, const char *const *texts)
{
	if (!texts)
		return;
	cJSON *list = cJSON_AddArrayToObject(o, key);
	for (; *texts; texts++)
		cJSON_AddItemToArray(list, cJSON_CreateString(*texts));
}

int detectors_print(struct policy *p)
{
	_cleanup_json_ cJSON *list = cJSON_CreateArray();

	if (p->n_detectors == 0)
		return 0;
	for (uint32_t i = 0; i < p->n_detectors; i++) {
		const struct detector *d = &p->detectors[i];
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "id", d->id);
		add_texts(o, "words", d->words);
		if (d->pattern)
			cJSON_AddStringToObject(o, "pattern", d->pattern);
		add_texts(o, "near", d->near);
		cJSON_AddBoolToObject(o, "caseless", d->caseless);
		cJSON_AddItemToArray(list, o);
	}
	return json_print(list, &p->detectors_text);
}

/* ---- proving ---- */

/* What the child says of a pattern, and at the end of all of them. */
struct proof {
	uint32_t index; /* of the detector; UINT32_MAX: all together */
	bool begun;     /* it is being compiled; the next message is its end */
	int failed;
	size_t bytes;
	int64_t us;
	char text[200]; /* vectorscan's complaint */
};

static void say(int fd, const struct proof *p)
{
	if (write(fd, p, sizeof(*p)) != (ssize_t)sizeof(*p))
		_exit(1);
}

static int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000ll + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static void compile_all(const struct policy *p, const uint32_t *which, unsigned n, uint32_t index, int fd)
{
	const char *patterns[POLICY_MAX_DETECTORS];
	unsigned flags[POLICY_MAX_DETECTORS], ids[POLICY_MAX_DETECTORS];
	struct proof proof = {.index = index, .begun = true};
	hs_compile_error_t *wrong = NULL;
	hs_database_t *db = NULL;

	for (unsigned i = 0; i < n; i++) {
		patterns[i] = p->detectors[which[i]].pattern;
		flags[i] = HS_FLAG_UTF8 | HS_FLAG_SOM_LEFTMOST | (p->detectors[which[i]].caseless ? HS_FLAG_CASELESS : 0);
		ids[i] = which[i];
	}
	say(fd, &proof);
	proof.begun = false;
	int64_t start = cpu_us();
	if (hs_compile_multi(patterns, flags, ids, n, HS_MODE_BLOCK, NULL, &db, &wrong) != HS_SUCCESS) {
		proof.failed = 1;
		snprintf(proof.text, sizeof(proof.text), "%s", wrong && wrong->message ? wrong->message : "?");
	} else {
		hs_database_size(db, &proof.bytes);
	}
	proof.us = cpu_us() - start;
	say(fd, &proof);
	hs_free_database(db);
}

/* In the child. Only it could be harmed by what follows. */
static void prove(const struct policy *p, int fd) __attribute__((noreturn));
static void prove(const struct policy *p, int fd)
{
	struct rlimit cpu = {PROOF_SECONDS, PROOF_SECONDS}, none = {0, 0}, memory;
	uint32_t which[POLICY_MAX_DETECTORS];
	unsigned n = 0;
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%ld", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	memory.rlim_cur = memory.rlim_max = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + PROOF_MEMORY;
	signal(SIGPIPE, SIG_DFL);
	if (setrlimit(RLIMIT_CPU, &cpu) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_AS, &memory) < 0)
		_exit(1);
	for (uint32_t i = 0; i < p->n_detectors; i++) {
		if (!p->detectors[i].pattern)
			continue;
		which[n++] = i;
		compile_all(p, &i, 1, i, fd);
	}
	compile_all(p, which, n, UINT32_MAX, fd);
	_exit(0);
}

static int complain_proof(struct compiler *c, uint32_t index, const char *text)
{
	const struct detector *d = index < c->p->n_detectors ? &c->p->detectors[index] : NULL;
	struct conf_node at = {.line = d ? d->line : 0, .column = d ? d->column : 0};

	if (d)
		c->file = d->file;
	return complain(c, d ? &at : NULL, "%s", text);
}

static int judge_proof(struct compiler *c, const struct proof *p)
{
	const struct detector *d = p->index < c->p->n_detectors ? &c->p->detectors[p->index] : NULL;
	size_t most = d ? PATTERN_DATABASE : WHOLE_DATABASE;
	char text[400];

	if (p->failed && d)
		snprintf(text, sizeof(text), _("detector '%s': its pattern is refused: %.200s"), d->id, p->text);
	else if (p->failed)
		snprintf(text, sizeof(text), _("the patterns are refused together: %.200s"), p->text);
	else if (p->bytes > most && d)
		snprintf(text, sizeof(text), _("detector '%s': its pattern would take %d KiB (at most %d KiB) and %d ms to prepare"), d->id,
			(int)(p->bytes >> 10), (int)(most >> 10), (int)(p->us / 1000));
	else if (p->bytes > most)
		snprintf(text, sizeof(text), _("the patterns would take %d KiB together; at most %d KiB"), (int)(p->bytes >> 10), (int)(most >> 10));
	else
		return 0;
	return complain_proof(c, p->index, text);
}

/* The child died at this one: of time, or of memory. */
static int judge_death(struct compiler *c, uint32_t index, int status, bool late)
{
	bool time = late || (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL));
	const char *id = index < c->p->n_detectors ? c->p->detectors[index].id : "*";
	char text[300];

	if (time)
		snprintf(text, sizeof(text), _("detector '%s': its pattern takes more than %d s to prepare: it explodes"), id, PROOF_SECONDS);
	else
		snprintf(text, sizeof(text), _("detector '%s': its pattern takes more than %d MiB to prepare: it explodes"), id, (int)(PROOF_MEMORY >> 20));
	return complain_proof(c, index, text);
}

/* 1: a message; 0: the end; -1: late. */
static int next_message(int fd, struct proof *ret, int64_t until)
{
	size_t have = 0;

	while (have < sizeof(*ret)) {
		int64_t left = until - time_monotonic_ms();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int r = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return -1;
		ssize_t n = read(fd, (char *)ret + have, sizeof(*ret) - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		have += (size_t)n;
	}
	ret->text[sizeof(ret->text) - 1] = '\0';
	return 1;
}

static int listen_to(struct compiler *c, pid_t child, int fd)
{
	int64_t until = time_monotonic_ms() + PROOF_DEADLINE_MS;
	struct proof p = {0};
	uint32_t at = UINT32_MAX;
	bool done = false;
	int r, status = 0;
	size_t errors = c->errors;

	while ((r = next_message(fd, &p, until)) > 0) {
		if (p.begun)
			at = p.index;
		else if (judge_proof(c, &p) == 0 && p.index == UINT32_MAX)
			done = true;
	}
	if (r < 0)
		kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (!done && c->errors == errors)
		judge_death(c, at, status, r < 0);
	return 0;
}

int detectors_prove(struct compiler *c)
{
	int pipes[2];
	bool any = false;

	for (uint32_t i = 0; i < c->p->n_detectors; i++)
		any = any || c->p->detectors[i].pattern;
	if (!any || hs_valid_platform() != HS_SUCCESS) /* without it no worker has detectors either */
		return 0;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -1;
	pid_t child = fork();
	if (child == 0) {
		close(pipes[0]);
		prove(c->p, pipes[1]);
	}
	close(pipes[1]);
	int r = child < 0 ? -1 : listen_to(c, child, pipes[0]);
	close(pipes[0]);
	return r;
}
