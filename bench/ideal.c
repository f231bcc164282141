/* ideal.c - the floor of a transfer in memory: the copies and the checksums, and no protocol.
 *
 * Each segment is copied from the application into a send buffer, checksummed with 40 octets of
 * header, copied across the link, checksummed again, and copied out; every second one is answered
 * by 40 octets that are checksummed on both sides.  Segments go in windows of 32, so that the
 * caches see what they see under a real stack.
 */
#include "bench.h"

#include <string.h>

enum { HEADER = 40, WINDOW = 32, PACKET = HEADER + BENCH_MSS, ROOM = 1536 };

struct work {
  bool checksums, copies, verify;
  uint64_t moved, packets;
};

static uint8_t send_buffer[WINDOW][ROOM], receive_buffer[WINDOW][ROOM], ack[2][ROOM];
static uint8_t application[BENCH_PATTERN];

static void fill(const struct work *w, unsigned slot, uint64_t position)
{
  uint8_t *packet = send_buffer[slot];
  uint16_t sum = 0;

  if (w->copies)
    memcpy(packet + HEADER, bench_pattern() + position % BENCH_PATTERN, BENCH_MSS);
  memset(packet, 0, HEADER);
  if (w->checksums)
    sum = bench_checksum(packet, PACKET, 0);
  sum = (uint16_t)~sum;
  memcpy(packet + 36, &sum, sizeof sum);
}

static void check(const struct work *w, const uint8_t *packet, size_t n)
{
  if (w->checksums && bench_checksum(packet, n, 0) != 0xffff)
    bench_fail("a checksum is wrong");
}

static void acknowledge(struct work *w)
{
  uint16_t sum = 0;

  memset(ack[0], 0, HEADER);
  if (w->checksums)
    sum = bench_checksum(ack[0], HEADER, 0);
  sum = (uint16_t)~sum;
  memcpy(ack[0] + 36, &sum, sizeof sum);
  memcpy(ack[1], ack[0], HEADER);
  check(w, ack[1], HEADER);
  w->packets++;
}

static void drain(struct work *w, unsigned slot, uint64_t position)
{
  uint8_t *packet = w->copies ? receive_buffer[slot] : send_buffer[slot];

  check(w, packet, PACKET);
  if (w->copies)
    memcpy(application + position % (BENCH_PATTERN - BENCH_MSS), packet + HEADER, BENCH_MSS);
  if (w->copies && w->verify)
    bench_verify(position, application + position % (BENCH_PATTERN - BENCH_MSS), BENCH_MSS);
}

static void window(struct work *w)
{
  for (unsigned i = 0; i < WINDOW; i++)
    fill(w, i, w->moved + i * BENCH_MSS);
  for (unsigned i = 0; i < WINDOW && w->copies; i++)
    memcpy(receive_buffer[i], send_buffer[i], PACKET);
  for (unsigned i = 0; i < WINDOW; i++) {
    drain(w, i, w->moved + i * BENCH_MSS);
    if (i % 2 == 1)
      acknowledge(w);
  }
  w->packets += WINDOW;
  w->moved += WINDOW * BENCH_MSS;
  __asm__ volatile("" ::: "memory");
}

static void transfer(const char *mode, const struct bench_args *args, bool checksums, bool copies)
{
  struct work w = {.checksums = checksums, .copies = copies, .verify = args->verify};
  struct bench_result result = {.mode = mode, .unit = "segment"};
  double start;

  while (w.moved < BENCH_WARMUP)
    window(&w);
  w.moved = w.packets = 0;
  start = bench_seconds();
  while (w.moved < args->a * BENCH_MSS)
    window(&w);
  result.seconds = bench_seconds() - start;
  result.count = w.moved / BENCH_MSS;
  result.octets = w.moved;
  result.packets = w.packets;
  bench_report(&result);
}

static void bulk(const struct bench_args *args)
{
  transfer("bulk", args, true, true);
}

static void bulknc(const struct bench_args *args)
{
  transfer("bulknc", args, false, true);
}

static void bulkzc(const struct bench_args *args)
{
  transfer("bulkzc", args, false, false);
}

int main(int argc, char **argv)
{
  static const struct bench_mode modes[] = {
    {"bulk", "SEGMENTS", 1, bulk},
    {"bulknc", "SEGMENTS", 1, bulknc},
    {"bulkzc", "SEGMENTS", 1, bulkzc},
  };

  return bench_main(argc, argv, modes, sizeof modes / sizeof modes[0]);
}
