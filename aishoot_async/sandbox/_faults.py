"""The fault plan: where something goes wrong, and what.

A `Fault` says where; an action says what. Actions come in three kinds, and a call meets them in this order: those that
change the world before the call is served (`Delay`, `ExpireToken`, `InsertRows`, `DeleteRows`; all that match apply),
those that decide the answer (`Status`, `Html`, `RawBody`, `EmptyPage`, `DropBefore`, `DropAfter`; the first applies),
and those that spoil its delivery (`CutBody`, `SlowDrip`; the first applies).
"""

from collections.abc import Iterable
from typing import Any, Final

from attrs import Attribute, define, field, frozen

from aishoot_async.sandbox._wire import Call

OPERATIONS: Final = (
    "list_skus",
    "list_global_skus",
    "create_sku",
    "update_sku",
    "delete_sku",
    "brief_results",
    "upload",
    "upload_exists",
    "image",
    "device_code",
    "activate",
    "token",
    "refresh",
    "revoke",
)
"""Every operation a fault or a counter can name; a call that is none of them counts as `unknown`."""


def _not_negative(_instance: object, attribute: "Attribute[Any]", value: float) -> None:
    if value < 0:
        raise ValueError(f"{attribute.name} must be 0 or more, not {value!r}")


def _positive(_instance: object, attribute: "Attribute[Any]", value: float) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.name} must be more than 0, not {value!r}")


@frozen
class Delay:
    """Wait so many seconds: before the call is served, or (`after_effect`) after it and before its answer."""

    seconds: float = field(validator=_not_negative)
    after_effect: bool = field(default=False, kw_only=True)


@frozen
class ExpireToken:
    """Let every access token expire just before the call, so that it gets 401. Refresh tokens stay good."""


@frozen(kw_only=True)
class InsertRows:
    """Insert new rows just before the call: into a brief's results, or (`brief=None`) into the SKUs.

    `position` counts from 0; one beyond the end means the end.
    """

    brief: int | None = None
    position: int = field(default=0, validator=_not_negative)
    count: int = field(default=1, validator=_positive)


@frozen(kw_only=True)
class DeleteRows:
    """Delete rows just before the call: from a brief's results, or (`brief=None`) from the SKUs."""

    brief: int | None = None
    position: int = field(default=0, validator=_not_negative)
    count: int = field(default=1, validator=_positive)


@frozen
class Status:
    """Answer with this status, in the platform's error form, or with `body`, or with a gateway's HTML page.

    `retry_after` is sent as it is given (seconds, a date, or nonsense). `after_effect` serves the call first: a create
    that was applied and then answered 504.
    """

    code: int
    retry_after: str | float | None = field(default=None, kw_only=True)
    body: bytes | None = field(default=None, kw_only=True)
    html: bool = field(default=False, kw_only=True)
    after_effect: bool = field(default=False, kw_only=True)


@frozen
class Html:
    """Answer with a gateway's HTML page, under a status that may well say that all is fine."""

    status: int = 200
    after_effect: bool = field(default=False, kw_only=True)


@frozen
class RawBody:
    """Answer with exactly these bytes."""

    body: bytes
    content_type: str = "application/json"
    status: int = field(default=200, kw_only=True)
    after_effect: bool = field(default=False, kw_only=True)


@frozen
class EmptyPage:
    """Answer a listing without its rows; the envelope around them stays as it was."""


@frozen
class DropBefore:
    """Close the connection after reading the call, before it has any effect. `reset` sends RST instead of FIN."""

    reset: bool = field(default=False, kw_only=True)


@frozen
class DropAfter:
    """Let the call have its effect, then close the connection without an answer. `reset` sends RST instead of FIN."""

    reset: bool = field(default=False, kw_only=True)


@frozen
class CutBody:
    """Send so many bytes of the body as it goes over the wire (compressed, if it is), then close the connection.

    `Content-Length` announces the whole body; with `chunked` the last chunk never comes.
    """

    after: int = field(validator=_not_negative)
    chunked: bool = field(default=False, kw_only=True)


@frozen
class SlowDrip:
    """Send the body at so many bytes a second."""

    bytes_per_second: float = field(validator=_positive)


BeforeAction = Delay | ExpireToken | InsertRows | DeleteRows
AnswerAction = Status | Html | RawBody | EmptyPage | DropBefore | DropAfter
DeliveryAction = CutBody | SlowDrip
Action = BeforeAction | AnswerAction | DeliveryAction


@frozen
class Fault:
    """An action, and the calls that it happens to.

    Calls match by `operation` (None: all of them), and, for listings, by the wire's `page` number and by `brief`.
    Of the calls that match, counted from 1, it happens to:

    - all of them, at most `times` times, when neither `at` nor `every` is given;
    - number `at` and the ones behind it, `times` (1) in all;
    - every `every`-th, at most `times` times.

    Raises `ValueError` for an unknown operation or a count below 1.
    """

    action: Action
    operation: str | None = field(default=None, kw_only=True)
    at: int | None = field(default=None, kw_only=True)
    every: int | None = field(default=None, kw_only=True)
    times: int | None = field(default=None, kw_only=True)
    page: int | None = field(default=None, kw_only=True)
    brief: int | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Refuse what could never fire."""
        if self.operation is not None and self.operation not in OPERATIONS:
            raise ValueError(f"operation must be one of {', '.join(OPERATIONS)}, not {self.operation!r}")
        if not isinstance(self.action, Action):
            raise ValueError(f"action must be one of the fault actions, not {self.action!r}")  # noqa: TRY004
        for name, value in (("at", self.at), ("every", self.every), ("times", self.times)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value!r}")
        if self.at is not None and self.every is not None:
            raise ValueError("at and every exclude each other")

    def matches(self, call: Call, page_base: int) -> bool:
        """Whether a call counts for this fault."""
        return (
            self.operation in {None, call.operation}
            and (self.brief is None or (call.operation == "brief_results" and call.subject == str(self.brief)))
            and (self.page is None or call.query.get("page", str(page_base)) == str(self.page))
        )

    def due(self, seen: int, fired: int) -> bool:
        """Whether it happens to the `seen`-th matching call, having happened `fired` times before."""
        if self.at is not None:
            return self.at <= seen < self.at + (self.times or 1)
        return seen % (self.every or 1) == 0 and (self.times is None or fired < self.times)


@define
class _Armed:
    fault: Fault
    seen: int = 0
    fired: int = 0


@frozen
class Actions:
    """What happens to one call."""

    before: tuple[BeforeAction, ...] = ()
    answer: AnswerAction | None = None
    delivery: DeliveryAction | None = None


NO_ACTIONS: Final = Actions()


class FaultPlan:
    """The faults of one sandbox, with their counts."""

    def __init__(self, faults: Iterable[Fault], *, page_base: int) -> None:
        """Arm the faults; their order decides between two that want the same answer."""
        self._armed = [_Armed(fault) for fault in faults]
        self._page_base = page_base

    def add(self, fault: Fault) -> None:
        """Arm one more; it counts calls from now on."""
        self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """Forget all of them."""
        self._armed.clear()

    def meet(self, call: Call) -> Actions:
        """Count a call, and say what happens to it."""
        if not self._armed:
            return NO_ACTIONS
        before: list[BeforeAction] = []
        answer: AnswerAction | None = None
        delivery: DeliveryAction | None = None
        for armed in self._armed:
            if not armed.fault.matches(call, self._page_base):
                continue
            armed.seen += 1
            if not armed.fault.due(armed.seen, armed.fired):
                continue
            armed.fired += 1
            action = armed.fault.action
            if isinstance(action, BeforeAction):
                before.append(action)
            elif isinstance(action, AnswerAction):
                answer = answer or action
            else:
                delivery = delivery or action
        return Actions(tuple(before), answer, delivery)
