"""Calls of a script: words to arguments, results to verdicts."""

import ctypes as c
import errno
import re
import select
import socket

CONSTANTS = {name: value for module in (socket, select) for name, value in vars(module).items()
             if re.match(r"(AF|SOCK|SOL|SO|IPPROTO|TCP|IP|IPV6|MSG|SHUT|E?POLL)[A-Z0-9_]*$", name)
             and isinstance(value, int)}
CONSTANTS = {name: int(value) for name, value in CONSTANTS.items()}
CONSTANTS.update(
    O_RDWR=2, O_RDONLY=0, O_WRONLY=1, O_NONBLOCK=0o4000, F_GETFL=3, F_SETFL=4, F_GETFD=1,
    F_SETFD=2, FIONREAD=0x541b, SIOCINQ=0x541b, SIOCOUTQ=0x5411, TIOCOUTQ=0x5411, FIONBIO=0x5421,
    SIOCOUTQNSD=0x894b, SOL_TCP=6, SOL_IP=0, SOL_IPV6=41, IPTOS_DSCP_CS1=0x20, IPTOS_DSCP_CS7=0xe0,
    TCP_FASTOPEN=23, TCP_FASTOPEN_CONNECT=30, TCP_FASTOPEN_KEY=33, TCP_NOTSENT_LOWAT=25,
    TCP_NOOPT=-8, MSG_FASTOPEN=0x20000000, MSG_ZEROCOPY=0x4000000, IPV6_UNICAST_HOPS=16)


class Failure(Exception):
    """The first difference."""


def number(word):
    """A number, a name, or names between bars."""
    total = 0
    for part in word.split("|"):
        part = part.strip().strip("()")
        if re.fullmatch(r"-?(0x[0-9a-fA-F]+|\d+)", part):
            total |= int(part, 16) if "x" in part else int(part, 8 if re.match("0[0-7]", part)
                                                           else 10)
        elif part in CONSTANTS:
            total |= CONSTANTS[part]
        elif hasattr(errno, part):
            total |= getattr(errno, part)
        else:
            raise Failure(f"this runner does not know {part}")
    return total


def name_octets(address, port):
    """A struct sockaddr."""
    if ":" in address:
        return (socket.AF_INET6.to_bytes(2, "little") + port.to_bytes(2, "big") + bytes(4) +
                socket.inet_pton(socket.AF_INET6, address) + bytes(4))
    return (int(socket.AF_INET).to_bytes(2, "little") + port.to_bytes(2, "big") +
            socket.inet_pton(socket.AF_INET, address) + bytes(8))


class Calls:
    """The calls on one Shim. Descriptors of scripts are theirs; `live` says which are ours."""

    def __init__(self, shim, ends):
        self.shim, self.ends, self.live = shim, ends, {}
        self.under_test = None

    def fd(self, word):
        script = int(word)
        return self.live.get(script, script + 100000)   # one that is not open is EBADF

    def expect(self, parts, result, error):
        want, name = parts["result"], parts["errno"]
        if want == "?":
            return
        want = number(want)
        got = errno.errorcode.get(error, "") if result < 0 else ""
        if result != want or (name or "") != got:
            raise Failure(f"{parts['name']}: expected {want} {name or ''}".rstrip() +
                          f", got {result} {got}".rstrip())

    def run(self, parts):
        """Makes the call; afterwards `expect` is what remains. Returns the verdict as a closure
        so that a call in a thread is judged by the main thread."""
        method = getattr(self, "do_" + parts["name"], None)
        if method is None:
            raise Failure(f"this runner does not know the call {parts['name']}")
        return method(parts, *parts["words"])

    # ---- sockets ----

    def opened(self, parts, result, error):
        if result >= 0:
            script = number(parts["result"])
            self.live[script] = result
            self.under_test = result
            return
        self.expect(parts, result, error)

    def do_socket(self, parts, domain, kind, protocol):
        family = (socket.AF_INET6 if self.ends.six else socket.AF_INET) if domain == "..." \
            else number(domain)
        self.opened(parts, *self.shim.call("socket", family, number(kind), number(protocol)))

    def do_bind(self, parts, fd, *_):
        name = name_octets(self.ends.local[0], self.ends.bind_port)
        self.expect(parts, *self.shim.call("bind", self.fd(fd), name, len(name)))

    def do_listen(self, parts, fd, backlog):
        self.ends.listens()
        self.expect(parts, *self.shim.call("listen", self.fd(fd), number(backlog)))

    def do_accept(self, parts, fd, *_):
        name, length = c.create_string_buffer(28), c.c_uint(28)
        self.opened(parts, *self.shim.call("accept", self.fd(fd), c.addressof(name),
                                           c.addressof(length)))

    def do_connect(self, parts, fd, *_):
        self.ends.connects()
        name = name_octets(*self.ends.remote)
        self.expect(parts, *self.shim.call("connect", self.fd(fd), name, len(name)))

    def do_close(self, parts, fd):
        result = self.shim.call("close", self.fd(fd))
        if self.under_test == self.live.pop(int(fd), None) and self.live:
            self.under_test = list(self.live.values())[-1]
        self.expect(parts, *result)

    def do_shutdown(self, parts, fd, how):
        self.expect(parts, *self.shim.call("shutdown", self.fd(fd), number(how)))

    def do_fcntl(self, parts, fd, command, flags="0"):
        self.expect(parts, *self.shim.call("fcntl", self.fd(fd), number(command), number(flags)))

    def do_ioctl(self, parts, fd, request, value):
        want, cell = number(value.strip("[]")), c.c_int(0)
        cell.value = want if request == "FIONBIO" else 0
        self.expect(parts, *self.shim.call("ioctl", self.fd(fd), number(request),
                                           c.addressof(cell)))
        if cell.value != want:
            raise Failure(f"ioctl {request}: expected [{want}], got [{cell.value}]")

    # ---- text ----

    def do_read(self, parts, fd, _, n):
        room = c.create_string_buffer(max(number(n), 1))
        self.expect(parts, *self.shim.call("read", self.fd(fd), room, number(n)))

    def do_recv(self, parts, fd, _, n, flags):
        room = c.create_string_buffer(max(number(n), 1))
        self.expect(parts, *self.shim.call("recv", self.fd(fd), room, number(n), number(flags)))

    def do_recvfrom(self, parts, fd, _, n, flags, *__):
        self.do_recv(parts, fd, _, n, flags)

    def do_write(self, parts, fd, _, n):
        text = bytes(number(n))
        self.expect(parts, *self.shim.call("write", self.fd(fd), text, len(text)))

    def do_send(self, parts, fd, _, n, flags):
        text = bytes(number(n))
        self.expect(parts, *self.shim.call("send", self.fd(fd), text, len(text), number(flags)))

    def do_sendto(self, parts, fd, _, n, flags, *__):
        text, name = bytes(number(n)), name_octets(*self.ends.remote)
        self.expect(parts, *self.shim.call("sendto", self.fd(fd), text, len(text), number(flags),
                                           name, len(name)))

    # ---- options ----

    def value_of(self, option, words):
        """The octets of a value: [4], a string, or {onoff=1, linger=0}."""
        inside = words.strip("[]{} ")
        if "=" in inside:
            numbers = [number(part.split("=")[1]) for part in inside.split(",")]
        elif inside.startswith('"'):
            return inside.strip('"').encode()
        else:
            numbers = [number(part) for part in inside.split(",")]
        return b"".join(n.to_bytes(4, "little", signed=n < 0) for n in numbers)

    def do_setsockopt(self, parts, fd, level, option, value, length):
        octets = self.value_of(option, value)
        self.expect(parts, *self.shim.call("setsockopt", self.fd(fd), number(level),
                                           number(option), octets, number(length)))

    def do_getsockopt(self, parts, fd, level, option, value, length):
        room, size = c.create_string_buffer(256), c.c_uint(number(length.strip("[]")))
        result, error = self.shim.call("getsockopt", self.fd(fd), number(level), number(option),
                                       c.addressof(room), c.addressof(size))
        self.expect(parts, result, error)
        if result < 0 or "..." in value:
            return
        want, got = self.value_of(option, value), room.raw[:size.value]
        if want != got:
            shown = int.from_bytes(got[:4], "little", signed=True)
            if option == "SO_ERROR":
                shown = errno.errorcode.get(shown, shown)
            raise Failure(f"getsockopt {option}: expected {value}, got [{shown}]")

    def do_poll(self, parts, fds, n, timeout):
        wants = re.findall(r"fd\s*=\s*(\d+)\s*,\s*events\s*=\s*([A-Z_|0-9 ]+),"
                           r"\s*revents\s*=\s*([A-Z_|0-9 ]+)", fds)
        array = b"".join(self.fd(fd).to_bytes(4, "little") + number(events).to_bytes(2, "little") +
                         bytes(2) for fd, events, _ in wants)
        room = c.create_string_buffer(array, max(len(array), 1))
        self.expect(parts, *self.shim.call("poll", c.addressof(room), number(n), number(timeout)))
        for i, (fd, _, revents) in enumerate(wants):
            got = int.from_bytes(room.raw[8 * i + 6:8 * i + 8], "little")
            if got != number(revents):
                raise Failure(f"poll: descriptor {fd} has {got:#x}, expected {revents.strip()}")
