"""Ceph's RADOS gateway as three plain processes: the reference server.

No systemd, no cephx, no manager; objects in memory. Everything lies in one folder and listens on
127.0.0.1 only. About two seconds to start."""

import contextlib
import os
import shutil
import signal
import subprocess
import uuid

from . import process
from .s3d import Server
from .waiting import wait_until

PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")

_CONF = """[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon},v1:127.0.0.1:{mon1}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
keyring = /dev/null
run dir = {dir}/run
admin socket = {dir}/run/$name.asok
pid file =
log file = {dir}/$name.log
log to stderr = false
err to stderr = true
mon cluster log file = {dir}/cluster.log
crash dir = {dir}/crash
mon data = {dir}/mon
osd data = {dir}/osd
osd objectstore = memstore
memstore device bytes = 8589934592
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon allow pool delete = true
mon max pg per osd = 2000
mon warn on pool no redundancy = false
paxos propose interval = 0.05
paxos min wait = 0.01
debug ms = 0/0
debug mon = 0/0
debug paxos = 0/0
debug osd = 0/0
debug objecter = 0/0
debug rgw = 0/0
debug memstore = 0/0
debug bluestore = 0/0
debug crush = 0/0
debug monc = 0/0
rgw frontends = beast endpoint=127.0.0.1:{rgw}
rgw thread pool size = 64
rgw enable usage log = false
rgw data = {dir}/rgw
"""


def missing():
    """The programs that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


class Ceph(Server):
    """One cluster of one monitor, one OSD and one gateway."""

    kind = "ceph"

    def __init__(self, folder):
        self.folder = folder
        self.conf = os.path.join(folder, "ceph.conf")
        self.processes = []
        self.gateway = self.osd = None

    def _spawn(self, name, *command):
        out = open(os.path.join(self.folder, name + ".out"), "ab")
        with out:
            child = subprocess.Popen(
                [*command, "-c", self.conf, "-f"], stdout=out, stderr=out,
                stdin=subprocess.DEVNULL, env=process.clean_environment(),
                preexec_fn=process.end_with_parent)
        self.processes.append(child)
        return child

    def _run(self, *command, timeout=60):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                                  env=process.clean_environment(CEPH_CONF=self.conf), check=False,
                                  preexec_fn=process.end_with_parent)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{' '.join(command)}: not done within {timeout} s") from None
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def start(self):
        fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
        mon = process.free_port(2)
        self.port = process.free_port()
        for name in ("", "run", "crash", "mon", "osd", "rgw"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(_CONF.format(fsid=fsid, mon=mon, mon1=mon + 1, rgw=self.port,
                                    dir=self.folder))
        try:
            self._start_cluster(fsid, osd, mon)
            self._start_gateway()
        except BaseException:
            self.stop()
            raise
        return self

    def _start_cluster(self, fsid, osd, mon):
        monmap = os.path.join(self.folder, "monmap")
        self._run("monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a",
                  f"[v2:127.0.0.1:{mon},v1:127.0.0.1:{mon + 1}]", monmap)
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap, "-c", self.conf)
        self._spawn("mon", "ceph-mon", "-i", "a")
        self._run("ceph", "-c", self.conf, "osd", "new", osd, "0")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd, "-c", self.conf)
        self.osd = self._spawn("osd", "ceph-osd", "-i", "0")

    def _start_gateway(self):
        self.gateway = self._spawn("rgw", "radosgw", "-n", "client.rgw")
        self._run("radosgw-admin", "-c", self.conf, "user", "create", "--uid", "lockstep",
                  "--display-name", "lockstep", "--access-key", self.access_key,
                  "--secret-key", self.secret_key)
        wait_until(self._answers, 30, "the gateway to answer")

    def _answers(self):
        if self.gateway.poll() is not None:
            text = process.tail(os.path.join(self.folder, "rgw.out"))
            raise RuntimeError("radosgw ended: " + text)
        try:
            return self.signed("probe").request("HEAD").status == 404
        except OSError:
            return False

    def stop(self):
        """End the three, the gateway first."""
        for child in reversed(self.processes):
            child.kill()
            child.wait()
        self.processes = []

    def kill_gateway(self):
        """kill -9 of the gateway, as in a crash."""
        self.gateway.kill()
        self.gateway.wait()
        self.processes.remove(self.gateway)

    def start_gateway(self):
        """Start it again on the same port."""
        self.gateway = self._spawn("rgw", "radosgw", "-n", "client.rgw")
        wait_until(self._answers, 30, "the gateway to answer again")

    def limit_requests(self, count):
        """Answer 503 SlowDown beyond so many requests at once; 1024 is its own default."""
        socket = os.path.join(self.folder, "run", "client.rgw.asok")
        self._run("ceph", "--admin-daemon", socket, "config", "set",
                  "rgw_max_concurrent_requests", str(count))

    # --- troubles: each lasts as long as its block -----------------------------------------------

    @contextlib.contextmanager
    def throttled(self):
        """Most requests are told to slow down."""
        self.limit_requests(2)
        try:
            yield
        finally:
            self.limit_requests(1024)

    @contextlib.contextmanager
    def stalled(self):
        """The OSD stands still: nobody is answered."""
        self.osd.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.osd.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def gone(self):
        """The gateway has crashed."""
        self.kill_gateway()
        try:
            yield
        finally:
            self.start_gateway()

    @contextlib.contextmanager
    def suspended(self):
        """The user has no rights."""
        self._admin("user", "suspend", "--uid", "lockstep")
        try:
            yield
        finally:
            self._admin("user", "enable", "--uid", "lockstep")

    @contextlib.contextmanager
    def full(self):
        """The user's quota is used up."""
        quota = ("--uid", "lockstep", "--quota-scope", "user")
        self._admin("quota", "set", *quota, "--max-objects", "1")
        self._admin("quota", "enable", *quota)
        try:
            yield
        finally:
            self._admin("quota", "disable", *quota)

    def _admin(self, *words):
        self._run("radosgw-admin", "-c", self.conf, *words)
