#!/usr/bin/env python3
# timeout: 900
"""A router of the kernel's between lastack and its peer, whose far link becomes narrower in the
middle of a transfer: it says "fragmentation needed" (RFC 1191) or "packet too big" (RFC 8201), the
sender makes smaller segments, and the transfer is whole. Both directions, both families, with and
without super-packets; the router is a namespace of its own."""

import contextlib
import http.client
import itertools
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import kernel as k                                                                  # noqa: E402
from space import Space                                                             # noqa: E402

OURS = {socket.AF_INET: k.IPV4[0], socket.AF_INET6: k.IPV6[0]}
HOST = {socket.AF_INET: "10.78.0.1/24", socket.AF_INET6: "fd78::1/64"}
ROUTER = {socket.AF_INET: "10.78.0.9/24", socket.AF_INET6: "fd78::9/64"}
HOST_DEVICE, ROUTER_DEVICE = "host0", "router0"
NARROW = 1300
HEADERS = {socket.AF_INET: 20 + 20 + 12, socket.AF_INET6: 40 + 20 + 12}
DATA = k.pattern("router", 16 << 20)


def join(router):
    """Two ends of a cable: one here, one in the router's namespace."""
    try:
        k.ip("link", "add", HOST_DEVICE, "type", "veth", "peer", "name", ROUTER_DEVICE)
    except subprocess.CalledProcessError as error:
        k.skip(f"no pair of virtual Ethernet devices: {error.stderr.strip()}")
    k.ip("link", "set", ROUTER_DEVICE, "netns", router.path)


def configure(device, addresses):
    for address in addresses:
        k.ip("address", "add", address, "dev", device, *(["nodad"] if ":" in address else []))
    k.ip("link", "set", device, "up")


@contextlib.contextmanager
def behind_a_router(link, families, *words):
    """A lastack host on a device of the router's, reached from this namespace by way of it."""
    with Space() as router:
        join(router)
        with router.inside():
            k.enable_ipv6()
            configure(ROUTER_DEVICE, [ROUTER[f] for f in families])
            for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                path = pathlib.Path("/proc/sys/net", setting)
                if path.exists():
                    path.write_text("1")
            if socket.AF_INET6 in families:
                words += ("--addr", f"{k.IPV6[0]}/{k.IPV6[3]}", "--peer", k.IPV6[1])
            host = k.Host(link, *words)
        configure(HOST_DEVICE, [HOST[f] for f in families])
        with host:
            for family in families:
                k.ip("route", "add", OURS[family], "via", ROUTER[family].split("/")[0])
            yield router, host
        k.ip("link", "del", HOST_DEVICE)


def narrow(router, device):
    with router.inside():
        k.ip("link", "set", device, "mtu", str(NARROW))


def kernels_path_mtu(port):
    """What the kernel has learned about the path of this connection."""
    run = subprocess.run(["ss", "-taniH", "sport", "=", f":{port}"], capture_output=True, text=True,
                         check=True)
    return [int(word.partition(":")[2]) for word in run.stdout.split() if word.startswith("pmtu:")]


def receive(s, octets):
    """So many, or all up to the end."""
    with s.makefile("rb", buffering=0) as stream:
        pieces = []
        while octets > 0 and (piece := stream.read(octets)):
            pieces.append(piece)
            octets -= len(piece)
    return b"".join(pieces)


def the_way_to_the_kernel_narrows(link, family, families):
    """lastack sends; the router's cable to the kernel carries less than it did."""
    with tempfile.TemporaryDirectory(prefix="lastack-test-") as folder:
        pathlib.Path(folder, "data").write_bytes(DATA)
        with behind_a_router(link, families, "--http", folder) as (router, host), \
                k.connect(80, address=OURS[family], SO_RCVBUF=1 << 17) as s:
            port = s.getsockname()[1]
            s.sendall(b"GET /data HTTP/1.0\r\n\r\n")
            answer = http.client.HTTPResponse(s)
            answer.begin()
            text = answer.read(1 << 20)
            before = host.find(peer=port)
            k.check("wide at first", before["path_mtu_octets"] == 1500, before)
            narrow(router, ROUTER_DEVICE)
            text += answer.read(1 << 20)
            after = host.find(peer=port)
            k.check("the router has told us", after["path_mtu_octets"] == NARROW, after)
            k.check("segments are smaller", after["mss_octets"] == NARROW - HEADERS[family], after)
            text += answer.read()
            k.check("the file is whole", text == DATA, len(text))


def the_way_to_lastack_narrows(link, family, families):
    """The kernel sends; the router's device to lastack carries less than it did."""
    with behind_a_router(link, families, "--echo") as (router, _), \
            k.connect(7, address=OURS[family]) as s:
        port = s.getsockname()[1]
        go_on = threading.Event()

        def send():
            s.sendall(DATA[:1 << 20])
            go_on.wait()
            s.sendall(DATA[1 << 20:])
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        text = receive(s, 1 << 20)
        k.check("wide at first", kernels_path_mtu(port) == [1500], kernels_path_mtu(port))
        narrow(router, k.DEVICE)
        go_on.set()
        text += receive(s, len(DATA) - len(text))
        k.check("the echo is whole", text == DATA, len(text))
        k.check("the router has told the kernel", kernels_path_mtu(port) == [NARROW],
                kernels_path_mtu(port))
        sender.join()
        s.shutdown(socket.SHUT_WR)
        k.check("and it ends", s.recv(1) == b"")


def every(test):
    """The test in every family and on each kind of device."""
    def run():
        families = [socket.AF_INET, *([socket.AF_INET6] if k.enable_ipv6() else [])]
        for link, family in itertools.product(("tun", "tun-plain", "tap"), families):
            try:
                test(link, family, families)
            except AssertionError as error:
                raise AssertionError(f"{link}, {OURS[family]}: {error}") from None
    run.__name__ = test.__name__
    return run


TESTS = [every(the_way_to_the_kernel_narrows), every(the_way_to_lastack_narrows)]

if __name__ == "__main__":
    sys.exit(k.run(TESTS, sys.argv[1:]))
