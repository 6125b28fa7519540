/* serve and once: this process becomes the supervisor. */
#include "core/command.h"

#include "base/i18n.h"
#include "base/log.h"
#include "core/supervisor.h"

static int run(struct command_line *cl, enum core_mode mode)
{
	struct supervisor_options o = {.config = cl->config, .mode = mode, .scan = true, .web = mode == MODE_SERVE,
		.ready_fd = -1};

	if (cl->argc)
		return command_usage(_("this command takes no arguments"));
	i18n_open("en"); /* from here on it writes logs only */
	log_open("supervisor");
	return supervisor_run(&o);
}

int command_serve(struct command_line *cl)
{
	return run(cl, MODE_SERVE);
}

int command_once(struct command_line *cl)
{
	return run(cl, MODE_ONCE);
}
