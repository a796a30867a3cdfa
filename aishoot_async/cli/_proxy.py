"""Which proxy requests go through: the one that is named, or the environment's, as with curl and pip; never netrc's."""

import os
from typing import Final
from urllib.parse import urlsplit

from aishoot_async import ConfigurationError
from aishoot_async.config import is_loopback, parse_proxy

NONE: Final = "none"
_ENVIRONMENT: Final = "environment"


def proxy_for(named: str | None, url: str | None, variable: str) -> str | None:
    """Return what a session takes as its ``proxy``: a server on this machine is reached without any.

    Args:
        named: what ``--proxy`` says.
        url: the server that an option names.
        variable: the variable that names the server where no option does.
    """
    if named == NONE or _is_local(url or os.environ.get(variable) or ""):
        return None
    return _ENVIRONMENT if named is None else _with_scheme(named)


def _with_scheme(named: str) -> str | None:
    """Read ``proxy.example:3128`` too, as it is often written.

    Raises:
        ConfigurationError: it is no proxy's URL; it may hold a password, so it is not shown.
    """
    try:
        return parse_proxy(named if "://" in named else f"http://{named}")
    except ConfigurationError:
        msg = "--proxy must be an http:// or https:// URL, or none"
    raise ConfigurationError(msg)


def _is_local(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:  # the session says what is wrong with it
        return False
