"""s3d, the strict test server of this repository, as a child process."""

import json
import os
import subprocess
import urllib.parse
import urllib.request

from . import process
from .signed import Signed


def s3d_binary():
    """$S3D, or the one of the build."""
    return os.environ.get("S3D", os.path.join(process.build_dir(), "tests", "s3d", "s3d"))


class Server:
    """What the tests know of a server: an address, credentials, buckets."""

    kind = ""
    patience = 1  # waiting takes so many times as long
    host = "127.0.0.1"
    port = 0
    region = "us-east-1"
    ca_file = None  # of who signed the server's certificate, where it has one
    access_key = "LOCKSTEPTESTKEY"
    secret_key = "test+secret/of=no+use"

    tls = None  # an ssl.SSLContext to reach it with

    @property
    def endpoint(self):
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def signed(self, bucket):
        return Signed(self.host, self.port, bucket, self.access_key, self.secret_key, self.region,
                      self.tls)

    def create_bucket(self, name):
        self.signed(name).expect("PUT")

    def environment(self, **extra):
        """The environment of a client or an agent of this server."""
        return process.clean_environment(**{
            "AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true", **extra})


class S3d(Server):
    """One s3d. Objects and log lie in `folder` and survive stop() and start()."""

    kind = "s3d"

    def __init__(self, folder, *options, certificate=None):
        """certificate: a tls.Certificate, to speak TLS with."""
        if certificate:
            options += ("--tls-cert", certificate.cert, "--tls-key", certificate.key)
            self.tls = certificate.context()
        self.folder = folder
        self.options = options
        self.process = None
        self.log_path = os.path.join(folder, "access.jsonl")

    def start(self, port=0):
        os.makedirs(self.folder, exist_ok=True)
        command = [s3d_binary(), "--root", os.path.join(self.folder, "objects"),
                   "--log", self.log_path, "--region", self.region, "--port", str(port),
                   *self.options]
        with open(os.path.join(self.folder, "s3d.log"), "ab") as errors:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL,
                env=self.environment())
        line = self.process.stdout.readline()
        if not line.strip().isdigit():
            text = process.tail(os.path.join(self.folder, "s3d.log"))
            raise RuntimeError(f"{command[0]} did not start: {text}")
        self.port = int(line)
        return self

    def stop(self):
        """End it. Returns its exit status."""
        if self.process is None:
            return None
        status = process.end(self.process)
        self.process.stdout.close()
        self.process = None
        return status

    def restart(self):
        """Stop and start on the same port."""
        self.stop()
        return self.start(self.port)

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    def _control(self, method, address="fault", **parameters):
        query = urllib.parse.urlencode(parameters)
        url = f"{self.endpoint}/-/{address}" + (f"?{query}" if query else "")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=self.tls))
        with opener.open(urllib.request.Request(url, method=method), timeout=10) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def fault(self, do, **parameters):
        """Arm a fault (see s3d --help); returns its id."""
        return self._control("POST", do=do, **parameters)["id"]

    def hand_out(self, keys):
        """Accept these temporary keys (aws_endpoints.Keys) until they expire."""
        token = {"session_token": keys.token} if keys.token else {}
        self._control("POST", "keys", access_key=keys.access_key, secret_key=keys.secret_key,
                      expires=int(keys.expires), **token)

    def faults(self):
        """What was armed, with hits."""
        return self._control("GET")["faults"]

    def clear_faults(self):
        self._control("DELETE")

    def requests(self, since=0):
        """The access log from its line number `since` on, as dicts."""
        try:
            with open(self.log_path, encoding="utf-8") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines[since:]]
