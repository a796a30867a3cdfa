"""What can go wrong with work made of many calls: walks, logins, exports, syncs."""

from collections.abc import Sequence
from typing import Final

from ._base import AIShootError

_LISTED: Final = 20


class PagingError(AIShootError):
    """A listing cannot be known to be complete."""


class PagingLoopError(PagingError):
    """The service gives the same page again and again."""


class DriftError(PagingError):
    """The listing changed while it was walked, and the walk was told to raise."""


class UnstableListingError(PagingError):
    """A strict walk did not see the same rows twice, however often it walked; or a listing has no end in sight."""


class AuthError(AIShootError):
    """Logging in, or staying so, failed."""


class LoginRequiredError(AuthError):
    """There is nothing to log in with."""


class LoginRejectedError(AuthError):
    """The auth server refused: denied, expired or revoked."""


class JobError(AIShootError):
    """A bulk job, such as an export, cannot go on."""


class ExportError(JobError):
    """An export cannot go on."""


class SyncError(AIShootError):
    """A sync cannot go on."""


class CatalogError(SyncError):
    """A row of the catalog cannot be right, or several cannot.

    Attributes:
        line: the row's line in the file, from 1; ``None`` where there is no file. Of several, the first's.
        field: the field at fault; ``None`` where it is the whole row. Of several, the first's.
        key: the row's key, where it has one. Of several, the first's.
        problems: each of the problems as an error of its own; of such a one, itself.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        field: str | None = None,
        key: str | None = None,
        problems: "Sequence[CatalogError]" = (),
    ) -> None:
        """Say which row, and which field."""
        super().__init__(message)
        self.line = line
        self.field = field
        self.key = key
        self._problems = tuple(problems)

    @property
    def problems(self) -> "tuple[CatalogError, ...]":
        """Each of the problems as an error of its own; of such a one, itself."""
        return self._problems or (self,)

    @classmethod
    def of(cls, problems: "Sequence[CatalogError]") -> "CatalogError":
        """Make one error of several; its message lists the first twenty, and counts the rest."""
        if len(problems) == 1:
            return problems[0]
        listed = [str(problem) for problem in problems[:_LISTED]]
        if len(problems) > _LISTED:
            listed.append(f"and {len(problems) - _LISTED} more")
        lines = "".join(f"\n  {line}" for line in listed)
        first = problems[0]
        return cls(
            f"{len(problems)} problems with the catalog; nothing was done:{lines}",
            line=first.line,
            field=first.field,
            key=first.key,
            problems=problems,
        )


class LockedError(AIShootError):
    """Another process holds the file."""
