"""How a listing is walked, as its caller has it."""

from typing import Final, Literal, get_args

import attrs

from ..calls import CallOptions
from ..errors import ConfigurationError, Cursor
from ..validation import check_bool, check_choice, check_int, check_seconds
from ._listing import EndpointMemory

USUAL_SIZE: Final = 100
DOCUMENTED_SIZE: Final = 20
BEGINNING: Final = -1
"""The page of a cursor that was taken before the page base was known."""
OnDrift = Literal["warn", "raise", "ignore"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Plan:
    """How a pager is walked; checked when it is made.

    Attributes:
        start: where to begin; ``None`` for the first page, whatever its number.
        page_size: items a page to ask for; ``None`` for 100, or 20 where the API refuses that.
        prefetch: pages in flight or ready at most.
        on_drift: what to do when the listing is seen to change.
        strict: whether to pass over the listing until two passes agree, before anything is given.
        patience: seconds for which an outage is ridden out.
    """

    start: Cursor | int | None
    page_size: int | None
    prefetch: int
    on_drift: OnDrift
    strict: bool
    patience: float = 0.0

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be walked.

        Raises:
            ConfigurationError: a value is out of range, or contradicts the cursor.
        """
        if self.page_size is not None:
            check_int("page_size", self.page_size, 1, Cursor.MAX_NUMBER)
        check_int("prefetch", self.prefetch, 1)
        check_seconds("patience", self.patience)
        check_choice("on_drift", self.on_drift, get_args(OnDrift))
        check_bool("strict", self.strict)
        if isinstance(self.start, Cursor):
            if self.page_size not in {None, self.start.page_size}:
                msg = f"page_size={self.page_size} contradicts the cursor, which counts {self.start.page_size} a page"
                raise ConfigurationError(msg)
        elif self.start is not None:
            check_int("start", self.start, 0, Cursor.MAX_NUMBER)

    def first_size(self, memory: EndpointMemory) -> int:
        """Give the page size to ask for first."""
        if isinstance(self.start, Cursor):
            return self.start.page_size
        if self.page_size is not None:
            return self.page_size
        return DOCUMENTED_SIZE if memory.refuses_100 else USUAL_SIZE

    def up_to(self, items: int, memory: EndpointMemory) -> "Plan":
        """Give the plan of a walk that is left after so many items: more pages at once would be fetched in vain."""
        if self.strict:
            # It reads all there is, so it may as well be quick about it.
            return self
        return attrs.evolve(self, prefetch=min(self.prefetch, -(-items // self.first_size(memory))))

    @property
    def call_options(self) -> CallOptions:
        """How the walk's calls stand beside others; one page after the other is no more than a single call."""
        return CallOptions(lane="single" if self.prefetch == 1 else "walk", patience=self.patience)
