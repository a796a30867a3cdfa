"""``--max-response``: the largest answer that is read, and what is said of one that is larger."""

import pytest

from aishoot_async.cli._options import parse_size


class Given:
    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("1000", 1000),
        ("512B", 512),
        ("64k", 64 * 1024),
        ("64KB", 64 * 1024),
        ("256M", 256 * 1024**2),
        (" 256 mib ", 256 * 1024**2),
        ("1G", 1024**3),
        ("2TiB", 2 * 1024**4),
    ],
)
def test_a_size(text, size):
    assert parse_size(int, [Given(text)]) == size


BAD = ["", "0", "0M", "-1", "1.5M", "M", "256 X", "1e9", "\u0663M", "1" * 16, "256M M", "iB", "1i"]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_size_is_a_sentence(ran, text):
    with pytest.raises(ValueError, match="is no size such as 256M"):
        parse_size(int, [Given(text)])
    code, out, err = ran("--max-response", text, "--sandbox", "skus", "list")
    assert (code, out) == (2, "")
    assert "--max-response" in err


@pytest.mark.parametrize(
    "command",
    [("skus", "list"), ("skus", "global"), ("results", "list", "1"), ("results", "export", "1", "--to", "r.jsonl")],
)
def test_an_answer_that_is_larger_names_the_option_and_with_it_is_read(ran, server, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    server.insert_sku(is_global=True, name="x" * 3000)
    server.insert_sku(name="x" * 3000)
    code, _, err = ran("--max-response", "1k", *command, against=server)
    assert code == 1
    assert "larger than 1024 bytes" in err
    assert "--max-response" in err
    assert ran("--max-response", "1M", *command, against=server)[0] == 0
