/* A QR code as the path of an SVG, by libqrencode: the page draws it without an image, a script of others or a request. */
#include "web/impl.h"

#include <qrencode.h>
#include <string.h>

cJSON *web_qr(const char *text)
{
	_cleanup_wipe_ struct buf path = BUF_INIT(256 << 10);
	QRcode *code = strlen(text) > 1000 ? NULL : QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);

	if (!code)
		return NULL;
	/* One bar for each run of dark modules in a row. */
	for (int y = 0; y < code->width; y++) {
		for (int x = 0; x < code->width; x++) {
			int from = x;
			while (x < code->width && (code->data[y * code->width + x] & 1))
				x++;
			if (x > from)
				buf_addf(&path, "M%d %dh%dv1h-%dz", from, y, x - from, x - from);
		}
	}
	cJSON *o = cJSON_CreateObject();
	cJSON_AddNumberToObject(o, "size", code->width);
	cJSON_AddStringToObject(o, "path", buf_str(&path));
	QRcode_free(code);
	return o;
}
