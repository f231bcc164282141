#!/usr/bin/env python3
# timeout: 600
"""Under fire: a SYN flood from a raw socket, and junk packets of every kind, while the kernel's
real connections come and go whole. LASTACK_SEED repeats the junk of a failure."""

import os
import pathlib
import random
import socket
import struct
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import kernel as k

SEED = int(os.environ.get("LASTACK_SEED", random.SystemRandom().randrange(1 << 32)))
FLOOD, JUNK, HALF_OPEN = 30000, 40000, 128
SYN = 2


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(source, payload, protocol=6, options=b"", destination=k.OURS):
    words = 5 + len(options) // 4
    return struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0, words * 4 + len(payload), 1, 0, 64,
                       protocol, 0, socket.inet_aton(source),
                       socket.inet_aton(destination)) + options + payload


def tcp(source, sport, dport, seq, ack, flags, options=b"", text=b"", offset=None, right=True):
    """A segment with a checksum that is right, unless it is not to be."""
    options += b"\0" * (-len(options) % 4)
    offset = 5 + len(options) // 4 if offset is None else offset
    segment = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, offset % 16 << 4, flags, 8192, 0,
                          0) + options + text
    pseudo = socket.inet_aton(source) + socket.inet_aton(k.OURS) + struct.pack("!HH", 6,
                                                                             len(segment))
    total = checksum(pseudo + segment) if right else 0x1234
    return segment[:16] + struct.pack("!H", total) + segment[18:]


def raw_socket():
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    return s


def send(s, packet):
    try:
        s.sendto(packet, (k.OURS, 0))
    except OSError:
        pass                    # the kernel refuses some of our junk, as it should


def echo_goes_on(claim, text):
    with k.connect(7) as s:
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        k.check(claim, k.receive_all(s) == (k.digest(text), len(text)))


def syn_flood():
    """SYNs from everywhere fill the half-open queue; real clients still connect, by cookie."""
    dice = random.Random(SEED)
    with k.Host("tun", "--echo", "--half-open", HALF_OPEN) as host:
        stop = threading.Event()

        def flood():
            s = raw_socket()
            for i in range(FLOOD):
                source = f"10.77.{dice.randrange(1, 255)}.{dice.randrange(1, 255)}"
                options = b"\x02\x04\x05\xb4\x04\x02" if i % 2 else b""
                send(s, ipv4(source, tcp(source, dice.randrange(1024, 65536), 7,
                                         dice.randrange(1 << 32), 0, SYN, options)))
                if stop.is_set():
                    return

        attacker = threading.Thread(target=flood, daemon=True)
        attacker.start()
        k.until("the half-open queue is full",
                lambda: sum(s["state"] == "SYN-RECEIVED" for s in host.sockets()) >= HALF_OPEN - 8)
        for i in range(100):
            echo_goes_on("a real client", b"in the flood %d" % i)
        half_open = sum(s["state"] == "SYN-RECEIVED" for s in host.sockets())
        stop.set()
        attacker.join()
        k.check("the half-open queue is bounded", half_open <= HALF_OPEN, half_open)
        pools, counters = host.pools(), host.counters()
        k.check("control blocks did not grow with the flood",
                pools["tcp_connections"]["peak"] <= HALF_OPEN + 16, pools)
        k.check("cookies were sent", counters["SYN_COOKIE_SENT"] > 0, counters)
        host.stop()


OPTION_KINDS = [0, 1, 2, 3, 4, 5, 8, 14, 19, 28, 29, 30, 34, 253, 254, 255]


def junk_options(dice):
    """A list of options in which something is wrong: a length of 0 or 1, too long, too short,
    beyond the header's end, said twice; or all right, but in no use."""
    out = b""
    while len(out) < 36 and dice.random() < 0.8:
        kind = dice.choice(OPTION_KINDS)
        length = dice.choice([0, 1, 2, 3, 4, 6, 10, 18, 34, 255])
        out += bytes([kind, length]) + dice.randbytes(min(max(length - 2, 0), 38 - len(out)))
    return out[:40]


def junk_packet(dice, port):
    """Something no well-meaning host sends."""
    form = dice.randrange(10)
    flags, options = dice.randrange(256), junk_options(dice)
    segment = tcp(k.KERNEL, port, 7, dice.randrange(1 << 32), dice.randrange(1 << 32), flags,
                  options, dice.randbytes(dice.randrange(40)))
    if form == 0:
        return ipv4(k.KERNEL, dice.randbytes(dice.randrange(64)), dice.randrange(256))
    if form == 1:
        return ipv4(k.KERNEL, segment[:dice.randrange(len(segment))])
    if form == 2:
        return ipv4(k.KERNEL, tcp(k.KERNEL, port, 7, 1, 1, flags, options,
                                  offset=dice.randrange(16)))
    if form == 3:
        return ipv4(k.KERNEL, tcp(k.KERNEL, port, 7, 1, 1, flags, options, right=False))
    if form == 4:
        return ipv4(k.KERNEL, segment, options=junk_options(dice)[:dice.randrange(10) * 4])
    if form == 5:
        return ipv4(dice.choice(["0.0.0.0", "127.0.0.1", "255.255.255.255", k.OURS]), segment)
    if form == 6:
        return ipv4(k.KERNEL, dice.randbytes(dice.randrange(60)), 1)
    if form == 7:
        return ipv4(k.KERNEL, dice.randbytes(dice.randrange(60)), 17)
    if form == 8:
        fragment = bytearray(ipv4(k.KERNEL, segment + bytes(-len(segment) % 8)))
        struct.pack_into("!H", fragment, 6, dice.randrange(1 << 14))
        return bytes(fragment)
    return ipv4(k.KERNEL, segment)


def junk_meets_a_transfer():
    """Random, truncated and malformed packets, many of them aimed at the connection that
    transfers meanwhile: not an octet of it may differ, and the host must stay well."""
    dice = random.Random(SEED)
    data = k.pattern("junk", k.megabytes(64) << 20)
    with k.Host("tun", "--echo") as host, k.connect(7) as s:
        port = s.getsockname()[1]
        sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)),
                                  daemon=True)
        sender.start()
        result = []
        receiver = threading.Thread(target=lambda: result.append(k.receive_all(s)), daemon=True)
        receiver.start()
        raw = raw_socket()
        for i in range(JUNK):
            send(raw, junk_packet(dice, port if i % 2 else dice.randrange(1, 65536)))
            if i % 5000 == 0:
                echo_goes_on("others live", b"beside the junk")
        sender.join()
        receiver.join()
        k.check("the transfer is whole", result == [(k.digest(data), len(data))],
                f"LASTACK_SEED={SEED}", result)
        refused = sum(host.counters().values())
        k.check("the junk was counted", refused > JUNK / 4, refused)
        host.stop()


TESTS = [syn_flood, junk_meets_a_transfer]

if __name__ == "__main__":
    print(f"LASTACK_SEED={SEED}")
    sys.exit(k.run(TESTS, sys.argv[1:]))
