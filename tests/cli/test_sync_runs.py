"""``aishoot skus sync`` against a real server: show, apply, again; and what goes wrong in between."""

import csv
import hashlib
import json
import os
import signal
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from aishoot_async.sandbox import Delay, DropAfter, DropBefore, Fault, Status
from aishoot_async.sync import read_catalog, write_catalog

COLUMNS = ("key", "name", "frontImage", "gender")


class Catalog:
    """A catalog file that changes from run to run, and the state beside it."""

    def __init__(self, folder, run):
        self.folder, self.run = folder, run
        self.rows = {f"K{n}": {"key": f"K{n}", "name": f"Dress {n}", "frontImage": f"f{n}"} for n in range(5)}
        self.settle = "0.2"
        self.path, self.state = folder / "c.csv", folder / "c.state"

    def write(self):
        with self.path.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, COLUMNS)
            table.writeheader()
            table.writerows(self.rows.values())

    def command(self, *options):
        self.write()
        return ("skus", "sync", str(self.path), "--state", str(self.state), "--settle", self.settle, *options)

    def sync(self, *options, before=()):
        return self.run(*before, *self.command(*options))

    def shown(self, *options):
        done = self.sync(*options, before=("--json",))
        assert "Traceback" not in done.stderr
        return done.returncode, {row["key"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.fixture
def catalog(tmp_path, here):
    return Catalog(tmp_path, here)


def names(server):
    return sorted(sku["name"] for sku in server.skus() if sku["name"].startswith("Dress"))


def id_of(server, name):
    (found,) = [sku["id"] for sku in server.skus() if sku["name"] == name]
    return found


def edit(catalog, server, was, **changes):
    """Change a SKU as somebody else would."""
    arguments = [part for field, value in changes.items() for part in (f"--{field.replace('_', '-')}", value)]
    assert catalog.run("skus", "update", id_of(server, was), *arguments).returncode == 0


def test_show_apply_and_nothing_to_do(catalog, server):
    shown = catalog.sync()
    assert shown.returncode == 0, shown.stderr
    heading, *lines = [line.split("\t") for line in shown.stdout.splitlines()]
    assert heading[:2] == ["key", "action"]
    assert [line[:2] for line in lines] == [[key, "create"] for key in catalog.rows]
    assert shown.stderr.splitlines()[0] == "5 to create"
    assert catalog.sync("--dry-run", "--exit-code").returncode == 10
    assert names(server) == []

    done = catalog.sync("--apply")
    assert done.returncode == 0, done.stderr
    heading, *lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[:2] for line in lines] == [[key, "created"] for key in catalog.rows]
    assert [line[2] for line in lines] == [id_of(server, row["name"]) for row in catalog.rows.values()]
    assert done.stderr.splitlines()[-1].startswith("5 created")
    assert names(server) == [f"Dress {n}" for n in range(5)]

    for options in ((), ("--apply",), ("--exit-code",)):
        again = catalog.sync(*options)
        assert (again.returncode, again.stdout) == (0, "")
        assert "nothing to do: 5 unchanged" in again.stderr
    assert server.calls["create_sku"] == 5


def test_an_edit_is_shown_before_and_after_and_the_rest_of_the_sku_is_kept(catalog, server):
    catalog.sync("--apply")
    edit(catalog, server, "Dress 1", category="top")
    catalog.rows["K1"] |= {"name": "Dress 1, long", "gender": "female"}
    code, (plan,) = catalog.shown("--exit-code")[0], catalog.shown()[1].values()
    assert code == 10
    assert (plan["key"], plan["action"]) == ("K1", "update")
    assert plan["changes"]["name"] == {"from": "Dress 1", "to": "Dress 1, long"}
    assert plan["changes"]["gender"] == {"from": None, "to": "female"}
    assert "1 to update (name, gender), 4 unchanged" in catalog.sync().stderr

    code, outcomes = catalog.shown("--apply")
    assert code == 0
    assert {key: one["outcome"] for key, one in outcomes.items()} == {"K1": "updated"}
    (sku,) = [sku for sku in server.skus() if sku["name"] == "Dress 1, long"]
    assert (sku["gender"], sku["skuCategoryName"]) == ("female", "top")


class TestWhatMayHaveASkuAlready:
    """A conflict that names the SKU, and says how to decide."""

    def lose_the_state(self, catalog):
        catalog.sync("--apply")
        for path in catalog.folder.glob("c.state*"):
            path.unlink()
        for row in catalog.rows.values():
            row["gender"] = "male"

    def test_nothing_is_created_where_the_state_was_lost(self, catalog, server):
        self.lose_the_state(catalog)
        for options in ((), ("--exit-code",), ("--apply",), ("--apply", "--exit-code")):
            done = catalog.sync(*options)
            assert done.returncode == 5
            assert f"K1 is in conflict: SKU {id_of(server, 'Dress 1')} is no item's" in done.stderr
            assert "--decide KEY=adopt" in done.stderr
        assert server.calls["create_sku"] == 5

    def test_all_are_adopted_or_created_as_somebody_decides(self, catalog, server):
        self.lose_the_state(catalog)
        first = id_of(server, "Dress 0")
        done = catalog.sync("--apply", "--decide", f"K0={first}", "--decide", "K1=adopt", "--decide", "K2=create")
        assert done.returncode == 5
        assert "2 in conflict" in done.stderr
        assert "1 created, 2 adopted, 2 conflict" in done.stderr
        done = catalog.sync("--apply", "--decide", "adopt")
        assert done.returncode == 0, done.stderr
        assert "2 adopted" in done.stderr
        assert server.calls["create_sku"] == 6
        assert "nothing to do" in catalog.sync().stderr
        assert "nothing to do" in catalog.sync("--decide", "adopt", "--exit-code").stderr

    def test_a_key_that_the_catalog_does_not_have(self, catalog, server):
        done = catalog.sync("--decide", "K9=adopt")
        assert done.returncode == 2
        assert "decide names 'K9', and the catalog has no such key" in done.stderr
        assert server.calls.total() == 0

    def test_changed_keys_are_held_from_pruning(self, catalog, server):
        catalog.sync("--apply")
        catalog.rows = {key[1:]: {**row, "key": key[1:]} for key, row in catalog.rows.items()}
        prune = ("--apply", "--prune", "--force", "--max-delete", "100%")
        done = catalog.sync(*prune)
        assert done.returncode == 5
        assert "of 'K0', which the catalog does not have any more" in done.stderr
        assert "5 SKUs are left alone" in done.stderr
        assert "they stay until the conflicts are decided" in done.stderr
        assert names(server) == [f"Dress {n}" for n in range(5)]
        assert catalog.sync("--apply", "--decide", "adopt").returncode == 0
        assert "nothing to do" in catalog.sync(*prune).stderr
        assert server.calls["create_sku"] == 5


def test_a_conflict_is_named_and_somebody_decides(catalog, server):
    catalog.sync("--apply")
    edit(catalog, server, "Dress 1", name="Dress one")
    catalog.rows["K1"]["name"] = "Dress 1, long"
    catalog.rows["K2"]["name"] = "Dress 2, long"
    assert catalog.sync().returncode == 5
    done = catalog.sync("--apply")
    assert done.returncode == 5
    assert "K1 is in conflict: " in done.stderr
    assert names(server)[1:4] == ["Dress 2, long", "Dress 3", "Dress 4"]
    assert "Dress one" in names(server)
    assert catalog.sync("--apply", "--prefer", "catalog").returncode == 0
    assert "Dress 1, long" in names(server)
    assert catalog.sync("--exit-code").returncode == 0


def test_prune_is_asked_for_and_bounded(catalog, server):
    catalog.sync("--apply")
    others = len(server.skus()) - 5
    removed = catalog.rows.pop("K0"), catalog.rows.pop("K1")
    left = catalog.sync("--apply")
    assert left.returncode == 0
    assert "2 SKUs are left alone" in left.stderr
    for options in ((), ("--max-delete", "1"), ("--max-delete", "20%")):
        refused = catalog.sync("--apply", "--prune", *options)
        assert (refused.returncode, refused.stdout) == (1, ""), refused.stderr
        assert "Traceback" not in refused.stderr
    assert len(names(server)) == 5
    code, plan = catalog.shown("--prune", "--max-delete", "40%")
    assert (code, {key: row["action"] for key, row in plan.items()}) == (0, {"K0": "delete", "K1": "delete"})
    done = catalog.sync("--apply", "--prune", "--max-delete", "2")
    assert done.returncode == 0, done.stderr
    assert {row["name"] for row in removed}.isdisjoint(names(server))
    assert len(server.skus()) == others + 3


@pytest.mark.parametrize("how", ["empty", "no rows", "half", "cut in a row", "cut in quotes"])
def test_a_catalog_that_is_not_whole_deletes_nothing(catalog, server, how):
    catalog.sync("--apply")
    catalog.write()
    whole = catalog.path.read_bytes()
    lines = whole.splitlines(keepends=True)
    catalog.path.write_bytes(
        {
            "empty": b"",
            "no rows": lines[0],
            "half": b"".join(lines[:3]),
            "cut in a row": b"".join(lines[:4]) + lines[4][:-4],
            "cut in quotes": b"".join(lines[:4]) + b'K3,"Dr',
        }[how]
    )
    command = ("skus", "sync", str(catalog.path), "--state", str(catalog.state))
    done = catalog.run(*command, "--apply", "--prune", "--max-delete", "100%")
    assert done.returncode in {1, 2}
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(names(server)) == 5
    assert server.calls["delete_sku"] == 0


def test_what_failed_is_told_written_and_fed_back(catalog, server):
    report, failures = catalog.folder / "r.json", catalog.folder / "f.csv"
    server.add_fault(Fault(Status(422), operation="create_sku", at=2, times=2))
    done = catalog.sync("--apply", "--report", str(report), "--failures", str(failures))
    assert done.returncode == 3, done.stderr
    said = json.loads(report.read_text(encoding="utf-8"))
    assert (said["complete"], said["counts"]["created"], said["counts"]["failed"]) == (False, 3, 2)
    failed = [one["key"] for one in said["outcomes"] if one["outcome"] == "failed"]
    assert all(f"{key} failed: " in done.stderr for key in failed)
    with failures.open(encoding="utf-8", newline="") as file:
        assert [row["key"] for row in csv.DictReader(file)] == failed

    left = catalog.folder / "left.csv"
    again = ("skus", "sync", str(failures), "--state", str(catalog.state), "--apply", "--failures", str(left))
    assert catalog.run(*again).returncode == 0
    assert names(server) == [f"Dress {n}" for n in range(5)]
    assert left.read_text(encoding="utf-8").split() == ["key,name,frontImage"]
    assert catalog.sync("--exit-code").returncode == 0


def test_all_failing_is_a_failure(catalog, server):
    server.add_fault(Fault(Status(422), operation="create_sku"))
    done = catalog.sync("--apply")
    assert done.returncode == 1
    assert done.stderr.count(" failed: ") == 5


def test_more_failures_than_anybody_reads_are_counted(catalog, server):
    catalog.rows = {f"K{n}": {"key": f"K{n}", "name": f"Dress {n}", "frontImage": "f"} for n in range(30)}
    server.add_fault(Fault(Status(422), operation="create_sku"))
    done = catalog.sync("--apply")
    assert done.stderr.count(" failed: ") == 20
    assert "so did 10 more" in done.stderr


def test_creates_whose_answers_were_lost_are_found(catalog, server):
    server.add_fault(Fault(DropAfter(), operation="create_sku", every=2))
    code, outcomes = catalog.shown("--apply")
    assert code == 0
    assert {one["outcome"] for one in outcomes.values()} == {"created"}
    assert sum(one["found_by_looking"] for one in outcomes.values()) == 2
    assert names(server) == [f"Dress {n}" for n in range(5)]


def test_a_plan_is_a_file_that_is_applied_later_and_once(catalog, server):
    plan, failures = catalog.folder / "plan.json", catalog.folder / "f.jsonl"
    made = catalog.sync("--plan-out", str(plan))
    assert made.returncode == 0, made.stderr
    assert "--plan" in made.stderr
    seen = catalog.run("--json", "skus", "sync", "--plan", str(plan), "--exit-code")
    assert (seen.returncode, len(seen.stdout.splitlines())) == (10, 5)
    apply = ("skus", "sync", "--plan", str(plan), "--apply", "--failures", str(failures))
    server.add_fault(Fault(Status(422), operation="create_sku", at=3))
    assert catalog.run(*apply).returncode == 3
    assert len(names(server)) == 4
    assert len(failures.read_text(encoding="utf-8").splitlines()) == 1
    stale = catalog.run(*apply)
    assert (stale.returncode, stale.stdout) == (1, "")
    assert server.calls["create_sku"] == 5
    fed = catalog.run("skus", "sync", str(failures), "--state", str(catalog.state), "--apply")
    assert fed.returncode == 0, fed.stderr
    assert names(server) == [f"Dress {n}" for n in range(5)]


def test_a_plan_is_applied_beside_the_catalog_that_it_was_made_of(catalog, server):
    plan = catalog.folder / "plan.json"
    made = catalog.sync("--plan-out", str(plan))
    assert made.returncode == 0, made.stderr
    rows = dict(catalog.rows)
    for other in (
        {**rows, "new": {"key": "new", "name": "New", "frontImage": "f"}},
        dict(list(rows.items())[1:]),
        {key: {**row, "name": "Another"} for key, row in rows.items()},
        {key: {**row, "gender": "male"} for key, row in rows.items()},
    ):
        catalog.rows = other
        stale = catalog.sync("--plan", str(plan), "--apply")
        assert (stale.returncode, stale.stdout) == (1, "")
        assert "the plan is stale: the catalog says something else" in stale.stderr
    assert server.calls["create_sku"] == 0
    catalog.rows = rows
    done = catalog.sync("--plan", str(plan), "--apply")
    assert done.returncode == 0, done.stderr
    assert names(server) == [f"Dress {n}" for n in range(5)]


@pytest.mark.parametrize("content", [None, "", "{}", "[1]", "nonsense", "\0"])
def test_a_plan_that_is_none(catalog, content):
    path = catalog.folder / "plan.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    for options in ((), ("--apply",)):
        done = catalog.run("skus", "sync", "--plan", str(path), *options)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_says_how_to_go_on_and_the_same_command_does(aishoot, catalog, server, number, code):
    catalog.rows = {f"K{n}": {"key": f"K{n}", "name": f"Dress {n}", "frontImage": "f"} for n in range(40)}
    server.add_fault(Fault(Delay(60, after_effect=True), operation="create_sku", at=20, times=21))
    process = aishoot.start(*catalog.command("--apply"), stderr=subprocess.PIPE, text=True)
    server.wait_for_calls(20, "create_sku", timeout=20)
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == code
    assert "the same command goes on" in said
    assert "Traceback" not in said
    server.clear_faults()
    done = catalog.sync("--apply")
    assert done.returncode == 0, done.stderr
    assert names(server) == sorted(f"Dress {n}" for n in range(40))


def test_a_signal_while_it_reads_a_catalog_that_nobody_writes(aishoot, catalog, server):
    os.mkfifo(catalog.path)
    command = ("skus", "sync", str(catalog.path), "--state", str(catalog.state))
    process = aishoot.start(*command, stderr=subprocess.PIPE, text=True)
    with catalog.path.open("w"):  # it has begun to read
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopped" in said
    assert server.calls.total() == 0


def test_a_second_run_at_the_same_state_is_refused(aishoot, catalog, server):
    server.add_fault(Fault(Delay(60), operation="create_sku"))
    first = aishoot.start(*catalog.command("--apply"), stderr=subprocess.PIPE)
    try:
        server.wait_for_calls(1, "create_sku", timeout=20)
        second = catalog.sync("--apply")
        assert (second.returncode, second.stdout) == (1, "")
        assert "Wait until the other process has ended." in second.stderr
    finally:
        first.kill()
        first.communicate()


def test_a_login_that_is_refused_in_mid_apply_keeps_what_was_done(catalog, server):
    server.add_fault(Fault(Status(401), operation="create_sku", at=3, times=100))
    done = catalog.sync("--apply")
    assert done.returncode == 4
    assert "aishoot login" in done.stderr
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == ["outcome", "created", "created"]
    server.clear_faults()
    assert catalog.sync("--apply").returncode == 0
    assert names(server) == [f"Dress {n}" for n in range(5)]


def test_the_sandbox_goes_and_its_state_is_refused_afterwards(catalog):
    for code in (0, 1):
        done = catalog.sync("--apply", before=("--sandbox",))
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr


def test_a_terminal_gets_tables(aishoot, catalog, server):
    shown = aishoot.in_a_terminal(*catalog.command(), redirection="2>/dev/null")
    assert shown.code == 0
    heading, *lines = shown.text.splitlines()
    assert "\x1b[1mkey" in heading
    assert all("\t" not in line for line in lines)
    assert lines[0].split()[:2] == ["K0", "create"]
    done = aishoot.in_a_terminal(*catalog.command("--apply"))
    assert done.code == 0
    assert "K4" in done.text
    assert "5 created" in done.text
    assert len(names(server)) == 5


def test_quiet_and_machines(catalog, server):
    server.add_fault(Fault(Status(422), operation="create_sku", at=1))
    done = catalog.sync("--apply", before=("--log-format", "json", "--json"))
    said = list(map(json.loads, done.stderr.splitlines()))
    assert said[-1]["created"] == 4
    assert [entry["key"] for entry in said if entry["level"] == "error"]
    assert catalog.sync("--apply", before=("--quiet",)).stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_file_that_cannot_be_written_in_the_end_is_told(catalog):
    report = catalog.folder / "r.json"
    report.symlink_to("/dev/full")
    done = catalog.sync("--apply", "--report", str(report))
    assert done.returncode == 1
    assert "r.json cannot be written: No space left" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("5 created")


def test_what_may_have_happened_is_named_and_never_sent_blindly(aishoot, catalog, server):
    server.add_fault(Fault(DropBefore(), operation="create_sku", times=5))
    catalog.settle = "2"
    process = aishoot.start(*catalog.command("--apply"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    server.wait_for_calls(5, "create_sku", timeout=20)
    server.insert_sku(name="Dress 0", frontImage="another")  # who is to say that this did not come of it?
    out, said = process.communicate(timeout=20)
    assert process.returncode == 5, said
    assert "K0 may or may not have been written: " in said
    outcomes = {line.split("\t")[0]: line.split("\t")[1] for line in out.splitlines()[1:]}
    assert outcomes == {key: "unknown" if key == "K0" else "created" for key in catalog.rows}
    catalog.settle = "0.2"
    for options, named in (((), "K0 is on hold: "), (("--apply",), "K0 may or may not have been written: ")):
        held = catalog.sync(*options)
        assert held.returncode == 5
        assert "nothing to send: 1 on hold, 4 unchanged" in held.stderr
        assert named in held.stderr
    assert server.calls["create_sku"] == 5 + 4


def png(width, height, shade=0):
    """Make a grey picture."""
    lines = zlib.compress((b"\0" + bytes([shade]) * width) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", lines), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def test_pictures_are_named_by_their_paths_and_uploaded_once(catalog, server):
    (catalog.folder / "pictures").mkdir()
    picture = catalog.folder / "pictures/front.png"
    picture.write_bytes(png(1600, 10))
    for row in catalog.rows.values():
        row["frontImage"] = "pictures/front.png"
    no_organization = catalog.sync("--apply")
    assert (no_organization.returncode, no_organization.stdout) == (2, "")
    assert "AUTORETOUCH_ORGANIZATION_ID" in no_organization.stderr

    before = ("--organization", "acme")
    server.add_fault(Fault(Status(422), operation="create_sku", at=5))
    failures = catalog.folder / "f.csv"
    done = catalog.sync("--apply", "--failures", str(failures), before=before)
    assert done.returncode == 3, done.stderr
    assert (server.calls["upload"], server.calls["upload_exists"]) == (1, 1)
    assert read_catalog(failures)[0].sku.front_image == str(picture)
    assert catalog.sync("--apply", before=before).returncode == 0
    assert server.calls["upload"] == 1
    made = [sku for sku in server.skus() if sku["name"].startswith("Dress")]
    assert {sku["frontImage"] for sku in made} == {hashlib.sha256(picture.read_bytes()).hexdigest()}

    picture.write_bytes(png(1600, 10, shade=9))
    shown = catalog.sync(before=before)
    assert "5 to update (front_image)" in shown.stderr
    assert shown.stdout.count(str(picture)) == 5


def test_pictures_that_the_service_does_not_take_are_all_named(catalog, server):
    for number, (row, picture) in enumerate(
        zip(catalog.rows.values(), (png(1600, 10), png(90, 90), b"GIF89a"), strict=False)
    ):
        row["frontImage"] = f"{number}.png"
        (catalog.folder / f"{number}.png").write_bytes(picture)
    done = catalog.sync("--apply", before=("--organization", "acme"))
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.split(":")[0].strip() for line in done.stderr.splitlines()[1:3]] == ["line 3", "line 4"]
    assert server.calls["create_sku"] == server.calls["upload"] == 0


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".tsv"])
def test_every_format_goes_in_and_what_failed_comes_out_in_it(catalog, server, suffix):
    catalog.write()
    path, failures, left = (catalog.folder / f"{name}{suffix}" for name in ("c", "f", "left"))
    write_catalog(path, read_catalog(catalog.path))
    server.add_fault(Fault(Status(422), operation="create_sku", at=2))
    command = ("--state", str(catalog.state), "--apply", "--failures")
    assert catalog.run("skus", "sync", str(path), *command, str(failures)).returncode == 3
    assert len(read_catalog(failures)) == 1
    assert catalog.run("skus", "sync", str(failures), *command, str(left)).returncode == 0
    assert names(server) == [f"Dress {n}" for n in range(5)]


def test_a_deletion_that_failed_comes_back_in_no_catalog(catalog, server):
    failures = catalog.folder / "f.csv"
    catalog.sync("--apply")
    del catalog.rows["K0"]
    server.add_fault(Fault(Status(422), operation="delete_sku"))
    done = catalog.sync("--apply", "--prune", "--max-delete", "1", "--failures", str(failures))
    assert done.returncode == 1
    assert "K0 failed: " in done.stderr
    assert read_catalog(failures) == []


@pytest.mark.parametrize(("operation", "code"), [("list_skus", 1), ("update_sku", 5)])
def test_an_outage_is_ridden_out_for_no_longer_than_is_said(catalog, server, operation, code):
    catalog.sync("--apply")
    catalog.rows["K1"]["name"] = "Dress 1, long"
    server.add_fault(Fault(Status(503), operation=operation))
    done = catalog.sync("--apply", "--patience", "0")
    assert done.returncode == code
    assert "503" in done.stderr
    server.clear_faults()
    assert catalog.sync("--apply").returncode == 0
    assert "Dress 1, long" in names(server)


def test_a_reader_that_has_had_enough_keeps_nothing_from_being_said_and_written(aishoot, catalog, server):
    report, failures = catalog.folder / "r.json", catalog.folder / "f.csv"
    server.add_fault(Fault(Status(422), operation="create_sku", at=1))
    reader, writer = os.pipe()
    os.close(reader)
    options = ("--apply", "--report", str(report), "--failures", str(failures))
    process = aishoot.start(*catalog.command(*options), stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    _, said = process.communicate(timeout=20)
    assert " failed: " in said
    assert json.loads(report.read_text(encoding="utf-8"))["counts"]["failed"] == 1
    assert len(read_catalog(failures)) == 1


def test_a_plan_finds_its_state_where_it_has_been_moved_to(catalog, server):
    plan, moved = catalog.folder / "plan.json", catalog.folder / "moved.state"
    catalog.sync("--plan-out", str(plan))
    catalog.state.rename(moved)
    command = ("skus", "sync", "--plan", str(plan), "--apply")
    assert catalog.run(*command).returncode == 1
    assert catalog.run(*command, "--state", str(moved)).returncode == 0
    assert len(names(server)) == 5


def test_what_the_catalog_dropped_and_the_service_changed_is_decided_once(catalog, server):
    catalog.sync("--apply")
    edit(catalog, server, "Dress 1", gender="male")
    del catalog.rows["K1"]
    assert catalog.sync("--prune", "--apply").returncode == 5
    done = catalog.sync("--prune", "--prefer", "remote", "--apply")
    assert (done.returncode, "1 released" in done.stderr) == (0, True)
    for options in ((), ("--prefer", "remote"), ("--prefer", "catalog")):
        again = catalog.sync("--prune", "--apply", *options)
        assert (again.returncode, again.stdout) == (0, "")
        assert "nothing to do" in again.stderr
    assert "Dress 1" in names(server)
