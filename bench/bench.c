/* bench.c - the common part of the drivers; see bench.h. */
#include "bench.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

void bench_fail(const char *format, ...)
{
  va_list list;

  va_start(list, format);
  fputs("bench: ", stderr);
  vfprintf(stderr, format, list);
  fputc('\n', stderr);
  va_end(list);
  exit(1);
}

static double clock_seconds(clockid_t clock)
{
  struct timespec now;

  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double bench_seconds(void)
{
  return clock_seconds(CLOCK_THREAD_CPUTIME_ID);
}

double bench_wall_seconds(void)
{
  return clock_seconds(CLOCK_MONOTONIC);
}

/* xorshift64*: the draw must be the same for each peer and cost next to nothing. */
static uint32_t draw_one(uint32_t below)
{
  static uint64_t state = 0x9e3779b97f4a7c15u;

  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)(((state * 0x2545f4914f6cdd1du >> 32) * below) >> 32);
}

static bool is_in(uint32_t number, const uint32_t *numbers, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++)
    if (numbers[i] == number)
      return true;
  return false;
}

uint32_t bench_draw(uint32_t n, uint32_t numbers[BENCH_RR_BATCH])
{
  uint32_t want = n / 2 < BENCH_RR_BATCH ? n / 2 : BENCH_RR_BATCH, have = 0;

  if (want == 0)
    want = 1;
  while (have < want) {
    uint32_t number = draw_one(n);

    if (!is_in(number, numbers, have))
      numbers[have++] = number;
  }
  return have;
}

const uint8_t *bench_pattern(void)
{
  static uint8_t pattern[2 * BENCH_PATTERN];
  static bool made;
  uint32_t x = 1;

  if (made)
    return pattern;
  for (size_t i = 0; i < BENCH_PATTERN; i++) {
    x = x * 1664525u + 1013904223u;
    pattern[i] = (uint8_t)(x >> 24);
  }
  memcpy(pattern + BENCH_PATTERN, pattern, BENCH_PATTERN);
  made = true;
  return pattern;
}

void bench_verify(uint64_t position, const void *octets, size_t n)
{
  const uint8_t *at = octets;

  while (n > 0) {
    size_t some = n < BENCH_PATTERN ? n : BENCH_PATTERN;

    if (memcmp(at, bench_pattern() + position % BENCH_PATTERN, some) != 0)
      bench_fail("the stream is not what was sent, near octet %" PRIu64, position);
    at += some;
    position += some;
    n -= some;
  }
}

void *bench_memory(size_t octets)
{
  const size_t huge = 2 << 20, size = (octets + huge - 1) / huge * huge;
  void *memory = aligned_alloc(huge, size);

  if (memory == NULL)
    bench_fail("no memory for %zu octets", octets);
  (void)madvise(memory, size, MADV_HUGEPAGE);  /* a wish: 4 KiB pages do as well */
  return memset(memory, 0, size);
}

/* RFC 1071 for the controls, whose floor has to be low: 32 octets at a time, as in base/csum.c.
 * Compiled twice where the compiler can choose at load time, since AVX2 halves it. */
typedef uint64_t lanes __attribute__((vector_size(32)));

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((target_clones("avx2", "default")))
#endif
uint16_t bench_checksum(const void *octets, size_t n, uint32_t start)
{
  const uint8_t *at = octets;
  lanes whole = {0}, upper = {0}, lower, one, two;
  uint64_t sum = start, word;

  for (; n >= 64; n -= 64, at += 64) {
    memcpy(&one, at, sizeof one);
    memcpy(&two, at + 32, sizeof two);
    whole += one + two;
    upper += (one >> 32) + (two >> 32);
  }
  lower = whole - (upper << 32);
  lower += upper;
  sum += lower[0] + lower[1] + lower[2] + lower[3];
  for (; n >= 8; n -= 8, at += 8) {
    memcpy(&word, at, 8);
    sum += (uint32_t)word + (word >> 32);
  }
  word = 0;
  for (size_t i = 0; i < n; i++)
    word |= (uint64_t)at[i] << (8 * i);
  sum += (uint32_t)word + (word >> 32);
  for (int i = 0; i < 4; i++)
    sum = (sum >> 16) + (sum & 0xffffu);
  return (uint16_t)sum;
}

void bench_report(const struct bench_result *r)
{
  printf("{\"mode\": \"%s\", \"unit\": \"%s\", \"count\": %" PRIu64 ", \"octets\": %" PRIu64
         ", \"packets\": %" PRIu64 ", \"seconds\": %.9f}\n",
         r->mode, r->unit, r->count, r->octets, r->packets, r->seconds);
}

void bench_report_size(const char *object, size_t octets)
{
  printf("{\"mode\": \"sizes\", \"object\": \"%s\", \"octets\": %zu}\n", object, octets);
}

static int usage(const char *program, const struct bench_mode *modes, size_t n)
{
  fprintf(stderr, "usage: %s [--verify] MODE [NUMBER ...]\n", program);
  for (size_t i = 0; i < n; i++)
    fprintf(stderr, "  %s %s\n", modes[i].name, modes[i].arguments);
  return 2;
}

static uint64_t number(const char *text)
{
  char *end;
  unsigned long long value = strtoull(text, &end, 10);

  if (*text == '\0' || *end != '\0' || value == 0)
    bench_fail("%s is not a number greater than 0", text);
  return value;
}

int bench_main(int argc, char **argv, const struct bench_mode *modes, size_t n)
{
  struct bench_args args = {0};
  int first = 1;

  if (first < argc && strcmp(argv[first], "--verify") == 0) {
    args.verify = true;
    first++;
  }
  for (size_t i = 0; first < argc && i < n; i++) {
    if (strcmp(modes[i].name, argv[first]) != 0 || modes[i].numbers != argc - first - 1)
      continue;
    if (modes[i].numbers > 0)
      args.a = number(argv[first + 1]);
    if (modes[i].numbers > 1)
      args.b = number(argv[first + 2]);
    modes[i].run(&args);
    return 0;
  }
  return usage(argv[0], modes, n);
}
