"""Settings of a session: checked when they are made, never changed after."""

import ipaddress
from typing import Any, Final

import attrs
from yarl import URL

from .errors import ConfigurationError
from .validation import check_int, check_positive

DEFAULT_BASE_URL: Final = "https://api.autoretouch.com"
DEFAULT_AUTH_URL: Final = "https://auth.autoretouch.com"
_LAST_PORT: Final = 65535


def _positive(owner: object, field: "attrs.Attribute[Any]", value: object) -> None:
    check_positive(f"{type(owner).__name__}.{field.name}", value)


def _count(owner: object, field: "attrs.Attribute[Any]", value: object) -> None:
    check_int(f"{type(owner).__name__}.{field.name}", value, 1)


def _positive_or_none(owner: object, field: "attrs.Attribute[Any]", value: object) -> None:
    if value is not None:
        _positive(owner, field, value)


@attrs.frozen(kw_only=True)
class Timeouts:
    """How long to wait for what, in seconds; ``None`` waits without end.

    Attributes:
        connect: for name look-up, connection and TLS handshake of one attempt.
        read: for the next bytes of an answer.
        call: one deadline over all attempts of a call, bodies and waits included, from its admission on. Each part
            of an image that the service takes puts it off by the time it took: late is an upload that stands still.
        pool: for admission, while as many requests as `Limits` allows are on their way. Without end by default: each
            of those is bounded by ``call``, so waiting always makes headway.

    Raises:
        ConfigurationError: a value is not a positive number.
    """

    connect: float | None = attrs.field(default=10.0, validator=_positive_or_none)
    read: float | None = attrs.field(default=60.0, validator=_positive_or_none)
    call: float | None = attrs.field(default=180.0, validator=_positive_or_none)
    pool: float | None = attrs.field(default=None, validator=_positive_or_none)


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """When and how often a call that may be repeated is repeated.

    Attributes:
        attempts: how often a request is sent at most; 1 never repeats.
        backoff: seconds; the wait before attempt n is drawn from 0 to ``backoff * 2 ** (n - 2)`` (full jitter).
        backoff_max: seconds; the longest such wait, and the longest ``Retry-After`` that is heeded.
        budget: how many repetitions all calls of a session together may spend while the service does not answer; what
            it answers fills the budget again.

    Raises:
        ConfigurationError: a value is out of range.
    """

    attempts: int = attrs.field(default=4, validator=_count)
    backoff: float = attrs.field(default=0.5, validator=_positive)
    backoff_max: float = attrs.field(default=30.0, validator=_positive)
    budget: int = attrs.field(default=100, validator=_count)


def _in_flight_default(limits: "Limits") -> int:
    # Defaults are made before anything is checked, so this may be no number; the check of ``connections`` says so.
    connections: object = limits.connections
    return min(64, connections) if isinstance(connections, int) else 64


@attrs.frozen(kw_only=True)
class Limits:
    """How much of the network and of memory a session takes.

    Attributes:
        connections: open connections to the API at most; one more is for the auth server.
        in_flight: requests on their way at most; never more than ``connections``, so that none waits in the pool. The
            session takes fewer by itself while the service refuses some (429, 503) or answers too late.
        rate: requests a second at most; ``None`` for no such limit.
        response_bytes: the largest answer, in bytes once decompressed.

    Raises:
        ConfigurationError: a value is out of range, or ``in_flight`` exceeds ``connections``.
    """

    connections: int = attrs.field(default=100, validator=_count)
    in_flight: int = attrs.field(default=attrs.Factory(_in_flight_default, takes_self=True), validator=_count)
    rate: float | None = attrs.field(default=None, validator=_positive_or_none)
    response_bytes: int = attrs.field(default=64 * 1024 * 1024, validator=_count)

    def __attrs_post_init__(self) -> None:
        """Refuse a limit that could make a request wait in the pool while it counts as on its way."""
        if self.in_flight > self.connections:
            msg = f"Limits.in_flight ({self.in_flight}) must not exceed Limits.connections ({self.connections})"
            raise ConfigurationError(msg)


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _url_text(name: str, text: object) -> str:
    """Accept a text that can be read as a URL. It may hold a password, so nothing of it is shown."""
    if isinstance(text, str):
        if text and text == text.strip() and text.isprintable():
            return text
        problem = "is empty" if not text else "holds a blank, a line break or a control character, perhaps at its end"
    else:
        problem = f"is of type {type(text).__name__}, and no string"
    msg = f"{name} must be a URL such as {DEFAULT_BASE_URL}; this {problem}"
    raise ConfigurationError(msg)


def parse_origin(name: str, text: object, *, insecure_http: bool = False) -> URL:
    """Read the URL that requests are sent below, in the spelling that `canonical_url` gives it.

    Raises:
        ConfigurationError: it is no absolute HTTP URL, carries what does not belong there, or is ``http`` off loopback.
    """
    text = _url_text(name, text)
    try:
        url = URL(text)
        host, port = url.host, url.port
    except ValueError:
        url, host, port = URL(), None, None
    if url.scheme not in {"http", "https"} or not host or port is None or not 0 < port <= _LAST_PORT:
        # The text may hold a password, so it is not shown.
        msg = f"{name} is no absolute http:// or https:// URL"
        raise ConfigurationError(msg)
    if url.user is not None or url.password is not None or url.query_string or url.fragment or {"?", "#"} & {*text}:
        msg = f"{name} must hold neither a user, nor a password, a query or a fragment"
        raise ConfigurationError(msg)
    if url.scheme == "http" and not insecure_http and not is_loopback(host):
        msg = (
            f"{name} is http:// off this machine, which would show the token to the network; "
            f"use https://, or insecure_http=True"
        )
        raise ConfigurationError(msg)
    return URL(canonical_url(text))


def canonical_url(text: str) -> str:
    """Return a base URL in the one spelling by which services are compared.

    Upper case in the host, the scheme's own port and slashes at the end make no other service. What is no URL stays as
    it is.
    """
    try:
        return str(URL(text)).rstrip("/")
    except ValueError:
        return text


def parse_proxy(text: object) -> str | None:
    """Check the ``proxy`` setting: ``None``, ``"environment"`` or a URL (it may hold a user and a password).

    Raises:
        ConfigurationError: it is none of these.
    """
    if text is None:
        return None
    if text == "environment":
        return "environment"
    if isinstance(text, str) and text.isprintable():
        try:
            url = URL(text)
            if url.scheme in {"http", "https"} and url.host and url.port:
                return text
        except ValueError:
            pass
    # Not shown: there may be a password in it.
    msg = 'proxy must be an http:// or https:// URL, or "environment"'
    raise ConfigurationError(msg)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class SessionSettings:
    """What another session needs to be like this one, but for its token."""

    timeouts: Timeouts
    retry: RetryPolicy
    limits: Limits
    proxy: str | None
    """It may hold a password."""
    has_own_tls: bool
