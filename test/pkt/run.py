#!/usr/bin/env python3
"""run.py [options] SCRIPT.pkt ...: scripts in packetdrill's language, on lastack, in virtual time.

    -D NAME[=VALUE]       what #ifdef asks for; a value replaces the name in the script
    --set "NAME=VALUE"    settings of the shim (shim/settings.c), as often as you like
    --library FILE        liblastack-packetdrill.so (default: of build/release, or $BUILD)
    --local, --remote     addresses of the stack and of the script's packets
    --tolerance-us N      unless the script says otherwise; 4000
    --strict              a packet that is left over at the end is a failure
    -q                    only failures and the sum

A script passes or the first difference is printed with its line. The exit status is 1 if any
failed. Nothing sleeps but threads of calls that block (`+0...0.2 read(...)`)."""

import argparse
import os
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from drill import settings, wire  # noqa: E402
from drill.calls import CONSTANTS, Calls, Failure  # noqa: E402
from drill.script import Script, ScriptError  # noqa: E402
from drill.shim import Shim  # noqa: E402

REMOTE_OFFSET = 0xfffffc00              # the peer's sequence numbers go through the wrap
FIRST_REMOTE_PORT = 40000
TCPI = {"ESTABLISHED": 1, "SYN_SENT": 2, "SYN_RECEIVED": 3, "SYN_RECV": 3, "FIN_WAIT_1": 4,
        "FIN_WAIT1": 4, "FIN_WAIT_2": 5, "FIN_WAIT2": 5, "TIME_WAIT": 6, "CLOSED": 7, "CLOSE": 7,
        "CLOSE_WAIT": 8, "LAST_ACK": 9, "LISTEN": 10, "CLOSING": 11}
NAMES = {**{f"TCPI_{name}": number for name, number in TCPI.items()},
         **{f"TCP_{name}": number for name, number in TCPI.items()},
         "TCPI_OPT_TIMESTAMPS": 1, "TCPI_OPT_SACK": 2, "TCPI_OPT_WSCALE": 4, "TCPI_OPT_ECN": 8,
         "TCP_CA_Open": 0, "TCP_CA_Disorder": 1, "TCP_CA_CWR": 2, "TCP_CA_Recovery": 3,
         "TCP_CA_Loss": 4}


class Ends:
    """Both ends, and what script numbers are on the wire."""

    def __init__(self, local, remote):
        self.local, self.remote = (local, 8080), (remote, 8080)
        self.six, self.bind_port, self.passive, self.ports = ":" in local, 8080, False, 0
        self.offset, self.fresh, self.stamps = 0, True, {}

    def listens(self):
        self.passive, self.fresh = True, True
        self.ports += 1
        self.local = (self.local[0], self.bind_port)
        self.remote = (self.remote[0], FIRST_REMOTE_PORT + self.ports)

    def connects(self):
        if not self.passive:
            self.fresh = True
            self.remote = (self.remote[0], 8080)

    def out_seq(self, number):
        return (number + self.offset) % 2**32

    def in_seq(self, number):
        return (number + REMOTE_OFFSET) % 2**32

    def learn(self, got, want):
        """The first SYN that goes out says where our sequence numbers begin."""
        if got.flags & 2 and self.fresh:
            self.offset = (got.seq - int(want["seq"])) % 2**32
            self.fresh = False
            if not self.passive:
                self.local = got.source


class Runner:
    def __init__(self, path, options):
        self.path, self.options = path, options
        self.script = Script(path.read_text(), options.defines)
        given = self.script.options
        six = given.get("ip_version", "ipv4") == "ipv6"
        ends = Ends(given.get("local_ip") or options.local or ("fd3d::1" if six else "192.168.0.1"),
                    given.get("remote_ip") or options.remote or
                    ("fd3d::2" if six else "192.0.2.1"))
        words = [f"local={ends.local[0]}", *options.settings]
        words += given.get("so_flags", "").split()
        if "mtu" in given:
            words.append(f"mtu={given['mtu']}")
        self.tolerance = int(given.get("tolerance_usecs", options.tolerance_us))
        self.shim = Shim(options.library, " ".join(words))
        self.ends, self.calls = ends, Calls(self.shim, ends)
        self.thread, self.verdict, self.deadline = None, None, None
        self.last = 0

    # ---- time ----

    def window(self, event):
        """When the event is due: from, to."""
        if event.how == "any":
            return None
        base = self.last if event.how == "relative" else 0
        start = base + event.at
        self.last = start
        end = start if event.end is None or event.blocks else base + event.end
        return start, end

    def on_time(self, what, at, due):
        if due and not due[0] - self.tolerance <= at <= due[1] + self.tolerance:
            when = f"{due[0] / 1e6:.6f}" + (f"~{due[1] / 1e6:.6f}" if due[1] != due[0] else "")
            raise Failure(f"{what} came at {at / 1e6:.6f}, expected at {when}")

    # ---- packets ----

    def inject(self, event):
        p, ends = event.parts, self.ends
        options = wire.options_of(p["options"])
        if options is None:
            raise Failure("what goes in needs its options")
        flags = wire.flags_of(p["flags"])
        if flags & 0x12 == 2:
            ends.fresh = True
        live = []
        for name, *numbers in options:
            if name == "TS":
                numbers[1] = ends.stamps.get(numbers[1], numbers[1])
            if name == "sack":
                numbers = [ends.out_seq(number) for number in numbers]
            live.append((name, *numbers))
        segment = wire.Segment(
            flags, ends.in_seq(int(p["seq"])), ends.out_seq(int(p["ack"])) if p["ack"] else 0,
            int(p["win"] or 0), int(p["urg"] or 0), int(p["text"]), live,
            wire.CE.get(p["ecn"] or "noecn", 0), ends.remote, ends.local)
        if self.shim.inject(wire.tcp_octets(segment)) < 0:
            raise Failure("the stack would not take the packet")

    def inject_icmp(self, event):
        p, ends = event.parts, self.ends
        about = wire.Segment(16, ends.out_seq(int(p["seq"] or 0)), 0, 0, 0, int(p["text"] or 0), [],
                             0, ends.local, ends.remote)
        octets = wire.icmp_octets(p["type"], p["code"], int(p["mtu"] or 0), about, ends.remote[0])
        if self.shim.inject(octets) < 0:
            raise Failure("the stack would not take the packet")

    def script_segment(self, got):
        """What came, in the script's numbers."""
        s = wire.Segment(**vars(got))
        s.seq = (s.seq - self.ends.offset) % 2**32
        s.ack = (s.ack - REMOTE_OFFSET) % 2**32 if s.flags & 16 else 0
        s.options = [("sack", *((n - REMOTE_OFFSET) % 2**32 for n in option[1:]))
                     if option[0] == "sack" else option for option in s.options]
        return s

    def differences(self, want, got, p):
        for name in ("flags", "seq", "text"):
            if getattr(want, name) != getattr(got, name):
                yield name
        for name in ("ack", "win", "urg"):
            if p[name] is not None and getattr(want, name) != getattr(got, name):
                yield name
        if p["ecn"] and want.ecn != got.ecn:
            yield "ECN"
        if want.options is not None and not self.same_options(want.options, got.options):
            yield "options"

    def same_options(self, want, got):
        if len(want) != len(got):
            return False
        for mine, theirs in zip(want, got):
            if mine[0] == "TS" == theirs[0]:
                self.ends.stamps.setdefault(mine[1], theirs[1])
                if mine[2] != theirs[2]:
                    return False
            elif mine != theirs:
                return False
        return True

    def sniff(self):
        """The next segment that goes out; ICMP and others are passed over."""
        while (taken := self.shim.sniff()) is not None:
            segment = wire.parse(taken[0])
            if segment:
                return segment, taken[1]
        raise Failure("nothing came and nothing will")

    def expect_packet(self, event, due):
        p = event.parts
        want = wire.Segment(wire.flags_of(p["flags"]), int(p["seq"]) % 2**32, int(p["ack"] or 0),
                            int(p["win"] or 0), int(p["urg"] or 0), int(p["text"]),
                            wire.options_of(p["options"]), wire.CE.get(p["ecn"] or "noecn", 0))
        raw, at = self.sniff()
        self.ends.learn(raw, p)
        got = self.script_segment(raw)
        wrong = list(self.differences(want, got, p))
        if wrong:
            raise Failure(f"{', '.join(wrong)}: expected {wire.segment_text(want)}\n"
                          f"{'':12}got      {wire.segment_text(got)} at {at / 1e6:.6f}")
        if raw.source != self.ends.local or raw.destination != self.ends.remote:
            raise Failure(f"it went from {raw.source} to {raw.destination}")
        self.on_time("the packet", at, due)
        if due is None:
            self.last = at

    # ---- calls ----

    def call(self, event, due):
        self.settle_thread()
        if not event.blocks:
            self.calls.run(event.parts)
            self.on_time("the call's end", self.shim.time_us(), due)
            return
        self.verdict, self.deadline = None, due[0] - event.at + event.end
        if event.how == "absolute":
            self.deadline = event.end
        self.thread = threading.Thread(target=self.in_thread, args=(event,), daemon=True)
        self.thread.start()
        while self.thread.is_alive() and not self.shim.asleep():
            self.thread.join(0.0005)

    def in_thread(self, event):
        try:
            self.calls.run(event.parts)
            self.verdict = self.shim.time_us()
        except Failure as failure:
            self.shim.time_us()
            self.verdict = failure

    def settle_thread(self):
        """The call that blocks has ended when the next begins, and at the end of the script."""
        if not self.thread:
            return
        if self.thread.is_alive() and self.shim.asleep():
            self.shim.sleep_until(self.deadline + self.tolerance)
        if self.thread.is_alive() and self.shim.asleep():
            raise Failure(f"the call that blocks has not ended at {self.deadline / 1e6:.6f}")
        self.thread.join()
        self.thread = None
        if isinstance(self.verdict, Failure):
            raise self.verdict
        self.on_time("the end of the call that blocks", self.verdict, (self.deadline,) * 2)

    # ---- the rest ----

    def assertions(self, text):
        info = self.shim.info(self.calls.under_test or -1)
        if info is None:
            raise Failure("there is no socket to ask")
        code = "\n".join(line.strip() for line in text.strip().replace("\\\n", "\n").split("\n"))
        try:
            exec(code, {**CONSTANTS, **NAMES, **info})  # noqa: S102: the script is the program
        except AssertionError as error:
            raise Failure(f"%{{ {' '.join(text.split())} }}%: {error}") from None
        except NameError as error:
            raise Failure(f"%{{ }}%: {error}") from None

    def one(self, event):
        due = self.window(event)
        going_out = event.kind == "packet" and not event.inbound
        if due and not going_out:
            self.shim.sleep_until(due[0])
        if event.kind == "packet":
            if event.inbound:
                self.inject(event)
            else:
                self.expect_packet(event, due)
        elif event.kind == "icmp":
            if not event.inbound:
                raise Failure("ICMP that goes out is not looked at")
            self.inject_icmp(event)
        elif event.kind == "call":
            self.call(event, due)
        elif event.kind == "command":
            settings.run(event.text, self.path.parent, self.shim, self.shim.set)
        else:
            self.assertions(event.text)

    def run(self):
        """None, or (line, the first difference)."""
        line = 0
        try:
            for event in self.script.events:
                line = event.line
                self.one(event)
            self.settle_thread()
            left, bad = self.shim.left()
            if bad:
                return line, f"{bad} packets had wrong checksums"
            if left and self.options.strict:
                return line, f"{left} packets were sent that the script does not expect"
        except (Failure, settings.Unknown, ValueError, KeyError, TypeError) as error:
            kind = "" if isinstance(error, (Failure, settings.Unknown)) else \
                f"{type(error).__name__}: "
            return line, f"{kind}{error}"
        finally:
            self.shim.close()
        return None


def run_file(path, options):
    try:
        return Runner(path, options).run()
    except (ScriptError, ValueError, UnicodeDecodeError) as error:
        return 0, str(error)


def arguments(words=None):
    top = pathlib.Path(__file__).resolve().parents[2]
    build = pathlib.Path(os.environ.get("BUILD", top / "build/release"))
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scripts", nargs="*", type=pathlib.Path)
    parser.add_argument("-D", dest="define", action="append", default=[])
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--library", default=build / "liblastack-packetdrill.so")
    parser.add_argument("--local")
    parser.add_argument("--remote")
    parser.add_argument("--tolerance-us", type=int, default=4000)
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("-q", "--quiet", action="store_true")
    options = parser.parse_args(words)
    options.defines = [(name, value) for name, _, value in
                       (word.partition("=") for word in options.define)]
    return options


def main():
    options, failed = arguments(), 0
    for path in options.scripts:
        result = run_file(path, options)
        failed += result is not None
        if result:
            print(f"FAILED {path}:{result[0]}: {result[1]}")
        elif not options.quiet:
            print(f"ok     {path}")
    print(f"{len(options.scripts) - failed} of {len(options.scripts)} scripts pass")
    return failed != 0 or not options.scripts


if __name__ == "__main__":
    sys.exit(main())
