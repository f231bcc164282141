"""struct msghdr and what hangs on it, as octets of a 64-bit Linux: pieces, control messages."""

import ctypes as c
import struct

from .names import NAMES

SOL_SOCKET, SOL_IP, SOL_IPV6 = NAMES["SOL_SOCKET"], NAMES["SOL_IP"], NAMES["SOL_IPV6"]
SCM_TIMESTAMPING, RECVERR = NAMES["SCM_TIMESTAMPING"], NAMES["IP_RECVERR"]
STATS, RECVERR6 = NAMES["SCM_TIMESTAMPING_OPT_STATS"], NAMES["IPV6_RECVERR"]
CONTROL_MAX, HEADER = 4096, 16
IGNORED = 0xff                          # of a statistic: any value will do
WIDE = ("BUSY RWND_LIMITED SNDBUF_LIMITED DATA_SEGS_OUT TOTAL_RETRANS PACING_RATE DELIVERY_RATE "
        "BYTES_SENT BYTES_RETRANS").split()
NARROW = "RECUR_RETRANS DELIVERY_RATE_APP_LMT CA_STATE".split()
SIZES = {**{NAMES["_TCP_NLA_" + name]: 8 for name in WIDE},
         **{NAMES["_TCP_NLA_" + name]: 1 for name in NARROW}}


class Iovec(c.Structure):
    _fields_ = [("base", c.c_void_p), ("length", c.c_size_t)]


class Msghdr(c.Structure):
    _fields_ = [("name", c.c_void_p), ("name_length", c.c_uint), ("iov", c.c_void_p),
                ("iov_length", c.c_size_t), ("control", c.c_void_p),
                ("control_length", c.c_size_t), ("flags", c.c_int)]


class Pieces:
    """[{..., 100}, {..., 20}] with memory behind."""

    def __init__(self, described):
        sizes = [item[1] for item in described]
        self.memory = [c.create_string_buffer(max(size, 1)) for size in sizes]
        self.array = (Iovec * max(len(sizes), 1))(
            *(Iovec(c.addressof(m), size) for m, size in zip(self.memory, sizes)))
        self.count = len(sizes)

    def address(self):
        return c.addressof(self.array)


def extended_error(level, e):
    """struct sock_extended_err, and the address that follows it (not looked at)."""
    return struct.pack("=IBBBBII", e["ee_errno"], e["ee_origin"], e["ee_type"], e["ee_code"], 0,
                       e["ee_info"], e["ee_data"]) + bytes(16 if level == SOL_IP else 28)


def control_octets(described):
    """[{cmsg_level=, cmsg_type=, cmsg_data=}, ...] as a program hands them over."""
    out = b""
    for item in described:
        level, kind, data = item["cmsg_level"], item["cmsg_type"], item["cmsg_data"]
        if isinstance(data, dict) and "ee_errno" in data:
            body = extended_error(level, data)
        elif isinstance(data, dict):
            body = struct.pack("=qq", data["scm_sec"], data["scm_nsec"]) + bytes(32)
        else:
            body = struct.pack("=i", data) if data < 2**31 else struct.pack("=I", data)
        head = struct.pack("=QII", HEADER + len(body), level & 0xffffffff, kind & 0xffffffff)
        out += head + body + bytes(-len(body) % 8)
    return out


def control_read(octets):
    """(level, type, data) of each."""
    found, at = [], 0
    while at + HEADER <= len(octets):
        length, level, kind = struct.unpack("=Qii", octets[at:at + HEADER])
        if length < HEADER or at + length > len(octets):
            break
        found.append((level, kind, octets[at + HEADER:at + length]))
        at += (length + 7) & ~7
    return found


def statistics_differ(want, got, tolerance):
    """[{_TCP_NLA_BUSY, 1000}, ...] with a list of netlink attributes."""
    at = 0
    for kind, value in want:
        length, found = struct.unpack("=HH", got[at:at + 4])
        size = SIZES.get(kind, 4)
        number = int.from_bytes(got[at + 4:at + 4 + size], "little")
        if found != kind or length != 4 + size:
            return f"statistic {kind} expected, got {found}"
        near = tolerance if kind in (1, 2, 3) and value else 0
        if value != IGNORED and abs(value - number) > near:
            return f"statistic {kind}: expected {value}, got {number}"
        at += (length + 3) & ~3
    return None


def same_control(want, got, start_us, tolerance):
    """None, or how a control message differs from the script's."""
    level, kind, data = got
    if (level, kind) != (want["cmsg_level"], want["cmsg_type"]):
        return f"got level {level} type {kind}"
    described = want["cmsg_data"]
    if (level, kind) in ((SOL_IP, RECVERR), (SOL_IPV6, RECVERR6)):
        names = "ee_errno ee_origin ee_type ee_code ee_info ee_data".split()
        numbers = struct.unpack("=IBBBxII", data[:16])
        wrong = [f"{name}={number}" for name, number in zip(names, numbers)
                 if number != described[name]]
        return ", ".join(wrong) or None
    if (level, kind) == (SOL_SOCKET, SCM_TIMESTAMPING):
        seconds, nanoseconds = struct.unpack("=qq", data[:16])
        at = seconds * 1000000 + nanoseconds // 1000 - start_us
        due = described["scm_sec"] * 1000000 + described["scm_nsec"] // 1000
        return None if due == 0 or abs(at - due) <= tolerance else f"its time is {at / 1e6:.6f}"
    if (level, kind) == (SOL_SOCKET, STATS):
        return statistics_differ(described, data, tolerance)
    number = int.from_bytes(data[:4], "little", signed=True)
    return None if len(data) == 4 and number == described else f"got {number}"


class Message:
    """A msghdr as the script describes it: msg_iov, msg_flags, msg_control."""

    def __init__(self, described, sending):
        self.described = described
        self.pieces = Pieces(described.get("msg_iov", []))
        self.name = c.create_string_buffer(128)
        control = control_octets(described.get("msg_control", [])) if sending else b""
        self.control = c.create_string_buffer(control, max(len(control), CONTROL_MAX))
        wants = "msg_control" in described
        self.header = Msghdr(
            c.addressof(self.name), 0 if sending else 128, self.pieces.address(),
            self.pieces.count, c.addressof(self.control) if wants else None,
            (len(control) if sending else CONTROL_MAX) if wants else 0,
            described.get("msg_flags", 0))

    def address(self):
        return c.addressof(self.header)

    def difference(self, start_us, tolerance):
        """None, or what came back otherwise than the script has it."""
        if self.header.flags != self.described.get("msg_flags", 0):
            return f"msg_flags: got {self.header.flags:#x}"
        want = self.described.get("msg_control", [])
        got = control_read(self.control.raw[:self.header.control_length])
        for number, (mine, theirs) in enumerate(zip(want, got)):
            wrong = same_control(mine, theirs, start_us, tolerance)
            if wrong:
                return f"control message {number}: {wrong}"
        if len(want) != len(got):
            return f"{len(want)} control messages expected, got {len(got)}"
        return None
