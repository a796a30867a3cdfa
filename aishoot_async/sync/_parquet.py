"""pyarrow, which is an extra: imported only where Parquet is asked for."""

from importlib import import_module
from typing import Any, Final

from ..errors import ConfigurationError


def _load(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        msg = "a catalog in Parquet needs pyarrow: pip install 'aishoot-async[data]'"
        raise ConfigurationError(msg) from error


# Neither is typed.
pa: Final[Any] = _load("pyarrow")
pq: Final[Any] = _load("pyarrow.parquet")
