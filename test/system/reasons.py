#!/usr/bin/env python3
# timeout: 200
"""Every row of the stack's tables is met by some test: of the state machine, of the timers, of the
reasons to refuse a packet, and of what is counted besides.

Each row is counted where it is executed (la_counter). The laboratory and random worlds print what
their stacks have met (--rows); test programs append it to a file (LASTACK_ROWS, support/rows.h).
What none of them has met is named, and fails: such a row is dead, or has no test."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

LASTACK = os.environ.get("LASTACK", "build/lastack")
BUILD = pathlib.Path(os.environ.get("BUILD", "build/release"))
WORLDS = 60

# They need minutes under sanitizers, or a kernel, and meet nothing that others do not.
PASSED_OVER = re.compile(r"tcp_exhaustive|tcp_wrap|kernel_|lens_|sim_")
ROW = re.compile(r"^(\w+) +(\d+)  \S", re.M)


def played(*words):
    """Row > how often it was met, of everything that the command plays."""
    text = subprocess.run([LASTACK, *words, "--rows"], capture_output=True, text=True,
                          check=True).stdout
    table = text[text.index("\nrow  "):]
    return {name: int(met) for name, met in ROW.findall(table)}


def programs():
    for kind in ("unit", "api"):
        for program in sorted((BUILD / "test" / kind).iterdir()):
            if os.access(program, os.X_OK) and program.is_file() \
                    and not PASSED_OVER.match(program.name):
                yield program


def met_by_programs():
    met = set()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "rows"
        file.touch()
        for program in programs():
            result = subprocess.run([program], capture_output=True, text=True,
                                    env={**os.environ, "LASTACK_ROWS": str(file)})
            if result.returncode != 0:
                print(f"{program.name} failed:\n{result.stderr[-2000:]}")
                return None
            met |= set(file.read_text(encoding="utf-8").split())
            file.write_text("", encoding="utf-8")
    return met


def main():
    plays = [played("lab", "--all"), played("lab", "--all", "--ipv6"),
             played("sim", "--seeds", str(WORLDS))]
    rows = list(plays[0])
    if len(rows) < 200:
        print(f"only {len(rows)} rows were printed")
        return 1
    in_play = {name for play in plays for name, met in play.items() if met}
    in_programs = met_by_programs()
    if in_programs is None:
        return 1
    if strange := in_programs - set(rows):
        print(f"no table has the row {sorted(strange)[0]}")
        return 1
    missing = [name for name in rows if name not in in_play and name not in in_programs]
    for name in missing:
        print(f"no test meets {name}")
    print(f"{len(rows)} rows: {len(in_play)} met by scenarios and {WORLDS} worlds, "
          f"{len(in_programs)} by programs, {len(missing)} by none")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
