/* api_tcp.c - the la_tcp_ calls: a handle becomes a control block, names and ways are found, and
 * src/tcp does the rest. */
#include "stack/stack.h"

enum { FRAGS_AT_ONCE = LA_SEND_FRAGS };

static struct tcb *held(const la_stack *s, la_sock sock)
{
  if (sock_index(sock) < s->tcp.tcbs.fresh)
    tcp_prefetch(&s->tcp, sock_index(sock));
  struct tcb *const tcb = sock_tcb(s, sock);

  return tcb && tcb->flags & TCB_HELD ? tcb : NULL;
}

/* After a call: its result, once what it ended has left the tables. */
static int after(la_stack *s, struct tcb *tcb, int result)
{
  stack_settle(s, tcb);
  stack_reap(s);
  return result;
}

int la_tcp_open(la_stack *s, void *user, la_sock *sock)
{
  struct tcb *const tcb = tcp_tcb_new(&s->tcp);

  if (!tcb)
    return retry_refuse(s, WANT_TCP_SOCK);
  waiters_served(&s->refused[WANT_TCP_SOCK], 0);
  tcb->user = user;
  *sock = sock_of_tcb(s, tcb);
  return LA_OK;
}

/* The local address of a bind: any, or one of ours. */
static int check_local(const la_stack *s, const la_addr *addr, struct ip_addr *local)
{
  if (!addr_fits(addr))
    return -LA_EINVAL;
  *local = addr_in(addr);
  if (ip_addr_is_any(local))
    return LA_OK;
  if (ip_own_find(&s->ip, local) || ip_addr_is_loopback(local))
    return LA_OK;
  return -LA_ENOADDR;
}

/* A socket may have a name and no peer, or nothing at all; what was connected once is used up. */
static bool is_fresh(const struct tcb *tcb)
{
  return !(tcb->flags & TCB_OPENED);
}

/* Port 0 is picked later: towards a known peer there are more to pick from. */
int la_tcp_bind(la_stack *s, la_sock sock, la_endpoint local)
{
  struct tcb *const tcb = held(s, sock);
  struct ip_addr addr;
  int result;

  if (!tcb)
    return -LA_ESTALE;
  if (!is_fresh(tcb) || tcb->flags & TCB_BOUND || !ip_addr_is_any(&tcb->ends.local))
    return -LA_ESTATE;
  result = check_local(s, &local.addr, &addr);
  if (result == LA_OK && local.port != 0)
    result = name_free_for(s, tcb, &addr, local.port);
  if (result != LA_OK)
    return result;
  tcb->ends.local = addr;
  if (local.port != 0)
    name_take(s, tcb, local.port);
  return LA_OK;
}

int la_tcp_listen(la_stack *s, la_sock sock, uint32_t backlog)
{
  struct tcb *const tcb = held(s, sock);
  int port, result;

  if (!tcb)
    return -LA_ESTALE;
  if (tcb->state == TCP_LISTEN)               /* a new backlog */
    return after(s, tcb, tcp_open_passive(&s->tcp, tcb, backlog));
  if (!is_fresh(tcb))
    return -LA_ESTATE;
  if (!(tcb->flags & TCB_BOUND)) {
    port = name_ephemeral_bind(s, tcb, &tcb->ends.local);
    if (port < 0)
      return port;
    name_take(s, tcb, (uint16_t)port);
  } else if ((result = name_listen_for(s, tcb)) != LA_OK) {
    return result;
  }
  return after(s, tcb, tcp_open_passive(&s->tcp, tcb, backlog));
}

int la_tcp_accept(la_stack *s, la_sock listener, void *user, la_sock *sock)
{
  struct tcb *const tcb = held(s, listener);
  struct tcb *child;

  if (!tcb)
    return -LA_ESTALE;
  if (tcb->state != TCP_LISTEN)
    return -LA_ESTATE;
  child = tcp_accept(&s->tcp, tcb);
  if (!child)
    return -LA_EAGAIN;
  child->user = user;
  *sock = sock_of_tcb(s, child);
  return after(s, child, LA_OK);
}

/* Who speaks from where to whom; changes nothing. */
static int plan_connection(la_stack *s, const struct tcb *tcb, const la_endpoint *peer,
                           struct ends *ends, struct tcp_path *path)
{
  const struct ip_dest *dest;

  if (!addr_fits(&peer->addr) || peer->port == 0)
    return -LA_EINVAL;
  *ends = tcb->ends;
  ends->peer = addr_in(&peer->addr);
  ends->peer_port = peer->port;
  if (ip_addr_is_any(&ends->peer) || ip_addr_is_multicast(&ends->peer))
    return -LA_EINVAL;                        /* RFC 9293 3.9.2.3, MUST-46 */
  dest = ip_dest_find(&s->ip, &ends->peer);
  if (!dest)
    return -LA_EUNREACH;
  if (ip_addr_is_broadcast(&s->ip, dest->iface, &ends->peer))
    return -LA_EINVAL;
  if (!ip_addr_takes(&ends->local, &ends->peer) ||
      (tcb->habits->six_only && ip_addr_is4(&ends->peer)))
    return -LA_EINVAL;                        /* a name of the other family */
  if (ip_addr_is_any(&ends->local) && !ip_source_for(&s->ip, dest, &ends->local))
    return -LA_ENOADDR;
  *path = packet_path(&s->ip, dest);
  return LA_OK;
}

int la_tcp_connect(la_stack *s, la_sock sock, la_endpoint peer)
{
  struct tcb *const tcb = held(s, sock);
  struct ends ends;
  struct tcp_path path;
  int result;

  if (!tcb)
    return -LA_ESTALE;
  if (!is_fresh(tcb))
    return -LA_ESTATE;
  result = plan_connection(s, tcb, &peer, &ends, &path);
  if (result != LA_OK)
    return result;
  if (!(tcb->flags & TCB_BOUND)) {
    result = name_ephemeral(s, &ends);
    if (result < 0)
      return result;
    ends.local_port = (uint16_t)result;
  } else if (pair_find(s, &ends, pair_hash(s, &ends)) != 0) {
    return -LA_EINUSE;
  }
  if (ip_addr_eq(&ends.local, &ends.peer) && ends.local_port == ends.peer_port)
    return -LA_EINVAL;                        /* a connection to itself would be one end of none */
  result = tcp_steer_open(&s->tcp, tcb);
  if (result != LA_OK)
    return result;
  name_leave(s, tcb);                         /* before its ends change */
  tcb->ends = ends;
  tcb->hash = pair_hash(s, &ends);
  tcb->path = path;
  pair_insert_tcb(s, tcb);
  return after(s, tcb, tcp_open_active(&s->tcp, tcb));
}

static int send_octets(la_stack *s, la_sock sock, const void *octets, uint32_t n,
                       enum tcp_send_kind kind)
{
  struct tcb *const tcb = held(s, sock);

  if (!tcb)
    return -LA_ESTALE;
  return after(s, tcb, tcp_send(&s->tcp, tcb, octets, n, kind));
}

int la_tcp_send(la_stack *s, la_sock sock, const void *octets, uint32_t n)
{
  return send_octets(s, sock, octets, n, TCP_SEND_PLAIN);
}

int la_tcp_send_urgent(la_stack *s, la_sock sock, const void *octets, uint32_t n)
{
  return send_octets(s, sock, octets, n, TCP_SEND_URGENT);
}

int la_tcp_send_more(la_stack *s, la_sock sock, const void *octets, uint32_t n)
{
  return send_octets(s, sock, octets, n, TCP_SEND_MORE);
}

/* Fragments whose octets lie in their slabs. */
static bool frags_good(const la_frag *frags, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++)
    if (!frags[i].slab || frags[i].offset > frags[i].slab->size ||
        frags[i].length > frags[i].slab->size - frags[i].offset)
      return false;
  return true;
}

int la_tcp_send_frags(la_stack *s, la_sock sock, const la_frag *frags, uint32_t n)
{
  struct tcb *const tcb = held(s, sock);
  struct frag pieces[FRAGS_AT_ONCE];

  if (!tcb)
    return -LA_ESTALE;
  if (n > FRAGS_AT_ONCE || !frags_good(frags, n))
    return -LA_EINVAL;
  for (uint32_t i = 0; i < n; i++)
    pieces[i] = (struct frag){ frags[i].slab, frags[i].offset, frags[i].length };
  return after(s, tcb, tcp_send_frags(&s->tcp, tcb, pieces, n));
}

int la_tcp_recv(la_stack *s, la_sock sock, void *octets, uint32_t max)
{
  struct tcb *const tcb = held(s, sock);

  return tcb ? after(s, tcb, tcp_recv(&s->tcp, tcb, octets, max)) : -LA_ESTALE;
}

int la_tcp_peek(la_stack *s, la_sock sock, la_frag *frags, uint32_t max)
{
  struct tcb *const tcb = held(s, sock);
  struct frag pieces[FRAGS_AT_ONCE];
  int result;

  if (!tcb)
    return -LA_ESTALE;
  result = tcp_peek(&s->tcp, tcb, pieces, max < FRAGS_AT_ONCE ? max : FRAGS_AT_ONCE);
  for (int i = 0; i < result; i++)
    frags[i] = (la_frag){ pieces[i].slab, pieces[i].offset, pieces[i].length };
  return after(s, tcb, result);
}

int la_tcp_consume(la_stack *s, la_sock sock, uint32_t n)
{
  struct tcb *const tcb = held(s, sock);

  return tcb ? after(s, tcb, tcp_consume(&s->tcp, tcb, n)) : -LA_ESTALE;
}

int la_tcp_close(la_stack *s, la_sock sock)
{
  struct tcb *const tcb = held(s, sock);
  int result;

  if (!tcb)
    return -LA_ESTALE;
  result = tcp_close(&s->tcp, tcb);
  if (result >= 0 && tcb->state == TCP_CLOSED)
    name_give(s, tcb);                        /* a listener leaves its name as well */
  return after(s, tcb, result);
}

int la_tcp_abort(la_stack *s, la_sock sock)
{
  struct tcb *const tcb = held(s, sock);

  if (!tcb)
    return -LA_ESTALE;
  tcp_abort(&s->tcp, tcb);
  return after(s, tcb, LA_OK);
}

int la_tcp_forget(la_stack *s, la_sock sock)
{
  struct tcb *const tcb = held(s, sock);

  if (!tcb)
    return -LA_ESTALE;
  tcp_forget(&s->tcp, tcb);
  return after(s, tcb, LA_OK);
}

int la_tcp_set(la_stack *s, la_sock sock, enum la_option option, int64_t value)
{
  struct tcb *const tcb = held(s, sock);

  return tcb ? after(s, tcb, tcp_set(&s->tcp, tcb, option, value)) : -LA_ESTALE;
}

int la_tcp_get(const la_stack *s, la_sock sock, enum la_option option, int64_t *value)
{
  const struct tcb *const tcb = held(s, sock);

  return tcb ? tcp_get(&s->tcp, tcb, option, value) : -LA_ESTALE;
}
