/* wire_report.c - what happened on the line, in words or as one line of JSON. */
#include "wire.h"

#include <inttypes.h>
#include <stdio.h>

static double microseconds(la_time t)
{
  return (double)t / 1000;
}

static void print_json(const struct wire *w)
{
  printf("{\"seed\":%" PRIu64 ",\"seconds\":%.6f,\"ways\":[", w->seed,
         (double)(wire_now() - w->began) / (double)LA_SEC);
  for (unsigned i = 0; i < 2; i++) {
    const struct wire_way *y = &w->way[i];
    const struct link *l = &y->link;

    printf("%s{\"from\":\"%s\",\"packets_in\":%" PRIu64 ",\"octets_in\":%" PRIu64
           ",\"packets_out\":%" PRIu64 ",\"octets_out\":%" PRIu64 ",\"lost\":%" PRIu64
           ",\"queue_full\":%" PRIu64 ",\"too_big\":%" PRIu64 ",\"black_hole\":%" PRIu64,
           i ? "," : "", y->from->side, y->packets_in, y->octets_in, y->packets_out, y->octets_out,
           l->count[0][LINK_LOST], l->count[0][LINK_QUEUE_FULL], l->count[0][LINK_TOO_BIG],
           l->count[0][LINK_BLACK_HOLE]);
    printf(",\"missed\":%" PRIu64 ",\"no_memory\":%" PRIu64 ",\"refused\":%" PRIu64
           ",\"in_flight\":%zu,\"reordered\":%" PRIu64 ",\"duplicated\":%" PRIu64
           ",\"corrupted\":%" PRIu64 ",\"queue_most\":%" PRIu64, wire_end_missed(y->from),
           y->no_memory, y->refused, y->in_flight, l->reordered[0], l->duplicated[0],
           l->corrupted[0], y->queue_most);
    printf(",\"late_us\":{\"median\":%.1f,\"p99\":%.1f,\"most\":%.1f}}",
           microseconds(wire_late_by(&y->late, 0.5)), microseconds(wire_late_by(&y->late, 0.99)),
           microseconds(y->late.most));
  }
  puts("]}");
}

static void print_count(const char *what, uint64_t count)
{
  if (count > 0)
    printf(", %" PRIu64 " %s", count, what);
}

static void print_way(const struct wire_way *y)
{
  const struct link *l = &y->link;

  printf("%s > %s: %" PRIu64 " packets in, %" PRIu64 " out (%" PRIu64 " octets)", y->from->side,
         y->to->side, y->packets_in, y->packets_out, y->octets_out);
  print_count("lost", l->count[0][LINK_LOST]);
  print_count("dropped by the full queue", l->count[0][LINK_QUEUE_FULL]);
  print_count("marked by the long queue (ECN)", l->marked[0]);
  print_count("too big", l->count[0][LINK_TOO_BIG] + l->count[0][LINK_BLACK_HOLE]);
  print_count("reordered", l->reordered[0]);
  print_count("duplicated", l->duplicated[0]);
  print_count("corrupted", l->corrupted[0]);
  print_count("still on the line", y->in_flight);
  print_count("refused by the kernel", y->refused);
  print_count("lost for want of memory", y->no_memory);
  print_count("missed: the kernel's queue was full", wire_end_missed(y->from));
  printf("\n  queue at most %" PRIu64 " octets; later than planned by %.1f us (median), %.1f us "
         "(99 %%), %.1f us (most)\n", y->queue_most, microseconds(wire_late_by(&y->late, 0.5)),
         microseconds(wire_late_by(&y->late, 0.99)), microseconds(y->late.most));
}

void wire_report(const struct wire *w)
{
  if (w->json)
    print_json(w);
  else
    for (unsigned i = 0; i < 2; i++)
      print_way(&w->way[i]);
  fflush(stdout);
}
