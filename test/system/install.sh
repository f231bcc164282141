#!/bin/bash
# The installed library serves a program of somebody else, found by pkg-config and by CMake,
# shared and static; the installed files are the ones promised, and none says where it was built.
set -euo pipefail

source=${SOURCE:?run me by ctest}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

fail()
{
  echo "$1"
  exit 1
}

cmake --install "$BUILD" --prefix "$place/usr" >"$place/install.log"
lib=$(dirname "$(find "$place/usr" -name liblastack.a)")

echo "- the files"
for file in "$place/usr/include/lastack.h" "$place/usr/include/lastack/info.h" \
  "$place/usr/include/lastack/config.h" "$place/usr/bin/lastack" "$lib/liblastack.so.0" \
  "$lib/liblastack.so" "$lib/pkgconfig/lastack.pc" "$lib/cmake/lastack/lastackConfig.cmake"; do
  [ -e "$file" ] || fail "not installed: ${file#"$place"}"
done
readelf -d "$lib/liblastack.so" | grep -q 'SONAME.*\[liblastack.so.0\]'
if [ -d "$source/man" ]; then
  pages=$(find "$place/usr/share/man" -type f | wc -l)
  [ "$pages" = "$(find "$source/man" -name '*.scd' | wc -l)" ] || fail "$pages man pages"
fi
if grep -rlF "$source" "$lib/pkgconfig" "$lib/cmake"; then
  fail "these name the folder that lastack was built in"
fi

echo "- the command"
"$place/usr/bin/lastack" --version

echo "- pkg-config"
export PKG_CONFIG_PATH=$lib/pkgconfig
cc -Wall -Wextra -Werror $(pkg-config --cflags lastack) "$source/test/install/outside.c" \
  $(pkg-config --libs lastack) -o "$place/by-pkg-config"
readelf -d "$place/by-pkg-config" | grep -q 'NEEDED.*\[liblastack.so.0\]'
LD_LIBRARY_PATH=$lib "$place/by-pkg-config"

echo "- CMake"
{
  cmake -S "$source/test/install" -B "$place/build" -DCMAKE_PREFIX_PATH="$place/usr"
  cmake --build "$place/build"
} >"$place/cmake.log" 2>&1 || { cat "$place/cmake.log"; exit 1; }
"$place/build/outside"
"$place/build/outside_static"

echo "- C++"
echo '#include <lastack.h>
int main() { return la_strerror(0) == nullptr; }' >"$place/outside.cc"
c++ -Wall -Wextra -Werror $(pkg-config --cflags lastack) "$place/outside.cc" \
  $(pkg-config --libs lastack) -o "$place/by-c++"
LD_LIBRARY_PATH=$lib "$place/by-c++"
