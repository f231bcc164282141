#!/usr/bin/env python3
"""tools/check counts rightly: a small project with tests of every outcome stands in for ours."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))
PRESETS = """{ "version": 6,
  "configurePresets": [ { "name": "release", "generator": "Ninja",
                          "binaryDir": "${sourceDir}/build/release" } ],
  "testPresets": [ { "name": "release", "configurePreset": "release" } ] }
"""
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(small NONE)
enable_testing()
"""
TESTS = {
    "good": "add_test(NAME good COMMAND true)\n",
    "bad": "add_test(NAME bad COMMAND false)\n",
    "crash": "add_test(NAME crash COMMAND sh -c \"kill -SEGV $$\")\n",
    "absent": "add_test(NAME absent COMMAND no-such-program)\n",
    "skip": "add_test(NAME skip COMMAND sh -c \"exit 77\")\n"
            "set_tests_properties(skip PROPERTIES SKIP_RETURN_CODE 77)\n",
}
# Each: which tests there are, the last line, the exit status, what is listed as skipped or failed.
CASES = [
    (["good"], "1 passed, 0 failed, 0 skipped", 0, []),
    (["good", "skip"], "1 passed, 0 failed, 1 skipped", 0, ["release: skip"]),
    (["good", "bad"], "1 passed, 1 failed, 0 skipped", 1, ["release: bad"]),
    (["good", "crash"], "1 passed, 1 failed, 0 skipped", 1, ["release: crash"]),
    (["absent", "good"], "1 passed, 1 failed, 0 skipped", 1, ["release: absent"]),
    (["bad", "good", "skip"], "1 passed, 1 failed, 1 skipped", 1,
     ["release: bad", "release: skip"]),
    ([], "0 passed, 1 failed, 0 skipped", 1, ["release: ctest itself"]),
]


def check(top, names):
    shutil.rmtree(top / "build", ignore_errors=True)
    (top / "CMakeLists.txt").write_text(PROJECT + "".join(TESTS[name] for name in names))
    subprocess.run(["cmake", "--preset", "release"], cwd=top, check=True, capture_output=True)
    done = subprocess.run([str(top / "tools/check"), "release"], capture_output=True, text=True)
    return done.returncode, done.stdout.rstrip("\n").split("\n"), done.stdout + done.stderr


def main():
    failures = 0
    with tempfile.TemporaryDirectory() as place:
        top = pathlib.Path(place)
        (top / "tools").mkdir()
        shutil.copy(SOURCE / "tools/check", top / "tools")
        (top / "CMakePresets.json").write_text(PRESETS)
        for names, last, status, listed in CASES:
            got_status, lines, output = check(top, names)
            good = (got_status == status and lines[-1] == last
                    and all(f"  {name}" in lines for name in listed))
            print(f"{'ok' if good else 'FAILED'}: {' '.join(names) or 'no tests'}: {last}")
            if not good:
                failures += 1
                print(output)
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
