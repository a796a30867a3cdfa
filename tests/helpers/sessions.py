"""Sessions for tests: quick to repeat, and with a token that is easy to find."""

from typing import Any

from aishoot_async import AIShootSession, RetryPolicy

TOKEN = "tok-3cf1b6a9.e0d24f7c8b5a_SECRET"
QUICK = RetryPolicy(attempts=3, backoff=0.001, backoff_max=0.01)


def session_for(server: Any, auth: Any = TOKEN, **settings: Any) -> AIShootSession:
    """Make a session with a server's API."""
    settings.setdefault("retry", QUICK)
    settings.setdefault("base_url", server.url)
    return AIShootSession(auth, auth_url=server.url, **settings)
