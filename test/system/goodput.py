#!/usr/bin/env python3
# timeout: 900
"""What each congestion control makes of a line, alone and beside another, is what test/golden has,
to the figure; and whatever the figures are, two flows share fairly and no control is below what
loss costs by Mathis's formula.

goodput.py            compare
goodput.py --update   write the golden text anew (then read the difference before committing it)"""

import os
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))
LASTACK = os.environ.get("LASTACK", str(SOURCE / "build/lastack"))
GOLDEN = SOURCE / "test/golden/sim-goodput.txt"
# Mbit/s: 96.5 is all of the line; with loss 1,448 octets / 20 ms * 1.22 / sqrt(p), less a tenth
# for what NewReno and CUBIC may lose by time-outs. BBR spends 200 ms of every ten seconds on
# looking for the shortest round trip.
LEAST = {"no loss": 94, "0.1 % lost": 20, "1 % lost": 6, "3 % lost": 3, "1 % 5 ms late": 90,
         "queue of 60 kB": 80}


def faults(text):
    for point, least in LEAST.items():
        row = re.search(rf"^{re.escape(point)} +([\d. ]+)$", text, re.M)
        if not row:
            yield f"no row for: {point}"
            continue
        for figure in row.group(1).split():
            if float(figure) < least:
                yield f"{point}: {figure} Mbit/s, less than {least}"
    shares = re.findall(r"^(\w+) and (\w+) .* ([\d.]+) %$", text, re.M)
    if not shares:
        yield "no shares are printed"
    for one, two, share in shares:
        if one == two and not 45 <= float(share) <= 55:
            yield f"{one} and {two}: the first has {share} %"


def main():
    run = subprocess.run([LASTACK, "sim", "--goodput"], capture_output=True, text=True)
    found = list(faults(run.stdout))
    if run.returncode or run.stderr:
        found.append(f"exit status {run.returncode}: {run.stderr}")
    if sys.argv[1:] == ["--update"] and not found:
        GOLDEN.write_text(run.stdout)
    elif run.stdout != (GOLDEN.read_text() if GOLDEN.is_file() else ""):
        found.append(f"not what {GOLDEN.relative_to(SOURCE)} has; it printed:\n{run.stdout}\n"
                     "if that is right: test/system/goodput.py --update")
    print(*found, f"{len(found)} faults", sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
