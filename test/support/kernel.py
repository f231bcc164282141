"""What the tests against the Linux kernel share: a network namespace of the test's own, a lastack
host or nc on a device in it, both ends' view of a connection, and patience.

Nothing is left behind: the namespace belongs to this process and ends with it, and so do the
devices in it. Without the rights for it a test is skipped (77) and says why."""

import contextlib
import ctypes
import hashlib
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("BUILD", SOURCE / "build/release"))
LASTACK = os.environ.get("LASTACK", str(BUILD / "lastack"))
IPV4, IPV6 = ("10.77.0.2", "10.77.0.1", "10.77.0.9", 24), ("fd77::2", "fd77::1", "fd77::9", 64)
OURS, KERNEL, NOBODY, LENGTH = IPV4      # or IPV6, within over_ipv6()
DEVICE = "lastackt0"
PATIENCE_S = float(os.environ.get("LASTACK_PATIENCE_S", "60"))
CLONE_NEWUSER, CLONE_NEWNET, PR_SET_PDEATHSIG = 0x10000000, 0x40000000, 1
LIBC = ctypes.CDLL(None, use_errno=True)
LINKS = {"tun": ["--tun", DEVICE], "tun-plain": ["--tun", DEVICE, "--plain"],
         "tap": ["--tap", DEVICE], "tap-plain": ["--tap", DEVICE, "--plain"]}


def megabytes(usual):
    """How much to transfer: LASTACK_KERNEL_MB=1024 is the whole gigabyte."""
    return int(os.environ.get("LASTACK_KERNEL_MB", usual))


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def enter_namespace():
    """This process gets a network of its own; as an ordinary user, in a user namespace."""
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNET if uid == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if LIBC.unshare(flags) != 0:
        skip(f"no network namespace for this user: {os.strerror(ctypes.get_errno())}")
    if uid != 0:
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        skip(f"/dev/net/tun: {error.strerror}")
    try:
        ip("link", "set", "lo", "up")
    except FileNotFoundError:
        skip("there is no ip command (iproute2)")


def end_with_parent():
    """In a child, before exec: whoever kills the test ends what it has started."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def enable_ipv6():
    """New devices of this namespace speak IPv6, and use their addresses at once; if it can be."""
    for setting in ("disable_ipv6", "accept_dad"):
        path = pathlib.Path("/proc/sys/net/ipv6/conf/default", setting)
        if not path.exists():
            return False
        path.write_text("0")
    return True


@contextlib.contextmanager
def over_ipv6():
    """Within it OURS, KERNEL and NOBODY are IPv6's, and so is all that is made of them."""
    global OURS, KERNEL, NOBODY, LENGTH
    OURS, KERNEL, NOBODY, LENGTH = IPV6
    try:
        yield
    finally:
        OURS, KERNEL, NOBODY, LENGTH = IPV4


def also_over_ipv6(test):
    """The same test in the other family, where the kernel has it."""
    def over():
        if not enable_ipv6():
            print("this kernel has no IPv6")
            return
        with over_ipv6():
            test()
    over.__name__ = f"{test.__name__}_over_ipv6"
    return over


def until(claim, condition, patience=PATIENCE_S):
    """Waits for it: the result that is true, or a failure that names the claim."""
    end = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"{claim}: not within {patience:.0f} s")
        time.sleep(0.005)


def check(claim, truth, *details):
    if not truth:
        raise AssertionError(" ".join([claim, *map(str, details)]))


def control(path, request):
    """One question to a control socket."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(PATIENCE_S)
        s.connect(path)
        s.sendall(request.encode() + b"\n")
        with s.makefile("rb") as answer:
            line = answer.readline()
    if not line.endswith(b"\n"):
        raise ConnectionResetError(f"{path}: it ended before it had answered")
    return json.loads(line)


class Process:
    """A lastack command on a device of this namespace."""

    def __init__(self, command, link, words, peer=None, **popen):
        self.folder = tempfile.TemporaryDirectory(prefix="lastack-test-")
        self.path = os.path.join(self.folder.name, "control.sock")
        self.stderr = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [LASTACK, command, *LINKS[link], "--addr", f"{OURS}/{LENGTH}", "--peer",
             peer or KERNEL,
             "--control", self.path, *map(str, words)], stderr=self.stderr,
            preexec_fn=end_with_parent, **popen)

    def __enter__(self):
        try:
            self.begin()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def begin(self):
        """Waits until it is ready."""

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE_S)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if kind:
            print(self.errors(), end="")
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()
        self.stderr.close()
        self.folder.cleanup()

    def errors(self):
        self.stderr.seek(0)
        return self.stderr.read().decode()

    def sockets(self):
        """A command that has ended, or that ends while it is asked, has none."""
        try:
            return control(self.path, "sockets")["sockets"]
        except (FileNotFoundError, ConnectionError):
            self.process.wait(PATIENCE_S)
            return []

    def counters(self):
        return {c["name"]: c["value"] for c in control(self.path, "counters")["counters"]}

    def pools(self):
        return {p["name"]: p for p in control(self.path, "pools")["pools"]}

    def answers(self):
        """A socket that is bound refuses until it listens, and a command that ends cuts its answer
        short, so the path alone says too little."""
        try:
            control(self.path, "sockets")
        except (FileNotFoundError, ConnectionError):
            return False
        return True

    def find(self, local=None, peer=None):
        """Our end of the connection with these ports."""
        for s in self.sockets():
            if s["protocol"] == "tcp" and s["state"] != "LISTEN" and \
                    local in (None, s["local"]["port"]) and peer in (None, s["peer"]["port"]):
                return s
        return None

    def state(self, local=None, peer=None):
        found = self.find(local, peer)
        return found["state"] if found else None

    def netstat(self):
        """The sockets as `lastack netstat` tells them."""
        run = subprocess.run([LASTACK, "netstat", "--control", self.path, "--format", "json"],
                             capture_output=True, text=True, timeout=PATIENCE_S)
        check("netstat succeeds", run.returncode == 0, run.stderr)
        return json.loads(run.stdout)


class Host(Process):
    """`lastack host`, ready."""

    def __init__(self, link, *words):
        super().__init__("host", link, words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def begin(self):
        line = self.process.stdout.readline().decode()
        if "ready" not in line:
            self.process.wait()
            raise AssertionError(f"the host is not ready: {line}")

    def stop(self, number=signal.SIGTERM):
        """Ends it as an operator would; nothing may be left of it."""
        self.process.send_signal(number)
        check("a signal ends the host with status 0", self.process.wait(PATIENCE_S) == 0,
              self.errors())
        check("the control socket is gone", not os.path.exists(self.path))
        links = subprocess.run(["ip", "link"], capture_output=True, text=True, check=True)
        check("the device is gone", DEVICE not in links.stdout)


class Nc(Process):
    """`lastack nc`; stdin and stdout are pipes unless told otherwise."""

    def __init__(self, link, *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options):
        self.listens = "-l" in words
        super().__init__("nc", link, words, stdin=stdin, stdout=stdout, **options)

    def begin(self):
        until("nc opens its control socket",
              lambda: self.answers() or self.process.poll() is not None)
        if self.listens:
            until("nc listens", lambda: self.process.poll() is not None
                  or any(s["state"] in ("LISTEN", None) for s in self.sockets()))

    def wait(self, claim, status=0):
        try:
            got = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{claim}: nc does not end; {self.sockets()}") from None
        check(f"{claim}: exit status", got == status, got, self.errors())


def kernel_states(port):
    """The kernel's own view of its connections with this port at either end."""
    run = subprocess.run(["ss", "-tanH"], capture_output=True, text=True, check=True)
    states = []
    for line in run.stdout.splitlines():
        state, _, _, local, peer = line.split()[:5]
        if state != "LISTEN" and f":{port}" in (local[local.rfind(":"):], peer[peer.rfind(":"):]):
            states.append(state)
    return states


def kernel_state(port):
    states = kernel_states(port)
    return states[0] if states else None


def agree(claim, process, port, kernel, ours):
    """Both ends stand where they should: the kernel's by ss, ours by netstat; None is gone."""
    def stand():
        return (kernel_state(port), process.state(local=port) or process.state(peer=port)) \
            == (kernel, ours)
    try:
        until(claim, stand)
    except AssertionError:
        raise AssertionError(f"{claim}: expected {kernel} and {ours}; the kernel says "
                             f"{kernel_states(port)}, lastack {process.sockets()}") from None
    told = [s["state"] for s in process.netstat()["sockets"]
            if port in (s["local"]["port"], s["peer"]["port"]) and s["state"] != "LISTEN"]
    check(f"{claim}: netstat", told == ([ours] if ours else []), told)


def pattern(seed, size):
    """Octets that do not repeat in step with anything: SHA-256 in counter mode, stretched."""
    block = b"".join(hashlib.sha256(f"{seed}/{i}".encode()).digest() for i in range(32768))
    parts, left = [], size
    for i in range(size // (len(block) - 1) + 1):
        parts.append(block[i % 97:][:left])
        left -= len(parts[-1])
        if left <= 0:
            break
    return b"".join(parts)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def connect(port, address=None, **options):
    s = socket.socket(family_of(address or OURS))
    s.settimeout(PATIENCE_S)
    for name, value in options.items():
        s.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    s.connect((address or OURS, port))
    return s


def listen(port=0, backlog=64):
    s = socket.socket(family_of(KERNEL))
    s.settimeout(PATIENCE_S)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", port))
    s.listen(backlog)
    return s


def receive_all(s):
    """Until the peer's FIN: the digest and the number of octets."""
    sha, size = hashlib.sha256(), 0
    while data := s.recv(1 << 20):
        sha.update(data)
        size += len(data)
    return sha.hexdigest(), size


def close_with_reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def run(tests, arguments):
    """Each test in turn, by name; the command line may choose some."""
    chosen = [t for t in tests if not arguments or t.__name__ in arguments]
    if not chosen:
        print("there is no such test; there are:", *(t.__name__ for t in tests))
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    enter_namespace()
    runtime = tempfile.TemporaryDirectory(prefix="lastack-test-")
    os.environ["XDG_RUNTIME_DIR"] = runtime.name    # control sockets go with the test
    failed = 0
    for test in chosen:
        began = time.monotonic()
        try:
            test()
            print(f"ok    {test.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        except Exception as error:              # whatever it is, the other tests go on
            failed += 1
            print(f"FAIL  {test.__name__}: {type(error).__name__}: {error}")
            traceback.print_tb(error.__traceback__, file=sys.stdout)
            print(f"      again: LASTACK={LASTACK} {sys.argv[0]} {test.__name__}", flush=True)
    runtime.cleanup()
    return 1 if failed else 0
