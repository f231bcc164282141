"""Calls of a script: words to arguments, results to verdicts."""

import ctypes as c
import errno
import os
import socket

from .messages import Message, Pieces
from .names import NAMES
from .values import ELLIPSIS, ValueFault, value, values

AF_UNSPEC = 0


class Failure(Exception):
    """The first difference."""


def name_octets(address, port, mapped=False):
    """A struct sockaddr; `mapped`: of AF_INET6, an IPv4 address in it (RFC 4291 2.5.5.2)."""
    if ":" in address or mapped:
        packed = socket.inet_pton(socket.AF_INET6, f"::ffff:{address}" if mapped else address)
        return (NAMES["AF_INET6"].to_bytes(2, "little") + port.to_bytes(2, "big") + bytes(4) +
                packed + bytes(4))
    return (NAMES["AF_INET"].to_bytes(2, "little") + port.to_bytes(2, "big") +
            socket.inet_pton(socket.AF_INET, address) + bytes(8))


class Calls:
    """The calls on one Shim. Descriptors of scripts are theirs; `live` says which are ours."""

    def __init__(self, shim, sockets, version, tolerance):
        self.shim, self.sockets, self.live = shim, sockets, {}
        self.mapped = version == "ipv4-mapped-ipv6"
        self.domain = NAMES["AF_INET" if version == "ipv4" else "AF_INET6"]
        self.tolerance, self.files = tolerance, set()

    def fd(self, script):
        if script < 0:
            return script
        return self.live.get(script, script + 100000)   # one that is not open is EBADF

    def expect(self, parts, result, error):
        want, name = parts["result"], parts["errno"]
        if want in ("?", "..."):
            return
        want = value(want)
        got = errno.errorcode.get(error, "") if result < 0 else ""
        if result != want or (name and NAMES.get(name) != error and result < 0):
            raise Failure(f"{parts['name']}: expected {want} {name or ''}".rstrip() +
                          f", got {result} {got}".rstrip())

    def run(self, parts):
        method = getattr(self, "do_" + parts["name"], None)
        if method is None:
            raise Failure(f"this runner does not know the call {parts['name']}")
        try:
            method(parts, *values(parts["words"]))
        except ValueFault as fault:
            raise Failure(f"{parts['name']}: {fault}") from None

    def call(self, parts, name, *words):
        result, error = self.shim.call(name, *words)
        self.expect(parts, result, error)
        return result

    # ---- sockets ----

    def opened(self, parts, result, error):
        """The script's number of a new descriptor; None if none was made, as the script says."""
        script = value(parts["result"])
        if result < 0 or script < 0:
            self.expect(parts, result, error)
            return None
        self.live[script] = result
        return script

    def do_socket(self, parts, domain, kind, protocol):
        domain = self.domain if domain is ELLIPSIS else domain
        result, error = self.shim.call("socket", domain, kind, protocol)
        script = self.opened(parts, result, error)
        if script is not None:
            udp = kind & 15 == NAMES["SOCK_DGRAM"]
            self.sockets.made(script, result, "udp" if udp else "tcp")

    def name(self, given, address, port):
        """`...` is the connection's; a struct of the script is what it says."""
        if isinstance(given, dict):
            return name_octets(given.get("sin_addr", given.get("sin6_addr")),
                               given.get("sin_port", given.get("sin6_port")))
        if isinstance(given, int):
            return given.to_bytes(2, "little") + bytes(26)
        return name_octets(address, port, self.mapped)

    def do_bind(self, parts, fd, given, _):
        name = self.name(given, self.sockets.local, self.sockets.bind_port)
        self.call(parts, "bind", self.fd(fd), name, len(name))

    def do_listen(self, parts, fd, backlog):
        result = self.call(parts, "listen", self.fd(fd), backlog)
        if result == 0:
            self.sockets.listens(fd)

    def do_accept(self, parts, fd, *_):
        name, length = c.create_string_buffer(28), c.c_uint(28)
        result, error = self.shim.call("accept", self.fd(fd), c.addressof(name),
                                       c.addressof(length))
        script = self.opened(parts, result, error)
        if script is not None:
            self.sockets.accepted(script, result, int.from_bytes(name.raw[2:4], "big"))

    def do_connect(self, parts, fd, given=ELLIPSIS, _=None):
        if given != AF_UNSPEC:
            self.sockets.connects(fd)
        name = self.name(given, self.sockets.remote, self.sockets.connect_port)
        self.call(parts, "connect", self.fd(fd), name, len(name))

    def do_close(self, parts, fd):
        if fd in self.files:
            self.files.discard(fd)
            os.close(self.live.pop(fd))
            return
        result, error = self.shim.call("close", self.fd(fd))
        self.live.pop(fd, None)
        self.sockets.closed(fd)
        self.expect(parts, result, error)

    def do_shutdown(self, parts, fd, how):
        self.call(parts, "shutdown", self.fd(fd), how)

    def do_fcntl(self, parts, fd, command, flags=0):
        self.call(parts, "fcntl", self.fd(fd), command, flags)

    def do_ioctl(self, parts, fd, request, given=None):
        cell = c.c_int(0)
        want = given[0] if given else None
        cell.value = want if request == NAMES["FIONBIO"] else 0
        self.call(parts, "ioctl", self.fd(fd), request, c.addressof(cell))
        if want is not None and cell.value != want:
            raise Failure(f"ioctl: expected [{want}], got [{cell.value}]")

    # ---- text ----

    def do_read(self, parts, fd, _, n):
        room = c.create_string_buffer(max(n, 1))
        self.call(parts, "read", self.fd(fd), c.addressof(room), n)

    def do_recv(self, parts, fd, given, n, flags):
        room = c.create_string_buffer(max(n, 1))
        address = None if given == 0 else c.addressof(room)
        self.call(parts, "recv", self.fd(fd), address, n, flags)

    def do_recvfrom(self, parts, fd, _, n, flags, *__):
        room, name, length = c.create_string_buffer(max(n, 1)), c.create_string_buffer(28), \
            c.c_uint(28)
        self.call(parts, "recvfrom", self.fd(fd), c.addressof(room), n, flags, c.addressof(name),
                  c.addressof(length))

    def do_readv(self, parts, fd, pieces, count):
        array = Pieces(pieces)
        self.call(parts, "readv", self.fd(fd), array.address(), count)

    def do_writev(self, parts, fd, pieces, count):
        array = Pieces(pieces)
        self.call(parts, "writev", self.fd(fd), array.address(), count)

    def do_recvmsg(self, parts, fd, described, flags):
        message = Message(described, False)
        result = self.call(parts, "recvmsg", self.fd(fd), message.address(), flags)
        wrong = message.difference(self.shim.begin, self.tolerance) if result >= 0 else None
        if wrong:
            raise Failure(f"recvmsg: {wrong}")

    def do_write(self, parts, fd, given, n):
        text = given if isinstance(given, bytes) else bytes(n)
        self.call(parts, "write", self.fd(fd), text, n)

    def do_send(self, parts, fd, _, n, flags):
        self.call(parts, "send", self.fd(fd), bytes(n), n, flags)

    def do_sendto(self, parts, fd, _, n, flags, given, __):
        if given != AF_UNSPEC:
            self.sockets.connects(fd)
        name = self.name(given, self.sockets.remote, self.sockets.connect_port)
        self.call(parts, "sendto", self.fd(fd), bytes(n), n, flags, name, len(name))

    def do_sendmsg(self, parts, fd, described, flags):
        message = Message(described, True)
        if flags & NAMES["MSG_FASTOPEN"]:
            self.sockets.connects(fd)
            name = self.name(ELLIPSIS, self.sockets.remote, self.sockets.connect_port)
            c.memmove(message.name, name, len(name))
            message.header.name_length = len(name)
        else:
            message.header.name = None
        self.call(parts, "sendmsg", self.fd(fd), message.address(), flags)

    def do_sendfile(self, parts, out, source, offset, n):
        """The interface has no such call: what a kernel does, by a read and a send."""
        text = os.pread(self.live[source], n, offset[0]) if source in self.files else b""
        self.call(parts, "send", self.fd(out), text, len(text), 0)

    def do_open(self, parts, path, flags, *mode):
        fd = os.open(path.decode(), flags, *mode)
        script = value(parts["result"])
        self.live[script] = fd
        self.files.add(script)

    def do_pipe(self, parts, wanted):
        pair = (c.c_int * 2)()
        if self.call(parts, "pipe", c.addressof(pair)) == 0:
            self.live.update(zip(wanted, pair))

    def do_splice(self, parts, source, at, out, at_out, n, flags):
        if at or at_out:
            raise Failure("splice: neither a pipe nor a socket has places")
        self.call(parts, "splice", self.fd(source), None, self.fd(out), None, n, flags)

    def do_cap_set(self, parts, *_):
        """Who may do what is no matter of this stack: all may."""
        self.expect(parts, 0, 0)

    # ---- options ----

    def value_of(self, given):
        """The octets of a value: [4], a string, or {onoff=1, linger=0}."""
        if isinstance(given, dict):
            given = list(given.values())
        if isinstance(given, (bytes, str)):
            return given if isinstance(given, bytes) else socket.inet_pton(socket.AF_INET6, given)
        return b"".join((number & 0xffffffff).to_bytes(4, "little") for number in given)

    def do_setsockopt(self, parts, fd, level, option, given, length):
        octets = self.value_of(given)
        octets += bytes(max(length - len(octets), 0))
        self.call(parts, "setsockopt", self.fd(fd), level, option, octets, length)

    def do_getsockopt(self, parts, fd, level, option, given, length):
        room, size = c.create_string_buffer(512), c.c_uint(length[0])
        result = self.call(parts, "getsockopt", self.fd(fd), level, option, c.addressof(room),
                           c.addressof(size))
        if result < 0 or given is ELLIPSIS or given == [ELLIPSIS]:
            return
        want, got = self.value_of(given), room.raw[:size.value]
        if want != got:
            shown = int.from_bytes(got[:4], "little", signed=True)
            if level == NAMES["SOL_SOCKET"] and option == NAMES["SO_ERROR"]:
                shown, given = errno.errorcode.get(shown, shown), [
                    errno.errorcode.get(number, number) for number in given]
            raise Failure(f"getsockopt: expected {given}, got [{shown}]")

    # ---- readiness ----

    def do_poll(self, parts, fds, n, timeout):
        array = b"".join((self.fd(f["fd"]) & 0xffffffff).to_bytes(4, "little") +
                         f["events"].to_bytes(2, "little") + bytes(2) for f in fds)
        room = c.create_string_buffer(array, max(len(array), 1))
        self.call(parts, "poll", c.addressof(room), n, timeout)
        for i, f in enumerate(fds):
            got = int.from_bytes(room.raw[8 * i + 6:8 * i + 8], "little")
            if got != f.get("revents", 0):
                raise Failure(f"poll: descriptor {f['fd']} has {got:#x}, "
                              f"expected {f.get('revents', 0):#x}")

    def do_epoll_create(self, parts, size):
        self.opened(parts, *self.shim.call("epoll_create", size))

    def event_of(self, given):
        """struct epoll_event, which is packed on x86-64: events, then 8 octets that are the
        program's."""
        data = self.fd(given["fd"]) if "fd" in given else \
            next((given[name] for name in ("ptr", "u32", "u64") if name in given), 0)
        return given["events"].to_bytes(4, "little") + (data & 2**64 - 1).to_bytes(8, "little")

    def do_epoll_ctl(self, parts, epfd, operation, fd, given):
        event = self.event_of(given) if isinstance(given, dict) else bytes(12)
        room = c.create_string_buffer(event, 12)
        self.call(parts, "epoll_ctl", self.fd(epfd), operation, self.fd(fd), c.addressof(room))

    def do_epoll_wait(self, parts, epfd, given, most, timeout):
        room = c.create_string_buffer(12 * max(most, 1))
        n = self.call(parts, "epoll_wait", self.fd(epfd), c.addressof(room), most, timeout)
        wants = given if isinstance(given, list) else [given]
        for i, want in enumerate(wants[:max(n, 0)]):
            got, expected = room.raw[12 * i:12 * i + 12], self.event_of(want)
            if got != expected:
                raise Failure(f"epoll_wait: got events {int.from_bytes(got[:4], 'little'):#x}, "
                              f"expected {want['events']:#x}")
