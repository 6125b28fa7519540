/* Asynchronous jobs: their work is done at once, their check says so a moment later. */
#include "fakecloud/dropbox/dropbox.h"

#include <stdlib.h>
#include <string.h>

cJSON *dbx_job_new(struct dbx_call *c, cJSON *complete)
{
	struct dbx_job *job = calloc(1, sizeof(*job));

	if (!job)
		abort();
	dbx_new_id(job->id, sizeof(job->id), "dbjid:AA", 26, c->team);
	/* "files/move_batch_v2" is asked about at "files/move_batch/check_v2", removing members at a name of
	 * its own. */
	size_t len = strlen(c->route->name);
	bool v2 = len > 3 && !strcmp(c->route->name + len - 3, "_v2");
	char route[128];
	snprintf(route, sizeof(route), "%.*s/check%s", (int)(v2 ? len - 3 : len), c->route->name,
		v2 ? "_v2" : "");
	job->route = fc_intern(strncmp(route, "sharing/", 8) ? route : "sharing/");
	job->result = complete;
	map_put(&c->team->jobs, job->id, job);
	cJSON *launch = dbx_tag("async_job_id");
	cJSON_AddStringToObject(launch, "async_job_id", job->id);
	return launch;
}

void dbx_job_check(struct dbx_call *c)
{
	struct dbx_job *job = map_get(&c->team->jobs, json_str(c->arg, "async_job_id"));

	bool sharing = job && !strcmp(job->route, "sharing/") && !strncmp(c->route->name, "sharing/", 8);
	if (!job || (!sharing && strcmp(job->route, c->route->name) != 0)) {
		dbx_error(c, "invalid_async_job_id");
		return;
	}
	/* The first look finds it at work. */
	if (!job->ready_at) {
		job->ready_at = fc_now();
		dbx_ok(c, dbx_tag("in_progress"));
		return;
	}
	dbx_ok(c, cJSON_Duplicate(job->result, true));
}
