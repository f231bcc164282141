#!/usr/bin/env python3
# timeout: 900
"""All eleven states, at both ends: a line worked by hand lets one segment at a time go between the
Linux kernel and lastack, and after each of them ss and `lastack netstat` have to say the pair of
states that RFC 9293 (figures 6, 7, 12, 13 and 3.10.7) leads to. Over IPv4 every way to open is
walked with every way to close, over IPv6 each of them once; at the end the pairs that were seen
are printed."""

import fcntl
import itertools
import os
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import kernel as k                                                                  # noqa: E402
from by_hand import (ACK, FIN, KERNEL, KERNEL6, LASTACK, OURS6, SYN, Line)          # noqa: E402

# RFC 9293's name for what ss says. Nothing said is CLOSED: a fictional state, as 3.3.2 has it.
NAMES = {"LISTEN": "LISTEN", "SYN-SENT": "SYN-SENT", "SYN-RECV": "SYN-RECEIVED",
         "ESTAB": "ESTABLISHED", "FIN-WAIT-1": "FIN-WAIT-1", "FIN-WAIT-2": "FIN-WAIT-2",
         "CLOSE-WAIT": "CLOSE-WAIT", "CLOSING": "CLOSING", "LAST-ACK": "LAST-ACK",
         "TIME-WAIT": "TIME-WAIT", None: "CLOSED"}
TEXT = k.pattern("states", 20000)
PIPE = 4096                     # what nc's output takes before it must wait: so nc outlives
PORTS = itertools.count(6001)   # its connection, and TIME-WAIT and CLOSED can be seen
seen = {}                       # the pairs, and in which walk they were seen first


def kernel_says(port):
    """The kernel's connection at this port, or the listener when there is none."""
    run = subprocess.run(["ss", "-tanH", "sport", "=", f":{port}"], capture_output=True, text=True,
                         check=True)
    states = [line.split()[0] for line in run.stdout.splitlines()]
    states.sort(key=lambda state: state == "LISTEN")
    return NAMES[states[0] if states else None]


def lastack_says(sockets, port):
    """The same of lastack, from a list of its sockets."""
    states = [s["state"] for s in sockets if s["local"]["port"] == port]
    states.sort(key=lambda state: state == "LISTEN")
    return states[0] if states else "CLOSED"


class Walk:
    """One connection, from its beginning to its end: a step is an act and the pair it leads to."""

    def __init__(self, line, family, opening, closing):
        self.line, self.family = line, family
        self.name = f"{opening.__name__}, {closing.__name__}, " \
                    f"{'IPv6' if family == socket.AF_INET6 else 'IPv4'}"
        self.kernel_address = KERNEL6 if family == socket.AF_INET6 else k.KERNEL
        self.address = OURS6 if family == socket.AF_INET6 else k.OURS
        self.port, self.kernel_port = next(PORTS), next(PORTS)
        self.nc = self.socket = self.listener = None
        self.reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE)
        try:
            opening(self, writer)
            self.converse()
            closing(self)
            self.end()
        finally:
            self.clean_up()

    def clean_up(self):
        if self.nc:
            self.nc.__exit__(*sys.exc_info())
        for s in self.socket, self.listener:
            if s:
                s.close()
        os.close(self.reader)
        self.line.forget()

    # ---- acts
    def start(self, writer, *words):
        self.nc = self.line.nc("--buffer", 64, *words, stdout=writer)
        os.close(writer)
        self.nc.__enter__()

    def start_listening(self, writer):
        self.start(writer, "-l", self.port)

    def start_connecting(self, writer):
        self.start(writer, "-p", self.port, self.kernel_address, self.kernel_port)

    def kernel_socket(self):
        s = socket.socket(self.family)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((self.kernel_address, self.kernel_port))
        return s

    def kernel_listens(self):
        self.listener = self.kernel_socket()
        self.listener.listen()

    def kernel_connects(self):
        self.socket = self.kernel_socket()
        self.socket.setblocking(False)
        self.socket.connect_ex((self.address, self.port))

    def lastack_closes(self):
        self.nc.process.stdin.close()

    def kernel_closes(self):
        self.socket.shutdown(socket.SHUT_WR)

    # ---- looking
    def stand(self, kernel, ours):
        """Both ends, each by its own tool, are where they should be."""
        pair = kernel, ours
        said = []

        def both():
            said[:] = lastack_says(self.nc.sockets(), self.port), kernel_says(self.kernel_port)
            return tuple(said) == (ours, kernel)
        try:
            k.until("the pair", both)
        except AssertionError:
            raise AssertionError(f"{self.name}: expected {pair} of kernel and lastack, and they "
                                 f"say {said[::-1]}; {self.nc.sockets()}") from None
        told = lastack_says(self.nc.netstat()["sockets"], self.port)
        k.check(f"{self.name}: netstat", told == ours, told)
        seen.setdefault(pair, self.name)

    def let(self, to, flags, kernel, ours):
        self.line.let(to, flags)
        self.stand(kernel, ours)

    def converse(self):
        """Text each way over the line left to itself, until all of it is acknowledged. What nc's
        output does not take stays in its receive queue, and comes out whole after the end."""
        if not self.socket:
            self.socket, _ = self.listener.accept()
            self.listener.close()
        self.socket.setblocking(True)
        self.socket.settimeout(k.PATIENCE_S)
        self.line.flow(freely=True)
        self.socket.sendall(TEXT)
        self.nc.process.stdin.write(TEXT)
        self.nc.process.stdin.flush()
        text = b""
        while len(text) < len(TEXT) and (more := self.socket.recv(65536)):
            text += more
        k.check("the text is whole", text == TEXT)
        k.until("all is acknowledged", lambda: (s := self.nc.find()) and s["octets_in"] == len(TEXT)
                and s["octets_acked"] == len(TEXT) and not self.kernel_owes())
        self.line.flow(freely=False)
        self.stand("ESTABLISHED", "ESTABLISHED")

    def kernel_owes(self):
        """The octets that lastack has not acknowledged yet."""
        run = subprocess.run(["ss", "-tnH", "sport", "=", f":{self.kernel_port}"],
                             capture_output=True, text=True, check=True)
        return int(run.stdout.split()[2])

    def end(self):
        with os.fdopen(os.dup(self.reader), "rb") as out:
            if self.nc.state() is None:
                k.check("the text comes out", out.read() == TEXT)
                self.nc.wait(self.name)
            else:
                k.check("the text comes out", out.read(len(TEXT)) == TEXT)


# ---- three ways to open -------------------------------------------------------------------------
def lastack_opens(walk, writer):
    walk.kernel_listens()
    walk.start_connecting(writer)
    walk.stand("LISTEN", "SYN-SENT")
    walk.let(KERNEL, SYN, "SYN-RECEIVED", "SYN-SENT")
    walk.let(LASTACK, SYN | ACK, "SYN-RECEIVED", "ESTABLISHED")
    walk.let(KERNEL, ACK, "ESTABLISHED", "ESTABLISHED")


def kernel_opens(walk, writer):
    walk.start_listening(writer)
    walk.stand("CLOSED", "LISTEN")
    walk.kernel_connects()
    walk.stand("SYN-SENT", "LISTEN")
    walk.let(LASTACK, SYN, "SYN-SENT", "SYN-RECEIVED")
    walk.let(KERNEL, SYN | ACK, "ESTABLISHED", "SYN-RECEIVED")
    walk.let(LASTACK, ACK, "ESTABLISHED", "ESTABLISHED")


def both_open(walk, writer):
    """RFC 9293 figure 7: SYN meets SYN."""
    walk.start_connecting(writer)
    walk.kernel_connects()
    walk.stand("SYN-SENT", "SYN-SENT")
    walk.let(KERNEL, SYN, "SYN-RECEIVED", "SYN-SENT")
    walk.let(LASTACK, SYN, "SYN-RECEIVED", "SYN-RECEIVED")
    walk.let(KERNEL, SYN | ACK, "ESTABLISHED", "SYN-RECEIVED")
    walk.let(LASTACK, SYN | ACK, "ESTABLISHED", "ESTABLISHED")


# ---- four ways to close -------------------------------------------------------------------------
def lastack_closes(walk):
    """RFC 9293 figure 12, lastack its left side."""
    walk.lastack_closes()
    walk.stand("ESTABLISHED", "FIN-WAIT-1")
    walk.let(KERNEL, FIN | ACK, "CLOSE-WAIT", "FIN-WAIT-1")
    walk.let(LASTACK, ACK, "CLOSE-WAIT", "FIN-WAIT-2")
    walk.kernel_closes()
    walk.stand("LAST-ACK", "FIN-WAIT-2")
    walk.let(LASTACK, FIN | ACK, "LAST-ACK", "TIME-WAIT")
    walk.let(KERNEL, ACK, "CLOSED", "TIME-WAIT")


def kernel_closes(walk):
    """And the kernel on the left."""
    walk.kernel_closes()
    walk.stand("FIN-WAIT-1", "ESTABLISHED")
    walk.let(LASTACK, FIN | ACK, "FIN-WAIT-1", "CLOSE-WAIT")
    walk.let(KERNEL, ACK, "FIN-WAIT-2", "CLOSE-WAIT")
    walk.lastack_closes()
    walk.stand("FIN-WAIT-2", "LAST-ACK")
    walk.let(KERNEL, FIN | ACK, "TIME-WAIT", "LAST-ACK")
    walk.let(LASTACK, ACK, "TIME-WAIT", "CLOSED")


def both_close(walk):
    """RFC 9293 figure 13: FIN meets FIN."""
    walk.lastack_closes()
    walk.stand("ESTABLISHED", "FIN-WAIT-1")
    walk.kernel_closes()
    walk.stand("FIN-WAIT-1", "FIN-WAIT-1")
    walk.let(KERNEL, FIN | ACK, "CLOSING", "FIN-WAIT-1")
    walk.let(LASTACK, FIN | ACK, "CLOSING", "CLOSING")
    walk.let(LASTACK, ACK, "CLOSING", "TIME-WAIT")
    walk.let(KERNEL, ACK, "TIME-WAIT", "TIME-WAIT")


def both_close_and_an_ack_overtakes(walk):
    """The kernel's FIN arrives first, and the acknowledgment of it before our own FIN."""
    walk.kernel_closes()
    walk.stand("FIN-WAIT-1", "ESTABLISHED")
    walk.lastack_closes()
    walk.stand("FIN-WAIT-1", "FIN-WAIT-1")
    walk.let(LASTACK, FIN | ACK, "FIN-WAIT-1", "CLOSING")
    walk.let(KERNEL, ACK, "FIN-WAIT-2", "CLOSING")
    walk.let(KERNEL, FIN | ACK, "TIME-WAIT", "CLOSING")
    walk.let(LASTACK, ACK, "TIME-WAIT", "TIME-WAIT")


OPENINGS = lastack_opens, kernel_opens, both_open
CLOSINGS = lastack_closes, kernel_closes, both_close, both_close_and_an_ack_overtakes


def every_state_at_both_ends():
    with Line() as line:
        for opening, closing in itertools.product(OPENINGS, CLOSINGS):
            Walk(line, socket.AF_INET, opening, closing)
        for opening, closing in zip(itertools.cycle(OPENINGS), CLOSINGS):
            if socket.AF_INET6 in line.families:
                Walk(line, socket.AF_INET6, opening, closing)
    for (kernel, ours), name in seen.items():
        print(f"      kernel {kernel:<13} lastack {ours:<13} {name}")
    states = set(NAMES.values())
    k.check("the kernel was in all of them", {kernel for kernel, _ in seen} == states)
    k.check("and so was lastack", {ours for _, ours in seen} == states)


TESTS = [every_state_at_both_ends]

if __name__ == "__main__":
    sys.exit(k.run(TESTS, sys.argv[1:]))
