#!/usr/bin/env python3
"""`lastack netstat` on a running host whose peer is the kernel's TCP.

In a network namespace of its own: a host on a TUN device, kernel sockets in several states, and
what netstat says of each: the state, who must move, the story, the counters; then every way in
which it can fail. Needs /dev/net/tun, and root or unprivileged user namespaces; skipped without."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile

LASTACK = os.environ.get("LASTACK", "build/lastack")
SKIPPED = 77
OURS, KERNELS = "10.91.0.2", "10.91.0.1"
ECHO, DISCARD, CHARGEN = 7, 9, 19


class Netstat:
    def __init__(self, *control):
        self.control = control

    def run(self, *words):
        return subprocess.run([LASTACK, "netstat", *self.control, *words], capture_output=True,
                              text=True)

    def sockets(self, *words):
        return json.loads(self.run("--format", "json", *words).stdout)["sockets"]

    def until(self, port, state):
        """The socket of the kernel's `port`, once it is in `state`."""
        seen = None
        for _ in range(3000):
            seen = [s for s in self.sockets() if s["peer"]["port"] == port]
            if seen and seen[0]["state"] == state:
                return seen[0]
            select.select([], [], [], 0.01)
        raise AssertionError(f"the kernel's port {port} never saw {state}, but {seen}")


def connect(port):
    peer = socket.create_connection((OURS, port), timeout=30)
    return peer, peer.getsockname()[1]


def check(ok, *what):
    if not ok:
        raise AssertionError(" ".join(str(word) for word in what))


def states_and_who_must_move(netstat):
    idle, port = connect(ECHO)
    idle.sendall(b"hello")
    check(idle.recv(5) == b"hello")
    seen = netstat.until(port, "ESTABLISHED")
    check(seen["who_must_move"] == "nobody", seen)
    check(seen["octets_in"] == seen["octets_acked"] == 5, seen)

    stuck, port = connect(CHARGEN)                      # its application never reads
    for _ in range(3000):
        seen = netstat.until(port, "ESTABLISHED")
        if seen["snd_wnd_octets"] == 0:
            break
        select.select([], [], [], 0.01)
    check(seen["who_must_move"] == "the peer's application", seen)
    check(seen["rule"] == "open_shut_window" and seen["timer"] == "PERSIST", seen)
    check(seen["send_queue_octets"] > 0, seen)

    closed, port = connect(ECHO)                        # the kernel closes first
    closed.close()
    for _ in range(3000):
        if not [s for s in netstat.sockets() if s["peer"]["port"] == port]:
            break
        select.select([], [], [], 0.01)
    else:
        raise AssertionError("LAST-ACK never ended")
    return [idle, stuck], port


def formats(netstat):
    long = netstat.run().stdout
    check("PROTO" in long and "must read" in long and "\033" not in long, long)
    for words, columns in ((["--format", "netstat"], "Proto Recv-Q Send-Q Local Address"),
                           (["--format", "ss"], "Netid State"),
                           (["--format", "bsd"], "Foreign Address        (state)"),
                           (["--listening"], "LISTEN")):
        check(columns in netstat.run(*words).stdout, words)
    check("ESTAB" not in netstat.run("--listening", "--format", "ss").stdout)
    for spelling in ("established", "ESTAB", "Established"):
        rows = netstat.run("--format", "bsd", "--state", spelling).stdout.splitlines()[2:]
        check(len(rows) == 2, rows)


def words_of(listing, port):
    """{word: value} of the line below the row that ends with this port; rates have a blank."""
    lines = listing.splitlines()
    rows = [i for i, line in enumerate(lines[:-1])
            if f":{port} " in line + " " and lines[i + 1].startswith("\t")]
    check(len(rows) == 1, listing)
    text = re.sub(r"\b(send|pacing_rate|delivery_rate) ", r"\1:", lines[rows[0] + 1])
    return dict(word.partition(":")[::2] for word in text.split())


def settled(netstat, port, octets):
    """Both ends' words, once all has gone both ways and is acknowledged."""
    for _ in range(3000):
        listing = subprocess.run(["ss", "-tanoi", "sport", "=", f":{port}"], capture_output=True,
                                 text=True, check=True).stdout
        ours = words_of(netstat.run("--format", "ss", "--info").stdout, port)
        kernels = words_of(listing, port)
        if ("unacked" not in ours and "unacked" not in kernels and ours["bytes_received"] == octets
                and ours["bytes_acked"] == octets):
            return ours, kernels
        select.select([], [], [], 0.01)
    raise AssertionError(f"never settled: {ours} {kernels}")


def info_is_as_of_the_kernel(netstat):
    """The words of the two ends of one connection: the same names, in the same order and form, but
    for what each has to tell of its own; and what mirrors is equal."""
    peer, port = connect(ECHO)
    for octet in b"abc":
        peer.sendall(bytes([octet]) * 2000)
        for _ in range(2000):
            check(peer.recv(1) == bytes([octet]))
    ours, kernels = settled(netstat, port, "6000")
    both = [word for word in kernels if word in ours]
    check(both == [word for word in ours if word in kernels], ours, kernels)
    must = {"ts", "sack", "cubic", "wscale", "rto", "rtt", "mss", "pmtu", "rcvmss", "advmss",
            "cwnd", "bytes_sent", "bytes_acked", "bytes_received", "segs_out", "segs_in",
            "data_segs_out", "data_segs_in", "send", "delivery_rate", "delivered", "minrtt",
            "snd_wnd"}
    check(must - {"cubic"} <= set(both) and must <= set(ours), must - set(both), ours, kernels)
    for word in must - {"cubic"}:
        shape = [re.sub(r"[\d.]+(e[+-]?\d+)?", "0", words[word]) for words in (ours, kernels)]
        check(shape[0] == shape[1], word, ours, kernels)
    check(ours["bytes_sent"] == kernels["bytes_received"], ours, kernels)
    check(kernels["bytes_sent"] == ours["bytes_received"], ours, kernels)
    check(ours["wscale"].split(",") == kernels["wscale"].split(",")[::-1], ours, kernels)
    for word in ("advmss", "pmtu", "mss"):
        check(ours[word] == kernels[word], word, ours, kernels)
    once = 1 + int(ours["data_segs_out"])               # the SYN, and all that was sent
    check(once - int(ours.get("retrans", "0/0").split("/")[1]) <= int(ours["delivered"]) <= once,
          ours)
    check("windows: cubic has cwnd" in netstat.run("--info").stdout)
    peer.close()


def story_and_counters(netstat):
    seen = [s for s in netstat.sockets() if s["local"]["port"] == CHARGEN and s["peer"]["port"]]
    story = netstat.run("--story", seen[0]["id"]).stdout
    check("SYN-RECEIVED > ESTABLISHED" in story and "window has shut" in story, story)
    events = json.loads(netstat.run("--story", seen[0]["id"], "--format", "json").stdout)["story"]
    later = netstat.run("--story", seen[0]["id"]).stdout    # the connection lives on meanwhile
    check(len(story.splitlines()) - 1 <= len(events) <= len(later.splitlines()) - 1, events)
    counters = netstat.run("--counters").stdout
    check("passive_opens" in counters and "tcp_connections" in counters, counters)


def failures(netstat):
    for words, status, message in (
            (["--story", "dead"], 1, "no socket dead any more"),
            (["--story", "x"], 2, "no ID"), (["--state", "nowhere"], 2, "no system calls"),
            (["--format", "plain"], 2, "no format"), (["--watch=0"], 2, "--watch takes"),
            (["--all", "--listening"], 2, "exclude"),
            (["-i", "--format", "bsd"], 2, "--info has"), (["more"], 2, "too much"),
            (["--control", "/nonexistent"], 1, "nobody answers")):
        done = netstat.run(*words)
        check(done.returncode == status and message in done.stderr, words, done)
        check(done.stdout == "", done)


def watch():
    """Two pictures, and then the host is gone."""
    return subprocess.Popen([LASTACK, "netstat", "--watch", "0.05"], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def inside():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        nobody = Netstat().run()
        check(nobody.returncode == 1 and "no lastack of yours" in nobody.stderr, nobody)
        host = subprocess.Popen([LASTACK, "host", "--tun", "netstat0", "--addr", f"{OURS}/24",
                                 "--peer", KERNELS, "--echo", "--discard", "--chargen"],
                                stdout=subprocess.PIPE, text=True)
        try:
            check("ready" in host.stdout.readline())
            netstat = Netstat()
            kept, _ = states_and_who_must_move(netstat)
            formats(netstat)
            story_and_counters(netstat)
            info_is_as_of_the_kernel(netstat)
            failures(netstat)
            watcher = watch()
            pictures = 0
            while pictures < 2:
                line = watcher.stdout.readline()
                check(line, "the watch ended")
                pictures += line.startswith("PROTO")
        finally:
            host.send_signal(signal.SIGTERM)
        check(host.wait(timeout=60) == 0, "the host did not end in order")
        _, errors = watcher.communicate(timeout=60)
        check(watcher.returncode == 1 and "lastack: " in errors, errors)
        for entry in kept:
            entry.close()
    print("ok")
    return 0


def main():
    if sys.argv[1:] == ["inside"]:
        return inside()
    namespace = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    for words, why in ((["test", "-c", "/dev/net/tun"], "there is no /dev/net/tun"),
                       ([*namespace, "true"], "no network namespace may be made here"),
                       ([*namespace, "ip", "tuntap", "add", "dev", "t0", "mode", "tun"],
                        "no TUN device may be made here"), (["ss", "-V"], "there is no ss")):
        if subprocess.run(words, capture_output=True).returncode:
            print(f"skipped: {why}")
            return SKIPPED
    return subprocess.run([*namespace, sys.executable, __file__, "inside"]).returncode


if __name__ == "__main__":
    sys.exit(main())
