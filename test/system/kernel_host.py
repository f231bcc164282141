#!/usr/bin/env python3
# timeout: 300
"""`lastack host` and `lastack nc` as programs: the small services, the control socket, captures,
devices that exist already, every complaint about the command line or the system, and what is left
behind, which is nothing."""

import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import kernel as k


def lastack(*words, **options):
    return subprocess.run([k.LASTACK, *map(str, words)], capture_output=True, text=True,
                          timeout=k.PATIENCE_S, stdin=subprocess.DEVNULL, **options)


def refuses(claim, status, text, *words):
    run = lastack(*words)
    k.check(f"{claim}: exit status", run.returncode == status, run.returncode, run.stderr)
    k.check(f"{claim}: it says so", text in run.stderr, run.stderr)
    k.check(f"{claim}: nothing on stdout", run.stdout == "")


# ---- services -----------------------------------------------------------------------------------
def udp_services():
    with k.Host("tun", "--echo", "--discard", "--chargen") as host, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(k.PATIENCE_S)
        for size in (0, 1, 1000, 9000):
            text = os.urandom(size)
            s.sendto(text, (k.OURS, 7))
            k.check("echo, also in fragments", s.recvfrom(65536) == (text, (k.OURS, 7)), size)
        s.sendto(b"x", (k.OURS, 9))
        s.sendto(b"x", (k.OURS, 19))
        lines, source = s.recvfrom(65536)
        k.check("discard is silent, chargen is not", source == (k.OURS, 19) and len(lines) == 512)
        s.connect((k.OURS, 11))
        s.send(b"anybody?")
        try:
            s.recv(1)
            raise AssertionError("somebody answers at a closed port")
        except ConnectionRefusedError:
            pass
        host.stop()


def udp_services_do_not_answer_each_other():
    with k.Host("tun", "--echo") as host, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((k.KERNEL, 19))
        s.sendto(b"x", (k.OURS, 7))
        k.until("it was taken", lambda: any(r["protocol"] == "udp" and r["segments_in"]
                                            for r in host.sockets()))
        s.setblocking(False)
        try:
            s.recv(1)
            raise AssertionError("echo answers chargen")
        except BlockingIOError:
            pass
        host.stop()


def discard_and_chargen():
    with k.Host("tun", "--discard", "--chargen") as host:
        with k.connect(9) as s:
            s.sendall(b"x" * (4 << 20))
            s.shutdown(socket.SHUT_WR)
            k.check("discard says nothing", s.recv(1) == b"")
        with k.connect(19) as s, s.makefile("rb") as stream:
            first = bytes(range(32, 104))
            k.check("the first line", stream.readline() == first + b"\r\n")
            k.check("the second", stream.readline() == bytes(range(33, 105)) + b"\r\n")
            k.close_with_reset(s)
        host.stop()


def nc_over_udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(k.PATIENCE_S)
        s.bind(("", 0))
        with k.Nc("tun", "-u", k.KERNEL, s.getsockname()[1]) as nc:
            nc.process.stdin.write(b"question")
            nc.process.stdin.flush()
            text, peer = s.recvfrom(100)
            k.check("the datagram", text == b"question" and peer[0] == k.OURS)
            s.sendto(b"answer", peer)
            k.check("the answer", nc.process.stdout.read(6) == b"answer")
            nc.process.stdin.close()
            nc.wait("udp")
    with k.Nc("tun", "-l", "-u", 5005) as nc, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(k.PATIENCE_S)
        s.sendto(b"hello", (k.OURS, 5005))
        k.check("the first to speak is the peer", nc.process.stdout.read(5) == b"hello")
        nc.process.stdin.write(b"hello yourself")
        nc.process.stdin.close()
        k.check("and is answered", s.recvfrom(100) == (b"hello yourself", (k.OURS, 5005)))
        nc.wait("udp")


# ---- looking in ---------------------------------------------------------------------------------
def control_socket():
    with k.Host("tun", "--echo") as host:
        k.check("the owner's alone", stat.S_IMODE(os.stat(host.path).st_mode) == 0o600)
        for request, key in (("sockets", "sockets"), ("counters", "counters"), ("pools", "pools"),
                             ("objects", "objects"), ("config", "config"),
                             ("neighbors", "neighbors")):
            answer = k.control(host.path, request)
            k.check(request, answer["lastack"] == 1 and key in answer
                    and answer["pid"] == host.process.pid and answer["host"] == k.DEVICE, answer)
        secret = json.dumps(k.control(host.path, "config"))
        k.check("the secret stays inside", "secret" not in secret)
        for request in ("", "nonsense", "story", "story xyz", "SOCKETS", "sockets now"):
            k.check("an error is answered", "error" in k.control(host.path, request), request)
        stale = k.control(host.path, "story 1000000100000fff")
        k.check("a stale socket", stale["socket"] is None and stale["story"] == [])
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(host.path)
            s.sendall(b"pools\r\nobjects\nsock")
            s.sendall(b"ets\n")
            with s.makefile("rb") as answers:
                keys = [set(json.loads(answers.readline())) for _ in range(3)]
            k.check("many requests, in order", "pools" in keys[0] and "objects" in keys[1]
                    and "sockets" in keys[2])
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(host.path)
            s.sendall(b"x" * 10000)
            s.settimeout(k.PATIENCE_S)
            try:
                k.check("an endless line is no request", s.recv(1) == b"")
            except ConnectionResetError:
                pass
        with k.connect(7) as s:
            port = s.getsockname()[1]
            s.sendall(b"text")
            k.check("echo", s.recv(4) == b"text")
            row = k.until("acknowledged", lambda: (r := host.find(peer=port)) and
                          r["send_queue_octets"] == 0 and r)
            k.check("what went in and out", row["octets_in"] == 4 and row["octets_acked"] == 4, row)
            story = k.control(host.path, f"story {row['id']}")
            k.check("its story begins with the handshake", any(
                "SYN-RECEIVED > ESTABLISHED" in entry["text"] for entry in story["story"]), story)
        host.stop()


def control_socket_of_its_own():
    """Without --control it lies in the owner's folder, and netstat finds it there."""
    with tempfile.TemporaryDirectory(prefix="lastack-test-") as folder:
        place = {**os.environ, "XDG_RUNTIME_DIR": folder}
        host = subprocess.Popen(
            [k.LASTACK, "host", "--tun", k.DEVICE, "--addr", f"{k.OURS}/24", "--peer", k.KERNEL],
            env=place, stdout=subprocess.PIPE, preexec_fn=k.end_with_parent)
        with host.stdout:
            k.check("ready", b"ready" in host.stdout.readline())
            path = pathlib.Path(folder, "lastack", f"{host.pid}.sock")
            k.check("where it should be", path.is_socket())
            k.check("in a folder of its owner's", stat.S_IMODE(path.parent.stat().st_mode) == 0o700)
            run = lastack("netstat", "--format", "json", env=place)
            k.check("netstat finds it", json.loads(run.stdout)["sockets"] == [], run)
            host.send_signal(signal.SIGINT)
            k.check("the end", host.wait(k.PATIENCE_S) == 0 and not path.exists())


def capture():
    with tempfile.TemporaryDirectory(prefix="lastack-test-") as folder:
        for link in k.LINKS:
            path = os.path.join(folder, f"{link}.pcapng")
            with k.Host(link, "--echo", "--pcap", path) as host:
                with k.connect(7) as s:
                    s.sendall(b"captured" * 1000)
                    s.shutdown(socket.SHUT_WR)
                    k.check("echo", k.receive_all(s)[1] == 8000)
                host.stop()
            fields = ["ip.src", "tcp.flags.str", "tcp.seq", "tcp.len", "_ws.malformed"]
            run = subprocess.run(["tshark", "-r", path, "-Y", "tcp", "-T", "fields",
                                  *(word for field in fields for word in ("-e", field))],
                                 capture_output=True, text=True, check=True,
                                 env={**os.environ, "HOME": folder})
            rows = [dict(zip(fields, line.split("\t"))) for line in run.stdout.splitlines()]
            k.check("tshark reads every packet", len(rows) >= 6 and
                    not any(r["_ws.malformed"] for r in rows), run.stdout, run.stderr)
            for source in (k.OURS, k.KERNEL):   # either may have said something twice
                mine = [r for r in rows if r["ip.src"] == source]
                k.check("all octets of both", max(int(r["tcp.seq"]) + int(r["tcp.len"])
                                                  for r in mine if int(r["tcp.len"])) == 8001,
                        run.stdout)
                k.check("both ends", "S" in mine[0]["tcp.flags.str"]
                        and any("F" in r["tcp.flags.str"] for r in mine), run.stdout)


# ---- devices ------------------------------------------------------------------------------------
def device_that_exists():
    """A device that somebody has prepared is attached to, and stays."""
    k.ip("tuntap", "add", "dev", k.DEVICE, "mode", "tun")
    k.ip("address", "add", f"{k.KERNEL}/24", "dev", k.DEVICE)
    k.ip("link", "set", k.DEVICE, "up")
    try:
        for words in ([], ["--plain"], []):
            with k.Host("tun", "--echo", *words) as host:
                with k.connect(7) as s:
                    s.sendall(b"x")
                    k.check("echo", s.recv(1) == b"x")
                host.process.terminate()
                k.check("the end", host.process.wait(k.PATIENCE_S) == 0)
            k.ip("link", "show", k.DEVICE)
        with k.Host("tun") as host:
            refuses("somebody else has it", 1, "another program has this device", "host", "--tun",
                    k.DEVICE, "--addr", "10.1.1.1/24", "--no-control")
            host.process.terminate()
            host.process.wait(k.PATIENCE_S)
        refuses("a TUN is no TAP", 1, "is no TAP", "host", "--tap", k.DEVICE, "--addr",
                "10.1.1.1/24", "--no-control")
    finally:
        k.ip("link", "del", k.DEVICE)
    refuses("lo is no TUN", 1, "is no TUN", "host", "--tun", "lo", "--addr", "10.1.1.1/24")


def several_addresses():
    with k.Host("tun", "--echo", "--addr", "10.78.5.5/32", "--addr", "10.78.6.6/32") as host:
        for address in (k.OURS, "10.78.5.5", "10.78.6.6"):
            with socket.create_connection((address, 7), k.PATIENCE_S) as s:
                s.sendall(b"x")
                k.check("echo", s.recv(1) == b"x", address)
        host.stop()


def routes_beyond_the_peer():
    """What is not on the link lies behind the peer."""
    k.ip("address", "add", "10.99.0.1/32", "dev", "lo")
    try:
        with socket.socket() as listener:
            listener.settimeout(k.PATIENCE_S)
            listener.bind(("10.99.0.1", 0))
            listener.listen()
            with k.Nc("tun", "10.99.0.1", listener.getsockname()[1],
                      stdin=subprocess.DEVNULL) as nc:
                s, peer = listener.accept()
                k.check("by the default route", peer[0] == k.OURS)
                s.close()
                nc.wait("beyond")
    finally:
        k.ip("address", "del", "10.99.0.1/32", "dev", "lo")


def small_mtu():
    for link in k.LINKS:
        with k.Host(link, "--echo", "--mtu", 600) as host, k.connect(7) as s:
            text = k.pattern("mtu", 100000)
            s.sendall(text)
            s.shutdown(socket.SHUT_WR)
            k.check("echo", k.receive_all(s) == (k.digest(text), len(text)), link)
            host.stop()


# ---- complaints ---------------------------------------------------------------------------------
def command_lines():
    device = ["--tun", k.DEVICE]
    addr = [*device, "--addr", "10.1.1.1/24"]
    for text, words in (
            ("which device", ["--addr", "10.1.1.1/24"]), ("which address", device),
            ("not ADDRESS/LENGTH", [*device, "--addr", "10.1.1"]),
            ("not ADDRESS/LENGTH", [*device, "--addr", "10.1.1.1/33"]),
            ("not ADDRESS/LENGTH", [*device, "--addr", "*/24"]),
            ("not an address", [*addr, "--peer", "kernel"]),
            ("must differ", [*addr, "--peer", "10.1.1.1"]),
            ("not in the network", [*addr, "--peer", "10.1.2.1"]),
            ("families", [*addr, "--peer", "2001:db8::1"]),
            ("one --tun or --tap", [*addr, "--tap", "x"]),
            ("from 576 to 65535", [*addr, "--mtu", "100"]),
            ("seconds", [*addr, "--msl", "0"]), ("seconds", [*addr, "--msl", "1x"]),
            ("number", [*addr, "--connections", "-1"]), ("NET/LENGTH", [*addr, "--route", "x"]),
            ("S,S,N", [*addr, "--keepalive", "1,2,3,4"]),
            ("1 to 65535", [*addr, "--http-port", "0"]),
            ("one word too many", [*addr, "word"]), ("no option", [*addr, "--nonsense"])):
        refuses(" ".join(words), 2, text, "host", *words)
    for text, words in (("ADDRESS PORT", addr), ("ADDRESS PORT", [*addr, "10.1.1.2"]),
                        ("a port", [*addr, "10.1.1.2", "http"]),
                        ("a port", [*addr, "10.1.1.2", "70000"]),
                        ("in numbers", [*addr, "localhost", "80"]),
                        ("in numbers", [*addr, "*", "80"]),
                        ("seconds", [*addr, "-w", "x", "10.1.1.2", "80"])):
        refuses(" ".join(words), 2, text, "nc", *words)
    for command in ("host", "nc"):
        run = lastack(command, "--help")
        k.check("help is on stdout", run.returncode == 0 and "--addr" in run.stdout
                and not run.stderr)


def what_the_system_refuses():
    addr = ["--tun", k.DEVICE, "--addr", "10.1.1.1/24"]
    refuses("no such folder", 1, "No such file", "host", *addr, "--http", "/nonexistent")
    refuses("no folder", 1, "Not a directory", "host", *addr, "--http", "/etc/passwd")
    refuses("a name too long", 2, "at most 15", "host", "--tun", "a" * 16, "--addr", "10.1.1.1/24")
    refuses("no place for a capture", 1, "No such file", "host", *addr, "--pcap", "/nonexistent/x")
    refuses("no place for control", 1, "control socket", "host", *addr, "--control",
            "/nonexistent/x")
    refuses("a path too long", 1, "too long", "host", *addr, "--control", "/tmp/" + "x" * 200)
    refuses("an address twice", 1, "--addr 10.1.1.1/24: ", "host", *addr, "--addr", "10.1.1.1/24")
    with k.Host("tun") as host:
        refuses("a control socket in use", 1, "control socket", "host", "--tun", "other0",
                "--addr", "10.1.1.1/24", "--control", host.path)
        k.check("and the first still answers", k.control(host.path, "pools")["lastack"] == 1)
        host.stop()
    refuses("no way to the peer", 1, "no route", "nc", *addr, "10.2.2.2", 80)
    if os.geteuid() == 0:
        drop = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"]
        run = subprocess.run([*drop, k.LASTACK, "host", *addr], capture_output=True, text=True)
        k.check("without the right to make devices", run.returncode == 1
                and "may not make the device" in run.stderr, run)


TESTS = [udp_services, udp_services_do_not_answer_each_other, discard_and_chargen, nc_over_udp,
         control_socket, control_socket_of_its_own, capture, device_that_exists,
         several_addresses, routes_beyond_the_peer, small_mtu, command_lines,
         what_the_system_refuses]

if __name__ == "__main__":
    sys.exit(k.run(TESTS, sys.argv[1:]))
