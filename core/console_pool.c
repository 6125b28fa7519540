/* The threads that carry out what web asks for; see console.h. A request waits here while all of them are busy; when too many
 * wait, the next is refused at once. Of those before signing in only some are carried out together, so that nobody who only
 * knocks keeps out who is in. */
#include "core/console_impl.h"

#include "web/web.h"

#include <sys/prctl.h>

#define THREADS 10
#define KNOCKING 4
#define WAITING 200

struct entry {
	struct entry *next;
	struct peer_link *link;
	uint64_t id;
	char *command, *args, *session, *address, *agent;
	bool too_many; /* to be refused: not here, but on a thread of the pool, which may let go of the link */
};

struct console {
	struct core *core;
	pthread_mutex_t lock;
	pthread_cond_t came;
	struct entry *head, **tail;
	int waiting, knocking, n_threads;
	bool stopping;
	pthread_t threads[THREADS];
};

static void entry_free(struct entry *e)
{
	if (!e)
		return;
	/* Passwords pass through. */
	if (e->args)
		explicit_bzero(e->args, strlen(e->args));
	peer_put(e->link);
	free(e->command);
	free(e->args);
	free(e->session);
	free(e->address);
	free(e->agent);
	free(e);
}

static void error_json(cJSON *result, const struct err *err)
{
	cJSON *e = cJSON_AddObjectToObject(result, "error");

	cJSON_AddStringToObject(e, "class", err_class_name(err->class));
	cJSON_AddStringToObject(e, "code", err->code);
	cJSON_AddStringToObject(e, "message", err->message);
	cJSON_AddNumberToObject(e, "status", err->http_status);
	cJSON_AddStringToObject(e, "request_id", err->request_id);
	cJSON_AddNumberToObject(e, "retry_at", (double)err->retry_at);
}

static void answer(struct entry *e, int code, const cJSON *result, int fd)
{
	_cleanup_msg_ struct msg reply;
	_cleanup_wipe_ struct buf text = BUF_INIT(MSG_MAX - 1000);

	msg_init(&reply, WEB_RESULT, e->id);
	if (json_print(result, &text) < 0) {
		buf_clear(&text);
		buf_adds(&text, "{\"error\":{\"class\":\"local\",\"code\":\"too_big\",\"message\":\"the answer is too large\"}}");
		code = 1;
	}
	msg_put_i64(&reply, code);
	msg_put_str(&reply, buf_str(&text));
	if (fd >= 0 && msg_put_fd(&reply, fd) < 0)
		close(fd);
	if (rpc_reply(e->link->rpc, &reply) < 0)
		log_warn("console.reply", "command=%s", e->command);
	buf_wipe(&reply.body);
}

static void serve(struct console *con, struct entry *e)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	_cleanup_json_ cJSON *args = NULL, *result = cJSON_CreateObject();
	struct console_session s;
	struct console_actor actor = {.session_hash = e->session, .address = e->address, .agent = e->agent};
	struct err err = {0};
	int code = -1, fd = -1;

	if (!a || !result)
		console_no_memory(&err);
	else if (e->too_many)
		err_set(&err, ERR_RETRY, "too_many", "the console is busy: try again in a moment");
	else if (json_parse(e->args, strlen(e->args), &args, &err) < 0 || !cJSON_IsObject(args))
		console_bad(&err, "the arguments are no JSON object");
	else
		code = 0;
	if (code == 0 && *e->session) {
		if (store_session_get(con->core->store, e->session, time_now_ms(), a, &s, &err) == 0)
			actor.session = &s;
		else if (err.class != ERR_GONE)
			code = -1;
	}
	if (code == 0) {
		err_clear(&err);
		code = console_run(con->core, &actor, e->command, args, result, &fd, &err);
	}
	if (code < 0) {
		/* Of a failure nothing is told but the error, and what is wrong with rules that were refused. */
		bool refused = strcmp(err.code, "bad_policy") == 0;
		cJSON *problems = refused ? cJSON_DetachItemFromObjectCaseSensitive(result, "problems") : NULL;
		cJSON_Delete(result);
		result = cJSON_CreateObject();
		error_json(result, &err);
		if (problems)
			cJSON_AddItemToObject(result, "problems", problems);
		code = err_exit_code(&err);
	}
	answer(e, code, result, fd);
}

/* The next one that may be carried out now; of those who knock only so many. Called with the lock. */
static struct entry *take(struct console *con, bool *ret_knocks)
{
	for (struct entry **p = &con->head; *p; p = &(*p)->next) {
		struct entry *e = *p;
		bool knocks = !*e->session && !e->too_many;
		if (knocks && con->knocking >= KNOCKING)
			continue;
		*p = e->next;
		if (con->tail == &e->next)
			con->tail = p;
		con->waiting--;
		con->knocking += knocks;
		*ret_knocks = knocks;
		return e;
	}
	return NULL;
}

static void *pool_main(void *arg)
{
	struct console *con = arg;
	struct entry *e;
	bool knocks;

	prctl(PR_SET_NAME, "console");
	pthread_mutex_lock(&con->lock);
	while (!con->stopping) {
		if (!(e = take(con, &knocks))) {
			pthread_cond_wait(&con->came, &con->lock);
			continue;
		}
		pthread_mutex_unlock(&con->lock);
		serve(con, e);
		entry_free(e);
		pthread_mutex_lock(&con->lock);
		con->knocking -= knocks;
		if (con->head)
			pthread_cond_signal(&con->came);
	}
	pthread_mutex_unlock(&con->lock);
	return NULL;
}

int console_start(struct core *c, struct console **ret, struct err *err)
{
	struct console *con = calloc(1, sizeof(*con));

	if (!con)
		return console_no_memory(err);
	con->core = c;
	con->tail = &con->head;
	pthread_mutex_init(&con->lock, NULL);
	pthread_cond_init(&con->came, NULL);
	for (; con->n_threads < THREADS; con->n_threads++) {
		if (pthread_create(&con->threads[con->n_threads], NULL, pool_main, con) != 0) {
			console_stop(con);
			return err_set(err, ERR_LOCAL, "system", "cannot start a thread");
		}
	}
	*ret = con;
	return 0;
}

void console_stop(struct console *con)
{
	if (!con)
		return;
	pthread_mutex_lock(&con->lock);
	con->stopping = true;
	pthread_cond_broadcast(&con->came);
	pthread_mutex_unlock(&con->lock);
	for (int i = 0; i < con->n_threads; i++)
		pthread_join(con->threads[i], NULL);
	for (struct entry *e = con->head, *next; e; e = next) {
		next = e->next;
		entry_free(e);
	}
	pthread_mutex_destroy(&con->lock);
	pthread_cond_destroy(&con->came);
	free(con);
}

/* A copy of a field; NULL and broken when it is not there or too long. */
static char *field(struct msg *m, size_t max, bool *broken)
{
	const char *s = msg_get_str(m);
	char *copy = s && strlen(s) <= max ? strdup(s) : NULL;

	*broken = *broken || !copy;
	return copy;
}

static bool is_hash(const char *s)
{
	return !*s || (strlen(s) == CONSOLE_HASH_LEN - 1 && strspn(s, "0123456789abcdef") == CONSOLE_HASH_LEN - 1);
}

int console_serve(struct console *con, struct rpc *rpc, struct msg *m)
{
	struct entry *e = calloc(1, sizeof(*e));
	bool broken = !e;

	if (broken)
		return -1;
	e->id = m->id;
	e->command = field(m, 60, &broken);
	e->args = field(m, MSG_MAX, &broken);
	e->session = field(m, 64, &broken);
	e->address = field(m, 100, &broken);
	e->agent = field(m, 400, &broken);
	if (broken || msg_end(m) < 0 || !is_hash(e->session)) {
		entry_free(e);
		return -1;
	}
	/* Held until the answer is sent: web may go away meanwhile. */
	e->link = peer_get(&con->core->web, 5000);
	if (!e->link || e->link->rpc != rpc) {
		entry_free(e);
		return 0; /* not this web any more: its calls have ended */
	}
	pthread_mutex_lock(&con->lock);
	e->too_many = con->waiting >= WAITING;
	*con->tail = e;
	con->tail = &e->next;
	con->waiting++;
	pthread_cond_signal(&con->came);
	pthread_mutex_unlock(&con->lock);
	return 0;
}
