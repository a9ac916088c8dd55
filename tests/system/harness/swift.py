"""OpenStack Swift with its s3api as four plain processes: the second opinion, of who checks what
Ceph lets pass (the region, the signature of every x-amz-* header, the digest of DeleteObjects) and
knows no conditions on puts.

One device, one replica, no daemons beside the four servers, no memcached, nothing forced to disk.
Everything lies in one folder, on a file system with extended attributes of users, and listens on
127.0.0.1 only. About two seconds to start."""

import os
import subprocess

from . import process
from .s3d import Server
from .waiting import wait_until

PYTHON = "/usr/bin/python3"  # Debian's: it has python3-swift
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "swift_process.py")
PAGE = 200  # keys in a page of a listing; fewer than are asked for, as everybody must expect
STORES = ("account", "container", "object")

# Time limits that a busy machine does not reach; a server that failed is asked again at once.
_PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = 0
workers = 0
swift_dir = {dir}
log_address = {dir}/no-syslog
log_level = WARNING
[pipeline:main]
pipeline = catch_errors gatekeeper cache s3api tempauth copy slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
conn_timeout = 30
node_timeout = 60
client_timeout = 60
post_quorum_timeout = 30
error_suppression_interval = 0
error_suppression_limit = 1000000
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:cache]
paste.filter_factory = __main__:memory_cache
[filter:s3api]
use = egg:swift#s3api
multi_delete_concurrency = 8
location = {region}
s3_acl = false
max_upload_part_num = 10000
max_bucket_listing = {page}
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{user} = {secret} .admin
[filter:slo]
use = egg:swift#slo
[filter:copy]
use = egg:swift#copy
"""

_STORE = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = 0
workers = 0
swift_dir = {dir}
devices = {dir}/devices
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
conn_timeout = 30
node_timeout = 60
log_address = {dir}/no-syslog
log_level = WARNING
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""

_SWIFT = """[swift-hash]
swift_hash_path_suffix = lockstep
"""


def missing(folder):
    """What keeps Swift from running with its data in this folder; "" if nothing does."""
    found = subprocess.run([PYTHON, "-I", "-c", "import swift.common.middleware.s3api"],
                           capture_output=True, check=False)
    if found.returncode != 0:
        return "not installed: python3-swift"
    try:
        os.setxattr(folder, "user.lockstep", b"1")
        os.removexattr(folder, "user.lockstep")
    except OSError as error:
        return f"{folder}: no extended attributes of users on this file system: {error.strerror}"
    return ""


class Swift(Server):
    """One proxy and one server each for accounts, containers and objects."""

    kind = "swift"
    patience = 4
    access_key = "lockstep:tester"

    def __init__(self, folder):
        self.folder = folder
        self.processes = {}

    def start(self):
        os.makedirs(os.path.join(self.folder, "devices", "d"), exist_ok=True)
        self._configure()
        try:
            for kind in STORES:
                self._spawn(kind)
            self._spawn("proxy", *(f"{kind}={self._port(kind)}" for kind in STORES))
            self.port = self._port("proxy")
            wait_until(self._answers, 120, "Swift to answer")
        except BaseException:
            self.stop()
            raise
        return self

    def _configure(self):
        """The files that the four read."""
        account, user = self.access_key.split(":")
        self._write("swift.conf", _SWIFT)
        self._write("proxy.conf", _PROXY.format(dir=self.folder, region=self.region, page=PAGE,
                                                account=account, user=user,
                                                secret=self.secret_key))
        for kind in STORES:
            self._write(kind + ".conf", _STORE.format(kind=kind, dir=self.folder))

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def _spawn(self, kind, *words):
        """One of the servers; it ends with this process."""
        with open(self._log(kind), "ab") as errors:
            self.processes[kind] = subprocess.Popen(
                [PYTHON, "-I", "-B", PROGRAM, kind, self.folder, *words], stdout=subprocess.PIPE,
                stderr=errors, stdin=subprocess.DEVNULL, env=process.clean_environment(),
                preexec_fn=process.end_with_parent)

    def _port(self, kind):
        """Where it listens, as it says itself."""
        line = self.processes[kind].stdout.readline()
        if not line.strip().isdigit():
            raise RuntimeError(f"Swift's {kind} server: {process.tail(self._log(kind))}")
        return int(line)

    def _log(self, kind):
        return os.path.join(self.folder, kind + ".log")

    def _answers(self):
        for kind, child in self.processes.items():
            if child.poll() is not None:
                raise RuntimeError(f"Swift's {kind} server ended: {process.tail(self._log(kind))}")
        try:
            return self.signed("probe").request("GET").status == 404
        except OSError:
            return False

    def stop(self):
        """End the four, the proxy first."""
        for child in reversed(list(self.processes.values())):
            child.kill()
            child.wait()
            child.stdout.close()
        self.processes = {}
