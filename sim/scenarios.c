/* scenarios.c - the list of the laboratory's scenarios, in the order of docs/REQUIREMENTS.md, with
 * what each is about and what to look at. */
#include "scenarios.h"

#include <string.h>

static const struct lab_scenario scenarios[] = {
  { "handshake", "three segments open a connection",
    "Each side tells the other the sequence number it will count from, and hears it acknowledged. "
    "The ladder counts from those initial numbers, so a SYN has seq=0.", scenario_handshake },
  { "names", "how a socket comes by its name",
    "A socket begins without a name, in CLOSED, which is fictional: there is no connection yet. "
    "bind names it explicitly, connect implicitly; listen and accept are the passive side's.",
    scenario_names },
  { "simultaneous-open", "both connect at once, and it is one connection",
    "The SYNs cross. Each end answers the other's SYN with SYN+ACK (RFC 9293 3.5, MUST-10).",
    scenario_simultaneous_open },
  { "withheld-ack", "a client that never completes the handshake",
    "The left side is a script, not a stack: it sends a SYN and then keeps silent, so that "
    "SYN-RECEIVED, which usually lasts a round trip, can be watched.", scenario_withheld_ack },
  { "refused", "connect to a port where nobody listens",
    "The peer's TCP answers for a socket that does not exist: RST.", scenario_refused },
  { "unreplied", "connect to where nobody answers",
    "The server is switched off. Silence is not refusal: the SYN is sent again, each time after "
    "twice the wait, until the client gives up.", scenario_unreplied },
  { "transfer", "full duplex over a link that does everything wrong",
    "Both ends send at once. The link loses, duplicates, reorders, corrupts and delays.",
    scenario_transfer },
  { "close", "the four-segment close, from either side",
    "Each direction is closed by its own FIN and its own ACK. The side that closes first is the "
    "active closer, and it is the one that ends in TIME-WAIT.", scenario_close },
  { "close-in-three", "the peer's ACK and FIN in one segment",
    "The server's application closes as soon as it reads the end of the stream, so its TCP has "
    "both to say at once.", scenario_close_in_three },
  { "simultaneous-close", "the FINs cross",
    "Both ends close before either has heard of the other's FIN: both go through CLOSING, and "
    "both linger.", scenario_simultaneous_close },
  { "half-close", "nothing more to send, and still listening",
    "The client says that its request is complete and goes on receiving the answer, for as long "
    "as the server sends.", scenario_half_close },
  { "close-wait-leak", "an application that never closes",
    "The peer has closed; our application has not. Sockets in CLOSE-WAIT are an application's "
    "debt: TCP has nothing left to do, and no clock runs.", scenario_close_wait_leak },
  { "fin-wait-2-orphan", "we closed, the peer never does",
    "Whether FIN-WAIT-2 ends by itself depends on our own application: did it let the socket go, "
    "or does it still hold it to read?", scenario_fin_wait_2_orphan },
  { "time-wait", "2 MSL, then CLOSED",
    "The active closer lingers for twice the longest life of a segment. MSL is a setting: 120 s "
    "in RFC 793 (so 4 minutes in all); today's systems use 30 to 240 s in all.",
    scenario_time_wait },
  { "lost-last-ack", "why somebody has to linger",
    "The very last ACK is lost. The passive closer cannot know whether it was, so it sends its "
    "FIN again, and TIME-WAIT is there to answer.", scenario_lost_last_ack },
  { "old-duplicate", "a late segment is not taken for new data",
    "The other reason for TIME-WAIT: segments that wander. Here one arrives after the close, and "
    "one on the next connection between the same two ends.", scenario_old_duplicate },
  { "same-pair-again", "a new SYN for a pair in TIME-WAIT",
    "A pair in TIME-WAIT may be opened again early if the SYN proves that it is newer than "
    "anything before: by its timestamp (RFC 6191) or its sequence number (RFC 9293 3.6.1).",
    scenario_same_pair_again },
  { "address-in-use", "bind, and who still holds the port",
    "A server that restarts finds its port held by what it left behind.",
    scenario_address_in_use },
  { "last-ack-stuck", "the peer is gone before the last ACK",
    "LAST-ACK means that our FIN is not yet acknowledged. If nobody is left to do so, it is "
    "resent until patience ends.", scenario_last_ack_stuck },
  { "reset", "how a connection breaks, and what does not break it",
    "Abort, linger 0 and unread data send RST. A RST is believed only with the exact sequence "
    "number; others in the window, and any SYN, are challenged (RFC 5961).", scenario_reset },
  { "half-open", "one end crashed, and the other does not know",
    "TCP has no heartbeat of its own: a dead peer is found out by sending, by a new SYN, by "
    "keep-alive or by the user timeout (RFC 9293 3.5.1, 3.8.3, 3.8.4).", scenario_half_open },
  { "zero-window", "the receiver stops reading",
    "A shut window stops the sender, and a lost window update must not stop it for ever: so it "
    "asks, and goes on asking (RFC 9293 3.8.6).", scenario_zero_window },
  { "syn-flood", "more SYNs than the queue holds",
    "Forged SYNs fill the half-open queue (~ marks what was sent by neither host). From then on "
    "the answer carries all there is to remember: a SYN cookie.", scenario_syn_flood },
  { "netstat", "all eleven states at once",
    "A snapshot of a host in which every state is present, in the columns of several systems, "
    "and explained: who must move next.", scenario_netstat },
  { "diagram", "the state machine, drawn from the table that runs it",
    "The usual client's path is solid, the usual server's dashed, the rest thin.",
    scenario_diagram },
  { "datagram", "the same link without TCP",
    "UDP over a link that loses, reorders and duplicates: what arrives is what the link makes of "
    "it. Nothing is acknowledged. Each datagram is one octet longer than the one before.",
    scenario_datagram },
};

const struct lab_scenario *lab_scenario(unsigned n)
{
  return n < sizeof scenarios / sizeof *scenarios ? &scenarios[n] : NULL;
}

/* By name; '-' and '_' are the same. */
const struct lab_scenario *lab_find(const char *name)
{
  for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
    const char *a = scenarios[i].name, *b = name;

    while (*a && (*a == *b || (*a == '-' && *b == '_'))) {
      a++;
      b++;
    }
    if (*a == *b)
      return &scenarios[i];
  }
  return NULL;
}
