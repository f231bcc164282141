/* text.c - durations and addresses for people. */
#include "lens.h"

#include <inttypes.h>
#include <string.h>

/* Three significant digits at most: what a reader compares, not what a clock measures. */
static int short_text(la_time ns, char *out, size_t size)
{
  if (ns < 1000)
    return snprintf(out, size, "%" PRId64 " ns", ns);
  if (ns < LA_MS / 10)
    return snprintf(out, size, "%.3g us", (double)ns / 1e3);
  if (ns < LA_SEC - LA_MS / 2)
    return snprintf(out, size, "%.3g ms", (double)ns / 1e6);
  if (ns < 10 * LA_SEC - LA_MS * 5)
    return snprintf(out, size, "%.3g s", (double)ns / 1e9);
  return snprintf(out, size, "%" PRId64 " s", (ns + LA_SEC / 2) / LA_SEC);
}

static int long_text(la_time seconds, char *out, size_t size)
{
  const la_time minute = 60, hour = 60 * minute, day = 24 * hour;

  if (seconds < hour)
    return snprintf(out, size, "%" PRId64 " min %02" PRId64 " s", seconds / minute,
                    seconds % minute);
  if (seconds < day)
    return snprintf(out, size, "%" PRId64 " h %02" PRId64 " min", seconds / hour,
                    seconds % hour / minute);
  return snprintf(out, size, "%" PRId64 " d %02" PRId64 " h", seconds / day,
                  seconds % day / hour);
}

const char *lens_duration_text(la_time duration, char *out, size_t size)
{
  la_time rounded;

  if (duration == LA_NEVER) {
    snprintf(out, size, "for ever");
    return out;
  }
  if (duration < 0)
    duration = 0;
  rounded = duration / LA_SEC + (duration % LA_SEC >= LA_SEC / 2);
  if (rounded < 100)
    short_text(duration, out, size);
  else
    long_text(rounded, out, size);
  return out;
}

la_addr lens_addr_of(const la_sock_info *c, la_addr addr)
{
  return addr.len == 0 && (c->flags & LA_SOCK_V6ONLY) ? (la_addr){ .len = 16 } : addr;
}

const char *lens_endpoint_text(la_endpoint endpoint, char *out, size_t size)
{
  char addr[LA_ADDR_TEXT], port[8] = "*";

  la_addr_text(endpoint.addr, addr, sizeof addr);
  if (endpoint.port)
    snprintf(port, sizeof port, "%u", endpoint.port);
  snprintf(out, size, strchr(addr, ':') ? "[%s]:%s" : "%s:%s", addr, port);
  return out;
}
