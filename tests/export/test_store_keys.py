"""The key is what stands in the URL, letter by letter, or it is refused; and one place has one journal and one lock."""

import asyncio
import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import ConfigurationError, ExportError, LockedError, RequestValidationError
from aishoot_async.export import export_results
from aishoot_async.sandbox import Sandbox
from aishoot_async.storage.destinations import open_destination, parse_destination
from helpers.parts import session_of
from helpers.s3 import objects, store_options
from helpers.s3_stub import BUCKET, S3Stub

pytestmark = pytest.mark.anyio
KEYS = [
    "run#1",
    "run?1",
    "run?region=eu#x",
    "my results",
    "my%20results",
    "run%231",
    "a%2Fb",
    "100%",
    "100%25",
    "a+b",
    "a~b[1]{2}",
    "date=2026-01-01",
    "k\u00e4se",
    unicodedata.normalize("NFD", "k\u00e4se"),
    "a&b<c>\"d'",
    "a:b@c;d,e$f!g(h)*",
    "a\\b|c^d`",
    "a..b/...",
    " blank ",
    "\u200b\U0001f600",
]
REFUSED = [
    "/leading",
    "a//b",
    "a//",
    "a/../b",
    "./a",
    "a/..",
    "..",
    "a\tb",
    "a\nb",
    "a\x7fb",
    "a\udcffb",
    "a\uffffb",
]


@pytest.fixture
async def stub():
    pytest.importorskip("obstore")
    async with S3Stub() as running:
        yield running


@pytest.fixture
async def session():
    async with Sandbox(briefs={1: 3, 2: 5}) as sandbox, session_of(sandbox) as open_session:
        yield open_session


@pytest.fixture
def options(stub, tmp_path):
    never_again = {"retry_config": {"max_retries": 0}}
    return {"store_options": {**store_options(stub.url), **never_again}, "state": tmp_path / "state"}


@pytest.mark.parametrize("key", KEYS)
async def test_what_is_written_listed_and_remembered_is_the_key_that_stands_there(session, stub, options, key):
    for destination, part in ((f"{key}/r.jsonl", ""), (key, "/brief_id=1/part-00000.jsonl"), (f"{key}.jsonl", "")):
        url = f"s3://{BUCKET}/{destination}"
        assert (await export_results(session, [1], url, **options)).complete
        assert stub.objects[f"{destination}{part}"].count(b"\n") == 3
        assert (await export_results(session, [1], url, **options)).was_finished
        assert (await export_results(session, [1], url, restart=True, **options)).complete
    assert set(stub.objects) == {
        f"{key}/r.jsonl",
        f"{key}.jsonl",
        *(f"{key}/{name}" for name in ("_SUCCESS", "_manifest.ndjson", "brief_id=1/part-00000.jsonl")),
    }


@pytest.mark.parametrize("key", KEYS, ids=[f"{number:02}" for number, _ in enumerate(KEYS)])  # each a bucket of its own
async def test_other_clients_find_it_under_that_key(session, s3, bucket, tmp_path, key):
    options = {"store_options": store_options(s3), "state": tmp_path / "state"}
    for destination in (f"{key}/r.jsonl", f"{key}"):
        assert (await export_results(session, [1], f"s3://{bucket}/{destination}", **options)).complete
        assert (await export_results(session, [1], f"s3://{bucket}/{destination}", **options)).was_finished
    names = ("_SUCCESS", "_manifest.ndjson", "brief_id=1/part-00000.jsonl", "r.jsonl")
    assert set(objects(s3, bucket)) == {f"{key}/{name}" for name in names}


@pytest.mark.parametrize("key", REFUSED)
async def test_what_no_key_can_hold_is_refused_before_anything_is_sent(session, stub, options, key):
    for destination in (key, f"{key}/r.jsonl", f"{key}.jsonl"):
        if key in {"a//", "a/..", ".."} and destination == f"{key}.jsonl":
            continue  # it is another segment then
        with pytest.raises(RequestValidationError) as caught:
            await export_results(session, [1], f"s3://{BUCKET}/{destination}", **options)
        assert caught.value.field == "destination"
    assert not stub.requests


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket?versions/r.jsonl",
        "s3://bucket#1",
        "s3://user:secret-word@bucket/r",
        "s3://bucket:80/r",
        "s3://b%75cket/r",
        "s3://b\u00fccket/r",
        "s3:///r",
        "s3://",
        "s3:/bucket/r",
        "s3:bucket",
        "gs://a b/r",
        "az://a_b/r",
        "az://a/b./r",
        "az://a/b\\c",
        "http://bucket/r",
        "file:///tmp/r",
        "wasb://c/r",
        " s3://bucket/r",
    ],
)
async def test_a_url_that_names_no_bucket_or_another_than_it_seems_is_refused(session, tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestValidationError) as caught:
        await export_results(session, [1], url, state=tmp_path / "state")
    assert "secret-word" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", [{"bucket": "other"}, {"aws_bucket_name": "other"}])
async def test_options_that_lead_to_another_bucket_are_refused(session, stub, options, given):
    config = {**options["store_options"]["config"], **given}
    options["store_options"] = {**options["store_options"], "config": config}
    with pytest.raises(ConfigurationError, match="other"):
        await export_results(session, [1], f"s3://{BUCKET}/r", **options)
    assert not stub.requests


async def test_places_that_differ_in_a_sign_alone_do_not_meet(session, stub, options):
    for one, two in (("run#1", "run#2"), ("run?1", "run?2"), ("a b", "a%20b"), ("r%231", "r#1"), ("X", "x")):
        for end in ("", "/r.jsonl"):
            for brief, name in ((1, one), (2, two)):
                report = await export_results(session, [brief], f"s3://{BUCKET}/{name}{end}", **options)
                assert (report.complete, report.was_finished) == (True, False)
        assert [stub.objects[f"{name}/r.jsonl"].count(b"\n") for name in (one, two)] == [3, 5]


SPELLINGS = [
    ("s3://bucket/x", "s3://bucket/x/"),
    ("s3://bucket/x", "s3a://bucket/x"),
    ("s3://bucket/x/", "S3A://bucket/x"),
    ("s3://bucket/x/r.jsonl", "S3://bucket/x/r.jsonl"),
    ("s3://bucket/x y#1", "s3a://bucket/x y#1/"),
    ("s3://bucket", "s3a://bucket/"),
    ("s3://bucket/x.jsonl/", "s3a://bucket/x.jsonl/"),
]


@pytest.mark.parametrize(("one", "two"), [*SPELLINGS, *(pair[::-1] for pair in SPELLINGS)])
async def test_one_place_has_one_journal_however_it_is_spelled(session, stub, options, one, two):
    assert (await export_results(session, [1], one, **options)).complete
    assert (await export_results(session, [1], two, **options)).was_finished
    if not one.endswith("r.jsonl"):
        with pytest.raises(ExportError, match="belongs to another export"):
            await export_results(session, [1], two, shard=(1, 2), **options)
    assert sum(key.endswith(".jsonl") and "manifest" not in key for key in stub.objects) == 1


@pytest.mark.parametrize(("one", "two"), SPELLINGS)
async def test_one_place_has_one_lock_however_it_is_spelled(session, stub, options, one, two):
    released = asyncio.Event()

    async def pause(operation):
        if operation.kind == "put":
            await released.wait()

    stub.pause = pause
    first = asyncio.create_task(export_results(session, [1], one, **options))
    await stub.until(lambda: any(operation.kind == "put" for operation in stub.asked))
    with pytest.raises(LockedError):
        await export_results(session, [1], two, **options)
    released.set()
    assert (await first).complete


def _home(url, options, **store_options):
    where = {"is_single": False, "state": options["state"], "store_options": store_options}
    return open_destination(parse_destination(url), **where).state_dir


@pytest.mark.parametrize("environment", [False, True])
def test_a_container_of_azure_is_one_place_whoever_names_its_account(tmp_path, monkeypatch, environment):
    pytest.importorskip("obstore")
    where = {"state": tmp_path}
    given = {} if environment else {"config": {"azure_storage_account_name": "acc"}}
    if environment:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "acc")
    urls = ["az://c/x", "azure://c/x/", "AZ://c/x", "abfs://c/x", "abfss://c@acc.dfs.core.windows.net/x/"]
    assert len({_home(url, where, **given) for url in urls}) == 1
    assert _home("az://c/x", where, account_name="other") != _home("az://c/x", where, **given)
    with pytest.raises(ConfigurationError, match="other"):
        _home("abfss://c@acc.dfs.core.windows.net/x", where, config={"azure_storage_account_name": "other"})


def test_google_has_two_names_for_one_scheme(tmp_path):
    pytest.importorskip("obstore")
    where = {"state": tmp_path}
    assert _home("gs://b/x", where, skip_signature=True) == _home("gcs://b/x/", where, skip_signature=True)


@pytest.mark.parametrize("earlier", ["s3://bucket/x", "s3://bucket/x/", "s3a://bucket/x"])
async def test_the_journal_of_an_earlier_release_is_found(session, stub, options, tmp_path, earlier):
    url = f"s3://{BUCKET}/x"
    await export_results(session, [1], url, **options)
    (home,) = (tmp_path / "state" / "exports").iterdir()
    home.rename(home.with_name(hashlib.sha256(earlier.encode()).hexdigest()[:32]))
    for again in (url, f"{url}/", f"s3a://{BUCKET}/x"):
        assert (await export_results(session, [1], again, **options)).was_finished


async def test_a_prefix_called_like_an_object_is_another_place(session, stub, options):
    url = f"s3://{BUCKET}/x.jsonl"
    assert (await export_results(session, [1], url, **options)).complete
    report = await export_results(session, [1], f"{url}/", **options)
    assert not report.was_finished
    assert {"x.jsonl", "x.jsonl/brief_id=1/part-00000.jsonl"} < set(stub.objects)
    for again in (url, f"{url}/"):
        assert (await export_results(session, [1], again, **options)).was_finished


segments = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\uffff\ufffe"), min_size=1)


@given(st.lists(segments.filter(lambda segment: segment not in {".", ".."}), min_size=1), st.sampled_from(["", "/"]))
def test_a_key_is_read_letter_by_letter(names, end):
    key = "/".join(names)
    url = parse_destination(f"s3://bucket/{key}{end}").url
    assert url is not None
    assert (url.bucket, url.key, url.root) == ("bucket", key, "s3://bucket")
    assert url.file_name == ("" if end else names[-1])


@given(st.text())
def test_no_text_is_read_by_two_rules(text):
    """It is refused, a path of this machine, or a key that is in the text as it stands."""
    for start in ("", "s3://", "s3://b/", "az://c/", "S3A://b/x/"):
        try:
            where = parse_destination(start + text)
        except RequestValidationError:
            continue
        if where.url is None:
            assert "://" not in text
        else:
            assert where.text.removesuffix("/").endswith(where.url.key)
