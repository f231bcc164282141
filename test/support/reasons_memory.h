/* reasons_memory.h - the part of tcp_reasons.c that is about scarce memory and growing buffers. */
#ifndef LA_TEST_REASONS_MEMORY_H
#define LA_TEST_REASONS_MEMORY_H
#include "support/reasons.h"

TEST(text_beyond_a_share_is_counted)
{
  begin();
  rig_established(r, true);
  for (uint32_t i = 0; i < 2; i++)
    arrives_with_text(r, F_ACK, 1 + 1460 * i, 1, 1460);
  while (r->slabs.count - r->slabs.used > 2)
    (void)slab_get(&r->slabs);
  arrives_with_text(r, F_ACK, 2921, 1, 100);
  refused_because(r, NO_MEMORY);
  assert_int_equal(r->t.count[TCP_N_text_refused], 1);
  told();
}

TEST(buffers_that_grow_are_counted)
{
  struct tcp_settings set = rig_settings();
  static uint8_t octets[16384];

  set.send_buffer = set.receive_buffer = 4096;
  set.send_buffer_max = set.receive_buffer_max = sizeof octets;
  begin_with(&set);
  rig_established(r, true);
  r->tcb->rtt.srtt_us = 20000;
  for (uint32_t at = 1; at < 10000; at += 1000) {
    waits(r, 4 * LA_MS);
    arrives_with_text(r, F_ACK, at, 1, 1000);
    user_reads(r, at, 1000);
  }
  assert_true(r->t.count[TCP_N_receive_buffers_grown] > 0);
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, sizeof octets, TCP_SEND_PLAIN), 4096);
  rig_forget_said(r);
  assert_true(r->t.count[TCP_N_send_buffers_grown] > 0);
  told();
}

#endif
