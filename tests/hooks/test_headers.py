"""Which headers a hook shows, and how."""

import pytest

from aishoot_async import ConfigurationError
from aishoot_async.hooks import DEFAULT_ALLOW_LIST, LoggingHook, OpenTelemetryHook
from aishoot_async.hooks._headers import allow_list, allowed


def test_names_of_any_case_and_every_value_of_one():
    headers = [("X-MANY", "1"), ("Server", "s"), ("x-many", "2"), ("Other", "o")]

    class Several(dict):
        def items(self):
            return headers

    assert allowed(Several(), allow_list(["x-Many", "SERVER"])) == {"x-many": ["1", "2"], "server": ["s"]}
    assert allowed({}, allow_list(DEFAULT_ALLOW_LIST)) == {}


@pytest.mark.parametrize(
    "headers", ["Server", b"Server", None, 7, [""], [7], ["*"], ["X-*"], ["a b"], ["a\r\nb"], [["Server"]]]
)
@pytest.mark.parametrize("kind", [LoggingHook, OpenTelemetryHook])
def test_what_are_no_names_of_headers(kind, headers):
    with pytest.raises(ConfigurationError, match="headers must be"):
        kind(headers=headers)


@pytest.mark.parametrize(
    "name",
    ["Authorization", "cookie", "Set-Cookie", "SET-COOKIE2", "Proxy-Authorization", "proxy-authenticate"],
)
@pytest.mark.parametrize("kind", [LoggingHook, OpenTelemetryHook])
def test_headers_that_carry_credentials_cannot_be_named(kind, name):
    with pytest.raises(ConfigurationError, match=f"the header {name} carries credentials"):
        kind(headers=["Server", name])
