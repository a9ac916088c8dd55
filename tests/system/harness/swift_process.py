"""One of Swift's servers, which swift.py runs with Debian's own Python, apart from everything else of
the harness.

    swift_process.py account|container|object FOLDER
    swift_process.py proxy FOLDER account=PORT container=PORT object=PORT

It reads FOLDER's files and writes its port to stdout as soon as it listens. python3-swift has all
of Swift but the init scripts and their daemons; so nothing is installed that listens by itself. To
be started with -I, or this folder's swift.py would be taken for Swift."""

import json
import os
import sys
from time import monotonic as clock


def forget_fsync():
    """Nothing here has to outlive the machine, and the disk is everybody's."""
    os.fsync = os.fdatasync = lambda fd: None


def read_settings_of(folder):
    """From FOLDER/swift.conf in the place of /etc/swift/swift.conf."""
    from swift.common import utils
    utils.set_swift_dir(folder)


def make_rings(folder, stores):
    """A ring of one device and one replica for each of the stores."""
    from swift.common.ring import RingBuilder
    for text in stores:
        kind, port = text.split("=")
        builder = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
        builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port),
                         "device": "d", "weight": 1, "replication_ip": "127.0.0.1",
                         "replication_port": int(port)})
        builder.rebalance(seed=1)
        builder.get_ring().save(os.path.join(folder, kind + ".ring.gz"))


class Memory:
    """What memcached would keep for the proxy: of accounts and containers, for a minute. tempauth
    asks for one."""

    def __init__(self):
        self.kept = {}

    def set(self, key, value, serialize=True, time=0, **_):
        end = clock() + time if time else float("inf")
        self.kept[key] = (end, json.dumps(value) if serialize else value, serialize)

    def get(self, key, **_):
        end, value, serialized = self.kept.get(key, (0, None, False))
        if end < clock():
            return None
        return json.loads(value) if serialized else value

    def delete(self, key, **_):
        self.kept.pop(key, None)


def memory_cache(_settings, **_):
    """The proxy's filter "cache"."""
    memory = Memory()

    def put_before(application):
        def call(environ, start_response):
            environ["swift.cache"] = memory
            return application(environ, start_response)
        return call
    return put_before


def say_port(wsgi):
    """The kernel chooses the port; it is told on stdout as soon as connections are taken."""
    listen = wsgi.get_socket

    def listen_and_say(conf):
        socket = listen(conf)
        print(socket.getsockname()[1], flush=True)
        return socket
    wsgi.get_socket = listen_and_say


def serve(kind, folder):
    """One of the servers, to its end."""
    from swift.common import wsgi
    say_port(wsgi)
    return wsgi.run_wsgi(os.path.join(folder, kind + ".conf"), kind + "-server", verbose=True)


def main():
    kind, folder, *stores = sys.argv[1:]
    forget_fsync()
    read_settings_of(folder)
    make_rings(folder, stores)
    return serve(kind, folder)


if __name__ == "__main__":
    sys.exit(main())
