"""A server that knows nothing, and sends the end of a body after its answers to HEAD, which have
none: as Swift does, but late, so that whoever uses the connection again has asked by then."""

import socket
import time

from .listener import Listener

_ANSWER = (b"HTTP/1.1 404 Not Found\r\nContent-Type: application/xml\r\n"
           b"Transfer-Encoding: chunked\r\n\r\n")
_LATE_S = 0.03


class Strays(Listener):
    """On a port of its own. `connections`: how many were made; `asked`: how many requests came."""

    def __init__(self):
        self.connections = self.asked = 0
        super().__init__()

    def serve(self, client):
        self.connections += 1
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pending = b""
        try:
            while data := client.recv(65536):
                pending += data
                while b"\r\n\r\n" in pending:
                    _, pending = pending.split(b"\r\n\r\n", 1)
                    self.asked += 1
                    client.sendall(_ANSWER)
                    time.sleep(_LATE_S)
                    client.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # it was closed on us
        client.close()
