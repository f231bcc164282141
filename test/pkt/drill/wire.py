"""Packets: the script's words to octets, and octets to words. IPv4 and IPv6, TCP, and the ICMP
errors that quote a segment."""

import re
import socket
import struct
from dataclasses import dataclass, field

FLAGS = "FSRP.UEW"
CE = {"noecn": 0, "ect1": 1, "ect0": 2, "ce": 3}
UNREACHABLE4 = {"net_unreachable": 0, "host_unreachable": 1, "protocol_unreachable": 2,
                "port_unreachable": 3, "frag_needed": 4, "source_route_failed": 5,
                "net_unknown": 6, "host_unknown": 7, "source_host_isolated": 8,
                "net_prohibited": 9, "host_prohibited": 10, "net_unreachable_for_tos": 11,
                "host_unreachable_for_tos": 12, "packet_filtered": 13,
                "precedence_violation": 14, "precedence_cutoff": 15}


@dataclass
class Segment:
    flags: int = 0
    seq: int = 0
    ack: int = 0
    win: int = 0
    urg: int = 0
    text: int = 0
    options: list = field(default_factory=list)     # (name, numbers...)
    ecn: int = 0
    source: tuple = ("", 0)
    destination: tuple = ("", 0)


def flags_of(word):
    return sum(1 << FLAGS.index(char) for char in word if char != "-")


def flags_text(flags):
    return "".join(char for i, char in enumerate("FSRP.UEW") if flags >> i & 1) or "-"


def options_of(text):
    """What stands between < and >. None: any options will do."""
    if text is None:
        return []
    if text.strip() == "...":
        return None
    found = []
    for word in (w.strip() for w in text.split(",")):
        if not word:
            continue
        parts = word.split()
        if parts[0] in ("nop", "eol", "sackOK"):
            found.append((parts[0],))
        elif parts[0] in ("mss", "wscale"):
            found.append((parts[0], int(parts[1])))
        elif parts[0] == "TS":
            numbers = re.match(r"TS val (\d+) ecr (\d+)$", word)
            found.append(("TS", int(numbers[1]), int(numbers[2])))
        elif parts[0] == "sack":
            edges = re.findall(r"(\d+):(\d+)", word)
            found.append(("sack", *(int(edge) for pair in edges for edge in pair)))
        elif parts[0] in ("FO", "FOEXP"):
            found.append((parts[0], parts[1] if len(parts) > 1 else ""))
        else:
            raise ValueError(f"an option that this runner does not know: {word}")
    return found


def option_octets(option):
    name, *numbers = option
    if name == "nop":
        return b"\x01"
    if name == "eol":
        return b"\x00"
    if name == "mss":
        return struct.pack("!BBH", 2, 4, numbers[0])
    if name == "wscale":
        return struct.pack("!BBB", 3, 3, numbers[0])
    if name == "sackOK":
        return b"\x04\x02"
    if name == "TS":
        return struct.pack("!BBII", 8, 10, *numbers)
    if name == "sack":
        return struct.pack(f"!BB{len(numbers)}I", 5, 2 + 4 * len(numbers), *numbers)
    cookie = bytes.fromhex(numbers[0])
    return (struct.pack("!BB", 34, 2 + len(cookie)) if name == "FO" else
            struct.pack("!BBH", 254, 4 + len(cookie), 0xf989)) + cookie


def options_read(octets):
    found, at = [], 0
    while at < len(octets):
        kind = octets[at]
        if kind < 2:
            found.append(("eol", "nop")[kind:kind + 1])
            at += 1
            continue
        length = octets[at + 1] if at + 1 < len(octets) else 0
        if length < 2 or at + length > len(octets):
            raise ValueError(f"malformed options {octets.hex()}")
        body = octets[at + 2:at + length]
        if kind == 2:
            found.append(("mss", *struct.unpack("!H", body)))
        elif kind == 3:
            found.append(("wscale", body[0]))
        elif kind == 4:
            found.append(("sackOK",))
        elif kind == 5:
            found.append(("sack", *struct.unpack(f"!{len(body) // 4}I", body)))
        elif kind == 8:
            found.append(("TS", *struct.unpack("!II", body)))
        elif kind == 34:
            found.append(("FO", body.hex()))
        else:
            found.append((f"kind{kind}", body.hex()))
        at += length
    return found


def option_text(option):
    name, *numbers = option
    if name == "TS":
        return f"TS val {numbers[0]} ecr {numbers[1]}"
    if name == "sack":
        return "sack " + " ".join(f"{a}:{b}" for a, b in zip(numbers[::2], numbers[1::2]))
    return " ".join(str(word) for word in option)


def segment_text(s):
    text = f"{flags_text(s.flags)} {s.seq}:{(s.seq + s.text) % 2**32}({s.text})"
    if s.flags & 16:
        text += f" ack {s.ack}"
    text += f" win {s.win}" + (f" urg {s.urg}" if s.flags & 32 else "")
    if s.options is None:
        return text + " <...>"
    return text + (f" <{','.join(map(option_text, s.options))}>" if s.options else "")


def checksum(octets):
    total = sum(struct.unpack(f"!{(len(octets) + 1) // 2}H", octets + b"\0" * (len(octets) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packed(addr):
    return socket.inet_pton(socket.AF_INET6 if ":" in addr else socket.AF_INET, addr)


def ip(source, destination, protocol, body, ecn=0):
    if ":" in source:
        return struct.pack("!IHBB", 6 << 28 | ecn << 20, len(body), protocol, 255) + \
            packed(source) + packed(destination) + body
    head = struct.pack("!BBHHHBBH", 0x45, ecn, 20 + len(body), 0, 0, 255, protocol, 0) + \
        packed(source) + packed(destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def pseudo(source, destination, protocol, n):
    return packed(source) + packed(destination) + struct.pack("!II", n, protocol)


def tcp_octets(s, quoted=None):
    """A whole IP packet; `quoted`: only so many octets of the segment, as ICMP has it."""
    options = b"".join(map(option_octets, s.options))
    if len(options) % 4:
        options += b"\0" * (4 - len(options) % 4)
    head = struct.pack("!HHIIBBHHH", s.source[1], s.destination[1], s.seq, s.ack,
                       (20 + len(options)) // 4 << 4, s.flags, s.win, 0, s.urg)
    body = head + options + bytes(i & 0xff for i in range(s.text))
    value = checksum(pseudo(s.source[0], s.destination[0], 6, len(body)) + body)
    body = body[:16] + struct.pack("!H", value) + body[18:]
    return ip(s.source[0], s.destination[0], 6, body, s.ecn)


def icmp_octets(kind, code, mtu, about, sender):
    """The error that `sender` would send about a segment of ours."""
    target = about.source[0]
    if ":" in target:
        number, what = {("unreachable", "packet_too_big"): (2, 0),
                        ("packet_too_big", "packet_too_big"): (2, 0),
                        ("unreachable", "no_route"): (1, 0),
                        ("unreachable", "admin_prohibited"): (1, 1),
                        ("unreachable", "address_unreachable"): (1, 3),
                        ("unreachable", "port_unreachable"): (1, 4)}[kind, code]
        body = struct.pack("!BBHI", number, what, 0, mtu) + tcp_octets(about)[:1200]
        value = checksum(pseudo(sender, target, 58, len(body)) + body)
        return ip(sender, target, 58, body[:2] + struct.pack("!H", value) + body[4:])
    if kind != "unreachable" or code not in UNREACHABLE4:
        raise ValueError(f"an ICMP message that this runner does not know: {kind} {code}")
    body = struct.pack("!BBHHH", 3, UNREACHABLE4[code], 0, 0, mtu) + tcp_octets(about)[:28]
    return ip(sender, target, 1, body[:2] + struct.pack("!H", checksum(body)) + body[4:])


def parse(octets):
    """A Segment; None for what is no TCP."""
    if octets[0] >> 4 == 6:
        family, names, header, protocol = socket.AF_INET6, octets[8:40], 40, octets[6]
        ecn = octets[1] >> 4 & 3
    else:
        family, names, header = socket.AF_INET, octets[12:20], (octets[0] & 15) * 4
        protocol, ecn = octets[9], octets[1] & 3
    if protocol != 6:
        return None
    half = len(names) // 2
    body = octets[header:]
    sport, dport, seq, ack, offset, flags, win, _, urg = struct.unpack("!HHIIBBHHH", body[:20])
    length = (offset >> 4) * 4
    return Segment(flags, seq, ack, win, urg, len(body) - length, options_read(body[20:length]),
                   ecn, (socket.inet_ntop(family, names[:half]), sport),
                   (socket.inet_ntop(family, names[half:]), dport))
