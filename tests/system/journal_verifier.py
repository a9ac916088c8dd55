#!/usr/bin/python3
"""Is a journal whole? Written from journal/DESIGN.md alone, with nothing but Python's library.

    journal_verifier.py DIRECTORY       exit status 0 good, 1 not

It shares no code with the program, so that each can be held against the other."""

import base64
import hashlib
import json
import os
import re
import sys

SEGMENT = re.compile(r"(\d{20})(?:\.(\d+))?\.jsonl")
RECORD_KEYS = ("q t o st w p P d D n src tx i s m md u g b a bk e v c rc at ms why").split()
ZEROES = bytes(32)
BATCH_MAX = 4 << 20
LINE_MAX = 61440


def _crc32c_table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
        table.append(i)
    return table


CRC_TABLE = _crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


class Bad(Exception):
    """What is wrong, in words."""


class Tree:
    """The Merkle tree of RFC 6962, as the roots of its full subtrees, largest first."""

    def __init__(self):
        self.count, self.frontier = 0, []

    def push(self, line):
        node, self.count = hashlib.sha256(b"\0" + line).digest(), self.count + 1
        for _ in range((self.count & -self.count).bit_length() - 1):
            node = hashlib.sha256(b"\1" + self.frontier.pop() + node).digest()
        self.frontier.append(node)

    def root(self):
        if not self.frontier:
            return hashlib.sha256(b"").digest()
        node = self.frontier[-1]
        for left in reversed(self.frontier[:-1]):
            node = hashlib.sha256(b"\1" + left + node).digest()
        return node


def members(line):
    """The members of a line in order; None where it is no JSON object of ours."""
    try:
        found = json.loads(line.decode(), object_pairs_hook=list)
    except (UnicodeDecodeError, ValueError):
        return None
    if not isinstance(found, list) or not all(isinstance(pair, tuple) for pair in found):
        return None
    return found


def commit_of(line):
    """The members of a commit line, or None. It has one spelling."""
    found = members(line)
    if not found or [k for k, _ in found] != ["k", "q", "n", "b", "x", "h"]:
        return None
    c = dict(found)
    spelling = json.dumps(c, separators=(",", ":")).encode()
    if c["k"] != "c" or not all(isinstance(c[k], int) for k in "qnb") or line != spelling:
        return None
    hexes = re.fullmatch("[0-9a-f]{8}", c["x"]) and re.fullmatch("[0-9a-f]{64}", c["h"])
    return c if hexes else None


def numbers_of(body):
    """The numbers of the records in a batch."""
    found = (members(line) for line in body.split(b"\n")[:-1] if line.startswith(b'{"q":'))
    return [first[0][1] for first in found if first]


def describes(commit, body):
    """Is the commit line that of this batch?"""
    numbers = numbers_of(body)
    return (commit["b"] == len(body) and commit["x"] == f"{crc32c(body):08x}" and
            commit["n"] == len(numbers) and (not numbers or commit["q"] == numbers[-1]))


def batches(data, most=1 << 62):
    """(offset, body, commit) of the batches from the start, as long as they follow one another, at
    most so many; then where they end."""
    offset, found = 0, []
    while offset < len(data) and len(found) < most:
        at = offset
        while True:
            end = data.find(b"\n", at)
            if end < 0 or end - at > LINE_MAX or at - offset > BATCH_MAX:
                return found, offset
            commit = commit_of(data[at:end])
            if commit:
                break
            at = end + 1
        body = data[offset:at]
        if not describes(commit, body):
            return found, offset
        found.append((offset, body, commit))
        offset = end + 1
    return found, offset


def holds_a_batch(data, offset):
    """Does a good batch begin at any line behind the offset?"""
    while offset >= 0:
        offset = data.find(b"\n", offset) + 1
        if not 0 < offset < len(data):
            return False
        if batches(data[offset:], 1)[0]:
            return True
    return False


class Verifier:
    def __init__(self, folder):
        self.folder, self.tree, self.chain = folder, Tree(), ZEROES
        self.next, self.journal, self.records = 1, None, 0

    def header(self, name, previous, line):
        found = members(line)
        if not found or [k for k, _ in found] != ["k", "v", "j", "q", "t", "pf", "pb", "ph", "n", "fr",
                                                  "root", "host", "boot", "ver"]:
            raise Bad(f"{name}: no header")
        h = dict(found)
        frontier = base64.b64decode(h["fr"], validate=True)
        roots = [frontier[i:i + 32] for i in range(0, len(frontier), 32)]
        if h["k"] != "h" or h["v"] != 1 or len(roots) != bin(h["n"]).count("1"):
            raise Bad(f"{name}: no header of this format")
        stated = Tree()
        stated.count, stated.frontier = h["n"], roots
        if h["root"] != base64.b64encode(stated.root()).decode():
            raise Bad(f"{name}: the root is not that of the frontier")
        if h["q"] != int(SEGMENT.fullmatch(name)[1]) or h["q"] != self.next:
            raise Bad(f"{name}: begins with record {h['q']}; {self.next} is due")
        if self.journal not in (None, h["j"]) or h["pf"] != previous:
            raise Bad(f"{name}: does not follow {previous}, or is of another journal")
        if bytes.fromhex(h["ph"]) != self.chain:
            raise Bad(f"{name}: another chain value before it")
        if (h["n"], stated.root()) != (self.tree.count, self.tree.root()):
            raise Bad(f"{name}: another Merkle root before it")
        self.journal = h["j"]

    def line(self, name, line):
        """One line that is no header and no commit line."""
        found = members(line)
        keys = [k for k, _ in found or []]
        if keys[:1] == ["k"] and found[0][1] in ("r", "s"):
            return
        wanted = iter(RECORD_KEYS)
        if keys[:4] != ["q", "t", "o", "st"] or not all(key in wanted for key in keys):
            raise Bad(f"{name}: no line of a journal: {line[:80]}")
        if found[0][1] != self.next:
            raise Bad(f"{name}: record {found[0][1]}; {self.next} is due")
        self.next += 1
        self.records += 1

    def batch(self, name, body, commit, previous):
        before = self.records
        for i, line in enumerate(body.split(b"\n")[:-1]):
            if previous is not None and i == 0:
                self.header(name, previous, line)
            else:
                self.line(name, line)
            self.tree.push(line)
        self.chain = hashlib.sha256(self.chain + body).digest()
        if commit["h"] != self.chain.hex():
            raise Bad(f"{name}: the chain breaks before record {self.next}")
        if (commit["q"], commit["n"]) != (self.next - 1, self.records - before):
            raise Bad(f"{name}: a commit line speaks of other records")

    def counted(self, name, after):
        """How many bytes of a segment count, by the header of the one behind it; None: all."""
        with open(os.path.join(self.folder, after), "rb") as file:
            found, _ = batches(file.read(), 1)
        header = members(found[0][1].split(b"\n")[0]) if found else None
        named = dict(header or ())
        return named.get("pb") if named.get("pf") == name else None

    def verify(self):
        names = sorted((int(m[1]), int(m[2] or 0), m[0])
                       for m in map(SEGMENT.fullmatch, os.listdir(self.folder)) if m)
        names = [name for _, _, name in names]
        for i, name in enumerate(names):
            with open(os.path.join(self.folder, name), "rb") as file:
                data = file.read()
            last = i + 1 == len(names)
            limit = None if last else self.counted(name, names[i + 1])
            if limit is not None and len(data) < limit:
                raise Bad(f"{name}: bytes are missing at the end")
            data = data[:limit]
            found, end = batches(data)
            for offset, body, commit in found:
                self.batch(name, body, commit,
                           (names[i - 1] if i else "") if offset == 0 else None)
            if end < len(data) and (not last or holds_a_batch(data, end)):
                raise Bad(f"{name}: what stands at byte {end} is no batch")
        return self.records


def main():
    try:
        print(f"good: {Verifier(sys.argv[1]).verify()} records")
        return 0
    except (Bad, KeyError, ValueError, TypeError) as reason:
        print(f"NOT GOOD: {reason}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
