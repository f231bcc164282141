/* name.c - who has which local name and which pair of ends.
 *
 * The rule of bind and listen (scenario 18). Two local names overlap if their ports are equal and
 * their addresses are equal or one of them is any of the other's family. A name is refused
 *   - if it overlaps a listener's: a SYN could be meant for either;
 *   - if it overlaps the name of a socket that has no peer yet, unless both sockets have
 *     LA_OPT_REUSEADDR (they may connect to different peers; only one of them may listen);
 *   - if it overlaps the local end of a connection or of a TIME-WAIT, unless the new socket has
 *     LA_OPT_REUSEADDR: those have peers, and are told apart by them.
 * An ephemeral port (RFC 6056) is one that nobody without a peer has, and whose pair with the
 * peer is free; a pair in TIME-WAIT is not free (scenario 17). */
#include "base/need.h"
#include "stack/stack.h"

static uint32_t name_tag(uint16_t port)
{
  return port * UINT32_C(0x9e3779b1);
}

/* ---- ports, counted ---- */

void name_port_used(la_stack *s, uint16_t port)
{
  s->port_users[port & s->port_mask]++;
}

void name_port_unused(la_stack *s, uint16_t port)
{
  need(s->port_users[port & s->port_mask] > 0);
  s->port_users[port & s->port_mask]--;
}

void name_take(la_stack *s, struct tcb *tcb, uint16_t port)
{
  need(!(tcb->flags & TCB_BOUND));
  tcb->ends.local_port = port;
  tcb->flags |= TCB_BOUND;
  name_port_used(s, port);
  demux_insert(&s->names, name_tag(port), pair_what(s, tcb));
}

void name_leave(la_stack *s, struct tcb *tcb)
{
  if (tcb->flags & TCB_IN_DEMUX)
    demux_erase(&s->pairs, tcb->hash, pair_what(s, tcb));
  else if (tcb->flags & TCB_BOUND)
    demux_erase(&s->names, name_tag(tcb->ends.local_port), pair_what(s, tcb));
  tcb->flags &= ~(uint32_t)TCB_IN_DEMUX;
}

void name_give(la_stack *s, struct tcb *tcb)
{
  if (!(tcb->flags & TCB_BOUND))
    return;
  name_leave(s, tcb);
  tcb->flags &= ~(uint32_t)TCB_BOUND;
  name_port_unused(s, tcb->ends.local_port);
}

/* ---- sockets without a peer ---- */

/* A name of any address, and whether it speaks for this one, which may be any itself: of its
 * family, or of both unless the socket has LA_OPT_V6ONLY. */
static bool any_takes(const struct ip_addr *name, bool six_only, const struct ip_addr *addr)
{
  return ip_addr_is_any(name) && ip_addr_takes(name, addr) && !(six_only && ip_addr_is4(addr));
}

struct tcb *name_listener(const la_stack *s, const struct ip_addr *addr, uint16_t port)
{
  struct tcb *of_any = NULL;
  uint32_t at = name_tag(port), what;

  while ((what = demux_next(&s->names, name_tag(port), &at)) != 0) {
    struct tcb *const tcb = pair_tcb(s, what);

    if (tcb->state != TCP_LISTEN || tcb->ends.local_port != port)
      continue;
    if (ip_addr_eq(&tcb->ends.local, addr))
      return tcb;
    if (any_takes(&tcb->ends.local, tcb->habits->six_only, addr))
      of_any = tcb;
  }
  return of_any;
}

static bool overlap(const struct ip_addr *a, bool a_six_only, const struct ip_addr *b,
                    bool b_six_only)
{
  return any_takes(a, a_six_only, b) || any_takes(b, b_six_only, a) || ip_addr_eq(a, b);
}

/* Whether a socket without a peer, other than `tcb`, stands in the way. */
static bool name_refused(const la_stack *s, const struct tcb *tcb, const struct ip_addr *addr,
                         uint16_t port, bool listeners_only)
{
  uint32_t at = name_tag(port), what;

  while ((what = demux_next(&s->names, name_tag(port), &at)) != 0) {
    const struct tcb *const other = pair_tcb(s, what);

    if (other == tcb || other->ends.local_port != port ||
        !overlap(&other->ends.local, other->habits->six_only, addr, tcb->habits->six_only))
      continue;
    if (other->state == TCP_LISTEN)
      return true;
    if (!listeners_only && !(tcb->habits->reuse && other->habits->reuse))
      return true;
  }
  return false;
}

/* Whether a connection or a TIME-WAIT has the local name. The count of the port's bucket spares
 * nearly all searches; a search looks at every one. */
static bool pairs_have(const la_stack *s, const struct ip_addr *addr, bool six_only,
                       uint16_t port)
{
  if (s->port_users[port & s->port_mask] == 0)
    return false;
  for (uint32_t i = 0; i <= s->pairs.mask; i++) {
    const uint32_t what = s->pairs.slots[i].what;

    if (what == 0)
      continue;
    const struct tcb *const tcb = pair_tcb(s, what);
    const struct ends *const ends = tcb ? &tcb->ends : &pair_time_wait(s, what)->ends;

    if (tcb && tcb->state == TCP_CLOSED)
      continue;
    if (ends->local_port == port && overlap(&ends->local, false, addr, six_only))
      return true;
  }
  return false;
}

int name_free_for(const la_stack *s, const struct tcb *tcb, const struct ip_addr *addr,
                  uint16_t port)
{
  if (name_refused(s, tcb, addr, port, false))
    return -LA_EINUSE;
  if (!tcb->habits->reuse && pairs_have(s, addr, tcb->habits->six_only, port))
    return -LA_EINUSE;
  return LA_OK;
}

int name_listen_for(const la_stack *s, const struct tcb *tcb)
{
  return name_refused(s, tcb, &tcb->ends.local, tcb->ends.local_port, true) ? -LA_EINUSE : LA_OK;
}

/* ---- ephemeral ports ---- */

static uint32_t range_of(const la_stack *s)
{
  return (uint32_t)s->config.port_last - s->config.port_first + 1;
}

static la_endpoint endpoint_of(const struct ip_addr *addr, uint16_t port)
{
  return (la_endpoint){ addr_out(addr), port };
}

static bool pair_free(la_stack *s, const struct ends *ends)
{
  const la_config *const c = &s->config;

  if (c->instances > 1 &&
      la_flow_hash(c->secret, endpoint_of(&ends->local, ends->local_port),
                   endpoint_of(&ends->peer, ends->peer_port)) % c->instances != c->instance)
    return false;
  if (s->port_users[ends->local_port & s->port_mask] == 0)
    return true;
  uint32_t at = name_tag(ends->local_port), what;

  while ((what = demux_next(&s->names, name_tag(ends->local_port), &at)) != 0)
    if (pair_tcb(s, what)->ends.local_port == ends->local_port)
      return false;
  return pair_find(s, ends, pair_hash(s, ends)) == 0;
}

/* RFC 6056 3.3.3, algorithm 3: a keyed hash of the addresses and the peer's port says where to
 * begin, and a counter goes on from there, so that ports towards one peer are not soon repeated
 * and nobody else can predict them. */
int name_ephemeral(la_stack *s, const struct ends *ends)
{
  struct ends pair = *ends;
  uint64_t words[5];

  memcpy(words, ends->local.octets, 16);
  memcpy(words + 2, ends->peer.octets, 16);
  words[4] = ends->peer_port;
  const uint32_t offset = (uint32_t)hash_words(s->port_key, words, 5);

  for (uint32_t tries = range_of(s); tries > 0; tries--) {
    pair.local_port = (uint16_t)(s->config.port_first + (offset + s->port_counter++) % range_of(s));
    if (pair_free(s, &pair))
      return pair.local_port;
  }
  return -LA_ENOPORT;
}

int name_ephemeral_bind(la_stack *s, const struct tcb *tcb, const struct ip_addr *addr)
{
  const uint32_t offset = (uint32_t)hash_words(s->port_key, &(uint64_t){ 0 }, 1);

  for (uint32_t tries = range_of(s); tries > 0; tries--) {
    const uint16_t port =
      (uint16_t)(s->config.port_first + (offset + s->port_counter++) % range_of(s));

    if (s->port_users[port & s->port_mask] == 0 || name_free_for(s, tcb, addr, port) == LA_OK)
      return port;
  }
  return -LA_ENOPORT;
}

int name_ephemeral_udp(la_stack *s, const struct ip_addr *addr)
{
  const uint32_t offset = (uint32_t)hash_words(s->port_key, &(uint64_t){ LA_UDP }, 1);

  for (uint32_t tries = range_of(s); tries > 0; tries--) {
    const uint16_t port =
      (uint16_t)(s->config.port_first + (offset + s->port_counter++) % range_of(s));

    if (!udp_taken(&s->udp, addr, port))
      return port;
  }
  return -LA_ENOPORT;
}
