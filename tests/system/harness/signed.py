"""A small S3 client over http.client with a SigV4 signer of its own, for bulk reads and for
requests that no well-behaved client would send. Written from the specification; it shares nothing
with lockstep or s3d."""

import concurrent.futures
import datetime
import hashlib
import hmac
import http.client
import threading
import urllib.parse
import xml.etree.ElementTree as ElementTree

_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


class S3Error(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status, code, what, body):
        super().__init__(f"{what}: {status} {code}")
        self.status = status
        self.code = code
        self.body = body


class Answer:
    """Status, headers (lower case) and body of a reply."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def code(self):
        """The <Code> of an error document, or ''."""
        start, end = self.body.find(b"<Code>"), self.body.find(b"</Code>")
        return self.body[start + 6:end].decode() if 0 <= start < end else ""

    @property
    def metadata(self):
        """x-amz-meta-* without the prefix."""
        prefix = "x-amz-meta-"
        return {k[len(prefix):]: v for k, v in self.headers.items() if k.startswith(prefix)}


def quote(text, safe=""):
    """Percent-encoded as SigV4 asks for."""
    return urllib.parse.quote(text, safe=safe + "-_.~")


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Signed:
    """Requests to one bucket, path-style. Thread-safe: a connection a thread."""

    def __init__(self, host, port, bucket, access_key, secret_key, region="us-east-1", tls=None):
        """tls: an ssl.SSLContext; None for plain HTTP."""
        self.tls = tls
        self.host, self.port, self.bucket = host, port, bucket
        self.access_key, self.secret_key, self.region = access_key, secret_key, region
        self._local = threading.local()

    def signing_key(self, day):
        key = ("AWS4" + self.secret_key).encode()
        for part in (day, self.region, "s3", "aws4_request"):
            key = _hmac(key, part)
        return key

    def sign(self, method, path, query, headers, date, unsigned=()):
        """The headers with Authorization; `unsigned` names those to leave out of the signature.
        Returns (headers, signature, scope)."""
        names = sorted(name for name in headers if name not in unsigned)
        canonical = "\n".join([
            method, path, query,
            *(f"{name}:{' '.join(headers[name].split())}" for name in names),
            "", ";".join(names), headers["x-amz-content-sha256"],
        ])
        scope = f"{date[:8]}/{self.region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", date, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        signature = _hmac(self.signing_key(date[:8]), text).hex()
        authorization = (f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
                         f"SignedHeaders={';'.join(names)}, Signature={signature}")
        return {**headers, "authorization": authorization}, signature, scope

    def prepare(self, method, key=None, query=None, headers=None, body=b"", date=None,
                payload=None, unsigned=()):
        """Target and signed headers of a request: what request() sends, to be tampered with."""
        path = "/" + self.bucket + ("" if key is None else "/" + quote(key, "/"))
        pairs = sorted((quote(k), quote(v)) for k, v in (query or {}).items())
        text = "&".join(f"{k}={v}" for k, v in pairs)
        now = datetime.datetime.now(datetime.timezone.utc)
        date = date or now.strftime("%Y%m%dT%H%M%SZ")
        full = {
            "host": f"{self.host}:{self.port}",
            "x-amz-date": date,
            "x-amz-content-sha256": payload or hashlib.sha256(body).hexdigest(),
        }
        full.update({k.lower(): v for k, v in (headers or {}).items()})
        full, _, _ = self.sign(method, path, text, full, date, unsigned)
        return path + ("?" + text if text else ""), full

    def send(self, method, target, headers, body=b""):
        """One request as it stands, over this thread's connection."""
        for attempt in (1, 2):
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = (
                    http.client.HTTPSConnection(self.host, self.port, timeout=60, context=self.tls)
                    if self.tls else http.client.HTTPConnection(self.host, self.port, timeout=60))
                self._local.connection = connection
            try:
                connection.request(method, target, body=body or None, headers=headers)
                reply = connection.getresponse()
                data = reply.read()
            except (http.client.BadStatusLine, ConnectionError, BrokenPipeError):
                self.close()
                if attempt == 2 or method not in ("GET", "HEAD"):
                    raise
                continue
            if reply.will_close:
                self.close()
            return Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, data)

    def close(self):
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
        self._local.connection = None

    def request(self, method, key=None, query=None, headers=None, body=b"", **how):
        """A signed request; the Answer, whatever its status."""
        target, full = self.prepare(method, key, query, headers, body, **how)
        if method in ("PUT", "POST"):
            full["content-length"] = str(len(body))
        return self.send(method, target, full, body)

    def expect(self, method, key=None, **rest):
        """The same; raises S3Error unless the status is 2xx."""
        answer = self.request(method, key, **rest)
        if not 200 <= answer.status < 300:
            what = f"{method} {self.bucket}/{key or ''}"
            raise S3Error(answer.status, answer.code, what, answer.body)
        return answer

    def get(self, key):
        return self.expect("GET", key)

    def head(self, key):
        return self.expect("HEAD", key)

    def put(self, key, body, headers=None):
        return self.expect("PUT", key, body=body, headers=headers)

    def delete(self, key):
        return self.expect("DELETE", key)

    def list(self, prefix=""):
        """Every object under a prefix: key -> (size, etag without quotes)."""
        found, token = {}, None
        while True:
            query = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
            if token:
                query["continuation-token"] = token
            root = ElementTree.fromstring(self.expect("GET", query=query).body)
            for item in root.iter(_NAMESPACE + "Contents"):
                key = urllib.parse.unquote_plus(item.findtext(_NAMESPACE + "Key"))
                etag = item.findtext(_NAMESPACE + "ETag", "").strip('"')
                found[key] = (int(item.findtext(_NAMESPACE + "Size")), etag)
            if root.findtext(_NAMESPACE + "IsTruncated") != "true":
                return found
            token = root.findtext(_NAMESPACE + "NextContinuationToken")

    def uploads(self):
        """Uploads in parts that are under way: [(key, id)]."""
        root = ElementTree.fromstring(self.expect("GET", query={"uploads": ""}).body)
        return [(item.findtext(_NAMESPACE + "Key"), item.findtext(_NAMESPACE + "UploadId"))
                for item in root.iter(_NAMESPACE + "Upload")]

    def map(self, function, items, threads=8):
        """function(item) for all, on a few threads; results in order."""
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            return list(pool.map(function, items))
