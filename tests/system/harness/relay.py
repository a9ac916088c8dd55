"""A relay in front of a server, that loses answers."""

import socket
import threading
from urllib.parse import urlsplit

from .listener import Listener


class Relay(Listener):
    """On a port of its own. The next `count` requests whose heads fit `loses` reach the server and
    have their answers; the client gets a broken connection instead. `lost`: how many it was."""

    def __init__(self, endpoint, loses):
        parts = urlsplit(endpoint)
        self.server = (parts.hostname, parts.port)
        self.loses, self.count, self.lost = loses, 0, 0
        self.lock = threading.Lock()
        super().__init__()

    def _strikes(self, head):
        with self.lock:
            if self.count == 0 or not self.loses(head):
                return False
            self.count -= 1
            return True

    def serve(self, client):
        server = socket.create_connection(self.server, timeout=60)
        server.settimeout(None)
        struck = threading.Event()
        threading.Thread(target=self._back, args=(server, client, struck), daemon=True).start()
        try:
            while data := client.recv(65536):
                if self._strikes(data):  # a head without a body comes in one piece
                    struck.set()
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the way back ends too

    def _back(self, server, client, struck):
        try:
            while data := server.recv(65536):
                if struck.is_set():
                    with self.lock:
                        self.lost += 1
                    break
                client.sendall(data)
        except OSError:
            pass  # the client went
        for end in (client, server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed already
            end.close()
