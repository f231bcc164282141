"""Commands of scripts that packetdrill runs: it finds test/pkt/sh.c in the place of /bin/sh, which
asks here; what they mean for the stack goes to the shim in packetdrill's process."""

import pathlib
import socket
import threading

from . import commands
from .settings import Asked, Unknown

class Control:
    """The shim in packetdrill's process: see shim/control.c."""

    def __init__(self, path):
        self.path, self.asked = path, Asked()

    def ask(self, line):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.connect(self.path)
            s.sendall(line.encode() + b"\n")
            return s.makefile().readline().strip()

    def set(self, words):
        answer = self.ask(f"set {words}")
        if answer != "ok":
            raise Unknown(answer.removeprefix("error "))

    def count(self, state):
        return int(self.ask(f"count {state}"))

    def drop(self, state):
        return int(self.ask(f"drop {state}"))


class Translator:
    """Answers test/pkt/sh.c. `control` is that of the script that runs now."""

    def __init__(self, place):
        self.path, self.control = str(place / "commands"), None
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            with self.listener.accept()[0] as s:
                s.sendall(self.answer(s))

    def answer(self, s):
        """Nothing: all is well."""
        octets = b""
        while octets.count(b"\0") < 2 and (piece := s.recv(65536)):
            octets += piece
        folder, text = octets.decode().split("\0")[:2]
        try:
            commands.run(text, pathlib.Path(folder), self.control)
        except Exception as error:  # noqa: BLE001: the script fails, and says why
            return f"{error}\n".encode()
        return b""
