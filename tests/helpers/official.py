"""The official synchronous client's way with its credential file, written anew from how that behaves."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class OfficialCredentials:
    """Takes exactly these fields: one that is missing, or one more, is a TypeError."""

    access_token: str
    refresh_token: str
    scope: str
    expires_in: int
    token_type: str
    expires_at: int | None = None

    def __post_init__(self) -> None:
        if self.expires_at is None:
            self.expires_at = self.expires_in + int(time.time())


def official_read(path: Path) -> OfficialCredentials:
    with path.open() as file:
        return OfficialCredentials(**json.load(file))


def official_write(path: Path, access: str, refresh: str, *, expires_in: int = 86_400) -> None:
    """Write it as that client does: straight into the file, readable by all."""
    credentials = OfficialCredentials(access, refresh, "offline_access", expires_in, "Bearer")
    with path.open("w") as file:
        json.dump(asdict(credentials), file, indent=4)
