/* format_netstat.c - the columns of `netstat -antu` (net-tools 2.10) and of FreeBSD's
 * `netstat -an`, to the character, so that scripts which read those read these.
 *
 * Addresses are never cut: as with net-tools' -W and FreeBSD's -W, a long one moves the rest. */
#include "format.h"

#include <inttypes.h>
#include <string.h>

enum { NETSTAT_ADDRESS = 23, BSD_ADDRESS = 22, CELL = 80 };

static bool is_any(la_addr addr)
{
  for (unsigned i = 0; i < addr.len; i++)
    if (addr.octets[i])
      return false;
  return true;
}

/* The family of a socket is that of its local address; of one bound to anything, the peer's. */
static bool is_ipv6(const la_sock_info *c)
{
  return c->local.addr.len == 16 || (c->flags & LA_SOCK_V6ONLY) ||
         (c->local.addr.len == 0 && c->peer.addr.len == 16);
}

static void netstat_address(const la_sock_info *c, la_endpoint endpoint, char *cell)
{
  char addr[LA_ADDR_TEXT], port[8] = "*";

  if (is_any(endpoint.addr))
    snprintf(addr, sizeof addr, "%s", is_ipv6(c) ? "::" : "0.0.0.0");
  else
    la_addr_text(endpoint.addr, addr, sizeof addr);
  if (endpoint.port)
    snprintf(port, sizeof port, "%u", endpoint.port);
  snprintf(cell, CELL, "%s:%s", addr, port);
}

static void netstat_row(FILE *out, const struct lens_conn *conn)
{
  const la_sock_info *c = &conn->info;
  bool udp = c->protocol == LA_UDP;
  const char *state = lens_state_name(c->state, LENS_NETSTAT);
  char local[CELL], peer[CELL], proto[8];

  if (udp)
    state = c->peer.port ? "ESTABLISHED" : "";
  snprintf(proto, sizeof proto, "%s%s", udp ? "udp" : "tcp", is_ipv6(c) ? "6" : "");
  netstat_address(c, c->local, local);
  netstat_address(c, c->peer, peer);
  fprintf(out, "%-5s %6" PRIu64 " %6" PRIu64 " %-*s %-*s %-11s\n", proto,
          format_linux_recv_q(conn), format_linux_send_q(conn), NETSTAT_ADDRESS, local,
          NETSTAT_ADDRESS, peer, state);
}

void format_netstat(FILE *out, const struct format_rows *rows, const struct lens_look *look)
{
  fprintf(out, "Active Internet connections %s\n"
          "Proto Recv-Q Send-Q Local Address           Foreign Address         State      \n",
          look->listening ? "(only servers)" : "(servers and established)");
  for (size_t i = 0; i < rows->n; i++)
    netstat_row(out, rows->row[i]);
}

/* ---- FreeBSD: the port behind a dot, octets alone in the queues -------------------------- */

static void bsd_address(la_endpoint endpoint, char *cell)
{
  char addr[LA_ADDR_TEXT] = "*", port[8] = "*";

  if (!is_any(endpoint.addr))
    la_addr_text(endpoint.addr, addr, sizeof addr);
  if (endpoint.port)
    snprintf(port, sizeof port, "%u", endpoint.port);
  snprintf(cell, CELL, "%s.%s", addr, port);
}

static void bsd_row(FILE *out, const struct lens_conn *conn)
{
  const la_sock_info *c = &conn->info;
  bool udp = c->protocol == LA_UDP;
  char local[CELL], peer[CELL];

  bsd_address(c->local, local);
  bsd_address(c->peer, peer);
  fprintf(out, "%s%-2s %6" PRIu32 " %6" PRIu32 " %-*s %-*s %s\n", udp ? "udp" : "tcp",
          is_ipv6(c) ? "6" : "4", c->receive_queue, c->send_queue, BSD_ADDRESS, local,
          BSD_ADDRESS, peer, udp ? "" : lens_state_name(c->state, LENS_BSD));
}

void format_bsd(FILE *out, const struct format_rows *rows)
{
  fprintf(out, "Active Internet connections (including servers)\n"
          "%-5s %-6s %-6s %-*s %-*s (state)\n", "Proto", "Recv-Q", "Send-Q", BSD_ADDRESS,
          "Local Address", BSD_ADDRESS, "Foreign Address");
  for (size_t i = 0; i < rows->n; i++)
    bsd_row(out, rows->row[i]);
}
