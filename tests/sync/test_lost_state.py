"""The state is lost, and something has changed: a person decides whether a SKU that is like an item is its own."""

import functools
import time
import unicodedata
from types import SimpleNamespace

import attrs
import pytest
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st

from aishoot_async import UnstableListingError
from aishoot_async.models import PagingReport
from aishoot_async.sandbox import Sandbox
from aishoot_async.sync import CatalogItem, plan_sync
from aishoot_async.sync._similarity import Pool, find_resemblances, name_forms
from helpers.sessions import session_for
from helpers.sku_service import LostError, SkuService
from sync.running import Syncing, counts, item

pytestmark = pytest.mark.anyio

CATALOG = [
    item(f"k{number}", f"Grün {name}", f"front-{number}", gender="female", project_ids=[1, 2], back_image=f"b{number}")
    for number, name in enumerate(["Dress", "Shirt", "Straße", "Crème", "Smørrebrød", "T-Shirt  long"])
]


def edited(**changes):
    """Edit each item: a value is a field's new one, a function makes it of the old."""

    def edit(one):
        fields = {
            name: change(getattr(one.sku, name)) if callable(change) else change for name, change in changes.items()
        }
        return CatalogItem(one.key, attrs.evolve(one.sku, **fields))

    return [edit(one) for one in CATALOG]


EDITS = {
    "gender": {"gender": "male"},
    "a project dropped": {"project_ids": [1]},
    "all projects dropped": {"project_ids": []},
    "wardrobe": {"is_in_wardrobe": True},
    "category": {"sku_category_name": "top"},
    "another back image": {"back_image": lambda image: f"new-{image}"},
    "name in capitals": {"name": str.upper},
    "name decomposed, in capitals": {"name": lambda name: unicodedata.normalize("NFD", name.upper())},
    "name written out": {"name": lambda name: name.replace("ü", "ue").replace("ß", "ss").replace("ø", "oe")},
    "name without accents": {"name": lambda name: name.replace("ü", "u").replace("è", "e")},
    "name with other blanks": {"name": lambda name: "\u00a0" + name.replace(" ", "  ")},
    "name punctuated": {"name": lambda name: name.replace(" ", "-")},
    "another name": {"name": lambda name: f"Spring {len(name)}"},
    "another image": {"front_image": lambda image: f"new-{image}"},
    "two fields": {"name": str.upper, "gender": "male"},
}


# Of an item with another name nothing is left where nobody can tell the image.
LOST = [
    (edit, shown)
    for shown in ("plain", "in URLs", "opaque")
    for edit in EDITS
    if (edit, shown) != ("another name", "opaque")
]


@pytest.mark.parametrize(("edit", "shown"), LOST)
async def test_an_item_with_something_otherwise_is_held_and_can_be_adopted(tmp_path, edit, shown):
    def show(row):
        if shown == "plain":
            return row
        image = row["frontImage"] if shown == "in URLs" else f"{hash(row['frontImage'])}"
        return {**row, "frontImage": f"https://cdn.x/i/{image}.jpg"}

    async with SkuService(show=show) as service, service.session() as session:
        assert counts(await Syncing(session, tmp_path / "lost").run(CATALOG)) == {"created": len(CATALOG)}
        before = set(service.skus)
        fresh = Syncing(session, tmp_path / "fresh")
        catalog = edited(**EDITS[edit])
        for _ in range(2):
            report = await fresh.run(catalog)
            assert counts(report) == {"conflict": len(CATALOG)}
            assert all(outcome.sku_id in before and outcome.sku_id in outcome.error for outcome in report.outcomes)
            assert "adopt" in report.outcomes[0].error
            assert "create" in report.outcomes[0].error
        assert counts(await fresh.run(catalog, decide="adopt")) == {"adopted": len(CATALOG)}
        assert (await fresh.plan(catalog)).is_empty
        assert set(service.skus) == before
        assert sorted(service.names) == sorted(one.sku.name for one in catalog)


async def test_an_item_that_resembles_a_sku_can_be_created_all_the_same(service, sync, tmp_path):
    await sync.run(CATALOG)
    fresh = Syncing(sync.session, tmp_path / "fresh")
    catalog = edited(gender="male")
    assert counts(await fresh.run(catalog, decide="create")) == {"created": len(CATALOG)}
    assert (await fresh.plan(catalog)).is_empty


async def test_what_fits_wholly_is_adopted_and_the_rest_is_asked_about(service, sync, tmp_path):
    await sync.run(CATALOG)
    fresh = Syncing(sync.session, tmp_path / "fresh")
    catalog = [*CATALOG[:-1], edited(gender="male")[-1]]
    assert counts(await fresh.run(catalog)) == {"adopted": len(CATALOG) - 1, "conflict": 1}


SHIRTS = [item(f"k{number}", "T-Shirt", f"img-{number}") for number in range(10)]
WAITING = [item(f"k{number}", f"Item number {number}", "placeholder") for number in range(10)]


class TestOfItemsThatShareSomething:
    """Colours of one T-shirt; items that wait for their picture."""

    async def lost(self, sync, tmp_path, catalog, wanted, runs=2):
        await sync.run(catalog)
        fresh = Syncing(sync.session, tmp_path / "fresh")
        for _ in range(runs):
            report = await fresh.run(wanted)
            assert counts(report).get("created", 0) == 0, counts(report)
        return counts(report)

    async def test_shirts_that_were_edited_are_told_by_their_images(self, sync, tmp_path):
        wanted = [attrs.evolve(one, sku=attrs.evolve(one.sku, gender="male")) for one in SHIRTS]
        assert await self.lost(sync, tmp_path, SHIRTS, wanted) == {"conflict": 10}

    async def test_shirts_some_of_which_have_new_images(self, sync, tmp_path):
        wanted = [*SHIRTS[:-2], item("k8", "T-Shirt", "new-8"), item("k9", "T-Shirt", "new-9")]
        assert await self.lost(sync, tmp_path, SHIRTS, wanted) == {"unchanged": 8, "conflict": 2}

    async def test_items_without_a_picture_some_of_which_have_new_names(self, sync, tmp_path):
        wanted = [*WAITING[:-2], item("k8", "Coat", "placeholder"), item("k9", "Hat", "placeholder")]
        assert await self.lost(sync, tmp_path, WAITING, wanted) == {"unchanged": 8, "conflict": 2}


UNRELATED = {
    "nothing in common": [("Alien", "x1"), ("Other", "x2")],
    "many of one name": [("T-Shirt", f"x{number}") for number in range(5)],
    "many of one image": [(f"Alien {number}", "placeholder") for number in range(5)],
    "one of a name that the catalog has often": [("T-Shirt", "x")],
    "one of an image that the catalog has often": [("Alien", "placeholder")],
    "names that begin alike": [("T-Shirt 1", "x"), ("Dress, long", "y")],
    "no SKU at all": [],
}
HONEST = [
    *(item(f"shirt-{number}", "T-Shirt", f"img-{number}") for number in range(4)),
    *(item(f"new-{number}", f"Dress {number}", "placeholder") for number in range(4)),
]


@pytest.mark.parametrize("name", UNRELATED)
async def test_a_first_sync_beside_unrelated_skus_is_not_held(service, sync, name):
    for alien, image in UNRELATED[name]:
        service.put(name=alien, frontImage=image)
    assert counts(await sync.run(HONEST)) == {"created": len(HONEST)}
    assert (await sync.plan(HONEST)).is_empty
    more = [*HONEST, item("later", "T-Shirt", "img-later")]
    assert counts(await sync.run(more)) == {"created": 1, "unchanged": len(HONEST)}


async def refuse(method, _path, body, after, *, refused):
    is_refused = method == "POST" and not after and (body["name"], body["frontImage"]) in refused
    return web.json_response({}, status=422) if is_refused else None


async def test_a_first_sync_that_is_broken_off_goes_on_without_a_question(service, sync):
    service.put(name="T-Shirt", frontImage="x")
    service.put(name="Alien", frontImage="placeholder")
    for count in range(len(HONEST), 0, -1):
        refused = {(one.sku.name, one.sku.front_image) for one in HONEST[: count - 1]}
        service.hook = functools.partial(refuse, refused=refused)
        done = counts(await sync.run(HONEST))
        assert done.get("created", 0) == 1
        assert "conflict" not in done
    assert len(service.skus) == len(HONEST) + 2


async def test_a_seeded_account_has_nothing_of_a_catalog_of_its_own(tmp_path):
    async with Sandbox(skus=200) as sandbox, session_for(sandbox, sandbox.token) as session:
        sync = Syncing(session, tmp_path / "s")
        assert counts(await sync.run(CATALOG)) == {"created": len(CATALOG)}


async def test_skus_that_may_be_another_create_s_are_no_candidates(service, sync):
    async def hook(method, _path, _body, after):
        if method == "POST" and not after:
            service.put(name="Item 1", frontImage="other")
            raise LostError

    service.hook = hook
    await sync.run([item("1")])
    service.hook = None
    plan = await sync.plan([item("1"), item("9", "Item 1", "another still")])
    assert counts(plan) == {"hold": 1, "create": 1}


async def test_of_several_that_fit_wholly_one_may_be_named(service, sync):
    ids = [service.put(name="Item a", frontImage="front-a") for _ in range(2)]
    plan = await sync.plan([item("a")], decide="adopt")
    assert counts(plan) == {"conflict": 1}
    assert set(plan.entries[0].candidates) == set(ids)
    assert counts(await sync.run([item("a")], decide={"a": ids[1]})) == {"adopted": 1}
    assert (await sync.plan([item("a")])).is_empty


async def test_two_items_never_adopt_one_sku(service, sync):
    service.put(name="Twin", frontImage="f", gender="male")
    catalog = [item("a", "Twin", "f", gender="female"), item("b", "Twin", "f", gender="female")]
    assert counts(await sync.run(catalog, decide="adopt")) == {"conflict": 2}
    assert service.count("PUT") == 0


class ListingInDoubt:
    """A session whose walks end, and are not sure that they were whole."""

    base_url = "https://api.example"

    def __init__(self):
        self.images = SimpleNamespace(organization=None)
        self.skus = self
        self.report = PagingReport(complete=False)

    def list(self, **_options):
        return self

    def walk(self):
        return self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return None

    async def __aiter__(self):
        for sku in ():
            yield sku


async def test_nothing_is_built_on_a_listing_that_may_not_be_whole(tmp_path):
    with pytest.raises(UnstableListingError, match="may not be all of them"):
        await plan_sync(ListingInDoubt(), [], state=tmp_path / "s")


# The rule by itself.

NAME = st.text(min_size=1).filter(str.strip)
FIELDS = st.fixed_dictionaries({"name": NAME, "front_image": st.text("0123456789abcdef", min_size=4)})


@given(st.lists(FIELDS, min_size=1, max_size=6, unique_by=lambda one: one["front_image"]), st.data())
def test_whatever_its_name_has_become_an_image_of_its_own_is_known_again(rows, data):
    free = {f"s{number}": row for number, row in enumerate(rows)}
    wanted = {f"k{number}": {**row, "name": data.draw(NAME)} for number, row in enumerate(rows)}
    found = find_resemblances(wanted, Pool(free=free, gone={}))
    assert found.keys() == wanted.keys()
    for number, made in enumerate(found[f"k{number}"] for number in range(len(rows))):
        assert f"s{number}" in made.sku_ids


@given(NAME)
@example("Kad\u0131n \u0130pek")
@example("ŉ ﬁ ǆ ς")
def test_a_name_is_known_again_in_other_letters(name):
    for other in (name.upper(), unicodedata.normalize("NFD", name), f"  {name} ", name.replace(" ", "\u00a0")):
        assert name_forms(name) & name_forms(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Grün", "Gruen"), ("Grün", "GRUN"), ("Straße", "STRASSE"), ("Crème brûlée", "creme-brulee"), ("Ærø", "Aeroe")],
)
def test_a_name_is_known_again_transliterated(one, other):
    assert name_forms(one) & name_forms(other)


@pytest.mark.parametrize(("one", "other"), [("Dress 1", "Dress 11"), ("Dress", "Dresses"), ("👗", "👚"), ("A", "B")])
def test_names_that_are_two(one, other):
    assert not name_forms(one) & name_forms(other)


@pytest.mark.parametrize(
    "alike", [{"name": "T-Shirt"}, {"front_image": "ab12"}, {"name": "T-Shirt", "front_image": "ab"}]
)
def test_many_that_share_something_take_no_time(alike):
    count = 20_000
    rows = [{"name": f"Name {number}", "front_image": f"{number:08x}", **alike} for number in range(count)]
    free = {f"s{number}": row for number, row in enumerate(rows)}
    begun = time.process_time()
    find_resemblances({f"k{number}": row for number, row in enumerate(rows)}, Pool(free=free, gone={}))
    find_resemblances({"k": {"name": "T-Shirt", "front_image": "dead"}}, Pool(free=free, gone={}), rows, found=count)
    assert time.process_time() - begun < 20
