"""Stores that do not do what they are asked for: no export is whole before every object is known to be there."""

import json
from collections import Counter

import pytest
from anyio import to_thread

from aishoot_async import ExportError
from aishoot_async.export import export_results
from aishoot_async.jobs import staged_object
from aishoot_async.sandbox import Sandbox
from aishoot_async.storage.destinations import ObjectStore, _object_store, parse_store_url
from helpers.parts import session_of
from helpers.s3 import other_client, store_options
from helpers.s3_stub import BUCKET, Answer, error

pytestmark = pytest.mark.anyio
FILE, FOLDER = f"s3://{BUCKET}/r.jsonl", f"s3://{BUCKET}/r"
PART, MANIFEST, SUCCESS = "r/brief_id=1/part-00000.jsonl", "r/_manifest.ndjson", "r/_SUCCESS"
KEPT_NOTHING = Answer(status=200, headers={"ETag": '"e"'})
WRONG_SIZE = Answer(
    status=200, headers={"ETag": '"e"', "Content-Length": "1", "Last-Modified": "Mon, 30 Nov 2026 00:00:00 GMT"}
)
PUT_ANSWERS = {
    "404": error(404, "NoSuchBucket", "The specified bucket does not exist"),
    "403": error(403, "AccessDenied"),
    "301": error(301, "PermanentRedirect"),
    "400": error(400, "AuthorizationHeaderMalformed"),
    "500": error(500, "InternalError"),
    "503": error(503, "SlowDown"),
    "200, but nothing is kept": KEPT_NOTHING,
}
HEAD_ANSWERS = {
    "404": Answer(status=404),
    "403": Answer(status=403),
    "301": Answer(status=301),
    "500": Answer(status=500),
    "200 with another size": WRONG_SIZE,
}


def _staged(options):
    return sorted(found.name for found in options["state"].rglob("*.staged"))


async def _fails_and_then_goes_on(sandbox, session, stub, options, url, wrong):
    """See that an export fails while the store is wrong, and ends from what is staged once it is right."""
    stub.wrong = wrong
    with pytest.raises(ExportError, match=r"cannot|and the store took it") as caught:
        await export_results(session, [1], url, **options)
    assert url in str(caught.value)
    stub.wrong = lambda _: None
    sandbox.reset_requests()
    report = await export_results(session, [1], url, **options)
    assert report.complete
    assert sandbox.calls["brief_results"] == 0
    rows = stub.objects["r.jsonl" if url == FILE else PART].splitlines()
    assert [json.loads(row) for row in rows] == sandbox.results(1)
    assert (SUCCESS in stub.objects) is (url == FOLDER)
    assert not _staged(options)


@pytest.mark.parametrize(("url", "key"), [(FILE, "r.jsonl"), (FOLDER, PART), (FOLDER, MANIFEST), (FOLDER, SUCCESS)])
@pytest.mark.parametrize("answer", PUT_ANSWERS.values(), ids=PUT_ANSWERS)
async def test_what_is_not_taken_is_not_there(sandbox, session, stub, options, url, key, answer):
    def wrong(operation):
        return answer if operation.kind == "put" and operation.key == key else None

    await _fails_and_then_goes_on(sandbox, session, stub, options, url, wrong)


@pytest.mark.parametrize(("url", "key"), [(FILE, "r.jsonl"), (FOLDER, PART), (FOLDER, MANIFEST), (FOLDER, SUCCESS)])
@pytest.mark.parametrize("answer", HEAD_ANSWERS.values(), ids=HEAD_ANSWERS)
async def test_what_is_not_known_to_be_there_is_not_finished(sandbox, session, stub, options, url, key, answer):
    put = []

    def wrong(operation):
        if operation.kind == "put" and operation.key == key:
            put.append(key)
        return answer if operation.kind == "head" and operation.key == key and put else None

    await _fails_and_then_goes_on(sandbox, session, stub, options, url, wrong)


@pytest.mark.parametrize("url", [FILE, FOLDER])
async def test_what_could_not_be_published_is_still_staged(session, stub, options, url):
    for answer in PUT_ANSWERS.values():
        stub.wrong = lambda operation, answer=answer: answer if operation.kind == "put" else None
        with pytest.raises(ExportError):
            await export_results(session, [1], url, **options)
        assert _staged(options) == ["part-00000.staged"]


async def test_the_message_is_the_stores_own(session, stub, options):
    stub.wrong = lambda operation: error(403, "AccessDenied", "Not you.") if operation.kind == "put" else None
    with pytest.raises(ExportError, match=r"403 Forbidden \(AccessDenied: Not you\.\)") as caught:
        await export_results(session, [1], FILE, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("destination", ["r.jsonl", "r", "deep/er/r.csv", ""])
@pytest.mark.parametrize("again", [{}, {"restart": True}])
async def test_a_bucket_that_is_not_there_is_told_before_anything_is_read(s3, tmp_path, destination, again):
    options = {"store_options": store_options(s3), "state": tmp_path / "state", **again}
    columns = {"columns": ["id"]} if destination.endswith(".csv") else {}
    async with Sandbox() as sandbox, session_of(sandbox) as session:
        with pytest.raises(ExportError, match="NoSuchBucket: The specified bucket does not exist"):
            await export_results(session, [1], f"s3://no-such-bucket/{destination}", **options, **columns)
        assert sandbox.calls["brief_results"] == 0
        client = other_client(s3)
        client.create_bucket(Bucket="no-such-bucket")
        try:
            report = await export_results(session, [1], f"s3://no-such-bucket/{destination}", **options, **columns)
            assert report.complete
        finally:
            for found in client.list_objects_v2(Bucket="no-such-bucket").get("Contents", []):
                client.delete_object(Bucket="no-such-bucket", Key=found["Key"])
            client.delete_bucket(Bucket="no-such-bucket")


@pytest.mark.parametrize("status", [400, 403, 405, 501])
async def test_who_may_not_list_can_still_write_an_object(session, stub, options, status):
    stub.wrong = lambda operation: Answer(status=status) if operation.kind == "list" else None
    assert (await export_results(session, [1], FILE, **options)).complete


async def test_a_bucket_that_goes_under_way_is_told(sandbox, session, stub, options):
    gone = error(404, "NoSuchBucket")

    def wrong(_):
        # While it is opened it is there.
        return gone if sandbox.calls["brief_results"] else None

    for url in (FILE, FOLDER):
        sandbox.reset_requests()
        stub.wrong = wrong
        with pytest.raises(ExportError, match="NoSuchBucket"):
            await export_results(session, [1], url, **options)
        stub.wrong = lambda _: None
        assert (await export_results(session, [1], url, **options)).complete


@pytest.mark.parametrize("wanted", ["brief_id=1/part-00000.jsonl", "brief_id=2/part-00000.jsonl"])
async def test_a_part_that_is_taken_away_under_way_is_missed(session, stub, options, wanted):
    parts = {f"r/brief_id={number}/part-00000.jsonl" for number in (1, 2)}
    looked_up = set()

    def wrong(operation):
        # Not between a part's writing and the look at it, which belongs to that.
        if operation.kind == "head" and operation.key in stub.objects:
            looked_up.add(operation.key)
        if operation.kind == "list" and parts <= looked_up:
            stub.objects.pop(f"r/{wanted}", None)

    stub.wrong = wrong
    with pytest.raises(ExportError, match=f"{wanted}.*taken away"):
        await export_results(session, [1, 2], FOLDER, **options)
    assert SUCCESS not in stub.objects
    stub.wrong = lambda _: None
    assert (await export_results(session, [1, 2], FOLDER, **options)).complete
    assert f"r/{wanted}" in stub.objects


BIG = b"0123456789abcdef" * 700_000


@pytest.fixture
def staged(tmp_path):
    """Stage a part that is sent in several."""
    path = tmp_path / "part.staged"
    path.write_bytes(BIG)
    return path


def _store(options):
    url = parse_store_url(FOLDER)
    where = {"is_single": False, "is_file_name": False, "state": options["state"]}
    return ObjectStore(url, **where, options=options["store_options"], error=ExportError)


@pytest.mark.parametrize("kind", ["begin", "part", "finish"])
@pytest.mark.parametrize("answer", PUT_ANSWERS.values(), ids=PUT_ANSWERS)
async def test_a_part_sent_in_pieces_is_staged_until_it_is_there(stub, options, staged, monkeypatch, kind, answer):
    monkeypatch.setattr(_object_store, "MAX_SINGLE_PUT", len(BIG) - 1)
    store = _store(options)
    stub.wrong = lambda operation: answer if operation.kind == kind else None
    # A piece that nobody keeps is missed by the store, when it is to put them together.
    is_heard = kind != "part" or answer is not KEPT_NOTHING
    if is_heard:
        with pytest.raises(ExportError, match="part-00000"):
            await to_thread.run_sync(store.publish, staged, "brief_id=1/part-00000.jsonl")
        assert staged.read_bytes() == BIG
    stub.wrong = lambda _: None
    if staged.exists():
        await to_thread.run_sync(store.publish, staged, "brief_id=1/part-00000.jsonl")
    assert stub.objects[PART] == BIG
    assert not staged.exists()
    assert Counter(operation.kind for operation in stub.asked)["part"] > 1


async def test_a_part_that_memory_can_hold_is_sent_in_one_request(stub, options, staged):
    """So a run that is killed leaves no pieces in the store, which would cost money and be seen by nobody."""
    await to_thread.run_sync(_store(options).publish, staged, "brief_id=1/part-00000.jsonl")
    assert stub.objects[PART] == BIG
    assert [operation.kind for operation in stub.asked if operation.kind != "head"] == ["put"]


@pytest.mark.parametrize("kind", ["part", "finish"])
async def test_pieces_are_taken_back_when_the_upload_fails(stub, options, staged, monkeypatch, kind):
    monkeypatch.setattr(_object_store, "MAX_SINGLE_PUT", len(BIG) - 1)
    stub.wrong = lambda operation: error(403, "AccessDenied") if operation.kind == kind else None
    with pytest.raises(ExportError):
        await to_thread.run_sync(_store(options).publish, staged, "brief_id=1/part-00000.jsonl")
    assert "abort" in {operation.kind for operation in stub.asked}


@pytest.mark.parametrize("answer", PUT_ANSWERS.values(), ids=PUT_ANSWERS)
async def test_what_is_staged_in_the_store_stays_until_its_copy_is_there(stub, options, answer):
    store, name = _store(options), staged_object("1-of-1", "0" * 32, 0)
    stub.objects[f"r/{name}"] = b"rows"
    stub.wrong = lambda operation: answer if operation.kind == "copy" else None
    with pytest.raises(ExportError, match="part-00000"):
        await to_thread.run_sync(store.rename, name, "brief_id=1/part-00000.jsonl")
    assert stub.objects == {f"r/{name}": b"rows"}
    stub.wrong = lambda _: None
    await to_thread.run_sync(store.rename, name, "brief_id=1/part-00000.jsonl")
    assert stub.objects == {PART: b"rows"}
    with pytest.raises(ExportError, match="copy"):
        await to_thread.run_sync(store.rename, name, "brief_id=1/part-00000.jsonl")
    assert stub.objects == {PART: b"rows"}


async def test_what_is_not_there_can_be_looked_up_and_deleted(stub, options):
    store = _store(options)
    assert await to_thread.run_sync(store.size, "nothing") is None
    stub.wrong = lambda operation: Answer(status=404) if operation.kind == "delete" else None
    await to_thread.run_sync(store.remove, "nothing")
    stub.wrong = lambda operation: Answer(status=403) if operation.kind == "list" else None
    with pytest.raises(ExportError, match="403"):
        await to_thread.run_sync(store.list_files, "brief_id=1")
