/* The binary's entry: options, and which command or role runs. */
#include "core/command.h"
#include "core/supervisor.h"

#include "auth/auth.h"
#include "base/i18n.h"
#include "base/log.h"
#include "web/web.h"

#include <getopt.h>
#include <string.h>

struct command {
	const char *name, *arguments, *help;
	int (*run)(struct command_line *cl);
};

static const struct command commands[] = {
	{"serve", "", N_("the service: all roles, until stopped"), command_serve},
	{"once", "", N_("the same until nothing is left to do"), command_once},
	{"connect", "PROVIDER | --from FILE [--dry-run]", N_("adds or updates connections after proving each grant"),
		command_connect},
	{"connections", "", N_("each connection's state, permissions, last success, backlog, end"), command_connections},
	{"disconnect", "ID", N_("revokes a grant where the provider can, and forgets its secrets"), command_disconnect},
	{"status", "", N_("one screen: what is protected, how fresh it is, what is wrong"), command_status},
	{"findings", "[filters]", N_("what was found, and what was done about it"), command_findings},
	{"quarantine", "list|show|restore|delete|download [ID]", N_("what is held"), command_quarantine},
	{"scan", "PATH…", N_("local files and mails through the same engine"), command_scan},
	{"policy", "check|test|explain|facts|replay [FILE…]", N_("rule files: are they right, what they say of a file and why, what they would have done"), command_policy},
	{"lists", "list|add|remove", N_("approved and blocked senders, domains, hashes and links of a tenant"), command_lists},
	{"events", "[--follow]", N_("the event stream: OCSF 1.5.0, one JSON object a line"), command_events},
	{"accounts", "list|add|reset|disable|enable [LOGIN]", N_("who signs in to the console, and links to a new password"),
		command_accounts},
	{"setup-link", "", N_("a link to the console's first account"), command_setup_link},
	{"tenants", "list|add|update [ID]", N_("the companies, and when their trials end"), command_tenants},
	{"invite", "TENANT", N_("a link that leads a company's administrator through connecting"), command_invite},
	{"audit", "[--verify [HEAD]]", N_("who did what, when and from where; checks that nothing of it was changed"), command_audit},
	{"revoke-all", "--yes", N_("ends every connection of this node at once"), command_revoke_all},
	{"vault", "rotate|backup|restore [FILE]", N_("new keys, and copies of the secrets under a passphrase"), command_vault},
	{"doctor", "", N_("looks for what is wrong with this installation, and says the fix"), command_doctor},
};

enum option_id { OPT_ROLE = 256, OPT_MODE, OPT_VERSION, OPT_FROM, OPT_DRY_RUN, OPT_FOLLOW, OPT_TENANT, OPT_CONNECTION,
	OPT_PROVIDER, OPT_SERVICE, OPT_STATE, OPT_VERDICT, OPT_SINCE, OPT_UNTIL, OPT_OUTPUT, OPT_NAME, OPT_VERIFY, OPT_YES, OPT_KEK, OPT_PASSPHRASE, OPT_RULE, OPT_CATEGORY };

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'}, {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPT_VERSION}, {"from", required_argument, NULL, OPT_FROM},
	{"dry-run", no_argument, NULL, OPT_DRY_RUN}, {"follow", no_argument, NULL, OPT_FOLLOW},
	{"tenant", required_argument, NULL, OPT_TENANT}, {"connection", required_argument, NULL, OPT_CONNECTION},
	{"provider", required_argument, NULL, OPT_PROVIDER}, {"service", required_argument, NULL, OPT_SERVICE},
	{"state", required_argument, NULL, OPT_STATE}, {"verdict", required_argument, NULL, OPT_VERDICT},
	{"since", required_argument, NULL, OPT_SINCE}, {"until", required_argument, NULL, OPT_UNTIL},
	{"output", required_argument, NULL, OPT_OUTPUT}, {"role", required_argument, NULL, OPT_ROLE},
	{"name", required_argument, NULL, OPT_NAME}, {"verify", no_argument, NULL, OPT_VERIFY}, {"yes", no_argument, NULL, OPT_YES},
	{"kek", no_argument, NULL, OPT_KEK}, {"passphrase-file", required_argument, NULL, OPT_PASSPHRASE},
	{"mode", required_argument, NULL, OPT_MODE}, {"rule", required_argument, NULL, OPT_RULE},
	{"category", required_argument, NULL, OPT_CATEGORY}, {NULL, 0, NULL, 0},
};

static void help(void)
{
	puts(_("sekisho COMMAND [options]: guards a company's cloud apps.\n"));
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		/* A byte a column would do but for the ellipsis: it is one column of three bytes. */
		int pad = strstr(commands[i].arguments, "…") ? 40 : 38;
		printf("  %-11s %-*s %s\n", commands[i].name, pad, commands[i].arguments, _(commands[i].help));
	}
	printf(_("\nOptions:\n"
		 "  -c, --config FILE   default %s\n"
		 "  -j, --json          data as JSON, one object a line\n"
		 "  --tenant ID, --connection ID, --provider NAME, --service NAME, --state STATE, --verdict VERDICT,\n"
		 "  --rule ID, --category NAME, --since TIME, --until TIME   filters of findings; quarantine list takes the first two and --state\n"
		 "  --output FILE       of quarantine download\n"
		 "  --role ROLE, --name NAME, --tenant ID,…   of accounts add; --name also of tenants and invite\n"
		 "  --until TIME        of tenants: when a trial ends; or never\n"
		 "  --kek, --from FILE, --passphrase-file FILE   of vault\n"
		 "  -h, --help; --version\n\n"
		 "Exit codes: 0 done, 1 error, 2 usage, 5 worth retrying, 6 not worth retrying, 7 fatal, 9 nothing to do;\n"
		 "scan: 0 clean, 1 error, 3 threat or match, 4 unknown.\n"),
		SETTINGS_DEFAULT_FILE);
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

struct request {
	const char *role; /* NULL: a person's command */
	enum core_mode mode;
	bool help, version;
};

static int parse(int argc, char **argv, struct command_line *cl, struct request *r)
{
	int o;

	while ((o = getopt_long(argc, argv, "c:jh", options, NULL)) != -1) {
		switch (o) {
		case 'c': cl->config = optarg; break;
		case 'j': cl->json = true; break;
		case 'h': r->help = true; break;
		case OPT_VERSION: r->version = true; break;
		case OPT_RULE: cl->rule = optarg; break;
		case OPT_CATEGORY: cl->category = optarg; break;
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
		case OPT_NAME: cl->name = optarg; break;
		case OPT_VERIFY: cl->verify = true; break;
		case OPT_YES: cl->yes = true; break;
		case OPT_KEK: cl->kek = true; break;
		case OPT_PASSPHRASE: cl->password_file = optarg; break;
		case OPT_ROLE: r->role = optarg; break;
		case OPT_MODE:
			r->mode = strcmp(optarg, "serve") == 0 ? MODE_SERVE : strcmp(optarg, "once") == 0 ? MODE_ONCE : MODE_COMMAND;
			break;
		default: return -1;
		}
	}
	return 0;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	struct command_line cl = {0};
	struct request req = {.mode = MODE_COMMAND};
	struct err err;

	i18n_open(i18n_environment());
	log_open("sekisho");
	if (parse(argc, argv, &cl, &req) < 0)
		return 2; /* getopt has said why */
	/* Without a command it is the role of a process, else the one of an account. */
	if (req.role && optind >= argc) {
		i18n_open("en"); /* roles write logs */
		return role_run(req.role, cl.config, req.mode);
	}
	cl.role = req.role;
	if (req.version) {
		puts("sekisho 0.1.0");
		return 0;
	}
	/* A configuration file decides on the language, by what it says or by its default. */
	int r = settings_load(cl.config, &cl.set, &err);
	if (r == 0 && (cl.config || access(SETTINGS_DEFAULT_FILE, F_OK) == 0))
		i18n_open(cl.set.language);
	else if (r == 0)
		snprintf(cl.set.language, sizeof(cl.set.language), "%s", i18n_environment());
	if (req.help) {
		help();
		return 0;
	}
	if (optind >= argc)
		return command_usage("%s", _("which command?"));
	const struct command *command = find(argv[optind]);
	if (!command)
		return command_usage(_("there is no command '%s'"), argv[optind]);
	if (r < 0)
		return command_error(&err);
	cl.argc = argc - optind - 1;
	cl.argv = argv + optind + 1;
	return command->run(&cl);
}
