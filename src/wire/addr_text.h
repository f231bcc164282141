/* addr_text.h - addresses as text: dotted quads, and RFC 4291 2.2 and 5952 for IPv6. */
#ifndef LA_WIRE_ADDR_TEXT_H
#define LA_WIRE_ADDR_TEXT_H
#include "base/text.h"
#include "wire/ends.h"

/* A mapped IPv4 address as a dotted quad, every other one by RFC 5952 4 and 5; "::" is any. */
void addr_text_add(struct text *t, const struct ip_addr *a);

/* The same for a port behind it: "192.0.2.1:80", "[2001:db8::1]:80" (RFC 5952 6). */
void addr_text_add_end(struct text *t, const struct ip_addr *a, uint16_t port);

/* All of `text` must be an address, or false, and *a is as before. A dotted quad is four
 * decimal numbers without leading zeros (which some would read as octal); IPv6 is any form of
 * RFC 4291 2.2, without a zone. A dotted quad and its ::ffff: form give the same address. */
bool addr_text_parse(const char *text, struct ip_addr *a);

#endif
