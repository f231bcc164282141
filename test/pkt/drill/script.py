"""A script's text to events. Time is in microseconds; what an event means is run.py's business."""

import re
from dataclasses import dataclass, field
from typing import Optional

from .packets import PacketFault, packet_of

BLANKS = re.compile(r"\s+")
WORD = re.compile(r"[A-Za-z_]\w*")
NUMBER = r"\d*\.?\d+"
TIME = re.compile(rf"(?P<plus>\+)?\s*(?P<at>{NUMBER})\s*"
                  rf"(?:(?P<mark>\.\.\.|~)\s*(?P<plus2>\+)?\s*(?P<end>{NUMBER}))?")
CALL = re.compile(r"([a-z_0-9]+)\s*\(")
RESULT = re.compile(r"\s*=\s*(-?\w+|\?|\.\.\.)[ \t]*(?:(E[A-Z0-9]+)\b)?[^\n]*")


class ScriptError(Exception):
    pass


@dataclass
class Event:
    line: int
    kind: str                           # packet call command code
    text: str
    how: str = "relative"               # absolute relative any
    at: int = 0
    end: Optional[int] = None           # of a range (~) or of a call that blocks (...)
    blocks: bool = False
    inbound: bool = False
    parts: dict = field(default_factory=dict)       # of a call
    packet: object = None


def us(text):
    return round(float(text) * 1000000)


def preprocess(text, defines):
    """#define, #ifdef, #ifndef, #else, #endif; -D NAME=VALUE. Lines keep their numbers."""
    out, stack, words = [], [], dict(defines)
    for number, line in enumerate(text.split("\n"), 1):
        word = re.match(r"#\s*(ifdef|ifndef|else|endif|define)\b\s*(\w*)\s*(.*)", line)
        if word and word[1] in ("ifdef", "ifndef"):
            stack.append((word[2] in words) == (word[1] == "ifdef"))
        elif word and word[1] in ("else", "endif"):
            if not stack:
                raise ScriptError(f"line {number}: #{word[1]} without #ifdef")
            previous = stack.pop()
            if word[1] == "else":
                stack.append(not previous)
        elif word and all(stack):
            words[word[2]] = word[3].strip()
        elif all(stack):
            for name, value in words.items():
                if value:
                    line = re.sub(rf"\b{re.escape(name)}\b", lambda _, v=value: v, line)
            out.append(line)
            continue
        out.append("")
    if stack:
        raise ScriptError("#ifdef without #endif")
    return "\n".join(out)


def uncomment(text):
    """Comments become blanks; those in strings, commands and code stay."""
    keep = re.compile(r'`[^`]*`|%\{.*?\}%|"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.S)

    def one(match):
        return re.sub(r"[^\n]", " ", match[0]) if match[0][0] == "/" else match[0]
    return keep.sub(one, text)


def closing(text, at):
    depth, quoted = 0, False
    for i in range(at, len(text)):
        if text[i] == '"':
            quoted = not quoted
        elif not quoted:
            depth += (text[i] in "([{") - (text[i] in ")]}")
            if depth == 0:
                return i
    raise ScriptError("a parenthesis that nothing closes")


class Script:
    def __init__(self, text, defines=()):
        self.options, self.events, self.defines = {}, [], dict(defines)
        self.text = uncomment(preprocess(text, defines))
        self.at = 0
        while self.skip():
            self.one()

    def skip(self):
        blank = BLANKS.match(self.text, self.at)
        self.at = blank.end() if blank else self.at
        return self.at < len(self.text)

    def line(self):
        return self.text.count("\n", 0, self.at) + 1

    def rest_of_line(self):
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        start, self.at = self.at, end
        return self.text[start:end].strip()

    def between(self, opens, closes):
        end = self.text.find(closes, self.at + len(opens))
        if end < 0:
            raise ScriptError(f"line {self.line()}: {opens} that nothing closes")
        start, self.at = self.at + len(opens), end + len(closes)
        return self.text[start:end]

    def time(self, event):
        if self.text[self.at] == "*":
            self.at += 1
            event.how = "any"
            return
        match = TIME.match(self.text, self.at)
        if not match:
            return
        self.at = match.end()
        event.how = "relative" if match["plus"] else "absolute"
        event.at = us(match["at"])
        event.blocks = match["mark"] == "..."
        event.end = us(match["end"]) if match["end"] else None

    def option(self, name, value):
        name, value = name.strip(), value.strip()
        if name == "define":                    # --define=NAME=VALUE, as often as one likes
            word, _, meaning = value.partition("=")
            self.defines[word] = meaning
            return
        self.options[name] = value.strip('"')

    def defined(self, text):
        """Words that a --define gives a meaning, but not those within strings."""
        def meaning(match):
            found = self.defines.get(match[0], "") if match[0][0] != '"' else ""
            return found or match[0]
        return re.sub(r'"(?:\\.|[^"\\])*"|[A-Za-z_]\w*', meaning, text)

    def one(self):
        if self.text.startswith("--", self.at):
            self.option(*self.rest_of_line()[2:].partition("=")[::2])
            return
        event = Event(self.line(), "", "")
        self.time(event)
        if not self.skip():
            raise ScriptError(f"line {event.line}: a time without an event")
        self.what(event)
        self.events.append(event)

    def what(self, event):
        event.line = self.line()
        if self.text.startswith("%{", self.at):
            event.kind, event.text = "code", self.between("%{", "}%")
        elif self.text[self.at] == "`":
            event.kind, event.text = "command", self.between("`", "`")
        elif self.named_command():
            event.kind, event.text = "command", self.named_command().strip("`")
            self.at += WORD.match(self.text, self.at).end() - self.at
        elif self.text[self.at] in "<>":
            event.inbound = self.text[self.at] == "<"
            self.at += 1
            event.text = self.rest_of_line()
            self.packet(event)
        else:
            self.call(event)

    def named_command(self):
        """A word that stands for a command, by --define=NAME=`command`."""
        word = WORD.match(self.text, self.at)
        found = self.defines.get(word[0], "") if word else ""
        return found if found.startswith("`") else ""

    def packet(self, event):
        event.kind, text = "packet", self.defined(event.text)
        try:
            event.packet = packet_of(text)
        except PacketFault as fault:
            raise ScriptError(f"line {event.line}: {fault}") from None

    def call(self, event):
        match = CALL.match(self.text, self.at)
        if not match:
            raise ScriptError(f"line {event.line}: what is {self.rest_of_line()!r}?")
        end = closing(self.text, match.end() - 1)
        result = RESULT.match(self.text, end + 1)
        if not result:
            raise ScriptError(f"line {event.line}: a call without a result")
        event.kind = "call"
        event.text = self.text[self.at:result.end()].strip()
        event.parts = {"name": match[1], "words": self.defined(self.text[match.end():end]),
                       "result": self.defined(result[1]), "errno": result[2]}
        self.at = result.end()
