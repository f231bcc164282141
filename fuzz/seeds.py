#!/usr/bin/env python3
"""seeds: writes the seed corpora of fuzz/corpus anew. A few inputs of every kind that a harness
knows, so that a short run begins behind the first length checks."""

import pathlib
import struct

top = pathlib.Path(__file__).resolve().parent / "corpus"


def tcp(flags=0x18, options=b"", text=b"hello"):
    options += b"\0" * (-len(options) % 4)
    return struct.pack("!HHIIBBHHH", 40000, 80, 1000, 2000, (20 + len(options)) * 4, flags,
                       65535, 0, 0) + options + text


def ipv4(protocol, payload, fragment=0x4000, options=b""):
    return struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload),
                       7, fragment, 64, protocol, 0) + bytes([10, 0, 0, 1, 10, 0, 0, 2]) \
        + options + payload


def ipv6(protocol, payload):
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + bytes(15) + b"\1" \
        + b"\xfe\x80" + bytes(13) + b"\2" + payload


def ether(kind, payload):
    return bytes([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]) + struct.pack("!H", kind) + payload


SYN = bytes([2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7])
TS = bytes([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2])
SACK = bytes([1, 1, 5, 18]) + bytes(range(16))
UDP = struct.pack("!HHHH", 4000, 53, 13, 0) + b"query"
ARP = bytes([0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1] + [0] * 6 + [10, 0, 0, 2])
ECHO = bytes([8, 0, 0, 0, 0, 1, 0, 2]) + b"ping"
QUOTED = ipv4(6, tcp())
TOO_BIG = bytes([3, 4, 0, 0, 0, 0, 5, 0x78]) + QUOTED[:28]
EXTENSIONS = bytes([60, 0, 5, 2, 0, 0, 1, 0, 44, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 9])
PACKETS = [ipv4(6, tcp(0x02, SYN, b"")), ipv4(6, tcp(0x10, TS + SACK)), ipv4(17, UDP),
           ipv4(1, ECHO), ipv4(1, TOO_BIG), ipv4(17, UDP, 0x2001), ipv6(0, EXTENSIONS + tcp()),
           ipv6(58, bytes([2, 0, 0, 0, 0, 0, 5, 0]) + ipv6(17, UDP))]

WIRE_PARSE = {
    0: [tcp(0x02, SYN, b""), tcp(0x10, TS), tcp(0x10, TS + SACK), tcp(0x11, b"\xfd\4\1\2\2\1")],
    1: [ipv4(6, tcp()), ipv4(17, UDP, 0x2003), ipv4(6, tcp(), 0, b"\7\4\4\0")],
    2: [ipv6(6, tcp()), ipv6(0, EXTENSIONS + tcp())],
    3: [ether(0x0800, QUOTED), ARP, ECHO, UDP],
    4: [QUOTED[:28], ipv6(60, bytes([17, 0, 1, 4, 0, 0, 0, 0]) + UDP)],
    5: [b"192.0.2.1", b"2001:db8::1:0:0:1", b"::ffff:10.0.0.1", b"::", b"1:2:3:4:5:6:1.2.3.4"],
    6: PACKETS,
    7: [ether(0x0806, ARP), ether(0x88cc, b"x")] + [ether(0x0800, p) for p in PACKETS[:2]],
    8: [bytes(range(256))],
}


# ---- input: the operations of fuzz/input.c ----
SAME = 0x10                     # a difference of 0
TAKE, DEADLINE, LATER, LOOK = bytes([183]), bytes([217]), bytes([216, 24]), bytes([248])


def call(kind, *arguments):
    return bytes([100 + kind if kind < 20 else 0, *arguments])


def segment(op, flags, text=0, window=0, more=()):
    """op 7 answers what was said last, op 5 speaks to socket number `more`."""
    return bytes([op, *more, text, window, flags, SAME, SAME, 0])


LISTEN = call(2, 0, 1, 3)
CONNECT = call(1, 0, 0, 0)
HANDSHAKE_IN = LISTEN + segment(5, 2, more=(0, 0)) + TAKE + segment(7, 16) + call(6, 0)
HANDSHAKE_OUT = CONNECT + TAKE + segment(7, 18) + TAKE
INPUT = [
    HANDSHAKE_IN, HANDSHAKE_OUT,
    HANDSHAKE_OUT + call(8, 0, 200) + TAKE + segment(7, 16) + call(13, 0) + TAKE + segment(7, 17),
    HANDSHAKE_IN + segment(7, 24, 100) + TAKE + call(11, 1, 9) + segment(7, 17) + call(15, 1),
    HANDSHAKE_OUT + call(8, 0, 255) + TAKE + DEADLINE + TAKE + DEADLINE + TAKE + LOOK,
    CONNECT + TAKE + bytes([1, 3, 4, 100, 0]) + LATER + TAKE,
    bytes([2, 9, 0, 0, 0]) + TAKE + bytes([3, 32, 64, 0, 3, 8, 64, 0]) + TAKE,
    bytes([4, 0, 4, 0, 0]) + TAKE + call(17, 0, 4, 0, 0) + bytes([2, 9, 0, 0, 0]) + LOOK,
]

# ---- input6: the operations of fuzz/input6.c ----
# Addresses: 0 is the stack, 1 a host on its net, 3 its router. HOPS 1: a hop limit of 255.
STACK, HOST, ROUTER, HOPS = 0, 1, 3, 1
TAKE6, DEADLINE6, LATER6 = bytes([0x7c]), bytes([15]), bytes([14, 27])


def call6(kind, *arguments):
    return bytes([10, kind, *arguments])


def segment6(op, flags, text=0, more=(), extensions=(0,)):
    return bytes([op, *more, 0, text, flags, SAME, SAME, *extensions, 0])


def discovery(what, source, target, flags=0, options=(), more=()):
    return bytes([3, what, source, HOPS, target, STACK, flags, *more, *options, 0])


SOLICITATION = discovery(22, HOST, STACK, 0, (1, 0))
ADVERTISEMENT = discovery(18, HOST, HOST, 0x60, (2, 0))
ROUTER_SAYS = discovery(36, ROUTER, STACK, 64, (0xdb, 0, 255, 5, 0, 5), (7,))
REDIRECT = discovery(24, ROUTER, ROUTER, 0, (2, 0))
QUERY = discovery(0x80, ROUTER, STACK)
CONNECT6 = call6(1, HOST) + TAKE6 + ADVERTISEMENT + TAKE6 + segment6(8, 18) + TAKE6
LISTEN6 = call6(0) + segment6(7, 2, more=(0,)) + TAKE6 + segment6(8, 16) + call6(2)
PARTS = [bytes([2, 0, 32 | 0, 64, 0]), bytes([2, 0, 32 | 8, 64, 0]), bytes([2, 0, 16, 64, 0])]
INPUT6 = [
    bytes([6, 0, 0, 20, 0]) + TAKE6 + SOLICITATION + TAKE6,
    call6(3) + bytes([1, 0, 10, 0, 2, 1, 0, 0]) + call6(5) + call6(4, 200) + TAKE6,
    PARTS[0] + PARTS[1] + PARTS[2] + PARTS[0] + LATER6 + TAKE6,
    TAKE6 + ROUTER_SAYS + DEADLINE6 + TAKE6 + REDIRECT + QUERY + DEADLINE6 + TAKE6,
    CONNECT6 + call6(7, 250) + TAKE6 + bytes([5, ROUTER, 0, 2, 0, 5, 0, 0]) + TAKE6 + DEADLINE6
    + TAKE6,
    LISTEN6 + segment6(8, 24, 60, extensions=(2, 0, 1)) + call6(9) + TAKE6 + segment6(8, 17)
    + call6(10) + TAKE6,
    bytes([0, HOST, 0, 3, 0, 2, 4, 17, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0]) + TAKE6,
]

# ---- pair: the operations of fuzz/pair.c ----


def app(host, what, end=0, n=0):
    return bytes([2 * what + host, end, n])


def pump(host):
    return bytes([174 + host])


def deliver(to, times=1):
    return bytes([88 + to, 0]) * times


def lose(to, which=0):
    return bytes([80 + to, which])


def exchange(times=1):
    return (pump(0) + deliver(1, 8) + pump(1) + deliver(0, 8)) * times


OPEN = app(0, 0) + exchange() + app(1, 1)
PASS = bytes([221])
PAIR = [
    OPEN + app(0, 2, 0, 200) + exchange(2) + app(1, 5, 0, 200) + app(0, 8) + exchange(2),
    OPEN + app(0, 2, 0, 230) + pump(0) + lose(1) + deliver(1, 8) + exchange() + PASS + exchange(3),
    app(0, 0) + app(1, 0) + pump(0) + pump(1) + deliver(0) + deliver(1) + exchange(2),
    OPEN + app(1, 4, 0, 90) + app(0, 4, 0, 90) + exchange() + app(1, 8) + app(0, 8) + exchange(2),
    OPEN + app(0, 2, 0, 100) + exchange() + app(1, 9) + exchange() + app(0, 5, 0, 9),
    OPEN + (app(0, 2, 0, 255) + exchange() + PASS) * 4,
]


def prefixed(headers, inputs):
    return [header + octets for header in headers for octets in inputs]


def write(name, inputs):
    folder = top / name
    folder.mkdir(parents=True, exist_ok=True)
    for label, octets in inputs:
        (folder / label).write_bytes(octets)


def main():
    write("wire_parse", [(f"{parser}-{number}", bytes([parser]) + octets)
                         for parser, inputs in WIRE_PARSE.items()
                         for number, octets in enumerate(inputs)])
    # Configuration and link: generous and plain; scarce, on Ethernet with offloads.
    write("input", [(f"{n:02}", octets) for n, octets in
                    enumerate(prefixed([b"\x1f\x63\x02", b"\x80\x1d\x0d"], INPUT))])
    # The same, with neighbour discovery's first second, without it, and autoconfigured.
    write("input6", [(f"{n:02}", octets) for n, octets in
                     enumerate(prefixed([b"\x1f\x63\x02\0", b"\x80\x1d\x0d\1",
                                         b"\x1f\x63\x03\2"], INPUT6))])
    write("pair", [(f"{n:02}", octets) for n, octets in
                   enumerate(prefixed([b"\0\x02\x1f\x63\x1f\x63", b"\1\x0f\x80\x1d\x20\x60"],
                                      PAIR))])


if __name__ == "__main__":
    main()
