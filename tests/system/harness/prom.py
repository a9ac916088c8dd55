"""What an agent says of itself in Prometheus's text format, read by a parser of our own."""

import http.client
import re

from . import process

SAMPLE = re.compile(r'^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)')


def unescape(text):
    return re.sub(r"\\(.)", lambda m: "\n" if m.group(1) == "n" else m.group(1), text)


class Figures:
    """The samples of one answer."""

    def __init__(self, text):
        self.text = text
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        self.samples = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            match = SAMPLE.match(line)
            assert match, f"no sample: {line!r}"
            labels = LABEL.findall(match.group(2) or "")
            key = match.group(1), frozenset((n, unescape(v)) for n, v in labels)
            assert key not in self.samples, f"twice: {line!r}"
            self.samples[key] = float(match.group(3))

    def get(self, name, **labels):
        """The one sample with these labels; None where there is none."""
        return self.samples.get((name, frozenset(labels.items())))

    def sum(self, name, **labels):
        """All samples of that name that have these labels, added up."""
        return sum(v for (n, have), v in self.samples.items()
                   if n == name and set(labels.items()) <= have)

    def names(self):
        """Of families: a histogram's three kinds of samples are one."""
        return set(self.types)


class Port:
    """The metrics port of an agent: `options` is what its configuration needs."""

    def __init__(self, host="127.0.0.1"):
        self.host, self.port = host, process.free_port()
        self.options = {"metrics": {"listen": f"{host}:{self.port}"}}

    def get(self, path="/metrics", method="GET", timeout=15):
        """(status, text)."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def figures(self):
        status, text = self.get()
        assert status == 200, (status, text)
        return Figures(text)
