"""A key is known by how it looks, however it was saved; one that was changed is asked about, and makes no twin."""

import sqlite3
import unicodedata
from contextlib import closing

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import CatalogError, ConfigurationError, SkuCreate, SyncError
from aishoot_async.sync import CatalogItem, SyncAction, SyncPlan, read_catalog
from aishoot_async.sync._keys import clean_key, drifted_key, key_identity, respelled
from helpers.sku_service import LostError
from sync.running import counts, item, items

pytestmark = pytest.mark.anyio

# Each is another spelling of one key.
LOOK_THE_SAME = {
    "decomposed": ("caf\u00e9-1", "cafe\u0301-1"),
    "decomposed, two marks": ("\u1ed9", "o\u0302\u0323"),
    "zero width space": ("a-1", "a\u200b-1"),
    "zero width joiner": ("a-1", "a-\u200d1"),
    "soft hyphen": ("ab", "a\u00adb"),
    "word joiner": ("ab", "a\u2060b"),
    "right-to-left mark": ("a-1", "a-\u200f1"),
    "byte order mark": ("ab", "a\ufeffb"),
    "variation selector": ("a\u2665b", "a\u2665\ufe0fb"),
    "tag character": ("ab", "a\U000e0061b"),
    "no-break space": ("a b", "a\u00a0b"),
    "two blanks": ("a b", "a  b"),
    "ideographic space": ("a b", "a\u3000b"),
    "non-breaking hyphen": ("a-1", "a\u20111"),
    "invisible within a letter": ("caf\u00e9", "cafe\u200b\u0301"),
}
ENDS = [" ", "\t", "\u00a0", "\ufeff", "\u200b", "\u2003", "\u200b \ufeff", "\u2028", "\u00ad"]
LOOK_OTHERWISE = [("A", "a"), ("1", "01"), ("ab", "a b"), ("a-1", "a_1"), ("stra\u00dfe", "strasse"), ("m2", "m\u00b2")]


class TestWithinACatalog:
    @pytest.mark.parametrize("end", ENDS, ids=ascii)
    def test_what_does_not_show_is_taken_off_its_ends(self, end):
        assert CatalogItem(f"{end}a 1{end}", SkuCreate(name="A", front_image="f")).key == "a 1"

    @pytest.mark.parametrize("key", ["\u200b", "\ufeff \u00a0", "\u00ad\u2060"], ids=ascii)
    def test_a_key_that_shows_nothing_is_none(self, key):
        with pytest.raises(CatalogError, match="shows something"):
            CatalogItem(key, SkuCreate(name="A", front_image="f"))

    @pytest.mark.parametrize("name", LOOK_THE_SAME)
    async def test_two_that_look_the_same_are_refused(self, service, sync, name):
        first, second = LOOK_THE_SAME[name]
        with pytest.raises(CatalogError, match="looks the same as") as caught:
            await sync.plan([item(first), item(second)])
        assert ascii(first) in str(caught.value)
        assert ascii(second) in str(caught.value)
        assert service.requests == []

    @pytest.mark.parametrize("name", LOOK_THE_SAME)
    @pytest.mark.parametrize("form", ["csv", "jsonl"])
    def test_also_in_a_file_which_names_both_lines(self, tmp_path, name, form):
        one, two = LOOK_THE_SAME[name]
        if form == "csv":
            text = f'key,name,frontImage\n"{one}",A,f\n"{two}",B,g\n'
        else:
            text = "".join(f'{{"key": "{key}", "name": "A", "frontImage": "f"}}\n' for key in (one, two))
        (tmp_path / f"c.{form}").write_text(text, encoding="utf-8")
        with pytest.raises(CatalogError, match="looks the same as") as caught:
            read_catalog(tmp_path / f"c.{form}")
        first = 2 if form == "csv" else 1
        assert caught.value.line == first + 1
        assert f"in line {first}" in str(caught.value)

    @pytest.mark.parametrize(("one", "other"), LOOK_OTHERWISE)
    async def test_two_that_look_otherwise_are_two(self, sync, one, other):
        assert counts(await sync.plan([item(one), item(other)])) == {"create": 2}


class TestFromRunToRun:
    @pytest.mark.parametrize("name", LOOK_THE_SAME)
    @pytest.mark.parametrize("turned", [False, True])
    async def test_a_key_that_is_spelled_otherwise_is_the_same_item(self, service, sync, name, turned):
        first, second = LOOK_THE_SAME[name][:: -1 if turned else 1]
        await sync.run([item(first, "Dress"), item("other")])
        catalog = [item(second, "Dress", f"front-{first}"), item("other")]
        report = await sync.run(catalog, prune=True)
        assert counts(report) == {"unchanged": 2}
        assert report.outcomes[0].key == second
        assert len(service.skus) == 2
        assert counts(await sync.run([item(second, "Coat", f"front-{first}"), item("other")])) == {
            "updated": 1,
            "unchanged": 1,
        }

    async def test_also_where_the_answer_to_its_create_was_lost(self, service, sync):
        async def hook(method, _path, _body, after):
            if method == "POST" and not after:
                service.put(name="Item caf\u00e9", frontImage="other")
                raise LostError

        service.hook = hook
        assert counts(await sync.run([item("caf\u00e9")])) == {"unknown": 1}
        service.hook = None
        plan = await sync.plan([item("cafe\u0301", "Item caf\u00e9", "front-caf\u00e9")])
        assert counts(plan) == {"hold": 1}

    async def test_a_plan_that_was_made_before_is_stale(self, service, sync):
        await sync.run([item("caf\u00e9")])
        plan = await sync.plan([item("caf\u00e9", "New"), item("more")])
        await sync.plan([item("cafe\u0301")])
        with pytest.raises(SyncError, match="stale"):
            await sync.apply(plan)
        assert service.count("PUT") == 0

    async def test_of_two_that_are_known_none_is_guessed(self, service, sync):
        """An earlier release made a SKU of each."""
        await sync.run(items("a"))
        with closing(sqlite3.connect(sync.state)) as database, database:
            (row,) = database.execute("SELECT applied, row, settled, at FROM item").fetchall()
            for key in ("a\u200bb", "a\u00adb"):
                database.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?, ?)", (key, service.put(), *row))
        plan = await sync.plan([item("a"), item("ab", "Entirely", "new")])
        assert [entry.action for entry in plan.entries] == ["unchanged", "conflict"]


def renumbered(change):
    return [item(change(f"{number:05}"), f"Dress {number}", f"img-{number}") for number in range(1, 21)]


DRIFTS = {
    "leading zeros lost": lambda key: str(int(key)),
    "decimals appended": lambda key: f"{int(key)}.0",
    "rounded": lambda key: f"4{key[-1]}E12-{key}",
    "prefixed": lambda key: f"SKU-{key}",
    "keyed anew": lambda key: f"{hash(key):x}",
    "framed": lambda key: f"STYLE{key}X",
}


class TestOfKeysThatWereChanged:
    @pytest.mark.parametrize("name", DRIFTS)
    @pytest.mark.parametrize("options", [{}, {"prune": True, "force": True, "max_delete": "100%"}], ids=["", "prune"])
    async def test_nothing_is_made_and_nothing_deleted(self, service, sync, name, options):
        await sync.run(renumbered(lambda key: key))
        changed = renumbered(DRIFTS[name])
        for _ in range(2):
            plan = await sync.plan(changed, **options)
            assert counts(plan) == {"conflict": 20}
            assert len(plan.left_alone) == 20
            assert "'00001', which the catalog does not have any more" in plan.entries[0].reason
            report = await sync.apply(plan)
            assert counts(report) == {"conflict": 20}
            assert not report.complete
        assert len(service.skus) == 20
        assert service.count("DELETE") == 0

    @pytest.mark.parametrize("name", DRIFTS)
    async def test_they_may_be_renamed(self, service, sync, name):
        await sync.run(renumbered(lambda key: key))
        before = set(service.skus)
        changed = renumbered(DRIFTS[name])
        report = await sync.run(changed, decide="adopt")
        assert counts(report) == {"adopted": 20}
        assert set(service.skus) == before
        assert service.count("POST") == 20
        assert service.count("PUT") == 0
        again = await sync.plan(changed, prune=True)
        assert counts(again) == {"unchanged": 20}
        assert again.left_alone == ()

    async def test_they_may_be_new_ones(self, service, sync):
        await sync.run(renumbered(lambda key: key))
        changed = renumbered(lambda key: str(int(key)))
        plan = await sync.plan(changed, decide="create", prune=True, force=True, max_delete="100%")
        assert counts(plan) == {"create": 20, "delete": 20}
        assert counts(await sync.apply(plan)) == {"created": 20, "deleted": 20}
        assert len(service.skus) == 20

    async def test_each_may_be_decided_by_itself(self, service, sync, tmp_path):
        await sync.run(renumbered(lambda key: key))
        first = next(sku_id for sku_id, row in service.skus.items() if row["name"] == "Dress 1")
        changed = renumbered(lambda key: str(int(key)))
        plan = await sync.plan(changed, decide={"1": first, "2": "adopt", "3": "create"})
        assert [entry.action for entry in plan.entries[:3]] == ["adopt", "adopt", "create"]
        assert counts(plan) == {"adopt": 2, "create": 1, "conflict": 17}
        plan.save(tmp_path / "p.json")
        assert SyncPlan.load(tmp_path / "p.json") == plan
        report = await sync.apply(SyncPlan.load(tmp_path / "p.json"))
        assert counts(report) == {"adopted": 2, "created": 1, "conflict": 17}
        assert report.outcomes[0].sku_id == first
        assert counts(await sync.plan(changed)) == {"unchanged": 3, "conflict": 17}

    async def test_one_alone_makes_no_twin_and_is_not_lost_by_pruning(self, service, sync):
        await sync.run(items(*range(20)))
        catalog = [*items(*range(19)), item("new key", "Item 19", "front-19")]
        plan = await sync.plan(catalog, prune=True)
        assert counts(plan) == {"unchanged": 19, "conflict": 1}
        assert plan.left_alone == ("19",)
        assert counts(await sync.run(catalog, prune=True, decide="adopt")) == {"unchanged": 19, "adopted": 1}
        assert service.count("POST") == 20

    async def test_case_alone_is_asked_about_whatever_else_has_changed(self, service, sync):
        await sync.run(items("A", "b"))
        catalog = [item("a", "Something else", "another"), item("b")]
        assert counts(await sync.run(catalog)) == {"conflict": 1, "unchanged": 1}
        assert counts(await sync.run(catalog, decide="adopt")) == {"adopted": 1, "unchanged": 1}
        assert service.names == ["Item b", "Something else"]

    async def test_a_renamed_item_that_was_edited_is_updated(self, service, sync):
        await sync.run([item("01", gender="male", name="Dress", image="f"), item("02")])
        catalog = [item("1", gender="female", name="Dress", image="f"), item("02")]
        assert counts(await sync.run(catalog, decide="adopt")) == {"adopted": 1, "unchanged": 1}
        (row,) = [row for row in service.skus.values() if row["name"] == "Dress"]
        assert row["gender"] == "female"
        assert (await sync.plan(catalog, prune=True)).is_empty

    async def test_one_that_was_changed_on_both_sides_stays_a_conflict(self, service, sync):
        await sync.run([item("01", "Dress", "f"), item("02")])
        changed = next(sku_id for sku_id, row in service.skus.items() if row["name"] == "Dress")
        service.change(changed, name="Theirs")
        catalog = [item("1", "Ours", "f"), item("02")]
        assert counts(await sync.run(catalog, decide="adopt", prune=True)) == {"conflict": 1, "unchanged": 1}
        assert changed in service.skus
        report = await sync.run(catalog, decide="adopt", prefer="catalog")
        assert counts(report) == {"adopted": 1, "unchanged": 1}
        assert service.skus[changed]["name"] == "Ours"

    async def test_a_product_that_replaces_another_is_created(self, service, sync):
        """It has its name, and a picture of its own."""
        await sync.run([item("K1", "Basic T-Shirt", "img-2025"), item("b")])
        catalog = [item("K2", "Basic T-Shirt", "img-2026"), item("b")]
        assert counts(await sync.run(catalog)) == {"created": 1, "unchanged": 1}

    async def test_beside_other_changed_keys_the_name_alone_is_enough_to_ask(self, service, sync):
        await sync.run(renumbered(lambda key: key))
        changed = [*renumbered(lambda key: f"N{key}")[:-1], item("N00020", "Dress 20", "another")]
        assert counts(await sync.run(changed)) == {"conflict": 20}
        assert counts(await sync.run(changed, decide="adopt")) == {"adopted": 20}
        assert service.count("POST") == 20

    async def test_a_plan_that_was_edited_takes_no_sku_from_a_key_that_is_there(self, service, sync):
        await sync.run(items("a", "b"))
        plan = await sync.plan([item("a", "New"), item("b")])
        entry = attrs.evolve(plan.entries[0], key="c", action=SyncAction.ADOPT, renamed_from="a")
        with pytest.raises(SyncError, match="is there"):
            await sync.apply(attrs.evolve(plan, entries=(entry, *plan.entries)))
        with pytest.raises(SyncError, match="does not allow"):
            await sync.apply(attrs.evolve(plan, entries=(attrs.evolve(entry, renamed_from="b"),)))
        assert service.count("PUT") == 0


class TestWhatIsDecided:
    @pytest.mark.parametrize("decide", ["remote", "", 3, ["adopt"], {"a": None}, {3: "adopt"}, {"a": ""}], ids=repr)
    async def test_a_decision_that_is_none(self, service, sync, decide):
        with pytest.raises(ConfigurationError, match="decide"):
            await sync.plan(items("a"), decide=decide)
        assert service.requests == []

    async def test_a_key_that_the_catalog_does_not_have(self, service, sync):
        with pytest.raises(ConfigurationError, match="'b', and the catalog has no such key"):
            await sync.plan(items("a"), decide={"b": "adopt"})
        assert service.requests == []

    async def test_a_key_is_known_by_how_it_looks(self, sync):
        assert counts(await sync.plan([item("caf\u00e9")], decide={" cafe\u0301": "create"})) == {"create": 1}

    async def test_a_sku_that_is_not_there_or_another_item_s(self, service, sync):
        await sync.run(items("a"))
        (ours,) = service.skus
        for sku_id in ("nowhere", ours):
            plan = await sync.plan([item("a"), item("b")], decide={"b": sku_id})
            assert counts(plan) == {"unchanged": 1, "conflict": 1}
            assert sku_id in plan.entries[1].reason

    async def test_one_sku_is_decided_to_be_one_item_s_only(self, service, sync):
        made = service.put(name="Entirely", frontImage="else")
        plan = await sync.plan(items("a", "b"), decide={"a": made, "b": made})
        assert counts(plan) == {"adopt": 1, "conflict": 1}

    async def test_once_it_is_done_the_decision_may_stay(self, sync, service):
        made = service.put(name="Entirely", frontImage="else")
        await sync.run(items("a"), decide={"a": made})
        assert (await sync.plan(items("a"), decide={"a": made})).is_empty
        assert (await sync.plan(items("a"), decide={"a": "create"})).is_empty
        assert service.names == ["Item a"]


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT)
def test_identities_are_stable_and_blind_to_composition_and_to_what_does_not_show(key):
    identity = key_identity(key)
    assert key_identity(identity) == identity
    assert key_identity(unicodedata.normalize("NFD", key)) == identity
    assert key_identity("\u200b".join(key)) == identity
    assert key_identity(clean_key(key)) == identity
    assert clean_key(clean_key(key)) == clean_key(key)


@given(TEXT)
def test_what_looks_the_same_is_never_a_drift_of_another_key(key):
    assert drifted_key(unicodedata.normalize("NFD", key)) == drifted_key(key)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("00001", "1"),
        ("00001", "1.0"),
        ("A-1", "a-1"),
        ("A-1", "a\u20131"),
        ("1.10", "1.1"),
        ("0", "000"),
        ("\uff21-1", "A-1"),
        ("4006390000000", "4006390000000.0"),
        ("1,234", "1 234"),
    ],
)
def test_what_a_spreadsheet_does_to_a_key(before, after):
    assert drifted_key(before) == drifted_key(after)


@pytest.mark.parametrize(("one", "other"), [("1", "10"), ("A-1", "A-11"), ("1-10", "11-0"), ("!", "?"), ("1.1", "11")])
def test_what_it_does_not(one, other):
    assert drifted_key(one) != drifted_key(other)


def test_a_key_that_is_spelled_as_before_keeps_its_item():
    assert respelled(["a b", "c"], ["a b", "a\u00a0b", "c"]) == {}
    assert respelled(["a b"], ["a\u00a0b", "c"]) == {"a\u00a0b": "a b"}
