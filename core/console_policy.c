/* Rules in the console: what there is and how it is set, checking and saving files, switching modes. Rules are compiled here,
 * before anything is kept: a file with an error never replaces a working one. On the console's threads. */
#include "core/console_impl.h"
#include "core/console_replay.h"
#include "store/policy.h"

#include <inttypes.h>

#define TEXT_MAX 49152
#define PROBLEMS_MAX 100
#define DAYS 30

static const char *const mode_names[] = {"off", "monitor", "protect"};

static bool parse_mode(const char *name, enum policy_mode *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(mode_names); i++) {
		if (strcmp(mode_names[i], name) == 0) {
			*ret = (enum policy_mode)i;
			return true;
		}
	}
	return false;
}

static const char *who(const struct console_request *r)
{
	return r->actor->local ? arena_printf(r->arena, "local:%u", r->actor->uid) : r->actor->session->login;
}

/* ---- problems ---- */

static int problems_begin(struct console_request *r, struct policy_problems *p, struct err *err)
{
	*p = (struct policy_problems){.arena = r->arena, .max = PROBLEMS_MAX};
	p->of = arena_alloc(r->arena, PROBLEMS_MAX * sizeof(*p->of));
	return p->of ? 0 : console_no_memory(err);
}

/* file: whose warnings are told ("" nobody's); those of other files are not the writer's to mend. */
static void problems_add(struct console_request *r, const struct policy_problems *p, const char *file)
{
	cJSON *list = cJSON_AddArrayToObject(r->result, "problems");

	for (size_t i = 0; i < p->n; i++) {
		const struct policy_problem *one = &p->of[i];
		if (one->warning && strcmp(one->file ? one->file : "", file) != 0)
			continue;
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "file", one->file ? one->file : "");
		cJSON_AddNumberToObject(o, "line", one->line);
		cJSON_AddNumberToObject(o, "column", one->column);
		cJSON_AddBoolToObject(o, "warning", one->warning);
		cJSON_AddStringToObject(o, "text", one->text);
		cJSON_AddItemToArray(list, o);
	}
}

/* ---- the text of a file ---- */

/* A file's name: a short word that ends as YAML files do. */
static const char *file_name(struct console_request *r, struct err *err)
{
	const char *name = console_word(r, "name", err), *dot = name ? strrchr(name, '.') : NULL;

	if (name && (!dot || (strcmp(dot, ".yaml") != 0 && strcmp(dot, ".yml") != 0))) {
		console_bad(err, "a rule file's name ends with .yaml");
		return NULL;
	}
	return name;
}

static const char *file_text(struct console_request *r, struct err *err)
{
	const char *text = json_str(r->args, "text");

	if (!text || strlen(text) > TEXT_MAX) {
		err_set(err, ERR_REMOTE, "bad_request", "'text' wants at most %d bytes", TEXT_MAX);
		return NULL;
	}
	return text;
}

static int read_version(struct console_request *r, const char *key, int64_t *ret, struct err *err)
{
	if (!json_int64(r->args, key, ret) || *ret < 0)
		return err_set(err, ERR_REMOTE, "bad_request", "'%s' wants a version's number", key);
	return 0;
}

/* ---- compiling: what a company's rules would be, with one file as it is written now ---- */

struct draft {
	const char *name, *text; /* NULL: the rules as they are; text NULL: without the file */
};

static int compile(struct console_request *r, const struct draft *d, struct policy **ret, struct policy_problems *problems, struct err *err)
{
	return rules_try(r->core, r->tenant, d ? d->name : NULL, d ? d->text : NULL, ret, problems, err);
}

/* Compiles what was sent; of an error the problems are in the result and -1 is returned, unless it is none of the rules. */
static int compile_sent(struct console_request *r, const struct draft *d, struct policy **ret, struct err *err)
{
	struct policy_problems problems;

	if (problems_begin(r, &problems, err) < 0)
		return -1;
	int code = compile(r, d, ret, &problems, err);
	if (code == 0 || strcmp(err->code, "bad_policy") == 0)
		problems_add(r, &problems, d->name);
	return code;
}

static int read_draft(struct console_request *r, struct draft *ret, struct err *err)
{
	if (!(ret->name = file_name(r, err)) || !(ret->text = file_text(r, err)))
		return -1;
	return 0;
}

/* How many rules of a set stand in a file. */
static int rules_of(const struct policy *p, const char *file)
{
	int n = 0;

	for (size_t i = 0; i < policy_n_rules(p); i++)
		n += strcmp(policy_rule_at(p, i)->file, file) == 0;
	return n;
}

int console_policy_check(struct console_request *r, struct err *err)
{
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct draft d;

	if (read_draft(r, &d, err) < 0)
		return -1;
	/* That it has errors is the answer, not a failure. */
	if (compile_sent(r, &d, &p, err) < 0 && strcmp(err->code, "bad_policy") != 0)
		return -1;
	cJSON_AddNumberToObject(r->result, "rules", p ? rules_of(p, d.name) : 0);
	return 0;
}

int console_policy_test(struct console_request *r, struct err *err)
{
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct policy_problems problems;
	struct draft d;
	int cases = 0;

	if (read_draft(r, &d, err) < 0 || problems_begin(r, &problems, err) < 0 || compile_sent(r, &d, &p, err) < 0)
		return -1;
	cJSON_DeleteItemFromObjectCaseSensitive(r->result, "problems");
	policy_test(p, &cases, &problems, err);
	problems_add(r, &problems, d.name);
	cJSON_AddNumberToObject(r->result, "rules", rules_of(p, d.name));
	cJSON_AddNumberToObject(r->result, "cases", cases);
	return 0;
}

/* ---- files ---- */

static int put(struct console_request *r, const struct draft *d, int64_t version, struct err *err)
{
	const struct store_policy_file f = {.tenant = r->tenant, .name = d->name, .text = d->text, .version = version, .changed_at = time_now_ms(),
		.changed_by = who(r)};
	int64_t now;

	if (!f.changed_by)
		return console_no_memory(err);
	if (store_policy_put(r->core->store, &f, &now, err) < 0)
		return -1;
	cJSON_AddNumberToObject(r->result, "version", (double)now);
	cJSON_AddNumberToObject(r->result, "new_version", (double)now);
	cJSON_AddNumberToObject(r->result, "changed_at", (double)f.changed_at);
	cJSON_AddStringToObject(r->result, "changed_by", f.changed_by);
	rules_changed(r->core);
	return 0;
}

int console_policy_put(struct console_request *r, struct err *err)
{
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct draft d;
	int64_t version;

	if (read_draft(r, &d, err) < 0 || read_version(r, "version", &version, err) < 0 || compile_sent(r, &d, &p, err) < 0)
		return -1;
	return put(r, &d, version, err);
}

int console_policy_delete(struct console_request *r, struct err *err)
{
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct draft d = {.name = file_name(r, err)};
	int64_t version;

	if (!d.name || read_version(r, "version", &version, err) < 0 || compile_sent(r, &d, &p, err) < 0)
		return -1;
	return put(r, &d, version, err);
}

int console_policy_restore(struct console_request *r, struct err *err)
{
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct draft d = {.name = file_name(r, err)};
	struct store_policy_file *list;
	int64_t from, version;
	size_t n;

	if (!d.name || read_version(r, "from", &from, err) < 0 || read_version(r, "version", &version, err) < 0 ||
		store_policy_versions(r->core->store, r->tenant, d.name, r->arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (list[i].version == from)
			d.text = list[i].text;
	/* A file that was deleted is a new one. */
	if (n && !list[0].text && list[0].version == version)
		version = 0;
	if (!d.text)
		return err_set(err, ERR_GONE, "not_found", "there is no version %" PRId64 " of %s with a text", from, d.name);
	/* What worked then may not fit the facts of today. */
	if (compile_sent(r, &d, &p, err) < 0)
		return -1;
	return put(r, &d, version, err);
}

int console_policy_settings(struct console_request *r, struct err *err)
{
	const cJSON *may = json_get(r->args, "may_delete");

	if (!cJSON_IsBool(may))
		return console_bad(err, "'may_delete' is true or false");
	if (store_option_put(r->core->store, r->tenant, "may_delete", cJSON_IsTrue(may) ? "true" : NULL, err) < 0)
		return -1;
	rules_changed(r->core);
	return 0;
}

/* ---- rules and their modes ---- */

static const struct store_policy_mode *mode_of(const struct store_policy_mode *list, size_t n, const char *rule)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].rule, rule) == 0)
			return &list[i];
	return NULL;
}

static void add_rule(cJSON *list, const struct policy_rule *rule, const struct store_policy_mode *m, const char *own)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", rule->id);
	cJSON_AddStringToObject(o, "title_ja", rule->title_ja);
	cJSON_AddStringToObject(o, "title_en", rule->title_en);
	cJSON_AddStringToObject(o, "description_ja", rule->description_ja);
	cJSON_AddStringToObject(o, "description_en", rule->description_en);
	cJSON_AddStringToObject(o, "severity", rule->severity);
	cJSON_AddStringToObject(o, "category", rule->category);
	cJSON_AddStringToObject(o, "action", policy_action_name(rule->action));
	cJSON_AddStringToObject(o, "mode", mode_names[m ? m->mode : (int)rule->mode]);
	cJSON_AddStringToObject(o, "file_mode", mode_names[rule->mode]);
	cJSON_AddStringToObject(o, "tag", rule->tag ? rule->tag : "");
	cJSON_AddStringToObject(o, "notify", rule->notify ? rule->notify : "");
	cJSON_AddStringToObject(o, "file", strrchr(rule->file, '/') ? strrchr(rule->file, '/') + 1 : rule->file);
	cJSON_AddNumberToObject(o, "line", rule->line);
	cJSON_AddStringToObject(o, "own", own);
	cJSON_AddNumberToObject(o, "cases", rule->n_cases);
	cJSON_AddNumberToObject(o, "changed_at", m ? (double)m->changed_at : 0);
	cJSON_AddStringToObject(o, "changed_by", m ? m->changed_by : "");
	cJSON_AddItemToArray(list, o);
}

/* Whose file it is: "" one that is shipped or on disk, "*" the operator's, or the company. */
static const char *owner_of(const struct console_request *r, const struct store_policy_file *files, size_t n, const char *name)
{
	const char *own = "";

	/* A company's file stands after everybody's of the same name. */
	for (size_t i = 0; i < n; i++)
		if (strcmp(files[i].name, name) == 0)
			own = *files[i].tenant ? files[i].tenant : console_may(r->actor->session, CONSOLE_READ, "") ? "*" : "";
	return own;
}

/* What is wrong with files that are left out: only a company's own can be, all others keep their last good text. */
static int add_problems(struct console_request *r, size_t n_files, struct err *err)
{
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct policy_problems problems;

	if (problems_begin(r, &problems, err) < 0)
		return -1;
	if (n_files && compile(r, NULL, &p, &problems, err) < 0 && strcmp(err->code, "bad_policy") != 0)
		return -1;
	problems_add(r, &problems, "");
	return 0;
}

int console_policy_rules(struct console_request *r, struct err *err)
{
	_cleanup_(rules_putp) struct rules *rules = NULL;
	struct store_policy_mode *modes;
	struct store_policy_file *files;
	size_t n_modes, n_files;

	if (store_policy_list(r->core->store, arena_printf(r->arena, "||%s|", r->tenant), r->arena, &files, &n_files, err) < 0 ||
		store_mode_list(r->core->store, r->tenant, r->arena, &modes, &n_modes, err) < 0 ||
		rules_get(r->core, r->tenant, &rules, err) < 0 || add_problems(r, n_files, err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "version", policy_version(rules->policy));
	cJSON_AddBoolToObject(r->result, "may_delete", rules->settings.may_delete);
	cJSON *list = cJSON_AddArrayToObject(r->result, "items");
	for (size_t i = 0; i < policy_n_rules(rules->policy); i++) {
		const struct policy_rule *rule = policy_rule_at(rules->policy, i);
		add_rule(list, rule, mode_of(modes, n_modes, rule->id), owner_of(r, files, n_files, rule->file));
	}
	return 0;
}

static const struct policy_rule *find_rule(const struct policy *p, const char *id)
{
	for (size_t i = 0; i < policy_n_rules(p); i++)
		if (strcmp(policy_rule_at(p, i)->id, id) == 0)
			return policy_rule_at(p, i);
	return NULL;
}

/* How a rule is set to another mode, as a replay of what was seen. */
static int replay_mode(struct console_request *r, const struct rules *rules, const char *rule, enum policy_mode mode, int days, struct err *err)
{
	struct policy_settings s = rules->settings;

	if (!(s.of = console_setting(&rules->settings, rule, mode, r->arena, &s.n)))
		return console_no_memory(err);
	const struct console_replay k = {.rules = rules, .policy = rules->policy, .settings = &s, .rule = rule, .days = days};
	return console_replay(r->core, r->tenant, &k, r->result, err);
}

int console_policy_replay(struct console_request *r, struct err *err)
{
	_cleanup_(rules_putp) struct rules *rules = NULL;
	_cleanup_(policy_freep) struct policy *p = NULL;
	const char *rule = json_str(r->args, "rule");
	int64_t days = DAYS;
	enum policy_mode mode;
	struct draft d;

	if (json_get(r->args, "days") && (!json_int64(r->args, "days", &days) || days < 1 || days > 366))
		return console_bad(err, "'days' is a number from 1 to 366");
	if (rules_get(r->core, r->tenant, &rules, err) < 0)
		return -1;
	if (rule) {
		if (!parse_mode(json_str_or(r->args, "mode", ""), &mode))
			return console_bad(err, "'mode' is off, monitor or protect");
		if (!find_rule(rules->policy, rule))
			return err_set(err, ERR_GONE, "not_found", "there is no rule %.100s", rule);
		return replay_mode(r, rules, rule, mode, (int)days, err);
	}
	if (read_draft(r, &d, err) < 0 || compile_sent(r, &d, &p, err) < 0)
		return -1;
	cJSON_DeleteItemFromObjectCaseSensitive(r->result, "problems");
	const struct console_replay k = {.rules = rules, .policy = p, .settings = &rules->settings, .days = (int)days};
	return console_replay(r->core, r->tenant, &k, r->result, err);
}

/* The mode that the page showed must be the one that counts: what is switched is what was read. */
int console_mode_put(struct console_request *r, struct err *err)
{
	const char *name = json_str_or(r->args, "mode", "?"), *was = json_str_or(r->args, "was", "");
	_cleanup_(rules_putp) struct rules *rules = NULL;
	struct store_policy_mode *modes;
	enum policy_mode mode = POLICY_OFF;
	size_t n;

	if (*name && !parse_mode(name, &mode))
		return console_bad(err, "'mode' is off, monitor, protect, or empty for what the file says");
	if (rules_get(r->core, r->tenant, &rules, err) < 0 || store_mode_list(r->core->store, r->tenant, r->arena, &modes, &n, err) < 0)
		return -1;
	const struct policy_rule *rule = find_rule(rules->policy, r->object);
	if (!rule)
		return err_set(err, ERR_GONE, "not_found", "there is no rule %.100s", r->object);
	const struct store_policy_mode *now = mode_of(modes, n, rule->id);
	if (*was && strcmp(was, mode_names[now ? now->mode : (int)rule->mode]) != 0)
		return err_set(err, ERR_CHANGED, "changed", "the rule is set to %s now", mode_names[now ? now->mode : (int)rule->mode]);
	const struct store_policy_mode m = {.tenant = r->tenant, .rule = rule->id, .mode = *name ? (int)mode : -1, .changed_at = time_now_ms(),
		.changed_by = who(r)};
	if (!m.changed_by)
		return console_no_memory(err);
	/* What protecting would have done stands in the answer and in the audit trail. */
	if (*name && mode == POLICY_PROTECT && replay_mode(r, rules, rule->id, mode, DAYS, err) < 0)
		return -1;
	if (store_mode_put(r->core->store, &m, err) < 0)
		return -1;
	cJSON_DeleteItemFromObjectCaseSensitive(r->result, "items");
	cJSON_AddStringToObject(r->result, "mode", mode_names[*name ? mode : rule->mode]);
	rules_changed(r->core);
	return 0;
}
