/* Loading of signatures; see engine.h. Runs in a generation, which has one thread. */
#include "scan/engine.h"

#include "scan/builtin.h"
#include "scan/detect/detect.h"
#include "scan/inspect.h"
#include "scan/office.h"
#include "scan/reader.h"
#include "scan/testpoint.h"

#include "base/ioutil.h"
#include "base/log.h"

#include <clamav.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* Above our limits by this much, so that what libclamav cuts at its own is beyond ours and so is seen. */
#define SLACK (256 << 10)
#define FILE_SIZE_MAX ((1ll << 30) - 1) /* libclamav is not to be trusted with 1 GiB (CVE-2025-20260) */
#define DB_OPTIONS CL_DB_STDOPT

/* What libclamav said last while loading, for the reason of a refusal. */
static char last_message[160];

static void on_load_message(enum cl_msg severity, const char *full, const char *text, void *context)
{
	if (severity == CL_MSG_ERROR && !last_message[0])
		snprintf(last_message, sizeof(last_message), "%.150s", text);
	last_message[strcspn(last_message, "\n")] = '\0';
}

int engine_init(struct err *err)
{
	cl_error_t rc;

	cl_set_clcb_msg(on_load_message);
	rc = cl_init(CL_INIT_DEFAULT);
	if (rc != CL_SUCCESS)
		return err_set(err, ERR_LOCAL, "engine", "cl_init: %s", cl_strerror(rc));
	return 0;
}

static int64_t above(int64_t limit)
{
	return limit > FILE_SIZE_MAX - SLACK ? FILE_SIZE_MAX : limit + SLACK;
}

static struct cl_engine *new_engine(const struct scan_limits *l)
{
	int64_t file = above(l->item > l->part ? l->item : l->part);
	const struct {
		enum cl_engine_field field;
		int64_t value;
	} numbers[] = {
		{CL_ENGINE_MAX_FILESIZE, file},
		{CL_ENGINE_MAX_SCANSIZE, l->total + l->item + file},
		{CL_ENGINE_MAX_RECURSION, l->depth + 4},
		{CL_ENGINE_MAX_FILES, 3 * (int64_t)l->parts + 64},
		{CL_ENGINE_MAX_SCANTIME, l->time_ms},
		/* Within the limits nothing is left unread for its size. */
		{CL_ENGINE_MAX_EMBEDDEDPE, file},
		{CL_ENGINE_MAX_HTMLNORMALIZE, file},
		{CL_ENGINE_MAX_HTMLNOTAGS, file},
		{CL_ENGINE_MAX_SCRIPTNORMALIZE, file},
		{CL_ENGINE_MAX_ZIPTYPERCG, file},
		{CL_ENGINE_PCRE_MAX_FILESIZE, file},
		{CL_ENGINE_DISABLE_CACHE, 1}, /* clean.h says why */
		{CL_ENGINE_DISABLE_PE_STATS, 1},
		{CL_ENGINE_BYTECODE_MODE, CL_BYTECODE_MODE_INTERPRETER},
	};
	struct cl_engine *e = cl_engine_new();

	for (size_t i = 0; e && i < ARRAY_SIZE(numbers); i++) {
		if (cl_engine_set_num(e, numbers[i].field, numbers[i].value) != CL_SUCCESS) {
			cl_engine_free(e);
			return NULL;
		}
	}
	if (e)
		inspect_attach(e);
	return e;
}

static void refuse(struct database_file *f, const struct engine_watch *watch, const char *why)
{
	f->left_out = true;
	if (watch->refused)
		watch->refused(watch->ctx, f->path, why);
}

/* 0 loaded; 1 a file was refused, start again; -1. */
static int load_files(struct cl_engine *cl, struct database *db, const struct engine_watch *watch, unsigned *signatures)
{
	for (int i = 0; i < db->n_files; i++) {
		struct database_file *f = &db->files[i];
		if (f->left_out)
			continue;
		if (watch->loading)
			watch->loading(watch->ctx, f->path);
		testpoint_load(f->path);
		last_message[0] = '\0';
		cl_error_t rc = cl_load(f->path, cl, signatures, DB_OPTIONS);
		if (rc == CL_SUCCESS)
			continue;
		char why[256];
		snprintf(why, sizeof(why), "%s%s%s", cl_strerror(rc), last_message[0] ? ": " : "", last_message);
		refuse(f, watch, why);
		return rc == CL_EMEM ? -1 : 1;
	}
	return 0;
}

/* Signatures that load may still fail together with the rest, or when compiled: each is tried alone, in a
 * process of its own. Databases of freshclam are signed and tried by their makers. */
static bool loads_alone(const struct scan_config *config, const char *path)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		unsigned n = 0;
		struct cl_engine *cl = new_engine(&config->limits);
		_exit(cl && cl_load(path, cl, &n, DB_OPTIONS) == CL_SUCCESS && cl_engine_compile(cl) == CL_SUCCESS ? 0 : 1);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool refuse_one_by_one(const struct scan_config *config, struct database *db, const struct engine_watch *watch)
{
	bool any = false;

	for (int i = 0; i < db->n_files; i++) {
		struct database_file *f = &db->files[i];
		if (f->left_out || loads_alone(config, f->path))
			continue;
		refuse(f, watch, "does not compile");
		any = true;
	}
	return any;
}

/* The built-in files lie in the state folder only while they are read. */
static int load_builtin(const struct scan_config *config, struct cl_engine *cl, unsigned *signatures, struct err *err)
{
	for (int i = 0; builtin_file(i); i++) {
		char path[640];
		_cleanup_buf_ struct buf text = BUF_INIT(1 << 20);
		snprintf(path, sizeof(path), "%s/%s", config->state, builtin_file(i));
		if (builtin_text(i, &text) < 0)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
		if (io_write_file(path, text.data, text.len, 0600, err) < 0)
			return -1;
		last_message[0] = '\0';
		cl_error_t rc = cl_load(path, cl, signatures, DB_OPTIONS);
		unlink(path);
		if (rc != CL_SUCCESS)
			return err_set(err, ERR_REMOTE, "bad_signatures", "built-in %s: %s %s", builtin_file(i),
				cl_strerror(rc), last_message);
	}
	return 0;
}

/* Newest build time of what was loaded; text files carry none but their own time. */
static int64_t built_at(const struct database *db)
{
	int64_t newest = 0;

	for (int i = 0; i < db->n_files; i++) {
		const struct database_file *f = &db->files[i];
		int64_t t = f->mtime_ns / 1000000;
		if (f->left_out)
			continue;
		if (f->order == 2 || strstr(f->path, ".cvd") || strstr(f->path, ".cld")) {
			struct cl_cvd *head = cl_cvdhead(f->path);
			if (head) {
				t = (int64_t)head->stime * 1000;
				cl_cvdfree(head);
			}
		}
		if (t > newest)
			newest = t;
	}
	return newest;
}

/* Does a text database ask for image hashes? Signed ones may; they are archives, so they count as asking. */
static bool wants_image_hashes(const struct database *db)
{
	for (int i = 0; i < db->n_files; i++) {
		const struct database_file *f = &db->files[i];
		const char *dot = strrchr(f->path, '.');
		if (f->left_out)
			continue;
		if (strcmp(dot, ".cvd") == 0 || strcmp(dot, ".cld") == 0 || strcmp(dot, ".cud") == 0)
			return true;
		if (strcmp(dot, ".ldb") != 0 && strcmp(dot, ".ldu") != 0)
			continue;
		_cleanup_close_ int fd = open(f->path, O_RDONLY | O_CLOEXEC);
		const void *text = NULL;
		size_t len = 0;
		if (fd < 0 || io_map(fd, &text, &len, NULL) < 0)
			continue;
		bool found = text && memmem(text, len, "fuzzy_img#", 10) != NULL;
		io_unmap(text, len);
		if (found)
			return true;
	}
	return false;
}

static int describe(struct engine *e, const struct database *db, unsigned signatures, struct err *err)
{
	char digest[65];
	int used = 0;

	if (database_digest(db, digest, err) < 0)
		return -1;
	for (int i = 0; i < db->n_files; i++)
		used += !db->files[i].left_out;
	e->info.builtin_only = used == 0;
	e->info.count = signatures;
	e->info.built_at = built_at(db);
	e->image_hashes = wants_image_hashes(db);
	snprintf(e->info.engine, sizeof(e->info.engine), "ClamAV %.30s", cl_retver());
	if (used)
		snprintf(e->info.signatures, sizeof(e->info.signatures), "%u signatures in %d files, %.16s+%s", signatures,
			used, digest, BUILTIN_VERSION);
	else
		snprintf(e->info.signatures, sizeof(e->info.signatures), "%u signatures, %s", signatures, BUILTIN_VERSION);
	return 0;
}

int engine_load(const struct scan_config *config, struct database *db, const struct engine_watch *watch,
	struct engine *ret, struct err *err)
{
	struct engine e = {0};
	bool tried_each = false;

	if (io_mkdirs(config->state, 0700, err) < 0)
		return -1;
	for (;;) {
		unsigned signatures = 0;
		e.cl = new_engine(&config->limits);
		if (!e.cl)
			return err_set(err, ERR_LOCAL, "memory", "no engine");
		if (load_builtin(config, e.cl, &signatures, err) < 0) {
			engine_free(&e);
			return -1;
		}
		int r = load_files(e.cl, db, watch, &signatures);
		cl_error_t rc = r ? CL_EMALFDB : cl_engine_compile(e.cl);
		if (rc == CL_SUCCESS) {
			if (describe(&e, db, signatures, err) < 0) {
				engine_free(&e);
				return -1;
			}
			struct err none = {0};
			if (detect_new(config->hit_key, &e.detect, &none) < 0)
				log_err(LOG_ERROR_, "scan.detectors", &none); /* malware is still looked for */
			*ret = e;
			return 0;
		}
		engine_free(&e);
		if (r < 0)
			return err_set(err, ERR_LOCAL, "memory", "out of memory while loading signatures");
		if (r == 0 && (tried_each || !refuse_one_by_one(config, db, watch)))
			return err_set(err, ERR_REMOTE, "bad_signatures", "the signatures do not compile: %s", cl_strerror(rc));
		tried_each |= r == 0;
	}
}

void engine_free(struct engine *e)
{
	if (e->cl)
		cl_engine_free(e->cl);
	e->cl = NULL;
	detect_free(e->detect);
	e->detect = NULL;
}

void engine_settle(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/maps", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long from, to, inode;
		char mode[8];
		if (sscanf(line, "%lx-%lx %7s %*x %*s %lu", &from, &to, mode, &inode) != 4 || strcmp(mode, "rw-p") != 0 ||
			inode != 0 || strstr(line, "[stack]"))
			continue;
		from = (from + (2u << 20) - 1) & ~((2ul << 20) - 1);
		to &= ~((2ul << 20) - 1);
		if (to > from)
			madvise((void *)from, to - from, MADV_COLLAPSE);
	}
}

void engine_warm(void)
{
	/* Those that libclamav names itself or finds in mails, pages and documents. */
	static const char *const charsets[] = {"UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE", "UTF-32BE",
		"UCS-2", "UCS-4", "UCS-2LE", "UCS-2BE", "UCS-4LE", "UCS-4BE", "UNICODE", "UTF-7", "ASCII", "US-ASCII",
		"ISO-8859-1", "ISO-8859-2", "ISO-8859-3", "ISO-8859-4", "ISO-8859-5", "ISO-8859-6", "ISO-8859-7",
		"ISO-8859-8", "ISO-8859-9", "ISO-8859-10", "ISO-8859-11", "ISO-8859-13", "ISO-8859-14", "ISO-8859-15",
		"ISO-8859-16", "CP437", "CP737", "CP775", "CP850", "CP852", "CP855", "CP857", "CP858", "CP860", "CP861",
		"CP862", "CP863", "CP864", "CP865", "CP866", "CP869", "CP874", "CP932", "CP936", "CP949", "CP950",
		"CP1250", "CP1251", "CP1252", "CP1253", "CP1254", "CP1255", "CP1256", "CP1257", "CP1258", "CP1361",
		"SHIFT_JIS", "SHIFT-JIS", "SJIS", "EUC-JP", "ISO-2022-JP", "ISO-2022-JP-2", "ISO-2022-KR", "ISO-2022-CN",
		"EUC-KR", "EUC-CN", "EUC-TW", "GB2312", "GBK", "GB18030", "BIG5", "BIG5-HKSCS", "KOI8-R", "KOI8-U",
		"TIS-620", "MACINTOSH", "MAC-CYRILLIC", "JOHAB", "VISCII", "IBM037", "IBM500", "IBM1047", "WINDOWS-31J", "EUC-JP-MS", "UTF7", "KOI8-T", "WINDOWS-874"};
	static const char *const targets[] = {"UTF-16BE", "UTF-8", "UTF-8//TRANSLIT"};
	int opened = 0;

	reader_init();
	office_init();
	setenv("TZ", "UTC0", 1); /* else the zone's file is looked up at the first local time */
	for (size_t t = 0; t < ARRAY_SIZE(targets); t++) {
		for (size_t i = 0; i < ARRAY_SIZE(charsets); i++) {
			iconv_t cd = iconv_open(targets[t], charsets[i]);
			if (cd == (iconv_t)-1)
				continue;
			/* Some tables are loaded at the first conversion. It stays open on purpose. */
			char in[] = "a", out[32], *ip = in, *op = out;
			size_t il = 1, ol = sizeof(out);
			iconv(cd, &ip, &il, &op, &ol);
			opened++;
		}
	}
	log_debug("scan.warm", "charsets=%d", opened);
}
