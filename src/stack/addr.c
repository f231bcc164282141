/* addr.c - addresses of the public interface and of the rooms. */
#include "stack/stack.h"

bool addr_fits(const la_addr *addr)
{
  return addr->len == 0 || addr->len == 4 || addr->len == 16;
}

struct ip_addr addr_in(const la_addr *addr)
{
  struct ip_addr a = { { 0 } };

  if (addr->len == 4)
    return ip_addr_of4(addr->octets);
  if (addr->len == 16)
    memcpy(a.octets, addr->octets, 16);
  return a;
}

la_addr addr_out(const struct ip_addr *addr)
{
  static const struct ip_addr any = { { 0 } };
  la_addr a = { 0, { 0 } };

  if (ip_addr_eq(addr, &any))
    return a;
  a.len = ip_addr_is4(addr) ? 4 : 16;
  memcpy(a.octets, addr->octets + 16 - a.len, a.len);
  return a;
}
