"""What went out against what the script expects."""

from .wire import Segment, icmp_kind, segment_text

FIN, PSH, CWR, AE = 1, 8, 128, 256


def in_script_numbers(c, got):
    """A copy of a segment that went out, in the script's numbers."""
    s = Segment(**vars(got))
    syn = bool(s.flags & 2)
    s.seq = c.out_script(s.seq, syn)
    s.ack = c.in_script(s.ack, syn) if s.flags & 16 else 0
    s.options = [("sack", *(c.in_script(n) for n in option[1:])) if option[0] == "sack" else option
                 for option in s.options]
    return s


def wanted(packet, c):
    """The script's packet as a Segment."""
    return Segment(kind=packet.kind, flags=packet.flags, seq=packet.seq, ack=packet.ack or 0,
                   win=packet.win or 0, urg=packet.urg, text=packet.text, options=packet.options,
                   source=c.local, destination=c.remote, icmp=packet.icmp)


def joined(first, rest):
    """One segment of several that follow each other: a peer cannot tell in how many a long text
    went. The last says all but where it began."""
    whole = Segment(**vars(rest))
    whole.seq, whole.text = first.seq, first.text + rest.text
    whole.flags = (rest.flags & ~CWR) | (first.flags & CWR)
    return whole


def may_join(first, rest, most):
    """Do they follow each other, like parts of one, of equal size but for the last?"""
    mask = ~(FIN | PSH | CWR | AE)
    return ((first.seq + first.text) % 2**32 == rest.seq and first.ack == rest.ack and
            first.flags & mask == rest.flags & mask and first.tos == rest.tos and
            first.win == rest.win and first.text + rest.text <= most)


def ip_differences(packet, got):
    if packet.tos_mask and (got.tos ^ packet.tos) & packet.tos_mask:
        yield f"tos {got.tos:#x}"
    if packet.ect and got.tos & 3 not in (1, 2):
        yield "no ECT"
    if packet.ttl is not None and got.ttl != packet.ttl:
        yield f"ttl {got.ttl}"


def flow_differs(packet, c, got):
    """A script's flow label stands for one of ours: the same for the same, another for others."""
    if packet.flow is None:
        return False
    if c.flow is None or packet.flow != c.flow[0]:
        differs = c.flow is not None and got.flow == c.flow[1]
        c.flow = (packet.flow, got.flow)
        return differs or got.flow == 0
    return got.flow != c.flow[1]


def stamp_differs(c, mine, theirs, tick_us, tolerance):
    if mine[0] is None:
        return False
    c.stamps[mine[0]] = theirs[0]
    if c.first_stamp is None:
        c.first_stamp = (mine[0], theirs[0])
    passed = (theirs[0] - c.first_stamp[1] + c.first_stamp[0] - mine[0] + 2**31) % 2**32 - 2**31
    return (tick_us and abs(passed) * tick_us > tolerance) or mine[1] != theirs[1]


def options_differ(packet, c, got, tick_us, tolerance):
    if packet.options is None:
        return False
    if len(packet.options) != len(got.options):
        return True
    for mine, theirs in zip(packet.options, got.options):
        if mine[0] == "TS" == theirs[0]:
            if stamp_differs(c, mine[1:], theirs[1:], tick_us, tolerance):
                return True
        elif mine[:len(theirs)] != theirs or len(mine) != len(theirs):
            return True
    return False


def tcp_differences(packet, c, raw, got, tick_us, tolerance):
    """Names of what is otherwise."""
    if got.kind != "tcp":
        yield "no segment"
        return
    if got.flags != packet.flags:
        yield "flags"
    if (raw.seq if packet.verbatim else got.seq) != packet.seq:
        yield "seq"
    if got.text != packet.text:
        yield "text"
    if packet.flags & 16 and got.ack != (packet.ack or 0):
        yield "ack"
    if packet.win is not None and got.win != packet.win:
        yield "win"
    if got.urg != packet.urg and (packet.flags | got.flags) & 32:
        yield "urg"
    if options_differ(packet, c, got, tick_us, tolerance):
        yield "options"


def icmp_differences(packet, got):
    kind, code = packet.icmp[:2]
    if got.kind != "icmp" or got.icmp != icmp_kind(":" in got.source[0], kind, code):
        yield "ICMP"


def differences(packet, c, raw, tick_us, tolerance):
    """None, or words for how `raw` is not what the script expects."""
    got = in_script_numbers(c, raw) if raw.kind == "tcp" else raw
    wrong = list(ip_differences(packet, raw))
    if packet.kind == "tcp":
        wrong += tcp_differences(packet, c, raw, got, tick_us, tolerance)
    elif packet.kind == "icmp":
        wrong += icmp_differences(packet, raw)
    elif (raw.kind, raw.text) != ("udp", packet.text):
        wrong.append("text")
    if flow_differs(packet, c, raw):
        wrong.append("flow label")
    if not wrong:
        return None
    return (f"{', '.join(wrong)}: expected {segment_text(wanted(packet, c))}\n"
            f"{'':12}got      {segment_text(got)}")
