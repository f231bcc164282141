#!/usr/bin/env python3
"""rooms, pure and tidy can fail: each rule is broken in a small tree, and must be noticed."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))
HEADERS = ("include/lastack.h", "include/lastack/x.h", "src/base/list.h", "src/tcp/tcb.h",
           "src/ip/x.h", "src/stack/x.h", "sim/x.h")
LINE = "/* A file. */\n"
# Each: the tool, the file to be made, its text, and a piece of the complaint.
LONG_FUNCTION = "void tcp_long(void);\nvoid tcp_long(void)\n{\n" + "  ;\n" * 80 + "}\n"
TEXT_RULES = [
    ("rooms", "src/base/bad.c", "#include <stdio.h>\n", "base may not include <stdio.h>"),
    ("rooms", "src/base/bad.c", '#include "lastack.h"\n', "base may not include lastack.h"),
    ("rooms", "src/wire/bad.c", '#include "tcp/tcb.h"\n', "wire may not include tcp/tcb.h"),
    ("rooms", "src/tcp/bad.c", '#include "ip/x.h"\n', "tcp may not include ip/x.h"),
    ("rooms", "src/tcp/bad.c", '#include "stack/x.h"\n', "tcp may not include stack/x.h"),
    ("rooms", "src/tcp/bad.c", "la_pkt *p;\n", "not la_pkt"),
    ("rooms", "src/udp/bad.c", '#include "tcp/tcb.h"\n', "udp may not include tcp/tcb.h"),
    ("rooms", "src/ip/bad.c", '#include "tcp/tcb.h"\n', "ip may not include tcp/tcb.h"),
    ("rooms", "src/stack/bad.c", "#include <stdlib.h>\n", "stack may not include <stdlib.h>"),
    ("rooms", "src/stack/bad.c", "#include <time.h>\n", "stack may not include <time.h>"),
    ("rooms", "drivers/bad.c", '#include "base/list.h"\n', "drivers may not include base/list.h"),
    ("rooms", "sim/bad.c", '#include "tcp/tcb.h"\n', "sim may not include tcp/tcb.h"),
    ("rooms", "sim/bad.c", '#include "base/list.h"\n', "sim may not include base/list.h"),
    ("rooms", "lens/bad.c", '#include "sim/x.h"\n', "lens may not include sim/x.h"),
    ("rooms", "app/bad.c", '#include "base/list.h"\n', "app may not include base/list.h"),
    ("rooms", "test/api/bad.c", '#include "tcp/tcb.h"\n', "api tests may not include tcp/tcb.h"),
    ("rooms", "app/bad.c", '#include "lastack/x.h"\n', "app may not include lastack/x.h"),
    ("rooms", "include/lastack/bad.h", '#include "base/list.h"\n', "public may not include base"),
    ("rooms", "app/bad.c", '#include "no/such.h"\n', "is in no room"),
    ("rooms", "app/bad.c", '#include "../src/base/list.h"\n', "not with"),
    ("tidy", "src/tcp/bad.c", LINE + LONG_FUNCTION, "lines; 70 is the most"),
    ("tidy", "src/tcp/bad.c", LINE + "\n" * 601, "lines; 600 is the most"),
    ("tidy", "include/lastack.h", LINE + "\n" * 601, "lines; 600 is the most"),
    ("tidy", "src/tcp/bad.c", LINE + "int " + "x" * 100 + ";\n", "columns; 100 is the most"),
    ("tidy", "src/tcp/bad.c", LINE + "int\tx;\n", "a tab"),
    ("tidy", "src/tcp/bad.c", LINE + "int x; \n", "blanks at the end"),
    ("tidy", "src/tcp/bad.c", LINE + "/* TO" "DO: think */\n", "without an issue number"),
    ("tidy", "app/bad.c", LINE + "typedef int seq_t;\n", "no typedef ends with _t"),
    ("tidy", "app/bad.c", LINE + "typedef struct {\n  int x;\n} seq_t;\n", "ends with _t"),
    ("tidy", "src/tcp/bad.c", LINE + "int tcp_x(void)\n{\n  tcb->state = 1;\n}\n", "fire an event"),
    ("tidy", "src/tcp/bad.c", LINE + "int tcp_x(void)\n{\n  t.state = 1;\n}\n", "fire an event"),
    ("tidy", "src/ip/bad.c", LINE + "int send_it(void)\n{\n}\n", "begin it with the room"),
    ("tidy", "src/ip/bad.c", LINE + "static int ip_x(void)\n{\n}\n", "drop the room"),
    ("tidy", "src/ip/bad.c", LINE + "static int x(void);\n", "order the file instead"),
    ("tidy", "src/ip/bad.c", LINE + "int ip_x(void)\n{\n  return ip_x();\n}\n", "calls itself"),
    ("tidy", "src/ip/bad.c", LINE + "int ip_x(void)\n{\n  goto a;\n  goto b;\n}\n", "exit label"),
    ("tidy", "src/ip/bad.c", LINE + "#ifdef FEATURE\n#endif\n", "a field of la_config"),
    ("tidy", "src/ip/bad.c", LINE + "int ip_x(int a)\n{\n  if (a) {\n    a++;\n  }\n}\n", "braces"),
    ("tidy", "src/ip/bad.c", "int x;\n", "begins by saying"),
]
STRERROR = 'const char *la_strerror(int r)\n{\n  return %s ? "" : 0;\n}\n'
CLEAN = STRERROR % "r"
# Each: C text of a library whose header declares la_strerror alone, and a piece of the complaint.
PURE_RULES = [
    ("int puts(const char *s);\n" + STRERROR % 'puts("x")', "needs puts"),
    ("static int calls;\n" + STRERROR % "calls++", "octets of .bss"),
    ("static int calls = 7;\n" + STRERROR % "calls++", "octets of .data"),
    ("static _Thread_local int calls;\n" + STRERROR % "calls++", "octets of .tbss"),
    (CLEAN + "__attribute__((constructor)) static void early(void)\n{\n"
     "  __asm__ volatile(\"\");\n}\n", ".init_array"),
    (CLEAN + "int wheel_init(void)\n{\n  return 0;\n}\n", "shows wheel_init"),
    (CLEAN + "int la_more(void)\n{\n  return 0;\n}\n", "does not declare"),
    ("int no_strerror;\n", "does not export it"),
]


def run(top, tool, *arguments):
    done = subprocess.run([str(top / "tools" / tool), *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def text_rules(top):
    for tool, name, text, complaint in TEXT_RULES:
        bad = top / name
        bad.parent.mkdir(parents=True, exist_ok=True)
        bad.write_text(text)
        status, output = run(top, tool)
        bad.unlink()
        here = [line for line in output.splitlines() if line.startswith(name) and complaint in line]
        yield f"{tool}: {complaint}", status == 1 and bool(here), output


def pure_rules(top):
    (top / "include/lastack.h").write_text("const char *la_strerror(int result);\n")
    build = top / "pure"
    for text, complaint in [(CLEAN, None), *PURE_RULES]:
        shutil.rmtree(build, ignore_errors=True)
        build.mkdir()
        (build / "a.c").write_text(text)
        for command in (["cc", "-w", "-O1", "-fPIC", "-c", "a.c"],
                        ["ar", "rc", "liblastack.a", "a.o"],
                        ["ar", "rc", "liblastack_rooms.a", "a.o"],
                        ["cc", "-shared", "-nostdlib", "a.o", "-o", "liblastack.so"]):
            subprocess.run(command, cwd=build, check=True)
        status, output = run(top, "pure", str(build))
        if complaint is None:
            yield "pure: a clean library", status == 0, output
        else:
            yield f"pure: {complaint}", status == 1 and complaint in output, output


def main():
    failures = 0
    with tempfile.TemporaryDirectory() as place:
        top = pathlib.Path(place).resolve()
        shutil.copytree(SOURCE / "tools", top / "tools")
        for header in HEADERS:
            (top / header).parent.mkdir(parents=True, exist_ok=True)
            (top / header).touch()
        for name, good, output in [*text_rules(top), *pure_rules(top)]:
            print(f"{'ok' if good else 'FAILED'}: {name}")
            if not good:
                failures += 1
                print(output)
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
