"""The error tree, and that every error survives a pickle."""

import copy
import pickle

import pytest

from aishoot_async import errors
from aishoot_async.errors import (
    AIShootError,
    AmbiguousWriteError,
    APIStatusError,
    Attempt,
    CallTimeoutError,
    CatalogError,
    Cursor,
    RequestValidationError,
    TransportError,
    UnexpectedResponseError,
)

PARENTS = {
    "ConfigurationError": ("AIShootError", ValueError),
    "RequestValidationError": ("AIShootError", ValueError),
    "SessionClosedError": ("AIShootError",),
    "WrongLoopError": ("AIShootError",),
    "TransportError": ("AIShootError",),
    "ConnectError": ("TransportError",),
    "CallTimeoutError": ("TransportError", TimeoutError),
    "ResponseTooLargeError": ("TransportError",),
    "APIStatusError": ("AIShootError",),
    "BadRequestError": ("APIStatusError",),
    "AuthenticationError": ("APIStatusError",),
    "PermissionDeniedError": ("APIStatusError",),
    "NotFoundError": ("APIStatusError",),
    "ConflictError": ("APIStatusError",),
    "UnprocessableError": ("APIStatusError",),
    "RateLimitedError": ("APIStatusError",),
    "ServerError": ("APIStatusError",),
    "AmbiguousWriteError": ("AIShootError",),
    "UnexpectedResponseError": ("AIShootError",),
    "PagingError": ("AIShootError",),
    "PagingLoopError": ("PagingError",),
    "DriftError": ("PagingError",),
    "UnstableListingError": ("PagingError",),
    "AuthError": ("AIShootError",),
    "LoginRequiredError": ("AuthError",),
    "LoginRejectedError": ("AuthError",),
    "JobError": ("AIShootError",),
    "ExportError": ("JobError",),
    "SyncError": ("AIShootError",),
    "CatalogError": ("SyncError",),
    "LockedError": ("AIShootError",),
}
ATTEMPT = Attempt(number=1, sent="maybe", error="TransportError", elapsed=0.5, wait=0.1, request_id="r")


def test_the_tree_is_as_drawn() -> None:
    for name, parents in PARENTS.items():
        wanted = tuple(getattr(errors, parent) if isinstance(parent, str) else parent for parent in parents)
        assert getattr(errors, name).__bases__ == wanted
        assert f"{name} " in (errors.__doc__ or "").replace("\n", " ")


def test_no_error_is_left_out() -> None:
    found = {name for name in errors.__all__ if name.endswith("Error")}
    assert found == {"AIShootError", *PARENTS}


def make(kind: type[AIShootError]) -> AIShootError:  # noqa: PLR0911  # one for each kind of constructor
    if issubclass(kind, APIStatusError):
        return kind(
            418,
            method="PUT",
            path="/p",
            error="Teapot",
            message="short and stout",
            timestamp="now",
            request_id="r-1",
            body=b"{}",
            retry_after=1.5,
            attempts=[ATTEMPT],
            synthetic=True,
        )
    if issubclass(kind, TransportError):
        return kind("lost", maybe_sent=False, attempts=[ATTEMPT])
    if issubclass(kind, AmbiguousWriteError):
        return kind("perhaps", cause=TransportError("lost", attempts=[ATTEMPT]))
    if issubclass(kind, UnexpectedResponseError):
        return kind("no object", where="a[1]", keys=["x", "y"], body=b"[]", attempts=[ATTEMPT])
    if issubclass(kind, CatalogError):
        return kind("blank", line=3, field="name")
    if issubclass(kind, RequestValidationError):
        return kind("blank", field="name")
    return kind("so it is")


def state(error: AIShootError) -> dict[str, object]:
    # A cause is an error itself, which has no equality.
    return {name: (repr(value), str(value)) for name, value in vars(error).items()}


@pytest.mark.parametrize("name", ["AIShootError", *PARENTS])
@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_every_error_survives_copying_and_pickling(name: str, way) -> None:
    error = make(getattr(errors, name))
    error.cursor = Cursor(3, 20, 100)
    error.add_note("seen at night")
    again = way(error)
    assert type(again) is type(error)
    assert (str(again), repr(again), again.args) == (str(error), repr(error), error.args)
    assert state(again) == state(error)
    assert again.cursor == Cursor(3, 20, 100)
    assert again.__notes__ == ["seen at night"]


def test_an_error_has_no_cursor_outside_a_walk() -> None:
    assert AIShootError("x").cursor is None


def test_the_cause_of_an_ambiguous_write_survives_with_its_attempts() -> None:
    again = pickle.loads(pickle.dumps(make(AmbiguousWriteError)))
    assert isinstance(again.cause, TransportError)
    assert again.attempts == (ATTEMPT,)
    assert AmbiguousWriteError("x", cause=AIShootError("y")).attempts == ()


def test_what_the_messages_say() -> None:
    status = make(errors.NotFoundError)
    assert str(status) == "PUT /p answered 418 (Teapot: short and stout) [request r-1]"
    assert str(errors.NotFoundError(404, method="GET", path="/q")) == "GET /q answered 404"
    assert str(make(UnexpectedResponseError)) == "a[1]: no object; its keys are x, y"
    assert isinstance(CallTimeoutError("x"), OSError)
    assert CallTimeoutError("x").maybe_sent is True
