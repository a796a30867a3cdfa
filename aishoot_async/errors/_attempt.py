"""What one attempt of a call came to: the ledger that errors and hooks carry."""

from typing import Literal

import attrs


@attrs.frozen(kw_only=True)
class Attempt:
    """One attempt of a call. It never holds a token.

    Attributes:
        number: 1 for the first attempt.
        sent: ``"no"`` when no connection was obtained, ``"maybe"`` when one was and no answer came, ``"yes"`` with an
            answer.
        status: the HTTP status; ``None`` without an answer.
        error: the name of what went wrong on the way; ``None`` with an answer.
        elapsed: seconds that the attempt took.
        wait: seconds waited before the next attempt; 0.0 on the last.
        request_id: what the service calls this request, if it says so.
    """

    number: int
    sent: Literal["yes", "maybe", "no"]
    status: int | None = None
    error: str | None = None
    elapsed: float = 0.0
    wait: float = 0.0
    request_id: str | None = None

    @property
    def may_have_happened(self) -> bool:
        """Whether the service may have done what it asked for, without saying so."""
        return self.sent == "maybe" or (self.status is not None and self.status >= 500)  # noqa: PLR2004
