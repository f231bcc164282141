/* input_runs: segments that arrive in batches mean what they mean one by one. Runs are joined and
 * their headers skimmed; whatever disturbs a run (order, flags, windows, options, checksums,
 * padding) must lead to the same control block, the same text and the same reasons. */
#include "base/rng.h"
#include "support/raw6.h"

enum { ENDS = 2, BATCH_MAX = 40, TEXT_MAX = 300, PORT = 80 };

struct pair {
  struct raw r[ENDS]; /* 0 gets batches, 1 one by one */
  la_sock sock[ENDS];
  uint32_t seq, ack; /* the peer's next, and what it acknowledges */
  uint16_t port;
  struct rng rng;
  bool timestamps, six;
};

struct segment {
  uint8_t octets[1500];
  uint32_t length;
};

static uint8_t out[RAW_MAX];

static uint8_t text_at(uint32_t seq) { return (uint8_t)(seq * 7 + (seq >> 8)); }

/* Timestamps behind the header; the checksums made right afterwards. */
static void make(const struct pair *p, struct segment *s, struct tcp_header h, uint32_t n,
                 uint32_t ts, uint32_t echo)
{
  struct ipv4_header ip = raw_header(IP_TCP);
  struct ipv6_header ip6 = raw6_header(IP_TCP);
  struct tcp_options o = { .present = TCP_OPT_TS, .ts_val = ts, .ts_ecr = echo };
  uint8_t options[TCP_OPTIONS_MAX];
  const size_t length = p->timestamps ? tcp_options_write(options, &o) : 0;
  const uint32_t front = p->six ? IPV6_HEADER : IPV4_HEADER_MIN;
  uint8_t *const tcp = s->octets + front;
  const uint32_t header = (uint32_t)tcp_header_write(tcp, &h, options, length);
  struct csum c = { 0, false };

  for (uint32_t i = 0; i < n; i++)
    tcp[header + i] = text_at(h.seq + i);
  s->length = front + header + n;
  if (p->six) {
    ip_pseudo_sum(&c, &ip6.source, &ip6.destination, IP_TCP, header + n);
    csum_add(&c, tcp, header + n);
    be16_put(tcp + 16, csum_done(&c));
    ip6.payload = (uint16_t)(header + n);
    ipv6_header_write(s->octets, &ip6);
    return;
  }
  be16_put(tcp + 16, raw_transport_sum(&ip, tcp, header + n));
  ip.total = (uint16_t)s->length;
  ip.dont_fragment = true;
  ipv4_header_write(s->octets, &ip);
}

static void give(struct raw *r, const struct segment *s, unsigned n, unsigned at_once)
{
  static la_pkt pkts[BATCH_MAX];

  for (unsigned done = 0; done < n; done += at_once) {
    const unsigned k = n - done < at_once ? n - done : at_once;

    for (unsigned i = 0; i < k; i++) {
      la_slab *slab;

      assert_int_equal(la_slab_get(r->stack, &slab), 0);
      memcpy(la_slab_octets(slab), s[done + i].octets, s[done + i].length);
      pkts[i] = (la_pkt){ .iface = 0, .flags = r->flags, .frags = 1 };
      pkts[i].frag[0] = (la_frag){ slab, 0, s[done + i].length };
    }
    (void)la_input(r->stack, r->now, pkts, k);
  }
}

static void open_end(struct pair *p, int end)
{
  struct raw *const r = &p->r[end];
  la_config c;
  struct segment s;

  raw_config(&c);
  c.slabs = 256;
  c.no_timestamps = !p->timestamps;
  *r = raw_with(&c, LA_MEDIUM_IP);
  assert_int_equal(la_addr_add(r->stack, 0, raw6_ours(), 64), 0);
  assert_int_equal(la_tcp_open(r->stack, NULL, &p->sock[end]), 0);
  assert_int_equal(la_tcp_connect(r->stack, p->sock[end],
                                  (la_endpoint){ p->six ? raw6_peer() : raw_peer(), PORT }),
                   0);
  assert_true(raw_take(r, out) >= 40);
  const uint8_t *const tcp = out + (p->six ? IPV6_HEADER : IPV4_HEADER_MIN);

  p->port = be16_get(tcp);
  p->ack = be32_get(tcp + 4) + 1;
  p->seq = UINT32_MAX - 5000; /* so that it comes round */
  const struct tcp_header syn = {
    .source = PORT,
    .destination = p->port,
    .seq = p->seq - 1,
    .ack = p->ack,
    .flags = F_SYN | F_ACK,
    .window = 5000,
  };

  make(p, &s, syn, 0, 1, 1);
  give(r, &s, 1, 1);
  (void)raw_drain(r);
}

/* A batch: mostly one run, with all that can come between. */
static unsigned make_batch(struct pair *p, struct segment *s, uint32_t ts)
{
  const unsigned n = 1 + rng_below(&p->rng, BATCH_MAX);
  const unsigned trouble = rng_below(&p->rng, 3) * 8; /* in 64 segments */
  const uint32_t front = p->six ? IPV6_HEADER : IPV4_HEADER_MIN;

  for (unsigned i = 0; i < n; i++) {
    struct tcp_header h = {
      .source = PORT,
      .destination = p->port,
      .seq = p->seq,
      .ack = p->ack,
      .flags = F_ACK,
      .window = 5000,
    };
    uint32_t length = 1 + rng_below(&p->rng, TEXT_MAX);
    const bool odd = rng_below(&p->rng, 64) < trouble;
    const uint32_t what = odd ? rng_below(&p->rng, 11) : 11;

    if (rng_below(&p->rng, 4) == 0)
      h.flags |= F_PSH;
    switch (what) {
    case 0:
      h.seq += rng_below(&p->rng, 500);
      break;
    case 1:
      h.seq -= rng_below(&p->rng, 500);
      break;
    case 2:
      h.ack -= rng_below(&p->rng, 2);
      break;
    case 3:
      h.window = (uint16_t)(4000 + rng_below(&p->rng, 2000));
      break;
    case 4:
      h.flags |= (uint8_t)(1u << rng_below(&p->rng, 8));
      break;
    case 5:
      h.flags = (uint8_t)rng_below(&p->rng, 256);
      break;
    case 6:
      length = 0;
      break;
    case 7:
      h.source++;
      break;
    default:
      break;
    }
    h.flags &= (uint8_t) ~(F_RST | F_SYN | F_FIN);
    /* No older timestamp: what PAWS makes of it depends on when our last ACK was sent. */
    make(p, &s[i], h, length, ts, what == 8 ? 0 : 1);
    if (what == 9)
      s[i].octets[front + rng_below(&p->rng, s[i].length - front)] ^= 1;
    if (what == 10)
      s[i].length += 6; /* padding */
    if (what > 7)
      p->seq += length;
  }
  return n;
}

static void same_info(const struct pair *p)
{
  la_sock_info a, b;

  assert_int_equal(la_sock_get(p->r[0].stack, p->sock[0], &a), 0);
  assert_int_equal(la_sock_get(p->r[1].stack, p->sock[1], &b), 0);
  assert_int_equal(a.state, b.state);
  assert_int_equal(a.rcv_nxt, b.rcv_nxt);
  assert_int_equal(a.snd_una, b.snd_una);
  assert_int_equal(a.snd_wnd, b.snd_wnd);
  assert_int_equal(a.receive_queue, b.receive_queue);
  assert_int_equal(a.out_of_order, b.out_of_order);
  assert_int_equal(a.octets_in, b.octets_in);
  assert_int_equal(a.segments_in, b.segments_in);
}

static void same_counters(const struct pair *p)
{
  const char *name, *meaning;

  for (unsigned n = 0;; n++) {
    const uint64_t a = la_counter(p->r[0].stack, n, &name, &meaning);
    const uint64_t b = la_counter(p->r[1].stack, n, &name, &meaning);

    if (!name)
      return;
    /* What is said in between may be less often said; what arrives may not. */
    if (strcmp(name, "segments_out") != 0 && strcmp(name, "ip_out") != 0 &&
        strcmp(name, "delayed_acks") != 0 && a != b)
      fail_msg("%s: %llu in batches, %llu one by one", name, (unsigned long long)a,
               (unsigned long long)b);
  }
}

static void same_text(const struct pair *p)
{
  static uint8_t got[ENDS][65536];
  const int n = la_tcp_recv(p->r[0].stack, p->sock[0], got[0], sizeof got[0]);

  assert_int_equal(la_tcp_recv(p->r[1].stack, p->sock[1], got[1], sizeof got[1]), n);
  for (int i = 0; i < n; i++)
    assert_int_equal(got[0][i], got[1][i]);
}

/* What was lost on the way comes again, so that the stream goes on. */
static void catch_up(struct pair *p)
{
  la_sock_info info;

  assert_int_equal(la_sock_get(p->r[0].stack, p->sock[0], &info), 0);
  p->seq = info.rcv_nxt;
}

static void compare(uint64_t seed, bool timestamps, uint16_t flags)
{
  static struct segment batch[BATCH_MAX];
  struct pair p = { .timestamps = timestamps, .six = seed % 2 };

  rng_seed(&p.rng, seed);
  for (int end = 0; end < ENDS; end++) {
    open_end(&p, end);
    p.r[end].flags = flags;
  }
  for (uint32_t round = 2; round < 300; round++) {
    const unsigned n = make_batch(&p, batch, round);

    for (int end = 0; end < ENDS; end++)
      give(&p.r[end], batch, n, end == 0 ? 1 + rng_below(&p.rng, BATCH_MAX) : 1);
    same_info(&p);
    same_counters(&p);
    same_text(&p);
    for (int end = 0; end < ENDS; end++) {
      (void)raw_drain(&p.r[end]);
      p.r[end].now += LA_MS;
    }
    catch_up(&p);
  }
  for (int end = 0; end < ENDS; end++)
    raw_end(&p.r[end]);
}

TEST(runs_without_options)
{
  for (uint64_t seed = 1; seed <= 10; seed++)
    compare(seed, false, 0);
}

TEST(runs_with_timestamps)
{
  for (uint64_t seed = 11; seed <= 20; seed++)
    compare(seed, true, 0);
}

TEST(runs_whose_checksums_a_device_has_verified)
{
  for (uint64_t seed = 21; seed <= 25; seed++)
    compare(seed, true, LA_PKT_CSUM_OK);
}

/* On Ethernet: the second frame of a run was sent to all stations, and TCP takes no such thing. */
TEST(a_frame_to_all_joins_no_run)
{
  struct pair p = { .timestamps = false };
  struct raw *const r = &p.r[0];
  struct segment s[2];
  la_pkt pkts[2];

  *r = raw_new(LA_MEDIUM_ETHERNET);
  assert_int_equal(la_neighbor_add(r->stack, 0, raw_peer(), (uint8_t[]){ 2, 0, 0, 0, 0, 9 }), 0);
  (void)raw_drain(r);
  for (unsigned i = 0; i < 2; i++) {
    const struct tcp_header h = {
      .source = PORT,
      .destination = 7,
      .seq = 100 + 10 * i,
      .ack = 1,
      .flags = F_ACK,
    };
    struct ether_header ether = { .to = { 2, 0, 0, 0, 0, 1 }, .type = ETHER_IPV4 };
    la_slab *slab;

    if (i == 1)
      memset(ether.to, 255, sizeof ether.to);
    make(&p, &s[i], h, 10, 0, 0);
    assert_int_equal(la_slab_get(r->stack, &slab), 0);
    ether_header_write(la_slab_octets(slab), &ether);
    memcpy(la_slab_octets(slab) + ETHER_HEADER, s[i].octets, s[i].length);
    pkts[i] = (la_pkt){ .frags = 1 };
    pkts[i].frag[0] = (la_frag){ slab, 0, ETHER_HEADER + s[i].length };
  }
  (void)la_input(r->stack, r->now, pkts, 2);
  assert_int_equal(raw_count(r, "TCP_BROADCAST"), 1);
  assert_int_equal(raw_count(r, "CLOSED_PORT"), 1);
  raw_end(r);
}

RUN(cmocka_unit_test(runs_without_options), cmocka_unit_test(runs_with_timestamps),
    cmocka_unit_test(runs_whose_checksums_a_device_has_verified),
    cmocka_unit_test(a_frame_to_all_joins_no_run))
