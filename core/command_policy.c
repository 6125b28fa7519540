/* policy check|test|explain|facts: rule files are looked at, tried and explained without touching any cloud. */
#include "core/command.h"

#include "base/i18n.h"
#include "core/local_scan.h"
#include "core/rule_files.h"
#include "policy/table.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_PROBLEMS 500
#define ARENA_BYTES (64u << 20)

/* ---- problems ---- */

static void show_problems(const struct command_line *cl, const struct policy_problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		const struct policy_problem *p = &problems->of[i];
		if (cl->json) {
			_cleanup_json_ cJSON *o = cJSON_CreateObject();
			cJSON_AddStringToObject(o, "file", p->file);
			cJSON_AddNumberToObject(o, "line", p->line);
			cJSON_AddNumberToObject(o, "column", p->column);
			cJSON_AddStringToObject(o, "severity", p->warning ? "warning" : "error");
			cJSON_AddStringToObject(o, "message", p->text);
			command_print(o);
			continue;
		}
		fputs(command_text(p->file), stderr);
		if (p->line)
			fprintf(stderr, ":%d:%d", p->line, p->column);
		fprintf(stderr, ": %s: %s\n", p->warning ? _("warning") : _("error"), command_text(p->text));
	}
}

static int count_errors(const struct policy_problems *problems)
{
	int n = 0;

	for (size_t i = 0; i < problems->n; i++)
		n += !problems->of[i].warning;
	return n;
}

/* ---- check, test ---- */

static int compile_named(struct command_line *cl, struct policy_problems *problems, struct policy **ret)
{
	struct err err = {0};

	/* argv[0] is the subcommand */
	if (rule_files_compile(&cl->set, (const char *const *)(void *)(cl->argv + 1), (size_t)cl->argc - 1, ret, problems, &err) == 0)
		return 0;
	show_problems(cl, problems);
	return problems->n ? 2 : command_error(&err);
}

static int check(struct command_line *cl)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(ARENA_BYTES);
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct policy_problems problems = {.arena = a, .max = MAX_PROBLEMS};
	struct policy_support support[RULE_FILES_SERVICES];

	int code = a ? compile_named(cl, &problems, &p) : 1;
	if (code)
		return code;
	policy_check_support(p, support, rule_files_support(support, ARRAY_SIZE(support)), &problems);
	show_problems(cl, &problems);
	int errors = count_errors(&problems);
	if (!cl->json)
		fprintf(stderr, _("%zu rules, %d errors, %d warnings\n"), policy_n_rules(p), errors, (int)problems.n - errors);
	return errors ? 2 : 0;
}

static int test(struct command_line *cl)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(ARENA_BYTES);
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct policy_problems problems = {.arena = a, .max = MAX_PROBLEMS};
	struct err err = {0};
	int cases = 0;

	int code = a ? compile_named(cl, &problems, &p) : 1;
	if (code)
		return code;
	problems.n = 0; /* warnings are check's */
	int r = policy_test(p, &cases, &problems, &err);
	show_problems(cl, &problems);
	if (r < 0)
		return command_error(&err) ? 1 : 0;
	if (!cl->json)
		fprintf(stderr, _("%zu rules, %d cases: all as they should be\n"), policy_n_rules(p), cases);
	return 0;
}

/* ---- explain ---- */

static void show_conditions(const cJSON *node, int depth)
{
	const char *result = json_str(node, "result");
	const cJSON *c;

	printf("%*s", 4 + depth * 2, "");
	if (result)
		printf("[%s] %s", strcmp(result, "true") == 0 ? _("yes") : strcmp(result, "false") == 0 ? _("no") : _("unknown"),
			command_text(json_str_or(node, "condition", "")));
	else
		printf("[%lld/%lld] %s", (long long)json_int64_or(node, "true", 0), (long long)json_int64_or(node, "rows", 0),
			command_text(json_str_or(node, "condition", "")));
	if (json_str(node, "value"))
		printf(_("  (it is: %s)"), command_text(json_str(node, "value")));
	putchar('\n');
	cJSON_ArrayForEach(c, json_array(node, "conditions"))
		show_conditions(c, depth + 1);
}

static void explain_rule(const struct command_line *cl, const struct policy_rule *rule, const struct policy_match *m, const cJSON *tree,
	cJSON *list)
{
	const char *result = json_str_or(tree, "result", "unknown");

	if (cl->json) {
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "id", rule->id);
		cJSON_AddStringToObject(o, "result", result);
		cJSON_AddStringToObject(o, "severity", rule->severity);
		cJSON_AddStringToObject(o, "action", policy_action_name(rule->action));
		if (m)
			cJSON_AddStringToObject(o, "why", m->why);
		cJSON_AddItemToObject(o, "tree", cJSON_Duplicate(tree, true));
		cJSON_AddItemToArray(list, o);
		return;
	}
	printf("%s: %s  %s (%s)\n", rule->id,
		strcmp(result, "true") == 0 ? _("matches") : strcmp(result, "false") == 0 ? _("does not match") : _("cannot be decided"),
		strcmp(cl->set.language, "ja") == 0 ? rule->title_ja : rule->title_en, rule->severity);
	if (m)
		printf("    %s\n", command_text(m->why));
	show_conditions(tree, 0);
}

static int explain_all(const struct command_line *cl, const struct policy *p, const struct facts *f, const char *facts_text, const char *path)
{
	_cleanup_free_ struct policy_decision *d = calloc(1, sizeof(*d));
	_cleanup_json_ cJSON *out = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(out, "rules"), *facts = NULL;

	if (!d)
		return 1;
	policy_decide(p, f, NULL, d);
	if (!cl->json)
		printf(_("facts: %s\n"), command_text(facts_text));
	/* Those that matched first, then those that lack facts, then the others. */
	for (int turn = 0; turn < 3; turn++) {
		static const char *const wanted[] = {"true", "unknown", "false"};
		for (size_t i = 0; i < policy_n_rules(p); i++) {
			_cleanup_buf_ struct buf text = BUF_INIT(1u << 20);
			_cleanup_json_ cJSON *tree = NULL;
			const struct policy_match *m = NULL;
			if (policy_explain(p, f, i, &text) < 0 || json_parse(buf_str(&text), text.len, &tree, NULL) < 0 ||
				strcmp(json_str_or(tree, "result", ""), wanted[turn]) != 0)
				continue;
			for (int k = 0; k < d->n_matches; k++)
				if (d->matches[k].rule == policy_rule_at(p, i))
					m = &d->matches[k];
			explain_rule(cl, policy_rule_at(p, i), m, tree, list);
		}
	}
	char needs[FACTS_GROUPS_TEXT];
	facts_groups_text(d->needs, needs, sizeof(needs));
	if (cl->json) {
		cJSON_AddStringToObject(out, "path", path);
		cJSON_AddStringToObject(out, "action", policy_action_name(d->action));
		cJSON_AddStringToObject(out, "would", policy_action_name(d->would));
		cJSON_AddStringToObject(out, "needs", needs);
		if (json_parse(facts_text, strlen(facts_text), &facts, NULL) == 0)
			cJSON_AddItemToObject(out, "facts", facts);
		command_print(out);
		return 0;
	}
	printf(_("action: %s (all rules protecting: %s)\n"), policy_action_name(d->action), policy_action_name(d->would));
	if (*needs)
		printf(_("facts that a local file does not have: %s\n"), needs);
	return 0;
}

static int explain(struct command_line *cl)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(ARENA_BYTES);
	_cleanup_(policy_freep) struct policy *p = NULL;
	_cleanup_(local_scan_closep) struct local_scan *scan = NULL;
	_cleanup_free_ struct facts *facts = calloc(1, sizeof(*facts));
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	_cleanup_buf_ struct buf text = BUF_INIT(4u << 20);
	struct policy_problems problems = {.arena = a, .max = MAX_PROBLEMS};
	struct err err = {0};
	struct stat st;

	if (cl->argc < 2 || !a || !facts)
		return command_usage(_("policy explain FILE [RULE-FILE…]: which file?"));
	const char *path = cl->argv[1];
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(&err, "%s", path), command_error(&err);
	if (!S_ISREG(st.st_mode))
		return command_usage(_("%s is no file"), command_text(path));
	if (rule_files_compile(&cl->set, (const char *const *)(void *)(cl->argv + 2), (size_t)cl->argc - 2, &p, &problems, &err) < 0) {
		show_problems(cl, &problems);
		return problems.n ? 2 : command_error(&err);
	}
	if (local_scan_open(cl, (const char *const *)(void *)(cl->argv + 2), (size_t)cl->argc - 2, &scan, &err) < 0 || local_scan_file(scan, path, fd, true, o, &err) < 0)
		return command_error(&err);
	if (json_print(json_object(o, "facts"), &text) < 0 || facts_read(buf_str(&text), text.len, a, facts, &err) < 0)
		return command_error(&err);
	return explain_all(cl, p, facts, buf_str(&text), path);
}

/* ---- facts ---- */

static void fact_line(const struct command_line *cl, const struct fact_table *t, const struct fact *f)
{
	bool ja = strcmp(cl->set.language, "ja") == 0;

	if (!cl->json) {
		char name[96];
		snprintf(name, sizeof(name), "%s%s%s", t == &facts_item ? "" : t->name, t == &facts_item ? "" : ": ", f->name);
		printf("%-32s %-8s %s (%s)\n", name, f->group ? facts_group_name(f->group) : "-", ja ? f->ja : f->en, facts_type_name(f->type));
		return;
	}
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "of", t->name);
	cJSON_AddStringToObject(o, "name", f->name);
	cJSON_AddStringToObject(o, "type", facts_type_word(f->type));
	cJSON_AddStringToObject(o, "group", facts_group_name(f->group));
	cJSON_AddStringToObject(o, "en", f->en);
	cJSON_AddStringToObject(o, "ja", f->ja);
	cJSON *words = cJSON_AddArrayToObject(o, "words");
	for (const char *const *w = f->words; w && *w; w++)
		if (**w)
			cJSON_AddItemToArray(words, cJSON_CreateString(*w));
	command_print(o);
}

static int facts(struct command_line *cl)
{
	static const struct fact_table *const tables[] = {&facts_item, &facts_part, &facts_hit, &facts_link};

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (size_t i = 0; i < tables[t]->n; i++)
			fact_line(cl, tables[t], &tables[t]->of[i]);
	return 0;
}

int command_policy(struct command_line *cl)
{
	static const struct {
		const char *name;
		int (*run)(struct command_line *cl);
	} of[] = {{"check", check}, {"test", test}, {"explain", explain}, {"facts", facts}, {"replay", command_replay}, {"delete", command_may_delete}};

	for (size_t i = 0; cl->argc && i < ARRAY_SIZE(of); i++)
		if (strcmp(cl->argv[0], of[i].name) == 0)
			return of[i].run(cl);
	return command_usage("%s", _("policy check|test [FILE…], policy explain FILE [RULE-FILE…], policy facts, policy replay RULE-FILE --tenant ID, policy delete allow|refuse --tenant ID"));
}
