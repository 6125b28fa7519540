/* Which addresses may be connected to at all; see url.h. What a name resolves to is decided by whoever owns the name: a provider's
 * answer, or a name in a configuration, must not lead to this machine's own services or to a cloud's metadata (SSRF). */
#include "net/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static bool v4_ok(uint32_t a, bool loopback)
{
	if (a >> 24 == 127)
		return loopback;
	return a >> 24 != 0 &&        /* "this network" reaches this machine, too */
		a >> 16 != 0xa9fe &&  /* 169.254/16: link-local, where clouds keep their metadata */
		a >> 28 < 0xe;        /* multicast, reserved, broadcast */
}

static bool v6_ok(const struct in6_addr *a, bool loopback)
{
	static const unsigned char nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	uint32_t low;

	if (IN6_IS_ADDR_LOOPBACK(a))
		return loopback;
	memcpy(&low, a->s6_addr + 12, 4);
	if (IN6_IS_ADDR_V4MAPPED(a) || memcmp(a->s6_addr, nat64, sizeof(nat64)) == 0)
		return v4_ok(ntohl(low), loopback);
	return !IN6_IS_ADDR_UNSPECIFIED(a) && !IN6_IS_ADDR_LINKLOCAL(a) && !IN6_IS_ADDR_MULTICAST(a) && !IN6_IS_ADDR_V4COMPAT(a);
}

bool url_address_ok(const struct sockaddr *address, bool loopback)
{
	if (address->sa_family == AF_INET)
		return v4_ok(ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr), loopback);
	if (address->sa_family == AF_INET6)
		return v6_ok(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, loopback);
	return false;
}
