#!/usr/bin/env python3
# timeout: 900
"""Transfers between lastack and the Linux kernel, over TUN and TAP, with and without offloads, in
both roles and both directions, hashes compared. LASTACK_KERNEL_MB=1024 makes them a gigabyte."""

import hashlib
import pathlib
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import kernel as k

SIZE = {"tun": k.megabytes(256) << 20, "tap": k.megabytes(256) << 20,
        "tun-plain": k.megabytes(32) << 20, "tap-plain": k.megabytes(32) << 20}
DATA = k.pattern("transfer", max(SIZE.values()))


class Sender(threading.Thread):
    """sendall beside whatever the test does; then the end of this half."""

    def __init__(self, s, data):
        super().__init__(daemon=True)
        self.s, self.data = s, data
        self.start()

    def run(self):
        self.s.sendall(self.data)
        self.s.shutdown(1)


def data_for(link):
    return memoryview(DATA)[:SIZE[link]]


def download_from_host(link):
    """The kernel connects and fetches: an HTTP file."""
    data = data_for(link)
    with tempfile.TemporaryDirectory(prefix="lastack-test-") as folder:
        pathlib.Path(folder, "file").write_bytes(data)
        with k.Host(link, "--http", folder) as host:
            curl = subprocess.Popen(["curl", "-sS", f"http://{k.OURS}/file"],
                                    stdout=subprocess.PIPE)
            sha = hashlib.file_digest(curl.stdout, "sha256").hexdigest()
            k.check("curl succeeds", curl.wait() == 0)
            k.check("the file is whole", sha == k.digest(data))
            host.stop()


def upload_to_nc(link):
    """The kernel connects and sends; lastack listens."""
    data = data_for(link)
    with tempfile.TemporaryFile() as out, \
            k.Nc(link, "-l", 5000, stdin=subprocess.DEVNULL, stdout=out) as nc:
        with k.connect(5000) as s:
            Sender(s, data).join()
            k.check("nothing comes back", s.recv(1) == b"")
        nc.wait("upload")
        out.seek(0)
        k.check("what arrived is whole", hashlib.file_digest(out, "sha256").hexdigest()
                == k.digest(data))


def echo(link):
    """Both directions of one connection at once, the kernel connecting."""
    data = data_for(link)
    with k.Host(link, "--echo") as host, k.connect(7) as s:
        sender = Sender(s, data)
        sha, size = k.receive_all(s)
        sender.join()
        k.check("the echo is whole", (sha, size) == (k.digest(data), len(data)), size)
        host.stop()


def nc_both_ways(link):
    """lastack connects; both send at once, and each half ends by itself."""
    data = data_for(link)
    with k.listen() as listener, tempfile.TemporaryFile() as source, \
            tempfile.TemporaryFile() as out:
        source.write(data)
        source.seek(0)
        with k.Nc(link, k.KERNEL, listener.getsockname()[1], stdin=source, stdout=out) as nc:
            s, _ = listener.accept()
            with s:
                s.settimeout(k.PATIENCE_S)
                sender = Sender(s, data)
                sha, size = k.receive_all(s)
                sender.join()
            k.check("what lastack sent is whole", (sha, size) == (k.digest(data), len(data)))
            nc.wait("both ways")
        out.seek(0)
        k.check("what lastack got is whole",
                hashlib.file_digest(out, "sha256").hexdigest() == k.digest(data))


def several_at_once(link):
    """Downloads, uploads and echoes share the link."""
    data = data_for(link)[:SIZE[link] // 8]
    with tempfile.TemporaryDirectory(prefix="lastack-test-") as folder:
        pathlib.Path(folder, "file").write_bytes(data)
        with k.Host(link, "--http", folder, "--echo") as host:
            fetches = [subprocess.Popen(["curl", "-sS", f"http://{k.OURS}/file"],
                                        stdout=subprocess.PIPE) for _ in range(3)]
            results = []

            def drain(fetch):
                results.append(hashlib.file_digest(fetch.stdout, "sha256").hexdigest())

            readers = [threading.Thread(target=drain, args=(f,), daemon=True) for f in fetches]
            for reader in readers:
                reader.start()
            for _ in range(2):
                with k.connect(7) as s:
                    sender = Sender(s, data)
                    k.check("the echo is whole", k.receive_all(s)[0] == k.digest(data))
                    sender.join()
            for reader in readers:
                reader.join()
            k.check("all files are whole", results == [k.digest(data)] * 3)
            k.check("curl succeeds", [f.wait() for f in fetches] == [0, 0, 0])
            host.stop()


def with_little_memory(link):
    """16 slabs in all, and a window of 2 MiB: text fills them again and again, packets are lost for
    want of room, and still both ends never wait for each other for ever."""
    data = data_for(link)[:2 << 20]
    with k.Host(link, "--echo", "--slabs", 16, "--connections", 64) as host, k.connect(7) as s:
        sender = Sender(s, data)
        k.check("the echo is whole", k.receive_all(s) == (k.digest(data), len(data)))
        sender.join()
        k.check("all of it was in use", host.pools()["slabs"]["peak"] == 16, host.pools())
        host.stop()


def cases():
    for link in k.LINKS:
        for test in (download_from_host, upload_to_nc, echo, nc_both_ways, several_at_once,
                     with_little_memory):
            def case(test=test, link=link):
                test(link)
            case.__name__ = f"{test.__name__}.{link}"
            yield case


if __name__ == "__main__":
    sys.exit(k.run(list(cases()), sys.argv[1:]))
