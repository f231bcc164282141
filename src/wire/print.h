/* wire/print.h - a packet as one line of text, much as tcpdump words it. */
#ifndef LA_WIRE_PRINT_H
#define LA_WIRE_PRINT_H
#include "base/text.h"

/* Taken off TCP's sequence numbers, and off its acknowledgments and SACK edges. */
struct print_bases { uint32_t seq, ack; };

/* A packet that begins with an IP header of either family. Total over any octets. */
void print_ip(struct text *t, const uint8_t *octets, size_t n, const struct print_bases *bases);

/* The same behind an Ethernet header, ARP included. */
void print_ether(struct text *t, const uint8_t *octets, size_t n, const struct print_bases *bases);

#endif
