#!/usr/bin/env python3
# timeout: 600
"""tshark reads our captures without complaint, and agrees with our own dissection of them.

Every scenario of the laboratory is captured; each packet's flags, absolute and relative numbers,
length, window and options are compared with what the simulator's dissector said of it."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).resolve().parents[2]))
LASTACK = os.environ.get("LASTACK", str(SOURCE / "build/lastack"))
SKIPPED = 77
FIELDS = """frame.interface_name frame.packet_flags_direction frame.time_epoch tcp.flags tcp.seq_raw
tcp.ack_raw tcp.seq tcp.ack tcp.len tcp.window_size_value tcp.options.mss_val
tcp.options.wscale.shift tcp.options.sack_perm tcp.options.timestamp.tsval
tcp.options.timestamp.tsecr tcp.options.sack_le tcp.options.sack_re frame.comment""".split()
# Relative numbers count from the SYN. Where a play forges, corrupts, crashes, reuses ports or has
# no SYN to count from, they are a matter of opinion, and absolute numbers alone are compared.
RELATIVE = """handshake names simultaneous-open withheld-ack unreplied close close-in-three
simultaneous-close half-close fin-wait-2-orphan lost-last-ack last-ack-stuck zero-window
address-in-use""".split()


def tshark(path, *arguments):
    answer = subprocess.run(["tshark", "-n", "-r", path, *arguments], capture_output=True,
                            text=True)
    complaints = [line for line in answer.stderr.splitlines() if "Running as user" not in line]
    return answer, complaints


def fields_of_tshark(path, relative, fields):
    answer, complaints = tshark(
        path, "-Y", "tcp && !icmp", "-o", f"tcp.relative_sequence_numbers:{relative}",
        "-o", "tcp.desegment_tcp_streams:FALSE", "-T", "fields", "-E", "occurrence=a",
        "-E", "separator=/t", *[word for f in fields for word in ("-e", f)])
    rows = [dict(zip(fields, line.split("\t"))) for line in answer.stdout.split("\n") if line]
    return rows, complaints or ([f"exit status {answer.returncode}"] if answer.returncode else [])


def rows_of_tshark(path, relative):
    rows, complaints = fields_of_tshark(path, "FALSE", FIELDS)
    if relative:
        numbers, more = fields_of_tshark(path, "TRUE", ["tcp.seq", "tcp.ack"])
        complaints += more
        for row, number_row in zip(rows, numbers):
            row.update(number_row)
    return rows, complaints


def rows_of_lastack(path):
    lines = pathlib.Path(path).read_text().split("\n")
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"))) for line in lines[1:] if line]


def number(text, absent="-1"):
    return str(int(text, 0)) if text else absent


def sack(row):
    edges = zip(row["tcp.options.sack_le"].split(","), row["tcp.options.sack_re"].split(","))
    return ",".join(f"{left}-{right}" for left, right in edges if left) or "-"


def as_ours(row):
    """A row of tshark in our words."""
    seconds, nanoseconds = row["frame.time_epoch"].split(".")
    return {
        "interface": row["frame.interface_name"],
        "direction": {"0x00000001": "in", "0x00000002": "out", "1": "in", "2": "out"}.get(
            row["frame.packet_flags_direction"], "?"),
        "time_ns": seconds + nanoseconds,
        "flags": number(row["tcp.flags"]), "seq": row["tcp.seq_raw"], "ack": row["tcp.ack_raw"],
        "relative_seq": row["tcp.seq"], "relative_ack": row["tcp.ack"],
        "length": row["tcp.len"], "window": row["tcp.window_size_value"],
        "mss": number(row["tcp.options.mss_val"]),
        "wscale": number(row["tcp.options.wscale.shift"]),
        "sack_permitted": "1" if row["tcp.options.sack_perm"] else "0",
        "ts_value": number(row["tcp.options.timestamp.tsval"]),
        "ts_echo": number(row["tcp.options.timestamp.tsecr"]), "sack": sack(row),
    }


def compare(name, folder):
    capture, listing = os.path.join(folder, f"{name}.pcapng"), os.path.join(folder, f"{name}.tsv")
    command = [LASTACK, "lab", name, "--pcap", capture, "--packets", listing]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
        return [f"{' '.join(command)} fails"], 0, 0
    theirs, faults = rows_of_tshark(capture, name in RELATIVE)
    ours = rows_of_lastack(listing)
    # A damaged header may be no TCP at all to one of the two readers.
    damaged = {row["time_ns"] for row in ours if row["fault"] != "-"}
    ours = [row for row in ours if row["time_ns"] not in damaged]
    theirs = [row for row in theirs if row["frame.time_epoch"].replace(".", "") not in damaged]
    if len(ours) != len(theirs):
        faults.append(f"{len(theirs)} packets for tshark, {len(ours)} for us")
    for n, (own, their) in enumerate(zip(ours, theirs), 1):
        for field, value in as_ours(their).items():
            if field.startswith("relative") and name not in RELATIVE:
                continue
            if field == "relative_ack" and not int(own["flags"]) & 16:
                continue
            if own[field] != value:
                faults.append(f"packet {n}: {field} is {value} for tshark, {own[field]} for us")
    return faults, len(theirs), sum(1 for row in theirs if row["frame.comment"])


def main():
    if not shutil.which("tshark"):
        print("skipped: no tshark")
        return SKIPPED
    listing = subprocess.run([LASTACK, "lab", "--list"], capture_output=True, text=True).stdout
    failed = packets = comments = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in (line.split()[1] for line in listing.splitlines()):
            faults, seen, commented = compare(name, folder)
            packets += seen
            comments += commented
            failed += bool(faults)
            for fault in faults[:5]:
                print(f"{name}: {fault}\n  repeat with: lastack lab {name} --pcap FILE")
    print(f"{packets} packets compared, {comments} with a comment")
    return 1 if failed or packets < 500 or comments < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
