"""Sample data: the icons of Debian's adwaita-icon-theme as an image repository, and lists of it."""

import os
import random
import shutil

ADWAITA = "/usr/share/icons/Adwaita"
SIZES = ("16x16", "22x22", "24x24", "32x32", "48x48", "64x64", "96x96")


def adwaita(target, count=None, seed=1):
    """Copy real PNG files into class folders: <target>/<class>/<size>-<name>.png, the class being
    the icon's context (actions, apps, ...). All 4,696, or a seeded choice of `count`. Returns the
    paths, relative and sorted."""
    sources = []
    for size in SIZES:
        for folder, _, names in os.walk(os.path.join(ADWAITA, size)):
            for name in names:
                if name.endswith(".png"):
                    label = os.path.basename(folder)
                    sources.append((f"{label}/{size}-{name}", os.path.join(folder, name)))
    sources.sort()
    if not sources:
        raise RuntimeError(f"no icons in {ADWAITA}: apt-get install adwaita-icon-theme")
    if count is not None:
        sources = sorted(random.Random(seed).sample(sources, count))
    for path, source in sources:
        full = os.path.join(target, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        shutil.copyfile(source, full)
    return [path for path, _ in sources]


def write_lists(target, paths, seed=1, validation=0.2):
    """train.lst and val.lst as im2rec makes them: index TAB label TAB path, the label being the
    number of the class folder; shuffled and split by the seed. Returns (train rows, val rows)."""
    classes = sorted({path.split("/", 1)[0] for path in paths})
    rows = [(i, classes.index(path.split("/", 1)[0]), path) for i, path in enumerate(paths)]
    random.Random(seed).shuffle(rows)
    cut = int(len(rows) * validation)
    os.makedirs(target, exist_ok=True)
    for name, part in (("val.lst", rows[:cut]), ("train.lst", rows[cut:])):
        with open(os.path.join(target, name), "w", encoding="utf-8") as file:
            file.writelines(f"{index}\t{label:.6f}\t{path}\n" for index, label, path in part)
    return rows[cut:], rows[:cut]


def read_list(text):
    """Rows of a list as (index, labels, path)."""
    rows = []
    for line in text.splitlines():
        index, *labels, path = line.split("\t")
        rows.append((index, labels, path))
    return rows


def count_rows(lists):
    """How many rows the lists of a folder have."""
    return sum(len(open(f"{lists}/{n}").read().splitlines()) for n in os.listdir(lists))
