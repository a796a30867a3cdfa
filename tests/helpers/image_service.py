"""A service that stores pictures, made of plain sockets: it can be told what to do at each step."""

from email import message_from_bytes
from email.policy import HTTP
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from helpers.raw_server import RawServer
from helpers.sessions import session_for

PLAIN = {"Content-Type": "text/plain"}


def images_of(server, **settings):
    settings.setdefault("organization", "o")
    return session_for(server, **settings)


def identifier_of(data):
    return sha256(data).hexdigest()


def parts_of(request):
    """Read a multipart body with the standard library's parser of e-mail: name to (file name, media type, bytes)."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + request.body, policy=HTTP)
    assert message.is_multipart()
    assert not message.defects
    return {
        part.get_param("name", header="content-disposition"): (
            part.get_filename(),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    }


class ImageService(RawServer):
    """Answers as the API documents it; ``on_head`` and ``on_post`` may answer first, and then return True."""

    def __init__(self, on_head=None, on_post=None):
        super().__init__(self.serve)
        self.on_head = on_head
        self.on_post = on_post
        self.stored = set()

    @property
    def methods(self):
        return [request.method for request in self.requests]

    async def serve(self, request, connection):
        query = parse_qs(urlsplit(request.target).query)
        if request.method == "HEAD":
            if not (self.on_head and await self.on_head(request, connection)):
                await connection.answer(b"", 200 if query["contentHash"][0] in self.stored else 404)
            return
        if not (self.on_post and await self.on_post(request, connection)):
            await connection.answer(self.store(request), 201, PLAIN)

    def store(self, request):
        identifier = identifier_of(parts_of(request)["file"][2])
        self.stored.add(identifier)
        return identifier.encode()


def once(step):
    """Do a step the first time only."""
    left = [step]

    async def handle(request, connection):
        if not left:
            return False
        await left.pop()(request, connection)
        return True

    return handle
