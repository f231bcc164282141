"""The commands of scripts, answered by what lastack has instead of a kernel: sysctl, ip, tc,
ifconfig, ethtool, FreeBSD's sockstat and tcpdrop, Google's defaults.sh and set_sysctls.py. `host`
is a Shim or stands for one: set(words), count(state), drop(state), asked. A command that means
nothing here is an error that names it."""

import ipaddress
import re
import shlex

from .settings import NoEffect, Unknown, setting

STATES = {"TIME_WAIT": "TIME-WAIT", "SYN_RCVD": "SYN-RECEIVED", "SYN_SENT": "SYN-SENT",
          "FIN_WAIT_1": "FIN-WAIT-1", "FIN_WAIT_2": "FIN-WAIT-2", "CLOSE_WAIT": "CLOSE-WAIT",
          "LAST_ACK": "LAST-ACK"}
REDIRECTIONS = re.compile(r"\s*(?:[12&]?>>?\s*/dev/null|[12]>&[12])")
WORDS = {"initcwnd": "initial_window={}", "mtu": "mtu={}"}
HARMLESS = re.compile(r"(true|set -[ex]|sync|modprobe tcp_(cubic|bbr)|kldload -n)(\s|$)|:$")


def arithmetic(text):
    """$((15*1024*1024)): numbers, + - * / and parentheses."""
    def result(match):
        if not re.fullmatch(r"[\d\s+*/()-]+", match[1]):
            raise Unknown(f"unknown arithmetic {match[0]}")
        return str(eval(match[1].replace("/", "//")))  # noqa: S307: digits and signs alone
    return re.sub(r"\$\(\(((?:[^()]|\([^()]*\))*)\)\)", result, text)


def linked(path):
    """A symbolic link that an archive has kept as a file with its target's name."""
    target = path.parent / path.read_text().strip().split("\n")[0]
    return target if target.is_file() and path.stat().st_size < 256 else path


class Shell:
    def __init__(self, folder, host):
        self.folder, self.host, self.names = folder, host, {"PPID": "0"}

    def run(self, text):
        for line in self.lines(text):
            self.line(line)

    def lines(self, text):
        """Commands one by one: what newlines, ; and && divide, outside of quotes."""
        word, quote = "", ""
        text = re.sub(r"\\\n", " ", text)
        for at, char in enumerate(text + "\n"):
            if quote:
                quote = "" if char == quote else quote
            elif char in "'\"":
                quote = char
            elif char in "\n;&" and not (char == "&" and ">" in (text[at - 1], text[at + 1:][:1])):
                yield word.strip()
                word = ""
                continue
            elif char == "#" and (word == "" or word[-1] in " \t"):
                quote = "\n"
            word += char
            if quote == "" and word.endswith("\n"):
                yield word.partition("#")[0].strip()
                word = ""

    def expanded(self, line):
        line = arithmetic(line)
        return re.sub(r"\$\{?(\w+)\}?", lambda m: self.names.get(m[1], m[0]), line)

    def line(self, line):
        """a || b: b, if a is not to be had."""
        *first, last = re.split(r"\s*\|\|\s*", line)
        for alternative in first:
            try:
                self.command(alternative)
                return
            except Unknown:
                continue
        self.command(last)

    def command(self, line):
        line = REDIRECTIONS.sub(" ", self.expanded(line)).strip()
        if not line or HARMLESS.match(line):
            return
        if assignment := re.fullmatch(r"(?:export\s+)?(\w+)=(\S*)", line):
            self.names[assignment[1]] = assignment[2].strip("\"'")
            return
        if match := re.fullmatch(r"echo\s+(.*?)\s*>\s*(/proc/sys/\S+)", line):
            self.apply(match[2].removeprefix("/proc/sys/"), match[1].strip("\"'"))
            return
        for name in ("sockstat", "nstat"):
            if line.startswith(name):
                getattr(self, name)(line)
                return
        words = shlex.split(line)
        name = words[0].rsplit("/", 1)[-1]
        if name.startswith("sysctl_restore"):
            return                              # the next script has another stack
        method = getattr(self, "do_" + name.replace(".", "_"), None)
        if method:
            method(words[1:])
        elif name.endswith(".sh"):
            self.run(self.common(words[0]).read_text())
        else:
            raise Unknown(f"unknown command {line}")

    def common(self, name):
        """A file that scripts of several folders share: from this one's place, or from above."""
        for place in (self.folder, *self.folder.resolve().parents):
            if (place / name).is_file():
                return linked(place / name)
        raise Unknown(f"there is no {name}")

    # ---- settings ----

    def apply(self, name, value):
        name = name.replace("/", ".")
        words = setting(name, value)
        if not self.host.asked.note(name, value, words) and words:
            self.host.set(words)

    def do_sysctl(self, words):
        for word in words:
            name, equals, value = word.partition("=")
            if equals:
                self.apply(name, value)
            elif not word.startswith("-"):
                raise Unknown(f"sysctl is asked for {word}")

    def do_set_sysctls_py(self, words):
        for word in words:
            path, _, value = word.partition("=")
            self.apply(path.removeprefix("/proc/sys/"), value)

    def do_sh(self, words):
        self.run(words[1] if words[0] == "-c" else self.common(words[0]).read_text())

    do_bash = do_sh

    # ---- links and routes ----

    def route(self, words):
        """ip route change 192.0.2.0/24 dev tun0 initcwnd 20: what it says of TCP."""
        pairs = dict(zip(words, words[1:]))
        for name, value in pairs.items():
            if name in WORDS:
                self.host.set(WORDS[name].format(value))
            elif name == "rto_min":
                ms = float(value[:-2]) if value.endswith("ms") else float(value.rstrip("s")) * 1000
                self.host.set(f"rto_min_ms={round(ms)}")
            elif name in ("initrwnd", "quickack", "features", "fastopen_no_cookie", "window",
                          "advmss", "rtt", "rttvar", "ssthresh", "cwnd", "reordering", "hoplimit"):
                raise Unknown(f"unknown metric of a route: {name} {value}")

    def do_ip(self, words):
        words = [word for word in words if word not in ("-4", "-6", "-q", "lock")]
        if words[:1] in (["route"], ["ro"], ["r"]):
            self.route(words[2:])
        elif words[:2] == ["link", "set"]:
            self.link(words[2:])
        elif words[:2] in (["tcp_metrics", "flush"], ["tcp_metrics", "delete"]):
            self.host.set("fastopen_forget=1")          # of what Linux keeps there
        elif words[:1] not in (["addr"], ["address"], ["a"], ["neigh"]):
            raise Unknown(f"unknown command ip {' '.join(words)}")

    def link(self, words):
        known = {"dev", "up", "down", "mtu", "txqueuelen", "qlen", "tun0"}
        for at, word in enumerate(words):
            if word == "mtu":
                self.host.set(f"mtu={int(words[at + 1])}")
            elif word not in known and not word.isdigit():
                raise Unknown(f"unknown of a link: {word}")

    def do_ifconfig(self, words):
        self.link([word for word in words if not self.is_address(word)])

    def do_ethtool(self, words):
        """ethtool -K tun0 tso off gso off: a packet a segment, or not."""
        if words[:1] != ["-K"] or len(words) % 2:
            raise Unknown(f"unknown command ethtool {' '.join(words)}")
        for name, value in zip(words[2::2], words[3::2]):
            if name == "gso":
                self.host.set(f"link_cuts={int(value == 'off')}")
            elif name not in ("tso", "gro", "lro", "sg"):
                raise Unknown(f"unknown of ethtool: {name} {value}")

    def do_tc(self, words):
        """tc qdisc add dev tun0 root pfifo: a queue that does not pace; `fq` is one that does."""
        if words[:1] != ["qdisc"]:
            raise Unknown(f"unknown command tc {' '.join(words)}")
        kind = words[words.index("root") + 1] if "root" in words[:-1] else ""
        if kind not in ("", "pfifo", "fq", "handle", "noqueue"):
            raise Unknown(f"unknown queue {kind}")
        if words[1] in ("add", "replace", "change"):
            self.host.set(f"pacing={int(kind == 'fq')}")

    def nstat(self, line):
        """nstat | grep NAME: does it count that? What is counted here has other names."""
        if match := re.search(r"grep\s+(?:-\w+\s+)*(\w+)", line):
            self.host.asked.note(match[0], "", NoEffect("lastack's counters are not Linux's"))

    @staticmethod
    def is_address(word):
        try:
            ipaddress.ip_interface(word)
        except ValueError:
            return False
        return not word.isdigit()

    # ---- FreeBSD's ----

    def sockstat(self, line):
        """sockstat ... | grep -c STATE | grep N: so many sockets are in a state."""
        match = re.search(r"grep -c (\w+)\s*\|\s*grep (\d+)\s*$", line)
        if not match:
            raise Unknown(f"unknown question {line}")
        state, want = STATES.get(match[1], match[1]), int(match[2])
        found = self.host.count(state)
        if found != want:
            raise Unknown(f"{found} sockets are in {match[1]}")

    def do_tcpdrop(self, words):
        """tcpdrop -s STATE, or -a: old connections, of which a new stack has none."""
        if words[:1] == ["-s"] and len(words) == 2:
            self.host.drop(STATES.get(words[1], words[1]))
        elif words != ["-a"]:
            raise Unknown(f"unknown command tcpdrop {' '.join(words)}")


def run(text, folder, host):
    Shell(folder, host).run(text)
