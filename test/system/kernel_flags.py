#!/usr/bin/env python3
# timeout: 600
"""What the flags of host and nc ask for happens with the Linux kernel as the peer: congestion
control, pacing, ECN, no delay, and Fast Open at both sides, with cookies that outlive nc."""

import pathlib
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import kernel as k                                                                  # noqa: E402

TCPI_OPT_ECN, TCPI_OPT_SYN_DATA = 8, 32
ECHO = 7


def sysctl(name, value):
    """false: this kernel does not have it, or not in a namespace."""
    path = pathlib.Path("/proc/sys/net/ipv4", name)
    try:
        path.write_text(str(value))
    except OSError:
        return False
    return True


def options_of(s):
    """tcpi_options of struct tcp_info: its sixth octet."""
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 16)[5]


def kernel_counter(name):
    lines = pathlib.Path("/proc/net/netstat").read_text().splitlines()
    for names, values in zip(lines[::2], lines[1::2]):
        if name in names.split():
            return int(values.split()[names.split().index(name)])
    raise AssertionError(f"the kernel does not count {name}")


def echo(s, octets=b"hello"):
    s.sendall(octets)
    got = b""
    while len(got) < len(octets):
        got += s.recv(65536)
    k.check("the echo is what was sent", got == octets, got)


def each_congestion_control():
    for number, name in enumerate(("newreno", "cubic", "bbr")):    # enum la_cc
        with k.Host("tun", "--echo", "--congestion", name, "--pacing", "--nodelay") as host, \
                k.connect(ECHO) as s:
            echo(s, k.pattern(1, 100000))
            ours = host.find(local=ECHO)
            k.check(f"--congestion {name}", ours["congestion"] == number, ours)
            k.check("--nodelay", "nodelay" in ours["flag_names"], ours)


def marks_instead_of_losses():
    for asks, kernel, agreed in (("off", 1, False), ("accept", 1, True), ("ask", 2, True)):
        if not sysctl("tcp_ecn", kernel):
            print("this kernel has no tcp_ecn of the namespace's")
            return
        with k.listen() as listener, \
                k.Host("tun", "--echo", "--ecn", asks) as host, k.connect(ECHO) as s:
            echo(s)
            if asks != "ask":
                k.check(f"--ecn {asks}, by the kernel",
                        bool(options_of(s) & TCPI_OPT_ECN) == agreed)
                k.check(f"--ecn {asks}", ("ecn" in host.find(local=ECHO)["flag_names"]) == agreed)
            listener.close()
    with k.listen() as listener, \
            k.Nc("tun", "--ecn", "ask", k.KERNEL, listener.getsockname()[1]) as nc:
        s, _ = listener.accept()
        k.check("--ecn ask, by the kernel", options_of(s) & TCPI_OPT_ECN)
        s.close()
        nc.process.stdin.close()
        nc.wait("both have closed")


def fast(octets):
    """The kernel as client: was its text taken with the SYN?"""
    with socket.socket() as s:
        s.sendto(octets, socket.MSG_FASTOPEN, (k.OURS, ECHO))
        s.settimeout(k.PATIENCE_S)
        got = b""
        while len(got) < len(octets):
            got += s.recv(65536)
        k.check("the echo is what was sent", got == octets, got)
        return bool(options_of(s) & TCPI_OPT_SYN_DATA)


def fast_to_us():
    with k.Host("tun", "--echo", "--fastopen"):
        k.check("the first time there is no cookie", not fast(b"first"))
        k.check("then text comes with the SYN", fast(b"then"))


def fast_from_us(folder):
    """nc ends, and its cookies are still there for the next one."""
    cookies = pathlib.Path(folder, "cookies")
    with k.listen() as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 8)
        port = listener.getsockname()[1]
        for text, passive in ((b"first", 0), (b"second", 1), (b"third", 2)):
            with open(pathlib.Path(folder, "text"), "w+b") as stdin:
                stdin.write(text)
                stdin.seek(0)
                with k.Nc("tun", "--cookies", cookies, k.KERNEL, port, stdin=stdin,
                          stdout=subprocess.DEVNULL) as nc:
                    s, _ = listener.accept()
                    got = b""
                    while piece := s.recv(65536):
                        got += piece
                    k.check("what nc sends arrives", got == text, got)
                    s.close()
                    nc.wait("both have closed")
            k.check("text that came with a SYN", kernel_counter("TCPFastOpenPassive") == passive,
                    kernel_counter("TCPFastOpenPassive"))
    k.check("the cookies are nobody else's", cookies.stat().st_mode & 0o777 == 0o600)
    k.check("a line for the server", cookies.read_text().startswith(f"{k.KERNEL} "))


def wrong_cookies(folder):
    cookies = pathlib.Path(folder, "wrong")
    for line in ("10.77.0.1 1460 123", "10.77.0.1 1460 0102", "here 1460 01020304", "10.77.0.1"):
        cookies.write_text(line + "\n")
        with k.Nc("tun", "--cookies", cookies, k.KERNEL, 9, stdin=subprocess.DEVNULL) as nc:
            nc.wait("a file of something else", 1)
            k.check("and nc says so", "no line of cookies" in nc.errors(), nc.errors())


def main():
    k.enter_namespace()
    each_congestion_control()
    marks_instead_of_losses()
    with tempfile.TemporaryDirectory() as folder:
        wrong_cookies(folder)
        if not sysctl("tcp_fastopen", 3):
            print("this kernel has no Fast Open of the namespace's")
            return 0
        fast_to_us()
        fast_from_us(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
