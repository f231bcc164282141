/* api_udp.c - the la_udp_ calls. */
#include "base/be.h"
#include "stack/stack.h"

int la_udp_open(la_stack *s, la_endpoint local, void *user, la_sock *sock)
{
  struct ip_addr addr;
  struct udp_sock *udp;
  int port = local.port;

  if (!addr_fits(&local.addr))
    return -LA_EINVAL;
  addr = addr_in(&local.addr);
  if (!ip_addr_is_any(&addr) && !ip_own_find(&s->ip, &addr) && !ip_addr_is_loopback(&addr))
    return -LA_ENOADDR;
  if (port == 0)
    port = name_ephemeral_udp(s, &addr);
  else if (udp_taken(&s->udp, &addr, local.port))
    return -LA_EINUSE;
  if (port < 0)
    return port;
  udp = udp_open(&s->udp, &addr, (uint16_t)port, user, s->now);
  if (!udp)
    return retry_refuse(s, WANT_UDP_SOCK);
  waiters_served(&s->refused[WANT_UDP_SOCK], 0);
  *sock = sock_of_udp(s, udp);
  return LA_OK;
}

/* RFC 768: a sum of zero is sent as all ones. */
static uint16_t checksum_of(const struct ip_datagram *d)
{
  const uint16_t sum = ip_datagram_sum(d);

  return sum ? sum : 0xffff;
}

static int queue_datagram(la_stack *s, struct udp_sock *udp, const struct ip_addr *local,
                          const struct ip_addr *peer, uint16_t port, const void *octets,
                          uint32_t n)
{
  struct udp_header h = { udp->port, port, (uint16_t)(UDP_HEADER + n), 0 };
  struct ip_datagram *const d = ip_datagram_new(&s->ip, local, peer, IP_UDP);

  if (!d)
    return retry_refuse_udp(s, udp);
  d->head_length = (uint8_t)udp_header_write(d->head, &h);
  if (stream_write(&s->tcp.store, &d->text, octets, n) < n) {
    ip_datagram_undo(&s->ip);
    return retry_refuse_udp(s, udp);
  }
  h.checksum = checksum_of(d);
  (void)udp_header_write(d->head, &h);
  waiters_served(&s->udp.refused, pool_index(&s->udp.socks, udp));
  udp->datagrams_out++;
  udp->octets_out += n;
  udp->last_sent = s->now;
  s->udp.count[UDP_N_udp_out]++;
  return LA_OK;
}

int la_udp_send(la_stack *s, la_sock sock, la_endpoint to, const void *octets, uint32_t n)
{
  struct udp_sock *const udp = sock_udp(s, sock);
  const struct ip_dest *dest;
  struct ip_addr peer, local;

  if (!udp)
    return -LA_ESTALE;
  if (!addr_fits(&to.addr) || to.port == 0)
    return -LA_EINVAL;
  peer = addr_in(&to.addr);
  if (ip_addr_is_any(&peer) || ip_addr_is_multicast(&peer))
    return -LA_EINVAL;
  if (n > (ip_addr_is4(&peer) ? UDP_PAYLOAD_MAX : UDP6_PAYLOAD_MAX))
    return -LA_EMSGSIZE;
  if (udp->soft_error != LA_OK) {             /* RFC 1122 4.1.3.3: ICMP errors are passed up */
    const int error = udp->soft_error;

    udp->soft_error = LA_OK;
    return -error;
  }
  dest = ip_dest_find(&s->ip, &peer);
  if (!dest)
    return -LA_EUNREACH;
  if (ip_addr_is_broadcast(&s->ip, dest->iface, &peer))
    return -LA_EINVAL;
  local = udp->addr;
  if (!ip_addr_takes(&local, &peer))
    return -LA_EINVAL;
  if (ip_addr_is_any(&local) && !ip_source_for(&s->ip, dest, &local))
    return -LA_ENOADDR;
  return queue_datagram(s, udp, &local, &peer, to.port, octets, n);
}

int la_udp_recv(la_stack *s, la_sock sock, la_endpoint *from, void *octets, uint32_t max)
{
  struct udp_sock *const udp = sock_udp(s, sock);
  struct ip_addr addr;
  uint16_t port;
  int result;

  if (!udp)
    return -LA_ESTALE;
  result = udp_take(&s->udp, udp, &addr, &port, octets, max);
  if (result >= 0)
    *from = (la_endpoint){ addr_out(&addr), port };
  return result;
}

int la_udp_close(la_stack *s, la_sock sock)
{
  struct udp_sock *const udp = sock_udp(s, sock);

  if (!udp)
    return -LA_ESTALE;
  udp_close(&s->udp, udp);
  return LA_OK;
}
