#!/usr/bin/env python3
"""The netstat and ss formats against the real tools, on the same sockets.

In a network namespace of its own, this makes kernel sockets in as many states as loopback allows,
reads them out of /proc/net, and offers them on a control socket as if a lastack had them. What
`lastack netstat --format netstat|ss` then prints has to be what net-tools and iproute2 print of
the kernel's own, line by line; a timer's remaining time and count, which run on meanwhile, are
left out.

Needs ss and netstat, and either root or unprivileged user namespaces; skipped without."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

LASTACK = os.environ.get("LASTACK", "build/lastack")
SKIPPED = 77
NAMES = {1: "ESTABLISHED", 2: "SYN-SENT", 3: "SYN-RECEIVED", 4: "FIN-WAIT-1", 5: "FIN-WAIT-2",
         6: "TIME-WAIT", 7: "CLOSED", 8: "CLOSE-WAIT", 9: "LAST-ACK", 10: "LISTEN", 11: "CLOSING"}
TIMERS = {1: "RETRANSMIT", 2: "KEEPALIVE", 3: "TWO_MSL", 4: "PERSIST"}
JIFFY_NS = 10_000_000                   # /proc/net/tcp counts in USER_HZ, 100 everywhere


def make_sockets():
    """Kernel sockets, kept alive by being returned."""
    kept = []

    def listen(address, backlog):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(backlog)
        kept.append(listener)
        return listener

    def pair(listener):
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        kept.extend((client, server))
        return client, server

    listener = listen(("127.0.0.1", 8080), 5)
    listen(("0.0.0.0", 80), 128)
    client, server = pair(listener)                                 # text unread, keep-alive
    server.send(b"x" * 100)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    client, server = pair(listener)                                 # FIN-WAIT-2, CLOSE-WAIT
    client.shutdown(socket.SHUT_WR)
    client, server = pair(listener)                                 # the same, its EOF read
    client.shutdown(socket.SHUT_WR)
    server.recv(1)
    client, server = pair(listener)                                 # TIME-WAIT
    client.close()
    server.recv(1)
    server.close()
    client, server = pair(listener)                                 # a window that is shut
    server.setblocking(False)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    try:
        while True:
            server.send(b"y" * 65536)
    except BlockingIOError:
        pass
    full = listen(("127.0.0.1", 9090), 0)                           # its queue full: SYN-SENT
    for _ in range(2):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(full.getsockname())
        kept.append(client)
    listener.getsockname()
    kept.append(socket.create_connection(("127.0.0.1", 80)))        # nobody has accepted it
    for connect in (False, True):
        datagrams = socket.socket(type=socket.SOCK_DGRAM)
        datagrams.bind(("127.0.0.1", 53 + connect))
        if connect:
            datagrams.connect(("127.0.0.1", 53))
        kept.append(datagrams)
    return kept


def endpoint(text):
    address, port = text.split(":")
    octets = bytes.fromhex(address)[::-1]
    any_address = octets == bytes(4)
    return {"addr": "*" if any_address else socket.inet_ntoa(octets), "port": int(port, 16)}


def sockets_of(path, protocol):
    for line in open(path, encoding="ascii").readlines()[1:]:
        words = line.split()
        state = int(words[3], 16)
        sent, received = (int(part, 16) for part in words[4].split(":"))
        timer, due = (int(part, 16) for part in words[5].split(":"))
        yield {"protocol": protocol, "local": endpoint(words[1]), "peer": endpoint(words[2]),
               "number": state, "sent": sent, "received": received, "timer": timer, "due": due,
               "resends": int(words[6], 16)}


def settled():
    """What /proc shows once no segment is on its way any more: loopback delivers when it likes."""
    wanted = {"LISTEN", "SYN-SENT", "ESTABLISHED", "FIN-WAIT-2", "CLOSE-WAIT", "TIME-WAIT"}
    states = set()
    for _ in range(10_000):
        kernel = [*sockets_of("/proc/net/tcp", "tcp"), *sockets_of("/proc/net/udp", "udp")]
        states = {NAMES[entry["number"]] for entry in kernel if entry["protocol"] == "tcp"}
        if states == wanted:
            return kernel
        os.sched_yield()
    print("this kernel did not make the states:", wanted ^ states)
    return None


def as_lastack_has_it(number, kernel, backlogs):
    """lastack counts octets; Linux counts SYN and FIN in its queues, and an unread EOF."""
    tcp = kernel["protocol"] == "tcp"
    state = NAMES[kernel["number"]]
    conn = {"id": f"{number + 1:016x}", "protocol": kernel["protocol"], "local": kernel["local"],
            "peer": kernel["peer"], "state": state if tcp else None, "flags": 0,
            "send_queue_octets": kernel["sent"], "receive_queue_octets": kernel["received"]}
    if tcp and state == "LISTEN":
        conn.update(accept_queue=kernel["received"], receive_queue_octets=0,
                    backlog=backlogs[kernel["local"]["port"]])
    if tcp and state in ("SYN-SENT", "FIN-WAIT-1", "CLOSING", "LAST-ACK"):
        conn["send_queue_octets"] -= 1
    if tcp and state == "CLOSE-WAIT":
        unread = kernel["received"] > 0
        conn["receive_queue_octets"] -= unread
        conn["flags"] = 0 if unread else 2048                       # LA_SOCK_EOF_READ
    if tcp and kernel["timer"] in TIMERS:
        conn.update(timer=TIMERS[kernel["timer"]], timer_due_ns=kernel["due"] * JIFFY_NS,
                    backoffs=kernel["resends"], probes=kernel["resends"])
    return conn


def serve(path, sockets):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(8)

    def answer():
        while True:
            client, _ = listener.accept()
            question = client.makefile().readline().strip()
            reply = {"lastack": 1, "host": "test", "pid": 1, "now_ns": 0}
            reply.update({"sockets": sockets} if question == "sockets" else {"config": {}})
            client.sendall((json.dumps(reply) + "\n").encode())
            client.close()

    threading.Thread(target=answer, daemon=True).start()


def lines_of(*command):
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    text = re.sub(r"(timer:\(\w+),[^,]*,\d+", r"\1", text)
    return [re.sub(r" +$", "", line) for line in text.splitlines()]


def compare(name, ours, theirs):
    """The heading as it is; the rows in any order, for a table of the kernel has its own."""
    ok = ours[:1] == theirs[:1] and sorted(ours) == sorted(theirs)
    print(f"{'ok' if ok else 'DIFFERENT'}: {name}, {len(ours)} lines")
    if not ok:
        print("ours:", *ours, "theirs:", *theirs, sep="\n  ")
    return ok


def inside():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    kept = make_sockets()
    backlogs = {80: 128, 8080: 5, 9090: 0}
    kernel = settled()
    if kernel is None:
        return 1
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/control"
        serve(path, [as_lastack_has_it(i, entry, backlogs) for i, entry in enumerate(kernel)])
        ours = (LASTACK, "netstat", "--control", path, "--format")
        ok = compare("netstat -antu", lines_of(*ours, "netstat"), lines_of("netstat", "-antu"))
        ok &= compare("ss -tuan -o", lines_of(*ours, "ss"), lines_of("ss", "-tuan", "-o"))
        ok &= compare("netstat -lntu", lines_of(*ours, "netstat", "--listening"),
                      [line for line in lines_of("netstat", "-lntu")])
    for entry in kept:
        entry.close()
    return 0 if ok else 1


def main():
    if sys.argv[1:] == ["inside"]:
        return inside()
    for tool in ("ss", "netstat", "unshare", "ip"):
        if not shutil.which(tool):
            print(f"skipped: there is no {tool}")
            return SKIPPED
    namespace = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    if subprocess.run([*namespace, "true"], capture_output=True).returncode:
        print("skipped: no network namespace may be made here")
        return SKIPPED
    return subprocess.run([*namespace, sys.executable, __file__, "inside"]).returncode


if __name__ == "__main__":
    sys.exit(main())
