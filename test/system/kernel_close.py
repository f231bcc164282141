#!/usr/bin/env python3
# timeout: 600
"""How connections between lastack and the Linux kernel begin and end: every state of both ends,
half-close and reset each way, nobody there, a shut window, a dead peer. The kernel's view is ss's,
ours is netstat's, and they must agree at each point. What does not take long is done over IPv6 as
well."""

import contextlib
import errno
import os
import pathlib
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import kernel as k

SHORT_MSL_S = 3                 # long enough to be seen by a slow machine
SHORT_MSL = ["--msl", SHORT_MSL_S]


def port_of(s):
    return s.getsockname()[1]


def kernel_closes_first():
    """The kernel is the active closer: echo answers its FIN with ours, and has no TIME-WAIT."""
    with k.Host("tun", "--echo") as host:
        s = k.connect(7)
        port = port_of(s)
        s.sendall(b"all of it")
        k.check("echo", s.recv(100) == b"all of it")
        k.agree("open", host, port, "ESTAB", "ESTABLISHED")
        s.shutdown(socket.SHUT_WR)
        k.check("the end comes back", s.recv(1) == b"")
        s.close()
        k.agree("closed", host, port, "TIME-WAIT", None)
        host.stop()


def lastack_closes_first():
    """lastack is the active closer: it passes FIN-WAIT-2 and lingers in TIME-WAIT for 2 MSL."""
    with k.listen() as listener, k.Nc("tun", k.KERNEL, port_of(listener)) as nc:
        port = port_of(listener)
        s, _ = listener.accept()
        k.agree("open", nc, port, "ESTAB", "ESTABLISHED")
        nc.process.stdin.write(b"question")
        nc.process.stdin.close()
        k.check("the text comes, then the end", k.receive_all(s)[1] == 8)
        k.agree("half closed", nc, port, "CLOSE-WAIT", "FIN-WAIT-2")
        s.sendall(b"answer")
        k.check("the other half still carries", nc.process.stdout.read(6) == b"answer")
        k.agree("half closed for long", nc, port, "CLOSE-WAIT", "FIN-WAIT-2")
        s.close()
        nc.wait("both halves have ended")


def time_wait_is_ours():
    """HTTP/1.0: the server closes first, and the client's side is free at once."""
    with k.Host("tun", "--http", "/usr/share", *SHORT_MSL) as host:
        s = k.connect(80)
        port = port_of(s)
        s.sendall(b"GET /nothing HTTP/1.0\r\n\r\n")
        k.check("an answer, then the end", k.receive_all(s)[1] > 0)
        k.agree("the server has closed", host, port, "CLOSE-WAIT", "FIN-WAIT-2")
        s.close()
        k.agree("both have closed", host, port, None, "TIME-WAIT")
        answer = k.control(host.path, "sockets")
        row = next(s for s in answer["sockets"] if s["state"] == "TIME-WAIT")
        left = row["timer_due_ns"] - answer["now_ns"]
        k.check("it waits at most 2 MSL", row["timer"] and left <= 2 * SHORT_MSL_S * 10**9, row)
        k.agree("2 MSL later", host, port, None, None)
        host.stop()


def kernel_half_closes():
    """The kernel has nothing more to say: we stay in CLOSE-WAIT for as long as we send."""
    with k.Nc("tun", "-l", 5001) as nc:
        s = k.connect(5001)
        s.sendall(b"that is all")
        s.shutdown(socket.SHUT_WR)
        k.check("the text, and the end of output",
                nc.process.stdout.read() == b"that is all")
        k.agree("their half has ended", nc, 5001, "FIN-WAIT-2", "CLOSE-WAIT")
        k.check("we have read the end", "eof_read" in nc.find(local=5001)["flag_names"])
        for i in range(3):
            nc.process.stdin.write(b"still here %d" % i)
            nc.process.stdin.flush()
            k.check("our half carries", s.recv(100) == b"still here %d" % i)
        k.agree("still", nc, 5001, "FIN-WAIT-2", "CLOSE-WAIT")
        nc.process.stdin.close()
        k.check("now ours has, too", s.recv(1) == b"")
        nc.wait("both halves have ended")
        s.close()


def simultaneous_close():
    """Both close at once, many times over: whoever wins, both ends come to rest."""
    with k.Host("tun", "--http", "/usr/share", "--msl", "0.5") as host:
        for _ in range(200):
            s = k.connect(80)
            s.sendall(b"GET /nothing HTTP/1.0\r\n\r\n")
            s.shutdown(socket.SHUT_WR)
            k.check("an answer all the same", k.receive_all(s)[1] > 0)
            s.close()
        k.until("nothing of ours is left",
                lambda: all(s["state"] == "LISTEN" for s in host.sockets()))
        host.stop()


def kernel_resets():
    """Linger 0: a RST, and our connection is gone at once."""
    with k.Host("tun", "--echo") as host:
        s = k.connect(7)
        port = port_of(s)
        s.sendall(b"x")
        k.check("echo", s.recv(1) == b"x")
        k.close_with_reset(s)
        k.agree("reset", host, port, None, None)
        host.stop()


def kernel_resets_nc():
    """The reset is what nc reports, and its exit status."""
    with k.listen() as listener, k.Nc("tun", k.KERNEL, port_of(listener)) as nc:
        s, _ = listener.accept()
        k.agree("open", nc, port_of(listener), "ESTAB", "ESTABLISHED")
        k.close_with_reset(s)
        nc.wait("reset", 1)
        k.check("it says why", "reset" in nc.errors(), nc.errors())


def kernel_resets_by_unread_data():
    """The kernel closes with our text unread: RST (RFC 2525 2.17)."""
    with k.listen() as listener, k.Nc("tun", k.KERNEL, port_of(listener)) as nc:
        s, _ = listener.accept()
        nc.process.stdin.write(b"never read")
        nc.process.stdin.flush()
        k.until("it has arrived", lambda: s.recv(100, socket.MSG_PEEK))
        s.close()
        nc.wait("reset by unread data", 1)
        k.check("it says why", "reset" in nc.errors(), nc.errors())


def lastack_resets():
    """An operator stops the host: its peers hear a RST, not silence."""
    with k.Host("tun", "--echo") as host:
        s = k.connect(7)
        s.sendall(b"x")
        k.check("echo", s.recv(1) == b"x")
        host.stop()
        try:
            k.check("nothing comes", not s.recv(1))
            raise AssertionError("the peer saw an orderly end")
        except ConnectionResetError:
            pass
        s.close()


def lastack_resets_when_interrupted():
    """Interrupted between its peer's text and the end: nobody will read on; the peer is told."""
    with k.Nc("tun", "-l", 5002) as nc:
        s = k.connect(5002)
        s.sendall(b"x" * 100000)
        k.until("it has arrived", lambda: nc.find(local=5002)["octets_in"] == 100000)
        nc.process.terminate()
        nc.wait("interrupted", 128 + 15)
        try:
            while s.recv(1000):
                pass
            raise AssertionError("the peer saw an orderly end")
        except ConnectionResetError:
            pass
        s.close()


def our_fin_waits_behind_a_shut_window():
    """RFC 9293 is in FIN-WAIT-1 from CLOSE on, though the FIN waits for the text before it."""
    text = k.pattern("behind", 1 << 20)
    with k.listen() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        port = port_of(listener)
        with k.Nc("tun", k.KERNEL, port) as nc:
            s, _ = listener.accept()
            s.settimeout(k.PATIENCE_S)
            nc.process.stdin.write(text)
            nc.process.stdin.close()
            k.agree("the FIN waits", nc, port, "ESTAB", "FIN-WAIT-1")
            k.check("text, then FIN", k.receive_all(s) == (k.digest(text), len(text)))
            k.agree("now it is acknowledged", nc, port, "CLOSE-WAIT", "FIN-WAIT-2")
            s.close()
            nc.wait("in order")


def our_last_fin_waits_behind_a_shut_window():
    text = k.pattern("behind", 1 << 20)
    with k.listen() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        port = port_of(listener)
        with k.Nc("tun", k.KERNEL, port) as nc:
            s, _ = listener.accept()
            s.settimeout(k.PATIENCE_S)
            s.shutdown(socket.SHUT_WR)
            k.agree("the peer has closed", nc, port, "FIN-WAIT-2", "CLOSE-WAIT")
            nc.process.stdin.write(text)
            nc.process.stdin.close()
            k.agree("so have we, behind the text", nc, port, "FIN-WAIT-2", "LAST-ACK")
            k.check("text, then FIN", k.receive_all(s) == (k.digest(text), len(text)))
            nc.wait("in order")
            s.close()


def fin_behind_our_shut_window(port, ours_first):
    text = k.pattern("behind", 1 << 19)
    reader, writer = os.pipe()
    with k.Nc("tun", "-l", port, "--buffer", 64, stdout=writer) as nc:
        os.close(writer)
        s = k.connect(port, SO_SNDBUF=1 << 20)
        if ours_first:
            nc.process.stdin.close()
            k.agree("we have closed", nc, port, "CLOSE-WAIT", "FIN-WAIT-2")
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        k.agree("the FIN waits", nc, port, "LAST-ACK" if ours_first else "FIN-WAIT-1",
                "FIN-WAIT-2" if ours_first else "ESTABLISHED")
        with os.fdopen(reader, "rb") as out:
            k.check("text, then the end", out.read() == text)
        if not ours_first:
            k.agree("now it is acknowledged", nc, port, "FIN-WAIT-2", "CLOSE-WAIT")
            nc.process.stdin.close()
        nc.wait("in order")
        s.close()


def kernel_fin_waits_behind_our_shut_window():
    """The same from the other side: our window is the one that is shut."""
    fin_behind_our_shut_window(5006, ours_first=False)


def kernel_last_fin_waits_behind_our_shut_window():
    fin_behind_our_shut_window(5007, ours_first=True)


def kernel_is_refused():
    with k.Host("tun", "--echo") as host:
        try:
            k.connect(8).close()
            raise AssertionError("somebody is there")
        except ConnectionRefusedError:
            pass
        host.stop()


def lastack_is_refused():
    with k.Nc("tun", k.KERNEL, 9, stdin=subprocess.DEVNULL) as nc:
        nc.wait("refused", 1)
        k.check("it says why", "refused" in nc.errors(), nc.errors())


def nobody_answers():
    """A black hole: the SYN is sent again and again, netstat says so, and -w ends it."""
    with k.Nc("tun", "-w", 8, k.NOBODY, 9, stdin=subprocess.DEVNULL) as nc:
        k.until("SYN-SENT", lambda: nc.state() == "SYN-SENT")
        row = k.until("the SYN is sent again",
                      lambda: (s := nc.find()) and s["retransmissions"] >= 2 and s)
        k.check("a timer says when next", row["timer"] and row["timer_due_ns"], row)
        k.check("nothing was ever heard", row["segments_in"] == 0, row)
        nc.wait("nobody", 1)
        k.check("it says why", "stopped answering" in nc.errors(), nc.errors())


def kernel_waits_for_nobody():
    """The kernel's SYN to an address that nobody has stays without an answer."""
    with k.Host("tun", "--echo") as host:
        s = socket.socket(k.family_of(k.NOBODY))
        s.setblocking(False)
        k.check("under way", s.connect_ex((k.NOBODY, 7777)) == errno.EINPROGRESS)
        k.until("SYN-SENT", lambda: k.kernel_states(7777) == ["SYN-SENT"])
        s.close()
        host.stop()


def kernel_shuts_its_window():
    """The kernel reads nothing: we stop at its zero window and probe; then all of it arrives."""
    with k.Host("tun", "--chargen") as host:
        s = k.connect(19, SO_RCVBUF=65536)
        port = port_of(s)
        row = k.until("the window is shut and probed", lambda: (r := host.find(peer=port)) and
                      r["snd_wnd_octets"] == 0 and r["backoffs"] >= 2 and r)
        k.check("by the persist timer", "persist" in row["timer"].lower(), row["timer"])
        k.agree("both hold on", host, port, "ESTAB", "ESTABLISHED")
        ring = b"".join(bytes(32 + (i + j) % 95 for j in range(72)) + b"\r\n" for i in range(95))
        ring, period, size = ring * 300, len(ring), 0
        while size < 20 << 20:
            data = s.recv(1 << 20)
            at = size % period
            k.check("the pattern goes on", data and ring[at:at + len(data)] == data, size)
            size += len(data)
        k.close_with_reset(s)
        host.stop()


def kernel_probes(port):
    out = subprocess.run(["ss", "-tanoH"], capture_output=True, text=True, check=True).stdout
    return any(f":{port}" in line and "timer:(persist" in line for line in out.splitlines())


def lastack_shuts_its_window():
    """Our program reads nothing: the kernel stops, and probes; then all of it arrives whole."""
    data = k.pattern("window", 16 << 20)
    reader, writer = os.pipe()
    with k.Nc("tun", "-l", 5003, "--buffer", 64, stdin=subprocess.DEVNULL, stdout=writer) as nc:
        os.close(writer)
        s = k.connect(5003)
        s.setblocking(False)
        sent = 0

        def send_more():
            nonlocal sent
            with contextlib.suppress(BlockingIOError):
                sent += s.send(data[sent:sent + (1 << 20)])
            return nc.find(local=5003)["rcv_wnd_octets"] == 0

        k.until("our window is shut", send_more)
        k.until("the kernel probes", lambda: kernel_probes(5003))
        k.agree("both hold on", nc, 5003, "CLOSE-WAIT", "FIN-WAIT-2")
        s.settimeout(k.PATIENCE_S)
        with os.fdopen(reader, "rb") as out:
            rest = threading.Thread(target=lambda: (s.sendall(data[sent:]),
                                                    s.shutdown(socket.SHUT_WR)), daemon=True)
            rest.start()
            k.check("all of it arrives", k.digest(out.read()) == k.digest(data))
            rest.join()
        nc.wait("after the window")
        s.close()


def kernel_keeps_alive():
    """The kernel probes an idle connection: we answer, so it lives."""
    with k.Host("tun", "--echo") as host:
        s = k.connect(7)
        for name, value in (("TCP_KEEPIDLE", 1), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", 9)):
            s.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        port = port_of(s)
        before = host.find(peer=port)["segments_in"]
        k.until("four probes have come",
                lambda: host.find(peer=port)["segments_in"] >= before + 4)
        k.agree("alive", host, port, "ESTAB", "ESTABLISHED")
        s.sendall(b"x")
        k.check("echo", s.recv(1) == b"x")
        s.close()
        host.stop()


def lastack_keeps_alive():
    """We probe an idle peer; when the link is dead, the connection ends by that."""
    with k.listen() as listener, \
            k.Nc("tun", "--keepalive", "1,1,3", k.KERNEL, port_of(listener)) as nc:
        s, _ = listener.accept()
        port = port_of(listener)
        k.agree("open", nc, port, "ESTAB", "ESTABLISHED")
        before = nc.find(peer=port)["segments_in"]
        k.until("three probes were answered",
                lambda: nc.find(peer=port)["segments_in"] >= before + 3)
        k.ip("address", "del", f"{k.KERNEL}/{k.LENGTH}", "dev", k.DEVICE)
        nc.wait("the peer is dead", 1)
        k.check("it says why", "stopped answering" in nc.errors(), nc.errors())
        s.close()


TESTS = [kernel_closes_first, lastack_closes_first, time_wait_is_ours, kernel_half_closes,
         simultaneous_close, kernel_resets, kernel_resets_nc, kernel_resets_by_unread_data,
         lastack_resets, lastack_resets_when_interrupted, our_fin_waits_behind_a_shut_window,
         our_last_fin_waits_behind_a_shut_window, kernel_fin_waits_behind_our_shut_window,
         kernel_last_fin_waits_behind_our_shut_window, kernel_is_refused, lastack_is_refused,
         nobody_answers, kernel_waits_for_nobody, kernel_shuts_its_window,
         lastack_shuts_its_window, kernel_keeps_alive, lastack_keeps_alive]

TESTS += map(k.also_over_ipv6, [
    kernel_closes_first, lastack_closes_first, kernel_half_closes, kernel_resets, kernel_resets_nc,
    kernel_resets_by_unread_data, lastack_resets, lastack_resets_when_interrupted,
    our_last_fin_waits_behind_a_shut_window, kernel_last_fin_waits_behind_our_shut_window,
    kernel_is_refused, lastack_is_refused, kernel_waits_for_nobody, kernel_shuts_its_window,
    lastack_shuts_its_window])

if __name__ == "__main__":
    sys.exit(k.run(TESTS, sys.argv[1:]))
