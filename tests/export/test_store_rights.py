"""Stores and roles that do not delete: nothing fails that has nothing to delete, and what must go is said first."""

import logging

import pytest
from anyio import to_thread

from aishoot_async import ExportError
from aishoot_async.export import export_results
from aishoot_async.jobs import staged_object
from aishoot_async.jobs._layout import UNSHARDED
from aishoot_async.jobs._publishing import StagedObjects
from aishoot_async.storage.destinations import ObjectStore, parse_store_url
from helpers.s3_stub import BUCKET, Answer, error

pytestmark = pytest.mark.anyio
FILE, FOLDER = f"s3://{BUCKET}/r.jsonl", f"s3://{BUCKET}/r"
MARK, MANIFEST, OLD_MANIFEST = "r/_SUCCESS", "r/_manifest.ndjson", "r/_manifest.jsonl"
REFUSED_FOR_ONE = b'<?xml version="1.0"?><DeleteResult><Error><Code>AccessDenied</Code></Error></DeleteResult>'
BULK = {
    "405": error(405, "MethodNotAllowed"),
    "501": error(501, "NotImplemented"),
    "403": error(403, "AccessDenied"),
    "400": error(400, "MalformedXML"),
    "200, but refused": Answer(status=200, body=REFUSED_FOR_ONE, headers={"Content-Type": "application/xml"}),
}
SINGLE = {
    "403": error(403, "AccessDenied"),
    "403 without a body": Answer(status=403),
    "405": error(405, "MethodNotAllowed"),
    "501": error(501, "NotImplemented"),
    "409": error(409, "ObjectLocked"),
}


def refuse(stub, answer, *kinds):
    stub.wrong = lambda operation: answer if operation.kind in kinds else None


def asked(stub):
    return {operation.kind for operation in stub.asked}


@pytest.mark.parametrize(
    "answer", [*BULK.values(), *SINGLE.values()], ids=[*BULK, *(f"one by one {key}" for key in SINGLE)]
)
@pytest.mark.parametrize("runs", [[FILE], [FOLDER], [FOLDER, FOLDER], [f"{FOLDER}/"]])
async def test_where_nothing_is_to_be_deleted_nothing_is(session, stub, options, answer, runs):
    refuse(stub, answer, "bulk delete", "delete")
    for url in runs:
        briefs = [1] if url == FILE else [1, 2]
        assert (await export_results(session, briefs, url, **options)).complete
    assert not asked(stub) & {"delete", "bulk delete"}


@pytest.mark.parametrize("number", [1, 2])
async def test_shards_have_nothing_to_delete_either(session, stub, options, number):
    refuse(stub, SINGLE["403"], "bulk delete", "delete")
    for shard in (number, 3 - number):
        assert (await export_results(session, [1, 2], FOLDER, shard=(shard, 2), **options)).complete
    assert MARK in stub.objects


@pytest.mark.parametrize("answer", BULK.values(), ids=BULK)
@pytest.mark.parametrize("how", [{"refresh": True}, {"restart": True}])
async def test_objects_are_deleted_one_by_one(sandbox, session, stub, options, answer, how):
    await export_results(session, [1, 2], FOLDER, **options)
    refuse(stub, answer, "bulk delete")
    sandbox.insert_results(1, 5)
    assert (await export_results(session, [1, 2], FOLDER, **how, **options)).complete
    assert "delete" in asked(stub)
    assert MARK in stub.objects


@pytest.mark.parametrize("answer", SINGLE.values(), ids=SINGLE)
@pytest.mark.parametrize("how", [{"refresh": True}, {"restart": True}])
async def test_a_mark_that_must_go_and_cannot_is_told_before_anything_is_changed(
    sandbox, session, stub, options, answer, how
):
    await export_results(session, [1, 2], FOLDER, **options)
    before = dict(stub.objects)
    sandbox.insert_results(1, 5)
    sandbox.reset_requests()
    refuse(stub, answer, "delete", "bulk delete")
    with pytest.raises(ExportError, match=r"cannot delete _SUCCESS.*s3:DeleteObject"):
        await export_results(session, [1, 2], FOLDER, **how, **options)
    assert stub.objects == before
    assert sandbox.calls["brief_results"] == 0
    refuse(stub, answer)
    assert (await export_results(session, [1, 2], FOLDER, **how, **options)).complete
    assert stub.objects != before


async def test_a_new_brief_needs_the_mark_to_go_too(session, stub, options):
    await export_results(session, [1], FOLDER, **options)
    before = dict(stub.objects)
    refuse(stub, SINGLE["403"], "delete")
    with pytest.raises(ExportError, match="_SUCCESS"):
        await export_results(session, [1, 2], FOLDER, **options)
    assert stub.objects == before
    assert (await export_results(session, [1], FOLDER, **options)).was_finished


async def test_a_brief_that_fails_the_first_time_has_no_mark_to_lose(session, stub, options):
    refuse(stub, SINGLE["403"], "delete", "bulk delete")
    assert not (await export_results(session, [1, 99], FOLDER, **options)).complete
    assert MARK not in stub.objects
    assert (await export_results(session, [1], FOLDER, **options)).complete


async def test_a_manifest_of_an_earlier_release_that_cannot_go_is_left(session, stub, options, caplog):
    await export_results(session, [1, 2], FOLDER, **options)
    stub.objects[OLD_MANIFEST] = stub.objects[MANIFEST]
    refuse(stub, SINGLE["403"], "delete")
    with caplog.at_level(logging.WARNING, "aishoot_async"):
        assert (await export_results(session, [1, 2], FOLDER, **options)).complete
    assert "earlier release is left" in caplog.text
    assert OLD_MANIFEST in stub.objects


def store_of(options, url=FOLDER, **config):
    given = {**options["store_options"]}
    given["config"] = {**given["config"], **config}
    where = {"is_single": False, "is_file_name": False, "state": options["state"]}
    return ObjectStore(parse_store_url(url), **where, options=given)


@pytest.mark.parametrize("answer", SINGLE.values(), ids=SINGLE)
async def test_what_workers_have_staged_is_left_and_said_once(stub, options, caplog, answer):
    store = store_of(options)
    for number in range(3):
        stub.objects[f"r/{staged_object('1-of-1', '0' * 32, number)}"] = b"rows"
    refuse(stub, answer, "delete", "bulk delete")
    staged = StagedObjects(store, UNSHARDED, "0" * 32)
    with caplog.at_level(logging.WARNING, "aishoot_async"):
        await to_thread.run_sync(staged.move, 0, store, "brief_id=1/part-00000.jsonl")
        await to_thread.run_sync(staged.clear)
    assert stub.objects["r/brief_id=1/part-00000.jsonl"] == b"rows"
    assert caplog.text.count("is left") == 1


@pytest.mark.parametrize("name", ["aws_disable_bulk_delete", "disable_bulk_delete"])
async def test_who_wants_bulk_deletion_has_it(stub, options, name):
    store = store_of(options, **{name: "false"})
    stub.objects["r/a"] = b""
    await to_thread.run_sync(store.remove, "a")
    assert asked(stub) >= {"bulk delete"}
    assert "r/a" not in stub.objects


@pytest.mark.parametrize(
    ("url", "config"),
    [
        ("gs://bucket/r", {"google_skip_signature": "true"}),
        ("az://bucket/r", {"azure_storage_account_name": "a", "azure_skip_signature": "true"}),
    ],
)
def test_other_stores_are_given_nothing_that_they_do_not_take(tmp_path, url, config):
    pytest.importorskip("obstore")
    where = {"is_single": False, "is_file_name": False, "state": tmp_path}
    ObjectStore(parse_store_url(url), **where, options={"config": config})


async def test_what_is_not_there_is_not_deleted(stub, options):
    await to_thread.run_sync(store_of(options).remove, "nothing")
    assert asked(stub) == {"head"}
