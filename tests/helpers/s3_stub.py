"""A stub of S3 of plain sockets: it keeps what it is sent, and answers wrongly where it is told to."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

import attrs

from helpers.raw_server import RawConnection, RawRequest, RawServer, reply

BUCKET = "bucket"
_XML = {"Content-Type": "application/xml"}


@attrs.frozen(kw_only=True)
class Operation:
    """What a request asks for.

    It is ``put``, ``get``, ``head``, ``list``, ``delete``, ``bulk delete``, ``copy``, ``begin``, ``part``, ``finish``
    or ``abort``.
    """

    kind: str
    key: str


@attrs.frozen(kw_only=True)
class Answer:
    """An answer in place of the right one; ``keeps`` says whether what was asked for is done all the same."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = attrs.field(factory=dict)
    keeps: bool = False


def error(status: int, code: str, message: str = "the stub says so") -> Answer:
    body = f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()
    return Answer(status=status, body=body, headers=_XML)


class S3Stub(RawServer):
    """Holds one bucket."""

    def __init__(self, wrong: Callable[[Operation], Answer | None] = lambda _: None) -> None:
        super().__init__(self._handle)
        self.wrong = wrong
        self.pause: Callable[[Operation], Awaitable[None]] | None = None
        self.objects: dict[str, bytes] = {}
        self.asked: list[Operation] = []
        self._parts: dict[int, bytes] = {}

    async def _handle(self, request: RawRequest, connection: RawConnection) -> None:
        operation = _operation(request)
        self.asked.append(operation)
        if self.pause is not None:
            await self.pause(operation)
        wrong = self.wrong(operation)
        if wrong is None or wrong.keeps:
            right = self._do(operation, request)
        if wrong is not None:
            right = reply(wrong.body, wrong.status, wrong.headers)
        if request.method == "HEAD":
            right = right[: right.index(b"\r\n\r\n") + 4]
        await connection.send(right)

    def _do(self, operation: Operation, request: RawRequest) -> bytes:
        doing = {
            "put": self._put,
            "copy": self._copy,
            "head": self._head,
            "list": self._list,
            "get": self._get,
            "delete": self._delete,
            "bulk delete": self._bulk_delete,
            "abort": self._abort,
            "begin": self._begin,
            "part": self._part,
            "finish": self._finish,
        }
        return doing[operation.kind](operation.key, request)

    def _put(self, key: str, request: RawRequest) -> bytes:
        self.objects[key] = request.body
        return _TAKEN

    def _copy(self, key: str, request: RawRequest) -> bytes:
        source = self.objects.get(_key(unquote(request.headers["x-amz-copy-source"])))
        if source is None:
            return reply(b"<Error><Code>NoSuchKey</Code></Error>", 404, _XML)
        self.objects[key] = source
        return _xml("<CopyObjectResult><ETag>e</ETag></CopyObjectResult>")

    def _head(self, key: str, _: RawRequest) -> bytes:
        if key not in self.objects:
            return reply(b"", 404)
        length = str(len(self.objects[key]))
        return reply(b"", 200, {"Content-Length": length, "ETag": '"e"', "Last-Modified": _MODIFIED})

    def _list(self, prefix: str, _: RawRequest) -> bytes:
        found = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-30T00:00:00.000Z</LastModified>"
            f"<ETag>e</ETag><Size>{len(body)}</Size></Contents>"
            for key, body in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return _xml(
            f"<ListBucketResult><Name>{BUCKET}</Name><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
        )

    def _get(self, key: str, _: RawRequest) -> bytes:
        if key not in self.objects:
            return reply(b"<Error><Code>NoSuchKey</Code></Error>", 404, _XML)
        return reply(self.objects[key], 200, {"ETag": '"e"', "Last-Modified": _MODIFIED})

    def _delete(self, key: str, _: RawRequest) -> bytes:
        self.objects.pop(key, None)
        return reply(b"", 204)

    def _abort(self, _: str, __: RawRequest) -> bytes:
        self._parts.clear()
        return reply(b"", 204)

    def _bulk_delete(self, _: str, request: RawRequest) -> bytes:
        named = re.findall(r"<Key>.*?</Key>", request.body.decode())
        for found in named:
            self.objects.pop(unescape(found[5:-6], {"&quot;": '"', "&apos;": "'"}), None)
        return _xml(f"<DeleteResult><Deleted>{''.join(named)}</Deleted></DeleteResult>")

    def _begin(self, _: str, __: RawRequest) -> bytes:
        self._parts.clear()
        return _xml("<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")

    def _part(self, _: str, request: RawRequest) -> bytes:
        self._parts[int(parse_qs(urlsplit(request.target).query)["partNumber"][0])] = request.body
        return _TAKEN

    def _finish(self, key: str, _: RawRequest) -> bytes:
        self.objects[key] = b"".join(body for _, body in sorted(self._parts.items()))
        return _xml("<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>")


_MODIFIED = "Mon, 30 Nov 2026 00:00:00 GMT"
_TAKEN = reply(b"", 200, {"ETag": '"e"'})


def _xml(text: str) -> bytes:
    return reply(f'<?xml version="1.0"?>{text}'.encode(), 200, _XML)


def _key(path: str) -> str:
    return path.removeprefix("/").partition("/")[2]


def _operation(request: RawRequest) -> Operation:
    parts = urlsplit(request.target)
    query = parse_qs(parts.query, keep_blank_values=True)
    key = unquote(_key(parts.path))
    if request.method == "GET" and not key:
        return Operation(kind="list", key=query.get("prefix", [""])[0])
    if request.method == "DELETE" and "uploadId" in query:
        return Operation(kind="abort", key=key)
    if request.method == "POST":
        kind = "bulk delete" if "delete" in query else "begin" if "uploads" in query else "finish"
        return Operation(kind=kind, key=key)
    if request.method == "PUT" and "partNumber" in query:
        return Operation(kind="part", key=key)
    if "x-amz-copy-source" in request.headers:
        return Operation(kind="copy", key=key)
    return Operation(kind=request.method.lower(), key=key)
