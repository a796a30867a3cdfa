"""Tokens: where they come from, and how they stay hidden."""

from ..secret import Secret, scrub_bytes, scrub_error, scrub_text
from ._source import StaticToken, TokenSource, token_source

__all__ = ["Secret", "StaticToken", "TokenSource", "scrub_bytes", "scrub_error", "scrub_text", "token_source"]
