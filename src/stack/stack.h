/* stack.h - what is behind la_stack, and what the files of this room ask of each other.  The
 * rooms below know nothing of each other; here they are joined. */
#ifndef LA_STACK_STACK_H
#define LA_STACK_STACK_H
#include "ip/ip.h"
#include "lastack.h"
#include "tcp/tcp.h"
#include "udp/udp.h"

/* ---- demux.c: tables from a hash to a number ---- */
/* Open addressing, at most half full. A slot is 8 octets, so that a search looks at one cache line
 * and then at the object that it names. */
struct demux_slot { uint32_t tag, what; };    /* what 0: empty */
struct demux { struct demux_slot *slots; uint32_t mask, used; };

#define DEMUX_TIME_WAIT UINT32_C(0x80000000)  /* in `what`: index + 1 of a record, not of a TCB */

size_t   demux_octets(uint32_t entries);
void     demux_init(struct demux *d, void *memory, uint32_t entries);
void     demux_insert(struct demux *d, uint32_t tag, uint32_t what);
void     demux_erase(struct demux *d, uint32_t tag, uint32_t what);      /* it must be there */

/* The next number with this tag from *at on (begin with the tag); 0: no more. */
static inline uint32_t demux_next(const struct demux *d, uint32_t tag, uint32_t *at)
{
  for (uint32_t i = *at & d->mask;; i = (i + 1) & d->mask) {
    const struct demux_slot slot = d->slots[i];

    if (slot.what == 0 || slot.tag == tag) {
      *at = i + 1;
      return slot.what;
    }
  }
}

/* ---- the stack ---- */
/* A packet that waits for a neighbour's answer. */
struct parked { struct list link; la_pkt pkt; };

/* What a call that belongs to no socket may be refused for want of. */
enum stack_want {
  WANT_SLAB, WANT_FOREIGN_SLAB, WANT_TCP_SOCK, WANT_UDP_SOCK, STACK_WANT_COUNT
};

#define STACK_MAGIC UINT64_C(0x6b63617473616c31)

struct la_stack {
  uint64_t magic;
  size_t   size;                /* of the whole block */
  la_time  now;
  la_config config;
  struct slabs slabs;
  struct pool chunks, parked;
  struct tcp tcp;
  struct ip ip;
  struct udp udp;
  struct demux pairs;           /* connections and TIME-WAIT records, by both ends */
  struct demux names;           /* sockets with a name and no peer, by port */
  struct hash_key pair_key, port_key;
  uint32_t *port_users, port_mask;            /* how many have a local port of this bucket */
  uint32_t port_counter;        /* RFC 6056 3.3.4 */
  la_pkt  *loop;                /* a ring of packets to ourselves */
  uint32_t loop_size, loop_first, loop_count, loop_peak;
  uint32_t check_at;            /* the next control block to check, in builds that do */
  struct waiters refused[STACK_WANT_COUNT];   /* of one each, the application: in */
  uint64_t refused_bits[STACK_WANT_COUNT];
  la_sock  event_sock;          /* whose events are being handed out, */
  void    *event_user;
  uint8_t  event_bits;          /* and those still to come */
  int16_t  event_error;
  bool     pressed;             /* the application has been told that slabs are short */
};

/* Handles: a kind, a generation of 28 bits, an index. */
enum sock_kind { SOCK_NONE, SOCK_TCP, SOCK_TIME_WAIT, SOCK_UDP };

static inline la_sock sock_of(enum sock_kind kind, uint32_t generation, uint32_t index)
{
  const uint64_t high = (uint32_t)kind << 28 | (generation & UINT32_C(0x0fffffff));

  return (la_sock){ high << 32 | index };
}

static inline unsigned sock_kind(la_sock sock)   { return (unsigned)(sock.bits >> 60); }
static inline uint32_t sock_index(la_sock sock)  { return (uint32_t)sock.bits; }

/* ---- sock.c ---- */
la_sock sock_of_tcb(const la_stack *s, const struct tcb *tcb);
la_sock sock_of_udp(const la_stack *s, const struct udp_sock *sock);
/* NULL: stale. */
struct tcb *sock_tcb(const la_stack *s, la_sock sock);
struct time_wait *sock_time_wait(const la_stack *s, la_sock sock);
struct udp_sock *sock_udp(const la_stack *s, la_sock sock);

/* ---- stack.c ---- */
/* Every call begins with the time, and ends by giving back what is over. */
void stack_time(la_stack *s, la_time now);
void stack_reap_finished(la_stack *s);

static inline void stack_reap(la_stack *s)
{
  if (!list_empty(&s->tcp.finished))
    stack_reap_finished(s);
}

/* After each call into tcp for a control block: out of the tables if it is CLOSED. */
void stack_settle(la_stack *s, struct tcb *tcb);

/* ---- pair.c: who has which pair of ends ---- */
uint32_t pair_hash(const la_stack *s, const struct ends *ends);
uint32_t pair_find(la_stack *s, const struct ends *ends, uint32_t hash); /* `what`; 0: nobody */
uint32_t pair_what(const la_stack *s, const struct tcb *tcb);
struct tcb *pair_tcb(const la_stack *s, uint32_t what);
struct time_wait *pair_time_wait(const la_stack *s, uint32_t what);
void pair_insert_tcb(la_stack *s, struct tcb *tcb);
void pair_insert_time_wait(la_stack *s, struct time_wait *tw);
void pair_erase_time_wait(la_stack *s, const struct time_wait *tw);

/* ---- name.c: who has which local name ---- */
void name_port_used(la_stack *s, uint16_t port);
void name_port_unused(la_stack *s, uint16_t port);
struct tcb *name_listener(const la_stack *s, const struct ip_addr *addr, uint16_t port);
/* 0 or -LA_EINUSE: the rule of bind, and the same of listen. */
int  name_free_for(const la_stack *s, const struct tcb *tcb, const struct ip_addr *addr,
                   uint16_t port);
int  name_listen_for(const la_stack *s, const struct tcb *tcb);
void name_take(la_stack *s, struct tcb *tcb, uint16_t port);
void name_leave(la_stack *s, struct tcb *tcb);       /* its table, but it keeps its port */
void name_give(la_stack *s, struct tcb *tcb);        /* leaves its table, and its port */
/* A port, or -LA_ENOPORT: to connect, to bind or listen, for UDP. */
int  name_ephemeral(la_stack *s, const struct ends *ends);
int  name_ephemeral_bind(la_stack *s, const struct tcb *tcb, const struct ip_addr *addr);
int  name_ephemeral_udp(la_stack *s, const struct ip_addr *addr);

/* ---- retry.c: who was refused something, and when there is some again ---- */
void retry_init(la_stack *s);
int  retry_refuse(la_stack *s, enum stack_want want);            /* minus what it is answered */
int  retry_refuse_udp(la_stack *s, const struct udp_sock *sock);           /* -LA_ENOBUF */
bool retry_due(const la_stack *s);
bool retry_take(la_stack *s, la_event *event);                   /* false: nobody is to be told */

/* ---- packet.c: going out ---- */
/* Each fills in *pkt: true, or false when the packet went elsewhere (parked, looped, dropped). */
bool packet_tcp(la_stack *s, struct tcb *tcb, const struct tcp_out *out, la_pkt *pkt);
bool packet_reply(la_stack *s, const struct tcp_reply *reply, la_pkt *pkt);
bool packet_ip(la_stack *s, const struct ip_packet *packet, la_pkt *pkt);
bool packet_frame(la_stack *s, la_pkt *pkt);                     /* false: there is none */
bool packet_unparked(la_stack *s, la_pkt *pkt);                  /* false: there is none */
void packet_release(la_stack *s, la_pkt *pkt);
struct tcp_path packet_path(const struct ip *ip, const struct ip_dest *dest);

/* ---- input.c ---- */
size_t input_run(la_stack *s, la_pkt *pkts, size_t n);

/* ---- addr.c: the public types and ours ---- */
struct ip_addr addr_in(const la_addr *addr);                     /* len 0: any */
la_addr addr_out(const struct ip_addr *addr);
bool addr_fits(const la_addr *addr);                             /* its len is 0, 4 or 16 */

#endif
