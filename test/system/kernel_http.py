#!/usr/bin/env python3
# timeout: 300
"""The file server of `lastack host`: methods, ranges, conditions, errors, pipelining, limits; and
that no path leads out of the folder it serves."""

import email.utils
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import kernel as k

SMALL = b"0123456789" * 10
MAY_READ_ALL = False
LARGE = k.pattern("http", 3 << 20)


class Answer:
    def __init__(self, stream, method="GET"):
        line = stream.readline().decode()
        k.check("a status line", re.fullmatch(r"HTTP/1\.1 \d\d\d [A-Za-z ]+\r\n", line), repr(line))
        self.status = int(line.split()[1])
        self.fields = {}
        while (line := stream.readline().decode()) not in ("\r\n", ""):
            name, value = line.rstrip("\r\n").split(": ", 1)
            k.check("a field is said once", name not in self.fields, name)
            self.fields[name] = value
        length = int(self.fields.get("Content-Length", 0))
        self.body = b"" if method == "HEAD" or self.status == 304 else stream.read(length)
        k.check("a Date", email.utils.parsedate(self.fields["Date"]), self.fields)


class Client:
    def __init__(self):
        self.s = k.connect(80)
        self.stream = self.s.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.s.close()

    def ask(self, target, method="GET", version="1.1", **fields):
        text = f"{method} {target} HTTP/{version}\r\nHost: x\r\n"
        for name, value in fields.items():
            text += f"{name.replace('_', '-')}: {value}\r\n"
        self.s.sendall(text.encode("latin-1") + b"\r\n")
        return Answer(self.stream, method)

    def ended(self):
        return self.stream.read(1) == b""


def ask(target, **words):
    with Client() as client:
        return client.ask(target, **words)


def ask_raw(octets):
    """Whatever is sent, up to the end of the answer's connection."""
    with Client() as client:
        client.s.sendall(octets)
        client.s.shutdown(socket.SHUT_WR)
        answer = Answer(client.stream)
        k.check("nothing follows", client.ended())
        return answer


def expect(claim, answer, status, body=None):
    k.check(f"{claim}: status", answer.status == status, answer.status, answer.fields)
    if body is not None:
        k.check(f"{claim}: body", answer.body == body, len(answer.body))
    return answer


def make_folder(top):
    folder = pathlib.Path(top, "served")
    (folder / "sub/deep").mkdir(parents=True)
    (folder / "with").mkdir()
    (folder / "small.txt").write_bytes(SMALL)
    (folder / "large").write_bytes(LARGE)
    (folder / "empty.css").write_bytes(b"")
    (folder / "a b<&>.html").write_bytes(b"odd name")
    (folder / "with/index.html").write_bytes(b"<p>index")
    (folder / "inside").symlink_to("small.txt")
    (folder / "outside").symlink_to("../secret")
    (folder / "absolute").symlink_to("/etc/passwd")
    (folder / "up").symlink_to("..")
    os.mkfifo(folder / "fifo")
    pathlib.Path(top, "secret").write_bytes(b"secret")
    (folder / "closed").write_bytes(b"closed")
    (folder / "closed").chmod(0)
    global MAY_READ_ALL         # root may, and so may the root of a user namespace
    MAY_READ_ALL = os.access(folder / "closed", os.R_OK, effective_ids=True)
    return folder


def methods():
    with Client() as c:
        got = expect("GET", c.ask("/small.txt"), 200, SMALL)
        head = expect("HEAD", c.ask("/small.txt", method="HEAD"), 200, b"")
        same = ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges")
        k.check("HEAD says what GET says", all(got.fields[f] == head.fields[f] for f in same))
        k.check("the type", got.fields["Content-Type"] == "text/plain; charset=utf-8")
        expect("one connection serves on", c.ask("/large"), 200, LARGE)
        expect("an empty file", c.ask("/empty.css"), 200, b"")
    k.check("405 says what is allowed", expect("POST", ask("/small.txt", method="POST"), 405)
            .fields["Allow"] == "GET, HEAD")
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
        expect(method, ask("/small.txt", method=method), 405)
    expect("a method nobody knows", ask("/small.txt", method="FETCH"), 501)
    expect("methods have a case", ask("/small.txt", method="get"), 501)


def persistence():
    with Client() as c:
        answer = c.ask("/small.txt", Connection="close")
        k.check("close is answered by close", answer.fields["Connection"] == "close")
        k.check("and done", c.ended())
    with Client() as c:
        answer = c.ask("/small.txt", version="1.0")
        k.check("HTTP/1.0 closes", answer.fields["Connection"] == "close" and c.ended())
    with Client() as c:
        for _ in range(3):
            answer = c.ask("/small.txt", version="1.0", Connection="keep-alive")
            k.check("unless asked", answer.fields["Connection"] == "keep-alive")
    with Client() as c:
        c.s.sendall(b"".join(b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % name for name in
                             [b"small.txt", b"large", b"none", b"small.txt"] * 20))
        for _ in range(20):
            expect("pipelined", Answer(c.stream), 200, SMALL)
            expect("pipelined", Answer(c.stream), 200, LARGE)
            expect("pipelined", Answer(c.stream), 404)
            expect("pipelined", Answer(c.stream), 200, SMALL)
    with Client() as c:
        for octet in b"\r\nGET /small.txt HTTP/1.1\r\nHost: x\r\n\r\n":
            c.s.sendall(bytes([octet]))
        expect("an octet at a time", Answer(c.stream), 200, SMALL)
        c.s.sendall(b"GET /small.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
                    + b"x" * 100000 + b"GET /small.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        expect("a body is passed over", Answer(c.stream), 200, SMALL)
        expect("and the next request found", Answer(c.stream), 200, SMALL)


def ranges():
    whole = ask("/small.txt")
    etag, date = whole.fields["ETag"], whole.fields["Last-Modified"]
    for text, first, last in (("0-0", 0, 0), ("10-19", 10, 19), ("90-", 90, 99), ("-5", 95, 99),
                              ("50-1000", 50, 99), ("-1000", 0, 99),
                              ("0-99999999999999999999999", 0, 99)):
        answer = expect(text, ask("/small.txt", Range=f"bytes={text}"), 206,
                        SMALL[first:last + 1])
        k.check(text, answer.fields["Content-Range"] == f"bytes {first}-{last}/100")
    for text in ("100-", "100-200", "-0", "99999999999999999999999-"):
        answer = expect(text, ask("/small.txt", Range=f"bytes={text}"), 416)
        k.check(text, answer.fields["Content-Range"] == "bytes */100")
    for text in ("bytes=5-4", "bytes=", "bytes=-", "bytes=x-9", "bytes=0-1,5-6", "lines=0-1",
                 "bytes=0-1x", "bytes=1--2"):
        expect(text, ask("/small.txt", Range=text), 200, SMALL)
    part = {"Range": "bytes=0-4"}
    expect("HEAD has no ranges", ask("/small.txt", method="HEAD", **part), 200)
    expect("If-Range, the same", ask("/small.txt", If_Range=etag, **part), 206, SMALL[:5])
    expect("If-Range, its date", ask("/small.txt", If_Range=date, **part), 206, SMALL[:5])
    expect("If-Range, another", ask("/small.txt", If_Range='"other"', **part), 200, SMALL)
    expect("If-Range, weak", ask("/small.txt", If_Range="W/" + etag, **part), 200, SMALL)
    expect("If-Range, older", ask("/small.txt", If_Range="Mon, 01 Jan 1990 00:00:00 GMT", **part),
           200, SMALL)
    answer = expect("in the middle", ask("/large", Range="bytes=1000000-2999999"), 206)
    k.check("in the middle", answer.body == LARGE[1000000:3000000])


def conditions():
    fields = ask("/small.txt").fields
    etag, date = fields["ETag"], fields["Last-Modified"]
    old, new = "Mon, 01 Jan 1990 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    for status, words in (
            (304, {"If_None_Match": etag}), (304, {"If_None_Match": "W/" + etag}),
            (304, {"If_None_Match": f'"a", {etag}, "b"'}), (304, {"If_None_Match": "*"}),
            (200, {"If_None_Match": '"a"'}), (304, {"If_Modified_Since": date}),
            (304, {"If_Modified_Since": new}), (200, {"If_Modified_Since": old}),
            (200, {"If_Modified_Since": "yesterday"}),
            (200, {"If_None_Match": '"a"', "If_Modified_Since": new}),
            (304, {"If_Modified_Since": "Friday, 01-Jan-38 00:00:00 GMT"}),
            (200, {"If_Modified_Since": "Mon Jan  1 00:00:00 1990"}),
            (200, {"If_Match": etag}), (200, {"If_Match": "*"}), (412, {"If_Match": '"a"'}),
            (412, {"If_Match": "W/" + etag}), (412, {"If_Unmodified_Since": old}),
            (200, {"If_Unmodified_Since": new}),
            (200, {"If_Match": etag, "If_Unmodified_Since": old})):
        answer = expect(str(words), ask("/small.txt", **words), status)
        if status == 304:
            k.check("304 names the file", answer.fields["ETag"] == etag and
                    "Content-Length" not in answer.fields)
    with Client() as c:
        c.ask("/small.txt", If_None_Match=etag)
        expect("304 has no body", c.ask("/small.txt"), 200, SMALL)


def malformed():
    for octets, status in (
            (b"GET /small.txt\r\n\r\n", 400), (b"GET  /small.txt HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            (b"\x00\xff\xfe\r\n\r\n", 400), (b"GET small.txt HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            (b"GET /small.txt HTTP/1.1\r\n\r\n", 400), (b"GET /small.txt HTTP/x\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n", 400),
            (b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            (b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            (b"GET /sub%2fdeep HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            (b"GET /%2 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
             b"Transfer-Encoding: chunked\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
            (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413),
            (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
            (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
            (b"GET /" + b"a" * 50000, 414),
            (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20000 + b"\r\n\r\n", 431),
            (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431)):
        answer = expect(repr(octets[:60]), ask_raw(octets), status)
        k.check("such a connection is over", answer.fields["Connection"] == "close")


def paths():
    expect("nothing there", ask("/none"), 404)
    expect("a file is no folder", ask("/small.txt/"), 404)
    expect("a file is no folder", ask("/small.txt/x"), 404)
    expect("a name too long", ask("/" + "a" * 300), 404)
    expect("a fifo", ask("/fifo"), 403)
    expect("a link that stays inside", ask("/inside"), 200, SMALL)
    expect("absolute form", ask("http://elsewhere/small.txt"), 200, SMALL)
    expect("absolute form, no path", ask("http://elsewhere"), 200)
    expect("a query is nobody's business", ask("/small.txt?a=b&c"), 200, SMALL)
    expect("dots inside", ask("/sub/../small.txt"), 200, SMALL)
    expect("percent", ask("/a%20b%3c%26%3E.html"), 200, b"odd name")
    for target in ("/../secret", "/sub/../../secret", "/%2e%2e/secret", "/up/secret", "/outside",
                   "/absolute", "/sub/%2e%2e/..%2e/secret", "/..", "/../", "//../secret",
                   "/../served/small.txt", "/../../../../../../etc/passwd"):
        answer = ask(target)
        k.check(f"no way out by {target}", answer.status in (403, 404) and
                b"secret" not in answer.body and b"root" not in answer.body, answer.status)
    expect("readable or not, as for the host", ask("/closed"), 200 if MAY_READ_ALL else 403)


def folders():
    moved = expect("without a slash", ask("/sub"), 301)
    k.check("it is elsewhere", moved.fields["Location"] == "/sub/")
    moved = expect("no other host", ask("//sub"), 301)
    k.check("no other host", moved.fields["Location"] == "/sub/")
    answer = ask("/su%0d%0aX:b")
    k.check("no octet of a path becomes a field", "X" not in answer.fields)
    expect("an index", ask("/with/"), 200, b"<p>index")
    page = expect("a listing", ask("/"), 200).body.decode()
    for name in ("small.txt", "sub/", "a%20b%3C%26%3E.html", "a b&lt;&amp;&gt;.html"):
        k.check("the listing has it", name in page, name)
    for name in ("fifo", "outside", "secret", "passwd"):
        k.check("the listing keeps quiet", f">{name}<" not in page or name == "outside", name)
    expect("an empty folder", ask("/sub/deep/"), 200)


def curl_agrees():
    run = subprocess.run(["curl", "-sS", "-C", "1000000", f"http://{k.OURS}/large"],
                         capture_output=True, check=True)
    k.check("curl resumes", run.stdout == LARGE[1000000:])
    run = subprocess.run(["curl", "-sS", "-Z", "-o", "/dev/null", "-w", "%{http_code} ",
                          f"http://{k.OURS}/small.txt?[1-200]"], capture_output=True, check=True)
    k.check("curl in parallel", run.stdout == b"200 " * 200, run.stdout)


def on_a_host(test):
    def case():
        with tempfile.TemporaryDirectory(prefix="lastack-test-") as top:
            with k.Host("tun", "--http", make_folder(top), "--msl", "0.1") as host:
                test()
                k.until("no slab is left behind", lambda: host.pools()["slabs"]["used"] <= 8)
                host.stop(signal.SIGINT)
    case.__name__ = test.__name__
    return case


TESTS = [on_a_host(t) for t in (methods, persistence, ranges, conditions, malformed, paths,
                                folders, curl_agrees)]

if __name__ == "__main__":
    sys.exit(k.run(TESTS, sys.argv[1:]))
