"""A service that signs the URLs of images anew in each answer: what is compared is everything else."""

import asyncio
import itertools
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from aishoot_async import AIShootSession, RetryPolicy
from aishoot_async.export import export_results
from helpers.parts import contents, rows_of
from helpers.raw_server import RawServer

pytestmark = pytest.mark.anyio
ROWS, SIZE = 170, 10
SIGNED = {
    "query": lambda row, sign: {"imageUrl": f"https://cdn/{row}.png?X-Sig={sign}&Expires={sign}"},
    "fragment": lambda row, sign: {"imageUrl": f"https://cdn/{row}.png#{sign}"},
    "scheme-relative": lambda row, sign: {"imageUrl": f"//cdn/{row}.png?sig={sign}"},
    "path": lambda row, sign: {"imageUrl": f"/images/{row}.png?sig={sign}"},
    "nested": lambda row, sign: {
        "images": [{"front": {"url": f"https://cdn/{row}.png?sig={sign}"}}, f"//c/{row}?{sign}"]
    },
    "store": lambda row, sign: {"source": f"s3://bucket/{row}?versionId={sign}"},
}


class Service:
    """Serves one brief, each time with other signatures; fails at a page as long as it is told to."""

    def __init__(self, sign, *, ids, escaped=False):
        self.rows = [{**({"id": f"r{row}"} if ids else {}), "view": f"v{row}", "status": "DONE"} for row in range(ROWS)]
        self.fails_at = None
        self.pages = []
        self._sign = sign
        self._escaped = escaped
        self._count = itertools.count()

    async def __call__(self, request, connection):
        asked = {key: int(value[0]) for key, value in parse_qs(urlsplit(request.target).query).items()}
        page = asked["page"]
        self.pages.append(page)
        if page == self.fails_at:
            await connection.answer(b"{}", 503)
        elif page < 1:
            await connection.answer(b"{}", 400)
        else:
            shown = range(ROWS)[(page - 1) * SIZE : page * SIZE]
            rows = [{**self.rows[row], **self._sign(row, next(self._count))} for row in shown]
            text = json.dumps({"entries": rows, "total": ROWS})
            await connection.answer((text.replace("/", "\\/") if self._escaped else text).encode())


def session_of(server):
    retry = RetryPolicy(attempts=1)
    return AIShootSession("token-of-a-test", base_url=server.url, auth_url=server.url, retry=retry)


async def begun_and_ended(service, destination, change=None, **options):
    """Export until a page fails; then again, and give the outcome and the pages that were asked for."""
    service.fails_at = 12
    async with RawServer(service) as server, session_of(server) as session:
        first = await export_results(session, [1, 2], destination, prefetch=1, patience=0, **options)
        assert [outcome.state for outcome in first.outcomes] == ["failed", "failed"]
        service.fails_at = None
        if change is not None:
            change(service.rows)
    service.pages.clear()
    async with RawServer(service) as server, session_of(server) as session:
        return await export_results(session, [1, 2], destination, prefetch=1, patience=0, **options)


@pytest.mark.parametrize("ids", [True, False], ids=["ids", "no ids"])
@pytest.mark.parametrize("sign", SIGNED.values(), ids=SIGNED)
async def test_an_export_that_was_cut_off_goes_on(tmp_path, sign, ids):
    service = Service(sign, ids=ids)
    report = await begun_and_ended(service, tmp_path / "r")
    assert [(outcome.how, outcome.state) for outcome in report.outcomes] == [("resumed", "complete")] * 2
    assert min(page for page in service.pages if page > 0) == 11
    for brief in (1, 2):
        assert [row["view"] for row in rows_of(tmp_path / "r", brief)] == [f"v{row}" for row in range(ROWS)]


async def test_urls_may_be_escaped(tmp_path):
    report = await begun_and_ended(Service(SIGNED["query"], ids=True, escaped=True), tmp_path / "r")
    assert [outcome.how for outcome in report.outcomes] == ["resumed", "resumed"]


CHANGES = {
    "status": lambda rows: rows[105].update(status="FAILED"),
    "member that came": lambda rows: rows[105].update(note="seen"),
    "member that went": lambda rows: rows[105].pop("status"),
    "rows in another order": lambda rows: rows.insert(100, rows.pop(109)),
    "row that went": lambda rows: rows.insert(169, rows.pop(3)),
    "path of an image": lambda rows: rows[105].update(back="/other.png"),
}


@pytest.mark.parametrize("ids", [True, False], ids=["ids", "no ids"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_change_that_is_no_signature_is_seen(tmp_path, change, ids):
    service = Service(SIGNED["query"], ids=ids)
    report = await begun_and_ended(service, tmp_path / "r", change)
    assert [(outcome.how, outcome.state) for outcome in report.outcomes] == [("fetched", "complete")] * 2
    written = [{key: row[key] for key in row if key != "imageUrl"} for row in rows_of(tmp_path / "r", 1)]
    assert written == service.rows


async def test_rows_that_only_queries_tell_apart_are_not_taken_for_others(tmp_path):
    """A row went and another came: but for its queries, the page that was read last is as it was."""
    shown = iter(range(10**6))
    service = Service(lambda row, _sign: {}, ids=False)
    service.rows = [{"imageUrl": f"/image?id={next(shown)}"} for _ in range(ROWS)]
    report = await begun_and_ended(
        service, tmp_path / "r", lambda rows: rows.append(rows.pop(3) | {"imageUrl": f"/image?id={next(shown)}"})
    )
    assert [(outcome.how, outcome.state) for outcome in report.outcomes] == [("fetched", "complete")] * 2
    assert rows_of(tmp_path / "r", 1) == service.rows


async def test_a_refresh_brings_the_new_signatures_and_tells_of_no_change(tmp_path, caplog):
    service = Service(SIGNED["query"], ids=True)
    async with RawServer(service) as server, session_of(server) as session:
        await export_results(session, [1], tmp_path / "r")
        before = contents(tmp_path / "r")
        report = await export_results(session, [1], tmp_path / "r", refresh=True)
    assert [(outcome.state, outcome.replaced, outcome.sweeps) for outcome in report.outcomes] == [("complete", 1, 1)]
    assert contents(tmp_path / "r") != before
    assert (tmp_path / "r" / "_SUCCESS").exists()
    assert caplog.messages == []


async def test_killed_it_goes_on(tmp_path, exports):
    service = Service(SIGNED["query"], ids=False)
    async with RawServer(service) as server:
        server.token = "token-of-a-test"
        whole = await asyncio.to_thread(exports.run, server, [1], tmp_path / "whole.jsonl")
        step = whole["steps"] // 2
        killed = await asyncio.to_thread(exports.run, server, [1], tmp_path / "r.jsonl", die_at=step)
        assert killed == {"killed": True}
        again = await asyncio.to_thread(exports.run, server, [1], tmp_path / "r.jsonl")
    assert [(outcome["how"], outcome["state"]) for outcome in again["outcomes"]] == [("resumed", "complete")]
    lines = (tmp_path / "r.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["view"] for line in lines] == [f"v{row}" for row in range(ROWS)]
