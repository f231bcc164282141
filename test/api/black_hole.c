/* black_hole: a way that drops what is too large and does not say so (RFC 4821, RFC 2923 2.1). Two
 * stacks in virtual time, every packet carried by hand. */
#include "support/two.h"

enum { OCTETS = 4000 * 1000, FEW = 800, PORT = 7, DELAY_MS = 10, ON_THE_WAY = 4096 };

struct way {
  struct two t;
  struct { la_time due; la_pkt pkt; int to; } flying[ON_THE_WAY];
  size_t first, count;
  size_t limit;                 /* larger packets vanish */
  la_time free;                 /* when the last packet was on the way: they follow each other */
  la_sock sock[2];
  uint32_t sent, received;
};

static struct way *begin(size_t limit, uint8_t probing)
{
  struct way *const w = calloc(1, sizeof *w);
  const la_iface iface = { .medium = LA_MEDIUM_IP, .mtu = TWO_MTU, .flags = LA_IFACE_UP,
                           .name = "way" };
  la_config c;

  assert_non_null(w);
  two_config(&c);
  c.mtu_probing = probing;
  c.slabs = 1024;
  c.send_buffer = 256 * 1024;                 /* more than the window: something waits */
  c.trace_entries = 64;
  w->t.now = LA_SEC;
  w->limit = limit;
  for (int i = 0; i < 2; i++) {
    two_stack(&w->t, i, &c);
    assert_int_equal(la_iface_add(w->t.end[i], &iface), 0);
    assert_int_equal(la_addr_add(w->t.end[i], 0, two_addr(i), 24), 0);
  }
  return w;
}

static void end(struct way *w)
{
  for (; w->count > 0; w->count--, w->first++)
    la_pkt_release(w->t.end[w->flying[w->first % ON_THE_WAY].to],
                   &w->flying[w->first % ON_THE_WAY].pkt);
  for (int i = 0; i < 2; i++) {
    la_fini(w->t.end[i]);
    free(w->t.memory[i]);
  }
  free(w);
}

static void take_off(struct way *w, int from, la_pkt *pkt)
{
  const size_t length = la_pkt_length(pkt), at = (w->first + w->count) % ON_THE_WAY;
  la_slab *slab;

  if (length > w->limit) {
    la_pkt_release(w->t.end[from], pkt);
    return;
  }
  assert_true(w->count < ON_THE_WAY);
  assert_int_equal(la_slab_get(w->t.end[1 - from], &slab), 0);
  assert_int_equal(la_pkt_copy(pkt, la_slab_octets(slab), la_slab_size(slab)), length);
  la_pkt_release(w->t.end[from], pkt);
  w->flying[at].to = 1 - from;
  w->free = (w->free > w->t.now ? w->free : w->t.now) + 10000;
  w->flying[at].due = w->free + DELAY_MS * LA_MS;
  w->flying[at].pkt = (la_pkt){ .frags = 1, .frag = { { slab, 0, (uint32_t)length } } };
  w->count++;
}

static void write_and_read(struct way *w)
{
  static uint8_t octets[8192];
  int n;

  while (w->sent < OCTETS && (n = la_tcp_send(w->t.end[0], w->sock[0], octets, 8192)) > 0)
    w->sent += (uint32_t)n;
  while (w->sock[1].bits != 0 &&
         (n = la_tcp_recv(w->t.end[1], w->sock[1], octets, sizeof octets)) > 0)
    w->received += (uint32_t)n;
}

static void speaks(struct way *w, int end)
{
  la_pkt pkt;

  while (la_output(w->t.end[end], w->t.now, &pkt, 1) == 1)
    take_off(w, end, &pkt);
}

/* The first packet on the way. Whoever gets it may answer before the next one comes. */
static void lands(struct way *w)
{
  const size_t at = w->first % ON_THE_WAY;

  (void)la_input(w->t.end[w->flying[at].to], w->t.now, &w->flying[at].pkt, 1);
  w->first++;
  w->count--;
  speaks(w, w->flying[at].to);
}

/* Everything that happens until `until`. */
static void passes(struct way *w, la_time until)
{
  for (int turns = 0; turns < 1000000 && w->t.now < until; turns++) {
    la_time next = until;

    write_and_read(w);
    for (int i = 0; i < 2; i++) {
      speaks(w, i);
      if (la_deadline(w->t.end[i]) < next)
        next = la_deadline(w->t.end[i]);
    }
    if (w->count > 0 && w->flying[w->first % ON_THE_WAY].due < next)
      next = w->flying[w->first % ON_THE_WAY].due;
    if (next > w->t.now)
      w->t.now = next;
    while (w->count > 0 && w->flying[w->first % ON_THE_WAY].due <= w->t.now)
      lands(w);
  }
}

static void connects(struct way *w)
{
  const la_sock listener = two_listen(&w->t, 1, PORT, 4);

  w->sent = OCTETS;                           /* nothing yet */
  w->sock[0] = two_connect(&w->t, 0, PORT);
  passes(w, w->t.now + LA_SEC);
  assert_int_equal(la_tcp_accept(w->t.end[1], listener, NULL, &w->sock[1]), 0);
  w->sent = w->received = 0;
}

static la_sock_info info_of(const struct way *w)
{
  la_sock_info info;

  assert_int_equal(la_sock_get(w->t.end[0], w->sock[0], &info), 0);
  return info;
}

static bool story_has(const struct way *w, const char *words)
{
  la_trace entries[64];
  const size_t n = la_sock_trace(w->t.end[0], w->sock[0], entries, 64);
  char text[256];

  for (size_t i = 0; i < n; i++) {
    (void)la_trace_text(&entries[i], text, sizeof text);
    if (strstr(text, words))
      return true;
  }
  return false;
}

TEST(a_black_hole_is_survived_and_what_passes_is_found)
{
  static const size_t limits[] = { 1500, 1492, 1400, 1280, 1200, 1000, 576 };

  for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
    struct way *const w = begin(limits[i], LA_MTU_PROBE_BLACK_HOLE);

    connects(w);
    passes(w, w->t.now + 60 * LA_SEC);
    assert_int_equal(w->received, w->sent);
    assert_in_range(info_of(w).path_mtu, limits[i] - 8 < 576 ? 576 : limits[i] - 8, limits[i]);
    assert_int_equal(two_count(&w->t, 0, "mtu_black_holes") > 0, limits[i] < TWO_MTU);
    end(w);
  }
}

TEST(a_black_hole_takes_no_small_segment_for_ever_either)
{
  static const uint8_t octets[FEW];
  struct way *const w = begin(600, LA_MTU_PROBE_BLACK_HOLE);

  connects(w);
  w->sent = OCTETS;                           /* nothing but this: less than RFC 8899's base */
  assert_int_equal(la_tcp_send(w->t.end[0], w->sock[0], octets, FEW), FEW);
  passes(w, w->t.now + 10 * LA_SEC);
  assert_int_equal(w->received, FEW);
  assert_int_equal(info_of(w).timeouts, 2);
  assert_int_equal(info_of(w).path_mtu, 576);
  end(w);
}

TEST(the_story_of_a_black_hole_is_told)
{
  struct way *const w = begin(1300, LA_MTU_PROBE_BLACK_HOLE);

  connects(w);
  passes(w, w->t.now + 60 * LA_SEC);
  assert_true(story_has(w, "a black hole: packets of 1500 octets do not pass and nobody says so; "
                           "1200 do"));
  end(w);
}

TEST(a_probe_that_is_lost_is_no_congestion)
{
  struct way *const w = begin(1300, LA_MTU_PROBE_ALWAYS);

  connects(w);
  passes(w, w->t.now + 60 * LA_SEC);
  assert_int_equal(w->received, w->sent);
  assert_true(two_count(&w->t, 0, "mtu_probes_lost") >= 4);
  assert_int_equal(info_of(w).recoveries, 0);
  assert_int_equal(info_of(w).timeouts, 0);
  assert_in_range(info_of(w).path_mtu, 1292, 1300);
  end(w);
}

TEST(without_sack_a_lost_probe_is_told_by_duplicate_acks)
{
  struct way *const w = begin(1300, LA_MTU_PROBE_ALWAYS);

  for (int i = 0; i < 2; i++) {               /* two others, that do not offer it */
    la_config c;

    la_config_get(w->t.end[i], &c);
    c.no_sack = true;
    la_fini(w->t.end[i]);
    free(w->t.memory[i]);
    two_stack(&w->t, i, &c);
    assert_int_equal(la_iface_add(w->t.end[i], &(la_iface){ .medium = LA_MEDIUM_IP,
                     .mtu = TWO_MTU, .flags = LA_IFACE_UP, .name = "way" }), 0);
    assert_int_equal(la_addr_add(w->t.end[i], 0, two_addr(i), 24), 0);
  }
  connects(w);
  passes(w, w->t.now + 60 * LA_SEC);
  assert_int_equal(w->received, w->sent);
  assert_true(two_count(&w->t, 0, "mtu_probes_lost") >= 4);
  assert_int_equal(info_of(w).timeouts, 0);
  assert_in_range(info_of(w).path_mtu, 1292, 1300);
  end(w);
}

TEST(an_outage_is_no_black_hole_for_long)
{
  struct way *const w = begin(TWO_MTU, LA_MTU_PROBE_BLACK_HOLE);

  connects(w);
  passes(w, w->t.now + 100 * LA_MS);
  w->limit = 0;
  passes(w, w->t.now + 3 * LA_SEC);
  assert_int_equal(info_of(w).path_mtu < TWO_MTU, 1);
  w->limit = TWO_MTU;
  passes(w, w->t.now + 60 * LA_SEC);
  assert_int_equal(w->received, w->sent);
  assert_int_equal(info_of(w).path_mtu, TWO_MTU);
  end(w);
}

TEST(a_way_that_has_become_wider_is_found_after_ten_minutes)
{
  struct way *const w = begin(1300, LA_MTU_PROBE_BLACK_HOLE);

  connects(w);
  passes(w, w->t.now + 60 * LA_SEC);
  assert_in_range(info_of(w).path_mtu, 1292, 1300);
  w->limit = TWO_MTU;
  passes(w, w->t.now + 500 * LA_SEC);
  w->sent = w->received = 0;
  passes(w, w->t.now + 10 * LA_SEC);
  assert_in_range(info_of(w).path_mtu, 1292, 1300);
  passes(w, w->t.now + 200 * LA_SEC);
  w->sent = w->received = 0;
  passes(w, w->t.now + 10 * LA_SEC);
  assert_int_equal(info_of(w).path_mtu, TWO_MTU);
  end(w);
}

TEST(where_it_is_off_a_black_hole_keeps_what_is_large)
{
  struct way *const w = begin(1300, LA_MTU_PROBE_OFF);

  connects(w);
  passes(w, w->t.now + 60 * LA_SEC);
  assert_int_equal(w->received, 0);
  assert_int_equal(info_of(w).path_mtu, TWO_MTU);
  end(w);
}

RUN(cmocka_unit_test(a_black_hole_is_survived_and_what_passes_is_found),
    cmocka_unit_test(a_black_hole_takes_no_small_segment_for_ever_either),
    cmocka_unit_test(the_story_of_a_black_hole_is_told),
    cmocka_unit_test(a_probe_that_is_lost_is_no_congestion),
    cmocka_unit_test(without_sack_a_lost_probe_is_told_by_duplicate_acks),
    cmocka_unit_test(an_outage_is_no_black_hole_for_long),
    cmocka_unit_test(a_way_that_has_become_wider_is_found_after_ten_minutes),
    cmocka_unit_test(where_it_is_off_a_black_hole_keeps_what_is_large))
