"""A journal that tests/bench/bench_journal makes, and what it tells, by arithmetic: tests/bench/journal_records.h
has the same in C. So what stands in ten million records need not be remembered."""

import base64
import bisect
import os

from . import process

BASE_US, STEP_US = 1767323045123456, 20000
ODD, CLASSES, MASK = 9, 1000, (1 << 64) - 1
SHOWN = "train/renamed.jpg"
SPREAD = 0x9E3779B97F4A7C15


def bench_program():
    return os.path.join(process.build_dir(), "tests", "bench", "bench_journal")


def path_of(image):
    return f"train/class_{image % CLASSES:03}/image_{image:08}.jpg"


def size_of(image):
    return 123456 + image % 100000


def etag_of(image):
    return f"{image * SPREAD & MASK:016x}{image * 0xD1B54A32D192ED03 & MASK:016x}"


def crc_of(image):
    """The checksum of its content, as S3 spells it."""
    return base64.b64encode((image * SPREAD & MASK).to_bytes(8, "big")).decode()


def mtime_ns_of(image):
    return BASE_US * 1000 + image


class MadeJournal:
    """`records` of the bench, three of each image, and one more, the first, that names the key."""

    def __init__(self, folder, records, host, key, segment_bytes=0):
        assert records % 3 == 0 and records >= 300, records
        self.folder, self.host, self.key = folder, host, key
        self.of_images, self.records = records, records + 1
        self.segment_bytes = segment_bytes
        self.renamed, self.refused = records // 6, records // 4
        self.images = records // 3
        self.passed_over = (self.refused + 1, self.refused + 2)
        self.odd = records // 4 * 3 + 2  # number of the first record that is not of a new image alone
        self.objects = Objects(self.images, (self.renamed, *self.passed_over))

    def make(self, timeout):
        """Have the bench make it."""
        words = [bench_program(), "make", str(self.of_images), self.folder, self.host, self.key]
        words += [str(self.segment_bytes)] if self.segment_bytes else []
        done = process.measure(words, timeout=timeout)
        assert done.status == 0, done
        return done

    def time_us(self, number):
        """When the record of this number, which is not the first, was written."""
        return BASE_US + (number - 2) * STEP_US

    def last_before(self, second):
        """The number of the last record of a whole second (the first record is older than all)."""
        return min(max((second * 1000000 - BASE_US) // STEP_US + 2, 1), self.records)

    def objects_before(self, second):
        """How many objects S3 had then, while all records were of new images."""
        number = self.last_before(second)
        assert number < self.odd, number
        return number // 3

    def first_number(self, image):
        """The number of the first of an image's three records."""
        return 3 * image + 2

    def plain_bytes(self):
        return sum(entry.stat().st_size for entry in os.scandir(self.folder)
                   if entry.name.endswith(".jsonl"))

    def names(self, ending):
        return sorted(name for name in os.listdir(self.folder) if name.endswith(ending))


class Objects:
    """The paths that are in S3 in the end, as a sequence in the order of listings; `gone` are the
    images that are not there, and what the first of them became is."""

    def __init__(self, images, gone):
        self.rows, self.longer = divmod(images, CLASSES)  # of each class; so many have one more
        self.gone = sorted(self._place(image) for image in gone)
        self.renamed = gone[0]
        self.count = images - len(gone) + 1

    def _place(self, image):
        """Where an image is among all of them."""
        number, of_class = divmod(image, CLASSES)
        return of_class * self.rows + min(of_class, self.longer) + number

    def image(self, place):
        """Which image is the object at this place; for the last one, what it was."""
        if place == self.count - 1:
            return self.renamed
        for gone in self.gone:
            place += place >= gone
        long_ones = self.longer * (self.rows + 1)
        if place < long_ones:
            of_class, number = divmod(place, self.rows + 1)
        else:
            of_class, number = divmod(place - long_ones, self.rows)
            of_class += self.longer
        return number * CLASSES + of_class

    def __len__(self):
        return self.count

    def __getitem__(self, place):
        if not 0 <= place < self.count:
            raise IndexError(place)
        return SHOWN if place == self.count - 1 else path_of(self.image(place))

    def find(self, path):
        """Its place; None where it is none of them."""
        place = bisect.bisect_left(self, path)
        return place if place < self.count and self[place] == path else None
