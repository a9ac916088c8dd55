"""A small HTTP proxy: CONNECT, and nothing else."""

import socket
import threading

from .listener import Listener


class Proxy(Listener):
    """On a port of its own. `asked`: the hosts of all CONNECTs. With `refuse` it answers each with
    that status line and connects nobody."""

    def __init__(self, refuse=None):
        self.refuse, self.asked = refuse, []
        super().__init__()

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(4096)
            if not piece:
                return client.close()
            head += piece
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        self.asked.append(f"{method} {target}")
        if self.refuse or method != "CONNECT":
            client.sendall(f"HTTP/1.1 {self.refuse or '405 Not here'}\r\n"
                           "Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return client.close()
        host, port = target.rsplit(":", 1)
        server = socket.create_connection((host, int(port)), timeout=10)
        server.settimeout(None)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=self._pump, args=(server, client), daemon=True).start()
        return self._pump(client, server)

    @staticmethod
    def _pump(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass  # the other direction ends too
        try:
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it is closed already
