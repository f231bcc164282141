#!/usr/bin/env python3
# timeout: 300
"""IPv6 that configures itself, with the Linux kernel as the router and as the other host on an
Ethernet link: lastack solicits routers, makes an address of the net that the kernel advertises (RFC
4861 6.3, RFC 4862 5.5), takes its MTU and its default route, asks whether its addresses are
somebody's already, and defends those it has (RFC 4862 5.4)."""

import contextlib
import ipaddress
import pathlib
import socket
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import kernel as k                                                                  # noqa: E402

OURS, KERNEL, _, LENGTH = k.IPV6
NET, BEYOND = "fd79::/64", "fd7a::1"
ROUTERS_NET = "fd79::1"
LIARS_NET = "fd66::/64"
MTU = 1400
HEADERS = 40 + 20 + 12
ROUTER_SOLICIT, ROUTER_ADVERT = 133, 134
ALL_NODES, ALL_ROUTERS = "ff02::1", "ff02::2"
ICMP6_FILTER = 1
TRIES = 10
DATA = k.pattern("autoconf", 2 << 20)


def conf(name, value, device="default"):
    pathlib.Path("/proc/sys/net/ipv6/conf", device, name).write_text(str(value))


@contextlib.contextmanager
def ethernet(*addresses):
    """The kernel's side of a TAP device, there before lastack is, with these addresses."""
    if not k.enable_ipv6():
        k.skip("this kernel has no IPv6")
    k.ip("tuntap", "add", "dev", k.DEVICE, "mode", "tap", "vnet_hdr")
    try:
        for address in addresses:
            k.ip("address", "add", address, "dev", k.DEVICE, "nodad")
        k.ip("link", "set", k.DEVICE, "up")
        yield
    finally:
        k.ip("link", "del", k.DEVICE)


def router_socket(hop_limit=255):
    """Speaks to all nodes of the link, and hears who asks for routers."""
    index = socket.if_nametoindex(k.DEVICE)
    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    s.settimeout(k.PATIENCE_S)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, hop_limit)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                 socket.inet_pton(socket.AF_INET6, ALL_ROUTERS) + struct.pack("@I", index))
    blocked = bytearray(b"\xff" * 32)
    blocked[ROUTER_SOLICIT // 8] &= ~(1 << ROUTER_SOLICIT % 8) & 0xff
    s.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, bytes(blocked))
    return s


def advertisement(net, lifetime_s=1800, mtu=MTU):
    """RFC 4861 4.2, with the net, on link and for everybody's autoconfiguration, and the MTU; the
    kernel makes the checksum. The router's hardware address is left for lastack to ask for."""
    prefix = ipaddress.ip_network(net)
    options = struct.pack("!BBBBIII16s", 3, 4, prefix.prefixlen, 0xc0, 3600, 1800, 0,
                          prefix.network_address.packed) + struct.pack("!BBHI", 5, 1, 0, mtu)
    return struct.pack("!BBHBBHII", ROUTER_ADVERT, 0, 0, 64, 0, lifetime_s, 0, 0) + options


def addresses(host):
    """lastack's IPv6 addresses that are not of the link alone, and their states."""
    found = [(ipaddress.ip_address(a["addr"]), a["state"])
             for a in k.control(host.path, "config")["addresses"]]
    return [a for a in found if a[0].version == 6 and not a[0].is_link_local]


def preferred(host):
    return [address for address, state in addresses(host) if state == "preferred"]


def echoes(address, source=None):
    """The sender's half and the receiver's are one after the other: 2 MiB fit into the buffers."""
    with socket.create_connection((str(address), 7), k.PATIENCE_S,
                                  source and (source, 0)) as s:
        mss = subprocess.run(["ss", "-tniH", "sport", "=", f":{s.getsockname()[1]}"], text=True,
                             capture_output=True, check=True).stdout
        for at in range(0, len(DATA), 1 << 16):
            s.sendall(DATA[at:at + (1 << 16)])
            got = b""
            while len(got) < 1 << 16 and (piece := s.recv(1 << 16)):
                got += piece
            k.check("the echo is whole", got == DATA[at:at + (1 << 16)], at)
    return [int(word.partition(":")[2]) for word in mss.split() if word.startswith("mss:")]


def lastack_takes_an_address_of_the_advertised_net():
    with ethernet(f"{ROUTERS_NET}/64", "fe80::1/64"), router_socket() as router, \
            router_socket(hop_limit=64) as liar:
        k.ip("address", "add", f"{BEYOND}/128", "dev", "lo")
        with k.Host("tap", "--auto6", "--echo") as host:
            asked, (source, *_) = router.recvfrom(1500)
            k.check("it asks for routers", asked[0] == ROUTER_SOLICIT, source)
            k.check("it has no address yet", addresses(host) == [], addresses(host))
            liar.sendto(advertisement(LIARS_NET), (ALL_NODES, 0))
            k.until("what has passed a router is no router's word",
                    lambda: host.counters().get("ND_HOP_LIMIT", 0) > 0)
            router.sendto(advertisement(NET), (ALL_NODES, 0))
            made = k.until("an address is made, and nobody else has it",
                           lambda: preferred(host))
            k.check("of that net, and of no other", len(made) == 1
                    and made[0] in ipaddress.ip_network(NET), made)
            k.check("which says nothing of the hardware (RFC 7217)",
                    made[0].packed[11:13] != b"\xff\xfe", made)
            k.check("the router's MTU is in force", echoes(made[0]) == [MTU - HEADERS])
            k.check("by the default route", echoes(made[0], source=BEYOND) == [MTU - HEADERS])
        k.ip("address", "del", f"{BEYOND}/128", "dev", "lo")


def is_left_alone():
    """Whether a lastack that begins finds that its address is somebody's."""
    with k.Host("tap", "--auto6", "--echo", "--addr", f"{OURS}/64") as host:
        k.until("it knows", lambda: "tentative" not in dict(addresses(host)).values())
        duplicates = host.counters()["addresses_duplicate"]
        k.check("which is counted", duplicates == list(dict(addresses(host)).values())
                .count("duplicate"), duplicates)
        return duplicates == 1


def lastack_asks_before_it_takes_an_address():
    """The kernel has it already, and says so: lastack leaves it alone. A kernel that has not yet
    seen that somebody is on the line hears no question, and lastack asks once (RFC 4862 5.1), so
    it may begin a few times."""
    with ethernet(f"{OURS}/64", "fe80::1/64"):
        k.check("it is somebody's", any(is_left_alone() for _ in range(TRIES)))


def lastack_defends_its_address():
    """The kernel wants the same address, asks, and is told."""
    with ethernet("fe80::1/64"), k.Host("tap", "--auto6", "--echo", "--addr",
                                        f"{OURS}/64") as host:
        k.ip("address", "add", f"{KERNEL}/64", "dev", k.DEVICE, "nodad")
        k.until("it is lastack's", lambda: preferred(host) == [ipaddress.ip_address(OURS)])
        conf("accept_dad", 1, k.DEVICE)
        k.ip("address", "add", f"{OURS}/64", "dev", k.DEVICE)

        def refused():
            run = subprocess.run(["ip", "-6", "address", "show", "dev", k.DEVICE], text=True,
                                 capture_output=True, check=True)
            return any(OURS in line and "dadfailed" in line for line in run.stdout.splitlines())
        k.until("the kernel has heard that it is taken", refused)
        k.ip("address", "del", f"{OURS}/64", "dev", k.DEVICE)
        echoes(OURS)
        k.check("lastack did not give way", host.counters().get("addresses_duplicate", 0) == 0)


TESTS = [lastack_takes_an_address_of_the_advertised_net, lastack_asks_before_it_takes_an_address,
         lastack_defends_its_address]


if __name__ == "__main__":
    sys.exit(k.run(TESTS, sys.argv[1:]))
