"""Plans as files, and plans that have become stale."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aishoot_async import ConfigurationError, SyncError
from aishoot_async.models import WIRE_NAMES
from aishoot_async.sync import PlannedPicture, SyncAction, SyncEntry, SyncPlan, apply_plan
from aishoot_async.sync._limits import check_deletions, parse_max_delete
from helpers.sku_service import SkuService
from sync.running import Syncing, counts, item, items

pytestmark = pytest.mark.anyio
A = SyncAction
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
NAME = TEXT.filter(str.strip)
VALUES = st.none() | st.booleans() | st.integers() | TEXT | st.lists(st.integers(), max_size=3)
SEEN = st.dictionaries(st.sampled_from(list(WIRE_NAMES)), VALUES, max_size=4)
WANTED = st.fixed_dictionaries(
    {"name": NAME, "front_image": NAME},
    optional={
        "back_image": st.none() | NAME,
        "gender": st.sampled_from([None, "male", "female", "robot"]),
        "is_in_wardrobe": st.booleans(),
        "project_ids": st.lists(st.integers(1), max_size=3),
        "sku_category_name": st.none() | st.just("top"),
    },
)
PICTURES = st.builds(PlannedPicture, path=TEXT, size=st.integers(0), mtime_ns=st.integers(), identifier=TEXT)


@st.composite
def entries(draw):
    action = draw(st.sampled_from(SyncAction))
    wanted = {} if action in {A.DELETE, A.RELEASE} else draw(WANTED)
    if action in {A.CONFLICT, A.HOLD} and draw(st.booleans()):
        wanted = {}
    pictures = {}
    if wanted and draw(st.booleans()):
        pictures["front_image"] = attrs.evolve(draw(PICTURES), identifier=wanted["front_image"])
    fields = st.lists(st.sampled_from(list(wanted)), unique=True) if wanted else st.just([])
    changed = list(wanted) if action is A.CREATE else draw(fields)
    assume(changed or action is not A.UPDATE)
    return SyncEntry(
        key=draw(TEXT),
        action=action,
        sku_id=None if action is A.CREATE else draw(TEXT),
        changes={field: (draw(VALUES), wanted[field]) for field in changed},
        reason=draw(st.just("") | TEXT),
        line=draw(st.none() | st.integers(1)),
        wanted=wanted,
        seen=draw(SEEN),
        left=draw(fields),
        settled=draw(fields),
        pictures=pictures,
        renamed_from=draw(st.none() | TEXT) if action is A.ADOPT else None,
        candidates=draw(st.lists(TEXT, max_size=2)),
    )


PLANS = st.builds(
    SyncPlan,
    entries=st.lists(entries(), max_size=4).map(tuple),
    left_alone=st.lists(TEXT, max_size=3).map(tuple),
    service=TEXT,
    organization=st.none() | TEXT,
    state=st.just(Path("/somewhere/catalog.state")),
    state_id=TEXT,
    revision=st.integers(0),
    listing=st.integers(0),
    made_at=TEXT,
    options=st.dictionaries(st.sampled_from(["prune", "max_delete", "prefer", "force", "decide"]), VALUES),
)


@given(plan=PLANS)
def test_is_read_back_as_it_was(plan):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        plan.save(path)
        assert SyncPlan.load(path) == plan
        plan.save(str(path))
        assert SyncPlan.load(str(path)) == plan
        assert [found.name for found in Path(folder).iterdir()] == ["plan.json"]


def test_that_cannot_be_written_says_so(tmp_path):
    plan = SyncPlan(
        entries=(), service="s", state=tmp_path / "s", state_id="i", revision=0, listing=0, made_at="2026-01-01"
    )
    with pytest.raises(SyncError, match="the plan cannot be written"):
        plan.save(tmp_path / "missing" / "plan.json")


@given(owned=st.integers(0, 1000), count=st.integers(0, 1000), share=st.integers(0, 100))
def test_a_share_is_never_exceeded(owned, count, share):
    try:
        check_deletions(count, owned, parse_max_delete(f"{share}%"))
    except SyncError:
        assert count > owned * share / 100 - 1
    else:
        assert count <= owned * share / 100


@pytest.mark.parametrize(("owned", "most"), [(0, 1), (1, 1), (19, 1), (20, 2), (1000, 100)])
def test_a_tenth_but_at_least_one(owned, most):
    check_deletions(most, owned, None)
    with pytest.raises(SyncError):
        check_deletions(most + 1, owned, None)


# A plan that somebody has edited


PLAN = SyncPlan(
    entries=(
        SyncEntry(
            key="K1",
            action=A.CREATE,
            changes={"name": (None, "Dress"), "front_image": (None, "f1")},
            wanted={"name": "Dress", "front_image": "f1"},
            line=2,
        ),
        SyncEntry(
            key="K2",
            action=A.UPDATE,
            sku_id="sku-2",
            changes={"name": ("Old", "New")},
            wanted={"name": "New", "front_image": "f2", "project_ids": [1]},
            seen={"name": "Old"},
            pictures={"front_image": PlannedPicture(path="/p/f.jpg", size=1, mtime_ns=1, identifier="f2")},
        ),
        SyncEntry(key="K3", action=A.DELETE, sku_id="sku-3", seen={"name": "Gone"}),
    ),
    service="http://localhost",
    state=Path("/somewhere/s"),
    state_id="id",
    revision=1,
    listing=1,
    made_at="2026-01-01",
    options={"prune": True},
)


@pytest.fixture
def edited(tmp_path):
    """Save the plan, edit its JSON, and return its path."""

    def edit(change):
        path = tmp_path / "plan.json"
        PLAN.save(path)
        plain = json.loads(path.read_bytes())
        change(plain)
        path.write_text(json.dumps(plain))
        return path

    return edit


def put(*place):
    """Make an edit: the last is the value at the place before it."""
    *inner, name, value = place

    def edit(plain):
        for part in inner:
            plain = plain[part]
        if value is ...:
            del plain[name]
        else:
            plain[name] = value

    return edit


def rename(*place):
    *inner, old, new = place

    def edit(plain):
        for part in inner:
            plain = plain[part]
        plain[new] = plain.pop(old)

    return edit


YES = True
E1, E2, E3 = ("entries", 0), ("entries", 1), ("entries", 2)
EDITS = {
    "a field by its wire name": (
        rename(*E1, "wanted", "front_image", "frontImage"),
        ["K1", "frontImage", "front_image?"],
    ),
    "a field by its wire name in changes": (
        rename(*E1, "changes", "front_image", "frontImage"),
        ["K1", "front_image?"],
    ),
    "a field that there is not": (put(*E2, "seen", "colour", "red"), ["K2", "seen", "colour"]),
    "a misspelt member": (rename(*E2, "wanted", "wnated"), ["K2", "wnated", "wanted?"]),
    "an unknown member of the plan": (put("when", 1), ["the plan", "when"]),
    "an unknown member of the state": (put("state", "host", 1), ["the state", "host"]),
    "an unknown option": (put("options", "purge", YES), ["options", "purge", "prune?"]),
    "no name": (put(*E1, "wanted", "name", ...), ["K1", "name"]),
    "no wanted": (put(*E1, "wanted", ...), ["K1", "wanted"]),
    "no key": (put(*E2, "key", ...), ["entry 2", "key"]),
    "no action": (put(*E2, "action", ...), ["K2", "action"]),
    "no half of a change": (put(*E2, "changes", "name", "to", ...), ["K2", "name", "to"]),
    "no entries": (put("entries", ...), ["entries"]),
    "no revision": (put("state", "revision", ...), ["revision"]),
    "a name that is a number": (put(*E1, "wanted", "name", 7), ["K1", "name"]),
    "a name that is blank": (put(*E1, "wanted", "name", "  "), ["K1", "name"]),
    "a key that is a number": (put(*E1, "key", 7), ["entry 1", "key", "7"]),
    "a key that is empty": (put(*E1, "key", ""), ["entry 1", "key"]),
    "projects that are text": (put(*E2, "wanted", "project_ids", "1"), ["K2", "project_ids"]),
    "projects that are true": (put(*E2, "wanted", "project_ids", [True]), ["K2", "project_ids"]),
    "a flag that is a number": (put(*E2, "wanted", "is_in_wardrobe", 1), ["K2", "is_in_wardrobe"]),
    "a line that is text": (put(*E1, "line", "2"), ["K1", "line"]),
    "a line that is no whole number": (put(*E1, "line", 2.0), ["K1", "line"]),
    "a revision that is text": (put("state", "revision", "1"), ["revision", "'1'"]),
    "a revision that is true": (put("state", "revision", YES), ["revision", "True"]),
    "entries that are an object": (put("entries", {}), ["entries"]),
    "an entry that is text": (put("entries", 1, "K2"), ["entry 2", "K2"]),
    "changes that are a list": (put(*E2, "changes", []), ["K2", "changes"]),
    "a change that is text": (put(*E2, "changes", "name", "New"), ["K2", "name"]),
    "a picture without its path": (put(*E2, "pictures", "front_image", "path", ...), ["K2", "front_image", "path"]),
    "a picture of another field": (rename(*E2, "pictures", "front_image", "name"), ["K2", "pictures", "name"]),
    "a picture that is not wanted": (put(*E2, "wanted", "front_image", "f3"), ["K2", "front_image"]),
    "an action that there is not": (put(*E1, "action", "upsert"), ["K1", "upsert", "create"]),
    "an action that is a list": (put(*E1, "action", ["create"]), ["K1", "action"]),
    "a create of a deletion": (put(*E3, "action", "create"), ["K3", "create"]),
    "a deletion of an update": (put(*E2, "action", "delete"), ["K2", "delete", "wanted"]),
    "an update without a SKU": (put(*E2, "sku_id", ...), ["K2", "sku_id"]),
    "an update of a create": (put(*E1, "action", "update"), ["K1", "sku_id"]),
    "a value in one place of two": (put(*E2, "wanted", "name", "Newest"), ["K2", "name", "Newest"]),
    "left that is not wanted": (put(*E2, "left", ["gender"]), ["K2", "left", "gender"]),
    "a newer version": (put("version", 2), ["version 2", "up to 1"]),
    "a version that is text": (put("version", "1"), ["version"]),
    "another format": (put("format", "x"), ["format"]),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_that_cannot_be_right_is_named_by_its_entry_and_field(edited, edit):
    change, said = EDITS[edit]
    with pytest.raises(SyncError) as caught:
        SyncPlan.load(edited(change))
    assert "plan.json is no plan of a sync" in str(caught.value)
    assert all(part in str(caught.value) for part in said), str(caught.value)


def test_an_edit_that_is_made_in_each_of_its_places_is_read(edited):
    def change(plain):
        plain["entries"][0]["wanted"]["name"] = plain["entries"][0]["changes"]["name"]["to"] = "Dress, long"
        del plain["entries"][2]

    plan = SyncPlan.load(edited(change))
    assert [entry.wanted["name"] for entry in plan.entries] == ["Dress, long", "New"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"key,name\na,b\n", "JSON"),
        (b"\xff\xff", "UTF-8"),
        (b"[]", "format"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"format": "aishoot_async sync plan", "version": ' + b"9" * 5000 + b"}", "JSON"),
        (b'{"format": "aishoot_async sync plan", "version": ' + b"9" * 4000 + b"}", "reads up to 1"),
        (b'{"format": "aishoot_async sync plan", "version": 1e999}', "too large"),
        (b'{"format": NaN}', "NaN"),
        (b'{"format": 1, "format": 2}', "'format' twice"),
        (b'{"entries": [{"key": "K1", "line": 1, "line": 2}]}', "'line' twice (key 'K1')"),
    ],
)
def test_a_file_that_is_no_plan_at_all(tmp_path, text, said):
    path = tmp_path / "plan.json"
    path.write_bytes(text)
    with pytest.raises(SyncError) as caught:
        SyncPlan.load(path)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 1000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def places(plain, before=()):
    yield before
    inner = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for name, value in inner:
        yield from places(value, (*before, name))


@given(plan=PLANS, data=st.data())
def test_any_edit_is_read_as_it_stands_or_refused(plan, data):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        plan.save(path)
        plain = json.loads(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 2))):
            *inner, name = data.draw(st.sampled_from(list(places(plain))[1:]))
            value = plain
            for part in inner:
                value = value[part]
            match data.draw(st.sampled_from(["remove", "replace", "rename", "add"])):
                case "remove":
                    del value[name]
                case "rename" if isinstance(value, dict):
                    value[data.draw(st.sampled_from([*WIRE_NAMES, *WIRE_NAMES.values()]) | st.text())] = value.pop(name)
                case "add" if isinstance(value, dict):
                    value[data.draw(st.text())] = data.draw(JSON)
                case _:
                    value[name] = data.draw(JSON)
            if not plain:
                break
        path.write_bytes(json.dumps(plain, ensure_ascii=False).encode(errors="surrogatepass"))
        try:
            found = SyncPlan.load(path)
        except SyncError as error:
            assert "no plan of a sync" in str(error)
            return
        found.save(path)
        assert meaning(json.loads(path.read_bytes())) == meaning(plain)


def meaning(plain):
    """Leave out of a plan what is counted, and what may be left out."""
    empty = (None, "", {}, [])
    entries = [{name: value for name, value in entry.items() if value not in empty} for entry in plain["entries"]]
    state = {**plain["state"], "path": str(Path(plain["state"]["path"]))}
    rest = {name: value for name, value in plain.items() if name not in {"counts", "organization"}}
    return {**rest, "state": state, "entries": entries, "organization": plain.get("organization")}


def test_a_large_object_with_a_member_twice_is_refused_at_once(tmp_path):
    path = tmp_path / "plan.json"
    members = ",".join(f'"m{number}": 1' for number in range(100_000))
    path.write_text(f'{{{members}, "m99999": 2}}')
    begun = process_time()
    with pytest.raises(SyncError, match="'m99999' twice"):
        SyncPlan.load(path)
    assert process_time() - begun < 5


def test_a_path_that_is_no_utf_8_is_kept(tmp_path):
    plan = attrs.evolve(PLAN, state=Path("/somewhere/\udcff.state"))
    plan.save(tmp_path / "plan.json")
    assert SyncPlan.load(tmp_path / "plan.json") == plan


async def refused(service, sync, plan, match):
    before = service.skus
    asked = service.count("POST"), service.count("PUT"), service.count("DELETE")
    with pytest.raises(SyncError, match=match):
        await sync.apply(plan)
    assert service.skus == before
    assert (service.count("POST"), service.count("PUT"), service.count("DELETE")) == asked


async def test_a_plan_is_applied_once(service, sync):
    plan = await sync.plan(items(1))
    await sync.apply(plan)
    await refused(service, sync, plan, "stale.*something was applied")


async def test_a_plan_made_before_another_was_applied(service, sync):
    old = await sync.plan(items(1))
    await sync.run(items(2))
    await refused(service, sync, old, "stale")


@pytest.mark.parametrize("change", [{"name": "Theirs"}, {"frontImage": "theirs"}])
async def test_a_sku_that_is_to_be_updated_has_changed(service, sync, change):
    await sync.run(items(1))
    plan = await sync.plan([item("1", "New")])
    service.change(next(iter(service.skus)), **change)
    await refused(service, sync, plan, "stale.*has changed")


async def test_a_field_that_the_plan_has_not_judged_may_change(service, sync):
    await sync.run(items(1))
    plan = await sync.plan([item("1", "New")])
    (sku_id,) = service.skus
    service.change(sku_id, gender="male")
    assert counts(await sync.apply(plan)) == {"updated": 1}
    assert service.skus[sku_id]["gender"] == "male"


async def test_a_sku_that_is_to_be_updated_is_gone(service, sync):
    await sync.run(items(1))
    plan = await sync.plan([item("1", "New")])
    service.drop(next(iter(service.skus)))
    await refused(service, sync, plan, "stale.*not there any more")


async def test_a_sku_that_is_to_be_adopted_has_changed(service, sync):
    sku_id = service.put(name="Item 1", frontImage="front-1")
    plan = await sync.plan(items(1))
    service.change(sku_id, frontImage="another")
    await refused(service, sync, plan, "stale")


@pytest.mark.parametrize("change", [{"name": "Theirs"}, {"gender": "male"}])
async def test_a_sku_that_is_to_be_deleted_has_changed(service, sync, change):
    await sync.run(items(1, 2))
    plan = await sync.plan(items(1), prune=True)
    assert counts(plan) == {"unchanged": 1, "delete": 1}
    service.change(plan.entries[1].sku_id, **change)
    await refused(service, sync, plan, "stale")


async def test_somebody_has_made_what_would_be_created(service, sync):
    plan = await sync.plan(items(1, 2))
    service.put(name="Item 2", frontImage="front-2")
    await refused(service, sync, plan, "stale.*is new, and fits '2'")
    assert counts(await sync.run(items(1, 2))) == {"created": 1, "adopted": 1}


async def test_a_sku_that_would_be_created_again_is_back(service, sync):
    await sync.run(items(1))
    (sku_id,) = service.skus
    kept = service.rows.pop(sku_id)
    plan = await sync.plan(items(1))
    assert counts(plan) == {"create": 1}
    service.rows[sku_id] = kept
    await refused(service, sync, plan, "stale.*is there")


async def test_another_state(service, sync, tmp_path):
    plan = await sync.plan(items(1))
    other = Syncing(sync.session, tmp_path / "other.state")
    await other.plan(items(2))
    with pytest.raises(SyncError, match="another state"):
        await apply_plan(sync.session, plan, state=other.state)
    assert service.skus == {}


async def test_a_state_that_has_moved(service, sync, tmp_path):
    plan = await sync.plan(items(1))
    moved = tmp_path / "elsewhere.state"
    sync.state.rename(moved)
    report = await apply_plan(sync.session, plan, state=moved, settle=0)
    assert counts(report) == {"created": 1}


async def test_another_service(service, sync):
    plan = await sync.plan(items(1))
    async with SkuService() as other, other.session() as session:
        with pytest.raises(SyncError, match="belongs to the service"):
            await apply_plan(session, plan)
        assert other.requests == []


async def test_what_is_no_plan(sync):
    with pytest.raises(ConfigurationError, match="SyncPlan"):
        await apply_plan(sync.session, {"entries": []})


class TestEdited:
    """A plan file is readable, so people will edit it."""

    async def edited(self, service, sync, **change):
        await sync.run(items("ours"))
        alien = service.put(name="Alien")
        plan = await sync.plan([item("ours", "New"), item("more")])
        entry = attrs.evolve(plan.entries[0], **{"sku_id": alien, **change})
        return attrs.evolve(plan, entries=(entry, *plan.entries[1:]))

    @pytest.mark.parametrize("action", [SyncAction.DELETE, SyncAction.UPDATE])
    async def test_it_cannot_touch_what_is_not_ours(self, service, sync, action):
        plan = await self.edited(service, sync, action=action)
        await refused(service, sync, plan, "does not fit the state")

    async def test_it_cannot_adopt_what_is_ours_already(self, service, sync):
        plan = await self.edited(service, sync, action=SyncAction.ADOPT, sku_id=next(iter(service.skus), None))
        ours = next(sku_id for sku_id, row in service.skus.items() if row["name"] == "Item ours")
        entry = attrs.evolve(plan.entries[0], sku_id=ours)
        await refused(service, sync, attrs.evolve(plan, entries=(entry,)), "does not fit the state")

    async def test_a_key_is_there_once(self, service, sync):
        plan = await self.edited(service, sync, action=SyncAction.CONFLICT)
        await refused(service, sync, attrs.evolve(plan, entries=plan.entries * 2), "twice")
