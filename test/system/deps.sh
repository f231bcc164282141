#!/bin/bash
# tools/deps on machines that are not this one: its system is played by a folder of small
# programs, which write down how they were called.
set -euo pipefail

source=${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/bin"
for tool in sh env cat; do
  ln -s "$(command -v $tool)" "$place/bin/"
done

# plays NAME BODY: a program of the other machine.
plays()
{
  printf '#!/bin/sh\n%s\n' "$2" >"$place/bin/$1"
  chmod +x "$place/bin/$1"
}

# deps STATUS: runs it there, and expects that exit status.
deps()
{
  local status=0
  : >"$place/calls"
  PATH=$place/bin "$source/tools/deps" >"$place/output" 2>&1 || status=$?
  [ $status = "$1" ] || { echo "status $status, not $1:"; cat "$place/output"; exit 1; }
}

# expect FILE TEXT, and expect_not.
expect() { grep -q -- "$2" "$place/$1" || { echo "no '$2' in:"; cat "$place/$1"; exit 1; }; }
expect_not() { ! grep -q -- "$2" "$place/$1" || { echo "'$2' in:"; cat "$place/$1"; exit 1; }; }

plays apt-get "echo \"apt-get \$* (\$DEBIAN_FRONTEND)\" >>$place/calls"
has_all='echo installed'
lacks_two='for p; do :; done; case $p in scdoc|tshark) exit 1 ;; esac; echo installed'
removed='for p; do :; done; case $p in scdoc) echo config-files ;; *) echo installed ;; esac'

echo "- everything is there: nothing is done"
plays dpkg-query "$has_all"
plays id 'echo 0'
deps 0
expect_not calls .

echo "- root: what is missing, and only that"
plays dpkg-query "$lacks_two"
deps 0
expect calls 'update'
expect calls 'install -y --no-install-recommends scdoc tshark (noninteractive)'

echo "- removed but not purged is missing too"
plays dpkg-query "$removed"
deps 0
expect calls 'recommends scdoc (noninteractive)'

echo "- a user with a sudo that asks nothing"
plays dpkg-query "$lacks_two"
plays id 'echo 1000'
plays sudo "echo \"sudo \$*\" >>$place/calls; while [ \"\$1\" = -n ]; do shift; done; \"\$@\""
plays true ''
deps 0
expect calls '^sudo -n env DEBIAN_FRONTEND=noninteractive apt-get'
expect calls 'recommends scdoc tshark (noninteractive)'

echo "- a user with a sudo that asks: it says what to do, and fails"
plays sudo 'exit 1'
deps 1
expect output 'apt-get install -y --no-install-recommends scdoc tshark$'
expect_not calls .

echo "- a user without sudo"
rm "$place/bin/sudo"
deps 1
expect output 'as root'

echo "- an installation that fails is a failure"
plays id 'echo 0'
plays apt-get 'case $* in *install*) exit 100 ;; esac'
deps 100

echo "- another distribution: it names what it would have wanted, and goes on"
rm "$place/bin/dpkg-query"
deps 0
expect output 'not a Debian system'
