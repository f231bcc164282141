/* reply.c - segments that no control block will send: RST (RFC 9293 3.5.2), and what cookies and
 * TIME-WAIT records answer.  They wait in a ring until the link asks; a full ring loses the
 * newest, which its cause will provoke again. */
#include "tcp/room.h"

void tcp_reply(struct tcp *t, const struct tcp_reply *reply)
{
  if (t->reply_count >= t->set.replies) {
    t->count[TCP_N_replies_lost]++;
    return;
  }
  t->replies[(t->reply_first + t->reply_count) % t->set.replies] = *reply;
  t->reply_count++;
}

bool tcp_reply_take(struct tcp *t, struct tcp_reply *reply)
{
  if (t->reply_count == 0)
    return false;
  *reply = t->replies[t->reply_first];
  t->reply_first = (t->reply_first + 1) % t->set.replies;
  t->reply_count--;
  t->count[TCP_N_segments_out]++;
  return true;
}

/* RFC 9293 3.10.7.1: the RST takes its numbers from the segment that it answers, so that its
 * sender will believe it. */
void tcp_reply_reset(struct tcp *t, const struct ends *ends, const struct tcp_seg *seg)
{
  struct tcp_reply reply;

  if (!rate_allows(&t->reset_rate, t->now)) {
    t->count[TCP_N_resets_limited]++;
    return;
  }
  reply = (struct tcp_reply){ .ends = *ends, .flags = F_RST };
  if (seg->flags & F_ACK) {
    reply.seq = seg->ack;
  } else {
    reply.flags |= F_ACK;
    reply.ack = seq_add(seg->seq, seg->len);
  }
  t->count[TCP_N_resets_out]++;
  tcp_reply(t, &reply);
}

/* RFC 9293 3.10.5: <SEQ=SND.NXT><CTL=RST>; the ACK goes along, as every segment's does. */
void tcp_reply_abort(struct tcp *t, const struct tcb *tcb)
{
  const struct tcp_reply reply = { .ends = tcb->ends, .seq = tcb->snd.nxt, .ack = tcb->rcv.nxt,
                                   .flags = F_RST | F_ACK };

  t->count[TCP_N_resets_out]++;
  tcp_reply(t, &reply);
}

/* RFC 5961 7. A budget known to the last ACK would tell a stranger what other connections have used
 * of it, and so find them (CVE-2016-5696): up to a half of it, different each second, is spent when
 * the second begins. */
bool tcp_may_challenge(struct tcp *t)
{
  struct rate *const rate = &t->challenge_rate;
  const int64_t second = rate->second;
  const bool may = rate_allows(rate, t->now);

  if (rate->second != second)
    rate->used += (uint32_t)hash_octets(t->key, &rate->second, sizeof rate->second) %
                  (rate->per_second / 2 + 1);
  t->count[may ? TCP_N_challenges_out : TCP_N_challenges_limited]++;
  return may;
}
