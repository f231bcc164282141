#!/bin/bash
# The examples compile against the public header and the library alone, and do what they say; and
# the loop that README.md and docs/EMBEDDING.md show is the one that is compiled here.
set -euo pipefail

source=${SOURCE:?run me by ctest}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$source/include" "$source/examples/embed.c" \
  "$BUILD/liblastack.a" -o "$place/embed"
"$place/embed" >"$place/said"
diff - "$place/said" <<'SAID'
server: got "Hello, TCP!"
client: got "Hello, TCP!"
client: closes
server: closes
client: closed: success
server: closed: success
SAID

# Every line of a ```c block that is marked "from FILE" stands in that file, in that order.
python3 - "$source" README.md docs/EMBEDDING.md <<'CHECK'
import pathlib, re, sys

top, faults, blocks = pathlib.Path(sys.argv[1]), 0, 0
for page in sys.argv[2:]:
    text = (top / page).read_text()
    for name, block in re.findall(r"<!-- from (\S+) -->\n```c\n(.*?)```", text, re.S):
        blocks += 1
        lines = iter((top / name).read_text().splitlines())
        for line in block.splitlines():
            if line.strip() and line.strip() not in ("...", "/* ... */") \
                    and not any(line.strip() == other.strip() for other in lines):
                print(f"{page}: not in {name}, or not in this order: {line}")
                faults += 1
                break
print(f"{blocks} blocks of code, {faults} faults")
sys.exit(faults > 0 or blocks < 2)
CHECK
