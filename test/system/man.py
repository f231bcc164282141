#!/usr/bin/env python3
"""The manual pages against the command: every subcommand has one, and both know the same options;
scdoc takes them all."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

LASTACK = os.environ.get("LASTACK", "build/lastack")
SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))
NO_OPTIONS = {"help"}


def output(*words):
    return subprocess.run([LASTACK, *words], capture_output=True, text=True, check=True).stdout


def long_options(text, command):
    """Those of `command`: an example may call another one, with options of its own."""
    text = re.sub(rf"(?<=\blastack )(?!{command}\b|help\b)[a-z]+ .*", "", text)
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)) - {"--help"}


def faults():
    commands = re.findall(r"^  ([a-z]+) +\S", output("--help"), re.M)
    if len(commands) < 2:
        yield f"`lastack --help` lists no commands: {commands}"
    overview = (SOURCE / "man/lastack.1.scd").read_text(encoding="utf-8")
    for command in commands:
        if f"*{command}*" not in overview:
            yield f"lastack(1) does not know the command {command}"
        if command in NO_OPTIONS:
            continue
        page = SOURCE / f"man/lastack-{command}.1.scd"
        if not page.is_file():
            yield f"there is no {page.name}"
            continue
        helped, written = (long_options(text, command) for text in
                           (output(command, "--help"), page.read_text(encoding="utf-8")))
        yield from (f"{page.name} does not know {option}" for option in sorted(helped - written))
        yield from (f"`lastack {command} --help` does not know {option} of its page"
                    for option in sorted(written - helped))
    if shutil.which("scdoc"):
        for page in sorted((SOURCE / "man").glob("*.scd")):
            made = subprocess.run(["scdoc"], input=page.read_bytes(), capture_output=True)
            if made.returncode:
                yield f"{page.name}: {made.stderr.decode().strip()}"


def main():
    found = list(faults())
    print(*found, f"{len(found)} faults", sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
