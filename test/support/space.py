"""Network namespaces beside the test's own: a test's process holds each by a descriptor, and with
the last descriptor a namespace ends, and so do the devices in it."""

import contextlib
import os
import socket

import kernel as k


@contextlib.contextmanager
def home():
    """Whatever is entered inside, this process comes back to where it is now."""
    fd = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        yield
    finally:
        k.LIBC.setns(fd, k.CLONE_NEWNET)
        os.close(fd)


class Space:
    """A network namespace, kept by a descriptor of this process."""

    def __init__(self):
        with home():
            k.check("a namespace", k.LIBC.unshare(k.CLONE_NEWNET) == 0)
            self.fd = os.open("/proc/self/ns/net", os.O_RDONLY)
            k.ip("link", "set", "lo", "up")
        self.path = f"/proc/{os.getpid()}/fd/{self.fd}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        os.close(self.fd)

    @contextlib.contextmanager
    def inside(self):
        with home():
            k.check("entering", k.LIBC.setns(self.fd, k.CLONE_NEWNET) == 0)
            yield

    def devices(self):
        with self.inside():
            return {name for _, name in socket.if_nameindex()} - {"lo"}

    def udp(self, address, family=socket.AF_INET):
        with self.inside():
            s = socket.socket(family, socket.SOCK_DGRAM)
        s.settimeout(k.PATIENCE_S)
        s.bind((address, 7000))
        return s
