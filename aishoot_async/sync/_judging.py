"""Pure: the three-way comparison. What the catalog wants, what it wanted last, what the remote was, and what it is.

With W wanted now, L wanted at the last apply, B the remote as read back then, and R the remote now:

    R == B   W == L          what becomes of the field
    --------------------------------------------------------------------------------------------------------------
    yes      yes             unchanged
    yes      no              update; unchanged where the service shows it already
    no       any, shows W    unchanged
    no       yes             changed by somebody else: update, because the catalog owns what it states; left, where the
                             remote is preferred
    no       no              changed on both sides: a conflict; update, where the catalog is preferred; settled as it
                             is, where the remote is

A field that the service never shows, or otherwise in each answer, has R == B, and is so told by W and L alone. Where B
is not known (the apply was cut off before it could read back), R is taken for it; unless it does not show L, although
other SKUs prove that the service shows that field as it is sent: then it counts as changed. A field that an update of
unknown outcome has touched is no conflict: that update may be the change; it is sent again, unless the service shows
it.
"""

from collections.abc import Collection, Mapping
from enum import Enum, auto
from typing import Any

import attrs

from ._fields import ABSENT, Fields, equal, has_changed, same, shows
from ._plan import Prefer


class Verdict(Enum):
    """What becomes of a field."""

    UNCHANGED = auto()
    UPDATE = auto()
    LEAVE = auto()  # as the remote has it, and told again next time
    SETTLE = auto()  # as the remote has it, and remembered
    CONFLICT = auto()


@attrs.frozen(kw_only=True)
class Known:
    """What is remembered of an item.

    Attributes:
        applied: what was wanted at the last apply (L).
        row: what the service showed then (B); ``None`` where that was not read back.
        doubtful: fields that an update of unknown outcome has touched.
        proven: fields that the service is known to show as they are sent.
        volatile: fields that the service shows otherwise in each answer.
    """

    applied: Fields
    row: Fields | None
    doubtful: Collection[str] = ()
    proven: Collection[str] = ()
    volatile: Collection[str] = ()


def judge_field(field: str, wanted: Any, known: Known, row: Fields, prefer: Prefer | None) -> Verdict:
    """Look a field up in the table."""
    now = row.get(field, ABSENT)
    if same(field, wanted, now):
        return Verdict.UNCHANGED
    if field in known.doubtful:
        return Verdict.UPDATE
    is_wanted_as_before = field in known.applied and equal(field, known.applied[field], wanted)
    if known.row is not None:
        is_as_before = not has_changed(field, known.row, row, known.applied, known.volatile)
    else:
        is_as_before = not is_wanted_as_before or field not in known.proven or shows(field, wanted, row)
    if is_as_before:
        return Verdict.UNCHANGED if is_wanted_as_before else Verdict.UPDATE
    if is_wanted_as_before:
        return Verdict.LEAVE if prefer == "remote" else Verdict.UPDATE
    if prefer is None:
        return Verdict.CONFLICT
    return Verdict.UPDATE if prefer == "catalog" else Verdict.SETTLE


def judge(wanted: Fields, known: Known, row: Fields, prefer: Prefer | None) -> Mapping[str, Verdict]:
    """Judge every field that the catalog states."""
    return {field: judge_field(field, value, known, row, prefer) for field, value in wanted.items()}
