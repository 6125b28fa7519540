/* fakecloud: a local stand-in for the four providers. Reads the options, binds the ports, fills the providers
 * from the seed folder, writes the connections file, says that it is ready, and then only waits: the server's
 * threads do the rest until SIGTERM or SIGINT ends the process at once. */
#include "fakecloud/core.h"

#include "base/ioutil.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char usage[] =
	"Usage: fakecloud --seed DIR [OPTION]…\n"
	"Stands in for Microsoft 365, Google Workspace, Box and Dropbox on loopback.\n"
	"\n"
	"      --seed DIR          what the clouds hold: DIR/TENANT/PROVIDER/…\n"
	"      --ports-file FILE   also write the line with the addresses to FILE\n"
	"      --connections FILE  write a connections file with working credentials\n"
	"      --console FILE      write the apps and sign_in settings of a console, with\n"
	"                          an operator's own applications and their credentials\n"
	"      --redirect URL      those applications may also send browsers back to URL\n"
	"      --auto-consent      authorization pages agree by themselves\n"
	"      --latency MS        answer every request this much later\n"
	"      --rate N            allow N requests a second, tenant and provider, and the\n"
	"                          providers' published costs; beyond: 429\n"
	"  -h, --help              show this\n"
	"\n"
	"Prints one line of JSON with the five addresses when ready. See fakecloud/README.md.\n";

static int number_option(const char *name, const char *text, double min, double max, double *ret)
{
	char *end;

	errno = 0;
	*ret = strtod(text, &end);
	if (errno || end == text || *end || !(*ret >= min && *ret <= max)) {
		fprintf(stderr, "fakecloud: --%s: %g to %g expected\n", name, min, max);
		return -1;
	}
	return 0;
}

/* 0 go on, 1 help was shown, -1 wrong usage. */
static int parse_options(int argc, char **argv, struct fc_options *ret)
{
	static const struct option longs[] = {{"seed", required_argument, NULL, 's'},
		{"ports-file", required_argument, NULL, 'p'}, {"connections", required_argument, NULL, 'c'},
		{"console", required_argument, NULL, 'o'}, {"redirect", required_argument, NULL, 'u'},
		{"auto-consent", no_argument, NULL, 'a'},
		{"latency", required_argument, NULL, 'l'}, {"rate", required_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'}, {0}};
	double number;
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			ret->seed = optarg;
			break;
		case 'p':
			ret->ports_file = optarg;
			break;
		case 'c':
			ret->connections = optarg;
			break;
		case 'o':
			ret->console = optarg;
			break;
		case 'u':
			if (ret->n_redirects == (int)ARRAY_SIZE(ret->redirects)) {
				fprintf(stderr, "fakecloud: --redirect: too many\n");
				return -1;
			}
			ret->redirects[ret->n_redirects++] = optarg;
			break;
		case 'a':
			ret->auto_consent = true;
			break;
		case 'l':
			if (number_option("latency", optarg, 0, 600000, &number) < 0)
				return -1;
			ret->latency_ms = (int64_t)number;
			break;
		case 'r':
			if (number_option("rate", optarg, 0, 1e6, &ret->rate) < 0)
				return -1;
			break;
		case 'h':
			fputs(usage, stdout);
			return 1;
		default:
			return -1;
		}
	}
	if (optind < argc || !ret->seed) {
		fputs(usage, stderr);
		return -1;
	}
	return 0;
}

/* "throttle" in the seed's own notes turns the published costs on. */
static void read_notes(const char *dir)
{
	_cleanup_buf_ struct buf path = BUF_INIT(8192), text = BUF_INIT(16 << 20);
	_cleanup_json_ cJSON *doc = NULL;

	if (buf_addf(&path, "%s/.sekisho-seed.json", dir) == 0 && io_read_file(path.data, &text, NULL) == 0 &&
		json_parse(buf_str(&text), text.len, &doc, NULL) == 0 && json_bool(doc, "throttle"))
		throttle_enable();
}

static int seed_tenant(const char *seed, const char *tenant, struct err *err)
{
	for (const struct fc_provider *const *p = fc_providers(); *p; p++) {
		_cleanup_buf_ struct buf dir = BUF_INIT(8192);
		if (buf_addf(&dir, "%s/%s/%s", seed, tenant, (*p)->name) < 0 || !fc_is_dir(dir.data))
			continue;
		read_notes(dir.data);
		if ((*p)->seed(fc_intern(tenant), dir.data) < 0)
			return err_set(err, ERR_LOCAL, "seed", "%s cannot be read as a seed", dir.data);
	}
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int seed_all(const char *given, struct err *err)
{
	/* Contents are opened later on, so the folder has to be found from anywhere. */
	_cleanup_free_ char *seed = realpath(given, NULL);
	struct dirent **names = NULL;
	int r = 0, n = seed ? scandir(seed, &names, NULL, by_name) : -1;

	if (n < 0)
		return err_errno(err, "seed folder %s", given);
	fc_lock();
	for (int i = 0; i < n; i++) {
		_cleanup_free_ struct dirent *e = names[i];
		_cleanup_buf_ struct buf dir = BUF_INIT(8192);
		if (r == 0 && e->d_name[0] != '.' && buf_addf(&dir, "%s/%s", seed, e->d_name) == 0 &&
			fc_is_dir(dir.data))
			r = seed_tenant(seed, e->d_name, err);
	}
	fc_unlock();
	free(names);
	return r;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return !slash ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* The part of sekisho.yaml that an operator has who registered applications at all four. */
static int write_console(const char *path, struct err *err)
{
	_cleanup_buf_ struct buf yaml = BUF_INIT(1 << 20), sign_in = BUF_INIT(1 << 20);
	_cleanup_free_ char *dir = folder_of(path);

	if (!dir || io_mkdirs(dir, 0700, err) < 0)
		return -1;
	for (const struct fc_provider *const *p = fc_providers(); *p; p++) {
		if ((*p)->console && (*p)->console(&yaml, &sign_in, dir) < 0)
			return err_set(err, ERR_LOCAL, "console", "the applications of %s could not be written to %s",
				(*p)->name, dir);
	}
	_cleanup_buf_ struct buf all = BUF_INIT(2 << 20);
	buf_addf(&all, "apps:%s\n%ssign_in:%s\n%s", yaml.len ? "" : " {}", buf_str(&yaml), sign_in.len ? "" : " []",
		buf_str(&sign_in));
	return io_write_file(path, buf_str(&all), all.len, 0600, err);
}

static int write_connections(const char *path, struct err *err)
{
	_cleanup_buf_ struct buf yaml = BUF_INIT(64 << 20);
	_cleanup_free_ char *dir = folder_of(path);

	if (!dir || io_mkdirs(dir, 0700, err) < 0)
		return -1;
	buf_adds(&yaml, "connections:\n");
	for (const struct fc_provider *const *p = fc_providers(); *p; p++) {
		if ((*p)->connections && (*p)->connections(&yaml, dir) < 0)
			return err_set(err, ERR_LOCAL, "connections",
				"the credentials of %s could not be written to %s", (*p)->name, dir);
	}
	return io_write_file(path, yaml.data, yaml.len, 0600, err);
}

static int run(const struct fc_options *o, struct err *err)
{
	_cleanup_buf_ struct buf line = BUF_INIT(4096);

	if (server_bind(err) < 0 || seed_all(o->seed, err) < 0)
		return -1;
	if (o->connections && write_connections(o->connections, err) < 0)
		return -1;
	if (o->console && write_console(o->console, err) < 0)
		return -1;
	if (o->rate > 0)
		throttle_enable();
	if (server_start(o, err) < 0)
		return -1;
	for (const char *const *name = fc_provider_names(); *name; name++)
		buf_addf(&line, "%s\"%s\": \"%s\"", line.len ? ", " : "{", *name, fc_url(*name));
	buf_addf(&line, ", \"control\": \"%s\"}\n", fc_url("control"));
	if (o->ports_file && io_write_file(o->ports_file, line.data, line.len, 0644, err) < 0)
		return -1;
	fputs(line.data, stdout);
	fflush(stdout);
	return 0;
}

static void end_at_once(int signal)
{
	_exit(0);
}

static struct fc_options options; /* unchanged after start */

bool fc_auto_consent(void)
{
	return options.auto_consent;
}

bool fc_redirect_listed(const char *uri)
{
	for (int i = 0; i < options.n_redirects; i++) {
		if (!strcmp(options.redirects[i], uri))
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	struct err err = {0};
	struct rlimit files;
	struct sigaction end = {.sa_handler = end_at_once}, ignore = {.sa_handler = SIG_IGN};

	int r = parse_options(argc, argv, &options);
	if (r)
		return r < 0 ? 2 : 0;
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (run(&options, &err) < 0) {
		fprintf(stderr, "fakecloud: %s\n", err.message);
		return 1;
	}
	for (;;)
		pause();
}
