"""What hosts call their settings, as lastack's: sysctl's names of Linux and of FreeBSD. An unknown
name is an error that names it. One that is known and that lastack does not have is accepted with
the values that it always lives by; with another one it is an error, or one of the two answers
below, with which the script goes on and whoever counts says so."""


class Unknown(Exception):
    pass


def words(template):
    return lambda value: template.format(value)


def inverted(*names):
    return lambda value: " ".join(f"{name}={int(value == '0')}" for name in names)


def only(*values):
    def check(value):
        if value not in values:
            raise Unknown("lastack does not have it: only " + " or ".join(values))
        return ""
    return check


def ecn(value):
    """Both number it so: off, ask and accept, accept; what lies beyond speaks of AccECN."""
    numbers = {"0": 0, "1": 2, "2": 1}
    if value not in numbers:
        raise Unknown("lastack has RFC 3168's ECN alone: 0, 1 or 2")
    return f"ecn={numbers[value]}"


class Declined(str):
    """What is said instead of settings for a way of theirs that is not taken over."""


class NoEffect(str):
    """What is said instead of settings for one that has nothing to change here, and why."""


class Asked:
    """What a script asked for and did not get."""

    def __init__(self):
        self.in_vain, self.no_effect = [], {}

    def note(self, name, value, answer):
        """true: it is one of these answers."""
        if isinstance(answer, Declined):
            self.in_vain.append(f"{name}={value}: {answer}")
        elif isinstance(answer, NoEffect):
            self.no_effect[name] = str(answer)
        return isinstance(answer, (Declined, NoEffect))


def nothing(why, *values):
    """No effect, for a reason; `values`: what lastack always lives by, which needs none."""
    return lambda value: "" if value in values else NoEffect(why)


def named(setting_of, *names):
    """By a number of lastack's for each name; another one is unknown."""
    def number(value):
        if value not in names:
            raise Unknown("lastack has " + ", ".join(names))
        return setting_of.format(names.index(value))
    return number


def theirs(rfc, *values):
    """A way of FreeBSD that an RFC speaks against, or that none asks for."""
    def check(value):
        return "" if value in values else Declined(f"lastack follows {rfc}")
    return check


def seconds_to_retries(value):
    """A SYN gives up after so many milliseconds: 1 + 2 + 4 ... s (RFC 6298 5.5)."""
    retries, spent = 0, 1000
    while spent + (1000 << (retries + 1)) <= int(value):
        retries += 1
        spent += 1000 << retries
    return f"syn_retries={retries + 1}"


def rfc1323(value):
    off = {"0": (1, 1), "1": (0, 0), "2": (0, 1), "3": (1, 0)}[value]
    return "no_window_scale={} no_timestamps={}".format(*off)


def largest_buffer(value):
    """The shift that a SYN offers can say the largest buffer (RFC 7323 2.3)."""
    scale = next(shift for shift in range(15) if 65535 << shift >= int(value))
    return f"window_scale={scale}"


FREEBSD = {
    "net.inet.tcp.rfc1323": rfc1323,
    "net.inet.tcp.sack.enable": inverted("no_sack"),
    "net.inet.tcp.recvspace": words("receive_buffer={}"),
    "net.inet.tcp.sendspace": words("send_buffer={}"),
    "net.inet.tcp.rexmit_initial": words("rto_initial_ms={}"),
    "net.inet.tcp.abc_l_var": words("slow_start_limit={}"),
    "net.inet.tcp.delacktime": words("delayed_ack_ms={}"),
    "net.inet.tcp.keepinit": seconds_to_retries,
    "net.inet.tcp.keepintvl": words("keepalive_interval_ms={}"),
    "net.inet.tcp.keepidle": words("keepalive_idle_ms={}"),
    "net.inet.tcp.keepcnt": words("keepalive_probes={}"),
    "net.inet.tcp.tolerate_missing_ts": words("lax_timestamps={}"),
    "net.inet.tcp.msl": words("msl_ms={}"),
    "net.inet.tcp.rexmit_slop": only("200"),
    "net.inet.tcp.rexmit_drop_options": only("0"),
    "net.inet.tcp.ecn.enable": ecn,
    "net.inet.tcp.ecn.maxretries": words("ecn_syn_retries={}"),
    "net.inet.tcp.blackhole": only("0"),
    "net.inet.tcp.insecure_rst": theirs("RFC 5961 3.2", "0"),
    "net.inet.tcp.insecure_syn": theirs("RFC 5961 4.2", "0"),
    "net.inet.tcp.drop_synfin": theirs("RFC 9293 3.10.7.2", "0"),
    "net.inet.tcp.icmp_may_rst": only("1"),
    "net.inet.tcp.syncookies": only("1"),
    "net.inet.tcp.syncookies_only": only("0"),
    "net.inet.tcp.fastopen.client_enable": words("fastopen={} fastopen_forget=1"),
    "net.inet.tcp.fastopen.server_enable": only("0"),
    "net.inet.tcp.hostcache.purgenow": nothing("a script's stack has no past to forget"),
    "kern.ipc.maxsockbuf": largest_buffer,
}


def receive_buffer(value):
    """"least default most": the default, and the shift that can say the most (RFC 7323 2.3)."""
    default, most = map(int, value.split()[1:])
    scale = next(shift for shift in range(15) if most >> shift <= 65535)
    return f"receive_buffer={default} window_scale={scale} syn_window=65535"


CONTROLS = ("reno", "cubic", "bbr")           # by enum la_cc


LINUX = {
    "net.ipv4.tcp_rmem": receive_buffer,
    "net.ipv4.tcp_wmem": lambda value: f"send_buffer={value.split()[1]}",
    "net.ipv4.tcp_timestamps": inverted("no_timestamps"),
    "net.ipv4.tcp_sack": inverted("no_sack"),
    "net.ipv4.tcp_window_scaling": inverted("no_window_scale"),
    "net.ipv4.tcp_syn_retries": words("syn_retries={}"),
    "net.ipv4.tcp_synack_retries": words("synack_retries={}"),
    "net.ipv4.tcp_retries1": words("retries_soft={}"),
    "net.ipv4.tcp_retries2": words("retries={}"),
    "net.ipv4.tcp_orphan_retries": words("orphan_retries={}"),
    "net.ipv4.tcp_syncookies": inverted("no_syn_cookies"),
    "net.ipv4.tcp_challenge_ack_limit": words("challenge_acks={}"),
    "net.ipv4.tcp_frto": only("2", "0"),
    "net.ipv4.tcp_dsack": only("1"),
    "net.ipv4.tcp_fack": nothing("Linux itself ignores it since RACK has taken its place", "0"),
    "net.ipv4.tcp_reordering": only("3"),
    "net.ipv4.tcp_congestion_control": named("congestion={}", *CONTROLS),
    "net.ipv4.tcp_slow_start_after_idle": inverted("no_idle_restart"),
    "net.ipv4.tcp_early_retrans": inverted("no_tail_probes"),
    "net.ipv4.tcp_recovery": only("1"),
    "net.ipv4.tcp_tso_win_divisor":
        nothing("segments are made when the link asks: none waits for a larger packet", "0"),
    "net.ipv4.tcp_min_tso_segs": words("gso_segments={}"),
    "net.ipv4.tcp_ecn": ecn,
    "net.ipv4.tcp_ecn_option": nothing("it is AccECN's, which tcp_ecn must ask for first"),
    "net.ipv4.tcp_pacing_ss_ratio": only("200"),
    "net.ipv4.tcp_pacing_ca_ratio": only("120"),
    "net.ipv4.tcp_notsent_lowat": lambda value: f"tcp_notsent_lowat={int(value) % 2**32}",
    "net.ipv4.tcp_mtu_probing": words("mtu_probing={}"),
    "net.ipv4.tcp_fastopen": words("fastopen={}"),
    "net.ipv4.tcp_fastopen_key": words("fastopen_key={}"),
    "net.ipv4.tcp_fastopen_blackhole_timeout_sec":
        lambda value: f"fastopen_refused_ms={int(value) * 1000}",
}


def setting(name, value):
    """Settings of the shim for one of a host's."""
    table = FREEBSD if name in FREEBSD else LINUX
    if name not in table:
        raise Unknown(f"unknown setting {name}")
    try:
        return table[name](value)
    except Unknown as error:
        raise Unknown(f"{name}={value}: {error}") from None
    except (ValueError, KeyError, IndexError, StopIteration):
        raise Unknown(f"{name}={value}: not a value that it takes") from None
