/* Turns a filled response into one of libmicrohttpd: headers, Date, Range, content straight from a
 * descriptor. Connection's thread, no lock held. */
#include "fakecloud/server.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* One range of "bytes=a-b", "bytes=a-" or "bytes=-n" (RFC 9110, 14.1.2). 0 none or not understood, 1 a good
 * one, -1 not satisfiable. */
static int parse_range(const char *text, int64_t size, int64_t *ret_from, int64_t *ret_len)
{
	char *end;
	int64_t from, to;

	if (!text || strncasecmp(text, "bytes=", 6) != 0 || strchr(text, ','))
		return 0;
	text += 6;
	errno = 0;
	if (*text == '-') {
		int64_t n = strtoll(text + 1, &end, 10);
		if (end == text + 1 || *end || n < 0 || errno)
			return 0;
		if (!n || !size)
			return -1;
		from = n < size ? size - n : 0;
		to = size - 1;
	} else {
		if (*text < '0' || *text > '9')
			return 0;
		from = strtoll(text, &end, 10);
		if (*end != '-' || errno)
			return 0;
		const char *second = end + 1;
		to = size - 1;
		if (*second) {
			if (*second < '0' || *second > '9')
				return 0;
			to = strtoll(second, &end, 10);
			if (*end || errno || to < from)
				return 0;
		}
		if (from >= size)
			return -1;
		if (to >= size)
			to = size - 1;
	}
	*ret_from = from;
	*ret_len = to - from + 1;
	return 1;
}

void answer_range(const struct fc_request *req, struct fc_response *res)
{
	int64_t size = fc_blob_size(res->blob);

	res->blob_offset = 0;
	res->blob_len = size;
	if (!response_header(res, "Content-Type"))
		fc_set_header(res, "Content-Type", "application/octet-stream");
	if (res->no_range || res->status != 200)
		return;
	fc_set_header(res, "Accept-Ranges", "bytes");
	switch (parse_range(fc_header(req, "Range"), size, &res->blob_offset, &res->blob_len)) {
	case 1:
		res->status = 206;
		fc_set_headerf(res, "Content-Range", "bytes %" PRId64 "-%" PRId64 "/%" PRId64,
			res->blob_offset, res->blob_offset + res->blob_len - 1, size);
		break;
	case -1:
		res->status = 416;
		res->blob = NULL;
		buf_clear(&res->body);
		fc_set_headerf(res, "Content-Range", "bytes */%" PRId64, size);
		break;
	default:
		break;
	}
}

void answer_date(struct fc_response *res)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = (time_t)(fc_now() / 1000);
	struct tm tm;

	gmtime_r(&now, &tm);
	fc_set_headerf(res, "Date", "%.3s, %02d %.3s %d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday,
		tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static struct MHD_Response *from_blob(struct fc_response *res)
{
	const void *data = NULL;
	int fd = blob_open(res->blob, &data);
	struct MHD_Response *r;

	if (fd >= 0) {
		r = MHD_create_response_from_fd_at_offset64(
			(uint64_t)res->blob_len, fd, (uint64_t)res->blob_offset);
		if (!r)
			close(fd);
		return r;
	}
	if (!data)
		return NULL;
	/* A blob is never freed and never changes, so libmicrohttpd may send it in place. */
	char *place = (char *)(uintptr_t)data + res->blob_offset;
	return MHD_create_response_from_buffer((size_t)res->blob_len, place, MHD_RESPMEM_PERSISTENT);
}

enum MHD_Result answer_queue(struct MHD_Connection *mhd, struct fc_response *res)
{
	struct MHD_Response *r;

	if (res->blob) {
		r = from_blob(res);
	} else {
		size_t len = res->body.len;
		char *data = buf_take(&res->body);
		r = data ? MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE) : NULL;
		if (!r)
			free(data);
	}
	if (!r)
		return MHD_NO;
	for (size_t i = 0; i < res->headers->count; i++)
		MHD_add_response_header(r, res->headers->lines[i].name, res->headers->lines[i].value);
	enum MHD_Result ok = MHD_queue_response(mhd, (unsigned)res->status, r);
	MHD_destroy_response(r);
	return ok;
}
