"""Fashion-MNIST, of Debian's dataset-fashion-mnist: 70,000 labelled images of 28 by 28 pixels, as
PNG files in class folders. The writer and the reader of PNG are those of this file alone."""

import gzip
import os
import struct
import zlib

from .context import Skip

FOLDER = "/usr/share/datasets/fashion-mnist"
CLASSES = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
           "Ankle boot")
SIDE = 28
PARTS = {"train": ("train", 60_000), "test": ("t10k", 10_000)}
SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0) # 8 bits of grey


def _idx(name, dimensions):
    """The bytes of an idx file behind its header."""
    with gzip.open(os.path.join(FOLDER, name)) as file:
        data = file.read()
    zero, kind, n = struct.unpack_from(">HBB", data)
    sizes = struct.unpack_from(f">{n}I", data, 4)
    body = data[4 + 4 * n:]
    assert (zero, kind, sizes[1:]) == (0, 8, dimensions), f"{name} is another file"
    assert len(body) == sizes[0] * (SIDE * SIDE if dimensions else 1), f"{name} is cut"
    return body


def pixels(parts=tuple(PARTS)):
    """path -> pixels of the images of these parts: "Bag/train-00004.png"."""
    if not os.path.isdir(FOLDER):
        raise Skip("not installed: dataset-fashion-mnist")
    found, size = {}, SIDE * SIDE
    for part in parts:
        name, total = PARTS[part]
        images = _idx(f"{name}-images-idx3-ubyte.gz", (SIDE, SIDE))
        labels = _idx(f"{name}-labels-idx1-ubyte.gz", ())
        assert len(labels) == total, name
        for number, label in enumerate(labels):
            found[f"{CLASSES[label]}/{part}-{number:05}.png"] = \
                images[number * size:(number + 1) * size]
    return found


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(grey):
    """A PNG file of these pixels."""
    rows = b"".join(b"\0" + grey[at:at + SIDE] for at in range(0, len(grey), SIDE))
    return (SIGNATURE + _chunk(b"IHDR", HEADER) + _chunk(b"IDAT", zlib.compress(rows, 1))
            + _chunk(b"IEND", b""))


def grey_of(data):
    """The pixels of such a file; AssertionError for any other."""
    assert data[:8] == SIGNATURE, "no PNG"
    at, header, packed, kind = 8, None, b"", None
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + body), kind
        header = body if kind == b"IHDR" else header
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    rows = zlib.decompress(packed)
    assert (header, at, len(rows)) == (HEADER, len(data), SIDE * (SIDE + 1)), "another image"
    lines = [rows[n:n + SIDE + 1] for n in range(0, len(rows), SIDE + 1)]
    assert {line[0] for line in lines} == {0}, "another filter"
    return b"".join(line[1:] for line in lines)
