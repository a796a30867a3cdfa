"""A newcomer's help, and what is said to a command line that cannot be understood."""

import json
import shlex

import pytest

from aishoot_async.cli._app import app


def commands(group, path=()):
    """Give the words of every command, and of every group of commands."""
    yield path
    for name in group:
        if not name.startswith("-"):
            yield from commands(group[name], (*path, name))


def described(path):
    group = app
    for name in path:
        group = group[name]
    return group.help


def examples(path):
    lines = (line.strip().removeprefix("Example: ") for line in described(path).splitlines())
    return [line for line in lines if "aishoot " in line]


COMMANDS = list(commands(app))
NEEDED = {
    "skus update": ["x"],
    "results list": ["1"],
    "results export": ["1", "--to", "r.jsonl"],
    "skus export": ["--to", "r.jsonl"],
    "skus sync": ["c.csv", "--state", "c.state"],
    "images upload": ["x.jpg"],
    "completion": ["bash"],
}
EVERYWHERE = ("--sandbox", "--base-url", "--organization", "--json", "--quiet", "--verbose", "--no-input", "--help")
OF_ONE = {
    "skus list": ("--limit", "--id-filter", "--project"),
    "skus create": ("--front-image", "--back-image", "--gender", "--not-in-wardrobe", "--category", "--body"),
    "skus update": ("--replace", "--name"),
    "skus delete": ("--yes",),
    "skus sync": (
        "--state",
        "--apply",
        "--dry-run",
        "--prune",
        "--max-delete",
        "--prefer",
        "--force",
        "--plan-out",
        "--decide",
    )
    + ("--plan", "--exit-code", "--settle", "--patience", "--report", "--failures"),
    "results list": ("--limit",),
    "results export": (
        "--briefs-from",
        "--shard",
        "--dask",
        "--format",
        "--columns",
        "--refresh",
        "--strict",
        "--patience",
    ),
    "sandbox": ("--port", "--results", "--database"),
    "completion": ("--install",),
}


def test_the_commands_of_the_interface_are_there():
    skus = {f"skus {name}" for name in ("list", "global", "get", "create", "update", "delete", "export", "sync")}
    assert skus | {"results list", "results export", "images upload", "sandbox", "completion"} <= set(
        map(" ".join, COMMANDS)
    )


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_help_page_shows_an_example_of_its_command(ran, path):
    code, page, said = ran(*path, "--help")
    assert (code, said) == (0, "")
    shown = examples(path)
    assert shown
    for example in shown:
        assert example in page
        assert " ".join(path) in example.replace("--sandbox ", "").replace("--json ", "")
    assert "--log-format" in page


@pytest.mark.parametrize(
    "example", [line for path in COMMANDS for line in examples(path) if line.startswith("aishoot --sandbox")]
)
def test_every_example_does_what_it_says(ran, tmp_path, monkeypatch, example):
    monkeypatch.chdir(tmp_path)
    code, _, said = ran(*shlex.split(example)[1:])
    assert code == 0, said


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_near_miss_of_an_option_is_told_the_option(ran, path):
    name = " ".join(path)
    for option in (*EVERYWHERE, *OF_ONE.get(name, ())):
        near = option[:3] + option[4:]
        code, out, said = ran(*path, *NEEDED.get(name, ()), near)
        assert (code, out) == (2, "")
        assert said.splitlines() == [
            f"error: Unknown option: {near}. Did you mean {option}?",
            f"See {' '.join(('aishoot', *path))} --help.",
        ]


@pytest.mark.parametrize("path", [path for path in COMMANDS if path], ids=" ".join)
def test_a_near_miss_of_a_command_is_told_the_command(ran, path):
    *group, name = path
    near = name[:-2] + name[-1] + name[-2]
    code, _, said = ran(*group, near)
    assert code == 2
    assert f'Unknown command "{near}". Did you mean "{name}"?' in said
    assert f"See {' '.join(('aishoot', *group))} --help." in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["results", "list", "1.5"], 'Invalid value for BRIEF: "1.5" is no whole number.'),
        (["results", "list", "1e3"], 'Invalid value for BRIEF: "1e3" is no whole number.'),
        (["results", "list", "1", "--limit", "2.5"], 'Invalid value for --limit: "2.5" is no whole number.'),
        (["--json", "skus", "list", "-n", "-1"], 'Invalid value "-1" for -n. Must be >= 0.'),
        (
            ["skus", "create", "--project", "3", "--project", "x"],
            'Invalid value for --project: "x" is no whole number.',
        ),
        (["sandbox", "--port", "80.5"], 'Invalid value for --port: "80.5" is no whole number.'),
        (["results", "list", "1", "2"], 'Unexpected argument: "2".'),
        (["results", "list"], "BRIEF"),
        (["results", "export", "1"], "--to"),
        (["--log-format", "xml", "skus", "list"], 'Choose from: "text", "json"'),
        (["completion", "bsh"], 'Did you mean "bash"?'),
        (["skus", "create", "--gender", "mail"], 'Did you mean "male"?'),
        (["skus", "update", "--", "-x", "--name", "y"], "--name stands behind --"),
        (["sandbox", "--port", "99999"], "port must be 0-65535"),
        (["sandbox", "--skus", "-1"], "skus must be"),
        (["--sandbox", "--base-url", "http://127.0.0.1:1", "skus", "list"], "exclude each other"),
    ],
)
def test_wrong_usage_is_a_sentence_and_where_to_look(ran, arguments, said):
    code, out, err = ran(*arguments)
    assert (code, out) == (2, "")
    what, where = err.splitlines()
    assert said in what
    assert where.startswith("See aishoot")
    assert where.endswith("--help.")


@pytest.mark.parametrize(
    ("database", "code", "said"),
    [("/no/where.db", 2, "the folder /no is not there"), ("/", 1, "unable to open"), (__file__, 1, "not a database")],
)
def test_a_database_that_cannot_be_used_is_a_sentence(ran, database, code, said):
    found, out, err = ran("sandbox", "--database", database)
    assert (found, out) == (code, "")
    assert said in err


@pytest.mark.parametrize("wrong", [["skus", "lst"], ["--sanbox"], ["results", "list", "x"], ["skus", "list", "--limt"]])
@pytest.mark.parametrize("form", [["--log-format", "json"], ["--log-format=json"]])
def test_a_machine_is_told_in_json(ran, form, wrong):
    code, _, said = ran(*form, *wrong)
    assert code == 2
    entry = json.loads(said)
    assert entry["level"] == "error"
    assert entry["advice"].startswith("See aishoot")


def test_global_options_stand_before_and_behind(ran):
    for arguments in (["--json", "skus", "get", "sku-0001-0dd6"], ["skus", "get", "sku-0001-0dd6", "--json"]):
        code, out, _ = ran("--sandbox", *arguments)
        assert code == 0
        assert json.loads(out)["id"] == "sku-0001-0dd6"
