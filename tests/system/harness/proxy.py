"""A small HTTP proxy: CONNECT, and requests with a whole URL."""

import socket
import threading

from .listener import Listener


class Proxy(Listener):
    """On a port of its own. `asked`: the method and host of all requests; `logins`: what they said
    in Proxy-Authorization. With `refuse` it answers each with that status line and connects
    nobody."""

    def __init__(self, refuse=None):
        self.refuse, self.asked, self.logins = refuse, [], []
        super().__init__()

    def serve(self, client):
        head, rest = self._head(client, b"")
        if not head:
            return client.close()
        method, target = self._note(head)
        if self.refuse:
            client.sendall(f"HTTP/1.1 {self.refuse}\r\n"
                           "Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return client.close()
        host, port = target.rsplit(":", 1)
        server = socket.create_connection((host, int(port)), timeout=10)
        server.settimeout(None)
        threading.Thread(target=self._pump, args=(server, client), daemon=True).start()
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            return self._pump(client, server)
        return self._pass_requests(client, server, head, rest)

    def _note(self, head):
        """Of a request's head: (method, "host:port")."""
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        if method != "CONNECT":
            assert target.startswith("http://"), target
            target = target.removeprefix("http://").split("/", 1)[0]
        self.asked.append(f"{method} {target}")
        self.logins.extend(line.split(b": ", 1)[1].decode() for line in head.split(b"\r\n")
                           if line.lower().startswith(b"proxy-authorization: "))
        return method, target

    @staticmethod
    def _head(client, rest):
        """(head, what came behind it); (b"", b"") at the end."""
        while b"\r\n\r\n" not in rest:
            piece = client.recv(65536)
            if not piece:
                return b"", b""
            rest += piece
        head, rest = rest.split(b"\r\n\r\n", 1)
        return head + b"\r\n\r\n", rest

    def _pass_requests(self, client, server, head, rest):
        """One after the other, as a server wants them: only the path in the first line."""
        while head:
            first, others = head.split(b"\r\n", 1)
            method, target, version = first.split(b" ")
            path = b"/" + target.split(b"/", 3)[3]
            length = next((int(line.split(b":")[1]) for line in others.lower().split(b"\r\n")
                           if line.startswith(b"content-length:")), 0)
            server.sendall(b" ".join((method, path, version)) + b"\r\n" + others)
            while length > 0:
                piece = rest or client.recv(65536)
                if not piece:
                    return server.close()
                server.sendall(piece[:length])
                length, rest = length - len(piece[:length]), piece[length:]
            head, rest = self._head(client, rest)
            if head:
                self._note(head)
        return server.close()

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
