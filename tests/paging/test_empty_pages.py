"""An empty page has many spellings, and an error is none of them."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import (
    AIShootSession,
    APIStatusError,
    EnvelopePaths,
    NotFoundError,
    PagingError,
    SkuCreate,
    UnexpectedResponseError,
)
from aishoot_async.export import export_results
from aishoot_async.paging._envelope import open_envelope
from aishoot_async.sync import CatalogItem, plan_sync
from paging.hostile import ONCE, Answer, HostileServer, Rows, body, failure, ids, names, rows

pytestmark = pytest.mark.anyio

EMPTY: list[bytes] = [
    b"null",
    b' null\n{"total": 0}'[:5],
    b'{"total": 0}',
    b'{"entries": null}',
    b'{"entries": null, "total": 0}',
    b'{"entries": {}, "total": 0}',
    b'{"items": null}',
    b'{"content": null, "totalElements": 0, "last": true}',
    b'{"totalElements": 0, "number": 0, "last": true, "first": true, "empty": true}',
    b'{"users": null, "next_token": null}',
    b'{"data": null, "page": 1, "pageSize": 20}',
    b'{"data": null, "meta": {"total": 0}}',
    b'{"pagination": {"page": 3, "pages": 2, "total": 0}}',
    b'{"_embedded": {}, "page": {"number": 0}}',
    b'{"_embedded": {"skus": null}, "page": {"totalElements": 0}}',
    b'{"_links": {"self": {"href": "/ai-shoot/skus?page=3"}}}',
    b'{"_links": {"self": {"href": "x"}, "first": {"href": "y"}, "prev": {"href": "z"}}, "_embedded": null}',
    b'{"links": [{"rel": "self", "href": "x"}], "page": {"number": 3, "size": 20}}',
    b'{"count": 0, "next": null, "previous": "http://h/?page=1", "results": null}',
    b'{"success": true, "code": 200, "message": "", "data": null, "total": 0}',
    b'{"total": 0, "took": 3, "requestId": "7f"}',
    b'{"total": 0, "errors": []}',
]

FULL = [
    b"{}",
    b"<html><body>Sign in</body></html>",
    b'{"message": "no"}',
    b'{"error": "no"}',
    b'{"error": {"code": 7}, "entries": null, "total": 0}',
    b'{"errors": ["no"], "total": 0}',
    b'{"errors": [{"message": "no"}], "data": null}',
    b'{"errors": [], "data": null}',
    b'{"total": 0, "message": "index is being rebuilt"}',
    b'{"status": 500, "total": 0}',
    b'{"status": "error", "total": 0}',
    b'{"success": false, "data": null, "total": 0}',
    b'{"code": "E_DB", "entries": null}',
    b'{"detail": "Not found.", "count": 0}',
    b'{"title": "Bad Gateway", "status": 502, "total": 0}',
    b'{"data": null}',
    b'{"data": null, "success": true}',
    b'{"data": null, "meta": {"error": "no"}, "total": 0}',
    b'{"data": {"rows": [{"id": 1}]}, "total": 0}',
    b'{"entries": {"a": {"id": 1}}, "total": 0}',
    b'{"first": "Ada", "last": "Lovelace"}',
    b'{"_links": {"self": {"href": "/"}, "skus": {"href": "/skus"}}}',
    b'{"_links": {"self": {"href": "/skus/7"}}, "name": "dress"}',
    b'{"_links": {"help": {"href": "x"}}, "logref": 42}',
    b'{"count": 5, "next": null}',
    b'{"numberOfElements": 5, "last": false}',
    b'{"totalPages": 3}',
    b'{"page": {"wanted": 3}}',
    b'{"page": {"number": 0, "error": "no"}}',
    b'{"total": null, "id": 7, "name": "dress"}',
    b'"entries"',
    b"false",
    b"0",
]


@pytest.mark.parametrize("text", EMPTY)
def test_an_object_that_says_what_pages_say_is_an_empty_page(text: bytes):
    found = open_envelope(text)
    assert (list(found.items), found.total or 0) == ([], 0)


@pytest.mark.parametrize("text", FULL)
def test_what_tells_of_an_error_or_of_something_unknown_is_no_empty_page(text: bytes):
    with pytest.raises(UnexpectedResponseError):
        open_envelope(text)


words = st.sampled_from(
    ["error", "errors", "message", "detail", "title", "exception", "fault", "Error", "error_message", "reason"]
)


@given(
    words,
    st.text(min_size=1) | st.integers(1) | st.just({"code": 1}),
    st.fixed_dictionaries(
        {},
        optional={
            "entries": st.none(),
            "total": st.sampled_from([0, None, 250]),
            "page": st.sampled_from([0, {"number": 1}, {"totalElements": 0}]),
            "_links": st.just({"self": {"href": "x"}}),
            "last": st.booleans(),
        },
    ),
)
def test_no_error_object_is_ever_an_empty_page(word: str, said: object, page: dict[str, Any]):
    with pytest.raises(UnexpectedResponseError):
        open_envelope(json.dumps({**page, word: said}).encode())


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.dictionaries(st.text(), st.none())))
def test_no_object_of_unknown_members_is_an_empty_page(value: dict[str, Any]):
    if not {name.lower().replace("_", "") for name in value} & {"total", "page", "count", "size", "number", "last"}:
        with pytest.raises(UnexpectedResponseError):
            open_envelope(json.dumps(value).encode())


def service(count: int, wrap: Callable[[list[Any], int], Answer]) -> Callable[[int, int], Answer]:
    data = [{"id": f"r{n}", "n": n} for n in range(1, count + 1)]

    def answer(page: int, size: int) -> Answer:
        if page < 1:
            return failure(400)
        return wrap(data[(page - 1) * size : page * size], count)

    return answer


SPELLINGS: dict[str, Callable[[list[Any], int], Answer]] = {
    "204": lambda here, n: (200, body({"entries": here})) if here else (204, b""),
    "204 with a total": lambda here, n: (200, body({"entries": here, "total": n})) if here else (204, b""),
    "204 with a header": lambda here, n: (200 if here else 204, body(here) if here else b"", {"X-Total-Count": f"{n}"}),
    "an empty body": lambda here, n: (200, body({"entries": here, "total": n}) if here else b""),
    "white space": lambda here, n: (200, body(here) if here else b" \n"),
    "null": lambda here, n: (200, body(here or None)),
    "left out": lambda here, n: (200, body({**({"entries": here} if here else {}), "total": n})),
    "null and a total": lambda here, n: (200, body({"entries": here or None, "total": n})),
    "null without a total": lambda here, n: (200, body({"items": here or None})),
    "an empty object": lambda here, n: (200, body({"entries": here or {}, "total": n})),
    "content null": lambda here, n: (200, body({"content": here or None, "totalElements": n, "last": not here})),
    "users null": lambda here, n: (200, body({"users": here or None, "next_token": None})),
    "HAL": lambda here, n: (
        200,
        body({"_links": {"self": {"href": "x"}}, **({"_embedded": {"r": here}} if here else {})}),
    ),
    "meta": lambda here, n: (200, body({"data": here or None, "meta": {"total": n}})),
    "pagination": lambda here, n: (200, body({"data": here or None, "pagination": {"total_count": n, "page": 1}})),
}


@pytest.mark.parametrize("count", [0, 3, 4, 8, 11])
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("options", [{}, {"prefetch": 1}, {"strict": True}, {"into": bytes}], ids=repr)
async def test_a_list_whose_empty_pages_are_spelt_otherwise_is_whole(
    server: HostileServer, spelling: str, count: int, options: dict[str, Any]
):
    server.answer = service(count, SPELLINGS[spelling])
    async with server.session() as session:
        for brief in (1, 2):
            pager = session.briefs.results(brief, page_size=4, **options)
            assert len(await pager.collect()) == count
            assert pager.report.complete


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_an_empty_organization_and_an_empty_brief_are_read(server: HostileServer, spelling: str, tmp_path):
    server.answer = service(0, SPELLINGS[spelling])
    async with server.session() as session:
        with pytest.raises(NotFoundError, match="no SKU has the id"):
            await session.skus.get("a")
        with pytest.raises(NotFoundError, match="no SKU has the id"):
            await session.skus.edit("a", name="n")
        item = CatalogItem("k", SkuCreate(name="n", front_image="f"))
        plan = await plan_sync(session, [item], state=tmp_path / "state")
        assert {action.value: count for action, count in plan.counts.items() if count} == {"create": 1}
        report = await export_results(session, [1, 2], tmp_path / "out")
        assert (report.items, report.complete) == (0, True)


@pytest.mark.parametrize(
    "answer",
    [
        *((200, text) for text in EMPTY),
        (204, b""),
        (200, b""),
        (200, b"[]", {"X-Total-Count": "0"}),
        (204, b"", {"X-Total-Count": "garbage"}),
    ],
)
async def test_no_global_skus_are_an_empty_list(raw_server: Any, answer: Answer):
    async with raw_server(answer) as session:
        assert list(await session.skus.list_global()) == []


@pytest.mark.parametrize(
    "answer",
    [
        (200, b'{"entries": null, "total": 250}'),
        (200, b'{"total": 250}'),
        (204, b"", {"X-Total-Count": "250"}),
        (200, b"", {"X-Total-Count": "250"}),
        (200, b'{"data": null, "meta": {"total": 250}}'),
        (200, b'[{"id": "a"}]', {"X-Total-Count": "250"}),
    ],
)
async def test_a_list_without_rows_under_a_total_is_never_whole(server: HostileServer, raw_server: Any, answer: Answer):
    server.answer = lambda page, size: answer
    async with server.session() as session:
        for listing in (session.briefs.results(1), session.skus.list(strict=True), session.skus.list()):
            with pytest.raises(PagingError):
                await listing.collect()
            assert not listing.report.complete
    async with raw_server(answer) as session:
        with pytest.raises(PagingError, match="250 items"):
            await session.skus.list_global()


@pytest.mark.parametrize("text", FULL)
async def test_an_error_with_status_200_ends_no_list_in_silence(server: HostileServer, text: bytes):
    for page, total in ((1, "honest"), (1, "missing"), (3, "missing"), (4, "missing")):
        server.answer = Rows(rows(*range(1, 13)), total=total, overrides={page: (200, text)})
        async with server.session() as session:
            pager = session.briefs.results(1, page_size=4)
            with pytest.raises(UnexpectedResponseError):
                await pager.collect()
            assert not pager.report.complete


async def test_one_lost_page_spelt_as_an_empty_one_ends_no_list(server: HostileServer):
    for text in (b"null", b'{"total": null, "page": 3}', b""):
        server.answer = Rows(rows(*range(1, 16)), total="missing", overrides={3: (200, text)})
        async with server.session() as session:
            pager = session.briefs.results(1, page_size=4)
            with pytest.raises(PagingError, match="page 3 is empty, and pages after it are not"):
                await pager.collect()


@pytest.fixture
def raw_server() -> Any:
    """Serve one answer to everything."""

    class Serving:
        def __init__(self, answer: Any) -> None:
            status, text, *more = answer if isinstance(answer, tuple) else (None, answer)
            head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\nConnection: close\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in (more[0] if more else {}).items())
            self.wire = text if status is None else head.encode() + b"\r\n" + text

        async def __aenter__(self) -> AIShootSession:
            self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
            host, port = self.server.sockets[0].getsockname()
            self.session = AIShootSession("token", base_url=f"http://{host}:{port}", retry=ONCE)
            return self.session

        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.wire)
            await writer.drain()
            writer.close()

        async def __aexit__(self, *_: object) -> None:
            await self.session.aclose()
            self.server.close()

    return Serving


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n \n",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 206 Partial\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_a_body_that_may_have_been_cut_off_is_no_empty_page(raw_server: Any, head: bytes):
    async with raw_server(head) as session:
        with pytest.raises(UnexpectedResponseError, match="not nothing"):
            await session.skus.list_global()


@pytest.mark.parametrize(
    ("headers", "more", "total"),
    [
        ({"X-Total-Count": "7"}, {}, 7),
        ({"x-total-count": " 7 "}, {}, 7),
        ({"X-Total-Count": "9"}, {"total": 7}, 7),
        ({"X-Total-Count": "-1"}, {}, None),
        ({"X-Total-Count": "many"}, {}, None),
        ({"X-Total-Count": "7, 7"}, {}, None),
        ({"X-Total-Count": "1e3"}, {}, None),
        ({"X-Total-Count": "٣"}, {}, None),
        ({"X-Total-Count": "9" * 30}, {}, None),
        ({}, {"meta": {"total": 7}}, 7),
        ({}, {"pagination": {"totalElements": 7, "page": 1}}, 7),
        ({}, {"paging": {"total_count": 7}}, 7),
        ({}, {"page_info": {"totalCount": 7}}, 7),
        ({}, {"pageInfo": {"totalItems": 7}}, 7),
        ({}, {"total_count": 7}, 7),
        ({"X-Total-Count": "9"}, {"metadata": {"total": 7}}, 7),
        ({"X-Total-Count": "7"}, {"meta": {"total": "many"}}, 7),
        ({}, {"meta": {"total": 7}, "paging": {"total": 8}}, None),
        ({}, {"meta": {"total": {"value": 7}}}, None),
        ({}, {"meta": [7]}, None),
    ],
)
async def test_a_total_is_found_beside_the_list_and_in_a_header(
    server: HostileServer, headers: dict[str, str], more: dict[str, Any], total: int | None
):
    server.answer = lambda page, size: (200, body({"entries": rows(1, 2), **more}), headers)
    async with server.session() as session:
        page = await session.briefs.results(1, start=1)
    assert (ids(page.items), page.total) == (names(2), total)


NAMED = EnvelopePaths("data.rows", total="data.n", last="data.end")


@pytest.mark.parametrize(
    ("text", "total"),
    [
        (b'{"data": {"rows": [], "n": 3, "end": true}}', 3),
        (b'{"data": {"rows": null, "n": 3}}', 3),
        (b'{"data": {"rows": null}}', None),
        (b'{"data": {"n": 3}, "page": 2}', 3),
        (b'{"page": 3}', None),
        (b'{"total": 0}', None),
        (b"null", None),
    ],
)
def test_an_empty_page_of_a_form_that_is_named(text: bytes, total: int | None):
    found = open_envelope(text, NAMED)
    assert (list(found.items), found.total) == ([], total)


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b'{"data": {}}',
        b'{"data": {"row": null}}',
        b'{"data": {"rows": null}, "error": "no"}',
        b'{"data": null, "message": "no"}',
        b'{"data": {"rows": "none", "n": 0, "end": true}}',
        b'{"other": {"rows": null}}',
    ],
)
def test_what_is_no_empty_page_of_a_form_that_is_named(text: bytes):
    with pytest.raises(UnexpectedResponseError):
        open_envelope(text, NAMED)


@pytest.mark.parametrize("count", [0, 3, 4, 8, 11])
@pytest.mark.parametrize("status", [400, 404, 416, 422, 500])
@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("prefetch", [1, 8])
async def test_errors_of_pages_beyond_the_end_end_no_list_with_an_error(
    server: HostileServer, count: int, status: int, prefetch: int, *, total: bool
):
    data = rows(*range(1, count + 1))
    server.answer = Rows(data, total="honest" if total else "missing", below=400, past_end=status)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4, prefetch=prefetch)
        assert ids(await pager.collect()) == names(count)
        # Behind a full page nothing but the refusal shows the end.
        may_be_a_limit = count in {4, 8} and (status in {400, 422, 500} and not total)
        is_own_count = count == 4 and status == 500
        assert pager.report.complete == (not may_be_a_limit and not is_own_count)


@pytest.mark.parametrize("status", [400, 422, 500])
async def test_a_limit_of_the_service_is_not_the_end_of_a_list(server: HostileServer, status: int):
    # Many search engines refuse all pages behind the 10,000th row.
    honest = Rows(rows(*range(1, 60)), total="missing")
    server.answer = lambda page, size: honest(page, size) if page <= 5 else failure(status)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4)
        assert ids(await pager.collect()) == names(20)
        assert not pager.report.complete
        with pytest.raises(PagingError, match=f"page 6 answers {status}"):
            await session.briefs.results(1, page_size=4, on_drift="raise").collect()
        honest.total = "honest"
        with pytest.raises(APIStatusError):
            await session.briefs.results(1, page_size=4).collect()


@pytest.mark.parametrize("status", [400, 401, 403, 408, 416, 422, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("total", ["honest", "missing", "own"])
@pytest.mark.parametrize("page", [2, 3, 4])
async def test_an_error_that_hides_rows_is_one(server: HostileServer, status: int, total: str, page: int):
    server.answer = Rows(rows(*range(1, 16)), total=total, overrides={page: failure(status)})
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4)
        try:
            await pager.collect()
        except (APIStatusError, PagingError):
            assert not pager.report.complete
            return
        # As before: where all that came is counted, or 416 says that there is no such page, and it is the last.
        assert total == "own" or status == 416
