"""A line between the kernel and a lastack that a test works by hand: each TCP segment waits until
the test lets it go. So every state lasts for as long as somebody wants to look at it, those too
that usually pass within a round trip: SYN-RECEIVED and CLOSING.

lastack has a namespace of its own, where its TUN device is read and written by a packet socket;
the kernel's side is a TUN device of this process in the test's namespace. No filter, no queueing
discipline and no module is needed. The line loses nothing: what is sent again after it has been
let through is a copy, and copies go no further. A mere ACK that acknowledges nothing new (a window
update, a challenge) does not wait: it changes no state."""

import ctypes
import fcntl
import os
import select
import socket
import struct
import threading
from typing import NamedTuple

import kernel as k
from space import Space

OURS6, KERNEL6, NOBODY6, _ = k.IPV6
KERNELS_DEVICE = "byhand0"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6, PACKET_OUTGOING = 3, 0x800, 0x86dd, 4
TCP = 6
FIN, SYN, RST, ACK = 1, 2, 4, 16
KERNEL, LASTACK = "kernel", "lastack"


class Segment(NamedTuple):
    """What tells one segment from another."""
    flags: int              # of SYN, FIN, RST and ACK
    seq: int
    ack: int
    text: int

    def is_a_copy_of(self, other):
        """The same piece of the sequence space again; for a mere ACK, the same acknowledgment."""
        if self.flags & (SYN | FIN | RST) or self.text:
            return (self.flags, self.seq, self.text) == (other.flags, other.seq, other.text)
        return self == other


def segment_of(packet):
    """The TCP segment in an IP packet without extension headers; None if there is none."""
    if packet[0] >> 4 == 4:
        begins, protocol, end = (packet[0] & 15) * 4, packet[9], int.from_bytes(packet[2:4], "big")
    else:
        begins, protocol, end = 40, packet[6], 40 + int.from_bytes(packet[4:6], "big")
    if protocol != TCP:
        return None
    seq, ack, offset, flags = struct.unpack_from("!IIBB", packet, begins + 4)
    return Segment(flags & (SYN | FIN | RST | ACK), seq, ack, end - begins - (offset >> 4) * 4)


def tun_device(name):
    """A TUN device of this process, plain: whole packets with all their checksums."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Line:
    """The line; it begins by hand. It carries what this kernel speaks of the two families."""

    def __init__(self):
        self.families = [socket.AF_INET, *([socket.AF_INET6] if k.enable_ipv6() else [])]
        self.words = ["--plain"]
        self.space = Space()
        self.by_hand = True
        self.waiting = {KERNEL: [], LASTACK: []}        # (segment, packet), in their order
        self.passed = {KERNEL: [], LASTACK: []}
        self.acked = {KERNEL: None, LASTACK: None}      # the last acknowledgment that has passed
        self.lock = threading.Lock()
        self.stop, self.stopped = os.pipe()
        self.tun = tun_device(KERNELS_DEVICE)
        k.ip("address", "add", f"{k.KERNEL}/24", "dev", KERNELS_DEVICE)
        if socket.AF_INET6 in self.families:
            self.words += ["--addr", f"{OURS6}/64", "--peer", NOBODY6]
            k.ip("address", "add", f"{KERNEL6}/64", "dev", KERNELS_DEVICE, "nodad")
        k.ip("link", "set", KERNELS_DEVICE, "up")
        with self.space.inside():
            k.enable_ipv6()
            k.ip("tuntap", "add", "dev", k.DEVICE, "mode", "tun")
            k.ip("link", "set", k.DEVICE, "up")
            self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
            self.tap.bind((k.DEVICE, ETH_P_ALL))
        self.thread = threading.Thread(target=self.carry, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        os.close(self.stopped)
        self.thread.join()
        os.close(self.stop)
        os.close(self.tun)
        self.tap.close()
        self.space.close()

    def nc(self, *words, **popen):
        """A `lastack nc` at the far end. The kernel of its namespace is none of the two peers: it
        has an address of nobody's, and forwards nothing."""
        with self.space.inside():
            return k.Nc("tun", *self.words, *words, peer=k.NOBODY, **popen)

    # ---- carrying
    def put(self, to, packet):
        try:
            if to == KERNEL:
                os.write(self.tun, packet)
            else:
                family = ETH_P_IP if packet[0] >> 4 == 4 else ETH_P_IPV6
                self.tap.sendto(packet, (k.DEVICE, family))
        except OSError:
            pass                        # a device that goes down loses packets, as lines do

    def says_nothing_new(self, to, segment):
        return segment.flags == ACK and not segment.text and self.acked[to] is not None and \
            (self.acked[to] - segment.ack) % (1 << 32) < 1 << 31

    def pass_on(self, to, segment, packet):
        if segment and segment.flags & ACK:
            self.acked[to] = segment.ack
        self.put(to, packet)

    def take(self, to, packet):
        segment = segment_of(packet)
        with self.lock:
            if not segment or not self.by_hand or self.says_nothing_new(to, segment):
                self.pass_on(to, segment, packet)
            elif not any(segment.is_a_copy_of(s) for s in self.passed[to]):
                rest = [w for w in self.waiting[to] if not segment.is_a_copy_of(w[0])]
                self.waiting[to] = [*rest, (segment, packet)]

    def carry(self):
        poll = select.poll()
        for fd in self.stop, self.tun, self.tap.fileno():
            poll.register(fd, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self.stop in ready:
                return
            if self.tun in ready:
                self.take(LASTACK, os.read(self.tun, 65536))
            if self.tap.fileno() in ready:
                packet, (_, _, kind, *_) = self.tap.recvfrom(65536)
                if kind != PACKET_OUTGOING:
                    self.take(KERNEL, packet)

    # ---- what a test asks for
    def let(self, to, flags):
        """Waits for a segment without text and with exactly these of SYN, FIN and ACK, and lets it
        go, alone."""
        def found():
            with self.lock:
                for waiting in self.waiting[to]:
                    segment, packet = waiting
                    if segment.flags == flags and not segment.text:
                        self.waiting[to].remove(waiting)
                        self.passed[to].append(segment)
                        self.pass_on(to, segment, packet)
                        return True
            return False
        try:
            k.until(f"a segment for {to} with flags {flags:#x}", found)
        except AssertionError as error:
            raise AssertionError(f"{error}; waiting are {self.waiting[to]}") from None

    def flow(self, freely):
        """Whether segments pass by themselves; those that wait go first, when it begins to."""
        with self.lock:
            self.by_hand = not freely
            if freely:
                for to, waiting in self.waiting.items():
                    for segment, packet in waiting:
                        self.pass_on(to, segment, packet)
                    waiting.clear()

    def forget(self):
        """The next connection is another: nothing of this one waits any longer."""
        with self.lock:
            for segments in (*self.waiting.values(), *self.passed.values()):
                segments.clear()
            self.acked = {KERNEL: None, LASTACK: None}
