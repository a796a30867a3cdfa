"""A plan as a file. Somebody may have edited it: each member is checked, and what is wrong is named by its place."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import attrs

from ..errors import SyncError
from ..storage import atomic_write
from ._fields import FIELDS, IMAGES
from ._members import (
    COUNT,
    FILLED_TEXT,
    PATH,
    TEXT,
    TEXT_LIST,
    Members,
    ProblemError,
    any_list,
    any_object,
    count,
    filled_text,
    line_number,
    parse_json,
    path_text,
    shorten,
    text,
    text_list,
    whole_number,
)
from ._plan import PlannedPicture, SyncAction, SyncEntry, SyncPlan
from ._plan_checks import entry_problem

_FORMAT: Final = "aishoot_async sync plan"
_VERSION: Final = 1
_MEMBERS: Final = (
    "format",
    "version",
    "made_at",
    "service",
    "organization",
    "state",
    "options",
    "counts",
    "left_alone",
    "entries",
)
_OPTIONS: Final = ("prune", "max_delete", "prefer", "force", "decide")


def write_plan(plan: SyncPlan, path: Path) -> None:
    """Write a plan to a file.

    Raises:
        SyncError: it cannot be written.
    """
    plain = {
        "format": _FORMAT,
        "version": _VERSION,
        "made_at": plan.made_at,
        "service": plan.service,
        "organization": plan.organization,
        "state": {
            "path": str(plan.state),
            "id": plan.state_id,
            "revision": plan.revision,
            "listing": plan.listing,
        },
        "options": dict(plan.options),
        "counts": {str(action): count for action, count in plan.counts.items()},
        "left_alone": list(plan.left_alone),
        "entries": [_entry_to_plain(entry) for entry in plan.entries],
    }
    text = json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
    try:
        with atomic_write(path) as file:
            # A service may have shown half of a surrogate pair.
            file.write(text.encode(errors="surrogatepass"))
    except OSError as error:
        problem = f"the plan cannot be written to {path}: {error.strerror or error}"
    else:
        return
    raise SyncError(problem)


def _entry_to_plain(entry: SyncEntry) -> dict[str, Any]:
    # What is empty is left out: most entries of most plans are unchanged ones.
    plain: dict[str, Any] = {"key": entry.key, "action": str(entry.action)}
    optional = {
        "sku_id": entry.sku_id,
        "line": entry.line,
        "reason": entry.reason,
        "changes": {field: {"from": old, "to": new} for field, (old, new) in entry.changes.items()},
        "wanted": dict(entry.wanted),
        "seen": dict(entry.seen),
        "left": list(entry.left),
        "settled": list(entry.settled),
        "pictures": {field: attrs.asdict(picture) for field, picture in entry.pictures.items()},
        "renamed_from": entry.renamed_from,
        "candidates": list(entry.candidates),
    }
    return plain | {name: value for name, value in optional.items() if value not in (None, "", {}, [])}


def read_plan(path: Path) -> SyncPlan:
    """Read a plan from a file.

    Raises:
        SyncError: it cannot be read, or is no plan; what is wrong with it is named.
    """
    try:
        return _plan(parse_json(path.read_bytes()))
    except OSError as error:
        problem = f"the plan {path} cannot be read: {error.strerror or error}"
    except ProblemError as error:
        problem = f"{path} is no plan of a sync that can be applied: {error}. Mend it, or make a new plan"
    raise SyncError(problem)


def _action(value: object) -> SyncAction | None:
    return next((action for action in SyncAction if action == value), None)


def _plan(plain: object) -> SyncPlan:
    if not isinstance(plain, dict) or cast("dict[str, Any]", plain).get("format") != _FORMAT:
        raise ProblemError(f"it is not an object whose format is {_FORMAT!r}")
    version = cast("dict[str, Any]", plain).get("version")
    if type(version) is int and version > _VERSION:
        raise ProblemError(
            f"it has version {shorten(version)}, and this release reads up to {_VERSION}: upgrade to apply it"
        )
    given = Members(cast("object", plain), "the plan", _MEMBERS)
    given.take("version", lambda value: value if type(value) is int and value == _VERSION else None, f"{_VERSION}")
    given.take_if("counts", any_object, "an object")
    state = Members(given.take("state", any_object, "an object"), "the state", ("path", "id", "revision", "listing"))
    options = given.take("options", any_object, "an object")
    Members(options, "options", _OPTIONS)
    entries = given.take("entries", any_list, "a list of entries")
    return SyncPlan(
        entries=tuple(_entry(entry, number) for number, entry in enumerate(entries, 1)),
        left_alone=given.take("left_alone", text_list, TEXT_LIST),
        service=given.take("service", filled_text, FILLED_TEXT),
        organization=given.take_if("organization", filled_text, FILLED_TEXT),
        state=Path(state.take("path", path_text, PATH)),
        state_id=state.take("id", filled_text, FILLED_TEXT),
        revision=state.take("revision", count, COUNT),
        listing=state.take("listing", count, COUNT),
        made_at=given.take("made_at", text, TEXT),
        options=options,
    )


def _entry(plain: object, number: int) -> SyncEntry:
    known = [field.name for field in attrs.fields(SyncEntry)]
    where = f"entry {number}"
    if isinstance(plain, dict) and "key" in plain:
        where += f" ({shorten(cast('dict[str, Any]', plain)['key'])})"
    given = Members(cast("object", plain), where, known)
    entry = SyncEntry(
        key=given.take("key", filled_text, FILLED_TEXT),
        action=given.take("action", _action, f"one of {', '.join(SyncAction)}"),
        sku_id=given.take_if("sku_id", filled_text, FILLED_TEXT),
        line=given.take_if("line", line_number, "a whole number from 1"),
        reason=given.take_if("reason", text, TEXT) or "",
        changes=_changes(given),
        wanted=_fields(given, "wanted"),
        seen=_fields(given, "seen"),
        left=given.take_if("left", text_list, TEXT_LIST) or (),
        settled=given.take_if("settled", text_list, TEXT_LIST) or (),
        pictures=_pictures(given),
        renamed_from=given.take_if("renamed_from", filled_text, FILLED_TEXT),
        candidates=given.take_if("candidates", text_list, TEXT_LIST) or (),
    )
    problem = entry_problem(entry)
    if problem is not None:
        raise ProblemError(f"{where}: {problem}")
    return entry


def _fields(given: Members, name: str) -> Mapping[str, Any]:
    fields = given.take_if(name, any_object, "an object of fields") or {}
    Members(fields, f"{name} of {given.where}", FIELDS)
    return fields


def _changes(given: Members) -> Mapping[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    for field, change in _fields(given, "changes").items():
        where = f"the change of {field} of {given.where}"
        members = Members(change, where, ("from", "to"))
        for name in ("from", "to"):
            if name not in members:
                raise ProblemError(f"{where} lacks {name!r}")
        found[field] = (change["from"], change["to"])
    return found


def _pictures(given: Members) -> Mapping[str, PlannedPicture]:
    found: dict[str, PlannedPicture] = {}
    pictures = given.take_if("pictures", any_object, "an object of pictures") or {}
    Members(pictures, f"pictures of {given.where}", IMAGES)
    for field, picture in pictures.items():
        members = Members(picture, f"the picture {field} of {given.where}", ("path", "size", "mtime_ns", "identifier"))
        found[field] = PlannedPicture(
            path=members.take("path", path_text, PATH),
            size=members.take("size", count, COUNT),
            mtime_ns=members.take("mtime_ns", whole_number, "a whole number"),
            identifier=members.take("identifier", filled_text, FILLED_TEXT),
        )
    return found
