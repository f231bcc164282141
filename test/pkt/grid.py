#!/usr/bin/env python3
"""grid.py FOLDER: writes the grid of scripts, 8 kinds of segments x 11 states (RFC 9293 3.10.7),
over IPv4 and IPv6, one file each, FOLDER/ipvN/STATE/KIND.pkt. The segment lies where the connection
expects the next one.
The table below is the law: what is answered, which state follows, and by which section."""

import pathlib
import sys

OPEN = """ 0     socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0     bind(3, ..., ...) = 0
"""
NOTHING = ""                            # no socket at all
LISTEN = OPEN + "+0     listen(3, 1) = 0\n"
SYN_SENT = """ 0     socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0     fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0     connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0   > S 0:0(0) win 65535 <...>
"""
SYN_RECEIVED = LISTEN + """+.1  < S 0:0(0) win 65535 <mss 1460>
+0   > S. 0:0(0) ack 1 win 65535 <mss 1460>
"""
ESTABLISHED = SYN_RECEIVED + """+.1  < . 1:1(0) ack 1 win 65535
+0     accept(3, ..., ...) = 4
"""
FIN_WAIT_1 = ESTABLISHED + """+.1    shutdown(4, SHUT_WR) = 0
+0   > F. 1:1(0) ack 1
"""
FIN_WAIT_2 = FIN_WAIT_1 + "+.1  < . 1:1(0) ack 2 win 65535\n"
CLOSE_WAIT = ESTABLISHED + """+.1  < F. 1:1(0) ack 1 win 65535
+0   > . 1:1(0) ack 2
"""
CLOSING = FIN_WAIT_1 + """+.1  < F. 1:1(0) ack 1 win 65535
+0   > . 2:2(0) ack 2
"""
LAST_ACK = CLOSE_WAIT + """+.1    shutdown(4, SHUT_WR) = 0
+0   > F. 1:1(0) ack 2
"""
TIME_WAIT = FIN_WAIT_1 + """+.1  < F. 1:1(0) ack 2 win 65535
+0   > . 2:2(0) ack 2
"""

# As both packetdrill and Linux's struct tcp_info call them.
TCPI = {"CLOSED": "TCP_CLOSE", "SYN-RECEIVED": "TCP_SYN_RECV", "FIN-WAIT-1": "TCP_FIN_WAIT1",
        "FIN-WAIT-2": "TCP_FIN_WAIT2", **{name: "TCP_" + name.replace("-", "_") for name in (
            "LISTEN", "SYN-SENT", "ESTABLISHED", "CLOSE-WAIT", "CLOSING", "LAST-ACK",
            "TIME-WAIT")}}
KINDS = {"syn": "S", "syn-ack": "S.", "syn-fin": "SF", "ack": ".", "fin": "F", "fin-ack": "F.",
         "rst": "R", "rst-ack": "R."}
SYNS = ("syn", "syn-ack", "syn-fin")
RSTS = ("rst", "rst-ack")


class State:
    """How to get there; SEG.SEQ and SEG.ACK of what comes (fin-ack: the peer's FIN again, if it has
    been); what happens, by kind: (answer or None, state after, SO_ERROR or None, section)."""

    def __init__(self, name, script, seq, ack, fin_again, *rows):
        self.name, self.script, self.fin_again = name, script, fin_again
        self.seq, self.ack = seq, ack
        self.rows = {kind: row[1:] for row in rows for kind in
                     (row[0] if isinstance(row[0], tuple) else (row[0],))}
        assert set(self.rows) == set(KINDS), name


def synced(name, script, ack, seq, fin_again, ack_row, fin_row, rst_error, time_wait=False):
    """The rows that the synchronized states have in common."""
    answer = f". {ack}:{ack}(0) ack {seq}"
    reset = (RSTS, None, name, None, "RFC 1337 3") if time_wait else \
        (RSTS, None, "CLOSED", rst_error, "RFC 9293 3.10.7.4 second, RFC 5961 3.2")
    syn = "RFC 9293 3.6.1, 3.10.7.4 fourth" if time_wait else "RFC 5961 4.2"
    return State(name, script, seq, ack, fin_again,
                 (SYNS, answer, name, None, syn), ("ack", *ack_row),
                 ("fin", None, name, None, "RFC 9293 3.10.7.4 fifth"), ("fin-ack", *fin_row), reset)


EIGHTH, FIFTH, FIRST = (f"RFC 9293 3.10.7.4 {step}" for step in ("eighth", "fifth", "first"))
STATES = (
    State("CLOSED", NOTHING, 100, 500, False,
          ("syn", "R. 0:0(0) ack 1 win 0", "CLOSED", None, "RFC 9293 3.10.7.1"),
          ("syn-fin", "R. 0:0(0) ack 2 win 0", "CLOSED", None, "RFC 9293 3.10.7.1"),
          ("fin", "R. 0:0(0) ack 101 win 0", "CLOSED", None, "RFC 9293 3.10.7.1"),
          (("syn-ack", "ack", "fin-ack"), "R 500:500(0) win 0", "CLOSED", None,
           "RFC 9293 3.10.7.1"),
          (RSTS, None, "CLOSED", None, "RFC 9293 3.10.7.1")),
    State("LISTEN", LISTEN, 100, 500, False,
          (("syn", "syn-fin"), "S. 0:0(0) ack 101 win 65535 <mss 1460>", "LISTEN", None,
           "RFC 9293 3.10.7.2 third: a child is in SYN-RECEIVED"),
          (("syn-ack", "ack", "fin-ack"), "R 500:500(0) win 0", "LISTEN", None,
           "RFC 9293 3.10.7.2 second"),
          ("fin", None, "LISTEN", None, "RFC 9293 3.10.7.2 fourth"),
          (RSTS, None, "LISTEN", None, "RFC 9293 3.10.7.2 first")),
    State("SYN-SENT", SYN_SENT, 0, 1, False,
          (("syn", "syn-fin"), "S. 0:0(0) ack 1 win 65535 <mss 1460>", "SYN-RECEIVED", None,
           "RFC 9293 3.10.7.3 fourth: a simultaneous open"),
          ("syn-ack", ". 1:1(0) ack 1", "ESTABLISHED", None, "RFC 9293 3.10.7.3 fourth"),
          (("ack", "fin", "fin-ack"), None, "SYN-SENT", None, "RFC 9293 3.10.7.3 fifth"),
          ("rst", None, "SYN-SENT", None, "RFC 9293 3.10.7.3 second, RFC 5961 3"),
          ("rst-ack", None, "CLOSED", "ECONNREFUSED", "RFC 9293 3.10.7.3 second")),
    State("SYN-RECEIVED", SYN_RECEIVED, 1, 1, False,
          (SYNS, None, "LISTEN", None, "RFC 9293 3.10.7.4 fourth: back to LISTEN"),
          ("ack", None, "ESTABLISHED", None, FIFTH),
          ("fin", None, "SYN-RECEIVED", None, FIFTH),
          ("fin-ack", ". 1:1(0) ack 2", "CLOSE-WAIT", None, EIGHTH),
          (RSTS, None, "LISTEN", None, "RFC 9293 3.10.7.4 second: back to LISTEN")),
    synced("ESTABLISHED", ESTABLISHED, 1, 1, False, (None, "ESTABLISHED", None, FIFTH),
           (". 1:1(0) ack 2", "CLOSE-WAIT", None, EIGHTH), "ECONNRESET"),
    synced("FIN-WAIT-1", FIN_WAIT_1, 2, 1, False, (None, "FIN-WAIT-2", None, FIFTH),
           (". 2:2(0) ack 2", "TIME-WAIT", None, EIGHTH), "ECONNRESET"),
    synced("FIN-WAIT-2", FIN_WAIT_2, 2, 1, False, (None, "FIN-WAIT-2", None, FIFTH),
           (". 2:2(0) ack 2", "TIME-WAIT", None, EIGHTH), "ECONNRESET"),
    synced("CLOSE-WAIT", CLOSE_WAIT, 1, 2, True, (None, "CLOSE-WAIT", None, FIFTH),
           (". 1:1(0) ack 2", "CLOSE-WAIT", None, FIRST), "ECONNRESET"),
    synced("CLOSING", CLOSING, 2, 2, True, (None, "TIME-WAIT", None, FIFTH),
           (". 2:2(0) ack 2", "CLOSING", None, FIRST), "0"),
    synced("LAST-ACK", LAST_ACK, 2, 2, True, (None, "CLOSED", "0", FIFTH),
           (". 2:2(0) ack 2", "LAST-ACK", None, FIRST), "0"),
    synced("TIME-WAIT", TIME_WAIT, 2, 2, True, (None, "TIME-WAIT", None, FIFTH),
           (". 2:2(0) ack 2", "TIME-WAIT", None, EIGHTH + ": 2 MSL begin anew"), None, True),
)


def segment(state, kind):
    flags, seq = KINDS[kind], state.seq
    if kind == "fin-ack" and state.fin_again:
        seq -= 1
    text = f"{flags} {seq}:{seq}(0)" + (f" ack {state.ack}" if "." in flags else "")
    return f"{text} win 65535" + (" <mss 1460>" if "S" in flags else "")


def after(state, row):
    """What can be seen of the state that follows."""
    answer, following, error, _ = row
    tcpi = TCPI[following]
    held = 4 if "accept(" in state.script else 3
    if state.name == "SYN-RECEIVED" and following in ("ESTABLISHED", "CLOSE-WAIT"):
        return f"+0     accept(3, ..., ...) = 4\n+0     %{{ assert tcpi_state == {tcpi} }}%\n"
    if state.name == "SYN-RECEIVED" and following == "LISTEN":
        return "+0     accept(3, ..., ...) = -1 EAGAIN (Resource temporarily unavailable)\n"
    if state.name == "SYN-RECEIVED":
        return "+.1  < . 1:1(0) ack 1 win 65535\n+0     accept(3, ..., ...) = 4\n"
    if state.name == "CLOSED":
        return ""
    if state.name == "LISTEN":
        return "+0     getsockopt(3, SOL_SOCKET, SO_ACCEPTCONN, [1], [4]) = 0\n"
    text = f"+0     %{{ assert tcpi_state == {tcpi}, tcpi_state }}%\n"
    if error:
        text += f"+0     getsockopt({held}, SOL_SOCKET, SO_ERROR, [{error}], [4]) = 0\n"
    return text


def script(state, kind):
    row = state.rows[kind]
    text = f"// {state.name}, {KINDS[kind]} arrives: {row[3]}.\n\n{state.script}"
    if state.name == "SYN-RECEIVED":
        text += "+0     fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n"
    text += f"\n{'+.1' if state.script else ' 0 '}  < {segment(state, kind)}\n"
    if row[0]:
        text += f"+0   > {row[0]}\n"
    return text + after(state, row)


def scripts():
    """Name and text of each."""
    for version, mss in (("ipv4", 1460), ("ipv6", 1440)):
        for state in STATES:
            for kind in KINDS:
                text = script(state, kind).replace("mss 1460", f"mss {mss}")
                head, body = text.split("\n\n", 1)
                yield (f"{version}/{state.name.lower()}/{kind}.pkt",
                       f"{head}\n--ip_version={version}\n\n{body}")


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, text in scripts():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
