#!/usr/bin/python3
"""Is a journal whole? Written from journal/DESIGN.md alone, with nothing but Python's library.

    journal_verifier.py DIRECTORY [--key PUBLIC]... [--anchor FILE]...       exit status 0 good, 1 not

It shares no code with the program, so that each can be held against the other."""

import argparse
import base64
import functools
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
NOTE_MAX = 256 << 10
SIGNATURE_MAX = 8192


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
    """What is wrong, in words; its kind, in those of journal/DESIGN.md ("": it has none there); and,
    once the verifier has said it, the last record before the batch that it is in."""

    def __init__(self, words, kind=""):
        super().__init__(words)
        self.kind, self.after = kind, None


# --- Ed25519 (RFC 8032, 5.1) ---------------------------------------------------------------------

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME
ROOT = pow(2, (PRIME - 1) // 4, PRIME)  # of -1


def point_add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % PRIME
    b = (p[1] + p[0]) * (q[1] + q[0]) % PRIME
    c = 2 * p[3] * q[3] * CURVE % PRIME
    d = 2 * p[2] * q[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def point_times(p, n):
    product = (0, 1, 1, 0)
    while n:
        if n & 1:
            product = point_add(product, p)
        p, n = point_add(p, p), n >> 1
    return product


def point_of(text):
    """The point of 32 bytes; None where it is none."""
    y = int.from_bytes(text, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * ROOT % PRIME
    if y >= PRIME or (x * x - square) % PRIME or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = PRIME - x
    return x, y, 1, x * y % PRIME


def point_text(p):
    z = pow(p[2], -1, PRIME)
    x, y = p[0] * z % PRIME, p[1] * z % PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = point_of((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little"))


@functools.lru_cache(maxsize=4096)
def ed25519_holds(public, text, signature):
    """Has this key signed this text?"""
    a, s = point_of(public), int.from_bytes(signature[32:], "little")
    if a is None or s >= ORDER or len(signature) != 64:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % ORDER
    minus = PRIME - a[0], a[1], 1, PRIME - a[3]
    return point_text(point_add(point_times(BASE, s), point_times(minus, k))) == signature[:32]


# --- notes and checkpoints -----------------------------------------------------------------------

SPACES = "\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    chr(c) for c in range(0x2000, 0x200B))


def is_name(name):
    return name != "" and not any(c <= " " or c == "+" or c in SPACES for c in name)


def exact_base64(text):
    """The bytes; they have one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Bad(f"that is no base64: {error}", "syntax") from None
    if base64.b64encode(data).decode() != text:
        raise Bad("that base64 has another spelling", "syntax")
    return data


def public_key(text):
    """(name, id, 32 bytes) of a public key's text."""
    match = re.fullmatch(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})", text)
    if not match or not is_name(match[1]) or len(match[1].encode()) > 128:
        raise Bad(f"no public key: {text}")
    data = exact_base64(match[3])
    due = hashlib.sha256(match[1].encode() + b"\n" + data).digest()[:4]
    if data[0] != 1 or bytes.fromhex(match[2]) != due:
        raise Bad(f"no public key: {text}")
    return match[1], due, data[1:]


class Checkpoint:
    """A signed note whose text is a checkpoint's."""

    def __init__(self, what, data):
        self.what = what
        at = data.rfind(b"\n\n")
        if at < 1 or not data.endswith(b"\n") or at + 2 == len(data) or len(data) > NOTE_MAX:
            raise Bad(f"{what}: no signed note", "syntax")
        whole = data.decode()
        if any(c < " " and c != "\n" for c in whole):
            raise Bad(f"{what}: control characters", "syntax")
        self.text, self.signatures = data[:at + 1], []
        for line in data[at + 2:].decode().split("\n")[:-1]:
            parts = line.split(" ", 2)
            if len(parts) != 3 or parts[0] != "\u2014" or not is_name(parts[1]) or \
                    len(parts[2]) > SIGNATURE_MAX:
                raise Bad(f"{what}: no line of a signature", "syntax")
            signature = exact_base64(parts[2])
            if len(signature) < 5:
                raise Bad(f"{what}: no signature", "syntax")
            self.signatures.append((parts[1], signature[:4], signature[4:]))
        lines = self.text.decode().split("\n")
        if len(lines) < 4 or "" in lines[:-1] or not re.fullmatch("0|[1-9][0-9]*", lines[1]) or \
                int(lines[1]) >= 1 << 64:
            raise Bad(f"{what}: no checkpoint", "syntax")
        self.origin, self.size, self.root = lines[0], int(lines[1]), exact_base64(lines[2])
        if len(self.root) != 32:
            raise Bad(f"{what}: no root", "syntax")

    def check_signature(self, keys):
        signer = None
        for name, number, signature in self.signatures:
            for key in keys:
                if key[:2] == (name, number):
                    if not ed25519_holds(key[2], self.text, signature):
                        raise Bad(f"{self.what}: not what {name} has signed", "signature")
                    signer = signer or name
                    break
        if signer != self.origin:
            raise Bad(f"{self.what}: signed by none of the keys, or of another log", "wrong key")


def checkpoints_of(name, data):
    """The whole ones of a segment's file; what follows the last is not whole."""
    found, at = [], 0
    while True:
        end = data.find(b"\n\n", at)
        end = data.find(b"\n\n", end + 2) if end >= 0 else -1
        if end < 0:
            return found
        found.append(Checkpoint(f"{name}, byte {at}", data[at:end + 1]))
        at = end + 2


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


def broken(data):
    """What is wrong with bytes that are no batch, by the first commit line among them."""
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        commit = commit_of(data[at:end])
        if commit and 0 < commit["b"] <= at and \
                commit["x"] != f"{crc32c(data[at - commit['b']:at]):08x}":
            return "crc"
        if commit:
            return "commit"
        at = end + 1
    return "commit"


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
    """keys: public keys as texts, else those that the journal names; anchors: checkpoints that were
    kept, as bytes."""

    def __init__(self, folder, keys=(), anchors=()):
        self.keys, self.given = [public_key(key) for key in keys], bool(keys)
        self.kept = [Checkpoint("kept", anchor) for anchor in anchors]
        self.points, self.fit = [], 0
        self.folder, self.tree, self.chain = folder, Tree(), ZEROES
        self.next, self.journal, self.records = 1, None, 0
        self.last = 0  # record of the last whole batch
        # A first segment that does not begin a journal: (its name, first record, lines before it,
        # chain value, root); the lines with the record that says why; lines that are signed.
        self.late, self.said, self.covered = None, 0, 0

    def header(self, name, previous, line):
        found = members(line)
        if not found or [k for k, _ in found] != ["k", "v", "j", "q", "t", "pf", "pb", "ph", "n", "fr",
                                                  "root", "host", "boot", "ver"]:
            raise Bad(f"{name}: no header", "header")
        h = dict(found)
        frontier = base64.b64decode(h["fr"], validate=True)
        roots = [frontier[i:i + 32] for i in range(0, len(frontier), 32)]
        if (h["k"] != "h" or h["v"] != 1 or len(roots) != bin(h["n"]).count("1") or
                h["n"] >= 1 << 63):
            raise Bad(f"{name}: no header of this format", "header")
        stated = Tree()
        stated.count, stated.frontier = h["n"], roots
        if h["root"] != base64.b64encode(stated.root()).decode():
            raise Bad(f"{name}: the root is not that of the frontier", "root")
        if h["q"] != int(SEGMENT.fullmatch(name)[1]):
            raise Bad(f"{name}: begins with record {h['q']}", "header")
        if not previous and h["pf"]:
            self.late = name, h["q"], h["n"], h["ph"], stated.root()
            self.next, self.chain, self.tree = h["q"], bytes.fromhex(h["ph"]), stated
            self.last = self.next - 1
            self.journal = h["j"]
            return
        if self.journal not in (None, h["j"]) or h["pf"] != previous:
            raise Bad(f"{name}: does not follow {previous}, or is of another journal", "header")
        if not previous and (h["q"], h["n"], h["pb"], h["ph"]) != (1, 0, 0, ZEROES.hex()):
            raise Bad(f"{name}: does not begin a journal", "header")
        if h["q"] != self.next:
            raise Bad(f"{name}: begins with record {h['q']}; {self.next} is due", "sequence")
        if bytes.fromhex(h["ph"]) != self.chain:
            raise Bad(f"{name}: another chain value before it", "chain")
        if (h["n"], stated.root()) != (self.tree.count, self.tree.root()):
            raise Bad(f"{name}: another Merkle root before it", "root")
        self.journal = h["j"]

    def line(self, name, line):
        """One line that is no header and no commit line."""
        found = members(line)
        keys = [k for k, _ in found or []]
        if keys[:1] == ["k"] and found[0][1] in ("r", "s"):
            return
        wanted = iter(RECORD_KEYS)
        if keys[:4] != ["q", "t", "o", "st"] or not all(key in wanted for key in keys):
            raise Bad(f"{name}: no line of a journal: {line[:80]}", "syntax")
        if found[0][1] != self.next:
            kind = "sequence" if self.next == self.last + 1 else "syntax"
            raise Bad(f"{name}: record {found[0][1]}; {self.next} is due", kind)
        self.next += 1
        self.records += 1

    def retired(self, line):
        """Does a record say that retention removed what came before?"""
        named = dict(members(line))
        if self.late and not self.said and named.get("o") == "retire" and \
                (named.get("d"), named.get("n", 0) + 1, named.get("b"), named.get("a")) == (
                    *self.late[:2], self.late[3], self.late[4].hex()):
            self.said = self.tree.count + 1

    def name_key(self, line):
        """From a line on that names a key, this one signs."""
        named = dict(members(line))
        if named.get("o") == "key" and not self.given:
            try:
                self.keys.append(public_key(named.get("a", "")))
            except Bad:
                pass  # it names none

    def batch(self, name, body, commit, previous):
        before = self.records
        for i, line in enumerate(body.split(b"\n")[:-1]):
            if previous is not None and i == 0:
                self.header(name, previous, line)
            else:
                self.line(name, line)
        self.chain = hashlib.sha256(self.chain + body).digest()
        if commit["h"] != self.chain.hex():
            raise Bad(f"{name}: the chain breaks before record {self.next}", "chain")
        if (commit["q"], commit["n"]) != (self.next - 1, self.records - before):
            raise Bad(f"{name}: a commit line speaks of other records", "commit")
        for line in body.split(b"\n")[:-1]:
            self.retired(line)
            self.tree.push(line)
            self.name_key(line)
            self.reach()
        self.last = self.next - 1

    def reach(self):
        """Hold the checkpoints that are due against the tree."""
        for points in (self.points, self.kept):
            while points and points[0].size <= self.tree.count:
                point = points.pop(0)
                before = self.late and point.size <= self.late[2]
                if before and point.size < self.late[2]:
                    continue  # nothing here to hold it against
                if not before and point.size < self.tree.count:
                    raise Bad(f"{point.what}: out of order", "order")
                if self.late and not self.keys:
                    continue  # the record that named its key went with the beginning
                point.check_signature(self.keys)
                if point.root != (self.late[4] if before else self.tree.root()):
                    raise Bad(f"{point.what}: other lines were signed", "forked")
                self.fit += points is self.points
                self.covered = max(self.covered, point.size)

    def optional(self, name):
        """The bytes of a file that need not be there."""
        try:
            with open(os.path.join(self.folder, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def begin_checkpoints(self, names):
        """The newest checkpoint, and none without a segment."""
        newest = self.optional("checkpoint")
        if newest:
            self.kept.append(Checkpoint("checkpoint", newest))
        self.kept.sort(key=lambda point: point.size)
        for name in os.listdir(self.folder):
            segment = name[:-len("checkpoints")] + "jsonl"
            if name.endswith(".checkpoints") and SEGMENT.fullmatch(segment) and \
                    segment not in names:
                raise Bad(f"{name}: its segment is missing", "truncated")
        self.reach()

    def counted(self, name, after):
        """How many bytes of a segment count, by the header of the one behind it; None: all."""
        with open(os.path.join(self.folder, after), "rb") as file:
            found, _ = batches(file.read(), 1)
        header = members(found[0][1].split(b"\n")[0]) if found else None
        named = dict(header or ())
        return named.get("pb") if named.get("pf") == name else None

    def verify(self):
        """How many records; Bad at the first thing that is wrong."""
        try:
            return self.walk()
        except Bad as bad:
            bad.after = self.last
            raise

    def walk(self):
        names = sorted((int(m[1]), int(m[2] or 0), m[0])
                       for m in map(SEGMENT.fullmatch, os.listdir(self.folder)) if m)
        names = [name for _, _, name in names]
        self.begin_checkpoints(names)
        for i, name in enumerate(names):
            with open(os.path.join(self.folder, name), "rb") as file:
                data = file.read()
            self.points = checkpoints_of(name, self.optional(name[:-len("jsonl")] + "checkpoints"))
            last = i + 1 == len(names)
            limit = None if last else self.counted(name, names[i + 1])
            short = limit is not None and len(data) < limit
            data = data[:limit]
            found, end = batches(data)
            for offset, body, commit in found:
                self.batch(name, body, commit,
                           (names[i - 1] if i else "") if offset == 0 else None)
            if end < len(data) and (holds_a_batch(data, end) or not (last or short)):
                raise Bad(f"{name}: what stands at byte {end} is no batch", broken(data[end:]))
            if short:
                raise Bad(f"{name}: bytes are missing at the end", "truncated")
            if self.points:
                raise Bad(f"{self.points[0].what}: more lines were signed than the segment has",
                          "truncated")
        if self.kept:
            raise Bad(f"{self.kept[0].what}: more lines were signed than there are", "truncated")
        if self.late and not self.said:
            raise Bad(f"{self.late[0]}: does not begin a journal", "header")
        if self.late and self.said > self.covered and (self.given or self.fit):
            raise Bad(f"{self.late[0]}: what says why it is the first is not signed", "unsigned")
        if self.given and not self.fit:
            raise Bad("no checkpoint vouches for it", "unsigned")
        return self.records


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--anchor", action="append", default=[], type=argparse.FileType("rb"))
    given = parser.parse_args()
    try:
        anchors = [file.read() for file in given.anchor]
        print(f"good: {Verifier(given.directory, given.key, anchors).verify()} records")
        return 0
    except (Bad, KeyError, ValueError, TypeError) as reason:
        print(f"NOT GOOD: {reason}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
