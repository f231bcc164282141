#!/usr/bin/env python3
"""run.py [options] SCRIPT.pkt ...: scripts in packetdrill's language, on lastack, in virtual time.

    -D NAME[=VALUE]       what #ifdef asks for; a value replaces the name in the script
    --ip_version V        ipv4, ipv6 or ipv4-mapped-ipv6, for scripts that do not say
    --set "NAME=VALUE"    settings of the shim (shim/settings.c), as often as you like
    --library FILE        liblastack-packetdrill.so (default: of build/release, or $BUILD)
    --local, --remote     addresses of the stack and of the script's packets
    --mtu N               of the link, unless the script says otherwise; 1500
    --tolerance-us N      unless the script says otherwise; 4000
    --strict              a packet that is left over at the end is a failure
    -q                    only failures and the sum

A script passes or the first difference is printed with its line. The exit status is 1 if any
failed. Nothing sleeps but threads of calls that block (`+0...0.2 read(...)`)."""

import argparse
import ipaddress
import os
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from drill import commands, wire  # noqa: E402
from drill.calls import Calls, Failure  # noqa: E402
from drill.match import differences, joined, may_join  # noqa: E402
from drill.names import INFO_NAMES, NAMES  # noqa: E402
from drill.script import Script, ScriptError  # noqa: E402
from drill.settings import Asked, Unknown  # noqa: E402
from drill.shim import Shim  # noqa: E402
from drill.sockets import PASSIVE, SYNACK_SENT, Sockets  # noqa: E402

ADDRESSES = {"ipv4": ("192.168.0.1", "192.0.2.1"),
             "ipv6": ("fd3d:fa7b:d17d::1", "fd3d:fa7b:d17d:8888::1")}


class Runner:
    def __init__(self, path, options):
        self.path, self.options = path, options
        self.script = Script(path.read_text(), options.defines)
        given = self.script.options
        version = given.get("ip_version", options.ip_version)
        local, remote = ADDRESSES["ipv6" if version == "ipv6" else "ipv4"]
        self.sockets = Sockets(address_of(given, "local_ip", options.local or local),
                               address_of(given, "remote_ip", options.remote or remote),
                               int(given.get("bind_port", 8080)),
                               int(given.get("connect_port", 8080)))
        words = [f"local={self.sockets.local}", *options.settings]
        words += given.get("so_flags", "").split()
        mtu = given.get("mtu", options.mtu)
        words += [f"mtu={mtu}"] if mtu else []
        self.tolerance = int(given.get("tolerance_usecs", options.tolerance_us))
        self.percent = float(given.get("tolerance_percent", 0))
        self.tick_us = int(given.get("tcp_ts_tick_usecs", 0))
        self.strict_segments = "strict_segments" in given
        self.shim = Shim(options.library, " ".join(words))
        self.calls = Calls(self.shim, self.sockets, version, self.tolerance)
        self.thread, self.verdict, self.deadline = None, None, None
        self.last, self.last_inbound, self.memory = 0, False, {**NAMES, **INFO_NAMES}

    # ---- time ----

    def window(self, event):
        """When the event is due: from, to; None: at any time. What follows counts from when the
        one before it was over, or from when it was due if packets go in one after the other."""
        inbound = event.kind == "packet" and event.inbound
        base = 0
        if event.how == "relative":
            base = self.last if inbound and self.last_inbound else self.shim.time_us()
        self.last_inbound = inbound
        if event.how == "any":
            return None
        start = base + event.at
        self.blocks_until = base + event.end if event.blocks else None
        end = start if event.end is None or event.blocks else base + event.end
        previous, self.last = self.last, start
        self.slack = max(self.tolerance, (start - previous) * self.percent / 100)
        return start, end

    def on_time(self, what, at, due):
        if due and not due[0] - self.slack <= at <= due[1] + self.slack:
            when = f"{due[0] / 1e6:.6f}" + (f"~{due[1] / 1e6:.6f}" if due[1] != due[0] else "")
            raise Failure(f"{what} came at {at / 1e6:.6f}, expected at {when}")

    # ---- packets ----

    def live_options(self, c, packet):
        if packet.options is None:
            raise Failure("what goes in needs its options")
        for name, *words in packet.options:
            if name == "TS":
                value, echo, verbatim = words
                echo = echo if verbatim or not packet.flags & 16 else c.stamp_in(echo)
                yield ("TS", value or 0, echo)
            elif name == "sack":
                yield ("sack", *(c.out_seq(number) for number in words))
            else:
                yield (name, *words)

    def inject(self, packet):
        c = self.sockets.for_inbound(packet)
        if c is None:
            raise Failure("there is no socket that this packet could be for")
        if packet.kind == "tcp" and packet.win is None:
            raise Failure("what goes in needs its window")
        if packet.kind == "icmp":
            octets = wire.icmp_octets(packet, self.quoted(c, packet), (c.remote[0], 0))
        else:
            octets = wire.octets_of(self.live_segment(c, packet))
        if self.shim.inject(octets) < 0:
            raise Failure("the stack would not take the packet")

    def live_segment(self, c, packet):
        syn = bool(packet.flags & 2)
        source, destination = c.remote, c.local
        if packet.ports:
            source, destination = (source[0], packet.ports[0]), (destination[0], packet.ports[1])
        return wire.Segment(
            kind=packet.kind, flags=packet.flags, source=source, destination=destination,
            seq=packet.seq if packet.verbatim else c.in_seq(packet.seq, syn),
            ack=c.out_seq(packet.ack, syn) if packet.ack is not None else 0, win=packet.win or 0,
            urg=packet.urg, text=packet.text, options=list(self.live_options(c, packet)),
            tos=packet.tos or 0, flow=packet.flow or 0,
            ttl=255 if packet.ttl is None else packet.ttl)

    def quoted(self, c, packet):
        """The packet of ours that an ICMP error is about."""
        kind, seq, text = packet.icmp[4]
        return wire.Segment(kind="udp" if kind == "udp" else "tcp", flags=16, seq=c.out_seq(seq),
                            text=text, source=c.local, destination=c.remote, tos=packet.tos or 0)

    def sniff(self, c):
        """The next packet of this connection; those of others are passed over."""
        while (taken := self.shim.sniff()) is not None:
            got = wire.parse(taken[0])
            if got and self.sockets.belongs(c, got):
                return got, taken[1]
        raise Failure("nothing came and nothing will")

    def expect_packet(self, packet, due):
        c = self.sockets.for_outbound(packet)
        if c is None:
            raise Failure("there is no socket that could send")
        got, at = self.sniff(c)
        while (packet.kind == "tcp" == got.kind and 0 < got.text < packet.text and
               not self.strict_segments and got.seq == c.out_seq(packet.seq)):
            more, at = self.sniff(c)
            if more.kind != "tcp" or not may_join(got, more, packet.text):
                break
            got = joined(got, more)
        if packet.kind == "tcp" and c.state == PASSIVE and packet.flags & 18 == 18:
            c.state, c.local_isn, c.local_first = SYNACK_SENT, got.seq, packet.seq
        wrong = differences(packet, c, got, self.tick_us, self.tolerance)
        if wrong:
            raise Failure(f"{wrong} at {at / 1e6:.6f}")
        self.on_time("the packet", at, due)

    # ---- calls ----

    def call(self, event, due):
        self.settle_thread()
        if not event.blocks:
            self.calls.run(event.parts)
            self.on_time("the call's end", self.shim.time_us(), due)
            return
        self.verdict, self.deadline = None, self.blocks_until
        self.thread = threading.Thread(target=self.in_thread, args=(event,), daemon=True)
        self.thread.start()
        while self.thread.is_alive() and not self.shim.asleep():
            self.thread.join(0.0005)

    def in_thread(self, event):
        try:
            self.calls.run(event.parts)
            self.verdict = self.shim.time_us()
        except Exception as fault:  # noqa: BLE001: the main thread judges it
            self.shim.time_us()
            self.verdict = fault

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
        if isinstance(self.verdict, Exception):
            raise self.verdict
        self.on_time("the end of the call that blocks", self.verdict, (self.deadline,) * 2)

    # ---- the rest ----

    def assertions(self, text):
        """The code of all blocks is one program: what one has set, the next ones know."""
        c = self.sockets.test
        info = self.shim.info(c.live if c and c.live is not None else -1)
        if info is None:
            raise Failure("there is no socket to ask")
        self.memory.update(info)
        try:
            exec(text.strip(), self.memory)  # noqa: S102: the script is the program
        except AssertionError as error:
            raise Failure(f"%{{ {' '.join(text.split())} }}%: {error}") from None
        except (NameError, SyntaxError) as error:
            raise Failure(f"%{{ }}%: {error}") from None

    def one(self, event):
        due = self.window(event)
        going_out = event.kind == "packet" and not event.inbound
        if due and not going_out:
            self.shim.sleep_until(due[0])
        if event.kind == "packet":
            if event.inbound:
                self.inject(event.packet)
            else:
                self.expect_packet(event.packet, due)
        elif event.kind == "call":
            self.call(event, due)
        elif event.kind == "command":
            commands.run(event.text, self.path.parent, self.shim)
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
        except (Failure, Unknown, wire.WireFault) as error:
            return line, str(error)
        except (ValueError, KeyError, TypeError, IndexError, OSError) as error:
            return line, f"{type(error).__name__}: {error}"
        finally:
            self.shim.close()
        return None


def run_file(path, options):
    """None or the first difference, and what the script asked for and did not get."""
    try:
        runner = Runner(path, options)
        return runner.run(), runner.shim.asked
    except (ScriptError, ValueError, UnicodeDecodeError) as error:
        return (0, str(error)), Asked()


def plain_address(text):
    """As packets have it: one address, one spelling (RFC 5952)."""
    return str(ipaddress.ip_address(text))


def address_of(given, name, usual):
    """The script's own, unless it is of another IP than this run: then the run's counts, as
    packetdrill's command line does."""
    address = plain_address(given.get(name, usual))
    return address if (":" in address) == (":" in usual) else usual


def arguments(words=None):
    top = pathlib.Path(__file__).resolve().parents[2]
    build = pathlib.Path(os.environ.get("BUILD", top / "build/release"))
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scripts", nargs="*", type=pathlib.Path)
    parser.add_argument("-D", dest="define", action="append", default=[])
    parser.add_argument("--ip_version", default="ipv4",
                        choices=("ipv4", "ipv6", "ipv4-mapped-ipv6"))
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--library", default=build / "liblastack-packetdrill.so")
    parser.add_argument("--mtu", type=int)
    parser.add_argument("--local", type=plain_address)
    parser.add_argument("--remote", type=plain_address)
    parser.add_argument("--tolerance-us", type=int, default=4000)
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("-q", "--quiet", action="store_true")
    options = parser.parse_args(words)
    options.defines = [(name, value) for name, _, value in
                       (word.partition("=") for word in options.define)]
    return options


def main():
    options, failed, without = arguments(), 0, 0
    for path in options.scripts:
        result, asked = run_file(path, options)
        failed += result is not None
        without += result is None and bool(asked.in_vain)
        if result:
            print(f"FAILED {path}:{result[0]}: {result[1]}")
            for what in asked.in_vain:
                print(f"{'':7}not taken over: {what}")
        elif not options.quiet:
            print(f"ok     {path}" + "".join(f" (without {what})" for what in asked.in_vain))
    print(f"{len(options.scripts) - failed} of {len(options.scripts)} scripts pass" +
          (f", {without} of them without a setting that is not taken over" if without else ""))
    return failed != 0 or not options.scripts


if __name__ == "__main__":
    sys.exit(main())
