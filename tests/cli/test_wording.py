"""Text that people read: numbers and nouns, empty shards, missing folders, narrow bars, names of all languages."""

import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from aishoot_async.cli._console import bar
from aishoot_async.cli._text import counted, printable
from aishoot_async.sandbox import Fault, Status, ThreadedSandbox


@pytest.mark.parametrize(
    ("number", "things", "said"),
    [
        (0, "pages", "0 pages"),
        (1, "pages", "1 page"),
        (2, "pages", "2 pages"),
        (1, "results of brief 17", "1 result of brief 17"),
        (1, "SKUs are left alone", "1 SKU is left alone"),
        (1, "briefs were finished before", "1 brief was finished before"),
        (1200, "results", "1,200 results"),
    ],
)
def test_one_is_not_said_like_many(number, things, said):
    assert counted(number, things) == said


@pytest.mark.parametrize("results", [0, 1, 2])
def test_an_export_counts_in_words_that_fit(alone, results, tmp_path):
    with ThreadedSandbox(briefs={1: results}, skus=results) as server:
        env = {"AISHOOT_TOKEN": server.token, "AISHOOT_BASE_URL": server.url}
        path = str(tmp_path / "r.jsonl")
        done = alone("results", "export", "1", "--to", path, env=env)
        again = alone("results", "export", "1", "--to", path, env=env)
        skus = alone("skus", "export", "--to", str(tmp_path / "s.jsonl"), env=env)
    noun = "result" if results == 1 else "results"
    assert f"{results} {noun} of brief 1 in" in done.stderr
    assert ("1 pages" in done.stderr, "1 items" in again.stderr, "1 SKUs" in skus.stderr) == (False, False, False)
    assert f"with {results} item" in again.stderr


@pytest.mark.parametrize(
    ("briefs", "shard", "is_empty"),
    [("1 2 3", "8/8", True), ("1 2 3", "7/8", False), ("1", "2/2", True), ("2", "1/9", True), ("1 2 3", "1/2", False)],
)
def test_a_shard_without_briefs_is_not_called_finished(here, server, tmp_path, briefs, shard, is_empty):
    server.add_brief(3, 2)
    command = ("results", "export", *briefs.split(), "--to", str(tmp_path / "out"), "--shard", shard)
    for finished in (False, not is_empty):
        done = here(*command)
        assert done.returncode == 0, done.stderr
        assert ("none of the briefs is in this shard" in done.stderr) is is_empty
        assert ("finished already" in done.stderr) is finished


NEEDS_A_FOLDER = [
    "results export 1 --to {}/r.jsonl",
    "results export 1 --to {}/r.csv --columns id",
    "results export 1 --to dangling.jsonl",
    "skus export --to {}/r.parquet",
    "results export 1 --to r.jsonl --report {}/report.json",
    "results export 1 --to r.jsonl --report dangling.jsonl",
    "skus export --to new --report {}/report.json",
    "skus sync c.csv --state s --apply --report {}/report.json",
    "skus sync c.csv --state s --apply --failures {}/f.csv",
    "skus sync c.csv --state s --plan-out {}/plan.json",
    "skus sync c.csv --state {}/s",
    "sandbox --database {}/data.db",
]


@pytest.mark.parametrize("command", NEEDS_A_FOLDER)
@pytest.mark.parametrize("folder", ["missing", "missing/deeper", "./missing", "plain", "plain/deeper"])
def test_a_missing_folder_is_named_before_anything_is_asked_for(ran, server, tmp_path, monkeypatch, command, folder):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.csv").write_text("key,name,frontImage\nA,N,f\n")
    (tmp_path / "plain").write_text("a file")
    (tmp_path / "dangling.jsonl").symlink_to(f"{folder}/r.jsonl")
    before = sorted(tmp_path.rglob("*"))
    code, out, said = ran(*command.format(folder).split(), against=server)
    assert (code, out) == (2, "")
    option = command.rpartition("--")[2].split()[0] if "--columns" not in command else "to"
    assert f"error: --{option}: " in said
    assert f"{folder.removeprefix('./')} is n" in said
    assert sorted(tmp_path.rglob("*")) == before
    assert server.calls.total() == 0


@pytest.mark.parametrize("to", ["plain/out", "plain/deeper/out/"])
def test_a_folder_cannot_be_made_in_a_file(ran, server, tmp_path, monkeypatch, to):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").write_text("a file")
    code, _, said = ran("results", "export", "1", "--to", to, against=server)
    assert (code, server.calls.total()) == (2, 0)
    assert "--to: plain is no folder" in said


def test_the_folder_of_a_folder_is_made(here, tmp_path):
    assert here("results", "export", "1", "--to", f"{tmp_path}/a/b/").returncode == 0
    assert (tmp_path / "a/b/_SUCCESS").exists()


@pytest.mark.parametrize(
    ("to", "said"),
    [("-", "stdout"), ("--format", "written ./--format"), ("-x.jsonl", "written ./-x.jsonl"), ("--to", "./--to")],
)
def test_a_destination_that_reads_like_an_option_is_none(here, server, to, said):
    for spelled in (["--to", to], [f"--to={to}"]):
        done = here("results", "export", "1", *spelled)
        assert done.returncode == 2
        assert said in done.stderr
    assert server.calls.total() == 0


@pytest.mark.parametrize("width", [40, 41, 60, 80, 100, 160])
@pytest.mark.parametrize("details", ["", "3 of 50 briefs, 3 requests repeated, 8 at once"])
def test_a_bar_says_first_how_far_it_is(width, details):
    file = io.StringIO()
    with bar("results of brief 123", Console(width=width, force_terminal=True, color_system=None, file=file)) as update:
        update(1234, 100_000, details)
        time.sleep(0.15)  # two moments are what a rate is made of
        update(2234, 100_000, details)
        time.sleep(0.15)
    shown = [line for line in file.getvalue().replace("\n", "\r").split("\r") if "2,234" in line]
    assert shown
    for line in shown:
        text = line.replace("\x1b[2K", "")
        assert len(text) <= width
        assert "2,234/100,000" in text
        assert " left result" in text
        assert ("━" in text or "╸" in text) is (width >= 100)


@pytest.mark.parametrize(
    "text",
    ["👩‍💻 Kleid", "می‌خواهم", "क्‍ष", "🏳️‍🌈", "ab‍"],
)
def test_joiners_are_shown_as_they_are(here, server, text):
    assert printable(text) == text
    server.insert_sku(sku_id="sku-joined", name=text)
    assert text in here("skus", "list").stdout
    server.add_fault(Fault(Status(403, body=json.dumps({"message": f"no {text}"}).encode())))
    assert f"no {text}" in here("skus", "list").stderr


@pytest.mark.parametrize(
    "character", ["\u200b", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069", "\ufeff", "\x1b", "\x7f"]
)
def test_what_steers_is_escaped_still(character):
    assert character not in printable(f"a\u200d{character}b")


@given(st.text())
def test_what_is_printed_is_one_line_that_steers_nothing(text):
    shown = printable(text)
    assert all(char.isprintable() or char in "\u200c\u200d" for char in shown)
