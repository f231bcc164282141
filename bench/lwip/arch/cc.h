/* cc.h - the compiler's side of lwIP's port. */
#ifndef BENCH_LWIP_CC_H
#define BENCH_LWIP_CC_H

#include <stdint.h>

/* Without this lwIP's own algorithm 3 is used; see chksum.c. */
uint16_t bench_lwip_chksum(const void *octets, int length);
#define LWIP_CHKSUM bench_lwip_chksum

#define lwip_htons(x) __builtin_bswap16((uint16_t)(x))
#define lwip_htonl(x) __builtin_bswap32((uint32_t)(x))

/* The same ports and initial sequence numbers in every run. */
uint32_t bench_lwip_random(void);
#define LWIP_RAND() bench_lwip_random()

#endif
