/* Extensions and short types; see type_names.h. */
#include "scan/type_names.h"

#include "scan/names.h"
#include "scan/types.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <string.h>

void scan_type_extension(const char *name, char *out, size_t size)
{
	const char *base = name_base(name);
	size_t len = strlen(base), n = 0;

	out[0] = '\0';
	while (len && (base[len - 1] == ' ' || base[len - 1] == '.'))
		len--;
	size_t at = len;
	while (at && base[at - 1] != '.')
		at--;
	if (at == 0 || len - at >= size)
		return;
	for (; at < len; at++)
		out[n++] = (char)tolower((unsigned char)base[at]);
	out[n] = '\0';
}

static bool listed(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

const char *type_script(const char *extension)
{
	static const char *const map[][2] = {
		{"js", "script.js"}, {"jse", "script.js"}, {"mjs", "script.js"}, {"vbs", "script.vbs"}, {"vbe", "script.vbs"}, {"vb", "script.vbs"},
		{"wsf", "script.wsf"}, {"wsc", "script.wsf"}, {"wsh", "script.wsf"}, {"sct", "script.wsf"}, {"ps1", "script.ps1"}, {"psm1", "script.ps1"},
		{"psd1", "script.ps1"}, {"ps1xml", "script.ps1"}, {"bat", "batch"}, {"cmd", "batch"}, {"hta", "hta"}, {"sh", "script.sh"},
		{"bash", "script.sh"}, {"command", "script.sh"}, {"py", "script.python"}, {"pyw", "script.python"}, {"pl", "script.perl"},
		{"rb", "script.ruby"}, {"au3", "script.autoit"}, {"ahk", "script.autohotkey"}, {"applescript", "script.apple"}, {"reg", "reg"}, {"inf", "inf"},
		{"scf", "scf"}, {"url", "url"}, {"website", "url"}, {"iqy", "iqy"}, {"slk", "sylk"}, {"library-ms", "library-ms"},
		{"searchconnector-ms", "searchconnector-ms"}, {"settingcontent-ms", "settingcontent-ms"}, {"desktop", "desktop"}, {"jnlp", "jnlp"},
		{"application", "clickonce"}, {"msc", "msc"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (strcmp(extension, map[i][0]) == 0)
			return map[i][1];
	return NULL;
}

bool type_runs(const char *type)
{
	static const char *const list[] = {"pe", "elf", "macho", "class", "batch", "hta", "lnk", "msi", "jar", "apk", "appx", "chm", "pyc", "url", "scf", "reg",
		"inf", "iqy", "library-ms", "searchconnector-ms", "settingcontent-ms", "desktop", "jnlp", "clickonce", "msc", "deb", "rpm", "crx", "dex", NULL};

	return strncmp(type, "script.", 7) == 0 || listed(type, list);
}

/* A family ends with a dot; "" stands for whatever begins so. */
static bool accepts(const char *const *list, const char *type)
{
	for (; *list; list++) {
		size_t n = strlen(*list);
		if (strcmp(*list, type) == 0 || ((*list)[n - 1] == '.' && (strncmp(*list, type, n) == 0 || (strlen(type) == n - 1 && strncmp(*list, type, n - 1) == 0))))
			return true;
	}
	return false;
}

/* What programs open under these names without a word counts as right: Excel takes pages and tables as .xls, all picture
 * viewers go by content. */
static const char *const pdf[] = {"pdf", NULL};
static const char *const word[] = {"ole2.", "rtf", "html", "mhtml", "mail", "xml.", "ooxml.", NULL};
static const char *const excel[] = {"ole2.", "html", "mhtml", "mail", "xml.", "ooxml.", "sylk", NULL};
static const char *const powerpoint[] = {"ole2.", "ooxml.", "xml.", "html", "mhtml", NULL};
static const char *const ooxml[] = {"ooxml.", "ole2.encrypted", "xml.", NULL};
static const char *const rtf[] = {"rtf", NULL};
static const char *const odf[] = {"odf.", "xml", NULL};
static const char *const image[] = {"image", "svg", NULL};
static const char *const svg[] = {"svg", "xml", "html", "image", "gz", NULL};
static const char *const media[] = {"media", "image", NULL};
static const char *const archive[] = {"zip", "rar", "7z", "gz", "tar", "bz2", "xz", "cab", "lha", "arj", "zst", "lz4", "compress", "cpio", "ace", "alz", "egg",
	"jar", "apk", "appx", "ooxml.", "odf.", "epub", "encrypted", NULL};
static const char *const page[] = {"html", "mhtml", "mail", "xml.", "svg", NULL};
static const char *const mail[] = {"mail", "html", "mhtml", "xml", NULL};
static const char *const outlook[] = {"ole2.", "mail", "html", NULL};
static const char *const ichitaro[] = {"ichitaro", "ole2.", NULL};
static const char *const plain[] = {"html", "mhtml", "mail", "xml.", "svg", "batch", "hta", "url", "scf", "reg", "inf", "iqy", "sylk", "script.", "rtf",
	"uuencoded", "binhex", "encrypted", "ps", NULL};

bool type_mismatch(const char *extension, const char *type)
{
	static const struct {
		const char *const *accepts;
		const char *extensions[24];
	} table[] = {
		{pdf, {"pdf"}},
		{word, {"doc", "dot"}},
		{excel, {"xls", "xlt", "xla"}},
		{powerpoint, {"ppt", "pps", "pot"}},
		{ooxml, {"docx", "docm", "dotx", "dotm", "xlsx", "xlsm", "xlsb", "xltx", "xltm", "pptx", "pptm", "ppsx", "ppsm", "potx", "potm"}},
		{rtf, {"rtf"}},
		{odf, {"odt", "ods", "odp", "odg"}},
		{image, {"jpg", "jpeg", "jpe", "png", "gif", "bmp", "tif", "tiff", "webp", "heic", "heif", "avif", "ico", "psd"}},
		{svg, {"svg"}},
		{media, {"mp3", "mp4", "m4a", "m4v", "wav", "wma", "wmv", "avi", "mov", "mpg", "mpeg", "mkv", "webm", "flac", "ogg", "aac", "3gp"}},
		{archive, {"zip", "rar", "7z", "gz", "tgz", "tar", "bz2", "xz", "lzh", "cab"}},
		{page, {"html", "htm", "xhtml"}},
		{mail, {"eml", "mht", "mhtml"}},
		{outlook, {"msg"}},
		{ichitaro, {"jtd", "jtt"}},
		{plain, {"txt", "csv", "tsv", "log", "md", "json", "xml", "yaml", "yml", "ini", "ics", "vcf"}},
	};
	/* Nothing that could be mistaken for another type. */
	static const char *const any[] = {"text", "data", "font", "sqlite", NULL};

	if (!*extension || listed(type, any))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		for (size_t n = 0; n < ARRAY_SIZE(table[i].extensions) && table[i].extensions[n]; n++)
			if (strcmp(extension, table[i].extensions[n]) == 0)
				return !accepts(table[i].accepts, type);
	return false;
}
