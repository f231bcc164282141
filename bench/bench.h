/* bench.h - what every driver in this folder shares: the command line, the clock, the pattern
 * that streams are made of, and one line of JSON per measurement.
 *
 * A driver is a table of modes.  All drivers take the same words, so that bench/run can put the
 * same question to each peer:
 *
 *     bulk SEGMENTS        one stream; checksums made and verified; copied in, across and out
 *     bulknc SEGMENTS      the same without checksums
 *     bulkzc SEGMENTS      the same without checksums and without copies
 *     conn CYCLES N        connect, accept, both close; N TIME_WAIT records kept full
 *     rr TRIPS             64 octets there and back, one connection
 *     lookup N TRIPS       64 octets there and back, on 32 connections at a time drawn from N
 *     sizes                octets per connection, by object
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  BENCH_MSS = 1460,
  BENCH_RR_OCTETS = 64,
  BENCH_RR_BATCH = 32,                 /* connections of many that have something to say at once */
  BENCH_WARMUP = 2 << 20,              /* octets before the clock starts */
  BENCH_PATTERN = 1 << 16,             /* period of the stream's pattern, octets */
  BENCH_PACKET_NS = 1000               /* what one packet takes in virtual time */
};

struct bench_args {
  uint64_t a, b;                       /* the mode's numbers, in its order */
  bool verify;                         /* compare every octet that arrives */
};

struct bench_mode {
  const char *name, *arguments;
  int numbers;
  void (*run)(const struct bench_args *args);
};

int bench_main(int argc, char **argv, const struct bench_mode *modes, size_t n);

_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
double bench_seconds(void);            /* of a processor, which others' work does not lengthen */
double bench_wall_seconds(void);
/* Up to BENCH_RR_BATCH different numbers below n, in the same sequence in every peer; returns how
 * many: at most half of n, so that even few connections differ from batch to batch. */
uint32_t bench_draw(uint32_t n, uint32_t numbers[BENCH_RR_BATCH]);

const uint8_t *bench_pattern(void);    /* two periods long: any period can be read in one piece */
void bench_verify(uint64_t position, const void *octets, size_t n);
/* Zeroed, in huge pages where the kernel has them: who keeps 100,000 connections does that. */
void *bench_memory(size_t octets);
uint16_t bench_checksum(const void *octets, size_t n, uint32_t sum);

/* One measurement.  `unit` names what `count` counts; packets are those that crossed the link. */
struct bench_result {
  const char *mode, *unit;
  uint64_t count, octets, packets;
  double seconds;
};
void bench_report(const struct bench_result *result);
void bench_report_size(const char *object, size_t octets);

#endif
