# lastack's front door: thin, over CMake presets (CMakePresets.json) and Ninja.
# `make help` lists what there is; `make run` and `make check` need nothing but make.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 600
export JOBS FUZZ_SECONDS

.PHONY: build run check quick bench fuzz conformance docs install debug asan clang rooms pure tidy format clean deps help

build: ## the release command, at build/lastack (the default)
	@tools/preset release
	@if [ -e build/release/lastack ]; then ln -sfn release/lastack build/lastack; fi

run: deps build ## the demonstration: lastack and the Linux kernel as peers
	@tools/run

check: deps ## everything the project knows how to verify
	@tools/check

quick: build rooms pure tidy ## the unit and api tests of the release build, and the house rules
	@ctest --preset release -j $(JOBS) -L 'unit|api'

bench: ## the figures (installs what the peers need)
	@tools/deps bench
	@$(MAKE) --no-print-directory build
	@bench/run

fuzz: ## every harness in turn, FUZZ_SECONDS=600 each
	@tools/preset fuzz
	@tools/fuzz $(FUZZ_SECONDS)

conformance: build ## SCRIPTS="folder ..." of packetdrill's scripts, PACKETDRILL=path to judge too
	@tools/conformance $(if $(PACKETDRILL),--packetdrill $(PACKETDRILL)) $(CONFORMANCE) $(SCRIPTS)

docs: build ## print the tables of docs/ again from the code that executes them
	@tools/docs

install: build ## into PREFIX=/usr/local (and DESTDIR)
	@DESTDIR=$(DESTDIR) cmake --install build/release --prefix $(PREFIX)

debug asan clang: ## build that preset, into build/PRESET
	@tools/preset $@

rooms: ## who may include whom
	@tools/rooms

pure: build ## the core needs mem* and nothing else, and has no writable globals
	@tools/pure

tidy: ## lengths, names and words
	@tools/tidy

format: ## lay FILES="..." out with clang-format (by default, the files not committed yet)
	@clang-format -i $(or $(FILES),$$(git ls-files -mo --exclude-standard '*.[ch]'))

deps: ## install the Debian packages that are missing
	@tools/deps

clean: ## remove build/
	@rm -rf build

help: ## this list
	@grep -hE '^[a-z ]+:.*##' $(MAKEFILE_LIST) | \
	  sed -E 's/^([a-z ]+):[^#]*## (.*)/\1\t\2/' | \
	  while IFS="$$(printf '\t')" read -r names what; do printf '  %-18s %s\n' "$$names" "$$what"; done
