"""``aishoot skus`` against a real server."""

import json

import pytest

from aishoot_async.sandbox import DropAfter, Fault, Status, ThreadedSandbox


def rows(done):
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_list_is_the_same_rows_as_json_and_as_a_table(here, server):
    assert rows(here("--json", "skus", "list")) == server.skus()
    heading, *lines = [line.split("\t") for line in here("skus", "list").stdout.splitlines()]
    assert heading == ["id", "name", "gender", "category", "wardrobe", "projects", "front image", "back image"]
    assert [(line[0], line[1]) for line in lines] == [(sku["id"], sku["name"]) for sku in server.skus()]


def test_list_limits_and_filters(here, server):
    assert len(rows(here("--json", "skus", "list", "--limit", "5"))) == 5
    one = server.skus()[3]["id"]
    assert [sku["id"] for sku in rows(here("--json", "skus", "list", "--id-filter", one))] == [one]
    of_project = rows(here("--json", "skus", "list", "--project", "1"))
    assert of_project == [sku for sku in server.skus() if 1 in sku["projectIds"]]


def test_global(here, server):
    found = rows(here("--json", "skus", "global"))
    assert 0 < len(found) < len(server.skus())


def test_get_prints_what_is_there_and_names_what_is_not(here, server):
    one, two = (sku["id"] for sku in server.skus()[:2])
    assert [sku["id"] for sku in rows(here("--json", "skus", "get", one, two))] == [one, two]
    partly = here("--json", "skus", "get", one, "nothing")
    assert partly.returncode == 3
    assert len(partly.stdout.splitlines()) == 1
    assert "nothing" in partly.stderr
    assert here("skus", "get", "nothing").returncode == 1


def test_create_update_replace_delete(here, server):
    fields = ("--name", "Linen dress", "--front-image", "f", "--gender", "female", "--project", "3", "--project", "4")
    (made,) = rows(here("--json", "skus", "create", *fields, "--category", "outfit", "--in-wardrobe"))
    assert server.skus()[-1] == made
    assert (made["projectIds"], made["isInWardrobe"], made["skuCategoryName"]) == ([3, 4], True, "outfit")

    (edited,) = rows(here("--json", "skus", "update", made["id"], "--name", "Linen", "--not-in-wardrobe"))
    assert (edited["name"], edited["isInWardrobe"], edited["gender"]) == ("Linen", False, "female")

    (replaced,) = rows(here("--json", "skus", "update", made["id"], "--name", "L", "--front-image", "g", "--replace"))
    assert (replaced["gender"], replaced["projectIds"]) == (None, [])

    assert here("skus", "delete", made["id"], "--yes").returncode == 0
    assert len(server.skus()) == 12


def test_a_body_from_stdin(here):
    body = json.dumps({"name": "A", "frontImage": "f", "project_ids": [1], "gender": None})
    (made,) = rows(here("--json", "skus", "create", "--body", "-", input=body))
    (edited,) = rows(here("--json", "skus", "update", made["id"], "--body", "-", input='{"backImage": "b"}'))
    assert (edited["name"], edited["backImage"], edited["projectIds"]) == ("A", "b", [1])


def test_a_body_from_a_file(here, tmp_path):
    (tmp_path / "sku.json").write_text('{"name": "A", "frontImage": "f"}')
    (made,) = rows(here("--json", "skus", "create", "--body", str(tmp_path / "sku.json"), "--name", "B"))
    assert made["name"] == "B"


def test_ids_from_stdin(here, server):
    ids = [sku["id"] for sku in server.skus()[:3]]
    done = here("skus", "delete", "-", "--yes", input="\n".join([*ids, "", ids[0], "nothing"]) + "\r\n")
    assert done.returncode == 3
    assert "nothing" in done.stderr
    assert len(server.skus()) == 9


def test_an_update_that_is_answered_without_a_body_is_printed_all_the_same(alone):
    with ThreadedSandbox(put_body=False) as server:
        env = {"AISHOOT_TOKEN": server.token, "AISHOOT_BASE_URL": server.url}
        (sku,) = rows(alone("--json", "skus", "update", server.skus()[0]["id"], "--name", "N", env=env))
        assert (sku["name"], sku["id"]) == ("N", server.skus()[0]["id"])


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["create", "--name", "A"], "", "--front-image"),
        (["create", "--name", " ", "--front-image", "f"], "", "name must be a non-blank string"),
        (["create", "--name", "A", "--front-image", "f", "--gender", "mail"], "", "male"),
        (["create", "--name", "A", "--front-image", "f", "--project", "0"], "", "positive"),
        (["create", "--name", "A", "--front-image", "f", "--project", "1.5"], "", "no whole number"),
        (["create", "--nmae", "A"], "", "--name"),
        (["create", "--body", "-"], '{"name": "A", "frontImage": "f", "price": 3}', "price is no field"),
        (["create", "--body", "-"], '{"name": 3, "frontImage": "f"}', "name must be"),
        (["create", "--body", "-"], '["name"]', "object"),
        (["create", "--body", "-"], "{", "no JSON"),
        (["create", "--body", "no-such-file"], "", "no-such-file"),
        (["update", "sku"], "", "at least one field"),
        (["update", "..", "--name", "A"], "", "sku_id"),
        (["update", "a\nb", "--name", "A"], "", "sku_id"),
        (["delete", "..", "--yes"], "", "sku_id"),
        (["delete", "--yse", "a"], "", "--yse"),
        (["delete", "--yes"], "", "at least one id"),
        (["delete", "a"], "", "nothing was deleted"),
        (["get"], "", "at least one id"),
        (["lsit"], "", '"list"'),
    ],
)
def test_bad_input_is_a_sentence_and_nothing_is_sent(ran, server, arguments, stdin, said):
    code, out, err = ran("skus", *arguments, stdin=stdin.encode(), against=server)
    assert (code, out) == (2, ""), err
    assert said in err
    assert "Traceback" not in err
    assert server.calls.total() == 0


HOSTILE = ["a/b", "%2F", "%2e%2e", "..%2f..", "a?b#c;d", "ü", "-x", "--yes", " "]
REFUSED = b"..\n.\na\rb\nx\x00y\n\xff\n"


def test_hostile_ids_name_exactly_that_sku(ran, server):
    for hostile in HOSTILE:
        server.insert_sku(sku_id=hostile, name="before")
    code, out, _ = ran("--json", "skus", "get", "--", *HOSTILE, against=server)
    assert code == 0
    assert [json.loads(line)["id"] for line in out.splitlines()] == HOSTILE

    for hostile in HOSTILE:
        code, out, _ = ran("--json", "skus", "update", "--name", "after", "--", hostile)
        assert code == 0
        assert (json.loads(out)["id"], json.loads(out)["name"]) == (hostile, "after")
    assert sum(sku["name"] == "after" for sku in server.skus()) == len(HOSTILE)

    code, _, err = ran("skus", "delete", "--yes", "-", stdin=REFUSED + "\n".join(HOSTILE).encode())
    assert code == 3
    assert err.count("error: sku_id must be") == 5
    assert err.splitlines()[-1] == f"deleted {len(HOSTILE)} of {5 + len(HOSTILE)}"
    assert len(server.skus()) == 12


def test_hostile_ids_that_no_path_can_name_are_never_sent(aishoot, ran, server):
    done = aishoot("skus", "delete", "--yes", "-", input=REFUSED, text=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Traceback" not in done.stderr
    assert ran("skus", "get", "-", stdin=REFUSED, against=server)[:2] == (2, "")
    assert ran("skus", "delete", "--yes", "", "..")[0] == 2
    for hostile in ("", "..", "a\nb", "\udcff"):
        assert ran("skus", "update", "--name", "x", "--", hostile)[0] == 2
    assert server.calls.total() == 0


def test_an_outage_in_the_middle_says_how_far_it_came(ran, server):
    server.add_fault(Fault(Status(403), operation="delete_sku", at=3))
    ids = [sku["id"] for sku in server.skus()[:5]]
    code, _, err = ran("--log-format", "json", "skus", "delete", "--yes", *ids, against=server)
    assert code == 3
    assert json.loads(err.splitlines()[-1])["deleted"] == 2
    assert len(server.skus()) == 10


def test_a_create_that_may_have_happened_is_exit_code_5(here, server):
    server.add_fault(Fault(DropAfter(), operation="create_sku"))
    done = here("skus", "create", "--name", "A", "--front-image", "f")
    assert done.returncode == 5
    assert "skus list" in done.stderr
    assert len(server.skus()) == 13
