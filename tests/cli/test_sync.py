"""``aishoot skus sync``: what is said before anything is sent, and how a plan is shown."""

import json
from pathlib import Path

import pytest

from aishoot_async.cli._console import Console
from aishoot_async.cli._context import Context
from aishoot_async.cli._sync_options import SyncOptions
from aishoot_async.cli._sync_plan import show_plan
from aishoot_async.sync import PlannedPicture, SyncAction, SyncEntry, SyncPlan

CATALOG = "key,name,frontImage\nA,Socks,f\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "c.csv").write_text(CATALOG)
    return folder


S = ("c.csv", "--state", "s")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a catalog"),
        (["--state", "s"], "name a catalog"),
        (["c.csv"], "--state FILE"),
        ([*S, "--apply", "--dry-run"], "exclude each other"),
        ([*S, "--max-delete", "5"], "--max-delete is for --prune"),
        ([*S, "--prune", "--max-delete", "-1"], '"-1" is neither a whole number nor a percentage'),
        ([*S, "--prune", "--max-delete", "5.5"], "Invalid value for --max-delete"),
        ([*S, "--prune", "--max-delete", "%"], "Invalid value for --max-delete"),
        ([*S, "--prefer", "mine"], "--prefer"),
        ([*S, "--settle", "soon"], "--settle"),
        ([*S, "--report", "r.json"], "--report is of what was done"),
        ([*S, "--failures", "f.csv"], "--failures is of what was done"),
        ([*S, "--apply", "--failures", "f.jsonl"], "--failures must end in .csv"),
        ([*S, "--apply", "--report", "no/r.json"], "--report: the folder no is not there"),
        ([*S, "--apply", "--failures", "no/f.csv"], "--failures: the folder no is not there"),
        ([*S, "--plan-out", "."], "--plan-out: . cannot be written"),
        (["c.csv", "--state", "./c.csv"], "--state and the catalog are one file"),
        ([*S, "--apply", "--failures", "../folder/c.csv"], "--failures and the catalog are one file"),
        ([*S, "--apply", "--report", "s"], "--report and --state are one file"),
        (["--plan", "p.json", "--apply", "--report", "p.json"], "--report and --plan are one file"),
        (["--plan", "p.json", "--prune"], "--prune is for making a plan"),
        (["--plan", "p.json", "--prefer", "catalog"], "--prefer is for making a plan"),
        (["--plan", "p.json", "--plan-out", "q.json"], "--plan-out is for making a plan"),
        (["--plan", "p.json", "--decide", "adopt"], "--decide is for making a plan"),
        ([*S, "--decide", "rename"], "--decide takes adopt, create, or KEY=adopt|create|ID, not rename"),
        ([*S, "--decide", "adopt", "--decide", "A=create"], "not adopt, which is for all items and stands alone"),
        ([*S, "--decide", "A=adopt", "--decide", "A=create"], "--decide says adopt and create of A"),
        ([*S, "--decide", "=adopt"], "not =adopt"),
        ([*S, "--decide", "A="], "not A="),
        ([*S, "d.csv"], 'Unexpected argument: "d.csv"'),
    ],
)
def test_options_that_do_not_fit_are_a_sentence_and_nothing_is_made(ran, folder, server, arguments, said):
    code, out, err = ran("skus", "sync", *arguments, against=server)
    assert (code, out) == (2, "")
    assert said in err
    assert "See aishoot skus sync --help." in err
    assert [path.name for path in folder.iterdir()] == ["c.csv"]
    assert server.calls.total() == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("no.csv", None, ["no.csv: it cannot be read: No such file"]),
        ("b.xlsx", "", ["the name of a catalog ends in .csv"]),
        ("b.csv", "", ["b.csv: it is empty"]),
        ("b.csv", "key,name\nA,a\n", ["line 1: the column frontImage is missing"]),
        ("b.csv", f"{CATALOG}A,b\n", ["line 3: the row has 2 cells, and the heading 3"]),
        ("b.csv", f'{CATALOG}B,"b', ["line 3: a quote is opened in the row that begins here"]),
        (
            "b.csv",
            f"{CATALOG}A,b,f\nB,,no.png\n",
            ["3 problems", "line 3: key 'A' is there twice", "line 4: name is", "no.png"],
        ),
        ("b.jsonl", '{"key": "A"', ["line 1: "]),
        ("b.parquet", "PAR1", ["cannot be read as Parquet"]),
    ],
)
def test_a_bad_catalog_is_told_whole_and_nothing_is_sent(ran, folder, server, name, content, said):
    if content is not None:
        (folder / name).write_text(content)
    for extra in ([], ["--apply", "--prune", "--force"]):
        code, out, err = ran("skus", "sync", name, "--state", "s", *extra, against=server)
        assert (code, out) == (2, "")
        assert all(part in err for part in said), err
        assert err.startswith("error: ")
        assert "Put the catalog right" in err.splitlines()[-1]
        assert not (folder / "s").exists()
    assert server.calls.total() == 0


def test_a_machine_is_told_every_problem(ran, folder):
    (folder / "c.csv").write_text("key,name,frontImage,gender\n" + "".join(f"K{n},n,f,x\n" for n in range(30)))
    code, out, err = ran("--log-format", "json", "skus", "sync", *S)
    assert (code, out) == (2, "")
    (said,) = map(json.loads, err.splitlines())
    assert said["message"].startswith("30 problems")
    assert [problem["line"] for problem in said["problems"]] == list(range(2, 32))
    assert {problem["field"] for problem in said["problems"]} == {"gender"}
    code, _, err = ran("skus", "sync", *S)
    assert len(err.splitlines()) == 1 + 20 + 1 + 1
    assert "and 10 more" in err


# How a plan is shown


PICTURE = PlannedPicture(path="/pictures/front.jpg", size=1, mtime_ns=1, identifier="b" * 64)
CREATE = SyncEntry(
    key="A-1",
    action=SyncAction.CREATE,
    changes={"name": (None, "Linen dress"), "front_image": (None, "f")},
    wanted={"name": "Linen dress", "front_image": "f"},
    reason="new",
    line=2,
)
UPDATE = SyncEntry(
    key="A-2",
    action=SyncAction.UPDATE,
    sku_id="sku-2",
    changes={"name": ("Old\n", "New"), "project_ids": ([1], [1, 2]), "front_image": ("aaa", "b" * 64)},
    pictures={"front_image": PICTURE},
    line=3,
)
CONFLICT = SyncEntry(
    key="A-3", action=SyncAction.CONFLICT, sku_id="sku-3", changes={"gender": ("male", "female")}, reason="both sides"
)
DELETE = SyncEntry(key="A-4", action=SyncAction.DELETE, sku_id="sku-4", seen={"name": "Gone"})
HOLD = SyncEntry(key="A-5", action=SyncAction.HOLD, reason="who knows")
SAME = SyncEntry(key="A-6", action=SyncAction.UNCHANGED, sku_id="sku-6")


@pytest.fixture
def shown(capfd):
    def show(*entries, json=False, left_alone=(), **options):
        plan = SyncPlan(
            entries=entries,
            left_alone=left_alone,
            service="https://api.example",
            state=Path("s"),
            state_id="1",
            revision=1,
            listing=1,
            made_at="2026-01-01T00:00:00Z",
        )
        context = Context(json=json, no_input=True, console=Console())
        code = show_plan(plan, SyncOptions(**options), context)
        return (code, *capfd.readouterr())

    return show


def test_a_plan_is_what_changes_field_by_field(shown):
    _, out, _ = shown(CREATE, UPDATE, CONFLICT, DELETE, SAME)
    assert [tuple(line.split("\t")) for line in out.splitlines()] == [
        ("key", "action", "field", "from", "to", "sku", "reason"),
        ("A-1", "create", "", "", "Linen dress", "", "new"),
        ("A-2", "update", "name", "Old ", "New", "sku-2", ""),
        ("A-2", "update", "project_ids", "[1]", "[1, 2]", "sku-2", ""),
        ("A-2", "update", "front_image", "aaa", "/pictures/front.jpg", "sku-2", ""),
        ("A-3", "conflict", "gender", "male", "female", "sku-3", "both sides"),
        ("A-4", "delete", "", "Gone", "", "sku-4", ""),
    ]


def test_a_plan_for_programs(shown):
    _, out, _ = shown(CREATE, UPDATE, SAME, json=True)
    create, update = map(json.loads, out.splitlines())
    assert create["changes"] == {"name": {"from": None, "to": "Linen dress"}, "front_image": {"from": None, "to": "f"}}
    assert (create["key"], create["action"], create["sku_id"], create["line"]) == ("A-1", "create", None, 2)
    assert update["changes"]["project_ids"] == {"from": [1], "to": [1, 2]}
    assert update["changes"]["front_image"]["to"] == "b" * 64


def test_a_plan_is_summed_up_on_stderr(shown):
    _, _, err = shown(CREATE, UPDATE, UPDATE, CONFLICT, DELETE, *[SAME] * 4950, left_alone=["x", "y"])
    conflict, first, left, then = err.splitlines()
    assert first == (
        "1 to create, 2 to update (name, project_ids, front_image), 1 to delete, 1 in conflict, 4,950 unchanged"
    )
    assert left.startswith("2 SKUs are left alone")
    assert conflict == "warning: A-3 is in conflict: both sides"
    assert "--apply" in then


@pytest.mark.parametrize(
    ("entries", "plain", "with_exit_code"),
    [
        ([], 0, 0),
        ([SAME], 0, 0),
        ([CREATE, SAME], 0, 10),
        ([DELETE], 0, 10),
        ([CONFLICT, SAME], 5, 5),
        ([HOLD], 5, 5),
        ([HOLD, CREATE], 5, 10),
    ],
    ids=["empty", "unchanged", "create", "delete", "conflict", "hold", "both"],
)
def test_the_exit_code_of_a_plan(shown, entries, plain, with_exit_code):
    code, _, err = shown(*entries)
    assert code == plain
    assert shown(*entries, exit_code=True)[0] == with_exit_code
    idle = not any(entry in (CREATE, DELETE) for entry in entries)
    assert ("nothing to" in err) == idle
    assert ("nothing to do" in err) == (plain == 0 and idle)
    assert ("--apply" in err) != idle


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"front_image": "f"', '"frontImage": "f"', ["entry 1 ('A')", "'frontImage'", "did you mean front_image?"]),
        ('"name": "Socks",', "", ["entry 1 ('A')", "name"]),
        ('"action": "create"', '"action": "delete"', ["entry 1 ('A')", "delete needs a sku_id"]),
        ('"version": 1', '"version": 2', ["version 2", "reads up to 1"]),
        ('"format"', "format", ["cannot be read as JSON"]),
        ('"revision": 0', '"revision": "0"', ["revision", "'0'"]),
    ],
)
@pytest.mark.parametrize("apply", [True, False])
def test_a_plan_that_was_edited_by_hand_is_a_sentence_and_nothing_is_sent(ran, folder, server, apply, old, new, said):
    assert ran("skus", "sync", *S, "--plan-out", "p.json", against=server)[0] == 0
    server.reset_requests()
    plan = Path("p.json").read_text()
    assert old in plan
    Path("p.json").write_text(plan.replace(old, new))
    code, out, err = ran("skus", "sync", "--plan", "p.json", *["--apply"] * apply, against=server)
    assert (code, out) == (1, "")
    assert err.startswith("error: p.json is no plan of a sync")
    assert all(part in err for part in said), err
    assert "Traceback" not in err
    assert "bug" not in err
    assert server.requests == []
