"""Certificates of a test's own, made by openssl, and servers that speak TLS badly."""

import os
import ssl
import subprocess

from .listener import Listener

_CA = """[ca]
default_ca = own
[own]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
policy = any
default_md = sha256
email_in_dn = no
unique_subject = no
[any]
commonName = supplied
[v3]
subjectAltName = {names}
basicConstraints = critical, CA:TRUE
"""


class Certificate:
    """One that signs itself, in `folder`: for these names ("DNS:localhost,IP:127.0.0.1"), from and to
    these times (YYYYMMDDHHMMSSZ)."""

    def __init__(self, folder, names="DNS:localhost,IP:127.0.0.1", begin="20200101000000Z",
                 end="20991231000000Z"):
        self.cert = os.path.join(folder, "cert.pem")
        self.key = os.path.join(folder, "key.pem")
        config = os.path.join(folder, "ca.conf")
        request = os.path.join(folder, "request.pem")
        with open(config, "w", encoding="ascii") as file:
            file.write(_CA.format(folder=folder, names=names))
        open(os.path.join(folder, "index"), "w", encoding="ascii").close()
        with open(os.path.join(folder, "serial"), "w", encoding="ascii") as file:
            file.write("01\n")
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                      "-nodes", "-subj", "/CN=test", "-keyout", self.key, "-out", request)
        self._openssl("ca", "-batch", "-selfsign", "-config", config, "-extensions", "v3",
                      "-startdate", begin, "-enddate", end, "-keyfile", self.key, "-in", request,
                      "-notext", "-out", self.cert)

    @staticmethod
    def _openssl(*words):
        done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def context(self):
        """Of a client that takes the server for who it is: tests of the test's own client are not
        made here."""
        context = ssl.create_default_context(cafile=self.cert)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


class OldServer(Listener):
    """A server that speaks TLS 1.1 at the most. `handshakes`: how each ended."""

    def __init__(self, certificate):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_ciphers("DEFAULT@SECLEVEL=0")
        self.context.load_cert_chain(certificate.cert, certificate.key)
        self.context.minimum_version = ssl.TLSVersion.TLSv1
        self.context.maximum_version = ssl.TLSVersion.TLSv1_1
        self.handshakes = []
        super().__init__()

    def serve(self, client):
        client.settimeout(10)
        try:
            with self.context.wrap_socket(client, server_side=True) as secure:
                self.handshakes.append(secure.version())
        except OSError as error:
            self.handshakes.append(str(error))
