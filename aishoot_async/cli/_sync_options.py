"""The options of ``skus sync``, and which of them fit together."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import attrs
from cyclopts import Group, Parameter

from aishoot_async import RequestValidationError

from ._files import check_outputs, is_stream
from ._options import parse_amount

_GROUP: Final = Group("Sync", sort_key=1)
# Options that shape a plan, and have no meaning for a plan that is read from a file.
_OF_A_NEW_PLAN: Final = ("plan_out", "prune", "prefer", "force", "decide")
_OF_APPLYING: Final = ("report", "failures")
# What SQLite and the lock keep beside a state.
_BESIDE: Final = ("-wal", "-shm", "-journal", ".lock")


@Parameter(name="*", group=_GROUP)
@attrs.frozen(kw_only=True)
class SyncOptions:
    """What is to be compared, and what may be done."""

    state: Path | None = None
    "The file that remembers which SKU is whose and what was sent, one for each catalog; the first run makes it."
    apply: bool = False
    "Do it. Without, what would be done is shown."
    dry_run: bool = False
    "Only show what would be done, as without --apply."
    prune: bool = False
    "Delete the SKUs that this state made or adopted for keys that the catalog no longer has."
    max_delete: Annotated[int | str | None, Parameter(converter=parse_amount, metavar="N|P%")] = None
    "Of --prune: delete nothing if it would be more than N or P%; a tenth of the state's SKUs if nothing is said."
    prefer: Literal["catalog", "remote"] | None = None
    "Who wins where both sides have changed a field, or one a SKU that the other deleted; without, that is a conflict."
    decide: Annotated[tuple[str, ...], Parameter(negative=(), metavar="adopt|create|KEY=...")] = ()
    "Of items that may have a SKU already: adopt it or create another; KEY=adopt, KEY=create or KEY=ID for one of them."
    force: bool = False
    "Of --prune: also from a catalog that is empty, or has less than half of the keys that the state knows."
    plan_out: Path | None = None
    "Write the plan to this file."
    plan: Path | None = None
    "Take the plan from this file; a catalog named beside it must still say what the plan was made of."
    exit_code: bool = False
    "Exit with 10 when there is something to do and it was not done."
    settle: Annotated[float, Parameter(show_default=True)] = 10.0
    "Seconds after which a create whose answer was lost must show in the listing, if it happened."
    patience: Annotated[float, Parameter(show_default=True)] = 1800.0
    "Seconds for which an outage of the service is ridden out."
    report: Path | None = None
    "Write what became of each item to this file, as JSON."
    failures: Path | None = None
    "Write the items that failed to this file: a catalog in the same format, which can be fed back."

    def check(self, catalog: Path | None) -> None:
        """Check what can be checked before anything is read.

        Raises:
            RequestValidationError: options do not fit together, or a file could not be written in the end.
        """
        if self.apply and self.dry_run:
            raise _refusal("apply", "--apply and --dry-run exclude each other")
        if self.max_delete is not None and not self.prune:
            raise _refusal("max_delete", "--max-delete is for --prune")
        for name in _OF_APPLYING:
            if getattr(self, name) is not None and not self.apply:
                raise _refusal(name, f"{_spelled(name)} is of what was done: it needs --apply")
        for name in _OF_A_NEW_PLAN:
            if self.plan is not None and getattr(self, name):
                raise _refusal(name, f"{_spelled(name)} is for making a plan, and that of --plan is made")
        self.decisions()
        self._check_files(catalog)

    def decisions(self) -> Literal["adopt", "create"] | Mapping[str, str] | None:
        """Return what was decided: for all items, or by their keys.

        Raises:
            RequestValidationError: it is no decision.
        """
        if not self.decide or self.decide in {("adopt",), ("create",)}:
            return self.decide[0] if self.decide else None  # type: ignore[return-value]  # one of the two
        by_key: dict[str, str] = {}
        for text in self.decide:
            key, equals, decision = text.rpartition("=")
            if not equals or not key.strip() or not decision:
                problem = "" if text not in {"adopt", "create"} else ", which is for all items and stands alone"
                raise _refusal("decide", f"--decide takes adopt, create, or KEY=adopt|create|ID, not {text}{problem}")
            if by_key.setdefault(key, decision) != decision:
                raise _refusal("decide", f"--decide says {by_key[key]} and {decision} of {key}")
        return by_key

    def _check_files(self, catalog: Path | None) -> None:
        suffix = ".jsonl" if catalog is None else catalog.suffix
        if self.failures is not None and self.failures.suffix.lower() != suffix.lower():
            raise _refusal("failures", f"the failures are a catalog too: --failures must end in {suffix}")
        for name in ("plan_out", "failures"):
            path: Path | None = getattr(self, name)
            if path is not None and is_stream(path):
                raise _refusal(name, f"{_spelled(name)}: {path} is no file that could be replaced")
        state = self.state
        beside = {f"the {end[1:]} of --state": Path(f"{state}{end}") for end in _BESIDE} if state else {}
        check_outputs(self.outputs, {"the catalog": catalog, "--plan": self.plan, **beside})
        for name in ("plan_out", *_OF_APPLYING):
            path = getattr(self, name)
            if path is None:
                continue
            if os.path.isdir(path) or not os.access(path.parent, os.W_OK | os.X_OK):  # noqa: PTH112  # it refuses no name
                raise _refusal(name, f"{_spelled(name)}: {path} cannot be written")

    @property
    def outputs(self) -> dict[str, Path | None]:
        """The files that are written, by their options."""
        return {_spelled(name): getattr(self, name) for name in ("state", "plan_out", *_OF_APPLYING)}


def _spelled(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _refusal(field: str, problem: str) -> RequestValidationError:
    return RequestValidationError(problem, field=field)
