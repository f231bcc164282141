"""The values of a call: numbers, names, strings, [lists], {members}, `...`; "|" joins numbers.

    1|A|0x10          the number            "a\\x41" "b"      octets
    ...               ELLIPSIS              [a, b]            a list
    {a = 1, b(2) = c} a dict                {a, b}            a tuple
    htons(1)          1: all is in the host's order here; inet_addr("192.0.2.1"): the address"""

import re

from .names import NAMES

ELLIPSIS = ...
TOKEN = re.compile(r"""\s*(?:(?P<string>"(?:\\.|[^"\\])*")|(?P<dots>\.\.\.)
                       |(?P<number>-?(?:0[xX][0-9a-fA-F]+|\d+)(?![\w.]))|(?P<word>[A-Za-z_]\w*)
                       |(?P<mark>[][{}()|,=]))""", re.X)


class ValueFault(Exception):
    pass


def unquoted(text):
    inside = text[1:-1]
    return re.sub(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", escape, inside).encode("latin-1")


def escape(match):
    word = match[1]
    if word[0] == "x":
        return chr(int(word[1:], 16))
    if word[0] in "01234567":
        return chr(int(word, 8) & 255)
    return {"n": "\n", "t": "\t", "r": "\r"}.get(word, word)


class Reader:
    def __init__(self, text):
        self.tokens, at = [], 0
        text = text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if not match:
                raise ValueFault(f"what is {text[at:at + 20]!r}?")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, mark=None):
        kind, text = self.peek()
        if mark is not None and text != mark:
            raise ValueFault(f"{mark!r} expected, not {text!r}")
        self.at += 1
        return kind, text

    def value(self):
        result = self.one()
        while self.peek()[1] == "|":
            self.take()
            result |= self.one()
        return result

    def one(self):
        kind, text = self.take()
        if kind == "number":
            return int(text, 16 if "x" in text.lower() else 10)
        if kind == "dots":
            return ELLIPSIS
        if kind == "string":
            octets = unquoted(text)
            while self.peek()[0] == "string":
                octets += unquoted(self.take()[1])
            if self.peek()[0] == "dots":
                self.take()
            return octets
        if kind == "word":
            return self.word(text)
        if text == "(":
            result = self.value()
            self.take(")")
            return result
        if text == "[":
            return self.items("]")
        if text == "{":
            return self.members()
        raise ValueFault(f"no value: {text!r}")

    def word(self, text):
        if self.peek()[1] != "(":
            if text not in NAMES:
                raise ValueFault(f"this runner does not know {text}")
            return NAMES[text]
        self.take()
        words = self.items(")")
        if text in ("htons", "htonl") and len(words) == 1:
            return words[0]
        if text in ("inet_addr", "inet6_addr") and len(words) == 1:
            return words[0].decode()
        raise ValueFault(f"this runner does not know {text}()")

    def items(self, end):
        found = []
        while self.peek()[1] != end:
            found.append(self.value())
            if self.peek()[1] != end:
                self.take(",")
        self.take(end)
        return found

    def named(self):
        """Does a member with a name come next: a =, or a(1) =?"""
        kinds = [text for _, text in self.tokens[self.at:self.at + 5]]
        if self.peek()[0] != "word":
            return False
        return kinds[1:2] == ["="] or (kinds[1:2] == ["("] and kinds[3:5] == [")", "="])

    def members(self):
        names, plain = {}, []
        while self.peek()[1] != "}":
            if self.named():
                name = self.take()[1]
                if self.peek()[1] == "(":
                    self.take()
                    names[name + "#"] = self.value()
                    self.take(")")
                self.take("=")
                names[name] = self.value()
            else:
                plain.append(self.value())
            if self.peek()[1] != "}":
                self.take(",")
        self.take("}")
        if names and plain:
            raise ValueFault("some members have names and some have none")
        return names if names else tuple(plain)


def values(text):
    """The words between the parentheses of a call."""
    reader, found = Reader(text), []
    while reader.peek()[0] != "end":
        found.append(reader.value())
        if reader.peek()[0] != "end":
            reader.take(",")
    return found


def value(text):
    reader = Reader(text)
    result = reader.value()
    if reader.peek()[0] != "end":
        raise ValueFault(f"and what is {reader.peek()[1]!r}?")
    return result
