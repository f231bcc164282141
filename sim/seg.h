/* seg.h - a packet as the simulator sees it: its own reading and writing of IPv4, IPv6, TCP, UDP,
 * ICMP, ARP and neighbour discovery, so that the stack is never judged by its own parser. */
#ifndef LA_SIM_SEG_H
#define LA_SIM_SEG_H
#include "lastack.h"

enum seg_flag {
  SEG_FIN = 1, SEG_SYN = 2, SEG_RST = 4, SEG_PSH = 8, SEG_ACK = 16, SEG_URG = 32, SEG_ECE = 64,
  SEG_CWR = 128
};
enum seg_kind { SEG_OTHER, SEG_ARP, SEG_FRAGMENT, SEG_TCP, SEG_UDP, SEG_ICMP,
                SEG_ND };
enum { SEG_SACKS = 4, SEG_TEXT = 200, SEG_PACKET_MAX = 2048 };

struct seg {
  enum seg_kind kind;
  const char   *fault;              /* what is wrong with it, in words; NULL: nothing */
  la_endpoint   from, to;
  uint32_t      ip_offset, ip_length;
  bool          dont_fragment, six; /* six: of IPv6 */
  uint8_t       flags;              /* enum seg_flag */
  uint32_t      seq, ack, text;     /* absolute numbers; octets of text */
  uint32_t      text_offset;        /* of the text, from the packet's first octet */
  uint16_t      window, urgent;
  uint16_t      mss;                /* options; 0: absent */
  int           wscale;             /* -1: absent */
  bool          sack_ok, timestamps;
  uint32_t      ts_value, ts_echo;
  unsigned      sacks;
  struct { uint32_t left, right; } sack[SEG_SACKS];
  uint8_t       icmp_type, icmp_code;
  uint16_t      icmp_mtu;           /* of a fragmentation-needed */
  uint16_t      arp_operation;
};

/* Read a whole packet. The answer is in `kind` and `fault`; nothing is left unset. */
void seg_read(struct seg *g, enum la_medium medium, const uint8_t *octets, size_t n);

/* Sequence numbers count from the SYN of each direction, as people read them. */
enum { SEG_FLOWS = 64 };
struct seg_flow {
  la_endpoint end[2];
  bool        known[2];
  uint32_t    base[2];
  int         wscale[2];            /* -1: no SYN was seen, or it did not offer to scale */
};
struct seg_flows {
  struct seg_flow flow[SEG_FLOWS];
  unsigned count, next;
  bool     distrust;                /* what comes now is forged: do not learn from it */
};

/* The flow of a segment, after learning from it (a SYN begins a new count), and which of its two
 * ends sent it. */
struct seg_flow *seg_flow_of(struct seg_flows *flows, const struct seg *g, unsigned *from);

/* The packet in words, at most SEG_TEXT octets: "SYN,ACK seq=0 ack=1 win=65535 <mss 1460>". */
size_t seg_text(const struct seg *g, struct seg_flows *flows, char *text, size_t size);
size_t seg_flags_text(uint8_t flags, char *text, size_t size);

/* Building. Lengths and checksums are computed; the packet's length is returned. */
struct seg_make {
  la_endpoint from, to;
  uint8_t     flags;
  uint32_t    seq, ack;
  uint16_t    window;
  uint16_t    mss;                  /* 0: no option */
  const uint8_t *text;
  uint32_t    length;
};
size_t seg_make_tcp(const struct seg_make *m, uint8_t *octets, size_t size);

/* What a router says of a packet that is too big: ICMP type 3 code 4, or ICMPv6
 * type 2, with its first octets. */
size_t seg_make_too_big(la_addr router, uint16_t mtu, const uint8_t *ip, size_t n,
                        uint8_t *octets, size_t size);

/* The Internet checksum of RFC 1071, over octets that may be in two pieces. */
uint16_t seg_checksum(uint32_t start, const uint8_t *octets, size_t n);

#endif
