/* scan PATH…: local files and mails through the same engine, sandbox and policy. A running service lends its engine;
 * without one a scan role is started for as long as the command runs. */
#include "core/command.h"

#include "base/i18n.h"
#include "base/ioutil.h"
#include "core/control.h"
#include "core/scan_json.h"
#include "core/supervisor.h"
#include "net/content.h"
#include "scan/client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define FOLDER_DEPTH 64

struct scanner {
	struct command_line *cl;
	struct ctl *ctl;           /* a running service, or: */
	struct rpc *rpc;
	pid_t role;
	char state[64]; /* a private folder of the role; removed at the end */
	struct content_budget *budget;
	int threats, unknowns, errors, files;
};

static int ignore_notice(void *ctx, struct rpc *rpc, struct msg *m)
{
	return m->type == SCAN_CHANGED ? 0 : -1;
}

static int start_role(struct scanner *s, struct err *err)
{
	const struct rpc_ops ops = {.serve = ignore_notice};
	_cleanup_free_ struct scan_config *config = calloc(1, sizeof(*config));
	int sv[2];

	snprintf(s->state, sizeof(s->state), "/tmp/sekisho-scan-XXXXXX");
	if (!config || !mkdtemp(s->state) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return err_errno(err, "%s", _("starting the scan role"));
	fflush(NULL);
	s->role = fork();
	if (s->role == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv("SEKISHO_LOG", "warn", 0);
		if (sv[1] != 3 && dup2(sv[1], 3) < 0)
			_exit(7);
		fcntl(3, F_SETFD, 0);
		close_range(4, ~0u, 0);
		execl("/proc/self/exe", "sekisho", "--role", "scan", (char *)NULL);
		_exit(7);
	}
	close(sv[1]);
	config->limits = s->cl->set.limits;
	config->workers = s->cl->set.workers;
	config->sandbox = s->cl->set.sandbox;
	config->n_dirs = s->cl->set.n_signatures;
	for (int i = 0; i < config->n_dirs; i++)
		snprintf(config->dirs[i], sizeof(config->dirs[i]), "%s", s->cl->set.signatures[i]);
	snprintf(config->state, sizeof(config->state), "%s", s->state);
	if (s->role < 0 || scan_client_configure(sv[0], config) < 0) {
		close(sv[0]);
		return err_errno(err, "%s", _("starting the scan role"));
	}
	if (rpc_new("scan", sv[0], &ops, NULL, &s->rpc, err) < 0)
		return -1;
	return content_budget_new(s->cl->set.in_flight, NULL, s->cl->set.limits.item, &s->budget, err);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void end_role(struct scanner *s)
{
	rpc_free(s->rpc);
	if (s->role > 0)
		while (waitpid(s->role, NULL, 0) < 0 && errno == EINTR)
			;
	if (s->state[0])
		nftw(s->state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	content_budget_free(s->budget);
}

static int scan_by_role(struct scanner *s, const char *path, int fd, cJSON *out, struct err *err)
{
	_cleanup_(content_freep) struct content *content = NULL;
	_cleanup_free_ struct scan_reply *reply = calloc(1, sizeof(*reply));
	struct scan_client client = {.rpc = s->rpc};
	char chunk[65536];
	struct digests d;
	ssize_t n;

	if (!reply || content_new(s->budget, -1, s->cl->set.limits.item, DIGEST_SHA256, &content, err) < 0)
		return -1;
	/* A copy: the file may change or shrink while it is looked at. */
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		if (content_write(content, chunk, (size_t)n, err) < 0)
			return -1;
	if (n < 0)
		return err_errno(err, "%s", _("reading it"));
	if (content_finish(content, &d, err) < 0)
		return -1;
	struct scan_request req = {.tenant = "", .name = path, .size = d.size, .deadline_ms = s->cl->set.limits.time_ms, .words = true};
	int lent = fcntl(content_fd(content), F_DUPFD_CLOEXEC, 0);
	if (lent < 0 || scan_client_scan(&client, &req, lent, 600000, reply, err) < 0)
		return -1;
	scan_reply_json(reply, out);
	cJSON_AddStringToObject(out, "sha256", d.sha256);
	cJSON_AddNumberToObject(out, "size", (double)d.size);
	return 0;
}

static int scan_by_service(struct scanner *s, const char *path, int fd, cJSON *out, struct err *err)
{
	_cleanup_json_ cJSON *args = cJSON_CreateObject(), *result = NULL;
	int code, lent = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	cJSON_AddStringToObject(args, "name", path);
	if (lent < 0 || ctl_call(s->ctl, "scan", args, &lent, 1, &code, &result, NULL, err) < 0)
		return -1;
	while (result->child) {
		cJSON *f = cJSON_DetachItemViaPointer(result, result->child);
		cJSON_AddItemToObject(out, f->string, f);
	}
	return 0;
}

static void show(struct scanner *s, const char *path, cJSON *o)
{
	const cJSON *v = json_object(o, "verdict");
	const char *status = json_str_or(v, "status", "unknown");

	s->files++;
	s->threats += strcmp(status, "threat") == 0;
	s->unknowns += strcmp(status, "unknown") == 0;
	if (s->cl->json) {
		command_print(o);
		return;
	}
	const cJSON *threat = cJSON_GetArrayItem(json_array(v, "threats"), 0);
	const char *what = threat ? json_str_or(threat, "name", "") : json_str_or(v, "reason", "");
	const char *part = threat ? json_str_or(threat, "part", "") : "";
	printf("%s: %s%s%s", command_text(path), status, *what ? " " : "", command_text(what));
	if (*part)
		printf(_(" in %s"), command_text(part));
	putchar('\n');
}

static void scan_file(struct scanner *s, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	struct err err = {0};
	struct stat st;

	cJSON_AddStringToObject(o, "path", path);
	int r = fd < 0 || fstat(fd, &st) < 0 ? err_errno(&err, "%s", path) : 0;
	if (r == 0 && !S_ISREG(st.st_mode))
		return; /* devices and pipes hold nothing to judge */
	if (r == 0 && st.st_size > s->cl->set.limits.item) {
		cJSON *v = cJSON_AddObjectToObject(o, "verdict");
		cJSON_AddStringToObject(v, "status", "unknown");
		cJSON_AddStringToObject(v, "reason", "size_limit");
		cJSON_AddArrayToObject(v, "threats");
		show(s, path, o);
		return;
	}
	if (r == 0)
		r = s->ctl ? scan_by_service(s, path, fd, o, &err) : scan_by_role(s, path, fd, o, &err);
	if (r < 0) {
		s->errors++;
		command_error(&err);
		return;
	}
	show(s, path, o);
}

static void scan_path(struct scanner *s, const char *path, int depth);

static void scan_folder(struct scanner *s, const char *path, int depth)
{
	struct dirent **list = NULL;
	int n = scandir(path, &list, NULL, alphasort);

	if (n < 0) {
		fprintf(stderr, "sekisho: %s: %s\n", command_text(path), strerror(errno));
		s->errors++;
		return;
	}
	for (int i = 0; i < n; i++) {
		char child[4096];
		bool dots = strcmp(list[i]->d_name, ".") == 0 || strcmp(list[i]->d_name, "..") == 0;
		if (!dots && snprintf(child, sizeof(child), "%s/%s", path, list[i]->d_name) < (int)sizeof(child))
			scan_path(s, child, depth + 1);
		free(list[i]);
	}
	free(list);
}

static void scan_path(struct scanner *s, const char *path, int depth)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		fprintf(stderr, "sekisho: %s: %s\n", command_text(path), strerror(errno));
		s->errors++;
	} else if (S_ISDIR(st.st_mode) && depth < FOLDER_DEPTH) {
		scan_folder(s, path, depth);
	} else if (S_ISDIR(st.st_mode)) {
		fprintf(stderr, _("sekisho: %s: nested deeper than %d folders\n"), command_text(path), FOLDER_DEPTH);
		s->errors++;
	} else if (!S_ISLNK(st.st_mode) || depth == 0) {
		scan_file(s, path);
	}
}

int command_scan(struct command_line *cl)
{
	struct scanner s = {.cl = cl};
	char socket_path[600];
	struct err err = {0};
	int r;

	if (!cl->argc)
		return command_usage(_("scan wants files or folders"));
	snprintf(socket_path, sizeof(socket_path), "%s/control.sock", cl->set.state);
	r = access(socket_path, W_OK) == 0 ? ctl_open(cl, true, &s.ctl, &err) : start_role(&s, &err);
	for (int i = 0; r == 0 && i < cl->argc; i++)
		scan_path(&s, cl->argv[i], 0);
	ctl_close(s.ctl);
	end_role(&s);
	if (r < 0)
		return command_error(&err);
	if (s.threats)
		return 3;
	if (s.errors)
		return 1;
	return s.unknowns ? 4 : 0;
}
