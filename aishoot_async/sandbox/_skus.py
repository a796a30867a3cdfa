"""SKUs: the body of a request, how fields look in answers, and the rows in SQLite in order of creation."""

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, cast

from attrs import frozen

import aishoot_async.sandbox._demo as demo
from aishoot_async.sandbox._database import take_serials
from aishoot_async.sandbox._settings import RenderImages, SandboxSettings
from aishoot_async.sandbox._wire import Call, PlatformError, compact

GENDERS: Final = ("male", "female")
CATEGORIES: Final = ("top", "bottom", "outfit", "socks", "shoes", "hats")
_LARGEST: Final = 2**63 - 1


def _not_json(detail: str) -> PlatformError:
    return PlatformError(400, f"JSON parse error: {detail}")


def _no_constant(name: str) -> float:
    raise ValueError(f"Non-standard token '{name}'")


def read_object(call: Call) -> dict[str, Any]:
    """Return the JSON object that a call holds; `PlatformError` 415 for another media type, 400 for anything else."""
    if call.content_type != "application/json":
        raise PlatformError(415, f"Content-Type '{call.content_type}' is not supported")
    try:
        document = json.loads(call.body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _not_json(str(error)) from None
    if not isinstance(document, dict):
        raise _not_json("Cannot deserialize value: an object is expected")
    return cast("dict[str, Any]", document)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _not_json(f"{name} must be a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _not_json(f"{name} holds a lone surrogate") from None
    return value


def _required_text(name: str, value: object) -> str:
    if value is None or not _text(name, value).strip():
        raise PlatformError(400, f"{name}: must not be blank")
    return _text(name, value)


def _optional_text(name: str, value: object) -> str | None:
    return None if value is None else _text(name, value)


def _flag(name: str, value: object) -> bool:
    if value is not None and not isinstance(value, bool):
        raise _not_json(f"{name} must be a boolean")
    return bool(value)


def _project_ids(name: str, value: object) -> list[int]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _not_json(f"{name} must be an array")
    projects = cast("list[Any]", value)
    for project in projects:
        if isinstance(project, bool) or not isinstance(project, int) or project > _LARGEST:
            raise _not_json(f"{name} must hold integers")
        if project < 1:
            raise PlatformError(400, f"{name}: must be greater than 0")
    return projects


def _word(words: tuple[str, ...]) -> Callable[[str, object], str | None]:
    def check(name: str, value: object) -> str | None:
        if value is not None and value not in words:
            raise _not_json(f"{name} must be one of {', '.join(words)}")
        return _optional_text(name, value)

    return check


_FIELDS: Final[dict[str, Callable[[str, object], Any]]] = {
    "name": _required_text,
    "frontImage": _required_text,
    "backImage": _optional_text,
    "gender": _word(GENDERS),
    "isInWardrobe": _flag,
    "projectIds": _project_ids,
    "skuCategoryName": _word(CATEGORIES),
}


def complete_fields(document: dict[str, Any]) -> dict[str, Any]:
    """Every body field, checked; what is left out or null gets the documented default. Unknown members are ignored.

    The same for create and update: an update is a full replacement, so that leaving a field out erases it.
    """
    return {name: check(name, document.get(name)) for name, check in _FIELDS.items()}


_IMAGES: Final = ("frontImage", "backImage")
_FORMS: Final[dict[RenderImages, str]] = {
    "identifier": "{}",
    "file": "{}.jpg",
    "url": "https://images.example/organizations/7/{}?width=1500",
}


@frozen
class Rendering:
    """`images`: a form of the setting `render_images`; `omitted`: fields that no answer has."""

    images: RenderImages = "identifier"
    omitted: Collection[str] = ()

    def apply(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields as they go over the wire."""
        shown = {name: value for name, value in fields.items() if name not in self.omitted}
        for name in _IMAGES:
            if isinstance(shown.get(name), str):
                shown[name] = _FORMS[self.images].format(shown[name])
        return shown


EVERY_NTH_IS_GLOBAL = 3
_HUGE = 2**62  # beyond any table, within SQLite's integers


class SkuTable:
    """The SKUs of one sandbox."""

    def __init__(self, connection: sqlite3.Connection, settings: SandboxSettings) -> None:
        """Work on an open database."""
        self._db = connection
        self._settings = settings
        self._rendering = Rendering(settings.render_images, settings.omit_fields)
        # By id: the Unix time from which listings show the latest write, and what they show until then.
        self._late: dict[str, tuple[float, str | None]] = {}

    def fill(self, count: int) -> None:
        """Add demo SKUs at the end; every third is available to the whole organization."""
        self.insert(None, count)

    def insert(self, position: int | None, count: int) -> None:
        """Add demo SKUs at a position counted from 0 (None, or one beyond the end: at the end)."""
        with self._db:
            first = take_serials(self._db, "skus", count)
            rank = self._open_gap(position, count)
            rows = [
                self._row(
                    serial, rank + step, demo.sku_fields(self._settings.seed, serial), serial % EVERY_NTH_IS_GLOBAL == 1
                )
                for step, serial in enumerate(range(first, first + count))
            ]
            self._db.executemany("INSERT INTO skus VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def add(
        self,
        fields: Mapping[str, Any],
        *,
        sku_id: str | None = None,
        position: int | None = None,
        is_global: bool = False,
        lag: float = 0.0,
    ) -> tuple[str, str]:
        """Add one SKU with complete body fields, which listings show after `lag` seconds; returns its id and JSON.

        Raises `ValueError` when the id is taken.
        """
        with self._db:
            serial = take_serials(self._db, "skus")
            row = self._row(serial, self._open_gap(position, 1), fields, is_global, sku_id)
            try:
                self._db.execute("INSERT INTO skus VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                raise ValueError(f"there is a SKU with the id {row[0]!r} already") from None
        self._show_late(str(row[0]), None, lag)
        return str(row[0]), str(row[-1])

    def fields(self, sku_id: str) -> dict[str, Any]:
        """Return the body fields of a SKU as they were sent. Raises `KeyError` for an unknown one."""
        found = self._db.execute("SELECT fields FROM skus WHERE id = ?", (sku_id,)).fetchone()
        if found is None:
            raise KeyError(sku_id)
        return cast("dict[str, Any]", json.loads(found[0]))

    def replace(self, sku_id: str, fields: Mapping[str, Any], *, lag: float = 0.0) -> str | None:
        """Replace all body fields; returns the SKU's JSON, or None where there is no such SKU."""
        found = self._db.execute("SELECT serial, revision, document FROM skus WHERE id = ?", (sku_id,)).fetchone()
        if found is None:
            return None
        document = self._document(sku_id, found[0], found[1] + 1, fields)
        with self._db:
            self._db.execute(
                "UPDATE skus SET revision = revision + 1, fields = ?, document = ? WHERE id = ?",
                (compact(fields), document, sku_id),
            )
        self._show_late(sku_id, found[2], lag)
        return document

    def _show_late(self, sku_id: str, before: str | None, lag: float) -> None:
        if lag:
            self._late[sku_id] = (self._settings.clock() + lag, before)
        else:
            self._late.pop(sku_id, None)

    def delete(self, sku_id: str) -> bool:
        """Delete one SKU; says whether there was one."""
        with self._db:
            return self._db.execute("DELETE FROM skus WHERE id = ?", (sku_id,)).rowcount == 1

    def delete_at(self, position: int, count: int) -> None:
        """Delete `count` SKUs from a position counted from 0."""
        with self._db:
            self._db.execute(
                "DELETE FROM skus WHERE id IN (SELECT id FROM skus ORDER BY rank LIMIT ? OFFSET ?)", (count, position)
            )

    def count(self, query: Mapping[str, str]) -> int:
        """How many SKUs pass the filters of a query."""
        if self._late:
            return len(self._listed(query))
        where, values = self._filters(query)
        return int(self._db.execute(f"SELECT count(*) FROM skus{where}", values).fetchone()[0])  # noqa: S608

    def page(self, query: Mapping[str, str], offset: int, limit: int) -> list[str]:
        """Return the JSON of the SKUs that pass the filters of a query, in order; -1 is no limit."""
        if self._late:
            rows = self._listed(query)[offset:]
            return rows if limit < 0 else rows[:limit]
        where, values = self._filters(query)
        statement = f"SELECT document FROM skus{where} ORDER BY rank LIMIT ? OFFSET ?"  # noqa: S608
        return [row[0] for row in self._db.execute(statement, (*values, min(limit, _HUGE), min(offset, _HUGE)))]

    def _listed(self, query: Mapping[str, str]) -> list[str]:
        """Return what listings show by now, while some writes are late."""
        now = self._settings.clock()
        where, values = self._filters(query)
        found = self._db.execute(f"SELECT id, document FROM skus{where} ORDER BY rank", values)  # noqa: S608
        shown = (
            self._late[sku_id][1] if sku_id in self._late and now < self._late[sku_id][0] else document
            for sku_id, document in found
        )
        return [document for document in shown if document is not None]

    def documents(self) -> list[str]:
        """Return the JSON of all SKUs, in order, however late listings are."""
        return [row[0] for row in self._db.execute("SELECT document FROM skus ORDER BY rank")]

    def global_page(self) -> list[str]:
        """Return the JSON of all SKUs that are available to the whole organization, in order."""
        return [row[0] for row in self._db.execute("SELECT document FROM skus WHERE is_global ORDER BY rank")]

    def _filters(self, query: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
        clauses: list[str] = []
        values: list[str] = []
        if wanted := query.get("skuIdFilter"):
            clauses.append("id = ?" if self._settings.sku_id_filter == "exact" else "instr(id, ?)")
            values.append(wanted)
        if project := query.get("projectFilter"):
            clauses.append(
                "EXISTS (SELECT 1 FROM json_each(fields, '$.projectIds') AS p WHERE CAST(p.value AS TEXT) = ?)"
            )
            values.append(project)
        return (" WHERE " + " AND ".join(clauses) if clauses else ""), tuple(values)

    def _open_gap(self, position: int | None, count: int) -> int:
        """Make room for rows at a position; returns the first free rank."""
        if position is not None:
            there = self._db.execute("SELECT rank FROM skus ORDER BY rank LIMIT 1 OFFSET ?", (position,)).fetchone()
            if there is not None:
                self._db.execute("UPDATE skus SET rank = rank + ? WHERE rank >= ?", (count, there[0]))
                return int(there[0])
        return int(self._db.execute("SELECT coalesce(max(rank) + 1, 0) FROM skus").fetchone()[0])

    def _row(
        self,
        serial: int,
        rank: int,
        fields: Mapping[str, Any],
        is_global: bool,  # noqa: FBT001
        sku_id: str | None = None,
    ) -> tuple[str | int, ...]:
        if sku_id is None:
            sku_id = str(serial) if self._settings.integer_ids else demo.sku_id(self._settings.seed, serial)
        return sku_id, serial, rank, int(is_global), 1, compact(fields), self._document(sku_id, serial, 1, fields)

    def wire_id(self, sku_id: str) -> int | str:
        """Return an id as it goes over the wire."""
        return int(sku_id) if self._settings.integer_ids and sku_id.isascii() and sku_id.isdigit() else sku_id

    def _document(self, sku_id: str, serial: int, revision: int, fields: Mapping[str, Any]) -> str:
        return compact(
            {
                self._settings.id_name: self.wire_id(sku_id),
                **self._rendering.apply(fields),
                "createdAt": demo.moment(serial * 11),
                "updatedAt": demo.moment(serial * 11 + revision - 1),
                "audit": {"revision": revision, "createdBy": {"name": "Zoë Østergård", "team": None}},
            }
        )


def read_documents(texts: list[str]) -> list[dict[str, Any]]:
    """Return rendered rows as Python objects."""
    return [json.loads(text) for text in texts]
