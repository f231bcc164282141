#!/usr/bin/env python3
"""What `lastack explain --requirements` prints, RFC by RFC, against the sources and the tests.

Fails when a row of RFC 9293's Appendix B is missing or one is there that the appendix does not
have; when a MUST of any RFC names no test (unless it does not apply, with a reason); when the
place where something is met does not exist; and when a test that is named does not: not in the
file, not run by it, its program not among ctest's, or no such script."""

import collections
import os
import pathlib
import re
import subprocess
import sys

LASTACK = os.environ.get("LASTACK", "build/lastack")
BUILD = pathlib.Path(os.environ.get("BUILD", "build/release"))
SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))

# The ReqID column of RFC 9293's Table 8, row by row: 126 rows, some IDs several times.
APPENDIX_B = """
MAY-16 SHLD-27 MAY-15 MUST-60 MUST-61 MAY-17 SHLD-28
MUST-1 REC-1 SHLD-14 SHLD-15 SHLD-16 SHLD-17 MUST-34 MAY-8 MUST-35 MUST-36 SHLD-29 SHLD-30 MUST-37
MAY-7 MUST-66
MUST-30 MUST-62 MUST-31 MUST-32 MUST-33 SHLD-13
MUST-4 MUST-5 MUST-6 MUST-68 MUST-7 MUST-64 MUST-14 SHLD-5 SHLD-5 MAY-3 MUST-15 MUST-15 MUST-16
SHLD-6 MUST-65 MUST-67 MUST-69
MUST-2 MUST-3
MUST-8 SHLD-1 MUST-9
MUST-10 MUST-11 MUST-41 MUST-42 MUST-44 MUST-45 MUST-46 MUST-57
SHLD-2 MUST-12 MAY-1 SHLD-3 MUST-13 MAY-2 SHLD-4
MUST-19 MAY-4 MUST-18
MUST-58 SHLD-31 MUST-59 MAY-13 SHLD-18 MUST-40 SHLD-19 MUST-39
MUST-49 MUST-38 SHLD-7 MUST-17
MUST-20 MUST-20 MUST-21 SHLD-9 SHLD-10 SHLD-11 MUST-22 MUST-23
MAY-5 MUST-24 MUST-25 MUST-26 MUST-27 MUST-28 MUST-29 SHLD-12 MAY-6
MUST-50 MAY-10 MAY-11 MUST-51 MUST-52 MUST-53 SHLD-24
MUST-54 SHLD-25 MUST-56 SHLD-26 MUST-55 MUST-56 MUST-56
MUST-46 MUST-63 MUST-57
MUST-47 SHLD-20 MUST-48 SHLD-22 SHLD-21 SHLD-23 MAY-9 MAY-14 MUST-43
MAY-12
SHLD-8
MAY-18
""".split()

HEADER = "\n".join(path.read_text(encoding="utf-8") for path in (SOURCE / "include").rglob("*.h"))
HEADER_ERRORS = set(re.findall(r"^  E\((\w+),", HEADER, re.M))
ROW = re.compile(r"^((?:MUST|SHLD|MAY|REC)-\d+|-) +(MUST NOT|MUST|SHOULD NOT|SHOULD|MAY|not done|"
                 r"does not apply|-) +(\S+) +(\S.*)$")


class Requirement:
    def __init__(self, number, kind, section, sentence):
        self.number, self.kind, self.section, self.sentence = number, kind, section, sentence
        self.where = self.because = ""
        self.tests = []


    def is_must(self):
        return self.number.startswith("MUST") or self.kind.startswith("MUST")


def explain(*words):
    return subprocess.run([LASTACK, "explain", *words], capture_output=True, text=True,
                          check=True).stdout


def rfcs():
    """Number > how many rows it must have."""
    return {words[0]: int(words[1]) for words in map(str.split, explain("--rfcs").splitlines()[1:])}


def requirements(rfc):
    text = explain("--requirements", rfc)
    found = []
    for line in text.splitlines():
        if match := ROW.match(line):
            found.append(Requirement(*match.groups()))
        elif match := re.match(r"^ {20,}(where|because|test): (.*)$", line):
            if match.group(1) == "test":
                found[-1].tests = [] if match.group(2) == "none" else match.group(2).split()
            else:
                setattr(found[-1], match.group(1), match.group(2))
    return found


def ctests():
    text = subprocess.run(["ctest", "--test-dir", BUILD, "-N"], capture_output=True, text=True,
                          check=True).stdout
    return set(re.findall(r"^ *Test +#\d+: (\S+)", text, re.M))


def fault_of_test(test, known):
    if test.startswith("system."):
        return None if test in known else f"ctest knows no {test}"
    if test.startswith("pkt."):
        script = SOURCE / "test/pkt" / f"{test.removeprefix('pkt.')}.pkt"
        return None if script.is_file() else f"there is no {script.relative_to(SOURCE)}"
    suite, _, name = test.partition("::")
    for kind in ("unit", "api"):
        file = SOURCE / "test" / kind / f"{suite}.c"
        if not file.is_file():
            continue
        if not re.search(rf"\bcmocka_unit_test\w*\({name}\b", file.read_text(encoding="utf-8")):
            return f"test/{kind}/{suite}.c does not run {name}"
        return None if f"{kind}.{suite}" in known else f"ctest knows no {kind}.{suite}"
    return f"there is no test/unit/{suite}.c and no test/api/{suite}.c"


def faults_of_where(where):
    """"name, name (src/file.c)": the file is there and has the names; so is any src/path."""
    for names, path in re.findall(r"((?:\w+, )*\w+) \((src/[\w./]+)\)", where):
        file = SOURCE / path
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        for name in names.split(", "):
            if not file.is_dir() and not re.search(rf"\b{name}\b", text):
                yield f"{path} has no {name}"
    for path in re.findall(r"\bsrc/[\w./]*\w", where):
        if not (SOURCE / path).exists():
            yield f"there is no {path}"
    for name in re.findall(r"\b(?:la|LA)_[a-zA-Z_]\w*", where):
        if name not in HEADER and name.removeprefix("LA_E") not in HEADER_ERRORS:
            yield f"lastack.h has no {name}"


def faults_of(requirement, known):
    must = requirement.is_must()
    if requirement.kind in ("not done", "does not apply"):
        if must and requirement.kind == "not done":
            yield "a MUST cannot be left undone"
        if len(requirement.because) < 20:
            yield "no reason is given"
        return
    if not requirement.where:
        yield "it does not say where it is met"
    yield from faults_of_where(requirement.where)
    if must and not requirement.tests:
        yield "a MUST without a test"
    for test in requirement.tests:
        if fault := fault_of_test(test, known):
            yield fault


def faults_of_appendix(found):
    want, have = collections.Counter(APPENDIX_B), collections.Counter(r.number for r in found)
    for number in sorted(want | have):
        if want[number] != have[number]:
            yield f"{number}: Appendix B has {want[number]} rows, the table has {have[number]}"


def faults_of_rfc(rfc, rows, known):
    found = requirements(rfc)
    if rfc == "9293":
        yield from faults_of_appendix(found)
    elif wrong := [r.number for r in found if r.number != "-"]:
        yield f"{wrong[0]} is a number of RFC 9293 alone"
    if len(found) != rows:
        yield f"{rows} rows, of which {len(found)} are printed as rows are"
    for requirement in found:
        for fault in faults_of(requirement, known):
            yield f"{requirement.number} ({requirement.section}): {fault}"
    musts = [r for r in found if r.is_must()]
    print(f"RFC {rfc}: {len(found)} rows, {len(musts)} of them MUSTs, "
          f"{sum(1 for r in musts if r.tests)} of these with a test and "
          f"{sum(1 for r in musts if r.kind == 'does not apply')} that do not apply")


def main():
    known, faults, all_rfcs = ctests(), 0, rfcs()
    for rfc, rows in all_rfcs.items():
        for fault in faults_of_rfc(rfc, rows, known):
            print(f"RFC {rfc}: {fault}")
            faults += 1
    print(f"{len(all_rfcs)} RFCs, {faults} faults")
    return bool(faults) or len(APPENDIX_B) != 126 or "9293" not in all_rfcs


if __name__ == "__main__":
    sys.exit(main())
