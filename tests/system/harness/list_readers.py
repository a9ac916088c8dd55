"""Lists as trainers read them, in plain Python: the rules of im2rec, of ImageIter and of the C++
reader, written from what they do and sharing no code with lockstep."""


def im2rec(data):
    """im2rec.py: rows as (index, labels, path); rows that it cannot take are passed over."""
    rows = []
    for line in data.decode("utf-8").split("\n"):
        fields = [field.strip() for field in line.strip().split("\t")]
        if len(fields) < 3:
            continue
        try:
            rows.append((int(fields[0]), [float(x) for x in fields[1:-1]], fields[-1]))
        except ValueError:
            continue
    return rows


def image_iter(data):
    """ImageIter: the same, but it raises ValueError for what it cannot take, and keeps blanks."""
    rows = []
    lines = data.decode("utf-8").splitlines(keepends=True)
    for line in lines:
        fields = line.rstrip("\r\n").split("\t")
        rows.append((int(fields[0]), [float(x) for x in fields[1:-1]], fields[-1]))
    return rows


def everyone(data):
    """What all readers agree on; a list that they read differently fails."""
    rows = im2rec(data)
    assert rows == image_iter(data), "im2rec and ImageIter read other rows"
    assert data.endswith(b"\n") and not data.startswith(b"\xef\xbb\xbf") and b"\r" not in data
    assert rows, "the C++ reader refuses a list without rows"
    assert all(0 <= index < 2 ** 63 for index, _, _ in rows)
    assert len({index for index, _, _ in rows}) == len(rows), "an index stands in two rows"
    assert all(path and not path.startswith("/") and path == path.strip() for _, _, path in rows)
    return rows
