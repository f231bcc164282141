"""The words of a packet line, after its < or >: TCP, UDP and ICMP.

    [ect0] (tos 0x20) (ttl 64, flowlabel 0x1)       what the IP header says
    8080 > 40001                                    ports other than the connection's
    S. 0:10(10)! ack 1 win 100 urg 1 <mss 1460>     a segment; ! means: the number as it stands
    udp (100)
    icmp unreachable frag_needed mtu 1200 [1:1001(1000)]"""

import re
from dataclasses import dataclass, field
from typing import Optional

IP = re.compile(r"\s*(?:\(([^)]*)\)|\[([^\]]*)\])")
PORTS = re.compile(r"\s*(\d+)\s*>\s*(\d+)")
SEGMENT = re.compile(
    r"\s*(?P<flags>-|[FSRPEWUA]*\s*(?:\.[0-7]?)?\s*[FSRPEWUA]*)\s*"
    r"(?<!\d)(?P<seq>\d+):(?P<end>\d+)\s*\((?P<text>\d+)\)(?P<verbatim>!)?"
    r"(?:\s*ack\s+(?P<ack>\d+))?(?:\s*win\s+(?P<win>\d+|\.\.\.))?(?:\s*urg\s+(?P<urg>\d+))?"
    r"\s*(?:<(?P<options>.*)>)?\s*$")
UDP = re.compile(r"\s*udp\s*(?:(\d+)\s*>\s*(\d+)\s*)?\(\s*(\d+)\s*\)\s*$")
ICMP = re.compile(r"\s*icmp\s+(?P<type>\w+)(?:\s+(?!mtu\b|id\b)(?P<code>\w+))?"
                  r"(?:\s+mtu\s+(?P<mtu>\d+))?(?:\s+id\s+(?P<id>\d+))?"
                  r"(?:\s*\[(?P<about>[^\]]*)\])?\s*$")
ECN = {"noecn": 0, "ect1": 1, "ect0": 2, "ce": 3}
DSCP = {**{f"cs{i}": i << 3 for i in range(8)}, "ef": 46, "voice-admit": 44, "le": 1,
        **{f"af{i}{j}": i << 3 | j << 1 for i in range(1, 5) for j in range(1, 4)}}


class PacketFault(Exception):
    pass


@dataclass
class Packet:
    kind: str = "tcp"                   # tcp udp icmp
    ports: Optional[tuple] = None
    tos: Optional[int] = None           # the whole octet, of the bits in tos_mask
    tos_mask: int = 0
    ect: bool = False                   # [ect01]: any capable code point
    ttl: Optional[int] = None
    flow: Optional[int] = None
    flags: int = 0
    ace: bool = False                   # AE, CWR and ECE were given as one number
    seq: int = 0
    text: int = 0
    verbatim: bool = False
    ack: Optional[int] = None
    win: Optional[int] = None
    urg: int = 0
    options: Optional[list] = field(default_factory=list)   # None: any
    icmp: tuple = ()                    # type, code, mtu, id, what of our packets it is about


def flags_of(word):
    """Bits of RFC 9293 3.1, AE as 256; and whether a number said what AE, CWR, ECE are."""
    bits, ace = 0, False
    for char in word:
        if char in "01234567":
            ace = True
            bits |= (int(char) >> 2 & 1) << 8 | (int(char) >> 1 & 1) << 7 | (int(char) & 1) << 6
        elif char in "FSRP.UEWA":
            bits |= 1 << "FSRP.UEWA".index(char)
    return bits, ace


def ip_words(packet, text):
    for word in text.split(","):
        name, *rest = word.split()
        value = rest[0] if rest else ""
        if name in ECN or (name == "ecn" and value in ECN):
            packet.tos = (packet.tos or 0) | ECN[value or name]
            packet.tos_mask |= 3
        elif name == "ect01" or value == "ect01":
            packet.ect = True
        elif name in ("tos", "class"):
            packet.tos, packet.tos_mask = int(value, 0), 255
        elif name == "dscp":
            packet.tos = (packet.tos or 0) | (DSCP[value] if value in DSCP else int(value, 0)) << 2
            packet.tos_mask |= 252
        elif name in ("ttl", "hlim"):
            packet.ttl = int(value, 0)
        elif name == "flowlabel":
            packet.flow = int(value, 0)
        else:
            raise PacketFault(f"what is ({text.strip()})?")


def sack(parts):
    edges = re.findall(r"(\d+):(\d+)", " ".join(parts))
    return [int(edge) for pair in edges for edge in pair]


def accurate_ecn(parts):
    """(the order, three counters or fewer) of draft-ietf-tcpm-accurate-ecn 3.2.3."""
    order = 0 if parts[0].startswith("AccECN0") or parts[1].lstrip("e") in ("0b",) else 1
    counts = [int(number) for number in parts[2::2]]
    return (f"accecn{order}", *counts)


def option(word):
    name, *rest = word.split()
    if name in ("nop", "eol", "sackOK"):
        return (name,)
    if name in ("mss", "wscale"):
        return (name, int(rest[0]))
    if name == "TS":
        numbers = re.match(r"TS val (\d+|\.\.\.) ecr (\d+)(!)?$", word)
        if not numbers:
            raise PacketFault(f"what is {word}?")
        value = None if numbers[1] == "..." else int(numbers[1])
        return ("TS", value, int(numbers[2]), numbers[3] is not None)
    if name == "sack":
        return ("sack", *sack(rest))
    if name in ("FO", "FOEXP", "exp-FO", "EXP-FO"):
        return ("FO" if name == "FO" else "FOEXP", rest[0] if rest else "")
    if name == "md5":
        return ("md5", "" if rest in ([], ["valid"]) else rest[0])
    if name in ("ECN", "AccECN0", "AccECN1"):
        return accurate_ecn([name, *rest])
    raise PacketFault(f"an option that this runner does not know: {word}")


def options_of(text):
    """What stands between < and >; None: any options will do."""
    if text is None:
        return []
    if text.strip() == "...":
        return None
    return [option(" ".join(word.split())) for word in text.split(",") if word.strip()]


def segment(packet, match):
    packet.flags, packet.ace = flags_of(match["flags"])
    packet.seq, packet.text = int(match["seq"]), int(match["text"])
    if (packet.seq + packet.text) % 2**32 != int(match["end"]) % 2**32:
        raise PacketFault("the sequence numbers do not span the text")
    packet.verbatim = match["verbatim"] is not None
    packet.ack = int(match["ack"]) if match["ack"] else None
    packet.win = int(match["win"]) if match["win"] and match["win"] != "..." else None
    packet.urg = int(match["urg"] or 0)
    packet.options = options_of(match["options"])
    return packet


def icmp(packet, match):
    packet.kind = "icmp"
    about = ("tcp", 0, 0)
    if match["about"] is not None:
        inner = re.match(r"\s*(?:(\d+):(\d+)\s*)?(udp|raw)?\s*\(\s*(\d+)\s*\)\s*$", match["about"])
        if not inner:
            raise PacketFault(f"about what packet: {match['about']}?")
        about = (inner[3] or "tcp", int(inner[1] or 0), int(inner[4]))
    packet.icmp = (match["type"], match["code"], int(match["mtu"] or 0), int(match["id"] or 0),
                   about)
    return packet


def packet_of(text):
    packet, rest = Packet(), text
    while (match := IP.match(rest)) and not re.match(r"\s*\(\s*\d+\s*\)", rest):
        ip_words(packet, match[1] if match[1] is not None else match[2])
        rest = rest[match.end():]
    if re.match(r"\s*(ipv4|ipv6|gre|GRE|mpls|encap)\b", rest):
        raise PacketFault("packets within packets are not spoken here")
    if match := UDP.match(rest):
        packet.kind, packet.text = "udp", int(match[3])
        packet.ports = (int(match[1]), int(match[2])) if match[1] else None
        return packet
    if match := ICMP.match(rest):
        return icmp(packet, match)
    if match := PORTS.match(rest):
        packet.ports = (int(match[1]), int(match[2]))
        rest = rest[match.end():]
    match = SEGMENT.match(rest)
    if not match:
        raise PacketFault(f"no packet: {' '.join(text.split())}")
    return segment(packet, match)
