"""What the library says in words of Python is said at the command line in its own."""

import ast
import re
from pathlib import Path

import pytest

import aishoot_async
from aishoot_async.cli._text import FLAGS, in_flags

PACKAGE = Path(aishoot_async.__file__).parent
# Arguments that no command hands on, or that the command line checks by itself.
OF_PYTHON_ALONE = {"into", "start", "on_drift", "strict"}


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Begin anew with restart=True, or choose another place", "Begin anew with --restart, or choose another place"),
        ("refresh=True fetches it anew", "--refresh fetches it anew"),
        (
            "refresh keeps what has not changed, restart keeps nothing: choose",
            "--refresh keeps what has not changed, --restart keeps nothing: choose",
        ),
        ("CSV needs columns, paths", "CSV needs --columns, paths"),
        ("columns are for CSV; jsonl holds", "--columns are for CSV; jsonl holds"),
        ("If that is meant, allow it with max_delete", "If that is meant, allow it with --max-delete"),
        ("If it is meant to be, use force", "If it is meant to be, use --force"),
        ("plan without prune, and decide which", "plan without --prune, and decide which"),
        ("base_url is http:// off this machine; use https://, or insecure_http=True",)
        + ("--base-url is http:// off this machine; use https://",),
        ("auth_url must hold neither", "AISHOOT_AUTH_URL must hold neither"),
        ("no whole answer within 180 s (Timeouts.call)", "no whole answer within 180 s"),
        ("allow more with Limits(response_bytes=...)", "allow more with --max-response"),
        ("shard must be (number from 1, count), not (9, 8)", "--shard must be I/N, with I from 1 to N, not 9/8"),
        (
            "patience must be a number of seconds from 0, not -1.0",
            "--patience must be a number of seconds from 0, not -1.0",
        ),
        ("sku_id_filter must be text", "--id-filter must be text"),
        ("decide names 'K', and the catalog", "--decide names 'K', and the catalog"),
    ],
)
def test_arguments_of_python_are_options_here(message, said):
    assert in_flags(message) == said


@pytest.mark.parametrize(
    "message",
    [
        "the state /x/s belongs to the service https://a, and this is https://b",
        "the catalog states no prune column",
        "GET /ai-shoot/skus/restart answered 404 (no SKU has the id 'restart')",
        "results in /data/state=3/columns cannot be written",
        "brief 17 is in none of the columns that refresh",
        "--restart begins anew",
    ],
)
def test_other_words_stay(message):
    assert in_flags(message) == message


def texts(tree):
    """Give each text that a module may say, with {} for what is filled in."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    named = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, named)]
    docs = {id(one.value) for body in bodies for one in body if isinstance(one, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (parts | docs):
            yield node.value


def spoken():
    for path in PACKAGE.rglob("*.py"):
        if not {"sandbox", "cli", "paging"} & {*path.parts}:
            yield from (text for text in texts(ast.parse(path.read_text(encoding="utf-8"))) if " " in text)


def test_no_message_of_the_library_is_left_with_an_argument_of_python():
    messages = [in_flags(text) for text in spoken()]
    assert len(messages) > 200
    names = "|".join(sorted(set(FLAGS) - OF_PYTHON_ALONE))
    left = re.compile(rf"\b\w+=(True|False|None)\b|(?<!-)\b({names})( must |=True)|\b(Timeouts|Limits)\.(call|pool)\b")
    assert [text for text in messages if left.search(text)] == []


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("results export 1 --to {tmp}/other.csv --columns name", 1, "Begin anew with --restart"),
        ("results export 1 --to {tmp}/x.csv", 2, "CSV needs --columns"),
        ("results export 1 --to {tmp}/x.jsonl --columns id", 2, "--columns are for CSV"),
        ("results export 1 --to {tmp}/x.jsonl --bom", 2, "--bom is for CSV"),
        (
            "results export 1 --to {tmp}/x.jsonl --refresh --restart",
            2,
            "--refresh keeps what has not changed, --restart",
        ),
        ("results export 1 2 --to {tmp}/f --shard 9/8", 2, "--shard must be I/N, with I from 1 to N, not 9/8"),
        ("results export 1 --to {tmp}/x.jsonl --patience=-1", 2, "--patience must be"),
        ("skus sync {tmp}/empty.csv --state {tmp}/s --prune", 1, "use --force"),
        ("skus sync {tmp}/c.csv --state {tmp}/s --decide X=adopt", 2, "--decide names 'X'"),
        ("--base-url http://example.com skus list", 2, "error: --base-url is http:// off this machine"),
    ],
)
def test_messages_speak_of_options(here, tmp_path, command, code, said):
    (tmp_path / "empty.csv").write_text("key,name,frontImage\n")
    (tmp_path / "c.csv").write_text("key,name,frontImage\nA,N,f\n")
    here("results", "export", "1", "--to", f"{tmp_path}/other.csv", "--columns", "id")
    done = here(*command.format(tmp=tmp_path).split())
    assert said in done.stderr
    assert done.returncode == code
    assert "=True" not in done.stderr
