/* seg_text.c - packets in words, with sequence numbers counted from each direction's SYN. */
#include "seg.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool same_end(la_endpoint a, la_endpoint b)
{
  return a.port == b.port && a.addr.len == b.addr.len
         && memcmp(a.addr.octets, b.addr.octets, a.addr.len) == 0;
}

struct seg_flow *seg_flow_of(struct seg_flows *flows, const struct seg *g, unsigned *from)
{
  struct seg_flow *f = NULL;

  for (unsigned i = 0; i < flows->count && !f; i++)
    for (unsigned side = 0; side < 2; side++)
      if (same_end(flows->flow[i].end[side], g->from)
          && same_end(flows->flow[i].end[!side], g->to)) {
        f = &flows->flow[i];
        *from = side;
      }
  if (!f) {
    f = &flows->flow[flows->next++ % SEG_FLOWS];
    if (flows->count < SEG_FLOWS)
      flows->count++;
    *f = (struct seg_flow){ .end = { g->from, g->to }, .wscale = { -1, -1 } };
    *from = 0;
  }
  /* A SYN begins a new count; one without ACK also forgets the answer to an older one. */
  if (flows->distrust && f->known[*from])
    return f;
  if (g->flags & SEG_SYN && !g->fault) {
    if (!(g->flags & SEG_ACK) && f->known[*from] && f->base[*from] != g->seq)
      f->known[!*from] = false;
    f->wscale[*from] = g->wscale;
    f->base[*from] = g->seq;
    f->known[*from] = true;
  }
  if (!f->known[*from] && !g->fault) {
    f->base[*from] = g->seq;
    f->known[*from] = true;
  }
  if (!f->known[!*from] && g->flags & SEG_ACK && !g->fault) {
    f->base[!*from] = g->ack - 1;
    f->known[!*from] = true;
  }
  return f;
}

size_t seg_flags_text(uint8_t flags, char *text, size_t size)
{
  static const struct { uint8_t flag; const char *name; } names[] = {
    { SEG_SYN, "SYN" }, { SEG_FIN, "FIN" }, { SEG_RST, "RST" }, { SEG_PSH, "PSH" },
    { SEG_ACK, "ACK" }, { SEG_URG, "URG" }, { SEG_ECE, "ECE" }, { SEG_CWR, "CWR" },
  };
  size_t n = 0;

  text[0] = '\0';
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (flags & names[i].flag && n + 5 < size)
      n += (size_t)snprintf(text + n, size - n, "%s%s", n ? "," : "", names[i].name);
  if (n == 0)
    n = (size_t)snprintf(text, size, "no flags");
  return n;
}

struct words { char *text; size_t n, size; };

__attribute__((format(printf, 2, 3))) static void say(struct words *w, const char *format, ...)
{
  va_list list;
  int n;

  va_start(list, format);
  n = vsnprintf(w->text + w->n, w->size - w->n, format, list);
  va_end(list);
  if (n > 0)
    w->n = w->n + (size_t)n < w->size ? w->n + (size_t)n : w->size - 1;
}

/* Options of SYNs are all of interest; of later segments only SACK is. */
static void say_options(struct words *w, const struct seg *g, uint32_t ack_base)
{
  const char *between = "";

  bool in_syn = g->mss || g->wscale >= 0 || g->sack_ok || g->timestamps;

  if (g->sacks == 0 && !(g->flags & SEG_SYN && in_syn))
    return;
  say(w, " <");
  if (g->mss) {
    say(w, "mss %u", g->mss);
    between = ",";
  }
  if (g->wscale >= 0) {
    say(w, "%sws %d", between, g->wscale);
    between = ",";
  }
  if (g->sack_ok) {
    say(w, "%ssackOK", between);
    between = ",";
  }
  if (g->timestamps && g->flags & SEG_SYN) {
    say(w, "%sts", between);
    between = ",";
  }
  for (unsigned i = 0; i < g->sacks; i++) {
    say(w, "%s%u-%u", i ? "," : between[0] ? ",sack " : "sack ", g->sack[i].left - ack_base,
        g->sack[i].right - ack_base);
  }
  say(w, ">");
}

/* Numbers of another incarnation are far from this one's, and tell nothing. */
static void say_number(struct words *w, const char *name, uint32_t number, uint32_t base)
{
  enum { FAR = 1 << 26 };
  int relative = (int)(number - base);

  if (relative > FAR || relative < -FAR)
    say(w, " %s=(old)", name);
  else
    say(w, " %s=%d", name, relative);
}

static void say_tcp(struct words *w, const struct seg *g, struct seg_flows *flows)
{
  unsigned from;
  struct seg_flow *f = seg_flow_of(flows, g, &from);
  bool scaled = f->wscale[0] >= 0 && f->wscale[1] >= 0 && !(g->flags & SEG_SYN);
  char flags[40];

  seg_flags_text(g->flags, flags, sizeof flags);
  say(w, "%s", flags);
  say_number(w, "seq", g->seq, f->base[from]);
  if (g->flags & SEG_ACK)
    say_number(w, "ack", g->ack, f->base[!from]);
  if (g->text)
    say(w, " len=%u", g->text);
  if (!(g->flags & SEG_RST))
    say(w, " win=%u", (unsigned)g->window << (scaled ? f->wscale[from] : 0));
  if (g->flags & SEG_URG)
    say(w, " urg=%u", g->urgent);
  say_options(w, g, f->base[!from]);
}

static void say_icmp6(struct words *w, const struct seg *g)
{
  if (g->icmp_type == 2)
    say(w, "ICMP packet too big, next MTU %u", g->icmp_mtu);
  else if (g->icmp_type == 1)
    say(w, "ICMP destination unreachable, code %u", g->icmp_code);
  else if (g->icmp_type == 128)
    say(w, "ICMP echo request len=%u", g->text);
  else if (g->icmp_type == 129)
    say(w, "ICMP echo reply len=%u", g->text);
  else
    say(w, "ICMPv6 type %u code %u", g->icmp_type, g->icmp_code);
}

static void say_icmp(struct words *w, const struct seg *g)
{
  if (g->six)
    say_icmp6(w, g);
  else if (g->icmp_type == 3 && g->icmp_code == 4)
    say(w, "ICMP fragmentation needed, next MTU %u", g->icmp_mtu);
  else if (g->icmp_type == 3)
    say(w, "ICMP destination unreachable, code %u", g->icmp_code);
  else if (g->icmp_type == 8)
    say(w, "ICMP echo request len=%u", g->text);
  else if (g->icmp_type == 0)
    say(w, "ICMP echo reply len=%u", g->text);
  else
    say(w, "ICMP type %u code %u", g->icmp_type, g->icmp_code);
}

size_t seg_text(const struct seg *g, struct seg_flows *flows, char *text, size_t size)
{
  struct words w = { text, 0, size };
  char addr[LA_ADDR_TEXT];

  text[0] = '\0';
  switch (g->kind) {
  case SEG_TCP:
    say_tcp(&w, g, flows);
    break;
  case SEG_UDP:
    say(&w, "UDP %u > %u len=%u", g->from.port, g->to.port, g->text);
    break;
  case SEG_ICMP:
    say_icmp(&w, g);
    break;
  case SEG_ND:
    say(&w, "neighbour discovery, type %u", g->icmp_type);
    break;
  case SEG_ARP:
    la_addr_text(g->arp_operation == 1 ? g->to.addr : g->from.addr, addr, sizeof addr);
    say(&w, g->arp_operation == 1 ? "ARP who has %s?" : "ARP %s is here", addr);
    break;
  case SEG_FRAGMENT:
    say(&w, "IP fragment len=%u", g->text);
    break;
  case SEG_OTHER:
    say(&w, "packet");
    break;
  }
  if (g->fault)
    say(&w, " (%s)", g->fault);
  return w.n;
}
