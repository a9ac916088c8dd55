"""A server of S3 that has what a made journal tells, and keeps nothing: pages of listings and answers to HEAD are
computed. Not for what writes."""

import bisect
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

from . import made_journal as made

PREFIX, PAGE = "images/", 990  # of the journal's objects on a page: there is room for strangers
MODIFIED, MODIFIED_HTTP = "2026-01-02T03:04:05.000Z", "Fri, 02 Jan 2026 03:04:05 GMT"


class ReplayedBucket:
    """The objects of a MadeJournal below images/, but for what is said to be otherwise: `missing` paths, `extra`
    ones (path: size and ETag), `changed` ETags by path."""

    def __init__(self, objects):
        self.objects = objects
        self.missing, self.extra, self.changed = set(), {}, {}
        self.pages = self.heads = 0
        self.lock = threading.Lock()
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                bucket.answer_list(self)

            def do_HEAD(self):
                bucket.answer_head(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def page(self, after):
        """[(path, size, ETag)] behind a path, and the path that it goes on behind; None: nowhere."""
        first = bisect.bisect_right(self.objects, after)
        last = min(first + PAGE, len(self.objects))
        paths = [self.objects[place] for place in range(first, last)]
        more = paths[-1] if last < len(self.objects) else None
        found = []
        for place, path in enumerate(paths, first):
            image = self.objects.image(place)
            if path not in self.missing:
                found.append((path, made.size_of(image), self.changed.get(path) or made.etag_of(image)))
        found += [(path, *facts) for path, facts in self.extra.items()
                  if after < path and (more is None or path <= more)]
        return sorted(found), more

    def answer_list(self, request):
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
        after = query.get("continuation-token") or query.get("start-after", "")
        if query.get("list-type") != "2" or query.get("prefix") != PREFIX:
            request.send_error(501)
            return
        found, more = self.page(after.removeprefix(PREFIX))
        token = f"<NextContinuationToken>{quote(PREFIX + more)}</NextContinuationToken>" if more else ""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
            f"<Prefix>{PREFIX}</Prefix><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>"
            f"<KeyCount>{len(found)}</KeyCount><IsTruncated>{'true' if more else 'false'}</IsTruncated>"
            + token + "".join(
                f"<Contents><Key>{PREFIX}{path}</Key><LastModified>{MODIFIED}</LastModified>"
                f"<ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>" for path, size, etag in found)
            + "</ListBucketResult>").encode()
        with self.lock:
            self.pages += 1
        request.send_response(200)
        request.send_header("Content-Type", "application/xml")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _headers(self, path):
        """What HEAD says of an object; None: there is none."""
        place = self.objects.find(path)
        if path in self.extra:
            return dict(zip(("Content-Length", "ETag"), map(str, self.extra[path]), strict=True))
        if place is None or path in self.missing:
            return None
        image = self.objects.image(place)
        return {"Content-Length": str(made.size_of(image)),
                "ETag": f'"{self.changed.get(path) or made.etag_of(image)}"',
                "x-amz-checksum-crc64nvme": made.crc_of(image),
                "x-amz-checksum-type": "FULL_OBJECT",
                "x-amz-meta-file-permissions": "0100644", "x-amz-meta-file-owner": "1000",
                "x-amz-meta-file-group": "1000",
                "x-amz-meta-file-mtime": f"{made.mtime_ns_of(image)}ns",
                "x-amz-meta-user-agent": "lockstep"}

    def answer_head(self, request):
        path = unquote(urlsplit(request.path).path).split("/", 2)[2].removeprefix(PREFIX)
        headers = self._headers(path)
        with self.lock:
            self.heads += 1
        request.send_response(200 if headers else 404)
        for name, value in {"Last-Modified": MODIFIED_HTTP, **(headers or {"Content-Length": "0"})}.items():
            request.send_header(name, value)
        request.end_headers()
