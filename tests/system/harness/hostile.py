"""A server whose every answer is made to hurt whoever reads it."""

import socket
import threading

from .listener import Listener

_XML = b"HTTP/1.1 %b\r\nContent-Type: application/xml\r\n%b\r\n"
_CLOSE = b"Connection: close\r\n"
_MOST = 96 << 20  # bytes of an answer that would have no end


def xml_answer(status, body):
    return lambda: iter([_XML % (status, b"Content-Length: %d\r\n" % len(body)), body])


def _endless(start, piece):
    """`start` and then `piece` over and over."""
    def answer():
        yield start
        block = piece * (65536 // len(piece) + 1)
        for _ in range(_MOST // len(block)):
            yield block
    return answer


def _plain(data):
    return lambda: iter([data])


_LIST = b"<ListBucketResult><IsTruncated>true</IsTruncated>"
_BOMB = (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "aaaaaaaaaa">'
         + b"".join(b'<!ENTITY a%d "%b">' % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 10))
         + b"]><Error><Code>&a9;</Code></Error>")

ANSWERS = {
    "a header without end": _endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
    "headers without end": _endless(b"HTTP/1.1 200 OK\r\n", b"X-A: aaaaaaaaaaaaaaaaaaaaaaa\r\n"),
    "interim answers without end": _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "xml without end": _endless(_XML % (b"200 OK", _CLOSE) + _LIST, b"<Contents><Key>k</Key>"
                                b"<Size>1</Size></Contents>"),
    "an error without end": _endless(_XML % (b"403 Forbidden", _CLOSE) + b"<Error><Code>", b"A"),
    "white space without end": _endless(_XML % (b"200 OK", _CLOSE), b" \n"),
    "deep xml": xml_answer(b"403 Forbidden", b"<a>" * 300000),
    "an xml bomb": xml_answer(b"403 Forbidden", _BOMB),
    "an xml that reads a file": xml_answer(b"403 Forbidden", b'<!DOCTYPE a [<!ENTITY f SYSTEM '
                                     b'"file:///etc/passwd">]><Error><Code>&f;</Code></Error>'),
    "an error with escapes": xml_answer(b"403 Forbidden", b"<Error><Code>A&#27;[2J</Code><Message>"
                                  b"\x1b]0;x\x07</Message></Error>"),
    "escapes in xml characters": xml_answer(b"403 Forbidden", "<Error><Code>Access\u009bDenied</Code>"
                                      "<Message>\u202ex\u0085</Message></Error>".encode()),
    "a page that goes on for ever": xml_answer(b"200 OK", _LIST + b"<NextContinuationToken>t"
                                         b"</NextContinuationToken></ListBucketResult>"),
    "a page that repeats itself": xml_answer(b"200 OK", _LIST + b"<NextContinuationToken>t"
                                       b"</NextContinuationToken><Contents><Key>images/k</Key>"
                                       b"<Size>1</Size></Contents></ListBucketResult>"),
    "keys without the prefix": xml_answer(b"200 OK", b"<ListBucketResult>" + b"".join(
        b"<Contents><Key>%b</Key><Size>1</Size></Contents>" % k
        for k in (b"../../etc/passwd", b"a", b"im", b"images", b"images/../x", b"z"))
        + b"</ListBucketResult>"),
    "a key of a mebibyte": xml_answer(b"200 OK", b"<ListBucketResult><Contents><Key>images/" + b"k" * 2**20
                                + b"</Key><Size>1</Size></Contents></ListBucketResult>"),
    "words that are cut": xml_answer(b"403 Forbidden", ("<Error><Code>No</Code><Message>a" + "\u65e5" * 999
                                                  + "</Message></Error>").encode()),
    "a chunk that is too long": _plain(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                       b"ffffffffffffffffff\r\naaaa"),
    "a negative length": _plain(b"HTTP/1.1 403 Forbidden\r\nContent-Length: -5\r\n\r\naaaaaaaa"),
    "a length beyond all": _plain(b"HTTP/1.1 403 Forbidden\r\nContent-Length: "
                                  b"99999999999999999999999\r\n\r\naaaaaaaa"),
    "another protocol": _plain(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "zeroes": _endless(b"", b"\0"),
    "a redirect to a file": _plain(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: "
                                   b"file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
}


class Hostile(Listener):
    """On a port of its own, answers each request with the answer of that name, or this one, then
    closes."""

    def __init__(self, answer):
        self.answer, self.asked = ANSWERS.get(answer, answer), 0
        self.lock = threading.Lock()
        super().__init__()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def serve(self, client):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(65536)
                if not data:
                    return
                head += data
            with self.lock:
                self.asked += 1
            for piece in self.answer():
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        except OSError:
            pass  # it has heard enough
        finally:
            client.close()
