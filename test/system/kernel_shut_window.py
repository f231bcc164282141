#!/usr/bin/env python3
# timeout: 600
# cost: 1000
"""Windows that stay shut for more than two minutes, against the Linux kernel: an application that
reads nothing is no dead peer, however long it takes (RFC 9293 3.8.6.1). Three connections wait at
the same time: on one the kernel's program does not read, on one lastack's, on one neither. All the
while both ends must be ESTABLISHED, each sender must ask by its persist timer, ever more rarely,
each question must be answered, and netstat must say who has to move. Then the windows open, and
every transfer ends whole.

The kernel knows no virtual time, so this test has to wait; it begins before the others and waits
beside them."""

import contextlib
import http.client
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import kernel as k                                                                  # noqa: E402
from space import Space                                                             # noqa: E402

SHUT_S = float(os.environ.get("LASTACK_SHUT_S", "125"))
LOOK_EVERY_S = 5
PROBES_LEAST, PROBES_MOST = 6, 20       # in two minutes, from 0.2 or 0.5 s on, each wait doubled
PORT = 5001
DATA = k.pattern("shut", 16 << 20)


class Shut:
    """A connection on which somebody does not read, as both ends tell of it."""

    def __init__(self, name, place, process, port, kernel_asks, lastack_asks, who):
        self.name, self.place, self.process, self.port = name, place, process, port
        self.kernel_asks, self.lastack_asks, self.who = kernel_asks, lastack_asks, who
        self.first = self.last = None

    def claim(self, text, truth, *details):
        k.check(f"{self.name}: {text}", truth, *details)

    def kernel_row(self):
        """(state, whether the persist timer runs, by how much it has slowed down)"""
        with self.place():
            out = subprocess.run(["ss", "-tanoiH"], capture_output=True, text=True,
                                 check=True).stdout
        for row in re.split(r"\n(?=\S)", out):
            words = row.split()
            if words and words[0] != "LISTEN" and f":{self.port}" in (
                    words[3][words[3].rfind(":"):], words[4][words[4].rfind(":"):]):
                backoff = re.search(r"\bbackoff:(\d+)", row)
                return words[0], "timer:(persist" in row, int(backoff[1]) if backoff else 0
        return None, False, 0

    def our_row(self):
        for row in self.process.netstat()["sockets"]:
            if self.port in (row["local"]["port"], row["peer"]["port"]) and \
                    row["state"] != "LISTEN":
                return row
        return None

    def is_shut(self):
        """Every end that has something to say has met a shut window, and asks."""
        _, kernel_asks, _ = self.kernel_row()
        row = self.our_row()
        return row and kernel_asks == self.kernel_asks \
            and (row["timer"] == "PERSIST") == self.lastack_asks \
            and (row["snd_wnd_octets"] == 0) == self.lastack_asks \
            and (row["rcv_wnd_octets"] == 0) == self.kernel_asks

    def look(self):
        state, kernel_asks, backoff = self.kernel_row()
        row = self.our_row()
        self.claim("both are ESTABLISHED", row and (state, row["state"]) ==
                   ("ESTAB", "ESTABLISHED"), state, row)
        self.claim("whether the kernel asks", kernel_asks == self.kernel_asks, backoff)
        self.claim("whether lastack asks", (row["timer"] == "PERSIST") == self.lastack_asks, row)
        self.claim("netstat says who must move", row["who_must_move"] == self.who, row)
        self.claim("and by what", "must read" in row["why"], row["why"])
        if self.last:
            self.claim("the kernel asks ever more rarely", backoff >= self.last["kernel_backoff"])
            self.claim("so does lastack", row["backoffs"] >= self.last["backoffs"], row)
        self.last = {**row, "kernel_backoff": backoff}
        self.first = self.first or self.last

    def judge(self):
        """What went over the line meanwhile: questions and their answers, and not much of it."""
        asked, heard = (self.last[key] - self.first[key] for key in ("segments_out",
                                                                     "segments_in"))
        self.claim("no octet passed", all(self.last[key] == self.first[key] for key in
                                          ("octets_in", "octets_acked")), self.first, self.last)
        print(f"      {self.name}: sent {asked}, heard {heard} segments in {SHUT_S:.0f} s; "
              f"the kernel's backoff is {self.last['kernel_backoff']}, ours "
              f"{self.last['backoffs']}")
        self.claim("each question was answered", abs(asked - heard) <= 1, asked, heard)
        senders = self.kernel_asks + self.lastack_asks
        self.claim("they were probes", PROBES_LEAST <= self.most_backoff() and
                   asked <= PROBES_MOST * senders, asked)

    def most_backoff(self):
        return min(n for n, asks in ((self.last["kernel_backoff"], self.kernel_asks),
                                     (self.last["backoffs"], self.lastack_asks)) if asks)


def kernel_reads_nothing(host):
    """A program of the kernel's asks for a file, and takes its time."""
    s = k.connect(80, SO_RCVBUF=65536)
    s.sendall(b"GET /data HTTP/1.0\r\n\r\n")

    def finish():
        answer = http.client.HTTPResponse(s)
        answer.begin()
        k.check("the file is whole", k.digest(answer.read()) == k.digest(DATA))
        s.close()
    return Shut("the kernel does not read", contextlib.nullcontext, host, s.getsockname()[1],
                kernel_asks=False, lastack_asks=True, who="the peer's application"), finish


def sender(s):
    """All of DATA and the end of it, however long that takes."""
    s.settimeout(None)
    thread = threading.Thread(target=lambda: (s.sendall(DATA), s.shutdown(1)), daemon=True)
    thread.start()
    return thread


def nobody_reads(host):
    """Echo cannot read on, for nobody takes what it sends back."""
    s = k.connect(7)
    thread = sender(s)

    def finish():
        k.check("the echo is whole", k.receive_all(s) == (k.digest(DATA), len(DATA)))
        thread.join()
        s.close()
    return Shut("neither reads", contextlib.nullcontext, host, s.getsockname()[1],
                kernel_asks=True, lastack_asks=True, who="the peer's application"), finish


def lastack_reads_nothing(nc, space, out):
    with space.inside():
        s = k.connect(PORT)
    thread = sender(s)

    def finish():
        with os.fdopen(out, "rb") as stream:
            k.check("all of it comes out", k.digest(stream.read()) == k.digest(DATA))
        thread.join()
        nc.process.stdin.close()
        nc.wait("after the window")
        s.close()
    return Shut("lastack does not read", space.inside, nc, PORT, kernel_asks=True,
                lastack_asks=False, who="our application"), finish


def windows_stay_shut_for_minutes():
    out, writer = os.pipe()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lastack-test-"))
        pathlib.Path(folder, "data").write_bytes(DATA)
        host = stack.enter_context(k.Host("tun", "--echo", "--http", folder))
        space = stack.enter_context(Space())
        with space.inside():
            nc = k.Nc("tun", "-l", PORT, "--buffer", 256, stdout=writer)
        os.close(writer)
        stack.enter_context(nc)
        shut, finish = zip(kernel_reads_nothing(host), nobody_reads(host),
                           lastack_reads_nothing(nc, space, out))
        for connection in shut:
            k.until(f"{connection.name}: the window is shut", connection.is_shut)
        end = time.monotonic() + SHUT_S
        while time.monotonic() < end:
            for connection in shut:
                connection.look()
            time.sleep(min(LOOK_EVERY_S, max(end - time.monotonic(), 0.01)))
        for connection in shut:
            connection.look()
            connection.judge()
        for open_it in finish:
            open_it()
        host.stop()


TESTS = [windows_stay_shut_for_minutes]

if __name__ == "__main__":
    sys.exit(k.run(TESTS, sys.argv[1:]))
