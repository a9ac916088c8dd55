"""RecordIO as trainers read it, in plain Python: written from the format, sharing no code with
lockstep. It raises ValueError for what a reader would stumble over."""

import struct

MAGIC = struct.pack("<I", 0xCED7230A)


def parts(data):
    """(offset, flag, bytes) of each part of a file."""
    at = 0
    while at < len(data):
        if data[at:at + 4] != MAGIC:
            raise ValueError(f"no magic number at {at}")
        word = struct.unpack_from("<I", data, at + 4)[0]
        flag, length = word >> 29, word & (1 << 29) - 1
        body = data[at + 8:at + 8 + length]
        end = at + 8 + (length + 3) // 4 * 4
        if len(body) < length or end > len(data) or any(data[at + 8 + length:end]):
            raise ValueError(f"a part at {at} has no end")
        yield at, flag, body
        at = end


def records(data):
    """(offset, payload) of each record of a file."""
    begin, pieces = 0, []
    for at, flag, body in parts(data):
        if (flag in (0, 1)) != (not pieces) or flag > 3:
            raise ValueError(f"a part of kind {flag} at {at}")
        begin = begin if pieces else at
        pieces.append(body)
        if flag in (0, 3):
            yield begin, MAGIC.join(pieces)
            pieces = []
    if pieces:
        raise ValueError("the last record has no end")


def unpack(payload):
    """(id, labels, image) of a payload."""
    count, label, number, zero = struct.unpack_from("<IfQQ", payload)
    if zero:
        raise ValueError("the second id is not 0")
    if not count:
        return number, (label,), payload[24:]
    if label:
        raise ValueError("there are labels, and the field of the single one is not 0")
    labels = struct.unpack_from(f"<{count}f", payload, 24)
    return number, labels, payload[24 + 4 * count:]


def pack(number, labels, image):
    """A record as a writer makes it that passes the bytes of images through."""
    if len(labels) == 1:
        payload = struct.pack("<IfQQ", 0, labels[0], number, 0) + image
    else:
        payload = struct.pack(f"<IfQQ{len(labels)}f", len(labels), 0, number, 0, *labels) + image
    pieces, begin = [], 0
    for at in range(0, len(payload) - 3, 4):
        if payload[at:at + 4] == MAGIC:
            pieces.append(payload[begin:at])
            begin = at + 4
    pieces.append(payload[begin:])
    last = len(pieces) - 1
    framed = b""
    for number_of, piece in enumerate(pieces):
        flag = 0 if last == 0 else 1 if number_of == 0 else 3 if number_of == last else 2
        framed += MAGIC + struct.pack("<I", flag << 29 | len(piece)) + piece
        framed += b"\0" * (-len(piece) % 4)
    return framed


def read_indexed(rec, idx):
    """The images of a .rec, found by its .idx: (id, labels, bytes), in the order of the .idx."""
    found = dict(records(rec))
    rows = [line.split("\t") for line in idx.decode("ascii").splitlines()]
    if len(rows) != len(found) or not idx.endswith(b"\n"):
        raise ValueError(f"{len(rows)} lines for {len(found)} records")
    images = [unpack(found[int(at)]) for _, at in rows]
    if [int(number) for number, _ in rows] != [image[0] for image in images]:
        raise ValueError("the .idx has other ids than the records")
    return images
