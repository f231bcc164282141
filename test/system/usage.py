#!/usr/bin/env python3
# timeout: 600
"""A newcomer's mistakes: every subcommand explains itself with a usage line and an example that
runs, names the option that it does not know and the one that was meant, and ends with status 2."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))
LASTACK = os.path.abspath(os.environ.get("LASTACK", SOURCE / "build/lastack"))
NEEDS_A_DEVICE = {"host", "nc", "wire"}         # their examples are run by kernel_*.py and wire.py
NEEDS_A_HOST = {"netstat"}                      # and its by netstat.py
NOWHERE = "/nonexistent/there"
TUN = ["--tun", "t0", "--addr", "10.9.0.2/24"]

# What is typed, and what the complaint must name.
WRONG = [
    ([], "usage"),
    (["netstt"], "did you mean 'netstat'"),
    (["help", "netstt"], "did you mean 'netstat'"),
    (["lab"], "--list"),
    (["lab", "clsoe"], "did you mean 'close'"),
    (["lab", "no-such-scene"], "--list"),
    (["lab", "close", "--width", "79"], "80 to 200"),
    (["lab", "close", "--congestion", "vegas"], "newreno, cubic or bbr"),
    (["sim", "--seeds", "many"], "--seeds many"),
    (["sim", "--congestion", "vegas"], "newreno, cubic or bbr"),
    (["sim", "--loss", "101"], "--loss"),
    (["sim", "word"], "word"),
    (["explain", "CLOSE_WIAT"], "did you mean CLOSE-WAIT"),
    (["explain", "LISTEN", "CLOSED"], "CLOSED"),
    (["netstat", "--format", "xml"], "long, netstat, ss, bsd or json"),
    (["netstat", "--state", "ESTABLSHED"], "did you mean ESTABLISHED"),
    (["netstat", "--story", "first"], "first"),
    (["host"], "--tun"),
    (["host", "--tun", "t0"], "--addr"),
    (["host", "--tun", "t0", "--tap", "t1"], "one --tun or --tap"),
    (["host", "--tun", "a-name-that-is-too-long", "--addr", "10.9.0.2/24"], "15 letters"),
    (["host", *TUN, "--addr", "10.9.0.2/33"], "10.9.0.2/33"),
    (["host", *TUN, "--peer", "here"], "--peer here"),
    (["host", *TUN, "--peer", "10.9.0.2"], "must differ"),
    (["host", *TUN, "--peer", "10.8.0.1"], "not in the network"),
    (["host", *TUN, "--peer", "2001:db8::1"], "families"),
    (["host", *TUN, "--addr", "[2001:db8::2]/64", "--mtu", "1000"], "1280"),
    (["host", *TUN, "--http-port", "65536"], "65535"),
    (["host", *TUN, "--mtu", "70000"], "65535"),
    (["host", *TUN, "--ecn", "yes"], "off, accept or ask"),
    (["host", *TUN, "--mtu-probing", "on"], "off, black-hole or always"),
    (["host", *TUN, "--congestion", "vegas"], "newreno, cubic or bbr"),
    (["host", *TUN, "--pacing-rate", "fast"], "10mbit"),
    (["host", *TUN, "--plain=1"], "--plain takes no value"),
    (["host", *TUN, "word"], "word"),
    (["nc", *TUN], "ADDRESS PORT"),
    (["nc", *TUN, "10.9.0.1"], "ADDRESS PORT"),
    (["nc", *TUN, "10.9.0.1", "65536"], "1 to 65535"),
    (["nc", *TUN, "10.9.0.1", "http"], "1 to 65535"),
    (["nc", *TUN, "localhost", "80"], "getent ahosts localhost"),
    (["nc", *TUN, "10.9.0.1:80", "80"], "a space between"),
    (["nc", *TUN, "2001:db8::1", "80"], "IPv6"),
    (["nc", *TUN, "[10.9.0.1]", "80"], "a space between"),
    (["nc", *TUN, "-w", "0", "10.9.0.1", "80"], "--wait 0"),
    (["wire"], "--left"),
    (["wire", "--left", ".", "--right", "."], "--left-addr"),
    (["wire", "--loss", "lots"], "1%"),
    (["wire", "--left-addr", "10.9.0.1"], "ADDRESS/LENGTH"),
]

# Understood, and impossible: status 1.
FAILS = [
    (["lab", "close", "--pcap", NOWHERE], NOWHERE),
    (["lab", "close", "--packets", NOWHERE], NOWHERE),
    (["netstat", "--control", NOWHERE], NOWHERE),
]


def run(*words, directory=None, before=()):
    return subprocess.run([*before, LASTACK, *words], capture_output=True, text=True, cwd=directory,
                          stdin=subprocess.DEVNULL, timeout=300, check=False)


def fault(words, answer, what):
    return f"lastack {' '.join(words)}: {what}\n  status {answer.returncode}: {answer.stderr}"


def refused(words, status, needle):
    answer = run(*words)
    if answer.returncode != status or needle not in answer.stderr + answer.stdout:
        yield fault(words, answer, f"is to end with {status} and to say '{needle}'")
    elif words and answer.stdout:
        yield fault(words, answer, "complains on standard output")


def options_of(text):
    """The options of a help text, and whether each takes a value."""
    return dict(re.findall(r"^ +(?:-\w, )?--([a-z0-9-]+)(?: ?([A-Z\[]\S*))?", text, re.M))


def misspelt(name):
    """A letter too many, so that it begins no other."""
    return name[:2] + "q" + name[2:]


def options(command, text):
    known = options_of(text)
    if command != "help" and not known:
        yield f"`lastack {command} --help` names no option"
    yield from refused([command, "--no-such-option"], 2, "--no-such-option is no option")
    yield from refused([command, "-Q"], 2, "-Q is no option")
    for name, value in known.items():
        yield from refused([command, f"--{misspelt(name)}"], 2, "did you mean --")
        if value and not value.startswith("["):
            yield from refused([command, f"--{name}"], 2, f"--{name} wants a value")


def examples(command, text):
    _, *rest = re.split(r"^example", text, flags=re.M | re.I)
    lines = re.findall(r"(?<!`)lastack [a-z]+ .*", "".join(rest))
    if not lines:
        yield f"`lastack {command} --help` has no example"
    for line in lines if command not in NEEDS_A_DEVICE | NEEDS_A_HOST else []:
        with tempfile.TemporaryDirectory() as directory:
            answer = run(*shlex.split(line)[1:], directory=directory)
            if answer.returncode != 0 or not answer.stdout:
                yield fault(shlex.split(line)[1:], answer, "is an example, and fails")


def helps(command):
    told = run(command, "--help")
    if told.returncode != 0 or told.stderr or f"usage: lastack {command}" not in told.stdout:
        yield fault([command, "--help"], told, "does not begin with its usage")
        return
    for words in (["help", command], [command, "-h"]):
        if run(*words).stdout != told.stdout:
            yield f"`lastack {' '.join(words)}` is not `lastack {command} --help`"
    yield from options(command, told.stdout)
    yield from examples(command, told.stdout)


def without_rights():
    """Where the device cannot be made, it is said what root could do."""
    drop = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
    if os.geteuid() != 0:
        drop = []
    elif not shutil.which("setpriv") or subprocess.run([*drop, "true"], check=False).returncode:
        return
    for words in (["host", *TUN], ["nc", *TUN, "10.9.0.1", "80"]):
        answer = run(*words, before=drop)
        if answer.returncode != 1 or not re.search("root|/dev/net/tun", answer.stderr):
            yield fault(words, answer, "is to say what rights it lacks")


def main():
    commands = re.findall(r"^  ([a-z]+) +\S", run("--help").stdout, re.M)
    found = [] if len(commands) > 2 else ["`lastack --help` lists no commands"]
    for command in commands:
        if command != "help":
            found += helps(command)
    for words, needle in WRONG:
        found += refused(words, 2, needle)
    for words, needle in FAILS:
        found += refused(words, 1, needle)
    found += without_rights()
    print(*found, f"{len(found)} faults", sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
