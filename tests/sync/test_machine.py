"""The invariant, as a state machine: no duplicate, nothing lost, nothing touched that the catalog does not own.

A person edits the catalog, somebody else edits the service, runs are killed, answers are lost; at any time a run that
comes through leaves what the catalog states.
"""

import asyncio
import itertools
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from aishoot_async.sync import CatalogItem
from helpers.sku_service import LostError, SkuService
from sync.running import Syncing, item

KEYS = st.sampled_from(["a", "b", "c", "d", "e"])
# Few, so that items are the very same, and SKUs of somebody else look like ours.
NAMES = st.sampled_from(["Shirt", "shirt", "Dress"])
IMAGES = st.sampled_from(["f1", "f2"])
STATED = st.fixed_dictionaries(
    {"name": NAMES, "image": IMAGES},
    optional={
        "gender": st.sampled_from([None, "male", "female"]),
        "project_ids": st.sampled_from([[], [1], [2, 3]]),
        "back_image": st.sampled_from([None, "b1"]),
    },
)
SHOWN = st.fixed_dictionaries(
    {"name": NAMES, "frontImage": IMAGES},
    optional={"gender": st.sampled_from([None, "male", "female"]), "projectIds": st.sampled_from([[], [1], [2, 3]])},
)
SETTLE = 0.002
WIRE = {"gender": "gender", "project_ids": "projectIds", "back_image": "backImage"}


def plain(row):
    return {field: "file/" + value if field.endswith("Image") and value else value for field, value in row.items()}


class Machine(RuleBasedStateMachine):
    """``theirs``: SKUs that somebody else has made or changed, as they have left them, and that are no item's."""

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="sync-"))
        self.state = self.folder / "s"
        self.catalog: dict[str, CatalogItem] = {}
        self.theirs: dict[str, dict] = {}
        self.released: set[str] = set()
        self.unjudged: set[str] = set()

    @initialize(rendered=st.booleans(), hides=st.booleans(), first=st.dictionaries(KEYS, STATED, min_size=1))
    def begin(self, rendered, hides, first):
        def show(row):
            shown = plain(row) if rendered else row
            return {field: value for field, value in shown.items() if not (hides and field == "projectIds")}

        self.hides = hides
        for key, fields in first.items():
            self.state_an_item(key, fields)
        self.service = SkuService(show=show)
        self.run(self.service.__aenter__())

    def run(self, work):
        return self.runner.run(work)

    def teardown(self):
        if hasattr(self, "service"):
            self.run(self.service.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    # Edits.

    @rule(key=KEYS, fields=STATED)
    def state_an_item(self, key, fields):
        rest = {field: value for field, value in fields.items() if field in WIRE}
        self.catalog[key] = item(key, fields["name"], fields["image"], **rest)

    @rule(key=KEYS)
    def take_an_item_out(self, key):
        self.catalog.pop(key, None)

    @rule(fields=SHOWN)
    def somebody_makes_a_sku(self, fields):
        sku_id = self.service.put(**fields)
        self.theirs[sku_id] = dict(self.service.skus[sku_id])

    @rule(which=st.integers(0, 9), fields=SHOWN)
    def somebody_changes_a_sku(self, which, fields):
        ids = sorted(self.service.skus)
        if self.hides:
            # A change that the service does not show is none that anybody could change back.
            fields = {field: value for field, value in fields.items() if field != "projectIds"}
        if ids:
            sku_id = ids[which % len(ids)]
            self.service.change(sku_id, **fields)
            if sku_id in self.owned(" WHERE row IS NULL"):
                # A run that was killed has not read it back: nobody can know what it was before.
                self.unjudged.add(sku_id)
            if sku_id not in self.owned():
                # Perhaps it came of a create whose answer was lost: nobody can know that any more.
                self.theirs[sku_id] = dict(self.service.skus[sku_id])

    @rule(which=st.integers(0, 9))
    def somebody_deletes_a_sku(self, which):
        ids = sorted(self.service.skus)
        if ids:
            sku_id = ids[which % len(ids)]
            self.service.drop(sku_id)
            self.theirs.pop(sku_id, None)

    # Runs.

    def befalls(self, lost, kill_at, task=None):
        """Lose answers by turns, before or after they have their effect; at some event the run is killed."""
        turns = itertools.cycle(lost)
        events = itertools.count()

        async def hook(method, _path, _body, after):
            if next(events) == kill_at and task is not None:
                self.snapshot()
                task[0].cancel()
            if method != "GET" and not after:
                self.turn = next(turns)
                if self.turn == "before":
                    raise LostError
            if method == "POST" and after and self.turn == "after":
                raise LostError

        return hook

    def snapshot(self):
        """Keep the files as a process that is killed now would leave them."""
        shutil.rmtree(self.folder / "killed", ignore_errors=True)
        (self.folder / "killed").mkdir()
        for name in ("s", "s-wal"):
            if (self.folder / name).exists():
                shutil.copy(self.folder / name, self.folder / "killed" / name)

    async def sync(self, prefer, *, prune):
        async with self.service.session() as session:
            sync = Syncing(session, self.state, settle=SETTLE)
            plan = await sync.plan(self.catalog.values(), prefer=prefer, prune=prune, max_delete="100%", force=True)
            self.check_plan(plan)
            return await sync.apply(plan)

    def check_plan(self, plan):
        """What is somebody else's can be adopted, and nothing else can be done to it."""
        found = self.owned()
        for entry in plan.entries:
            if entry.action in {"update", "delete"} and entry.sku_id not in found:
                assert entry.sku_id not in self.theirs, entry
            if entry.action == "adopt":
                self.released.add(entry.sku_id)

    @rule(lost=st.lists(st.sampled_from(["after", "no", "before"]), min_size=1, max_size=4), prune=st.booleans())
    def a_run_that_loses_answers(self, lost, prune):
        self.service.hook = self.befalls(lost, None)
        self.run(self.sync(None, prune=prune))
        self.service.hook = None
        self.own()

    @rule(
        lost=st.lists(st.sampled_from(["after", "no"]), min_size=1, max_size=3),
        kill_at=st.integers(0, 40),
        prune=st.booleans(),
    )
    def a_run_that_is_killed(self, lost, kill_at, prune):
        async def killed():
            task = []
            self.service.hook = self.befalls(lost, kill_at, task)
            task.append(asyncio.create_task(self.sync(None, prune=prune)))
            await asyncio.wait(task)
            return task[0].cancelled() or task[0].exception() is not None

        shutil.rmtree(self.folder / "killed", ignore_errors=True)
        self.run(killed())
        self.service.hook = None
        if (self.folder / "killed").exists():
            for name in ("s", "s-wal", "s-shm"):
                (self.folder / name).unlink(missing_ok=True)
                if (self.folder / "killed" / name).exists():
                    shutil.copy(self.folder / "killed" / name, self.folder / name)
        self.own()

    def owned(self, where=""):
        """Give the SKUs that are an item's."""
        if not self.state.exists():
            return set()
        with closing(sqlite3.connect(f"file:{self.state}?mode=ro", uri=True)) as database:
            return {sku_id for (sku_id,) in database.execute(f"SELECT sku_id FROM item{where}")}

    def own(self):
        """From now on, what was adopted or found is the catalog's."""
        for sku_id in self.owned():
            self.theirs.pop(sku_id, None)
        self.released.clear()

    @rule(prefer=st.sampled_from([None, "catalog"]))
    def a_run_that_comes_through(self, prefer):
        """It leaves what the catalog states, but for what it says itself; and the run after that has nothing to do."""
        before = set(self.service.skus)
        report = self.run(self.sync(prefer, prune=True))
        self.own()
        outcomes = {outcome.key: outcome for outcome in report.outcomes}
        settled = {}
        for key, one in self.catalog.items():
            outcome = outcomes[key]
            if outcome.outcome in {"conflict", "unknown"}:
                continue
            assert outcome.outcome in {"created", "updated", "unchanged", "adopted"}, outcome
            settled[key] = outcome.sku_id
            if outcome.sku_id not in self.unjudged:
                self.check_row(one, self.service.skus[outcome.sku_id])
        assert len(set(settled.values())) == len(settled), "two items have one SKU"
        made = set(self.service.skus) - before
        assert len(made) == sum(outcome.outcome == "created" for outcome in report.outcomes), "a SKU was made twice"
        plan = self.run(self.plan_again(prefer))
        for entry in plan.entries:
            assert entry.action in {"unchanged", "conflict", "hold"}, entry
        if not any(outcome.outcome == "unknown" for outcome in report.outcomes):
            lost = self.service.skus.keys() - self.theirs.keys() - self.owned()
            assert not lost, "a SKU was made that is no item's"

    async def plan_again(self, prefer):
        async with self.service.session() as session:
            sync = Syncing(session, self.state, settle=SETTLE)
            return await sync.plan(self.catalog.values(), prefer=prefer, prune=True, max_delete="100%", force=True)

    def check_row(self, one, row):
        assert row["name"].strip() == one.sku.name
        assert row["frontImage"] == one.sku.front_image
        for field, wire in WIRE.items():
            wanted = getattr(one.sku, field)
            if wanted or wanted is None:
                assert row[wire] == (list(wanted) if isinstance(wanted, tuple) else wanted), (field, row)

    @invariant()
    def nothing_is_touched_that_the_catalog_does_not_own(self):
        for sku_id, row in self.theirs.items():
            if sku_id not in self.released:
                assert self.service.skus.get(sku_id) == row


def run_machine(examples):
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.timeout(300)
def test_no_duplicate_nothing_lost_nothing_touched():
    run_machine(20)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_hundred_stories():
    run_machine(200)
