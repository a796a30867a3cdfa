"""Pure: parse the text of a destination: a path of this machine, or the URL of an object store."""

import os
import re
from collections.abc import Sequence
from typing import Final, cast

import attrs

from ...errors import RequestValidationError
from ...validation import path_text

_CANONICAL: Final = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gs",
    "gcs": "gs",
    "az": "az",
    "azure": "az",
    "abfs": "az",
    "abfss": "az",
}
"""The schemes of object stores, and what each is another name of."""
_SCHEME: Final = re.compile(rf"({'|'.join(_CANONICAL)}):", re.IGNORECASE)
_ANY_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:/*+")
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CONTAINER: Final = re.compile(r"([$A-Za-z0-9][A-Za-z0-9-]*)(?:@(([A-Za-z0-9-]+)\.[A-Za-z0-9.-]+))?")
# What obstore takes in no key, and what XML, in which stores list and delete keys, cannot hold.
_IN_NO_KEY: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@attrs.frozen(kw_only=True)
class StoreUrl:
    """The URL of a prefix or an object. The key is what stands there: nothing in it is decoded.

    Attributes:
        text: as the user wrote it.
        scheme: the usual name of the scheme: ``s3``, ``gs`` or ``az``.
        bucket: the bucket or container.
        account: of Azure, where the URL names it; ``None`` otherwise.
        root: a URL of the bucket that obstore takes.
        key: without a slash at its end; empty for all of the bucket.
        file_name: the key's last segment; empty where the URL ends in a slash.
    """

    text: str
    scheme: str
    bucket: str
    account: str | None = None
    root: str
    key: str
    file_name: str

    def spellings(self, *, is_single: bool, is_file_name: bool, account: str | None) -> Sequence[str]:
        """Return the names of the place: first that of all its spellings, then those in earlier releases' journals.

        Args:
            is_single: it is an object, not a prefix.
            is_file_name: a URL of that name without a slash at its end would be an object.
            account: of Azure, from wherever it is known.
        """
        at = "" if account is None else f"@{account.lower()}"
        ends = ("",) if is_single else ("/",) if is_file_name else ("", "/")
        path = f"/{self.key}" if self.key else ""
        schemes = ("s3", "s3a") if self.scheme == "s3" else (self.scheme,)
        earlier = [f"{scheme}://{self.bucket}{path}{end}" for scheme in schemes for end in ends]
        return (f"{self.scheme}://{self.bucket}{at}{path}{ends[0]}", *earlier)


@attrs.frozen(kw_only=True)
class ParsedDestination:
    """A destination, as its text has it.

    Attributes:
        text: as the user wrote it.
        url: of an object store; ``None`` for a path of this machine.
    """

    text: str
    url: StoreUrl | None = None

    @property
    def file_name(self) -> str:
        """What says the format, if it is a file's name; empty where a slash at the end says that it is a folder."""
        return self.text.rpartition("/")[2] if self.url is None else self.url.file_name

    @property
    def last_segment(self) -> str:
        """The last part of the name, even where a slash stands behind it."""
        return (self.text.rstrip("/") if self.url is None else self.url.key).rpartition("/")[2]


def parse_destination(given: str | os.PathLike[str]) -> ParsedDestination:
    """Read what a user names as the destination.

    Raises:
        RequestValidationError: it is neither a path nor a URL of a store, or holds what no name or key can hold.
    """
    text = _text(given)
    if is_store_url(text):
        return ParsedDestination(text=text, url=parse_store_url(text))
    if "://" in text:
        raise _refusal(f"{without_password(text)} is no s3://, gs:// or az:// URL")
    if text == "-":
        raise _refusal(
            "- would be stdout, to which no export can be written, as it goes on where an earlier one stood; at the "
            "command line, results list and skus list print to it"
        )
    refuse_tilde(text, field="destination")
    return ParsedDestination(text=text)


def is_store_url(text: str) -> bool:
    """Tell whether a destination is meant for an object store."""
    return _SCHEME.match(text) is not None


def refuse_tilde(path: str, *, field: str) -> None:
    """Refuse a path that a shell would have begun with a home folder.

    Raises:
        RequestValidationError: it is one. Without this a folder called ``~`` would be made.
    """
    if path.partition("/")[0] == "~" or os.path.expanduser(path) != path:  # noqa: PTH111  # a ~ within stays
        raise RequestValidationError(
            f"{path} begins with ~, which a shell replaces by a home folder, and nobody has done so: name the folder, "
            f"or begin with ./~ for a name that has it",
            field=field,
        )


def parse_store_url(text: str) -> StoreUrl:
    """Read the URL of an object store.

    Raises:
        RequestValidationError: it names no bucket, or no key that a store keeps as it stands there.
    """
    scheme, _, rest = text.partition(":")
    if not rest.startswith("//"):
        raise _refusal(
            f"{without_password(text)} has not the two slashes of {scheme}://, one of which pathlib takes away: name "
            f"it as text"
        )
    canonical = _CANONICAL[scheme.lower()]
    authority, _, path = rest[2:].partition("/")
    found = (_CONTAINER if canonical == "az" else _BUCKET).fullmatch(authority)
    if found is None:
        # Not shown: there may be a password in it.
        raise _refusal(f"{scheme}:// must be followed by the name of a bucket alone, and a slash before anything else")
    key = path.removesuffix("/")
    _check_key(key, text, canonical)
    return StoreUrl(
        text=text,
        scheme=canonical,
        bucket=found[1] if canonical == "az" else authority,
        account=found[3] if canonical == "az" else None,
        root=f"{'gs' if canonical == 'gs' else scheme.lower()}://{authority}",
        key=key,
        file_name=path.rpartition("/")[2],
    )


def _check_key(key: str, text: str, scheme: str) -> None:
    segments = key.split("/") if key else []
    if "" in segments:
        raise _refusal(f"{text} has two slashes where one should be: no key of an empty segment can be written")
    if not {".", ".."}.isdisjoint(segments):
        raise _refusal(f"{text} has a segment . or .., which stores do not resolve: name the key itself")
    if _IN_NO_KEY.search(key):
        raise _refusal(f"{text!r} holds a character that no key can hold")
    if scheme == "az" and ("\\" in key or any(segment.endswith(".") for segment in segments)):
        raise _refusal(f"{text} holds a \\, or a dot at the end of a segment, which Azure does not keep as they are")


def without_password(text: str) -> str:
    """Take out of a text that is no URL of ours, but perhaps somebody's, what may be a password or a signature."""
    scheme = _ANY_SCHEME.match(text)
    begins = scheme.end() if scheme else 0
    # Whatever stands before the last @ may belong to a password; only then is looked for where a query begins.
    user, at, rest = text[begins:].rpartition("@")
    return text[:begins] + ("[hidden]@" if at and (scheme or ":" in user) else user + at) + rest.partition("?")[0]


def _text(given: object) -> str:
    if (text := path_text(given)) is None:
        shown = without_password(str(cast("object", given))) if isinstance(given, str | os.PathLike) else given
        raise _refusal(f"destination must be a path or a URL, not {shown!r}")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise _refusal(f"no file can be called {without_password(text)!r}") from None
    return text


def _refusal(problem: str) -> RequestValidationError:
    return RequestValidationError(problem, field="destination")
