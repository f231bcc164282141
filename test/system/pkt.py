#!/usr/bin/env python3
"""The stack obeys our own packetdrill scripts, test/pkt/*/*.pkt, in virtual time; and the runner
sees what is wrong: scripts that must fail, each at the line it should, so no check is empty."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))
RUN = SOURCE / "test/pkt/run.py"

OPEN = """ 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+.1 < S 0:0(0) win 1000 <mss 1000>
"""
GOOD = "+0 > S. 0:0(0) ack 1 win 65535 <mss 1460>\n"
OPENED = OPEN + GOOD + "+.1 < . 1:1(0) ack 1 win 1000\n+0 accept(3, ..., ...) = 4\n"

# What is wrong: the script, the line of the first difference, and a word of what is said of it.
WRONG = {
    "flags": (OPEN + "+0 > S 0:0(0) win 65535 <mss 1460>\n", 5, "flags"),
    "acknowledgment": (OPEN + "+0 > S. 0:0(0) ack 2 win 65535 <mss 1460>\n", 5, "ack"),
    "window": (OPEN + "+0 > S. 0:0(0) ack 1 win 65534 <mss 1460>\n", 5, "win"),
    "options": (OPEN + "+0 > S. 0:0(0) ack 1 win 65535 <mss 1459>\n", 5, "options"),
    "no options": (OPEN + "+0 > S. 0:0(0) ack 1 win 65535\n", 5, "options"),
    "too early": (OPEN + "+.01 > S. 0:0(0) ack 1 win 65535 <mss 1460>\n", 5, "came at"),
    "before a range": (OPEN + "+.01~+.02 > S. 0:0(0) ack 1 win 65535 <mss 1460>\n", 5, "came at"),
    "a packet too many": (OPENED + "+0 > . 1:1(0) ack 1\n", 8, "nothing"),
    "sequence": (OPENED + "+0 write(4, ..., 9) = 9\n+0 > P. 2:11(9) ack 1\n", 9, "seq"),
    "text": (OPENED + "+0 write(4, ..., 9) = 9\n+0 > P. 1:9(8) ack 1\n", 9, "text"),
    "result": (OPENED + "+0 write(4, ..., 9) = 8\n", 8, "write"),
    "errno": (OPENED + "+0 recv(4, ..., 9, MSG_DONTWAIT) = -1 EPIPE (.)\n", 8, "EAGAIN"),
    "option's value": (OPENED + "+0 getsockopt(4, SOL_TCP, TCP_NODELAY, [1], [4]) = 0\n", 8,
                       "expected [1]"),
    "assertion": (OPENED + "+0 %{ assert tcpi_state == TCPI_LISTEN, 'state' }%\n", 8, "state"),
    "a call ends late": (OPENED + "+0...0.1 read(4, ..., 9) = 1\n"
                         "+.2 < P. 1:2(1) ack 1 win 1000\n", 9, "blocks"),
    "a call ends early": (OPENED + "+0...0.3 read(4, ..., 9) = 1\n"
                          "+.2 < P. 1:2(1) ack 1 win 1000\n", 9, "blocks"),
    "a call blocks": (OPENED + "+0 read(4, ..., 9) = 1\n", 8, "DEADL"),
    "setting": ("`sysctl -w net.inet.tcp.nonsense=1`\n" + OPEN, 1, "net.inet.tcp.nonsense"),
    "setting's value": ("`sysctl -w net.inet.tcp.blackhole=1`\n" + OPEN, 1, "blackhole=1"),
    "command": ("`reboot`\n" + OPEN, 1, "reboot"),
    "syntax": ("0 > nonsense\n", 0, "no packet"),
}


def run(*words):
    done = subprocess.run([str(RUN), *map(str, words)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def wrong_ones(place):
    """How many scripts that are wrong were not found to be so."""
    faults = 0
    for name, (text, line, word) in {"nothing": (OPENED, None, "1 of 1"), **WRONG}.items():
        path = pathlib.Path(place) / "wrong.pkt"
        path.write_text(text)
        status, output = run(path)
        found = re.search(r"wrong\.pkt:(\d+):", output)
        good = word in output and (found is None if line is None else
                                   status == 1 and found and int(found[1]) == line)
        if not good:
            faults += 1
            print(f"FAILED: a script with {name} wrong, at line {line}, gives\n{output}")
    print(f"{len(WRONG)} scripts that are wrong, {faults} not found to be so")
    return faults


def grid(place):
    """8 kinds of segments in 11 states ; nothing is said that is not expected."""
    subprocess.run([str(SOURCE / "test/pkt/grid.py"), place], check=True)
    scripts = sorted(pathlib.Path(place).glob("*/*/*.pkt"))
    status, output = run("-q", "--strict", *scripts)
    print(output, end="")
    return status != 0 or len(scripts) != 176


def repeats(scripts):
    """Two runs say the same, to the octet."""
    return run(*scripts) == run(*scripts)


def main():
    scripts = sorted((SOURCE / "test/pkt").glob("*/*.pkt"))
    status = 0
    for ip in (["ipv4"], ["ipv6", "--mtu", "1520"]):          # the MTU that gives IPv4's MSS
        failed, output = run("-q", "--ip_version", *ip, *scripts)
        print(output, end="")
        status += failed
    if status:
        print("one again: test/pkt/run.py SCRIPT")
    with tempfile.TemporaryDirectory() as place:
        status += wrong_ones(place)
        status += grid(place)
    if not repeats(scripts[:10]):
        print("FAILED: two runs of the same scripts differ")
        status += 1
    return status != 0 or not scripts


if __name__ == "__main__":
    sys.exit(main())
