"""What hands out temporary credentials, on 127.0.0.1: STS, the instance's metadata (IMDSv2), and a
container's endpoint. Strict: what the real ones refuse is refused here, and what was asked is kept.

The keys live for `life` seconds and are accepted by the s3d that is given, until they expire. `mode`
plays an outage: "reset" (the connection is cut), "hang" (no answer), "garbage" (200 and nonsense) or
an HTTP status such as 503."""

import dataclasses
import datetime
import hashlib
import hmac
import http.server
import itertools
import json
import socket
import struct
import threading
import time
import urllib.parse

SKEW_MAX_S = 300
_numbers = itertools.count(1)


@dataclasses.dataclass
class Keys:
    """One set. `expires`: seconds since 1970; token None: for ever."""

    access_key: str
    secret_key: str
    token: str | None
    expires: float

    @property
    def expiration(self):
        when = datetime.datetime.fromtimestamp(self.expires, datetime.timezone.utc)
        return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands each request to its endpoint."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def handle_any(self):
        endpoint = self.server.endpoint
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        endpoint.asked.append((time.time(), self.command, self.path))
        if endpoint.play_outage(self):
            return
        status, kind, text = endpoint.answer(self, body)
        self.reply(status, kind, text)

    do_GET = do_PUT = do_POST = handle_any

    def reply(self, status, kind, text):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + self.server.endpoint.clock_offset)


class Endpoint:
    """A server of its own thread. `with` it, or stop() it."""

    def __init__(self, s3d=None, life=60):
        self.s3d, self.life = s3d, life
        self.mode = None
        self.clock_offset = 0
        self.asked = []
        self.issued = [] # in order
        self._over = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.endpoint = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,),
                                        daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self):
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def play_outage(self, handler):
        """True where the outage has answered, in its way."""
        mode = self.mode
        if mode is None:
            return False
        handler.close_connection = True
        if mode == "hang":
            self._over.wait(60)
        elif mode == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                          struct.pack("ii", 1, 0))
        elif mode == "garbage":
            handler.reply(200, "text/plain", '{"AccessKeyId": "half", <nonsense')
        else:
            handler.reply(int(mode), "text/plain", "out of order")
        return True

    def issue(self, life=None):
        """New keys, accepted by s3d from now on."""
        n = next(_numbers)
        life = self.life if life is None else life
        keys = Keys(f"ASIA{n:012d}", f"secret/{n}+{self.url[-5:]}=", f"token/{n}+/==",
                    int(time.time()) + life)
        if self.s3d is not None and life > 0:
            self.s3d.hand_out(keys)
        self.issued.append(keys)
        return keys

    def answer(self, handler, body):
        """(status, content type, text)"""
        raise NotImplementedError


class Metadata(Endpoint):
    """IMDSv2: nothing without a token of PUT, and no token past a proxy."""

    role = "data-prep-role"

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.tokens = set()
        self.expired = False # play an outage of what is behind: the old keys, again and again

    def answer(self, handler, body):
        if handler.path == "/latest/api/token":
            if handler.command != "PUT":
                return 405, "text/plain", "PUT"
            if "x-forwarded-for" in handler.headers:
                return 403, "text/plain", "forwarded"
            if not 1 <= int(handler.headers.get("x-aws-ec2-metadata-token-ttl-seconds", 0)) <= 21600:
                return 400, "text/plain", "no ttl"
            token = f"AQAE{next(_numbers)}-_=="
            self.tokens.add(token)
            return 200, "text/plain", token
        if handler.headers.get("x-aws-ec2-metadata-token") not in self.tokens:
            return 401, "text/plain", "no token"
        place = "/latest/meta-data/iam/security-credentials/"
        if handler.path == place and self.role:
            return 200, "text/plain", self.role
        if handler.path == place + (self.role or "-"):
            keys = self.issued[-1] if self.expired and self.issued else self.issue()
            return 200, "application/json", json.dumps({
                "Code": "Success", "LastUpdated": "2026-01-01T00:00:00Z", "Type": "AWS-HMAC",
                "AccessKeyId": keys.access_key, "SecretAccessKey": keys.secret_key,
                "Token": keys.token, "Expiration": keys.expiration}, indent=1)
        return 404, "text/html", "<html>not found</html>"


class Container(Endpoint):
    """ECS, EKS Pod Identity: what has the authorization token may have keys."""

    path = "/v2/credentials/4711"

    def __init__(self, *arguments, authorization=None, **options):
        super().__init__(*arguments, **options)
        self.authorization = authorization

    def answer(self, handler, body):
        if handler.command != "GET" or handler.path != self.path:
            return 404, "application/json", '{"code": "NotFound", "message": "no such task"}'
        if handler.headers.get("authorization") != self.authorization:
            return 401, "application/json", '{"code": "Unauthorized", "message": "bad token"}'
        keys = self.issue()
        return 200, "application/json", json.dumps({
            "RoleArn": "arn:aws:iam::1:role/task", "AccessKeyId": keys.access_key,
            "SecretAccessKey": keys.secret_key, "Token": keys.token,
            "Expiration": keys.expiration, "More": {"nested": [1, 2.5, "}"]}})


class Sts(Endpoint):
    """AssumeRole, whose signature must hold, and AssumeRoleWithWebIdentity, whose token must.

    keys: access key -> Keys, those that are known from the beginning. roles: ARN -> {"by": access
    keys or ARNs that may assume it, "external_id": text}. tokens: web identity token -> ARN."""

    region = "us-east-1"

    def __init__(self, *arguments, keys=(), roles=None, tokens=None, **options):
        super().__init__(*arguments, **options)
        self.keys = {k.access_key: k for k in keys}
        self.roles = roles or {}
        self.tokens = tokens or {}
        self.sessions = {} # access key -> ARN
        self.forms = []

    @staticmethod
    def error(status, code, message="no"):
        return status, "text/xml", (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
            f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            "<RequestId>r</RequestId></ErrorResponse>")

    def give(self, action, arn, session):
        keys = self.issue()
        self.keys[keys.access_key] = keys
        self.sessions[keys.access_key] = arn
        told = dataclasses.replace(keys, expires=keys.expires + self.clock_offset)
        return 200, "text/xml", (
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>'
            f"<AssumedRoleUser><Arn>{arn}/{session}</Arn></AssumedRoleUser><Credentials>"
            f"<AccessKeyId>{keys.access_key}</AccessKeyId>"
            f"<SecretAccessKey>{keys.secret_key}</SecretAccessKey>"
            f"<SessionToken>{keys.token}</SessionToken><Expiration>{told.expiration}</Expiration>"
            f"</Credentials></{action}Result></{action}Response>")

    def answer(self, handler, body):
        form = {k: v[0] for k, v in urllib.parse.parse_qs(body.decode(), strict_parsing=True).items()}
        self.forms.append(form)
        if handler.command != "POST" or handler.path != "/":
            return self.error(404, "NotFound")
        if not handler.headers.get("content-type", "").startswith(
                "application/x-www-form-urlencoded"):
            return self.error(400, "InvalidRequest")
        if form.get("Version") != "2011-06-15" or not 2 <= len(form.get("RoleSessionName", "")) <= 64:
            return self.error(400, "ValidationError")
        if form.get("Action") == "AssumeRoleWithWebIdentity":
            return self.web_identity(handler, form)
        if form.get("Action") == "AssumeRole":
            return self.assume(handler, body, form)
        return self.error(400, "InvalidAction")

    def web_identity(self, handler, form):
        if "authorization" in handler.headers:
            return self.error(400, "InvalidRequest", "signed")
        arn = self.tokens.get(form.get("WebIdentityToken"))
        if arn is None:
            return self.error(400, "InvalidIdentityToken", "unknown or out of date")
        if arn != form.get("RoleArn"):
            return self.error(403, "AccessDenied", "Not authorized to perform "
                                                   "sts:AssumeRoleWithWebIdentity")
        return self.give(form["Action"], arn, form["RoleSessionName"])

    def assume(self, handler, body, form):
        keys, refusal = self.verify(handler, body)
        if refusal:
            return refusal
        role = self.roles.get(form.get("RoleArn"))
        who = {keys.access_key, self.sessions.get(keys.access_key)}
        if role is None or not who & set(role["by"]) or \
                role.get("external_id") != form.get("ExternalId"):
            return self.error(403, "AccessDenied", "not authorized to perform: sts:AssumeRole")
        return self.give(form["Action"], form["RoleArn"], form["RoleSessionName"])

    def verify(self, handler, body):
        """(Keys, None), or (None, why not): SigV4 from its specification."""
        words = handler.headers.get("authorization", "").replace(",", " ").split()
        fields = dict(w.split("=", 1) for w in words[1:])
        if words[:1] != ["AWS4-HMAC-SHA256"]:
            return None, self.error(403, "MissingAuthenticationToken")
        access_key, scope = fields["Credential"].split("/", 1)
        date = handler.headers.get("x-amz-date", "")
        keys = self.keys.get(access_key)
        if keys is None or scope != f"{date[:8]}/{self.region}/sts/aws4_request":
            return None, self.error(403, "InvalidClientTokenId")
        if handler.headers.get("x-amz-security-token") != keys.token:
            return None, self.error(403, "InvalidClientTokenId", "the token")
        now = time.time() + self.clock_offset
        then = datetime.datetime.strptime(date + "+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
        if abs(now - then) > SKEW_MAX_S:
            return None, self.error(403, "SignatureDoesNotMatch", "Signature expired")
        if keys.token and time.time() >= keys.expires:
            return None, self.error(400, "ExpiredToken")
        names = fields["SignedHeaders"].split(";")
        must = {"host", "x-amz-date"} | ({"x-amz-security-token"} if keys.token else set())
        lines = [f"{n}:{' '.join(handler.headers.get(n, '').split())}" for n in names]
        canonical = "\n".join(["POST", "/", "", *lines, "", ";".join(names),
                               hashlib.sha256(body).hexdigest()])
        text = "\n".join(["AWS4-HMAC-SHA256", date, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + keys.secret_key).encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        right = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        if names != sorted(names) or not must <= set(names) or right != fields["Signature"]:
            return None, self.error(403, "SignatureDoesNotMatch")
        return keys, None
