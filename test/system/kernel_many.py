#!/usr/bin/env python3
# timeout: 600
"""Thousands of short connections with the Linux kernel, in a row and in parallel, with TIME-WAIT
at either end; and what they leave in the pools, which is nothing."""

import concurrent.futures
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import kernel as k

IN_A_ROW, IN_PARALLEL, AT_ONCE = 3000, 4000, 200


def exchange(i):
    """The kernel closes first: its end lingers."""
    text = b"number %d" % i
    with k.connect(7) as s:
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        return k.receive_all(s) == (k.digest(text), len(text))


def fetch(i):
    """The server closes first: ours lingers."""
    with k.connect(80) as s:
        s.sendall(b"GET /%d HTTP/1.0\r\n\r\n" % i)
        return k.receive_all(s)[1] > 100


def nothing_is_left(host, before):
    """All pools stand where they stood before the first connection."""
    def level():
        return all(pool["used"] <= before[name]["used"] for name, pool in host.pools().items()
                   if name in before)
    try:
        k.until("the pools are as before", level, 30)
    except AssertionError as error:
        raise AssertionError(f"{error}: {before}, now {host.pools()}") from None


def warm_up(host):
    k.check("echo", exchange(0))
    k.until("at rest", lambda: all(s["state"] == "LISTEN" for s in host.sockets()
                                   if s["protocol"] == "tcp"))
    return host.pools()


def in_a_row_kernel_lingers():
    with k.Host("tun", "--echo") as host:
        before = warm_up(host)
        for i in range(IN_A_ROW):
            k.check("echo", exchange(i), i)
        nothing_is_left(host, before)
        host.stop()


def in_parallel_kernel_lingers():
    with k.Host("tun", "--echo") as host:
        before = warm_up(host)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            k.check("all echoes", all(pool.map(exchange, range(IN_PARALLEL))))
        nothing_is_left(host, before)
        host.stop()


def in_a_row_lastack_lingers():
    """With a long MSL every one of them is still there, as a small record; none is refused. The
    kernel may choose a port a second time: a newer SYN ends the older record (RFC 6191)."""
    with k.Host("tun", "--http", "/usr/share", "--msl", "300") as host:
        for i in range(IN_A_ROW):
            k.check("an answer", fetch(i), i)

        def all_linger():
            rows = [s for s in host.sockets() if s["state"] == "TIME-WAIT"]
            reused = host.counters().get("TIME_WAIT_REUSED", 0)
            return len(rows) + reused == IN_A_ROW and rows

        lingering = k.until("all of them linger", all_linger)
        k.check("as small records", all("time_wait_record" in s["flag_names"]
                                        for s in lingering))
        host.stop()


def in_parallel_lastack_lingers():
    """With a short MSL and few records: the oldest give way, and nobody is turned away."""
    with k.Host("tun", "--http", "/usr/share", "--msl", "0.5", "--time-waits", 500,
                "--echo") as host:
        before = warm_up(host)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            k.check("all answers", all(pool.map(fetch, range(IN_PARALLEL))))
        nothing_is_left(host, before)
        host.stop()


def same_port_again():
    """The kernel uses one local port over and over: a newer SYN ends our TIME-WAIT (RFC 6191)."""
    with k.Host("tun", "--http", "/usr/share", "--msl", "60") as host:
        for i in range(50):
            s = socket.socket()
            s.settimeout(k.PATIENCE_S)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((k.KERNEL, 20000))
            s.connect((k.OURS, 80))
            s.sendall(b"GET /%d HTTP/1.0\r\n\r\n" % i)
            k.check("an answer", k.receive_all(s)[1] > 100, i)
            s.close()
            k.until("the kernel's end is gone", lambda: not k.kernel_states(20000))
        k.until("one record of all these", lambda: [
            r["state"] for r in host.sockets() if r["peer"]["port"] == 20000] == ["TIME-WAIT"])
        host.stop()


TESTS = [in_a_row_kernel_lingers, in_parallel_kernel_lingers, in_a_row_lastack_lingers,
         in_parallel_lastack_lingers, same_port_again]

if __name__ == "__main__":
    sys.exit(k.run(TESTS, sys.argv[1:]))
