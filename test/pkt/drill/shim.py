"""liblastack-packetdrill.so by ctypes: the table of calls of shim/packetdrill.h."""

import ctypes as c

from .settings import Asked

INT, LONG, SIZE, PTR, STR = c.c_int, c.c_ssize_t, c.c_size_t, c.c_void_p, c.c_char_p

CALLS = (
    ("free", None, ()),
    ("socket", INT, (INT, INT, INT)), ("bind", INT, (INT, PTR, c.c_uint)),
    ("listen", INT, (INT, INT)), ("accept", INT, (INT, PTR, PTR)),
    ("connect", INT, (INT, PTR, c.c_uint)), ("read", LONG, (INT, PTR, SIZE)),
    ("readv", LONG, (INT, PTR, INT)), ("recv", LONG, (INT, PTR, SIZE, INT)),
    ("recvfrom", LONG, (INT, PTR, SIZE, INT, PTR, PTR)), ("recvmsg", LONG, (INT, PTR, INT)),
    ("write", LONG, (INT, PTR, SIZE)), ("writev", LONG, (INT, PTR, INT)),
    ("send", LONG, (INT, PTR, SIZE, INT)),
    ("sendto", LONG, (INT, PTR, SIZE, INT, PTR, c.c_uint)), ("sendmsg", LONG, (INT, PTR, INT)),
    ("fcntl", INT, (INT, INT, INT)), ("ioctl", INT, (INT, c.c_ulong, PTR)),
    ("close", INT, (INT,)), ("shutdown", INT, (INT, INT)),
    ("getsockopt", INT, (INT, INT, INT, PTR, PTR)),
    ("setsockopt", INT, (INT, INT, INT, PTR, c.c_uint)),
    ("poll", INT, (PTR, c.c_ulong, INT)), ("netdev_send", INT, (PTR, SIZE)),
    ("netdev_receive", INT, (PTR, PTR, PTR)), ("usleep", INT, (c.c_uint,)),
    ("gettimeofday", INT, (PTR, PTR)), ("epoll_create", INT, (INT,)),
    ("epoll_ctl", INT, (INT, INT, INT, PTR)), ("epoll_wait", INT, (INT, PTR, INT, INT)),
    ("pipe", INT, (PTR,)), ("splice", INT, (INT, PTR, INT, PTR, SIZE, c.c_uint)),
)
PACKET_MAX = 65535


class Table(c.Structure):
    _fields_ = [("userdata", PTR)] + [
        (name, c.CFUNCTYPE(result, PTR, *words, use_errno=True))
        for name, result, words in CALLS]


# struct tcp_info of linux/tcp.h: names and sizes, in order.
INFO8 = "state ca_state retransmits probes backoff options wscales delivery_rate_app_limited"
INFO32 = """rto ato snd_mss rcv_mss unacked sacked lost retrans fackets last_data_sent last_ack_sent
    last_data_recv last_ack_recv pmtu rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss
    reordering rcv_rtt rcv_space total_retrans"""
INFO_REST = """Qpacing_rate Qmax_pacing_rate Qbytes_acked Qbytes_received Isegs_out Isegs_in
    Inotsent_bytes Imin_rtt Idata_segs_in Idata_segs_out Qdelivery_rate Qbusy_time Qrwnd_limited
    Qsndbuf_limited Idelivered Idelivered_ce Qbytes_sent Qbytes_retrans Idsack_dups Ireord_seen
    Ircv_ooopack Isnd_wnd"""


class Info(c.Structure):
    _fields_ = ([(name, c.c_uint8) for name in INFO8.split()] +
                [(name, c.c_uint32) for name in INFO32.split()] +
                [(name[1:], {"Q": c.c_uint64, "I": c.c_uint32}[name[0]])
                 for name in INFO_REST.split()])


class Shim:
    """One stack with its virtual time. Calls return (result, errno)."""

    def __init__(self, library, settings):
        self.library = c.CDLL(str(library))
        self.table = Table()
        for name, result, words in (
                ("packetdrill_interface_init", None, (STR, PTR)),
                ("lastack_packetdrill_set", INT, (PTR, STR)),
                ("lastack_packetdrill_error", STR, (PTR,)),
                ("lastack_packetdrill_asleep", c.c_uint, (PTR,)),
                ("lastack_packetdrill_left", c.c_uint, (PTR, PTR)),
                ("lastack_packetdrill_count", c.c_uint, (PTR, STR)),
                ("lastack_packetdrill_drop", c.c_uint, (PTR, STR))):
            function = getattr(self.library, name)
            function.restype, function.argtypes = result, words
        self.library.packetdrill_interface_init(settings.encode(), c.byref(self.table))
        self.begin, self.asked = self.now_us(), Asked()
        self.error_of_settings()

    def error_of_settings(self):
        error = self.library.lastack_packetdrill_error(self.table.userdata).decode()
        if error:
            raise ValueError(error)

    def set(self, words):
        self.library.lastack_packetdrill_set(self.table.userdata, words.encode())
        self.error_of_settings()

    def call(self, name, *words):
        c.set_errno(0)
        result = getattr(self.table, name)(self.table.userdata, *words)
        return result, c.get_errno() if result is not None and result < 0 else 0

    def now_us(self):
        tv = (c.c_long * 2)()
        self.call("gettimeofday", c.addressof(tv), None)
        return tv[0] * 1000000 + tv[1]

    def time_us(self):
        return self.now_us() - self.begin

    def sleep_until(self, us):
        wait = us - self.time_us()
        while wait > 0:
            self.call("usleep", min(wait, 2**31))
            wait -= min(wait, 2**31)

    def inject(self, octets):
        return self.call("netdev_send", octets, len(octets))[0]

    def sniff(self):
        """(octets, microseconds since the beginning), or None: none will come."""
        octets, count, at = c.create_string_buffer(PACKET_MAX), SIZE(PACKET_MAX), c.c_longlong()
        self.call("netdev_receive", octets, c.addressof(count), c.addressof(at))
        return (octets.raw[:count.value], at.value - self.begin) if count.value else None

    def asleep(self):
        return self.library.lastack_packetdrill_asleep(self.table.userdata)

    def count(self, state):
        return self.library.lastack_packetdrill_count(self.table.userdata, state.encode())

    def drop(self, state):
        """Ends all connections that are in this state; how many."""
        return self.library.lastack_packetdrill_drop(self.table.userdata, state.encode())

    def left(self):
        """Packets that nobody took, packets with wrong checksums."""
        bad = c.c_ulong()
        return self.library.lastack_packetdrill_left(self.table.userdata,
                                                     c.addressof(bad)), bad.value

    def info(self, fd):
        info, length = Info(), c.c_uint(c.sizeof(Info))
        result, error = self.call("getsockopt", fd, 6, 11, c.addressof(info), c.addressof(length))
        return None if result < 0 else {
            "tcpi_" + name: getattr(info, name) for name, _ in Info._fields_}

    def close(self):
        self.call("free")
