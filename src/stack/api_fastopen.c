/* api_fastopen.c - the calls of TCP Fast Open, RFC 7413: what a SYN may carry, keys, and what is
 * known of servers. */
#include "stack/stack.h"

static struct tcb *held(const la_stack *s, la_sock sock)
{
  struct tcb *const tcb = sock_tcb(s, sock);

  return tcb && tcb->flags & TCB_HELD ? tcb : NULL;
}

int la_tcp_fastopen_room(la_stack *s, la_sock sock, la_endpoint peer)
{
  const struct tcb *const tcb = held(s, sock);
  const struct ip_dest *dest;
  struct ip_addr to;
  struct tcp_path path;

  if (!tcb)
    return -LA_ESTALE;
  if (!addr_fits(&peer.addr) || peer.addr.len == 0)
    return -LA_EINVAL;
  to = addr_in(&peer.addr);
  dest = ip_dest_find(&s->ip, &to);
  if (!dest)
    return -LA_EUNREACH;
  path = packet_path(&s->ip, dest);
  return (int)tcp_fastopen_room(&s->tcp, tcb, &to, &path);
}

int la_tcp_fastopen_key(la_stack *s, la_sock sock, const uint8_t *octets, uint32_t n)
{
  const struct tcb *const tcb = held(s, sock);

  if (sock.bits == 0)
    return tcp_fastopen_key(&s->tcp, NULL, octets, n);
  if (!tcb)
    return -LA_ESTALE;
  if (tcb->state != TCP_LISTEN && tcb->flags & TCB_OPENED)
    return -LA_ESTATE;
  return tcp_fastopen_key(&s->tcp, tcb, octets, n);
}

int la_fastopen_get(const la_stack *s, unsigned n, la_fastopen *known)
{
  const struct fastopen_peer *const peer = tcp_fastopen_peer(&s->tcp, n);

  if (!peer)
    return -LA_EINVAL;
  *known = (la_fastopen){
    .peer = addr_out(&peer->peer), .cookie_length = peer->cookie.length,
    .experimental = peer->cookie.experimental, .mss = peer->mss, .refusals = peer->refusals,
    .refused_until = peer->refused_until,
  };
  memcpy(known->cookie, peer->cookie.octets, peer->cookie.length);
  return LA_OK;
}

/* RFC 7413 4.1.1; none is one, too: of a server that has refused. */
static bool is_cookie_length(uint8_t n)
{
  return n == 0 || (n >= 4 && n <= 16 && n % 2 == 0);
}

int la_fastopen_set(la_stack *s, const la_fastopen *known)
{
  struct fastopen_peer peer = {
    .mss = known->mss, .refusals = known->refusals, .refused_until = known->refused_until,
    .cookie = { .length = known->cookie_length, .experimental = known->experimental },
  };

  if (!addr_fits(&known->peer) || known->peer.len == 0 || !is_cookie_length(known->cookie_length))
    return -LA_EINVAL;
  peer.peer = addr_in(&known->peer);
  if (ip_addr_is_any(&peer.peer))
    return -LA_EINVAL;
  memcpy(peer.cookie.octets, known->cookie, known->cookie_length);
  return tcp_fastopen_learn(&s->tcp, &peer) ? LA_OK : -LA_ENOROOM;
}

void la_fastopen_forget(la_stack *s) { tcp_fastopen_forget(&s->tcp); }
