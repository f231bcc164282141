"""Which connection a packet of a script belongs to, and what its numbers are on the wire.

A script speaks of one connection at a time: the socket made last, or the child of a listener that
the last SYN made. Its sequence numbers begin where the script's SYNs begin: on a SYN they stand
for themselves, elsewhere they count from it."""

from dataclasses import dataclass, field
from typing import Optional

REMOTE_OFFSET = 0xfffffc00              # the peer's sequence numbers go through the wrap
FIRST_REMOTE_PORT = 40000
SYN, ACK = 2, 16
NEW, LISTENING, CONNECTING, SYN_SENT, PASSIVE, SYNACK_SENT = range(6)


@dataclass
class Connection:
    """Of TCP or UDP. `live`: the shim's descriptor; None for a child that nobody accepted."""
    state: int
    local: tuple
    remote: tuple
    protocol: str = "tcp"
    script_fd: Optional[int] = None
    live: Optional[int] = None
    remote_isn: int = 0                 # as the script has it
    local_isn: int = 0                  # on the wire
    local_first: int = 0                # what the script calls it
    stamps: dict = field(default_factory=dict)      # the script's TS val to the wire's
    first_stamp: Optional[tuple] = None # script's, wire's
    flow: Optional[tuple] = None        # the flow label: script's, wire's
    seen: bool = False                  # of an active one: its SYN has said where it begins

    def out_seq(self, number, syn=False):
        """A number of ours, as it is on the wire."""
        return (number + self.local_isn - (self.local_first if syn else 0)) % 2**32

    def in_seq(self, number, syn=False):
        """A number of the peer's, as it is on the wire."""
        return (number + REMOTE_OFFSET + (0 if syn else self.remote_isn)) % 2**32

    def out_script(self, number, syn=False):
        return (number - self.local_isn + (self.local_first if syn else 0)) % 2**32

    def in_script(self, number, syn=False):
        return (number - REMOTE_OFFSET - (0 if syn else self.remote_isn)) % 2**32

    def stamp_in(self, value):
        """TS ecr of a packet that goes in: a value of ours that went out, or one in proportion."""
        if value in self.stamps:
            return self.stamps[value]
        if value and self.first_stamp:
            return (value - self.first_stamp[0] + self.first_stamp[1]) % 2**32
        return value


class Sockets:
    def __init__(self, local, remote, bind_port, connect_port):
        self.local, self.remote = local, remote         # addresses
        self.bind_port, self.connect_port = bind_port, connect_port
        self.ports, self.open, self.test, self.children = 0, {}, None, []

    # ---- what calls do ----

    def made(self, script_fd, live, protocol="tcp"):
        self.test = Connection(NEW, (self.local, self.bind_port), (self.remote, 0), protocol,
                               script_fd, live)
        self.open[script_fd] = self.test

    def listens(self, script_fd):
        if script_fd in self.open:
            self.open[script_fd].state = LISTENING

    def connects(self, script_fd):
        c = self.open.get(script_fd)
        if c and c.state == NEW:
            c.state, c.remote = CONNECTING, (self.remote, self.connect_port)

    def accepted(self, script_fd, live, peer_port):
        """The child whose peer has this port."""
        if self.test and self.test.script_fd is None and self.test.remote[1] == peer_port:
            c = self.test
        else:
            c = next((child for child in self.children if child.remote[1] == peer_port), None)
        if c is None:
            c = Connection(SYNACK_SENT, (self.local, self.bind_port), (self.remote, peer_port))
        c.script_fd, c.live = script_fd, live
        self.open[script_fd] = c
        self.test = c

    def closed(self, script_fd):
        """Its packets may still come."""
        self.open.pop(script_fd, None)

    # ---- what packets do ----

    def for_inbound(self, packet):
        c = self.test
        if packet.kind == "tcp" and (c is None or c.state in (NEW, LISTENING)):
            self.ports += 1
            c = Connection(PASSIVE, (self.local, self.bind_port),
                           (self.remote, FIRST_REMOTE_PORT + self.ports), remote_isn=packet.seq)
            self.children.append(c)
            self.test = c
        elif packet.kind == "tcp" and c.state == SYN_SENT and packet.flags & (SYN | ACK) == 18:
            c.remote_isn = packet.seq
        elif packet.kind == "udp" and c and c.protocol == "udp" and c.remote[1] == 0:
            c.remote = (self.remote, self.connect_port)
        return c

    def for_outbound(self, packet):
        c = self.test
        if c and packet.kind == "tcp" and c.state == CONNECTING and packet.flags & 18 == SYN:
            c.state, c.local_first = SYN_SENT, packet.seq
        return c

    def belongs(self, c, got):
        """Is it a packet of this connection? A first SYN says where an active one begins."""
        if got.kind == "icmp":
            return got.destination[0] == c.remote[0]
        if got.destination != c.remote and not (got.kind == "udp" and c.remote[1] == 0):
            return False
        if c.state == SYN_SENT and got.flags & 18 == SYN and not c.seen:
            c.local, c.local_isn, c.seen = got.source, got.seq, True
            return True
        return got.source == c.local or (got.kind == "udp" and got.source[0] == c.local[0])
