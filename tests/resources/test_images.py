"""Uploads and look-ups against a service that behaves: what goes over the wire, and what is refused before it."""

import asyncio
import base64
import json
import os
import urllib.parse
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import (
    APIStatusError,
    BadRequestError,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    RequestValidationError,
    ServerError,
    UnexpectedResponseError,
)
from aishoot_async.resources._multipart import quoted
from aishoot_async.sandbox import Sandbox
from helpers.image_service import PLAIN, ImageService, identifier_of, images_of, parts_of
from helpers.pictures import jpeg, pieces, png, tiff, webp_lossless
from helpers.raw_server import RawServer, always
from helpers.sessions import TOKEN, session_for

pytestmark = pytest.mark.anyio
PNG = png(1600, 1200, b"\r\n--x--\r\n" * 50)
FORMATS = {
    "image/jpeg": jpeg(1600, 1200),
    "image/png": PNG,
    "image/tiff": tiff("<", {256: (4, 1600), 257: (4, 1200)}),
    "image/webp": webp_lossless(1600, 1200),
}


FORMS = {
    "str": str,
    "Path": lambda path: path,
    "PathLike of bytes": lambda path: type("P", (), {"__fspath__": lambda _: os.fsencode(path)})(),
    "bytes": lambda path: path.read_bytes(),
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "async iterable": lambda path: pieces(path.read_bytes()),
    "async iterable of bytearrays": lambda path: pieces(bytearray(path.read_bytes())),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", FORMATS)
async def test_a_picture_is_looked_for_then_sent_and_then_found(tmp_path, form, kind):
    path = tmp_path / "front é.bin"
    path.write_bytes(FORMATS[kind] + b"more")
    async with Sandbox() as sandbox, images_of(sandbox, auth=sandbox.token) as session:
        wanted = identifier_of(path.read_bytes())
        assert not await session.images.exists(wanted)
        assert await session.images.upload(FORMS[form](path)) == wanted
        assert await session.images.exists(wanted)
        assert sandbox.calls == {"upload_exists": 3, "upload": 1}
        assert await session.images.upload(FORMS[form](path)) == wanted
        assert sandbox.calls == {"upload_exists": 4, "upload": 1}, "not sent again"
        (sent,) = [request for request in sandbox.requests if request.operation == "upload"]
    assert f"Content-Type: {kind}".encode() in sent.body


@pytest.mark.parametrize("size", [0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1_000_000])
@pytest.mark.parametrize("form", ["Path", "bytes", "async iterable"])
async def test_every_byte_goes_over_the_wire(tmp_path, size, form):
    data = PNG + os.urandom(size)
    path = tmp_path / "a.png"
    path.write_bytes(data)
    async with ImageService() as server, images_of(server) as session:
        assert await session.images.upload(FORMS[form](path)) == identifier_of(data)
        request = server.requests[1]
    assert "transfer-encoding" not in request.headers
    assert int(request.headers["content-length"]) == len(request.body)
    parts = parts_of(request)
    assert parts["filesize"][2] == str(len(data)).encode()
    assert parts["file"] == ("a.png" if form == "Path" else "image.png", "image/png", data)


async def test_what_stands_in_a_query_arrives_as_it_is():
    organization = "a b/c&d=é#?%2F+"
    async with ImageService() as server, images_of(server, organization=organization) as session:
        await session.images.upload(PNG)
        await session.images.exists("x&organization=y+z")
        head, post, other = (
            dict(urllib.parse.parse_qsl(request.target.partition("?")[2])) for request in server.requests
        )
    assert head == {"contentHash": identifier_of(PNG), "organization": organization}
    assert post == {"organization": organization}
    assert other == {"contentHash": "x&organization=y+z", "organization": organization}


async def test_the_organization_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("AUTORETOUCH_ORGANIZATION_ID", "from-outside")
    async with ImageService() as server, session_for(server) as session:
        assert session.images.organization == "from-outside"
        await session.images.upload(PNG)
        assert server.requests[1].target == "/upload?organization=from-outside"


@pytest.mark.parametrize("organization", [None, "", "a\nb", "\ud800"])
async def test_without_an_organization_nothing_is_read_and_nothing_sent(organization):
    async with ImageService() as server, session_for(server, organization=organization) as session:
        for attempt in (lambda: session.images.upload("/nowhere.png"), lambda: session.images.exists("x")):
            with pytest.raises(ConfigurationError, match=r"AUTORETOUCH_ORGANIZATION_ID"):
                await attempt()
        assert not server.connections


HOSTILE_NAMES = [
    'a".png',
    "a\r\nX: y\r\n\r\n.png",
    "a\\",
    'a\\".png',
    "\0.png",
    "é☃.png",
    "x" * 3000 + ".png",
    "☃" * 999 + ".png",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
async def test_a_name_stays_inside_its_header(name):
    async with ImageService() as server, images_of(server) as session:
        await session.images.upload(PNG, name=name)
        parts = parts_of(server.requests[1])
    assert set(parts) == {"filesize", "file"}
    file_name, kind, data = parts["file"]
    assert len(file_name.encode()) <= 255, "Tomcat takes no part whose headers are longer than 512 bytes"
    assert (kind, data) == ("image/png", PNG)
    assert file_name.endswith(name[-2:]) or name == "a\\"


@given(st.text() | st.text(alphabet='a"\\\r\n\x85%é☃\ud800', min_size=1, max_size=400))
def test_no_name_breaks_out(name):
    written = quoted(name)
    assert not set(written) & set('"\\\r\n\0\x85\x7f')
    assert len(written.encode()) <= 255
    header = Message()
    header["Content-Disposition"] = f'form-data; name="file"; filename="{written}"'
    assert header.get_param("name", header="content-disposition") == "file"
    plain = name.encode("utf-8", "replace").decode()
    assert plain.endswith(urllib.parse.unquote(written)) or "%" in plain


async def test_a_file_name_that_is_no_unicode_is_sent_as_far_as_it_is(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff\xe9.png")
    path.write_bytes(PNG)
    async with ImageService() as server, images_of(server) as session:
        assert await session.images.upload(path) == identifier_of(PNG)
        assert parts_of(server.requests[1])["file"][0] == "??.png"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (403, PermissionDeniedError),
        (405, APIStatusError),
        (501, ServerError),
        (302, APIStatusError),
    ],
)
async def test_a_service_that_does_not_take_heads_cannot_tell_what_exists(status, kind):
    async with RawServer(always(b"", status)) as server, images_of(server) as session:
        with pytest.raises(kind) as caught:
            await session.images.exists("x")
        assert (caught.value.status, caught.value.method, caught.value.path) == (status, "HEAD", "/upload")
        assert [request.method for request in server.requests] == ["HEAD"]


def refusing_heads(status):
    async def refuse(_, connection):
        await connection.answer(b"", status)
        return True

    return refuse


@pytest.mark.parametrize("status", [400, 403, 405, 406, 410, 415, 422, 451, 501])
async def test_a_look_that_is_refused_blocks_no_upload(status):
    async with ImageService(on_head=refusing_heads(status)) as server, images_of(server) as session:
        assert await session.images.upload(PNG) == identifier_of(PNG)
        assert server.methods == ["HEAD", "POST"]


@pytest.mark.parametrize("status", [401, 429, 500, 302])
async def test_what_a_look_is_refused_with_for_another_reason_is_an_error(status):
    async with ImageService(on_head=refusing_heads(status)) as server, images_of(server) as session:
        with pytest.raises(APIStatusError) as caught:
            await session.images.upload(PNG)
        assert caught.value.status == status
        assert "POST" not in server.methods


def accepting(kind):
    """Answer only who says that it takes what there is, as RFC 9110, 12.5.1 has it."""

    async def answer(request, connection):
        taken = {part.partition(";")[0].strip() for part in request.headers.get("accept", "*/*").split(",")}
        if taken & {kind, f"{kind.partition('/')[0]}/*", "*/*"}:
            return False
        await connection.answer(b"", 406)
        return True

    return answer


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/json", "image/png", "application/octet-stream", "text/html"]
)
async def test_a_service_that_heeds_accept_is_asked_for_what_it_has(kind):
    async with ImageService(on_head=accepting(kind), on_post=accepting(kind)) as server, images_of(server) as session:
        assert await session.images.upload(PNG) == identifier_of(PNG)
        assert await session.images.exists(identifier_of(PNG))


async def test_a_login_page_is_no_sign_that_a_picture_is_there():
    page = {"Content-Type": "text/html; charset=utf-8", "Content-Length": "512"}
    async with RawServer(always(b"", 200, page)) as server, images_of(server) as session:
        for attempt in (session.images.exists("x"), session.images.upload(PNG)):
            with pytest.raises(UnexpectedResponseError, match="web page"):
                await attempt


async def test_nothing_may_be_called_html():
    async with RawServer(always(b"", 200, {"Content-Type": "text/html; charset=utf-8"})) as server:
        async with images_of(server) as session:
            assert await session.images.exists("x")


HASH = identifier_of(PNG).encode()


BASE64 = base64.b64encode(bytes.fromhex(HASH.decode())).decode()
IDENTIFIERS = {
    "hex": HASH.decode(),
    "hex in upper case": HASH.decode().upper(),
    "Base64": BASE64,
    "Base64 with slashes": base64.b64encode(b"\xff" * 31 + b"a").decode(),
    "URL-safe Base64": BASE64.replace("+", "-").replace("/", "_"),
    "Base64 without padding": BASE64.rstrip("="),
    "of a scaled image": identifier_of(b"other bytes"),
    "of another form": "img_01HZX3-7",
}
WRITTEN = {
    "plain": lambda text: text,
    "with line breaks": lambda text: f" \r\n{text}\n",
    "with a byte order mark": lambda text: f"\ufeff{text}",
    "JSON": json.dumps,
    "JSON of PHP": lambda text: json.dumps(text).replace("/", "\\/"),
    "quoted": lambda text: f"'{text}'\n",
    "quoted, with blanks": lambda text: f'\n" {text} "',
    "contentHash": lambda text: json.dumps({"contentHash": text}),
    "an id among others": lambda text: json.dumps({"size": 5, "id": text, "name": "a.png"}, indent=1),
    "a hash beside an id": lambda text: json.dumps({"id": 17, "contentHash": text}),
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("form", IDENTIFIERS)
async def test_the_identifier_is_the_one_that_the_service_gives(form, written):
    async def answer(_, connection):
        await connection.answer(WRITTEN[written](IDENTIFIERS[form]).encode(), 201, PLAIN)
        return True

    async with ImageService(on_post=answer) as server, images_of(server) as session:
        both = await asyncio.gather(session.images.upload(PNG), session.images.upload(PNG))
        assert both == [IDENTIFIERS[form]] * 2


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"<html>",
        b"<h1>200</h1>",
        b"OK",
        b"Uploaded",
        b"null",
        b"true",
        b"12",
        b"5 images were taken",
        b'"%b' % HASH,
        b"%b\n%b" % (HASH, HASH),
        b'["%b"]' % HASH,
        b'{"status":"done"}',
        b'{"id":null}',
        b'{"id":{"a":1}}',
        b'{"id":"two words"}',
        b'{"contentHash":"%b"' % HASH,
        b"\xff",
        b'"',
        b'""',
    ],
)
async def test_any_other_answer_is_an_error_and_no_ambiguous_one(said):
    async def answer(_, connection):
        await connection.answer(said, 201, PLAIN)
        return True

    async with ImageService(on_post=answer) as server, images_of(server) as session:
        with pytest.raises(UnexpectedResponseError, match="identifier") as caught:
            await session.images.upload(PNG)
        assert caught.value.body == said
        assert server.methods == ["HEAD", "POST"]


async def test_an_error_of_the_service_is_what_it_is():
    async def refuse(_, connection):
        await connection.answer(b'{"message":"too dark"}', 422)
        return True

    async with ImageService(on_post=refuse) as server, images_of(server) as session:
        with pytest.raises(APIStatusError, match="too dark"):
            await session.images.upload(PNG)
        assert server.methods == ["HEAD", "POST"]
    async with RawServer(always(b"", 404)) as server, images_of(server) as session:
        with pytest.raises(NotFoundError):
            await session.images.upload(PNG)


async def test_what_is_known_is_not_hashed_and_what_is_there_is_not_read(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    known = identifier_of(PNG)
    async with ImageService() as server, images_of(server) as session:
        assert await session.images.upload(path, identifier=known) == known
        with pytest.raises(RequestValidationError, match="changed"):
            await session.images.upload(PNG + b"x", identifier=identifier_of(b"other"))
        assert server.methods == ["HEAD", "POST", "HEAD"], "the other bytes never arrived whole"
        for wrong in ("x", known.upper(), known[:-1], 5):
            with pytest.raises(RequestValidationError, match="SHA-256"):
                await session.images.upload(PNG, identifier=wrong)


async def test_a_closed_session_reads_nothing():
    session = session_for(type("S", (), {"url": "http://127.0.0.1:9"}), organization="o", auth=TOKEN)
    await session.aclose()
    with pytest.raises(Exception, match="the session is closed"):
        await session.images.upload("/nowhere.png")
