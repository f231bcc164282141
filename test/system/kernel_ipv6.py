#!/usr/bin/env python3
# timeout: 300
"""IPv6 against the Linux kernel, on TUN and TAP, lastack in both roles: ping, transfers in both
directions with their hashes, either end closing first, resets, refusal; IPv4 beside it."""

import hashlib
import os
import pathlib
import random
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import kernel as k                                                                  # noqa: E402

OURS, KERNEL, _, _ = k.IPV6
SIX = ["--addr", f"{OURS}/64", "--peer", KERNEL]
OCTETS = k.megabytes(4) * 1000000


def echo(address, port, octets):
    """What comes back from the host's echo service, read while it is written."""
    got = bytearray()
    with socket.create_connection((address, port), timeout=k.PATIENCE_S) as s:
        at = 0
        while at < len(octets):
            at += s.send(octets[at:at + 65536])
            s.setblocking(False)
            try:
                while len(got) < at:
                    got += s.recv(1 << 20)
            except BlockingIOError:
                pass
            s.setblocking(True)
        s.shutdown(socket.SHUT_WR)
        while piece := s.recv(1 << 20):
            got += piece
    return hashlib.sha256(got).hexdigest()


def ping(address, octets=56, patience=k.PATIENCE_S):
    """An echo request of the kernel's, which also makes and checks the sums; is it answered?"""
    text = bytes(range(256)) * (octets // 256 + 1)
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
        s.settimeout(patience)
        s.sendto(bytes([128, 0, 0, 0, 0x12, 0x34, 0, 1]) + text[:octets], (address, 0))
        try:
            while True:
                got = s.recv(65536)
                if got[0] == 129:
                    return got[4:] == bytes([0x12, 0x34, 0, 1]) + text[:octets]
        except TimeoutError:
            return False


def serves(link, octets):
    """The kernel is the client."""
    with k.Host(link, *SIX, "--echo") as host:
        k.check("ping", ping(OURS))
        k.check("ping in fragments", ping(OURS, 5000))
        k.check("a transfer over IPv6", echo(OURS, 7, octets) == hashlib.sha256(octets).hexdigest())
        k.check("and over IPv4", echo(k.OURS, 7, octets[:100000]) ==
                hashlib.sha256(octets[:100000]).hexdigest())
        try:
            socket.create_connection((OURS, 81), timeout=k.PATIENCE_S).close()
            raise AssertionError("a port that nobody has takes a connection")
        except ConnectionRefusedError:
            pass
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.settimeout(k.PATIENCE_S)
            s.connect((OURS, 7))
            s.send(b"datagram" * 500)
            k.check("a datagram in fragments", s.recv(65536) == b"datagram" * 500)
        locals_ = {c["local"]["addr"] for c in host.sockets()}
        k.check("one listener for both families", "*" in locals_ or "::" in locals_, locals_)


def connects(link, octets):
    """The kernel is the server: nc sends a file, and reads the answer."""
    with socket.create_server(("::", 0), family=socket.AF_INET6) as listener, \
            open(os.devnull, "wb") as null:
        port = listener.getsockname()[1]
        with k.Nc(link, *SIX, KERNEL, port, stdout=null) as nc:
            listener.settimeout(k.PATIENCE_S)
            s, peer = listener.accept()
            k.check("it comes from our address", peer[0] == OURS, peer)
            nc.process.stdin.write(octets[:1000000])
            nc.process.stdin.close()
            got = bytearray()
            while piece := s.recv(1 << 20):
                got += piece
            k.check("what nc sends arrives", bytes(got) == octets[:1000000])
            s.close()
            nc.wait("both have closed")


def refused(link):
    with k.Nc(link, *SIX, KERNEL, 9, stdin=subprocess.DEVNULL) as nc:
        nc.wait("nobody listens", 1)
        k.check("and nc says so", "refused" in nc.errors(), nc.errors())


def closes(link):
    """Each side first, and what ss and netstat say of it on the way."""
    with k.over_ipv6():
        with k.Host(link, "--echo") as host, k.connect(7) as s:
            port = s.getsockname()[1]
            k.agree("open", host, port, "ESTAB", "ESTABLISHED")
            s.shutdown(socket.SHUT_WR)
            k.check("the end comes back", s.recv(1) == b"")
            k.agree("the kernel has closed first", host, port, "TIME-WAIT", None)
        with k.listen() as listener, k.Nc(link, KERNEL, listener.getsockname()[1]) as nc:
            port = listener.getsockname()[1]
            s, _ = listener.accept()
            nc.process.stdin.close()
            k.check("the end comes", s.recv(1) == b"")
            k.agree("lastack has closed first", nc, port, "CLOSE-WAIT", "FIN-WAIT-2")
            s.close()
            nc.wait("both have closed")


def resets(link):
    """The kernel by linger 0, and a host that is stopped."""
    with k.over_ipv6(), k.Host(link, "--echo") as host:
        for who in "kernel", "lastack":
            s = k.connect(7)
            port = s.getsockname()[1]
            s.sendall(b"x")
            k.check("echo", s.recv(1) == b"x")
            if who == "kernel":
                k.close_with_reset(s)
                k.agree("the kernel has reset", host, port, None, None)
        host.stop()
        try:
            k.check("nothing comes", not s.recv(1))
            raise AssertionError("the peer saw an orderly end")
        except ConnectionResetError:
            s.close()


def solicits(link, octets):
    """A further network, which the kernel finds by asking for its neighbour."""
    if not link.startswith("tap"):
        return
    with k.Host(link, "--addr", "fd78::2/64", "--echo") as host:
        k.ip("address", "add", "fd78::1/64", "dev", k.DEVICE, "nodad")
        k.until("neighbour discovery finds it", lambda: ping("fd78::2", patience=1))
        k.check("a transfer", echo("fd78::2", 7, octets) == hashlib.sha256(octets).hexdigest())
        counters = host.counters()
        k.check("it was asked for", counters["nd_advertisements_out"] > 0, counters)


def main():
    k.enter_namespace()
    octets = random.Random(6).randbytes(OCTETS)
    if not k.enable_ipv6():
        k.skip("this kernel has no IPv6")
    for link in k.LINKS:
        serves(link, octets)
        connects(link, octets)
        refused(link)
        closes(link)
        resets(link)
        solicits(link, octets)
        print(f"ok: {link}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
