#!/usr/bin/env python3
# timeout: 600
"""The laboratory's 26 scenarios print what test/golden has, octet for octet, and their checks hold;
over IPv6 as well, where the texts of a few are kept.

lab.py            compare
lab.py --update   write the golden texts anew (then read the difference before committing it)"""

import difflib
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))
LASTACK = os.environ.get("LASTACK", str(SOURCE / "build/lastack"))
GOLDEN = SOURCE / "test/golden"
SCENARIOS = """handshake names simultaneous-open withheld-ack refused unreplied transfer close
close-in-three simultaneous-close half-close close-wait-leak fin-wait-2-orphan time-wait
lost-last-ack old-duplicate same-pair-again address-in-use last-ack-stuck reset half-open
zero-window syn-flood netstat diagram datagram""".split()
SIX = "handshake refused datagram".split()      # whose texts over IPv6 are kept
SHOWN = 40                       # lines of a difference


def play(*arguments):
    return subprocess.run([LASTACK, "lab", *arguments], capture_output=True, text=True,
                          env={**os.environ, "NO_COLOR": "1"})


def compare(name, update, *, six=False):
    command = [*(["--ipv6"] if six else []), name, "--seed", "1", "--width", "100"]
    played = play(*command)
    repeat = f"repeat with: lastack lab {' '.join(command)}"
    path = GOLDEN / f"lab-{'ipv6-' if six else ''}{name}.txt"
    if played.returncode or played.stderr:
        print(f"{name}: exit status {played.returncode}; {repeat}\n{played.stderr}")
        print("\n".join(line for line in played.stdout.split("\n") if "FAILED" in line))
        return False
    if six and name not in SIX:
        return True
    if update:
        path.write_text(played.stdout)
        return True
    golden = path.read_text() if path.is_file() else ""
    if golden == played.stdout:
        return True
    difference = list(difflib.unified_diff(golden.split("\n"), played.stdout.split("\n"),
                                           str(path.relative_to(SOURCE)), "printed", lineterm=""))
    print(f"{name}: differs from its golden text; {repeat}")
    print("\n".join(difference[:SHOWN]))
    if len(difference) > SHOWN:
        print(f"... {len(difference) - SHOWN} lines more; test/system/lab.py --update writes it")
    return False


def refuses(*arguments):
    """A wrong command line is exit status 2, says why on stderr, and prints nothing."""
    answer = play(*arguments)
    if answer.returncode == 2 and answer.stderr and not answer.stdout:
        return True
    print(f"lastack lab {' '.join(arguments)}: exit status {answer.returncode}, not a refusal")
    return False


def main():
    update = sys.argv[1:] == ["--update"]
    listed = [line.split()[1] for line in play("--list").stdout.splitlines()]
    ok = listed == SCENARIOS
    if not ok:
        print(f"--list names {listed}")
    GOLDEN.mkdir(exist_ok=True)
    for name in SCENARIOS:
        ok = compare(name, update) and ok
        ok = compare(name, update, six=True) and ok
    if play("close", "--seed", "7").returncode:
        print("close: fails with another seed; repeat with: lastack lab close --seed 7")
        ok = False
    help_text = play("--help")
    if help_text.returncode or "example:" not in help_text.stdout:
        print("lastack lab --help has no example")
        ok = False
    for wrong in (["no-such-scenario"], [], ["close", "--width", "7"], ["close", "--seed", "x"],
                  ["--no-such-option"]):
        ok = refuses(*wrong) and ok
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
