"""A trainer who reads lists in S3 while they change, and holds them against the objects there."""

import http.client
import threading

from . import samples
from .signed import S3Error


class Observer(threading.Thread):
    """Reads the bucket's lists again and again: a row whose object is missing while the list is the
    same before and after the look is a broken promise. start(), finish(): then `looks` and `broken`
    tell."""

    def __init__(self, signed, lists):
        super().__init__(daemon=True)
        self.signed, self.lists = signed, lists
        self.ended, self.broken, self.looks = threading.Event(), [], 0

    def run(self):
        while not self.ended.is_set():
            for name in self.lists:
                try:
                    self.look(name)
                except (S3Error, OSError, http.client.HTTPException):
                    self.ended.wait(0.05)  # not there yet, or S3 is in trouble

    @staticmethod
    def keys(_name, text):
        """The keys that it names."""
        return [f"images/{path}" for _, _, path in samples.read_list(text)]

    def look(self, name):
        text = self.signed.get(name).body.decode()
        present = set(self.signed.list("images/"))
        missing = [key for key in self.keys(name, text) if key not in present]
        if missing and self.signed.get(name).body.decode() == text:
            self.broken.append((name, missing))
        self.looks += 1

    def finish(self):
        self.ended.set()
        self.join(30)
        if self.is_alive():
            raise AssertionError("the observer does not end")
