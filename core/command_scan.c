/* scan PATH…: local files and mails through the same engine, sandbox and policy. */
#include "core/command.h"

#include "base/i18n.h"
#include "core/local_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER_DEPTH 64

struct scanner {
	struct command_line *cl;
	struct local_scan *scan;
	int threats, matches, unknowns, errors, files;
};

/* Does a rule say more than that it was not looked into? */
static bool is_match(const cJSON *o)
{
	const cJSON *rule;

	cJSON_ArrayForEach(rule, json_array(o, "rules"))
	{
		const char *category = json_str_or(rule, "category", "");
		if (strcmp(category, "unknown") != 0 && strcmp(category, "encrypted") != 0)
			return true;
	}
	return false;
}

static void show(struct scanner *s, const char *path, cJSON *o)
{
	const cJSON *v = json_object(o, "verdict");
	const char *status = json_str_or(v, "status", "unknown");

	s->files++;
	s->threats += strcmp(status, "threat") == 0;
	s->unknowns += strcmp(status, "unknown") == 0;
	s->matches += is_match(o);
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
	const cJSON *rule;
	cJSON_ArrayForEach(rule, json_array(o, "rules"))
		printf("  %s (%s): %s\n", json_str_or(rule, "id", ""), json_str_or(rule, "severity", ""), command_text(json_str_or(json_object(rule, "title"), s->cl->set.language, "")));
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
		r = local_scan_file(s->scan, path, fd, false, o, &err);
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
	struct err err = {0};

	if (!cl->argc)
		return command_usage(_("scan wants files or folders"));
	int r = local_scan_open(cl, NULL, 0, &s.scan, &err);
	for (int i = 0; r == 0 && i < cl->argc; i++)
		scan_path(&s, cl->argv[i], 0);
	local_scan_close(s.scan);
	if (r < 0)
		return command_error(&err);
	if (s.threats || s.matches)
		return 3;
	if (s.errors)
		return 1;
	return s.unknowns ? 4 : 0;
}
