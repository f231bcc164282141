"""Goodput and fairness over a line with delay and loss, for bench/run: `lastack wire` between two
namespaces, a stack behind one end, the kernel's sockets at the other.

Left is always the kernel. Right is what is measured: a kernel of its own, or a stack on a TUN
device behind a kernel that forwards. Each measurement has new namespaces and a new line. The stacks
of a round share the line's seed: the n-th packet of each is lost. A measurement during which the
line was late or its kernel dropped packets is thrown away and done again."""

import contextlib
import ctypes
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
OURS, PEERS = TOP / "build/release/bench", TOP / "build/bench"
LASTACK = TOP / "build/release/lastack"
LEFT, RIGHT, STACK = "10.78.0.1", "10.78.0.2", "10.77.0.2"
LINE = ["--rate", "100mbit", "--delay", "10ms"]
LINE_TEXT = "100 Mbit/s, a round trip of 20 ms, a queue of 250 kB"
POINTS = {
    "no loss": ["--queue", "250kB"],
    "0.1 % lost": ["--queue", "250kB", "--loss", "0.1%,0"],
    "1 % lost": ["--queue", "250kB", "--loss", "1%,0"],
    "3 % lost": ["--queue", "250kB", "--loss", "3%,0"],
    "1 % 5 ms late": ["--queue", "250kB", "--reorder", "1%,0", "--reorder-by", "5ms"],
    "queue of 60 kB": ["--queue", "60kB"],
}
# How each stack is started.
STACKS = {
    "lastack CUBIC": [OURS / "lastack_tun", "la0", "vnet", "cubic"],
    "kernel CUBIC": [OURS / "flow", "serve", "cubic"],
    "lastack BBR": [OURS / "lastack_tun", "la0", "vnet", "bbr"],
    "kernel BBR": [OURS / "flow", "serve", "bbr"],
    "lwIP": [PEERS / "peer_lwip_tun_wide", "la0"],
    "gVisor CUBIC": [PEERS / "peer_gvisor_tun", "la0", "cubic"],
}
RATIOS = [("lastack CUBIC", "kernel CUBIC"), ("lastack BBR", "kernel BBR")]
RECEIVERS = ("lastack CUBIC", "kernel CUBIC", "lwIP", "gVisor CUBIC")
PAIRS = {
    "two lastack flows": ("lastack CUBIC", None),
    "lastack and kernel": ("lastack CUBIC", "kernel CUBIC"),
    "two kernel flows": ("kernel CUBIC", None),
    "two lastack flows, BBR": ("lastack BBR", None),
    "lastack and kernel, BBR": ("lastack BBR", "kernel BBR"),
    "two kernel flows, BBR": ("kernel BBR", None),
}
LATE_MOST_US = 3000                     # of the line, at the 99th of a hundred packets
ATTEMPTS = 3


GROUPS = ("goodput", "receive", "fairness")


def say(text):
    print(text, file=sys.stderr, flush=True)


def end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def first(priority=10):
    """In a child before exec: real-time where it may be had, ahead of others' work."""
    end_with_parent()
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))


class Process:
    """A program in a namespace, ready once it has said so."""

    def __init__(self, space, words):
        enter = ["nsenter", f"--net=/proc/{space}/ns/net"] if space else []
        self.popen = subprocess.Popen([*enter, *map(str, words)], stdout=subprocess.PIPE,
                                      text=True, preexec_fn=first)
        self.words = words
        if "ready" not in self.popen.stdout.readline():
            self.stop()
            raise RuntimeError(f"did not start: {' '.join(map(str, words))}")

    def stop(self, number=signal.SIGKILL):
        self.popen.send_signal(number)
        rest = self.popen.stdout.read()
        self.popen.stdout.close()
        self.popen.wait()
        return rest


class Space:
    """A namespace without a name: it lives as long as the process that waits in it."""

    def __init__(self):
        self.popen = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", "ip link set lo up && "
             "echo 1 >/proc/sys/net/ipv4/ip_forward && echo ready && read none"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=end_with_parent)
        if self.popen.stdout.readline() != "ready\n":
            raise RuntimeError("no namespace")
        self.pid = self.popen.pid

    def stop(self):
        self.popen.stdin.close()
        self.popen.wait()
        self.popen.stdout.close()


class Line:
    """Two namespaces and what joins them."""

    def __init__(self, words, seed):
        self.left, self.right = Space(), Space()
        self.stacks = []
        self.wire = Process(None, [LASTACK, "wire", "--left", self.left.pid, "--right",
                                   self.right.pid, "--left-addr", f"{LEFT}/24", "--right-addr",
                                   f"{RIGHT}/24", "--left-route", "10.77.0.0/24", "--json",
                                   "--realtime", "--seed", seed, *LINE, *words])

    def serve(self, name):
        """The stack called so, behind the right end; its address."""
        self.stacks.append(Process(self.right.pid, STACKS[name]))
        return RIGHT if name.startswith("kernel") else STACK

    def run(self, *words):
        done = subprocess.run(["nsenter", f"--net=/proc/{self.left.pid}/ns/net",
                               *map(str, [OURS / "flow", *words])], stdout=subprocess.PIPE,
                              text=True, check=True, timeout=120, preexec_fn=first)
        return json.loads(done.stdout)

    def stop(self):
        """What happened on the line."""
        for stack in self.stacks:
            stack.stop()
        ways = json.loads(self.wire.stop(signal.SIGTERM))["ways"]
        self.left.stop()
        self.right.stop()
        return ways


def directed(words, mode):
    """What befalls the text, "V,0", is written for left to right; `recv` has it the other way."""
    return [f"0,{word[:-2]}" if mode == "recv" and word.endswith(",0") else word for word in words]


def unsteady(ways):
    for way in ways:
        if way["missed"] or way["no_memory"] or way["refused"]:
            return "the line's kernel dropped packets"
        if way["late_us"]["p99"] > LATE_MOST_US:
            return f"the line was {way['late_us']['p99']:.0f} us late"
    return None


def flows_once(line, ends, mode, control, seconds, skip):
    at = {name: line.serve(name) for name in dict.fromkeys(ends)}
    port = 19 if mode == "recv" else 9
    answer = line.run(mode, control, seconds, skip,
                      *(word for name in ends for word in (at[name], port)))
    return [octets * 8 / answer["seconds"] / 1e6 for octets in answer["octets"]]


def measured(words, seed, ends, mode, control, seconds, skip):
    """Mbit/s of each flow; a stack named twice has two. None when the line was never steady."""
    for _ in range(ATTEMPTS):
        line = Line(directed(words, mode), seed)
        try:
            rates = flows_once(line, ends, mode, control, seconds, skip)
        finally:
            trouble = unsteady(line.stop())
        if not trouble:
            return rates
        say(f"  thrown away: {trouble}")
    return None


# ---- the tables --------------------------------------------------------------------------

def build():
    """gVisor's driver, where Debian's packages for it are."""
    if not pathlib.Path("/usr/share/gocode/src/gvisor.dev").is_dir():
        return
    PEERS.mkdir(parents=True, exist_ok=True)
    env = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOCACHE=str(PEERS / "go"))
    try:
        subprocess.run(["go", "build", "-o", PEERS / "peer_gvisor_tun",
                        TOP / "bench/gvisor/main.go"], env=env, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"gVisor's driver is not built: {error}")


def missing():
    """Why a stack cannot be measured here, by its name."""
    kernel = pathlib.Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()
    ours = subprocess.run([OURS / "lastack_tun", "cc"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.split()
    why = {}
    for name, words in STACKS.items():
        if not pathlib.Path(words[0]).exists():
            why[name] = "is not built"
        elif words[-1] in ("cubic", "bbr") and words[-1] not in (
                kernel if name.startswith("kernel") else ours if name.startswith("lastack")
                else [words[-1]]):
            why[name] = f"there is no {words[-1]}"
    return why


def text_of(values):
    if not values:
        return "-"
    return f"{statistics.median(values):.1f} ({min(values):.1f}..{max(values):.1f})"


def ratio_of(samples, ours, theirs):
    """Round by round, where both were measured."""
    both = [a / b for a, b in zip(samples.get(ours, []), samples.get(theirs, [])) if a and b]
    return f"x {statistics.median(both):.2f} ({min(both):.2f}..{max(both):.2f})" if both else "-"


def goodput(mode, stacks, ratios, rounds, seconds):
    """Every stack at every point, in turn, `rounds` times."""
    samples = {point: {name: [] for name in stacks} for point in POINTS}
    for seed in range(1, rounds + 1):
        for point, words in POINTS.items():
            for name in stacks:
                rates = measured(words, seed, [name], mode, "cubic", seconds, 1)
                samples[point][name].append(rates[0] if rates else None)
        say(f"  round {seed} of {rounds}: {samples['no loss']['kernel CUBIC'][-1]} Mbit/s by the "
            "kernel's CUBIC without loss")
    what = "stack > kernel" if mode == "recv" else "kernel (CUBIC) > stack"
    print(f"\nGoodput, Mbit/s, {what}: one flow, {LINE_TEXT}")
    print(f"{'':<16}" + "".join(f"{name:>22}" for name in stacks)
          + "".join(f"{f'{a} : {b}':>32}" for a, b in ratios))
    for point in POINTS:
        print(f"{point:<16}"
              + "".join(f"{text_of([v for v in samples[point][n] if v]):>22}" for n in stacks)
              + "".join(f"{ratio_of(samples[point], a, b):>32}" for a, b in ratios))
    sys.stdout.flush()
    return samples


def fairness(stacks, rounds, seconds):
    """Two flows from the right to the left, together; the share of the first."""
    samples = {}
    print(f"\nFairness: two flows at a time, the share of the first, %; {LINE_TEXT}")
    for pair, (one, other) in PAIRS.items():
        other = other or one
        if one not in stacks or other not in stacks:
            continue
        samples[pair] = [rates for seed in range(1, rounds + 1) if (rates := measured(
            POINTS["no loss"], seed, [one, other], "recv", "cubic", seconds, 20))]
        shares = [100 * a / (a + b) for a, b in samples[pair]]
        sums = [a + b for a, b in samples[pair]]
        print(f"  {pair:<26}{text_of(shares):>22}   together {text_of(sums)} Mbit/s", flush=True)
    return samples


def run(groups, rounds, quick):
    """The tables of `groups`, printed; every sample, for a program."""
    why = missing()
    for name, reason in why.items():
        say(f"{name}: {reason}; left out")
    stacks = [name for name in STACKS if name not in why]
    ratios = [(a, b) for a, b in RATIOS if a in stacks and b in stacks]
    receivers = [name for name in RECEIVERS if name in stacks]
    seconds = 3 if quick else 6
    document = {}
    if "goodput" in groups:
        document["send"] = goodput("recv", stacks, ratios, rounds, seconds)
    if "receive" in groups:
        document["receive"] = goodput("send", receivers, ratios[:1], rounds, seconds)
    if "fairness" in groups:
        document["fairness"] = fairness(stacks, rounds, 10 * seconds)
    return document
