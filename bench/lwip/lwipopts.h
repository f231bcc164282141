/* lwipopts.h - lwIP tuned for the comparison: what is not measured is off, what is measured has
 * the fastest setting found.  Every value below was tried against its neighbours with bench/run.
 */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

/* One thread, no operating system, the raw interface: lwIP's fastest shape. */
#define NO_SYS                        1
#define SYS_LIGHTWEIGHT_PROT          0
#define LWIP_NETCONN                  0
#define LWIP_SOCKET                   0
#define LWIP_TIMERS                   1

/* IPv4 and TCP alone. */
#define LWIP_IPV4                     1
#define LWIP_IPV6                     0
#define LWIP_ARP                      0
#define LWIP_ETHERNET                 0
#define LWIP_RAW                      0
#define LWIP_UDP                      0
#define LWIP_ICMP                     1
#define LWIP_IGMP                     0
#define LWIP_DHCP                     0
#define LWIP_DNS                      0
#define IP_REASSEMBLY                 0
#define IP_FRAG                       0
#define IP_OPTIONS_ALLOWED            1
#define LWIP_TCP                      1

/* Windows: 44 segments stay in the caches; more makes lwIP walk longer lists, not go faster. */
#define TCP_MSS                       1460
#define LWIP_WND_SCALE                1
#ifndef BENCH_WINDOW_SEGMENTS
#define BENCH_WINDOW_SEGMENTS         44
#define BENCH_RCV_SCALE               2
#define BENCH_SACK                    0
#endif
#define TCP_RCV_SCALE                 BENCH_RCV_SCALE
#define TCP_SNDLOWAT                  (8 * TCP_MSS)  /* only its socket layer looks at it */
#define TCP_WND                       (BENCH_WINDOW_SEGMENTS * TCP_MSS)
#define TCP_SND_BUF                   (BENCH_WINDOW_SEGMENTS * TCP_MSS)
#define TCP_SND_QUEUELEN              (4 * BENCH_WINDOW_SEGMENTS)
#define MEMP_NUM_TCP_SEG              4096
#define TCP_QUEUE_OOSEQ               1
#define TCP_OVERSIZE                  TCP_MSS
#define LWIP_TCP_TIMESTAMPS           0
#define LWIP_TCP_SACK_OUT             BENCH_SACK
#define TCP_LISTEN_BACKLOG            0

/* Memory: pools for everything; the C library's allocator costs 300 instructions a segment more. */
#define MEM_ALIGNMENT                 8
#define MEM_LIBC_MALLOC               0
#define MEM_USE_POOLS                 1
#define MEMP_USE_CUSTOM_POOLS         1
#define MEMP_MEM_MALLOC               0
#define MEMP_NUM_TCP_PCB              64
#define MEMP_NUM_TCP_PCB_LISTEN       8
#define MEMP_NUM_PBUF                 4096
#define PBUF_POOL_SIZE                4096
#define PBUF_POOL_BUFSIZE             1536

/* Checksums: switched per interface, so that one binary serves all columns (12 instructions a
 * packet); the sum itself is the port's, see chksum.c. */
#define LWIP_CHECKSUM_CTRL_PER_NETIF  1
#define LWIP_CHECKSUM_ON_COPY         0

/* Nothing that only watches. */
#define LWIP_STATS                    0
#define LWIP_NOASSERT                 1
#define LWIP_NETIF_LOOPBACK           0
#define LWIP_HAVE_LOOPIF              0

#endif
