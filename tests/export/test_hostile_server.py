"""A service at its worst: the brief that it ruins has failed, what is whole is kept, and the next run goes on."""

import pytest

from aishoot_async import AIShootSession, AuthenticationError, RetryPolicy
from aishoot_async.export import export_results
from aishoot_async.sandbox import (
    CutBody,
    DropAfter,
    DropBefore,
    EmptyPage,
    ExpireToken,
    Fault,
    Html,
    RawBody,
    Sandbox,
    Status,
)
from helpers.parts import contents, rows_of, session_of

pytestmark = pytest.mark.anyio
ONCE = RetryPolicy(attempts=1)


@pytest.mark.parametrize(
    ("action", "permanent"),
    [
        (CutBody(after=40), False),
        (DropBefore(), False),
        (DropAfter(), False),
        (Status(500), False),
        (Status(429), False),
        (Status(408), False),
        (Status(403), True),
        (Status(410), True),
        (Status(302), True),
        (Html(), True),
        (RawBody(b""), True),
        (RawBody(b'{"entries":[{"id":"a"},7],"total":200}'), True),
        (RawBody(b'{"entries":' + b"[" * 5000), True),
        (EmptyPage(), True),
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", ["jsonl", "jsonl.gz"])
async def test_a_page_that_is_ruined_fails_its_brief_and_no_other(tmp_path, action, permanent, name):
    fault = Fault(action, operation="brief_results", brief=1, page=2)
    async with Sandbox(briefs={1: 250, 2: 30}, faults=[fault]) as sandbox, session_of(sandbox, retry=ONCE) as session:
        report = await export_results(session, [1, 2], tmp_path / "r", format=name, patience=0)
        assert [outcome.state for outcome in report.outcomes] == ["failed", "complete"]
        assert report.failed[0].permanent is permanent
        assert not (tmp_path / "r" / "brief_id=1").exists()
        assert not (tmp_path / "r" / "_SUCCESS").exists()
        sandbox.clear_faults()
        assert (await export_results(session, [1, 2], tmp_path / "r", format=name)).complete
        assert rows_of(tmp_path / "r", 1) == sandbox.results(1)
        await export_results(session, [1, 2], tmp_path / "whole", format=name)
        assert contents(tmp_path / "r") == contents(tmp_path / "whole")


async def test_a_token_that_dies_on_the_way_stops_all_and_another_goes_on(tmp_path):
    fault = Fault(ExpireToken(), operation="brief_results", brief=1, page=9)
    async with Sandbox(briefs={1: 165, 2: 33, 3: 0}, max_page_size=10, faults=[fault]) as sandbox:
        async with session_of(sandbox) as session:
            with pytest.raises(AuthenticationError):
                await export_results(session, [1, 2, 3], tmp_path / "r", prefetch=1)
        assert not (tmp_path / "r" / "_SUCCESS").exists()
        sandbox.clear_faults()
        async with AIShootSession(sandbox.issue_token(), base_url=sandbox.url) as session:
            report = await export_results(session, [1, 2, 3], tmp_path / "r")
            assert report.complete
            assert report.outcomes[0].how == "resumed"
            assert rows_of(tmp_path / "r", 1) == sandbox.results(1)


@pytest.mark.parametrize("total", [True, False], ids=["a total", "no total"])
@pytest.mark.parametrize("empty", [1, 2, 5])
async def test_a_page_that_was_empty_for_a_while_is_not_missed(tmp_path, empty, total):
    """The walk goes on behind it, is cut off there, and the next run begins at what it has read last."""
    envelope = "entries" if total else "array"
    faults = [
        Fault(EmptyPage(), operation="brief_results", page=empty, times=2),
        Fault(Status(503), operation="brief_results", page=9),
    ]
    async with Sandbox(briefs={1: 165}, max_page_size=10, envelope=envelope, faults=faults) as sandbox:
        async with session_of(sandbox, retry=ONCE) as session:
            report = await export_results(session, [1], tmp_path / "r", patience=0, prefetch=1)
            assert not report.complete
            sandbox.clear_faults()
            assert (await export_results(session, [1], tmp_path / "r")).complete
            assert rows_of(tmp_path / "r", 1) == sandbox.results(1)


async def test_a_page_that_was_short_for_a_while_is_not_missed(tmp_path):
    short = RawBody(b'{"entries":[{"id":"x"}],"total":165}')
    faults = [
        Fault(short, operation="brief_results", page=4),
        Fault(Status(503), operation="brief_results", page=9),
    ]
    async with Sandbox(briefs={1: 165}, max_page_size=10, faults=faults) as sandbox:
        async with session_of(sandbox, retry=ONCE) as session:
            assert not (await export_results(session, [1], tmp_path / "r", patience=0, prefetch=1)).complete
            sandbox.clear_faults()
            assert (await export_results(session, [1], tmp_path / "r")).complete
            assert rows_of(tmp_path / "r", 1) == sandbox.results(1)
