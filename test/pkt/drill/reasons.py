"""Why scripts of others fail: theirs by choice, with the RFC that is followed, or ours to fix."""

import re

THEIRS = (
    (r"snippets/closing-", "RFC 9293 3.10.4: in CLOSING our FIN is not sent again"),
    (r"rcv-syn-ack-.*listen|rcv-syn-ack-listen",
     "RFC 9293 3.10.7.2 second: a SYN,ACK in LISTEN is answered with a reset, not with silence"),
    (r"rcv-rst-last-ack-left-edge",
     "RFC 9293 3.10.7.4 second: in LAST-ACK a reset ends the connection and tells nothing"),
    (r"rcv-fin-time-wait.*outside-left",
     "RFC 9293 3.10.7.4 first and eighth: an old FIN in TIME-WAIT is acknowledged"),
    (r"rtx-drop-options", "RFC 9293 3.7.1: a SYN that is sent again offers what the first one did"),
    (r"(tos|ttl|hoplimit)-passive",
     "RFC 9293 3.10.7.1: a socket that is only bound has no part in the reset of a closed port"),
    (r"opt34/.*\(ipv6\)|fastopen/server/(simple\d|sockopt-fastopen-key).*\(ipv6\)",
     "RFC 7413 4.1.2: the script names IPv4 addresses and the cookie made of them"),
    (r"icmp-unreach-frag-needed(-with-seq)?\.pkt \(ipv6\)",
     "RFC 4443 3.2: IPv6 has no such message, but Packet Too Big"),
    (r"frag-needed-with-seq-ipv6",
     "RFC 8200 5: an MSS of 1440 needs an MTU of 1500, and Google's runner gives IPv6 one of 1520"),
    (r"fr-4pkt-fack-last-mss",
     "RFC 8985 6.2: the reordering window is a quarter of the round trip, whatever ticks"),
)


def reason(name, difference, in_vain):
    """(whose, why)."""
    for pattern, why in THEIRS:
        if re.search(pattern, name):
            return "theirs", why
    if in_vain:
        return "theirs", in_vain[0]
    first = difference.split("\n")[0]
    return "ours", re.sub(r"^(line \d+|\S+\.pkt:\d+): ", "", first)[:160]
