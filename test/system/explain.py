#!/usr/bin/env python3
"""`lastack explain`: every question has an answer, every spelling of a state is understood, and the
drawings and the JSON are what other programs take."""

import html
import json
import os
import shutil
import subprocess
import sys

LASTACK = os.environ.get("LASTACK", "build/lastack")
SPELLINGS = {
    "CLOSED": "closed CLOSE UNCONN", "LISTEN": "listen LISTENING",
    "SYN-SENT": "SYN_SENT syn-sent SYN_SEND", "SYN-RECEIVED": "SYN_RECEIVED SYN_RECV SYN_RCVD",
    "ESTABLISHED": "established ESTAB", "FIN-WAIT-1": "FIN_WAIT1 fin_wait_1 FinWait1",
    "FIN-WAIT-2": "FIN_WAIT2 FIN-WAIT-2", "CLOSE-WAIT": "CLOSE_WAIT closewait",
    "CLOSING": "Closing", "LAST-ACK": "LAST_ACK lastack", "TIME-WAIT": "TIME_WAIT TIMED_WAIT",
}


def explain(*words, status=0):
    done = subprocess.run([LASTACK, "explain", *words], capture_output=True, text=True)
    assert done.returncode == status, (words, done)
    assert bool(done.stdout) == (status == 0) and bool(done.stderr) == (status != 0), (words, done)
    assert "\033" not in done.stdout, words
    return done.stdout


def main():
    machine = json.loads(explain("--json"))
    assert {state["name"] for state in machine["states"]} == set(SPELLINGS), machine["states"]
    for state, spellings in SPELLINGS.items():
        for spelling in spellings.split():
            text = explain(spelling)
            assert text.startswith(state + "\n"), (spelling, text)
            for row in machine["rows"]:
                if row["from"] == state:
                    assert row["event"] in text, (row, text)
    every = explain("--all")
    assert all(f"{state}\n  means" in every for state in SPELLINGS), every
    for question in ((), ("--diagram",), ("--why",), ("--timers",), ("--requirements",),
                     ("--requirements", "9293"), ("--help",)):
        assert len(explain(*question).splitlines()) > 5, question
    assert explain("--requirements", "rfc9293") == explain("--requirements", "9293")
    assert explain("--rfcs").split("\n")[1].split()[0] == "9293"
    for document in ("state-machine", "why", "requirements", "rfc9293"):
        assert explain("--markdown", document).startswith("# "), document
    for wrong in (("FIN_WAIT_3",), ("--nothing",), ("--all", "LISTEN"), ("--all", "--why"),
                  ("LISTEN", "CLOSED"), ("--markdown", "all"), ("--requirements", "1"),
                  ("--requirements", "TCP"), ("--markdown", "rfc1"), ("--rfcs", "9293")):
        explain(*wrong, status=2)
    if shutil.which("dot"):
        drawn = subprocess.run(["dot", "-Tsvg"], input=explain("--dot"), capture_output=True,
                               text=True, check=True)
        picture = html.unescape(drawn.stdout)
        assert not drawn.stderr and all(state in picture for state in SPELLINGS), drawn.stderr
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
