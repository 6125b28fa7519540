/* Local files through the scan role; see local_scan.h. A running service lends its engine; without one a scan role is started for as
 * long as the command runs. */
#include "core/local_scan.h"

#include "base/i18n.h"
#include "base/ioutil.h"
#include "core/control.h"
#include "core/rule_files.h"
#include "core/scan_json.h"
#include "core/supervisor.h"
#include "net/content.h"
#include "scan/client.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct local_scan {
	struct command_line *cl;
	struct ctl *ctl;           /* a running service, or: */
	struct rpc *rpc;
	pid_t role;
	char state[64]; /* a private folder of the role; removed at the end */
	struct content_budget *budget;
	struct policy *policy;
	struct derive_tenant *derive; /* of nobody: no own domains, no lists */
};

static int ignore_notice(void *ctx, struct rpc *rpc, struct msg *m)
{
	return m->type == SCAN_CHANGED ? 0 : -1;
}

/* The rules' own detectors are everybody's here. */
static int give_detectors(struct local_scan *s, struct err *err)
{
	struct scan_client client = {.rpc = s->rpc};
	_cleanup_buf_ struct buf json = BUF_INIT(4u << 20);

	if (!*policy_detectors(s->policy))
		return 0;
	if (buf_addf(&json, "{\"\":%s}", policy_detectors(s->policy)) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	return scan_client_detectors(&client, buf_str(&json), err);
}

static int start_role(struct local_scan *s, struct err *err)
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
	if (give_detectors(s, err) < 0)
		return -1;
	return content_budget_new(s->cl->set.in_flight, NULL, s->cl->set.limits.item, &s->budget, err);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void end_role(struct local_scan *s)
{
	rpc_free(s->rpc);
	if (s->role > 0)
		while (waitpid(s->role, NULL, 0) < 0 && errno == EINTR)
			;
	if (s->state[0])
		nftw(s->state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	content_budget_free(s->budget);
}

static int scan_by_role(struct local_scan *s, const char *path, int fd, bool facts, cJSON *out, struct err *err)
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
	_cleanup_(arena_freep) struct arena *a = arena_new(4 << 20);
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));
	if (!a || !f)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (scan_local_facts(s->derive, reply, req.words, path, a, f, err) < 0 || scan_rules_json(s->policy, NULL, f, facts, out, err) < 0)
		return -1;
	cJSON_AddStringToObject(out, "sha256", d.sha256);
	cJSON_AddNumberToObject(out, "size", (double)d.size);
	return 0;
}

static int scan_by_service(struct local_scan *s, const char *path, int fd, bool facts, cJSON *out, struct err *err)
{
	_cleanup_json_ cJSON *args = cJSON_CreateObject(), *result = NULL;
	int code, lent = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	cJSON_AddStringToObject(args, "name", path);
	cJSON_AddBoolToObject(args, "facts", facts);
	if (lent < 0 || ctl_call(s->ctl, "scan", args, &lent, 1, &code, &result, NULL, err) < 0)
		return -1;
	while (result->child) {
		cJSON *f = cJSON_DetachItemViaPointer(result, result->child);
		cJSON_AddItemToObject(out, f->string, f);
	}
	return 0;
}

int local_scan_open(struct command_line *cl, const char *const *paths, size_t n, struct local_scan **ret, struct err *err)
{
	struct local_scan *s = calloc(1, sizeof(*s));
	char socket_path[600];

	if (!s)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	s->cl = cl;
	snprintf(socket_path, sizeof(socket_path), "%s/control.sock", cl->set.state);
	int r = access(socket_path, W_OK) == 0 ? ctl_open(cl, true, &s->ctl, err) :
		rule_files_compile(&cl->set, paths, n, &s->policy, NULL, err) < 0 || derive_tenant_new("", NULL, 0, &s->derive, err) < 0 ?
		-1 :
		start_role(s, err);
	if (r < 0) {
		local_scan_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

void local_scan_close(struct local_scan *s)
{
	if (!s)
		return;
	ctl_close(s->ctl);
	end_role(s);
	policy_free(s->policy);
	derive_tenant_free(s->derive);
	free(s);
}

int local_scan_file(struct local_scan *s, const char *path, int fd, bool facts, cJSON *out, struct err *err)
{
	return s->ctl ? scan_by_service(s, path, fd, facts, out, err) : scan_by_role(s, path, fd, facts, out, err);
}
