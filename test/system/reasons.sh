#!/bin/sh
# Every reason for which a packet is refused is provoked, by its name, in some test.
set -eu
cd "${SOURCE:-$(dirname "$0")/../..}"

missing=0
for name in $(sed -n 's/^\(IP_\|UDP_\)\?WHY(\([A-Z0-9_]*\),.*/\2/p' src/*/why.def | sort -u); do
  if ! grep -rqwE "$name|WHY_$name" test --include='*.[ch]' --include='*.py'; then
    echo "no test provokes $name"
    missing=$((missing + 1))
  fi
done
[ "$missing" = 0 ]
