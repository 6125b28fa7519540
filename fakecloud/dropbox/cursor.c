/* Cursors of fakecloud's Dropbox: a JSON array with the team, its generation and the reader's place, sealed
 * so that a forged one is told from a lost one. */
#include "fakecloud/dropbox/dropbox.h"

#include "base/encode.h"

#include <string.h>

#define SEAL_LEN 16

static void seal(char *out, const char *text)
{
	static char secret[33];

	if (!*secret)
		random_hex(secret, 16);
	fc_stable_id(out, SEAL_LEN, (const char *const[]){secret, text, NULL});
}

char *dbx_cursor_new(struct dbx_call *c, const char *kind, cJSON *list)
{
	_cleanup_json_ cJSON *doc = cJSON_CreateArray();
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 20), sealed = BUF_INIT(2 << 20),
				 out = BUF_INIT(4 << 20);
	char mark[SEAL_LEN + 1];

	cJSON_AddItemToArray(doc, cJSON_CreateString(kind));
	cJSON_AddItemToArray(doc, cJSON_CreateString(c->team->tenant));
	cJSON_AddItemToArray(doc, cJSON_CreateNumber(c->team->generation));
	cJSON_AddItemToArray(doc, list);
	if (json_print(doc, &text) < 0)
		return NULL;
	seal(mark, text.data);
	if (buf_addf(&sealed, "%s%s", mark, text.data) < 0 ||
		base64url_encode(&out, sealed.data, sealed.len) < 0)
		return NULL;
	return arena_printf(c->arena, "AA%s", out.data);
}

enum dbx_cursor dbx_cursor_open(struct dbx_team *team, const char *kind, const char *text, cJSON **ret_list,
	struct dbx_team **ret_team)
{
	_cleanup_buf_ struct buf plain = BUF_INIT(2 << 20);
	_cleanup_json_ cJSON *doc = NULL;
	char mark[SEAL_LEN + 1];

	if (strncmp(text, "AA", 2) != 0 || base64_decode(&plain, text + 2, strlen(text + 2)) < 0 ||
		plain.len <= SEAL_LEN)
		return DBX_CURSOR_BAD;
	seal(mark, plain.data + SEAL_LEN);
	if (memcmp(mark, plain.data, SEAL_LEN) != 0 ||
		json_parse(plain.data + SEAL_LEN, plain.len - SEAL_LEN, &doc, NULL) < 0)
		return DBX_CURSOR_BAD;
	const cJSON *is = cJSON_GetArrayItem(doc, 0), *tenant = cJSON_GetArrayItem(doc, 1);
	struct dbx_team *of = cJSON_IsString(tenant) ? dbx_team_find(tenant->valuestring) : NULL;
	if (!of || !cJSON_IsString(is) || strcmp(is->valuestring, kind) != 0 || (team && team != of))
		return DBX_CURSOR_BAD;
	if (ret_team)
		*ret_team = of;
	if ((unsigned)cJSON_GetArrayItem(doc, 2)->valuedouble != of->generation)
		return DBX_CURSOR_LOST;
	*ret_list = cJSON_DetachItemFromArray(doc, 3);
	return DBX_CURSOR_OK;
}
