#!/usr/bin/env python3
"""tools/conformance counts what scripts say: our own all pass; one that is wrong, and one that asks
for what nobody knows, are told of by name, and the exit status follows. With PACKETDRILL set,
packetdrill judges our own too."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))
OPEN = """ 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+.1 < S 0:0(0) win 1000 <mss 1000>
"""
RIGHT = OPEN + "+0 > S. 0:0(0) ack 1 <...>\n"
MADE = {
    "good/right.pkt": RIGHT,
    "good/lived-by.pkt": "`sysctl -w net.ipv4.tcp_fack=0`\n" + RIGHT,
    "good/in-vain.pkt": "`sysctl -w net.inet.tcp.insecure_rst=1`\n" + RIGHT,
    "good/no-effect.pkt": "`sysctl -w net.ipv4.tcp_tso_win_divisor=3`\n" + RIGHT,
    "good/or.pkt": "`sysctl -w net.ipv4.no_such=1 || true`\n" + RIGHT,
    "bad/wrong.pkt": OPEN + "+0 > R. 0:0(0) ack 1\n",
    "bad/unknown-setting.pkt": "`sysctl -w net.ipv4.no_such=1`\n" + RIGHT,
    "bad/unknown-command.pkt": "`frobnicate tun0`\n" + RIGHT,
}
SAID = (
    r"^good\b.* 5 +5$", r"^bad\b.* 3 +0$", r"^all +8 +5$",
    r"wrong\.pkt.*run\.py: line 5: flags",
    r"unknown-setting\.pkt.*unknown setting net\.ipv4\.no_such",
    r"unknown-command\.pkt.*unknown command frobnicate tun0",
    r"^1 of those that run\.py passes ask for a way that is not taken over",
    r"^no effect: net\.ipv4\.tcp_tso_win_divisor, because .*\(1 scripts, run\.py passes 1\)$",
)


def conformance(*words):
    done = subprocess.run([str(SOURCE / "tools/conformance"), "--limit", "60", *map(str, words)],
                          capture_output=True, text=True, timeout=900)
    return done.returncode, done.stdout + done.stderr


def made(place):
    """Scripts of which it is known what must be said."""
    faults = 0
    for name, text in MADE.items():
        path = pathlib.Path(place) / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    for least, wanted in ((5, 0), (6, 1)):
        status, output = conformance("--at-least", least, "--personality", "linux", place)
        if status != wanted:
            faults += 1
            print(f"FAILED: of 5 that pass at least {least} are asked: exit status {status}")
    for pattern in SAID:
        if not re.search(pattern, output, re.M):
            faults += 1
            print(f"FAILED: nothing says {pattern} in\n{output}")
    return faults


def own(judge):
    """All of test/pkt/feature, without a personality that is not asked for."""
    folder = SOURCE / "test/pkt/feature"
    least = len(list(folder.glob("*.pkt")))
    status, output = conformance("--own", "--at-least", least, *judge, folder)
    print("\n".join(line for line in output.split("\n") if line.startswith("all")))
    if status or re.search(r"\.pkt.*: packetdrill:", output):
        print(f"FAILED:\n{output}")
        return 1
    return 0


def main():
    judge = ["--packetdrill", os.environ["PACKETDRILL"]] if "PACKETDRILL" in os.environ else []
    with tempfile.TemporaryDirectory() as place:
        faults = made(place)
    return faults + own(judge) != 0


if __name__ == "__main__":
    sys.exit(main())
