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
