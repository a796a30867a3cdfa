"""Object stores, against an S3-compatible server on loopback."""

import json
import random

import pytest

from aishoot_async import ConfigurationError, ExportError
from aishoot_async.export import export_results
from aishoot_async.sandbox import Fault, Sandbox, Status
from helpers.parts import contents, session_of
from helpers.s3 import SECRET, objects, other_client, store_options

pytestmark = pytest.mark.anyio


@pytest.fixture
def options(s3, tmp_path):
    return {"store_options": store_options(s3), "state": tmp_path / "state"}


async def test_a_prefix_holds_what_a_folder_would(tmp_path, s3, bucket, options):
    async with Sandbox(briefs={1: 250, 2: 3}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1, 2], tmp_path / "r", format="jsonl.gz")
        report = await export_results(session, [1, 2], f"s3://{bucket}/a/b", format="jsonl.gz", **options)
        assert (report.complete, report.destination) == (True, f"s3://{bucket}/a/b")
        found = objects(s3, bucket)
        parts = {name.removeprefix("a/b/"): text for name, text in found.items() if "/part-" in name}
        assert parts == contents(tmp_path / "r")
        assert sorted(set(found) - {f"a/b/{name}" for name in parts}) == ["a/b/_SUCCESS", "a/b/_manifest.ndjson"]
        sandbox.reset_requests()
        again = await export_results(session, [1, 2], f"s3://{bucket}/a/b", format="jsonl.gz", **options)
        assert again.was_finished
        assert sandbox.calls["brief_results"] == 0
        sandbox.insert_results(2, 0)
        last = await export_results(session, [1, 2], f"s3://{bucket}/a/b", format="jsonl.gz", refresh=True, **options)
        assert [outcome.replaced for outcome in last.outcomes] == [0, 1]


async def test_google_cloud_storage_too(tmp_path, s3, options):
    """Its own interface of XML is near enough to S3's for the same server."""
    other_client(s3).create_bucket(Bucket="google")  # a hyphen would be escaped, and the server would not know it again
    given = {
        "config": {"base_url": s3},
        "client_options": {"allow_http": True},
        "credential_provider": lambda: {"token": SECRET, "expires_at": None},
    }
    options = {**options, "store_options": given, "format": "jsonl.gz"}
    async with Sandbox(briefs={1: 250, 2: 3}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1, 2], tmp_path / "r", format="jsonl.gz")
        assert (await export_results(session, [1, 2], "gs://google/a", **options)).complete
        assert (await export_results(session, [1, 2], "gs://google/a", **options)).was_finished
        found = {name.removeprefix("a/"): text for name, text in objects(s3, "google").items()}
        assert {name: text for name, text in found.items() if "/part-" in name} == contents(tmp_path / "r")
        assert "_SUCCESS" in found
        sandbox.insert_results(2, 0)
        last = await export_results(session, [1, 2], "gs://google/a", refresh=True, **options)
        assert [outcome.replaced for outcome in last.outcomes] == [0, 1]


async def test_one_object(s3, bucket, options):
    async with Sandbox(briefs={1: 250}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1], f"s3://{bucket}/deep/r.jsonl", **options)
        found = objects(s3, bucket)
        assert list(found) == ["deep/r.jsonl"]
        assert [json.loads(line) for line in found["deep/r.jsonl"].splitlines()] == sandbox.results(1)


async def test_what_is_there_already_is_not_written_over(s3, bucket, options):
    for name in ("r.jsonl", "folder/brief_id=1/x"):
        other_client(s3).put_object(Bucket=bucket, Key=name, Body=b"mine")
    async with Sandbox() as sandbox, session_of(sandbox) as session:
        for name in ("r.jsonl", "folder"):
            with pytest.raises(ExportError, match="restart=True"):
                await export_results(session, [1], f"s3://{bucket}/{name}", **options)
    assert objects(s3, bucket) == {"r.jsonl": b"mine", "folder/brief_id=1/x": b"mine"}


async def test_it_goes_on_from_the_journal_of_this_machine(s3, bucket, options):
    fault = Fault(Status(503), operation="brief_results", brief=1, page=3)
    async with Sandbox(briefs={1: 250, 2: 3}, faults=[fault]) as sandbox, session_of(sandbox) as session:
        url = f"s3://{bucket}/r"
        report = await export_results(session, [1, 2], url, patience=0, **options)
        assert [outcome.state for outcome in report.outcomes] == ["failed", "complete"]
        assert "r/_SUCCESS" not in objects(s3, bucket)
        sandbox.clear_faults()
        again = await export_results(session, [1, 2], url, **options)
        assert [outcome.how for outcome in again.outcomes] == ["resumed", "kept"]
        rows = objects(s3, bucket)["r/brief_id=1/part-00000.jsonl"].splitlines()
        assert [json.loads(row) for row in rows] == sandbox.results(1)


@pytest.mark.parametrize("name", ["jsonl", "jsonl.gz"])
def test_killed_at_some_steps_it_goes_on(exports, small_pages, tmp_path, s3, bucket, options, name):
    options = {**options, "state": str(options["state"]), "format": name}
    whole = exports.run(small_pages, [1, 2], tmp_path / "whole", format=name)
    for step in random.Random(name).sample(range(2, whole["steps"]), 3):
        url = f"s3://{bucket}/{step}"
        assert exports.run(small_pages, [1, 2], url, die_at=step, **options) == {"killed": True}
        last = exports.run(small_pages, [1, 2], url, **options)
        assert last.get("complete"), (step, last)
        found = {key.partition("/")[2]: text for key, text in objects(s3, bucket).items() if key.startswith(f"{step}/")}
        assert "_SUCCESS" in found
        assert {key: text for key, text in found.items() if "part-" in key} == contents(tmp_path / "whole")


async def test_a_store_that_is_not_there_is_an_export_error(options):
    given = options["store_options"]
    gone = {
        **given,
        "config": {**given["config"], "aws_endpoint": "http://127.0.0.1:9"},
        "retry_config": {"max_retries": 0},
    }
    async with Sandbox() as sandbox, session_of(sandbox) as session:
        with pytest.raises(ExportError, match="s3://nowhere/r") as caught:
            await export_results(session, [1], "s3://nowhere/r", **{**options, "store_options": gone})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"config": {"nonsense": SECRET}}, {"nonsense": SECRET}, {"aws_allow_http": "true"}])
async def test_options_that_the_store_does_not_know_are_refused(wrong):
    pytest.importorskip("obstore")
    async with Sandbox() as sandbox, session_of(sandbox) as session:
        with pytest.raises(ConfigurationError) as caught:
            await export_results(session, [1], "s3://bucket/r", store_options=wrong)
    assert SECRET not in str(caught.value)
