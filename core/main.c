/* The binary's entry: options, and which command or role runs. */
#include "core/command.h"
#include "core/supervisor.h"

#include "auth/auth.h"
#include "base/log.h"
#include "web/web.h"

#include <getopt.h>
#include <locale.h>
#include <string.h>

struct command {
	const char *name, *arguments, *help;
	int (*run)(struct command_line *cl);
};

static const struct command commands[] = {
	{"serve", "", "the service: all roles, until stopped", command_serve},
	{"once", "", "the same until nothing is left to do", command_once},
	{"connect", "--from FILE [--dry-run]", "adds or updates connections after proving each grant", command_connect},
	{"connections", "", "each connection's state, permissions, last success, backlog, end", command_connections},
	{"disconnect", "ID", "revokes a grant where the provider can, and forgets its secrets", command_disconnect},
	{"status", "", "one screen: what is protected, how fresh it is, what is wrong", command_status},
	{"findings", "[filters]", "what was found, and what was done about it", command_findings},
	{"quarantine", "list|show|restore|delete|download [ID]", "what is held", command_quarantine},
	{"scan", "PATH…", "local files and mails through the same engine", command_scan},
	{"events", "[--follow]", "the event stream: OCSF 1.5.0, one JSON object a line", command_events},
	{"doctor", "", "looks for what is wrong with this installation, and says the fix", command_doctor},
};

enum option_id { OPT_ROLE = 256, OPT_MODE, OPT_VERSION, OPT_FROM, OPT_DRY_RUN, OPT_FOLLOW, OPT_TENANT, OPT_CONNECTION,
	OPT_PROVIDER, OPT_SERVICE, OPT_STATE, OPT_VERDICT, OPT_SINCE, OPT_UNTIL, OPT_OUTPUT };

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'}, {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPT_VERSION}, {"from", required_argument, NULL, OPT_FROM},
	{"dry-run", no_argument, NULL, OPT_DRY_RUN}, {"follow", no_argument, NULL, OPT_FOLLOW},
	{"tenant", required_argument, NULL, OPT_TENANT}, {"connection", required_argument, NULL, OPT_CONNECTION},
	{"provider", required_argument, NULL, OPT_PROVIDER}, {"service", required_argument, NULL, OPT_SERVICE},
	{"state", required_argument, NULL, OPT_STATE}, {"verdict", required_argument, NULL, OPT_VERDICT},
	{"since", required_argument, NULL, OPT_SINCE}, {"until", required_argument, NULL, OPT_UNTIL},
	{"output", required_argument, NULL, OPT_OUTPUT}, {"role", required_argument, NULL, OPT_ROLE},
	{"mode", required_argument, NULL, OPT_MODE}, {NULL, 0, NULL, 0},
};

static void help(void)
{
	puts("sekisho COMMAND [options]: guards a company's cloud apps.\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-11s %-38s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
	puts("\nOptions:\n"
	     "  -c, --config FILE   default " SETTINGS_DEFAULT_FILE "\n"
	     "  -j, --json          data as JSON, one object a line\n"
	     "  --tenant ID, --connection ID, --provider NAME, --service NAME, --state STATE, --verdict VERDICT,\n"
	     "  --since TIME, --until TIME   filters of findings and quarantine list\n"
	     "  --output FILE       of quarantine download\n"
	     "  -h, --help; --version\n\n"
	     "Exit codes: 0 done, 1 error, 2 usage, 5 worth retrying, 6 not worth retrying, 7 fatal, 9 nothing to do;\n"
	     "scan: 0 clean, 1 error, 3 threat, 4 unknown.");
}

int role_run(const char *role, const char *config, enum core_mode mode)
{
	if (strcmp(role, "core") == 0)
		return core_role_main(config, mode, 3);
	if (strcmp(role, "auth") == 0)
		return auth_role_main(3);
	if (strcmp(role, "scan") == 0)
		return scan_role_main(3);
	if (strcmp(role, "web") == 0)
		return web_role_main(3);
	return 2;
}

static int parse(int argc, char **argv, struct command_line *cl, const char **role, enum core_mode *mode)
{
	int o;

	while ((o = getopt_long(argc, argv, "c:jh", options, NULL)) != -1) {
		switch (o) {
		case 'c': cl->config = optarg; break;
		case 'j': cl->json = true; break;
		case 'h': help(); return 0;
		case OPT_VERSION: puts("sekisho 0.1.0"); return 0;
		case OPT_FROM: cl->from = optarg; break;
		case OPT_DRY_RUN: cl->dry_run = true; break;
		case OPT_FOLLOW: cl->follow = true; break;
		case OPT_TENANT: cl->tenant = optarg; break;
		case OPT_CONNECTION: cl->connection = optarg; break;
		case OPT_PROVIDER: cl->provider = optarg; break;
		case OPT_SERVICE: cl->service = optarg; break;
		case OPT_STATE: cl->state = optarg; break;
		case OPT_VERDICT: cl->verdict = optarg; break;
		case OPT_SINCE: cl->since = optarg; break;
		case OPT_UNTIL: cl->until = optarg; break;
		case OPT_OUTPUT: cl->output = optarg; break;
		case OPT_ROLE: *role = optarg; break;
		case OPT_MODE:
			*mode = strcmp(optarg, "serve") == 0 ? MODE_SERVE : strcmp(optarg, "once") == 0 ? MODE_ONCE : MODE_COMMAND;
			break;
		default: return 2;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct command_line cl = {0};
	enum core_mode mode = MODE_COMMAND;
	const char *role = NULL;
	struct err err;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	log_open("sekisho");
	int r = parse(argc, argv, &cl, &role, &mode);
	if (r >= 0)
		return r;
	if (role)
		return role_run(role, cl.config, mode);
	if (optind >= argc)
		return command_usage("which command?");
	const char *name = argv[optind];
	cl.argc = argc - optind - 1;
	cl.argv = argv + optind + 1;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (settings_load(cl.config, &cl.set, &err) < 0)
			return command_error(&err);
		return commands[i].run(&cl);
	}
	return command_usage("there is no command '%s'", name);
}
