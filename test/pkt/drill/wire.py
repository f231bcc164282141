"""Octets: segments, datagrams and ICMP messages over IPv4 and IPv6, made and read."""

import socket
import struct
from dataclasses import dataclass, field
from typing import Optional

TCP, UDP, ICMP4, ICMP6 = 6, 17, 1, 58
CODES4 = dict(zip("""net_unreachable host_unreachable protocol_unreachable port_unreachable
    frag_needed source_route_failed net_unknown host_unknown source_host_isolated net_prohibited
    host_prohibited net_unreachable_for_tos host_unreachable_for_tos packet_filtered
    precedence_violation precedence_cutoff""".split(), range(16)))
TYPES4 = {"echo_reply": 0, "unreachable": 3, "source_quench": 4, "redirect": 5, "echo_request": 8,
          "time_exceeded": 11, "parameter_problem": 12, "timestamp_request": 13,
          "timestamp_reply": 14, "information_request": 15, "information_reply": 16,
          "address_mask_request": 17, "address_mask_reply": 18}
TYPES6 = {"unreachable": 1, "packet_too_big": 2, "time_exceeded": 3, "parameter_problem": 4,
          "echo_request": 128, "echo_reply": 129, "router_advertisement": 134}
CODES = {(4, 3): CODES4, (4, 11): {"ttl_exceeded_in_transit": 0, "frag_reass_exceeded": 1},
         (6, 1): {"no_route": 0, "admin_prohibited": 1, "not_neighbour": 2,
                  "address_unreachable": 3, "port_unreachable": 4},
         (6, 3): {"exceeded_hop_limit": 0, "exceeded_frag_time": 1},
         (6, 4): {"header_field": 0, "unknown_next_header": 1, "unknown_option": 2}}
MAGIC_FO = 0xf989


class WireFault(Exception):
    pass


@dataclass
class Segment:
    kind: str = "tcp"                   # tcp udp icmp
    flags: int = 0
    seq: int = 0
    ack: int = 0
    win: int = 0
    urg: int = 0
    text: int = 0
    options: Optional[list] = field(default_factory=list)   # (name, numbers...); None: any
    tos: int = 0
    ttl: int = 255
    flow: int = 0
    source: tuple = ("", 0)
    destination: tuple = ("", 0)
    icmp: tuple = ()                    # type, code


def flags_text(flags):
    return "".join(char for i, char in enumerate("FSRP.UEWA") if flags >> i & 1) or "-"


# ---- options ----

def accecn_octets(name, counts):
    return struct.pack("!BB", 172 if name == "accecn0" else 174, 2 + 3 * len(counts)) + \
        b"".join(struct.pack("!I", count)[1:] for count in counts)


def option_octets(option):
    name, *words = option
    if name in ("nop", "eol"):
        return b"\x01" if name == "nop" else b"\x00"
    if name == "mss":
        return struct.pack("!BBH", 2, 4, words[0])
    if name == "wscale":
        return struct.pack("!BBB", 3, 3, words[0])
    if name == "sackOK":
        return b"\x04\x02"
    if name == "TS":
        return struct.pack("!BBII", 8, 10, *words[:2])
    if name == "sack":
        return struct.pack(f"!BB{len(words)}I", 5, 2 + 4 * len(words), *words)
    if name.startswith("accecn"):
        return accecn_octets(name, words)
    octets = bytes.fromhex(words[0])
    if name == "md5":
        return struct.pack("!BB", 19, 18) + octets.ljust(16, b"\0")
    return (struct.pack("!BB", 34, 2 + len(octets)) if name == "FO" else
            struct.pack("!BBH", 254, 4 + len(octets), MAGIC_FO)) + octets


def option_read(kind, body):
    if kind == 2:
        return ("mss", *struct.unpack("!H", body))
    if kind == 3:
        return ("wscale", body[0])
    if kind == 4:
        return ("sackOK",)
    if kind == 5:
        return ("sack", *struct.unpack(f"!{len(body) // 4}I", body))
    if kind == 8:
        return ("TS", *struct.unpack("!II", body))
    if kind == 19:
        return ("md5", body.hex())
    if kind == 34:
        return ("FO", body.hex())
    if kind in (172, 174):
        counts = [int.from_bytes(body[i:i + 3], "big") for i in range(0, len(body), 3)]
        return (f"accecn{kind != 172:d}", *counts)
    if kind == 254 and body[:2] == MAGIC_FO.to_bytes(2, "big"):
        return ("FOEXP", body[2:].hex())
    return (f"kind{kind}", body.hex())


def options_read(octets):
    found, at = [], 0
    while at < len(octets):
        kind = octets[at]
        if kind < 2:
            found.append((("eol", "nop")[kind],))
            at += 1
            continue
        length = octets[at + 1] if at + 1 < len(octets) else 0
        if length < 2 or at + length > len(octets):
            raise WireFault(f"malformed options {octets.hex()}")
        found.append(option_read(kind, octets[at + 2:at + length]))
        at += length
    return found


def option_text(option):
    name, *words = option
    if name == "TS":
        return f"TS val {'...' if words[0] is None else words[0]} ecr {words[1]}"
    if name == "sack":
        return "sack " + " ".join(f"{a}:{b}" for a, b in zip(words[::2], words[1::2]))
    return " ".join(str(word) for word in option)


def segment_text(s):
    if s.kind != "tcp":
        return f"{s.kind} " + (f"({s.text})" if s.kind == "udp" else " ".join(map(str, s.icmp)))
    text = f"{flags_text(s.flags)} {s.seq}:{(s.seq + s.text) % 2**32}({s.text})"
    if s.flags & 16:
        text += f" ack {s.ack}"
    text += f" win {s.win}" + (f" urg {s.urg}" if s.flags & 32 else "")
    if s.options is None:
        return text + " <...>"
    return text + (f" <{','.join(map(option_text, s.options))}>" if s.options else "")


# ---- headers ----

def checksum(octets):
    total = sum(struct.unpack(f"!{(len(octets) + 1) // 2}H", octets + b"\0" * (len(octets) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packed(addr):
    return socket.inet_pton(socket.AF_INET6 if ":" in addr else socket.AF_INET, addr)


def ip(s, protocol, body, ttl=None, length=None):
    """`length`: what the header claims, if the rest is cut off."""
    source, destination, ttl = s.source[0], s.destination[0], s.ttl if ttl is None else ttl
    length = len(body) if length is None else length
    if ":" in source:
        return struct.pack("!IHBB", 6 << 28 | s.tos << 20 | s.flow, length, protocol, ttl) + \
            packed(source) + packed(destination) + body
    head = struct.pack("!BBHHHBBH", 0x45, s.tos, 20 + length, 0, 0, ttl, protocol, 0) + \
        packed(source) + packed(destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def pseudo(source, destination, protocol, n):
    return packed(source) + packed(destination) + struct.pack("!II", n, protocol)


def tcp_body(s):
    options = b"".join(map(option_octets, s.options))
    if len(options) % 4 or len(options) > 40:
        raise WireFault(f"{len(options)} octets of options: they come in fours, 40 at most")
    head = struct.pack("!HHIIHHHH", s.source[1], s.destination[1], s.seq, s.ack,
                       (20 + len(options)) // 4 << 12 | s.flags, s.win, 0, s.urg)
    body = head + options + bytes(s.text)
    value = checksum(pseudo(s.source[0], s.destination[0], TCP, len(body)) + body)
    return body[:16] + struct.pack("!H", value) + body[18:]


def udp_body(s):
    body = struct.pack("!HHHH", s.source[1], s.destination[1], 8 + s.text, 0) + bytes(s.text)
    value = checksum(pseudo(s.source[0], s.destination[0], UDP, len(body)) + body) or 0xffff
    return body[:6] + struct.pack("!H", value) + body[8:]


def octets_of(s):
    """A whole IP packet."""
    return ip(s, TCP, tcp_body(s)) if s.kind == "tcp" else ip(s, UDP, udp_body(s))


def icmp_kind(six, kind, code):
    types = TYPES6 if six else TYPES4
    if kind not in types:
        raise WireFault(f"no ICMP message of IPv{6 if six else 4}: {kind}")
    codes = CODES.get((6 if six else 4, types[kind]), {})
    if code is not None and code not in codes:
        raise WireFault(f"no code of ICMP {kind}: {code}")
    return types[kind], codes.get(code, 0)


def icmp_octets(packet, about, sender):
    """An ICMP message from `sender`; an error quotes 8 octets of `about`, a packet of ours."""
    kind, code, mtu, identity, (_, _, text) = packet.icmp
    six = ":" in sender[0]
    number, what = icmp_kind(six, kind, code)
    if kind.startswith("echo") or kind == "router_advertisement":
        rest = struct.pack("!HH", identity, 0) + bytes(max(text - 8, 0))
    else:
        quoted = tcp_body(about) if about.kind == "tcp" else udp_body(about)
        rest = struct.pack("!I", mtu) + ip(about, TCP if about.kind == "tcp" else UDP, quoted[:8],
                                           64, len(quoted))
    head = Segment(source=sender, destination=about.source, tos=about.tos)
    body = struct.pack("!BBH", number, what, 0) + rest
    sums = pseudo(sender[0], about.source[0], ICMP6, len(body)) if six else b""
    value = checksum(sums + body)
    return ip(head, ICMP6 if six else ICMP4, body[:2] + struct.pack("!H", value) + body[4:],
              packet.ttl or 255)


# ---- what goes out ----

def parse_tcp(s, body):
    sport, dport, s.seq, s.ack, bits, s.win, _, s.urg = struct.unpack("!HHIIHHHH", body[:20])
    length = (bits >> 12) * 4
    s.flags, s.text = bits & 0x1ff, len(body) - length
    s.options = options_read(body[20:length])
    return sport, dport


def parse(octets):
    """A Segment; None for what is neither TCP, UDP nor ICMP (fragments, extension headers)."""
    s = Segment()
    if octets[0] >> 4 == 6:
        word = struct.unpack("!I", octets[:4])[0]
        family, names, header, protocol = socket.AF_INET6, octets[8:40], 40, octets[6]
        s.tos, s.flow, s.ttl = word >> 20 & 255, word & 0xfffff, octets[7]
    else:
        family, names, header = socket.AF_INET, octets[12:20], (octets[0] & 15) * 4
        protocol, s.tos, s.ttl = octets[9], octets[1], octets[8]
    half, body, ports = len(names) // 2, octets[header:], (0, 0)
    if protocol == TCP:
        ports = parse_tcp(s, body)
    elif protocol == UDP:
        ports, s.kind, s.text = struct.unpack("!HH", body[:4]), "udp", len(body) - 8
    elif protocol in (ICMP4, ICMP6):
        s.kind, s.icmp, s.text = "icmp", (body[0], body[1]), len(body)
    else:
        return None
    s.source = (socket.inet_ntop(family, names[:half]), ports[0])
    s.destination = (socket.inet_ntop(family, names[half:]), ports[1])
    return s
