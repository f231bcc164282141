#!/usr/bin/env python3
# timeout: 600
"""Random worlds satisfy the oracle, repeat from their seeds, and are the same in parallel."""

import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))
LASTACK = os.environ.get("LASTACK", str(SOURCE / "build/lastack"))


def sim(*arguments):
    return subprocess.run([LASTACK, "sim", *arguments], capture_output=True, text=True)


def passes(*arguments):
    answer = sim(*arguments)
    if answer.returncode == 0 and ": 0 failed" in answer.stdout and not answer.stderr:
        return True
    print(f"lastack sim {' '.join(arguments)}: exit status {answer.returncode}")
    print(answer.stdout + answer.stderr)
    return False


def same(one, other):
    a, b = sim(*one), sim(*other)
    if a.stdout == b.stdout and a.returncode == b.returncode == 0:
        return True
    print(f"`lastack sim {' '.join(one)}` and `lastack sim {' '.join(other)}` differ")
    return False


def refuses(*arguments):
    answer = sim(*arguments)
    if answer.returncode == 2 and answer.stderr and not answer.stdout:
        return True
    print(f"lastack sim {' '.join(arguments)}: exit status {answer.returncode}, not a refusal")
    return False


def main():
    ok = passes("--seeds", "500")
    for loss in ("0", "5", "30"):
        ok = passes("--seeds", "60", "--first", "100000", "--loss", loss) and ok
    ok = same(["--seeds", "40"], ["--seeds", "40", "--jobs", "3"]) and ok
    ok = same(["--seed", "17", "--trace"], ["--seed", "17", "--trace"]) and ok
    if sim("--seed", "17").stdout == sim("--seed", "18").stdout:
        print("two seeds give the same world")
        ok = False
    for wrong in (["--seeds", "0"], ["--loss", "101"], ["--seeds", "2", "--trace"], ["word"]):
        ok = refuses(*wrong) and ok
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
