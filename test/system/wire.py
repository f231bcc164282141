#!/usr/bin/env python3
# timeout: 600
"""`lastack wire`: what is asked of the line is what happens on it, counted exactly; kernels and
lastack talk over it; nothing is left behind, however it ends."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import kernel as k
from space import Space

LEFT, RIGHT = "10.79.0.1", "10.79.0.2"
BURST = 64                              # datagrams that a socket's buffer surely holds


class Wire:
    """A line between two new namespaces, ready."""

    def __init__(self, *words, addrs=((f"{LEFT}/24",), (f"{RIGHT}/24",))):
        self.spaces = Space(), Space()
        ends = [word for side, addr in zip(("left", "right"), addrs) for a in addr
                for word in (f"--{side}-addr", a)]
        self.process = subprocess.Popen(
            [k.LASTACK, "wire", "--left", self.spaces[0].path, "--right", self.spaces[1].path,
             *ends, "--json", "--commands", *map(str, words)], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, preexec_fn=k.end_with_parent)

    def __enter__(self):
        line = self.process.stdout.readline()
        k.check("it is ready", line.startswith("ready: "), line)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        for space in self.spaces:
            space.close()

    def say(self, *lines):
        """Changes; the answer to the last line shows that they are in force."""
        print(*lines, "statistics", sep="\n", file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def both(self):
        return self.spaces[0].udp(LEFT), self.spaces[1].udp(RIGHT)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        statistics = json.loads(self.process.stdout.readline())
        k.check("a signal ends it with status 0", self.process.wait(k.PATIENCE_S) == 0)
        return statistics["ways"]


def pass_through(wire, near, far, count, size=20):
    """Numbered datagrams, a burst at a time; which of them arrived, in their order. Those that did
    are known to be all once the line has counted every one of the burst in and out."""
    arrived = []
    sent_before = sum(w["packets_in"] for w in wire.say()["ways"])
    for first in range(0, count, BURST):
        burst = range(first, min(first + BURST, count))
        for number in burst:
            near.sendto(number.to_bytes(4, "big") + bytes(size - 4), far.getsockname()[:2])

        def settled():
            ways = wire.say()["ways"]
            entered = sum(w["packets_in"] for w in ways) - sent_before
            return entered == burst.stop and all(w["in_flight"] == 0 for w in ways)
        k.until("the burst has passed", settled)
        far.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                arrived.append(int.from_bytes(far.recv(2048)[:4], "big"))
    return arrived


def a_perfect_line_passes_everything_in_order():
    with Wire("--delay", "1ms", "--jitter", "1ms") as wire:
        left, right = wire.both()
        k.check("to the right", pass_through(wire, left, right, 500) == list(range(500)))
        k.check("to the left", pass_through(wire, right, left, 500) == list(range(500)))
        to_right, to_left = wire.end()
        k.check("all are counted", to_right["packets_in"] == to_right["packets_out"] == 500)
        k.check("and their octets", to_left["octets_out"] == 500 * (20 + 28), to_left)


def losses(seed):
    with Wire("--loss", "10%,0", "--seed", seed) as wire:
        left, right = wire.both()
        arrived = pass_through(wire, left, right, 2000)
        k.check("the other way loses nothing",
                pass_through(wire, right, left, 300) == list(range(300)))
        to_right, to_left = wire.end()
        k.check("what is missing is counted", to_right["lost"] == 2000 - len(arrived), to_right)
        k.check("and nothing else is", to_left["lost"] == 0 and to_right["queue_full"] == 0)
        return arrived


def a_seed_is_which_datagrams_are_lost():
    once, again, other = losses(7), losses(7), losses(8)
    k.check("the same seed loses the same", once == again)
    k.check("another one loses others", once != other)
    for arrived in once, other:             # 200 expected of 2000; five deviations are 67
        k.check("a tenth is lost", 133 <= 2000 - len(arrived) <= 267, len(arrived))


def a_full_queue_drops_the_tail():
    """Ten octets a second leave, so that a burst meets the queue as it is: 5,300 octets hold ten
    packets of 528."""
    with Wire("--rate", "80bit", "--queue", 5300) as wire:
        left, right = wire.both()
        for number in range(50):
            left.sendto(number.to_bytes(4, "big") + bytes(496), (RIGHT, 7000))
        k.until("all have entered", lambda: wire.say()["ways"][0]["packets_in"] == 50)
        to_right, _ = wire.end()
        k.check("ten wait, forty are dropped",
                (to_right["in_flight"], to_right["queue_full"]) == (10, 40), to_right)
        k.check("the queue was as full as it can be", 4752 < to_right["queue_most"] <= 5280,
                to_right)
        right.close()


def each_accident_happens():
    with Wire("--reorder", "10%,0", "--reorder-by", "50ms", "--duplicate", "0,10%",
              "--corrupt", "0,10%") as wire:
        left, right = wire.both()
        arrived = pass_through(wire, left, right, 500)
        k.check("reordered, none is missing", sorted(arrived) == list(range(500))
                and arrived != list(range(500)))
        back = pass_through(wire, right, left, 500)
        to_right, to_left = wire.end()
        k.check("reordering is counted", 16 <= to_right["reordered"] <= 84, to_right)
        k.check("copies are delivered", to_left["duplicated"] > 0
                and to_left["packets_out"] + to_left["refused"] == 500 + to_left["duplicated"],
                to_left)
        k.check("the kernel notices what is corrupted", 0 < to_left["corrupted"]
                and len(set(back)) < 500, to_left)


def the_line_changes_while_it_runs():
    with Wire() as wire:
        left, right = wire.both()
        k.check("first all pass", len(pass_through(wire, left, right, 50)) == 50)
        wire.say("loss 100%,0")
        k.check("then none", pass_through(wire, left, right, 50) == [])
        k.check("but on the way back", len(pass_through(wire, right, left, 50)) == 50)
        wire.say("loss 0", "", "delay 1ms,2ms")
        k.check("then all again", len(pass_through(wire, left, right, 50)) == 50)
        ways = wire.say()["ways"]
        k.check("as counted", ways[0]["lost"] == 50, ways)
        print("quit", file=wire.process.stdin, flush=True)
        k.check("quit ends it", wire.process.wait(k.PATIENCE_S) == 0)


def transfer(wire, size, to=RIGHT, family=socket.AF_INET):
    data = k.pattern("wire", size)
    with wire.spaces[1].inside():
        listener = socket.create_server((to, 5000), family=family)
    with wire.spaces[0].inside():
        s = socket.socket(family)
    with s, listener:
        listener.settimeout(k.PATIENCE_S)
        s.settimeout(k.PATIENCE_S)
        s.connect((to, 5000))
        there, _ = listener.accept()
        with there:
            there.settimeout(k.PATIENCE_S)
            sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(1)), daemon=True)
            sender.start()
            k.check("it arrives whole", k.receive_all(there) == (k.digest(data), size))
            sender.join()


def tcp_lives_through_everything():
    with Wire("--rate", "200mbit", "--queue", "250kB", "--delay", "2ms", "--jitter", "1ms",
              "--loss", "1%", "--reorder", "1%", "--duplicate", "1%", "--corrupt", "1%") as wire:
        transfer(wire, 1 << 19)
        to_right, to_left = wire.end(signal.SIGINT)
        k.check("packets were lost", to_right["lost"] + to_left["lost"] > 0)


def a_router_says_what_fits():
    with Wire("--path-mtu", "1200,0") as wire:
        transfer(wire, 1 << 18)
        to_right, _ = wire.end()
        k.check("some were too big, and then no more", 0 < to_right["too_big"] < 100, to_right)


def ipv6_passes():
    with Wire("--loss", "1%", addrs=(("fd79::1/64",), ("fd79::2/64",))) as wire:
        transfer(wire, 1 << 19, "fd79::2", socket.AF_INET6)


def the_capture_has_both_ends():
    tshark = shutil.which("tshark")
    with tempfile.TemporaryDirectory(prefix="lastack-test-") as folder:
        path = os.path.join(folder, "wire.pcapng")
        with Wire("--loss", "20%,0", "--pcap", path) as wire:
            left, right = wire.both()
            arrived = pass_through(wire, left, right, 100)
            wire.end()
        if not tshark:
            return
        lines = subprocess.run([tshark, "-r", path, "-T", "fields", "-e", "frame.interface_name",
                                "-e", "frame.comment"], capture_output=True, text=True,
                               check=True).stdout.splitlines()
        k.check("each packet in", sum(line.startswith("left") for line in lines) == 100)
        k.check("and out", sum(line.startswith("right") for line in lines) == len(arrived))
        k.check("and what became of the others",
                sum("lost on the link" in line for line in lines) == 100 - len(arrived))


def nothing_is_left_behind():
    for number in signal.SIGTERM, signal.SIGINT, signal.SIGKILL:
        with Wire("--delay", "1s") as wire:
            left, right = wire.both()
            left.sendto(b"on its way for ever", (RIGHT, 7000))
            k.check("there are devices", [s.devices() for s in wire.spaces]
                    == [{"wire0"}, {"wire1"}], wire.spaces[0].devices())
            wire.process.send_signal(number)
            status = wire.process.wait(k.PATIENCE_S)
            k.check("the status says how", status == (-number if number == signal.SIGKILL else 0))
            k.until("the devices are gone", lambda: not any(s.devices() for s in wire.spaces))
            right.close()


def it_ends_by_itself():
    with Wire("--for", "10ms") as wire:
        k.check("with status 0", wire.process.wait(k.PATIENCE_S) == 0)


def lastack_and_the_kernel_talk_over_it():
    """A host of lastack behind the right kernel, which forwards; nc behind the left one."""
    data = k.pattern("behind", 1 << 19)
    with Wire("--rate", "100mbit", "--queue", "250kB", "--delay", "1ms", "--loss", "1%",
              "--left-route", "10.79.2.0/24", "--right-route", "10.79.1.0/24") as wire, \
            tempfile.TemporaryDirectory(prefix="lastack-test-") as folder, \
            contextlib.ExitStack() as hosts:
        for space in wire.spaces:
            with space.inside():
                pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        pathlib.Path(folder, "file").write_bytes(data)
        with wire.spaces[1].inside():
            host = hosts.enter_context(subprocess.Popen(
                [k.LASTACK, "host", "--tun", "la0", "--addr", "10.79.2.2/24", "--peer",
                 "10.79.2.1", "--http", folder, "--echo"], stdout=subprocess.PIPE,
                preexec_fn=k.end_with_parent))
        hosts.callback(host.terminate)
        k.check("the host is ready", b"ready" in host.stdout.readline())
        with wire.spaces[0].inside():
            got = subprocess.run(["curl", "-sS", "http://10.79.2.2/file"], capture_output=True,
                                 check=True, timeout=k.PATIENCE_S).stdout
            k.check("kernel and lastack", got == data)
            got = subprocess.run(
                [k.LASTACK, "nc", "--tun", "la0", "--addr", "10.79.1.2/24", "--peer", "10.79.1.1",
                 "10.79.2.2", "7"], input=data, capture_output=True, check=True,
                timeout=k.PATIENCE_S).stdout
            k.check("lastack and lastack", got == data)


def what_makes_no_sense_is_refused():
    ends = ["--left", ".", "--right", ".", "--left-addr", "10.79.0.1/24", "--right-addr",
            "10.79.0.2/24"]
    for words, status, told in (
            (["--loss", "1"], 2, "--loss 1:"), (["--loss", "101%"], 2, "--loss"),
            (["--rate", "fast"], 2, "--rate fast"), (["--delay", "1,2ms"], 2, "--delay"),
            (["--delay", "0x1ms"], 2, "--delay"), (["--queue", "-1"], 2, "--queue"),
            (["--left-addr", "10.0.0.1"], 2, "10.0.0.1"), (["--mtu", "10"], 2, "--mtu"),
            (["--left", "nobody-made-this"], 1, "/run/netns/nobody-made-this"),
            (["--left-dev", "lo"], 1, "no TUN"), (["--jitter", "2"], 2, "--jitter"),
            (["more"], 2, "more")):
        done = subprocess.run([k.LASTACK, "wire", *ends, *words], capture_output=True, text=True,
                              timeout=k.PATIENCE_S)
        k.check(f"{words} is refused", done.returncode == status and told in done.stderr
                and not done.stdout, done.returncode, done.stderr)
    done = subprocess.run([k.LASTACK, "wire"], capture_output=True, text=True)
    k.check("ends are wanted", done.returncode == 2 and "--left NAME" in done.stderr)
    with Wire() as wire:
        wire.say("loss much", "nonsense 1", "x" * 1000, "delay 1ms")


TESTS = [a_perfect_line_passes_everything_in_order, a_seed_is_which_datagrams_are_lost,
         a_full_queue_drops_the_tail, each_accident_happens, the_line_changes_while_it_runs,
         tcp_lives_through_everything, a_router_says_what_fits, ipv6_passes,
         the_capture_has_both_ends, nothing_is_left_behind, it_ends_by_itself,
         lastack_and_the_kernel_talk_over_it, what_makes_no_sense_is_refused]

if __name__ == "__main__":
    sys.exit(k.run(TESTS, sys.argv[1:]))
