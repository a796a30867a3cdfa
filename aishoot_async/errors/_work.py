"""What can go wrong with work made of many calls: walks, logins, exports, syncs."""

from ._base import AIShootError


class PagingError(AIShootError):
    """A listing cannot be known to be complete."""


class PagingLoopError(PagingError):
    """The service gives the same page again and again."""


class DriftError(PagingError):
    """The listing changed while it was walked, and the walk was told to raise."""


class UnstableListingError(PagingError):
    """A strict walk did not see the same rows twice, however often it walked."""


class AuthError(AIShootError):
    """Logging in, or staying so, failed."""


class LoginRequiredError(AuthError):
    """There is nothing to log in with."""


class LoginRejectedError(AuthError):
    """The auth server refused: denied, expired or revoked."""


class ExportError(AIShootError):
    """An export cannot go on."""


class SyncError(AIShootError):
    """A sync cannot go on."""


class CatalogError(SyncError):
    """A row of the catalog cannot be right.

    Attributes:
        line: the row's line in the file, from 1; ``None`` where there is no file.
        field: the field at fault; ``None`` where it is the whole row.
    """

    def __init__(self, message: str, *, line: int | None = None, field: str | None = None) -> None:
        """Say which row, and which field."""
        super().__init__(message)
        self.line = line
        self.field = field


class LockedError(AIShootError):
    """Another process holds the file."""
