/* RFC 9293 3.1, 3.7.1, 3.8.5: the MSS and other options of what is sent, and urgent text. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

/* The next segment, through the wire and back. */
static struct tcp_header next_segment(uint32_t *text)
{
  struct tcp_out out;
  struct tcp_header h = { 0 }, back;
  struct tcb *from;
  uint8_t octets[TCP_HEADER_MIN + TCP_OPTIONS_MAX];
  size_t n;

  assert_true(tcp_output(&r->t, &from, &out));
  h.flags = out.flags;
  h.seq = out.seq.n;
  h.ack = out.ack.n;
  h.window = out.wnd;
  h.urgent = out.up;
  n = tcp_header_write(octets, &h, out.options, out.options_length);
  assert_int_equal(n % 4, 0);
  assert_int_equal(tcp_header_parse(octets, n, &back), n);
  *text = out.text;
  return back;
}

static void with(const struct tcp_settings *set)
{
  rig_init_with(r, set, RIG_SLABS, RIG_SLAB_SIZE);
}

/* Established with a peer whose SYN,ACK says what r->options says. */
static void established_with_mss(uint16_t mss, uint16_t mtu, uint8_t ip_header)
{
  rig_init(r);
  r->path.mtu = mtu;
  r->path.ip_header = ip_header;
  if (mss > 0)
    r->options.mss = mss;
  else
    r->options.present = 0;
  rig_established(r, false);
}

/* ---- MSS ---- */

TEST(a_syn_offers_what_the_link_can_receive)
{
  uint32_t text;

  rig_init(r);
  r->path.mtu = 1500;
  rig_connect(r);
  assert_int_equal(next_segment(&text).options.mss, 1460);
  rig_init(r);
  r->path.mtu = 9000;
  r->path.ip_header = 40;
  rig_listen(r, 1);
  arrives(r, F_SYN, 0, 0);
  assert_int_equal(next_segment(&text).options.mss, 8940);
}

TEST(a_syn_offers_the_mss_even_if_it_is_the_default)
{
  struct tcp_header h;
  uint32_t text;

  rig_init(r);
  r->path.mtu = 576;
  rig_connect(r);
  h = next_segment(&text);
  assert_true(h.options.present & TCP_OPT_MSS);
  assert_int_equal(h.options.mss, 536);
  rig_init(r);
  r->path.mtu = 1280;
  r->path.ip_header = 40;
  rig_connect(r);
  h = next_segment(&text);
  assert_true(h.options.present & TCP_OPT_MSS);
  assert_int_equal(h.options.mss, 1220);
}

TEST(without_an_mss_option_the_peer_takes_536_octets_over_ipv4)
{
  established_with_mss(0, 1500, 20);
  user_sends(r, 1000);
  says(r, "A 1+536 1");
}

TEST(without_an_mss_option_the_peer_takes_1220_octets_over_ipv6)
{
  established_with_mss(0, 1500, 40);
  user_sends(r, 2000);
  says(r, "A 1+1220 1");
}

TEST(a_segment_is_no_larger_than_the_peer_takes_and_the_path_carries)
{
  established_with_mss(1000, 1500, 20);
  user_sends(r, 2000);
  says(r, "A 1+1000 1; PA 1001+1000 1");
  established_with_mss(9000, 1500, 20);
  user_sends(r, 2920);
  says(r, "A 1+1460 1; PA 1461+1460 1");
}

TEST(options_are_deducted_from_the_segment)
{
  struct tcp_settings set = rig_settings();
  uint32_t text;

  set.no_timestamps = false;
  with(&set);
  r->options.present |= TCP_OPT_TS;
  rig_established(r, false);
  user_sends(r, 3000);
  assert_true(next_segment(&text).options.present & TCP_OPT_TS);
  assert_int_equal(text, 1448);
}

TEST(the_segment_follows_the_path_mtu)
{
  established_with_mss(1460, 1500, 20);
  tcp_path_mtu(&r->t, r->tcb, 1000);
  user_sends(r, 1920);
  says(r, "A 1+960 1; PA 961+960 1");
}

TEST(the_mss_option_stands_on_syns_alone)
{
  uint32_t text;

  rig_init(r);
  rig_established(r, true);
  user_sends(r, 5000);
  for (int i = 0; i < 3; i++)
    assert_false(next_segment(&text).options.present & TCP_OPT_MSS);
  user_closes(r);
  assert_false(next_segment(&text).options.present & TCP_OPT_MSS);
}

TEST(an_option_is_understood_in_any_segment)
{
  struct tcp_settings set = rig_settings();

  set.no_timestamps = false;
  with(&set);
  r->options.present |= TCP_OPT_TS;
  r->options.ts_val = 1000;
  rig_established(r, false);
  r->options.ts_val = 1001;
  arrives(r, F_ACK, 1, 1);
  assert_int_equal(r->tcb->ts_recent, 1001);
  r->options.ts_val = 1002;
  arrives(r, F_FIN | F_ACK, 1, 1);
  assert_int_equal(r->tcb->ts_recent, 1002);
}

/* ---- urgent text ---- */

static void urgent_arrives(uint32_t seq, uint16_t up, uint32_t text)
{
  struct tcp_seg seg = rig_seg(r, F_ACK | F_URG, seq, 1, text);
  struct frag frag = { 0 };

  assert_true(rig_text(r, &seg, &frag, seq, text));
  seg.up = up;
  (void)tcp_arrive(&r->t, r->tcb, &seg);
  if (frag.slab)
    slab_release(&r->slabs, frag.slab);
}

static bool told_of_text(void)
{
  uint8_t events;

  return tcp_notified(&r->t, &events) == r->tcb && (events & 1 << LA_EV_READABLE);
}

TEST(the_urgent_pointer_shows_the_octet_behind_the_urgent_text)
{
  uint32_t text;
  struct tcp_header h;

  rig_init(r);
  rig_established(r, false);
  user_sends(r, 10);
  assert_int_equal(tcp_send(&r->t, r->tcb, "urgent", 6, TCP_SEND_URGENT), 6);
  h = next_segment(&text);
  assert_true(h.flags & F_URG);
  assert_int_equal(text, 16);
  assert_int_equal(h.urgent, 16);
}

TEST(urgent_text_of_any_length_is_announced_as_far_as_the_pointer_reaches)
{
  static uint8_t octets[16384];
  uint32_t text;
  struct tcp_header h;

  rig_init(r);
  rig_established(r, false);
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, 16384, TCP_SEND_URGENT), 16384);
  for (uint32_t sent = 0; sent < 14600; sent += text) {
    h = next_segment(&text);
    assert_true(h.flags & F_URG);
    assert_int_equal(h.urgent, 16384 - sent);
  }
  r->tcb->snd.up = seq_add(r->tcb->snd.nxt, 100000);      /* more than sixteen bits can say */
  r->wnd = 60000;
  arrives(r, F_ACK, 1, 14601);
  h = next_segment(&text);
  assert_true(h.flags & F_URG);
  assert_int_equal(h.urgent, 65535);
}

TEST(the_application_is_told_of_urgent_text_and_of_more_of_it)
{
  rig_init(r);
  rig_established(r, false);
  while (told_of_text())
    continue;
  urgent_arrives(1, 500, 0);                              /* announced, and not here yet */
  assert_true(told_of_text());
  assert_true(r->tcb->flags & TCB_URGENT);
  urgent_arrives(1, 500, 0);
  assert_false(told_of_text());                           /* known already */
  urgent_arrives(1, 700, 0);
  assert_true(told_of_text());                            /* the pointer has moved on */
}

TEST(the_application_can_ask_whether_urgent_text_is_still_unread)
{
  rig_init(r);
  rig_established(r, false);
  urgent_arrives(1, 60, 100);
  assert_true(r->tcb->flags & TCB_URGENT);
  user_reads(r, 1, 59);
  assert_true(r->tcb->flags & TCB_URGENT);
  user_reads(r, 60, 1);
  assert_false(r->tcb->flags & TCB_URGENT);
  user_reads(r, 61, 40);
}

RUN(cmocka_unit_test(a_syn_offers_what_the_link_can_receive),
    cmocka_unit_test(a_syn_offers_the_mss_even_if_it_is_the_default),
    cmocka_unit_test(without_an_mss_option_the_peer_takes_536_octets_over_ipv4),
    cmocka_unit_test(without_an_mss_option_the_peer_takes_1220_octets_over_ipv6),
    cmocka_unit_test(a_segment_is_no_larger_than_the_peer_takes_and_the_path_carries),
    cmocka_unit_test(options_are_deducted_from_the_segment),
    cmocka_unit_test(the_segment_follows_the_path_mtu),
    cmocka_unit_test(the_mss_option_stands_on_syns_alone),
    cmocka_unit_test(an_option_is_understood_in_any_segment),
    cmocka_unit_test(the_urgent_pointer_shows_the_octet_behind_the_urgent_text),
    cmocka_unit_test(urgent_text_of_any_length_is_announced_as_far_as_the_pointer_reaches),
    cmocka_unit_test(the_application_is_told_of_urgent_text_and_of_more_of_it),
    cmocka_unit_test(the_application_can_ask_whether_urgent_text_is_still_unread))
